package storetest

import (
	"testing"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

var readTests = map[string]func(*testing.T, Subject){
	"the store has a name": func(t *testing.T, s Subject) {
		if s.Store.Where() == "" {
			t.Error("it has none")
		}
	},
	"a shard of which nothing is stored is empty": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		equal(t, "shard", shard(t, s.Store, live), snapshots.Shard{Region: here})
	},
	"a snapshot that does not exist is said not to": func(t *testing.T, s Subject) {
		_, err := s.Store.Snapshot(t.Context(), account, "20200101T000000Z-000000")
		is(t, "snapshot", err, snapshots.ErrNoSnapshot)
		live := open(t, s.Store)
		_, err = s.Store.Snapshot(t.Context(), account, "20200101T000000Z-000000")
		is(t, "snapshot beside a live one", err, snapshots.ErrNoSnapshot)
		_, err = s.Store.Snapshot(t.Context(), "444455556666", live.Snapshot)
		is(t, "snapshot of another account", err, snapshots.ErrNoSnapshot)
	},
	"a whole snapshot has its header, its orders and all its shards": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add regions", s.Store.AddRegions(t.Context(), live, []string{there, here, "eu-north-1"}))
		_, err := s.Store.Give(t.Context(), account, pauseOrder("anna"), "")
		ok(t, "give", err)
		lease := acquire(t, s.Store, live, "run-1")
		it := paused(item(here, "i-1", 1), 1)
		write(t, s.Store, lease, originalOf(it), stateOf(it), coverageOf(covered(1, "i-1")))
		live, err = s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		whole, err := s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "snapshot", err)
		header := snapshots.Header{
			Account: account, Snapshot: live.Snapshot, Opened: live.Opened, Orders: live.Orders[:1],
			ToolVersion: whole.Header.ToolVersion,
		}
		shards := []snapshots.Shard{
			{Region: "eu-north-1"},
			{
				Region: here, Lease: *lease, Items: []killswitch.Item{it},
				Coverage: []snapshots.Coverage{covered(1, "i-1")},
			},
			{Region: there},
		}
		equal(t, "live", whole, snapshots.Snapshot{Header: header, Live: live, Shards: shards})

		ok(t, "release", s.Store.Release(t.Context(), lease))
		ok(t, "close", s.Store.Close(t.Context(), live, day, map[string]int{"paused": 1}))
		whole, err = s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "snapshot", err)
		header.Closed, header.Orders, header.Regions = day, live.Orders, live.Regions
		header.Counts = map[string]int{"paused": 1}
		for i, generation := range []int{1, 2, 1} { // its leases are nobody's any more
			shards[i].Lease = snapshots.Lease{
				Account: account, Snapshot: live.Snapshot, Region: shards[i].Region, Generation: generation, Closed: true,
			}
		}
		equal(t, "closed", whole, snapshots.Snapshot{Header: header, Shards: shards})

		open(t, s.Store)
		whole, err = s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "snapshot", err)
		equal(t, "closed, while another is live", whole, snapshots.Snapshot{Header: header, Shards: shards})
	},
}
