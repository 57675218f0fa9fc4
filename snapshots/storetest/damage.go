package storetest

import (
	"strings"
	"testing"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// inPartition are the records of a partition whose SK begins so.
func inPartition(t *testing.T, table snapshots.Table, pk, prefix string) (found []snapshots.Record) {
	t.Helper()
	ok(t, "query", table.Query(t.Context(), pk, prefix, 0, func(r snapshots.Record) { found = append(found, r) }))
	return found
}

// alter changes the stored record whose SK begins so, behind the store's back.
func alter(t *testing.T, s Subject, pk, prefix string, change func(*snapshots.Record)) {
	t.Helper()
	records := inPartition(t, s.Table, pk, prefix)
	if len(records) != 1 {
		t.Fatalf("%d records of %s begin with %s", len(records), pk, prefix)
	}
	r := records[0]
	change(&r)
	ok(t, "alter", s.Table.Commit(t.Context(), []snapshots.Swap{{Key: r.Key, Put: &r}}))
}

func remove(t *testing.T, s Subject, pk, prefix string) {
	t.Helper()
	records := inPartition(t, s.Table, pk, prefix)
	if len(records) != 1 {
		t.Fatalf("%d records of %s begin with %s", len(records), pk, prefix)
	}
	// A removal alone is none of the store's own writes, so it goes with a put.
	bystander := snapshots.Record{Key: snapshots.Key{PK: "BYSTANDER", SK: "BYSTANDER"}, Version: 1, Body: "1", Checksum: "1"}
	ok(t, "remove", s.Table.Commit(t.Context(), []snapshots.Swap{
		{Key: records[0].Key}, {Key: bystander.Key, Put: &bystander},
	}))
}

// flip changes one letter of the body.
func flip(r *snapshots.Record) {
	r.Body = strings.Replace(r.Body, "e", "E", 1)
}

func inAccount() string                        { return "ACCOUNT#" + account }
func inShard(live *snapshots.Live) string      { return "SNAPSHOT#" + live.Snapshot + "#" + here }
func faultOf(sk, why string) map[string]string { return map[string]string{sk: why} }

// faults compares what is wrong: the beginnings of keys with parts of the reasons.
func faults(t *testing.T, got []snapshots.Fault, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d faults, want %d: %v", len(got), len(want), got)
	}
	for _, prefix := range sorted(want) {
		found := false
		for _, f := range got {
			if strings.HasPrefix(f.SK, prefix) && strings.Contains(f.Why, want[prefix]) && f.Hint != "" {
				found = true
			}
		}
		if !found {
			t.Errorf("no fault of %s says %q: %v", prefix, want[prefix], got)
		}
	}
}

// stocked is a shard with one group that has a part and a state, one plain instance, a coverage.
func stocked(t *testing.T, s Subject) (*snapshots.Live, *snapshots.Lease, killswitch.Item) {
	t.Helper()
	live := open(t, s.Store)
	lease := acquire(t, s.Store, live, "run-1")
	group := item(here, "group", 1)
	group.Resource.Ref.Kind = killswitch.AutoScalingGroup
	write(t, s.Store, lease, originalOf(group), partOf(group, "members", `["i-1"]`))
	group.Parts = []killswitch.Part{{Name: "members", Data: []byte(`["i-1"]`)}}
	plain := item(here, "i-plain", 1)
	write(t, s.Store, lease, stateOf(paused(group, 1)), originalOf(plain), coverageOf(covered(1, "i-plain")))
	return live, lease, paused(group, 1)
}

