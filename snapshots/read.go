package snapshots

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
)

// Shard reads everything of one shard.
func (b *Book) Shard(ctx context.Context, account, snapshot, region string) (Shard, error) {
	var a *assembly
	err := b.each(ctx, shardPK(snapshot, region), "", 0, func() func(Record) {
		a = assemble(Lease{Account: account, Snapshot: snapshot, Region: region})
		return a.add
	})
	if err != nil {
		return Shard{}, err
	}
	return a.whole(), nil
}

// Headers lists the account's snapshots, newest first; limit 0 means all.
func (b *Book) Headers(ctx context.Context, account string, limit int) ([]Header, error) {
	records, err := b.query(ctx, accountPK(account), "SNAPSHOT#", max(limit, 0))
	if err != nil {
		return nil, err
	}
	var headers []Header
	for _, record := range records {
		var h Header
		if fault := decode(record, &h); fault != nil {
			n, _ := parse(record.Key)
			h = Header{Account: account, Snapshot: n.snapshot}
		}
		headers = append(headers, h)
	}
	slices.SortStableFunc(headers, func(x, y Header) int { // ids of one second are in no order
		if x.Opened.IsZero() || y.Opened.IsZero() {
			return cmp.Compare(y.Snapshot, x.Snapshot)
		}
		return cmp.Or(y.Opened.Compare(x.Opened), cmp.Compare(y.Snapshot, x.Snapshot))
	})
	return headers, nil
}

// Snapshot reads a whole snapshot, or ErrNoSnapshot.
func (b *Book) Snapshot(ctx context.Context, account, snapshot string) (Snapshot, error) {
	s, shards, err := b.Shards(ctx, account, snapshot)
	if err != nil {
		return Snapshot{}, err
	}
	for shard, err := range shards {
		if err != nil {
			return Snapshot{}, err
		}
		s.Shards = append(s.Shards, shard)
	}
	return s, nil
}

// Shards reads a snapshot without its shards, or ErrNoSnapshot, and then these one by one.
func (b *Book) Shards(ctx context.Context, account, snapshot string) (Snapshot, iter.Seq2[Shard, error], error) {
	s, _, _, err := b.frame(ctx, account, snapshot)
	if err != nil {
		return Snapshot{}, nil, err
	}
	regions := slices.Clone(s.Header.Regions)
	if s.Live != nil {
		regions = append(regions, s.Live.Regions...)
	}
	slices.Sort(regions)
	return s, func(yield func(Shard, error) bool) {
		for _, region := range slices.Compact(regions) {
			shard, err := b.Shard(ctx, account, snapshot, region)
			if !yield(shard, err) || err != nil {
				return
			}
		}
	}, nil
}

// frame reads header and LIVE of a snapshot, or ErrNoSnapshot.
func (b *Book) frame(ctx context.Context, account, snapshot string) (s Snapshot, header, live *Record, err error) {
	s = Snapshot{Header: Header{Account: account, Snapshot: snapshot}}
	if header, err = b.get(ctx, s.Header.name().key()); err != nil {
		return s, nil, nil, err
	}
	if live, err = b.get(ctx, (&Live{Account: account}).name().key()); err != nil {
		return s, nil, nil, err
	}
	s.readLive(live)
	if header == nil && s.Live == nil {
		return s, nil, nil, fmt.Errorf("%s of account %s in %s: %w", snapshot, account, b.Where(), ErrNoSnapshot)
	}
	s.readHeader(header)
	return s, header, live, nil
}

// readLive takes in LIVE, if it is of this snapshot or cannot be read.
func (s *Snapshot) readLive(record *Record) {
	if record == nil {
		return
	}
	var live Live
	if fault := decode(*record, &live); fault != nil {
		s.Faults = append(s.Faults, *fault)
		return
	}
	if live.Snapshot == s.Header.Snapshot {
		s.Live = &live
	}
}

func (s *Snapshot) readHeader(record *Record) {
	if record == nil {
		missing := Record{Key: s.Header.name().key()}
		s.Faults = append(s.Faults, *missing.fault("missing, although the snapshot is live"))
		return
	}
	var header Header
	if fault := decode(*record, &header); fault != nil {
		s.Faults = append(s.Faults, *fault)
		return
	}
	s.Header = header
}
