package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

const rivals = 8

// atOnce runs do as often as there are rivals, and returns when all have ended.
func atOnce(do func(rival int)) {
	var all sync.WaitGroup
	for rival := range rivals {
		all.Go(func() { do(rival) })
	}
	all.Wait()
}

var raceTests = map[string]func(*testing.T, Subject){
	"orders given at once are each appended once": func(t *testing.T, s Subject) {
		var given [rivals]snapshots.Given
		var errs [rivals]error
		atOnce(func(i int) {
			order := pauseOrder(fmt.Sprint("rival ", i))
			given[i], errs[i] = s.Store.Give(t.Context(), account, order, fmt.Sprint("m-", i))
		})
		ok(t, "give", errors.Join(errs[:]...))
		var actors, want []string
		live, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		for i, order := range live.Orders {
			equal(t, "sequence", order.Seq, i+1)
			actors = append(actors, order.Actor)
		}
		for i, g := range given {
			want = append(want, fmt.Sprint("rival ", i))
			if !g.Appended || g.Live.Snapshot != live.Snapshot {
				t.Errorf("rival %d was given %+v", i, g)
				continue
			}
			equal(t, "the order given", g.Order, live.Orders[g.Order.Seq-1])
			equal(t, "the orders then", g.Live.Orders, live.Orders[:g.Order.Seq])
		}
		slices.Sort(actors)
		equal(t, "actors", actors, want)
		headers, err := s.Store.Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		equal(t, "snapshots", len(headers), 1)
	},
	"orders that are equal in everything are still all appended": func(t *testing.T, s Subject) {
		var errs [rivals]error
		atOnce(func(i int) { _, errs[i] = s.Store.Give(t.Context(), account, pauseOrder("twin"), "") })
		ok(t, "give", errors.Join(errs[:]...))
		live, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "orders", len(live.Orders), rivals)
	},
	"a message that comes many times at once counts once": func(t *testing.T, s Subject) {
		var given [rivals]snapshots.Given
		var errs [rivals]error
		atOnce(func(i int) { given[i], errs[i] = s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1") })
		ok(t, "give", errors.Join(errs[:]...))
		live, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "orders", len(live.Orders), 1)
		appended := 0
		for _, g := range given {
			if g.Appended {
				appended++
			}
			equal(t, "live", g.Live, live)
			equal(t, "order", g.Order, live.Orders[0])
		}
		equal(t, "appended", appended, 1)
	},
	"regions added at once are all there": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		var errs [rivals]error
		atOnce(func(i int) {
			own := *live
			errs[i] = s.Store.AddRegions(t.Context(), &own, []string{fmt.Sprintf("region-%d", i), here})
		})
		ok(t, "add", errors.Join(errs[:]...))
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		want := []string{here}
		for i := range rivals {
			want = append(want, fmt.Sprintf("region-%d", i))
		}
		equal(t, "regions", stored.Regions, want)
	},
	"an order and a closing at once: one of them comes first": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		var given snapshots.Given
		var errs [rivals]error
		atOnce(func(i int) {
			if i == 0 {
				given, errs[i] = s.Store.Give(t.Context(), account, pauseOrder("late"), "")
			} else {
				errs[i] = s.Store.Close(t.Context(), live, day, nil)
			}
		})
		ok(t, "give", errs[0])
		closed := 0
		for _, err := range errs[1:] {
			if err == nil {
				closed++
			} else {
				is(t, "close", err, snapshots.ErrOrders)
			}
		}
		if sameSnapshot := given.Live.Snapshot == live.Snapshot; sameSnapshot && closed > 0 || !sameSnapshot && closed == 0 {
			t.Errorf("the order is number %d of %s, and %s was closed %d times", given.Order.Seq, given.Live.Snapshot, live.Snapshot, closed)
		}
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, given.Live)
	},
	"a lease that many want has one holder": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		var leases [rivals]snapshots.Lease
		var errs [rivals]error
		atOnce(func(i int) {
			leases[i], errs[i] = s.Store.Acquire(t.Context(), live, here, fmt.Sprint("run-", i), ttl, nil)
		})
		var holder *snapshots.Lease
		for i, err := range errs {
			if err == nil {
				if holder != nil {
					t.Fatalf("%s and %s hold it", holder.Owner, leases[i].Owner)
				}
				holder = &leases[i]
			} else {
				is(t, "acquire", err, snapshots.ErrLeaseHeld)
			}
		}
		for i, err := range errs {
			if err != nil {
				equal(t, "lease seen", leases[i], *holder)
			}
		}
	},
	"one of two takers of a lease that stood still gets it": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		dead := *acquire(t, s.Store, live, "dead")
		var leases [rivals]snapshots.Lease
		var errs [rivals]error
		atOnce(func(i int) {
			leases[i], errs[i] = s.Store.Acquire(t.Context(), live, here, fmt.Sprint("run-", i), ttl, &dead)
		})
		takers := 0
		for i, err := range errs {
			if err != nil {
				is(t, "acquire", err, snapshots.ErrLeaseHeld)
				continue
			}
			takers++
			equal(t, "generation", leases[i].Generation, dead.Generation+1)
		}
		equal(t, "takers", takers, 1)
	},
	"of two holders the one that lost it writes nothing": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		old := acquire(t, s.Store, live, "run-old")
		seen := *old
		taken, err := s.Store.Acquire(t.Context(), live, here, "run-new", ttl, &seen)
		ok(t, "take over", err)
		var errs [rivals]error
		atOnce(func(i int) {
			if i == 0 {
				errs[i] = s.Store.Write(t.Context(), &taken, ttl, []snapshots.Change{originalOf(item(here, "i-new", 1))})
				return
			}
			lease := *old
			it := item(here, fmt.Sprint("i-old-", i), 1)
			errs[i] = s.Store.Write(t.Context(), &lease, ttl, []snapshots.Change{originalOf(it), stateOf(paused(it, 1))})
		})
		ok(t, "the new holder writes", errs[0])
		for _, err := range errs[1:] {
			is(t, "the old holder writes", err, snapshots.ErrLeaseLost)
		}
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{item(here, "i-new", 1)})
		equal(t, "lease", got.Lease, taken)
	},
}
