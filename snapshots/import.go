package snapshots

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrDifferent: the snapshot is in the store already, otherwise than it is to be imported.
var ErrDifferent = errors.New("other content is stored")

// ErrLive: a snapshot is live, so that none may be imported, and this one not be deleted.
var ErrLive = errors.New("a snapshot is live")

// checkRecords says which of the records do not belong to the snapshot, or are not what they were when
// they were exported.
func checkRecords(account, snapshot string, records []Exported) error {
	if account == "" || snapshot == "" {
		return errors.New("it does not say of which account and snapshot it is")
	}
	outside := []Key{(&Header{Account: account, Snapshot: snapshot}).name().key(), (&Live{Account: account}).name().key()}
	seen := map[Key]bool{}
	for _, x := range records {
		key := x.record().Key
		pk, _ := split(x.PK)
		inside := len(pk) == 3 && x.PK == shardPK(snapshot, pk[2])
		switch damage := x.damage(); {
		case seen[key]:
			return fmt.Errorf("altered: %s is in it twice", key)
		case !inside && !slices.Contains(outside, key):
			return fmt.Errorf("altered: %s is no item of snapshot %s of account %s", key, snapshot, account)
		case damage != "" && x.Damaged == "":
			return fmt.Errorf("altered: %s was not damaged when it was exported: %s", key, damage)
		case damage == "" && x.Damaged != "":
			return fmt.Errorf("altered: %s is said to be damaged (%s), and is not", key, x.Damaged)
		}
		seen[key] = true
	}
	return nil
}

// Import puts records of an exported snapshot into the store, a portion at a time: first those of its
// regions, and with whole, which is of all portions, those that make the snapshot be there. What is
// stored already with the same content stays as it is, so that an import that was cut is made again.
// ErrDifferent where something else is stored, and ErrLive where another snapshot is live.
func (b *Book) Import(ctx context.Context, account, snapshot string, records []Exported, whole *Whole) error {
	if err := b.imports(ctx, account, snapshot, records, whole); err != nil {
		return fmt.Errorf("import snapshot %s of account %s into %s: %w", snapshot, account, b.Where(), err)
	}
	return nil
}

func (b *Book) imports(ctx context.Context, account, snapshot string, records []Exported, whole *Whole) error {
	if err := checkRecords(account, snapshot, records); err != nil {
		return err
	}
	live, err := b.Live(ctx, account)
	if err != nil {
		return err
	}
	if live != nil && live.Snapshot != snapshot {
		return fmt.Errorf("%s: resume it first: %w", live.Snapshot, ErrLive)
	}
	var inside, outside []Record
	for _, x := range records {
		if r := x.record(); r.PK == accountPK(account) {
			outside = append(outside, r)
		} else {
			inside = append(inside, r)
		}
	}
	if whole == nil && len(outside) > 0 {
		return errors.New("header and LIVE belong into the last portion")
	}
	if live != nil { // it is there: a second import changes nothing, also of what is lost since
		if err := b.unchanged(ctx, slices.Concat(inside, outside)); err != nil {
			return err
		}
	}
	for _, batch := range batches(inside, once) {
		if err := b.putOnce(ctx, batch); err != nil {
			return err
		}
	}
	if whole == nil {
		return nil
	}
	if err := b.complete(ctx, account, snapshot, outside, *whole); err != nil {
		return err
	}
	return b.putOnce(ctx, batches(outside, once)[0])
}

// unchanged says whether everything is stored as it would be put.
func (b *Book) unchanged(ctx context.Context, records []Record) error {
	stored := map[Key]Record{}
	read := map[string]bool{}
	for _, r := range records {
		if read[r.PK] {
			continue
		}
		read[r.PK] = true
		found, err := b.query(ctx, r.PK, "", 0)
		if err != nil {
			return err
		}
		for _, f := range freedLeases(found) {
			stored[f.Key] = f
		}
	}
	for _, r := range records {
		if stored[r.Key] != r {
			return fmt.Errorf("it is live there, and has gone on since it was exported (%s): %w", r.Key, ErrDifferent)
		}
	}
	return nil
}

// putOnce puts what is not stored yet, all or nothing. What is stored must be the same.
func (b *Book) putOnce(ctx context.Context, puts []Swap) error {
	return b.commitRest(ctx, puts, func(s Swap, found *Record) error {
		if found == nil || *found != *s.Put {
			return fmt.Errorf("%s: %w", s.Key, ErrDifferent)
		}
		return nil
	})
}

// commitRest commits the swaps, without those whose condition does not hold: of each of these, failed
// says of what was found in its place whether that is an error.
func (b *Book) commitRest(ctx context.Context, swaps []Swap, failed func(s Swap, found *Record) error) error {
	for len(swaps) > 0 {
		_, err := b.commit(ctx, swaps)
		mismatch := (*Mismatch)(nil)
		if !errors.As(err, &mismatch) {
			return err
		}
		var left []Swap
		for i, s := range swaps {
			if found, is := mismatch.found(i); !is {
				left = append(left, s)
			} else if err := failed(s, found); err != nil {
				return err
			}
		}
		swaps = left
	}
	return nil
}

// complete reads back everything that is to be there, and holds it against what was exported: nothing
// makes a snapshot be there of which a portion is missing.
func (b *Book) complete(ctx context.Context, account, snapshot string, outside []Record, whole Whole) error {
	s := Snapshot{Header: Header{Account: account, Snapshot: snapshot}}
	for _, r := range outside {
		if n, _ := parse(r.Key); n.class == liveClass {
			s.readLive(&r)
		} else {
			s.readHeader(&r)
		}
	}
	if len(outside) == 0 {
		return errors.New("it has neither a header nor LIVE")
	}
	all := slices.Clone(outside)
	o, err := s.outer(all)
	if err != nil {
		return err
	}
	for _, region := range o.regions {
		records, err := b.query(ctx, shardPK(snapshot, region), "", 0)
		if err != nil {
			return err
		}
		all = append(all, freedLeases(records)...)
	}
	var are []Exported
	for _, r := range all {
		are = append(are, exported(r))
	}
	slices.SortFunc(are, Exported.compare)
	if is := wholeOf(are); is != whole {
		return fmt.Errorf("%d items are there, and not the %d that were exported: a portion is missing, or something else was there before: %w",
			is.Count, whole.Count, ErrDifferent)
	}
	return nil
}

// maxSwaps is how many items a transaction of DynamoDB takes.
const maxSwaps = 100

// batches cuts records into what one commit takes each, as swaps.
func batches(records []Record, swap func(Record) Swap) [][]Swap {
	var all [][]Swap
	bytes := 0
	for _, r := range records {
		if bytes += r.Size(); len(all) == 0 || len(all[len(all)-1]) == maxSwaps || bytes > MaxBytes {
			all = append(all, nil)
			bytes = r.Size()
		}
		all[len(all)-1] = append(all[len(all)-1], swap(r))
	}
	return all
}

// once puts a record where none is.
func once(r Record) Swap { return Swap{Key: r.Key, If: Condition{Absent: true}, Put: &r} }

// unread removes a record if nobody has written to it since it was read.
func unread(r Record) Swap { return Swap{Key: r.Key, If: Condition{Checksum: r.Checksum}} }