var damageTests = map[string]func(*testing.T, Subject){
	"a LIVE that was altered is read by nobody, and nothing is written over it": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		alter(t, s, inAccount(), "LIVE", func(r *snapshots.Record) { flip(r); r.Checksum = strings.Repeat("0", 64) })
		_, err := s.Store.Live(t.Context(), account)
		is(t, "live", err, snapshots.ErrDamaged)
		_, err = s.Store.Give(t.Context(), account, pauseOrder("anna"), "m-9")
		is(t, "give", err, snapshots.ErrDamaged)
		is(t, "set the next look", s.Store.SetLookAt(t.Context(), live, day), snapshots.ErrDamaged)
		is(t, "add regions", s.Store.AddRegions(t.Context(), live, []string{here}), snapshots.ErrDamaged)
		is(t, "close", s.Store.Close(t.Context(), live, day, nil), snapshots.ErrDamaged)
		whole, err := s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "snapshot", err)
		faults(t, whole.Faults, faultOf("LIVE", "altered"))
	},
	"a header that was altered is known by its key alone": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		alter(t, s, inAccount(), "SNAPSHOT#", flip)
		headers, err := s.Store.Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		known := snapshots.Header{Account: account, Snapshot: live.Snapshot}
		equal(t, "headers", headers, []snapshots.Header{known})
		whole, err := s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "snapshot", err)
		equal(t, "header", whole.Header, known)
		equal(t, "live", whole.Live, live)
		faults(t, whole.Faults, faultOf("SNAPSHOT#", "altered"))
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		whole, err = s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "snapshot", err)
		equal(t, "orders", whole.Header.Orders, live.Orders)
	},
	"a header that is missing is missed while its snapshot is live": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		remove(t, s, inAccount(), "SNAPSHOT#")
		whole, err := s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "snapshot", err)
		faults(t, whole.Faults, faultOf("SNAPSHOT#", "missing"))
	},
	"a message whose record was altered still counts as seen": func(t *testing.T, s Subject) {
		_, err := s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give", err)
		alter(t, s, "ALARM#m-1", "SEEN", flip)
		given, err := s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give again", err)
		equal(t, "appended", given.Appended, false)
		equal(t, "orders", len(given.Live.Orders), 1)
	},
	"a lease that was altered is held by nobody knows whom": func(t *testing.T, s Subject) {
		for name, damage := range map[string]func(*snapshots.Record){
			"body":    flip,
			"version": func(r *snapshots.Record) { r.Version = 7 },
			"all":     func(r *snapshots.Record) { r.Version, r.Body, r.Checksum = 0, "x", "" },
		} {
			live := open(t, s.Store)
			acquire(t, s.Store, live, "run-1")
			alter(t, s, inShard(live), "LEASE", damage)
			got := shard(t, s.Store, live)
			equal(t, name+": lease", got.Lease, snapshots.Lease{})
			faults(t, got.Faults, faultOf("LEASE", ""))
			seen, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, nil)
			is(t, name+": acquire", err, snapshots.ErrLeaseHeld)
			taken, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &seen)
			ok(t, name+": take over what stood still", err)
			write(t, s.Store, &taken)
			ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		}
	},
	"a lease that was removed is lost": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		remove(t, s, inShard(live), "LEASE")
		is(t, "write", s.Store.Write(t.Context(), lease, ttl, nil), snapshots.ErrLeaseLost)
		taken, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, lease)
		ok(t, "acquire", err)
		equal(t, "generation", taken.Generation, 1)
	},
	"a coverage that was altered is none": func(t *testing.T, s Subject) {
		live, _, _ := stocked(t, s)
		alter(t, s, inShard(live), "COVERAGE#", flip)
		got := shard(t, s.Store, live)
		equal(t, "coverage", got.Coverage, []snapshots.Coverage(nil))
		faults(t, got.Faults, faultOf("COVERAGE#", "altered"))
	},
	"without its original a resource is no item": func(t *testing.T, s Subject) {
		live, _, group := stocked(t, s)
		alter(t, s, inShard(live), "ORIGINAL#autoscaling", flip)
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{item(here, "i-plain", 1)})
		faults(t, got.Faults, faultOf("ORIGINAL#autoscaling", "altered"))
		equal(t, "resource", got.Faults[0].Ref, group.Resource.Ref)
		remove(t, s, inShard(live), "ORIGINAL#autoscaling")
		got = shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{item(here, "i-plain", 1)})
		faults(t, got.Faults, map[string]string{"STATE#": "without its original", "PART#": "without its original"})
	},
	"without its newest original a resource is no item, whatever the older ones say": func(t *testing.T, s Subject) {
		live, lease, group := stocked(t, s)
		next := group
		next.Order, next.Parts = 3, nil
		write(t, s.Store, lease, originalOf(next), stateOf(paused(next, 3)))
		alter(t, s, inShard(live), "ORIGINAL#autoscaling:group#group#3", flip)
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{item(here, "i-plain", 1)})
		faults(t, got.Faults, faultOf("ORIGINAL#", "altered"))
		remove(t, s, inShard(live), "ORIGINAL#autoscaling:group#group#3")
		got = shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{item(here, "i-plain", 1)})
		faults(t, got.Faults, faultOf("STATE#", "without its original"))
	},
	"an older original that was altered is told of": func(t *testing.T, s Subject) {
		live, lease, group := stocked(t, s)
		next := group
		next.Order, next.Parts = 3, nil
		write(t, s.Store, lease, originalOf(next), stateOf(paused(next, 3)))
		alter(t, s, inShard(live), "ORIGINAL#autoscaling:group#group#1", flip)
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{paused(next, 3), item(here, "i-plain", 1)})
		faults(t, got.Faults, faultOf("ORIGINAL#", "altered"))
	},
	"without one of its parts a resource is no item": func(t *testing.T, s Subject) {
		live, _, _ := stocked(t, s)
		alter(t, s, inShard(live), "PART#", flip)
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{item(here, "i-plain", 1)})
		faults(t, got.Faults, faultOf("PART#", "altered"))
		remove(t, s, inShard(live), "PART#")
		got = shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{item(here, "i-plain", 1)})
		faults(t, got.Faults, faultOf("STATE#", "parts of the original are missing"))
	},
	"without its state an item has none": func(t *testing.T, s Subject) {
		live, _, group := stocked(t, s)
		alter(t, s, inShard(live), "STATE#", flip)
		group.State = killswitch.State{}
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{group, item(here, "i-plain", 1)})
		faults(t, got.Faults, faultOf("STATE#", "altered"))
	},
	"an original that was altered is not written over": func(t *testing.T, s Subject) {
		live, lease, _ := stocked(t, s)
		alter(t, s, inShard(live), "ORIGINAL#ec2", flip)
		err := s.Store.Write(t.Context(), lease, ttl, []snapshots.Change{originalOf(item(here, "i-plain", 1))})
		is(t, "write", err, snapshots.ErrExists)
		faults(t, shard(t, s.Store, live).Faults, faultOf("ORIGINAL#ec2", "altered"))
	},
	"an unknown version is not read": func(t *testing.T, s Subject) {
		live, _, _ := stocked(t, s)
		alter(t, s, inShard(live), "ORIGINAL#ec2", func(r *snapshots.Record) { r.Version = 2 })
		got := shard(t, s.Store, live)
		equal(t, "items", len(got.Items), 1)
		faults(t, got.Faults, faultOf("ORIGINAL#ec2", "unknown schema version 2"))
	},
	"an original that the table would forget is told of": func(t *testing.T, s Subject) {
		live, _, _ := stocked(t, s)
		alter(t, s, inShard(live), "ORIGINAL#ec2", func(r *snapshots.Record) { r.Expires = day.Unix() })
		faults(t, shard(t, s.Store, live).Faults, faultOf("ORIGINAL#ec2", "time to live"))
	},
	"what lies in a shard and is unknown is told of": func(t *testing.T, s Subject) {
		live, _, _ := stocked(t, s)
		stray := snapshots.Record{
			Key: snapshots.Key{PK: inShard(live), SK: "NOTE#1"}, Version: 1, Body: "{}", Checksum: "0",
		}
		ok(t, "put", s.Table.Commit(t.Context(), []snapshots.Swap{{Key: stray.Key, Put: &stray}}))
		got := shard(t, s.Store, live)
		equal(t, "items", len(got.Items), 2)
		faults(t, got.Faults, faultOf("NOTE#1", "unknown item"))
	},
	"an original from another snapshot is not taken for this one's": func(t *testing.T, s Subject) {
		first, _, _ := stocked(t, s)
		ok(t, "close", s.Store.Close(t.Context(), first, day, nil))
		second, _, _ := stocked(t, s)
		records := inPartition(t, s.Table, inShard(first), "ORIGINAL#ec2")
		alter(t, s, inShard(second), "ORIGINAL#ec2", func(r *snapshots.Record) {
			r.Body, r.Checksum = records[0].Body, records[0].Checksum
		})
		got := shard(t, s.Store, second)
		equal(t, "items", len(got.Items), 1)
		faults(t, got.Faults, faultOf("ORIGINAL#ec2", "altered"))
	},
}
