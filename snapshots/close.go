package snapshots

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Close ends the live snapshot if its orders and regions are still those of live and nobody holds a
// lease of it.
func (b *Book) Close(ctx context.Context, live *Live, at time.Time, counts map[string]int) error {
	if err := b.close(ctx, live, at, counts); err != nil {
		return fmt.Errorf("close snapshot %s: %w", live.Snapshot, err)
	}
	return nil
}

// close first tries what is so where no run has ever been, and then with the leases that are stored.
func (b *Book) close(ctx context.Context, live *Live, at time.Time, counts map[string]int) error {
	believed, err := encode(live)
	if err != nil {
		return err
	}
	last, checksum := live, believed.Checksum
	leases := map[string]*Record{} // as stored, by region
	for {
		header, err := encode(&Header{
			Account: last.Account, Snapshot: last.Snapshot, Opened: last.Opened, Closed: at.UTC(),
			ToolVersion: toolVersion(), Orders: last.Orders, Regions: last.Regions, Counts: counts, Told: last.Told,
		})
		if err != nil {
			return err
		}
		swaps := []Swap{{Key: believed.Key, If: Condition{Checksum: checksum}}, {Key: header.Key, Put: &header}}
		for _, region := range last.Regions {
			swap, err := last.shut(region, leases[region])
			if err != nil {
				return err
			}
			swaps = append(swaps, swap)
		}
		unsure, err := b.commit(ctx, swaps)
		mismatch := (*Mismatch)(nil)
		if !errors.As(err, &mismatch) {
			return err
		}
		for i, region := range last.Regions {
			if stored, failed := mismatch.found(2 + i); failed {
				leases[region] = stored
			}
		}
		stored, failed := mismatch.found(0)
		if !failed {
			continue
		}
		if stored == nil && unsure {
			closed, err := b.get(ctx, header.Key)
			if err != nil {
				return err
			}
			if closed != nil && closed.Checksum == header.Checksum {
				return nil // it was closed, but the answer lost
			}
		}
		if last, err = b.stillLive(live, stored, true); err != nil {
			return err
		}
		if len(last.Regions) > len(live.Regions) { // nobody takes one out
			return fmt.Errorf("it has the regions %q, and %q were known: %w", last.Regions, live.Regions, ErrOrders)
		}
		checksum = stored.Checksum
	}
}

// shut makes of the lease of a shard, which must be free, one that nobody can take any more: a run
// that has read the orders before the closing, and was held up since, must not act on them after it.
func (l *Live) shut(region string, stored *Record) (Swap, error) {
	end := Lease{Snapshot: l.Snapshot, Account: l.Account, Region: region, Generation: 1, Closed: true}
	free := Condition{Absent: true}
	if stored != nil {
		held := readLease(*stored, end)
		if held.Owner != "" {
			return Swap{}, fmt.Errorf("%s works on %s: %w", held.Owner, region, ErrLeaseHeld)
		}
		end.Generation, free = held.Generation+1, Condition{Checksum: stored.Checksum}
	}
	record, err := encode(&end)
	return Swap{Key: record.Key, If: free, Put: &record}, err
}
