package storetest

import (
	"iter"
	"testing"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

var orderTests = map[string]func(*testing.T, Subject){
	"an account without orders has no live snapshot": func(t *testing.T, s Subject) {
		live, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", live, (*snapshots.Live)(nil))
	},
	"the first order opens a snapshot": func(t *testing.T, s Subject) {
		before := time.Now()
		given, err := s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give", err)
		want := pauseOrder("alarm")
		want.Seq = 1
		equal(t, "order", given.Order, want)
		equal(t, "orders", given.Live.Orders, []killswitch.Order{want})
		if !given.Appended || given.Live.Account != account || !given.Live.LookAt.IsZero() {
			t.Errorf("given %+v", given)
		}
		if opened := given.Live.Opened; opened.Before(before.Truncate(time.Second)) || opened.After(time.Now()) {
			t.Errorf("opened at %s", opened)
		}
		live, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", live, given.Live)
		headers, err := s.Store.Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		equal(t, "headers", headers, []snapshots.Header{{
			Account: account, Snapshot: live.Snapshot, Opened: live.Opened, Orders: live.Orders,
			ToolVersion: headers[0].ToolVersion,
		}})
	},
	"another order is appended, and the guard looks now": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add regions", s.Store.AddRegions(t.Context(), live, []string{here}))
		ok(t, "set the next look", s.Store.SetLookAt(t.Context(), live, day))
		given, err := s.Store.Give(t.Context(), account, resumeOrder("anna"), "")
		ok(t, "give", err)
		want := *live
		want.LookAt = time.Time{}
		second := resumeOrder("anna")
		second.Seq = 2
		want.Orders = append(want.Orders, second)
		equal(t, "live", given.Live, &want)
		equal(t, "order", given.Order, second)
	},
	"an order without an act is refused": func(t *testing.T, s Subject) {
		if _, err := s.Store.Give(t.Context(), account, killswitch.Order{Actor: "anna", At: day}, ""); err == nil {
			t.Error("no error")
		}
	},
	"a message that was seen before appends nothing": func(t *testing.T, s Subject) {
		first, err := s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give", err)
		_, err = s.Store.Give(t.Context(), account, resumeOrder("anna"), "")
		ok(t, "give another", err)
		again, err := s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give again", err)
		live, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "given", again, snapshots.Given{Live: live, Order: first.Order})
		equal(t, "orders", len(live.Orders), 2)
	},
	"a message is remembered when its snapshot is closed": func(t *testing.T, s Subject) {
		first, err := s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give", err)
		ok(t, "close", s.Store.Close(t.Context(), first.Live, day, nil))
		again, err := s.Store.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give again", err)
		equal(t, "given", again, snapshots.Given{Order: first.Order})
	},
	"orders of other accounts are another matter": func(t *testing.T, s Subject) {
		open(t, s.Store)
		other, err := s.Store.Give(t.Context(), "444455556666", pauseOrder("alarm"), "")
		ok(t, "give", err)
		equal(t, "order", other.Order.Seq, 1)
		headers, err := s.Store.Headers(t.Context(), "444455556666", 0)
		ok(t, "headers", err)
		equal(t, "headers", len(headers), 1)
	},
	"regions are added, sorted, as of the newest order": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add", s.Store.AddRegions(t.Context(), live, []string{there, here}))
		ok(t, "add", s.Store.AddRegions(t.Context(), live, []string{"af-south-1"}))
		equal(t, "regions", live.Regions, []string{"af-south-1", here, there})
		equal(t, "as of", live.RegionsOrder, 1)
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, live)
	},
	"regions that are there are not written again": func(t *testing.T, s Subject) {
		table := &counting{Table: s.Table}
		book := snapshots.NewBook(table)
		live := open(t, book)
		ok(t, "add", book.AddRegions(t.Context(), live, []string{here, there}))
		writes := table.writes
		ok(t, "add", book.AddRegions(t.Context(), live, []string{there}))
		equal(t, "writes", table.writes, writes)
	},
	"regions listed again for a later order are noted": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add", s.Store.AddRegions(t.Context(), live, []string{here}))
		given, err := s.Store.Give(t.Context(), account, pauseOrder("anna"), "")
		ok(t, "give", err)
		ok(t, "add", s.Store.AddRegions(t.Context(), given.Live, []string{here}))
		equal(t, "as of", given.Live.RegionsOrder, 2)
		ok(t, "a late run adds", s.Store.AddRegions(t.Context(), live, []string{there}))
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "as of", stored.RegionsOrder, 2)
		equal(t, "regions", stored.Regions, []string{here, there})
		equal(t, "orders", len(stored.Orders), 2)
	},
	"regions cannot be added to what is closed": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		is(t, "add", s.Store.AddRegions(t.Context(), live, []string{here}), snapshots.ErrOrders)
		open(t, s.Store)
		is(t, "add to another", s.Store.AddRegions(t.Context(), live, []string{here}), snapshots.ErrOrders)
	},
	"the next look is set, and again": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		for _, at := range []time.Time{day, day.Add(-time.Hour), {}} {
			ok(t, "set", s.Store.SetLookAt(t.Context(), live, at))
			stored, err := s.Store.Live(t.Context(), account)
			ok(t, "live", err)
			equal(t, "stored", stored.LookAt, at)
			equal(t, "in place", live.LookAt, at)
		}
	},
	"the next look is not set over an order that was not known": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		given, err := s.Store.Give(t.Context(), account, resumeOrder("anna"), "")
		ok(t, "give", err)
		is(t, "set", s.Store.SetLookAt(t.Context(), live, day), snapshots.ErrOrders)
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, given.Live)
	},
	"the next look is set beside regions that another run added": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		other := *live
		ok(t, "add", s.Store.AddRegions(t.Context(), &other, []string{here}))
		ok(t, "set", s.Store.SetLookAt(t.Context(), live, day))
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "look", stored.LookAt, day)
		equal(t, "regions", stored.Regions, []string{here})
	},
	"a closed snapshot is in the list with all that is left of it": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add", s.Store.AddRegions(t.Context(), live, []string{here}))
		counts := map[string]int{"resumed": 3, "gone": 1}
		ok(t, "close", s.Store.Close(t.Context(), live, day, counts))
		none, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", none, (*snapshots.Live)(nil))
		headers, err := s.Store.Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		equal(t, "headers", headers, []snapshots.Header{{
			Account: account, Snapshot: live.Snapshot, Opened: live.Opened, Closed: day,
			ToolVersion: headers[0].ToolVersion, Orders: live.Orders, Regions: []string{here}, Counts: counts,
		}})
	},
	"a snapshot is not closed over an order that was not known": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		given, err := s.Store.Give(t.Context(), account, pauseOrder("anna"), "")
		ok(t, "give", err)
		is(t, "close", s.Store.Close(t.Context(), live, day, nil), snapshots.ErrOrders)
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, given.Live)
		ok(t, "close", s.Store.Close(t.Context(), stored, day, nil))
		is(t, "close twice", s.Store.Close(t.Context(), stored, day, nil), snapshots.ErrOrders)
	},
	"a snapshot is not closed over a region that was not known": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		known := *live
		ok(t, "add", s.Store.AddRegions(t.Context(), live, []string{here}))
		is(t, "close", s.Store.Close(t.Context(), &known, day, nil), snapshots.ErrOrders)
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
	},
	"a snapshot is not closed while a run works on one of its regions": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add", s.Store.AddRegions(t.Context(), live, []string{here, there}))
		lease := acquire(t, s.Store, live, "run-1")
		is(t, "close", s.Store.Close(t.Context(), live, day, nil), snapshots.ErrLeaseHeld)
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, live)
		write(t, s.Store, lease)
		ok(t, "release", s.Store.Release(t.Context(), lease))
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
	},
	"nobody takes a lease of a closed snapshot": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add", s.Store.AddRegions(t.Context(), live, []string{here, there}))
		free := acquire(t, s.Store, live, "run-1")
		ok(t, "release", s.Store.Release(t.Context(), free))
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		stored := shard(t, s.Store, live).Lease
		for name, previous := range map[string]*snapshots.Lease{"as if it was free": nil, "read as free before": free, "as it is": &stored} {
			_, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, previous)
			is(t, "acquire "+name, err, snapshots.ErrOrders)
		}
		_, err := s.Store.Acquire(t.Context(), live, there, "run-2", ttl, nil)
		is(t, "acquire where no run has been", err, snapshots.ErrOrders)
	},
	"the list has the newest first, up to the limit": func(t *testing.T, s Subject) {
		var want []string
		for range 4 {
			live := open(t, s.Store)
			ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
			want = append([]string{live.Snapshot}, want...)
			time.Sleep(1100 * time.Millisecond) // ids are of seconds
		}
		for _, limit := range []int{0, 1, 3, 9} {
			headers, err := s.Store.Headers(t.Context(), account, limit)
			ok(t, "headers", err)
			var got []string
			for _, h := range headers {
				got = append(got, h.Snapshot)
			}
			most := min(limit, len(want))
			if limit == 0 {
				most = len(want)
			}
			equal(t, "ids", got, want[:most])
		}
	},
	"two snapshots of one second have ids of their own": func(t *testing.T, s Subject) {
		first := open(t, s.Store)
		ok(t, "close", s.Store.Close(t.Context(), first, day, nil))
		second := open(t, s.Store)
		if first.Snapshot == second.Snapshot {
			t.Errorf("both are %s", first.Snapshot)
		}
		headers, err := s.Store.Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		equal(t, "newest", headers[0].Snapshot, second.Snapshot)
	},
	"every method makes one call where nothing disturbs it": func(t *testing.T, s Subject) {
		table := &counting{Table: s.Table}
		book := snapshots.NewBook(table)
		var live *snapshots.Live
		var lease snapshots.Lease
		var err error
		steps := []struct {
			name          string
			reads, writes int
			do            func()
		}{
			{"Live", 1, 0, func() { _, err = book.Live(t.Context(), account) }},
			{"Give", 1, 1, func() {
				var given snapshots.Given
				given, err = book.Give(t.Context(), account, pauseOrder("alarm"), "m-1")
				live = given.Live
			}},
			{"AddRegions", 0, 1, func() { err = book.AddRegions(t.Context(), live, []string{here, there}) }},
			{"Acquire", 0, 1, func() { lease, err = book.Acquire(t.Context(), live, here, "run-1", ttl, nil) }},
			{"Write", 0, 1, func() {
				err = book.Write(t.Context(), &lease, ttl, []snapshots.Change{originalOf(item(here, "i-1", 1))})
			}},
			{"Write of nothing", 0, 1, func() { err = book.Write(t.Context(), &lease, ttl, nil) }},
			{"Shard", 1, 0, func() { _, err = book.Shard(t.Context(), account, live.Snapshot, here) }},
			{"Release", 0, 1, func() { err = book.Release(t.Context(), &lease) }},
			{"Acquire of what was seen free", 0, 1, func() {
				lease, err = book.Acquire(t.Context(), live, here, "run-2", ttl, &lease)
			}},
			{"SetLookAt", 0, 1, func() { err = book.SetLookAt(t.Context(), live, day) }},
			{"Tell", 1, 1, func() { err = book.Tell(t.Context(), account, live.Snapshot, snapshots.Told{Begun: 1}) }},
			{"Snapshot of two regions", 4, 0, func() { _, err = book.Snapshot(t.Context(), account, live.Snapshot) }},
			{"Shards of which none is asked for", 2, 0, func() { _, _, err = book.Shards(t.Context(), account, live.Snapshot) }},
			{"the first of two Shards", 3, 0, func() {
				var shards iter.Seq2[snapshots.Shard, error]
				if _, shards, err = book.Shards(t.Context(), account, live.Snapshot); err != nil {
					return
				}
				for shard, failed := range shards {
					equal(t, "region", shard.Region, min(here, there))
					err = failed
					break
				}
			}},
			{"Headers", 1, 0, func() { _, err = book.Headers(t.Context(), account, 0) }},
			{"Release again", 0, 1, func() { err = book.Release(t.Context(), &lease) }},
			// Leases are not read before: the first try, as if no run had been anywhere, tells of them.
			{"Live again", 1, 0, func() { live, err = book.Live(t.Context(), account) }},
			{"Close where a run has been", 0, 2, func() { err = book.Close(t.Context(), live, day, nil) }},
		}
		for _, step := range steps {
			table.reads, table.writes = 0, 0
			step.do()
			ok(t, step.name, err)
			if table.reads != step.reads || table.writes != step.writes {
				t.Errorf("%s: %d reads and %d writes, want %d and %d", step.name, table.reads, table.writes, step.reads, step.writes)
			}
		}
	},
}
