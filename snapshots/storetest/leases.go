package storetest

import (
	"context"
	"testing"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

var leaseTests = map[string]func(*testing.T, Subject){
	"a free lease is taken": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		before := time.Now().Add(-time.Millisecond)
		lease := acquire(t, s.Store, live, "run-1")
		if end := lease.End; end.Before(before.Add(ttl)) || end.After(time.Now().Add(ttl)) {
			t.Errorf("it ends at %s", end)
		}
		want := snapshots.Lease{
			Snapshot: live.Snapshot, Account: account, Region: here, Owner: "run-1", Generation: 1, End: lease.End,
		}
		equal(t, "lease", *lease, want)
		equal(t, "stored", shard(t, s.Store, live).Lease, want)
	},
	"a lease needs an owner": func(t *testing.T, s Subject) {
		if _, err := s.Store.Acquire(t.Context(), open(t, s.Store), here, "", ttl, nil); err == nil {
			t.Error("no error")
		}
	},
	"a lease that is held is shown and not taken": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		held := acquire(t, s.Store, live, "run-1")
		for _, owner := range []string{"run-2", "run-1"} {
			time.Sleep(time.Millisecond)
			seen, err := s.Store.Acquire(t.Context(), live, here, owner, ttl, nil)
			is(t, "acquire", err, snapshots.ErrLeaseHeld)
			equal(t, "seen", seen, *held)
		}
		write(t, s.Store, held)
	},
	"a lease that stood still is taken over": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		write(t, s.Store, acquire(t, s.Store, live, "run-1"))
		seen, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, nil)
		is(t, "acquire", err, snapshots.ErrLeaseHeld)
		taken, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &seen)
		ok(t, "take over", err)
		equal(t, "owner", taken.Owner, "run-2")
		equal(t, "generation", taken.Generation, 2)
		write(t, s.Store, &taken)
	},
	"a lease that moved is not taken over": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		held := acquire(t, s.Store, live, "run-1")
		seen := *held
		write(t, s.Store, held)
		now, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &seen)
		is(t, "take over", err, snapshots.ErrLeaseHeld)
		equal(t, "seen", now, *held)
	},
	"a lease that was given back is taken at once": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		held := acquire(t, s.Store, live, "run-1")
		seen := *held
		ok(t, "release", s.Store.Release(t.Context(), held))
		free := shard(t, s.Store, live).Lease
		equal(t, "owner", free.Owner, "")
		equal(t, "in place", *held, free)
		second, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &seen)
		ok(t, "acquire with what was seen before", err)
		equal(t, "generation", second.Generation, 2)
		ok(t, "release", s.Store.Release(t.Context(), &second))
		third, err := s.Store.Acquire(t.Context(), live, here, "run-3", ttl, nil)
		ok(t, "acquire", err)
		equal(t, "generation", third.Generation, 3)
		ok(t, "release", s.Store.Release(t.Context(), &third))
		fourth, err := s.Store.Acquire(t.Context(), live, here, "run-4", ttl, &third)
		ok(t, "acquire what was read as free", err)
		equal(t, "generation", fourth.Generation, 4)
	},
	"a lease without one before is as none": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		_, err := s.Store.Acquire(t.Context(), live, here, "run-1", ttl, &snapshots.Lease{})
		ok(t, "acquire", err)
	},
	"shards have leases of their own": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		acquire(t, s.Store, live, "run-1")
		_, err := s.Store.Acquire(t.Context(), live, there, "run-2", ttl, nil)
		ok(t, "acquire another region", err)
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		_, err = s.Store.Acquire(t.Context(), open(t, s.Store), here, "run-3", ttl, nil)
		ok(t, "acquire in another snapshot", err)
	},
	"what was given back cannot be written to": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		copied := *lease
		ok(t, "release", s.Store.Release(t.Context(), lease))
		is(t, "write", s.Store.Write(t.Context(), lease, ttl, nil), snapshots.ErrLeaseLost)
		is(t, "write with a copy", s.Store.Write(t.Context(), &copied, ttl, nil), snapshots.ErrLeaseLost)
		ok(t, "release again", s.Store.Release(t.Context(), lease))
		ok(t, "release with a copy", s.Store.Release(t.Context(), &copied))
	},
	"giving back a lost lease does nothing": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lost := acquire(t, s.Store, live, "run-1")
		seen := *lost
		taken, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &seen)
		ok(t, "take over", err)
		ok(t, "release", s.Store.Release(t.Context(), lost))
		equal(t, "stored", shard(t, s.Store, live).Lease, taken)
		write(t, s.Store, &taken)
	},
	"nothing is written when the time of a lease is over": func(t *testing.T, s Subject) {
		table := &counting{Table: s.Table}
		book := snapshots.NewBook(table)
		live := open(t, book)
		lease, err := book.Acquire(t.Context(), live, here, "run-1", 20*time.Millisecond, nil)
		ok(t, "acquire", err)
		time.Sleep(30 * time.Millisecond)
		writes := table.writes
		err = book.Write(t.Context(), &lease, ttl, []snapshots.Change{originalOf(item(here, "i-1", 1))})
		is(t, "write", err, snapshots.ErrLeaseLost)
		ok(t, "release", book.Release(t.Context(), &lease))
		equal(t, "writes", table.writes, writes)
		equal(t, "stored", shard(t, book, live).Lease, lease)
	},
	"a write that is tried again ends with its lease": func(t *testing.T, s Subject) {
		table := &disturbed{Table: s.Table}
		book := snapshots.NewBook(table)
		live := open(t, book)
		lease, err := book.Acquire(t.Context(), live, here, "run-1", 200*time.Millisecond, nil)
		ok(t, "acquire", err)
		table.busy = 1000
		err = book.Write(t.Context(), &lease, ttl, []snapshots.Change{originalOf(item(here, "i-1", 1))})
		is(t, "write", err, snapshots.ErrLeaseLost)
	},
	"a write begins no attempt behind the caller's fence": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		over := context.Canceled
		ctx := killswitch.WithFence(t.Context(), func() error { return over })
		is(t, "write", s.Store.Write(ctx, lease, ttl, nil), over)
		equal(t, "beat", shard(t, s.Store, live).Lease.Beat, 0)
	},
}
