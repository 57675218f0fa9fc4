package snapshots

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Acquire takes the lease of a shard for owner, if nobody holds it or it is exactly previous.
func (b *Book) Acquire(
	ctx context.Context, live *Live, region, owner string, ttl time.Duration, previous *Lease,
) (Lease, error) {
	if owner == "" {
		return Lease{}, fmt.Errorf("acquire %s: a lease needs an owner", region)
	}
	lease, err := b.acquire(ctx, live, region, owner, ttl, previous)
	if err != nil {
		return lease, fmt.Errorf("acquire %s of snapshot %s: %w", region, live.Snapshot, err)
	}
	return lease, nil
}

func (b *Book) acquire(
	ctx context.Context, live *Live, region, owner string, ttl time.Duration, previous *Lease,
) (Lease, error) {
	next := Lease{
		Snapshot: live.Snapshot, Account: live.Account, Region: region, Owner: owner,
		Generation: 1, End: time.Now().UTC().Add(ttl),
	}
	free := Condition{Absent: true}
	if previous != nil && previous.Closed {
		return *previous, fmt.Errorf("the snapshot has been closed: %w", ErrOrders)
	}
	if previous != nil && previous.Generation > 0 {
		believed, err := encode(previous)
		if err != nil {
			return Lease{}, err
		}
		next.Generation, free = previous.Generation+1, Condition{Checksum: believed.Checksum}
	}
	for n := 0; ; n++ {
		record, err := encode(&next)
		if err != nil {
			return Lease{}, err
		}
		if err := pause(ctx, record.Checksum, n-2); err != nil {
			return Lease{}, err
		}
		_, err = b.commit(ctx, []Swap{{Key: record.Key, If: free, Put: &record}})
		mismatch := (*Mismatch)(nil)
		if !errors.As(err, &mismatch) {
			return next, err
		}
		found := mismatch.Stored[0]
		if found == nil {
			free, next.Generation = Condition{Absent: true}, 1
			continue
		}
		if found.Checksum == record.Checksum {
			return next, nil // it was written, but the answer lost
		}
		held := readLease(*found, next)
		if held.Closed {
			return held, fmt.Errorf("the snapshot has been closed: %w", ErrOrders)
		}
		stoodStill := previous != nil && held == *previous
		if held.Owner != "" && !stoodStill {
			return held, fmt.Errorf("%s holds it: %w", held.Owner, ErrLeaseHeld)
		}
		free, next.Generation = Condition{Checksum: found.Checksum}, held.Generation+1
	}
}

// readLease is the stored lease of a shard. One that cannot be read counts as held by nobody knows
// whom: it is taken over when it has stood still, as that of any holder who is dead.
func readLease(record Record, shard Lease) Lease {
	var held Lease
	if fault := decode(record, &held); fault != nil {
		return Lease{
			Snapshot: shard.Snapshot, Account: shard.Account, Region: shard.Region,
			Owner: "an unreadable lease " + digest(record.Body, record.Checksum)[:12],
		}
	}
	return held
}

// Write writes up to MaxChanges changes and extends the lease in one transaction.
func (b *Book) Write(ctx context.Context, lease *Lease, ttl time.Duration, changes []Change) error {
	if err := b.write(ctx, lease, ttl, changes); err != nil {
		return fmt.Errorf("write %d changes to %s of snapshot %s: %w", len(changes), lease.Region, lease.Snapshot, err)
	}
	return nil
}

func (b *Book) write(ctx context.Context, lease *Lease, ttl time.Duration, changes []Change) error {
	next := *lease
	next.Beat++
	next.End = time.Now().UTC().Add(ttl)
	swaps, err := prepare(lease, &next, changes)
	if err != nil {
		return err
	}
	ctx = killswitch.WithFence(ctx, within(ctx, lease))
	for {
		_, err := b.commit(ctx, swaps)
		mismatch := (*Mismatch)(nil)
		if err == nil {
			*lease = next
			return nil
		}
		if !errors.As(err, &mismatch) {
			return err
		}
		if found, failed := mismatch.found(0); failed {
			if found == nil {
				return fmt.Errorf("its lease has been removed: %w", ErrLeaseLost)
			}
			if found.Checksum != swaps[0].Put.Checksum {
				return fmt.Errorf("%s holds it now: %w", readLease(*found, next).Owner, ErrLeaseLost)
			}
			*lease = next // it was written, but the answer lost
			return nil
		}
		if swaps, err = withoutStored(swaps, mismatch); err != nil {
			return err
		}
	}
}

