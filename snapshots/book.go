package snapshots

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Book is a Store over a Table. Every write of it is a comparison of checksums and a swap, so that
// one rule covers all rivals: whoever wrote in between is noticed, whatever was written.
type Book struct{ table Table }

// NewBook keeps snapshots in the table.
func NewBook(table Table) *Book { return &Book{table} }

// Table is where the book is kept.
func (b *Book) Table() Table { return b.table }

// Where names the table for humans.
func (b *Book) Where() string { return b.table.Where() }

// get reads one record.
func (b *Book) get(ctx context.Context, key Key) (record *Record, err error) {
	err = again(ctx, key.String(), func() (err error) {
		record, err = b.table.Get(ctx, key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", key, b.Where(), err)
	}
	return record, nil
}

// query reads records of one partition.
func (b *Book) query(ctx context.Context, pk, prefix string, newest int) (records []Record, err error) {
	err = b.each(ctx, pk, prefix, newest, func() func(Record) {
		records = nil
		return func(r Record) { records = append(records, r) }
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// each reads records of one partition one by one. begin is called for each attempt, and gives what takes
// its records.
func (b *Book) each(ctx context.Context, pk, prefix string, newest int, begin func() func(Record)) error {
	err := again(ctx, pk+prefix, func() error { return b.table.Query(ctx, pk, prefix, newest, begin()) })
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", pk, b.Where(), err)
	}
	return nil
}

// commit makes all swaps or none. unsure says that an attempt got no answer: what a Mismatch then
// found may be what that attempt wrote.
func (b *Book) commit(ctx context.Context, swaps []Swap) (unsure bool, err error) {
	seed := swaps[0].Key.String()
	for _, s := range swaps {
		if s.Put == nil {
			continue
		}
		if err := tooLarge(*s.Put); err != nil {
			return false, err
		}
		seed += s.Put.Checksum
	}
	err = again(ctx, seed, func() error {
		err := b.table.Commit(ctx, swaps)
		unsure = unsure || errors.Is(err, ErrUnsure)
		return err
	})
	if mismatch := (*Mismatch)(nil); err != nil && !errors.As(err, &mismatch) {
		err = fmt.Errorf("write %s of %s: %w", swaps[0].Key, b.Where(), err)
	}
	return unsure, err
}

// Live returns the live snapshot of the account, or nil where there is none.
func (b *Book) Live(ctx context.Context, account string) (*Live, error) {
	live, _, err := b.live(ctx, account)
	return live, err
}

func (b *Book) live(ctx context.Context, account string) (*Live, *Record, error) {
	record, err := b.get(ctx, (&Live{Account: account}).name().key())
	if record == nil || err != nil {
		return nil, nil, err
	}
	live, err := b.readLive(*record)
	return live, record, err
}

func (b *Book) readLive(record Record) (*Live, error) {
	live := &Live{}
	if fault := decode(record, live); fault != nil {
		return nil, fmt.Errorf("%s: %w: %w", b.Where(), ErrDamaged, fault)
	}
	return live, nil
}

// AddRegions adds to the regions of the live snapshot; nothing is written when all of it is there.
func (b *Book) AddRegions(ctx context.Context, live *Live, regions []string) error {
	listed := live.Last().Seq
	add := func(l *Live) bool {
		all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(l.Regions, regions))))
		if len(all) == len(l.Regions) && l.RegionsOrder >= listed {
			return false
		}
		l.Regions, l.RegionsOrder = all, max(l.RegionsOrder, listed)
		return true
	}
	next, err := b.change(ctx, live, false, add)
	if err != nil {
		return fmt.Errorf("add regions to snapshot %s: %w", live.Snapshot, err)
	}
	live.Regions, live.RegionsOrder = next.Regions, next.RegionsOrder
	return nil
}

// SetLookAt says when the guard should look next, if the orders are still those of live, which then is
// what is stored.
func (b *Book) SetLookAt(ctx context.Context, live *Live, at time.Time) error {
	next, err := b.change(ctx, live, true, func(l *Live) bool {
		l.LookAt = at.UTC()
		return true
	})
	if err != nil {
		return fmt.Errorf("set the next look at snapshot %s: %w", live.Snapshot, err)
	}
	*live = *next
	return nil
}

// change makes one change to LIVE: first to what the caller believes is stored, then to what is.
// An edit that returns false has nothing to change. sameOrders says that it must not be made when
// orders have been added.
func (b *Book) change(ctx context.Context, live *Live, sameOrders bool, edit func(*Live) bool) (*Live, error) {
	believed, err := encode(live)
	if err != nil {
		return nil, err
	}
	next, checksum := *live, believed.Checksum
	for n := 0; ; n++ {
		if !edit(&next) {
			return &next, nil
		}
		record, err := encode(&next)
		if err != nil {
			return nil, err
		}
		if err := pause(ctx, record.Checksum, n-2); err != nil {
			return nil, err
		}
		_, err = b.commit(ctx, []Swap{{Key: record.Key, If: Condition{Checksum: checksum}, Put: &record}})
		mismatch := (*Mismatch)(nil)
		if !errors.As(err, &mismatch) {
			return &next, err
		}
		found, err := b.stillLive(live, mismatch.Stored[0], sameOrders)
		if err != nil {
			return nil, err
		}
		next, checksum = *found, mismatch.Stored[0].Checksum
		if checksum == record.Checksum {
			return &next, nil // it was written, but its answer lost
		}
	}
}

// stillLive reads what is stored as LIVE, which must be the snapshot that the caller knows, and
// with sameOrders have no other orders.
func (b *Book) stillLive(live *Live, stored *Record, sameOrders bool) (*Live, error) {
	if stored == nil {
		return nil, fmt.Errorf("snapshot %s is not live any more: %w", live.Snapshot, ErrOrders)
	}
	found, err := b.readLive(*stored)
	switch {
	case err != nil:
		return nil, err
	case found.Snapshot != live.Snapshot:
		return nil, fmt.Errorf("snapshot %s is live now: %w", found.Snapshot, ErrOrders)
	case sameOrders && len(found.Orders) != len(live.Orders):
		return nil, fmt.Errorf("there are %d orders, not %d: %w", len(found.Orders), len(live.Orders), ErrOrders)
	}
	return found, nil
}