// lasts says whether the holder may still write, by the wall clock: the monotonic one stands still
// while a Lambda function is frozen.
func (l *Lease) lasts() error {
	if why := l.over(); why != "" {
		return fmt.Errorf("%s: %w", why, ErrLeaseLost)
	}
	return nil
}

// over says why the holder may not write any more; empty while it may.
func (l *Lease) over() string {
	now := time.Now().Round(0)
	switch {
	case l.Owner == "":
		return "the lease has been given back"
	case !now.Before(l.End):
		return fmt.Sprintf("the lease ended %s ago", now.Sub(l.End))
	}
	return ""
}

// within is a fence that ends with the lease, or with the fence that the caller has set.
func within(ctx context.Context, lease *Lease) func() error {
	held := *lease
	return func() error {
		if err := killswitch.Fence(ctx); err != nil {
			return err
		}
		return held.lasts()
	}
}

// prepare makes the swaps of a Write, that of the lease first.
func prepare(lease, next *Lease, changes []Change) ([]Swap, error) {
	if len(changes) > MaxChanges {
		return nil, fmt.Errorf("%d changes are too many: one write takes %d", len(changes), MaxChanges)
	}
	held, err := encode(lease)
	if err != nil {
		return nil, err
	}
	extended, err := encode(next)
	if err != nil {
		return nil, err
	}
	swaps := []Swap{{Key: held.Key, If: Condition{Checksum: held.Checksum}, Put: &extended}}
	taken := map[Key]bool{}
	size := 0
	for i, change := range changes {
		record, err := change.record(next, i)
		if err != nil {
			return nil, err
		}
		if taken[record.Key] {
			return nil, fmt.Errorf("two changes of one write are of %s", record.Key)
		}
		taken[record.Key] = true
		size += record.Size()
		once := change.Original != nil || change.Part != nil
		swaps = append(swaps, Swap{Key: record.Key, If: Condition{Absent: once}, Put: &record})
	}
	if size > MaxBytes {
		return nil, fmt.Errorf("the changes take %d bytes; one write takes %d: write fewer at once", size, MaxBytes)
	}
	return swaps, nil
}

// withoutStored leaves out the originals and parts that are stored already with the same content.
func withoutStored(swaps []Swap, mismatch *Mismatch) ([]Swap, error) {
	var left []Swap
	for i, s := range swaps {
		found, failed := mismatch.found(i)
		switch {
		case !failed:
			left = append(left, s)
		case found == nil:
			return nil, fmt.Errorf("%s is neither stored nor absent", s.Key)
		case !sameContent(*found, *s.Put):
			if fault := readable(*found); fault != nil {
				return nil, fmt.Errorf("%w: %w", ErrExists, fault)
			}
			return nil, fmt.Errorf("%w: %s", ErrExists, s.Key)
		}
	}
	return left, nil
}

// sameContent compares originals, and parts but for when they were recorded.
func sameContent(stored, put Record) bool {
	var a, b part
	if decode(stored, &a) == nil && decode(put, &b) == nil {
		return bytes.Equal(a.Data, b.Data)
	}
	return stored.Body == put.Body && readable(stored) == nil
}

// readable decodes a record of a class that is written once.
func readable(r Record) *Fault {
	if n, _ := parse(r.Key); n.class == partClass {
		return decode(r, &part{})
	}
	return decode(r, &original{})
}

// Release gives the lease back.
func (b *Book) Release(ctx context.Context, lease *Lease) error {
	if lease.over() != "" {
		return nil // whoever wants it has waited, or will wait, for it to stand still
	}
	free := lease.freed()
	swaps, err := prepare(lease, free, nil)
	if err != nil {
		return err
	}
	_, err = b.commit(killswitch.WithFence(ctx, within(ctx, lease)), swaps)
	if mismatch := (*Mismatch)(nil); errors.As(err, &mismatch) || errors.Is(err, ErrLeaseLost) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("release %s of snapshot %s: %w", lease.Region, lease.Snapshot, err)
	}
	*lease = *free
	return nil
}

// LeaseKey is the key of the lease in a partition, if that is a shard's.
func LeaseKey(pk string) Key { return Key{PK: pk, SK: "LEASE"} }

// Freed is a lease's record as it is when its holder has given it back; false for one that nobody
// holds, or that cannot be read. It is for a table that has proof that every holder is dead.
func (r Record) Freed() (Record, bool) {
	var l Lease
	if decode(r, &l) != nil || l.Owner == "" {
		return r, false
	}
	free, err := encode(l.freed())
	return free, err == nil
}

// freed is the lease as nobody's.
func (l *Lease) freed() *Lease {
	free := *l
	free.Owner, free.End = "", time.Time{}
	return &free
}
