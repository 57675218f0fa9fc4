package storetest

import (
	"testing"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// unsettled is a book over a table that first refuses twice, then loses an answer.
func unsettled(s Subject) (*snapshots.Book, func()) {
	table := &disturbed{Table: s.Table}
	return snapshots.NewBook(table), func() { table.busy, table.lost = 2, 1 }
}

var lostAnswerTests = map[string]func(*testing.T, Subject){
	"an order whose answer was lost is given once": func(t *testing.T, s Subject) {
		book, disturb := unsettled(s)
		for _, message := range []string{"", "m-1", "m-2"} {
			disturb()
			given, err := book.Give(t.Context(), account, pauseOrder("alarm"), message)
			ok(t, "give", err)
			live, err := book.Live(t.Context(), account)
			ok(t, "live", err)
			equal(t, "given", given, snapshots.Given{Live: live, Order: live.Last(), Appended: true})
		}
		live, err := book.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "orders", len(live.Orders), 3)
	},
	"an order whose answer was lost is given once, although another follows": func(t *testing.T, s Subject) {
		open(t, s.Store)
		table := &disturbed{Table: s.Table, lost: 1}
		follow := func() error {
			table.late = func() error { // before the second attempt
				_, err := s.Store.Give(t.Context(), account, pauseOrder("anna"), "")
				return err
			}
			return nil
		}
		table.late = follow
		given, err := snapshots.NewBook(table).Give(t.Context(), account, pauseOrder("alarm"), "m-1")
		ok(t, "give", err)
		live, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "orders", len(live.Orders), 3)
		equal(t, "order", given.Order, live.Orders[1])
		equal(t, "appended", given.Appended, true)
	},
	"a lease whose answer was lost is held": func(t *testing.T, s Subject) {
		book, disturb := unsettled(s)
		live := open(t, book)
		disturb()
		lease := acquire(t, book, live, "run-1")
		equal(t, "stored", shard(t, s.Store, live).Lease, *lease)
		equal(t, "generation", lease.Generation, 1)
	},
	"a write whose answer was lost counts once": func(t *testing.T, s Subject) {
		book, disturb := unsettled(s)
		live := open(t, book)
		lease := acquire(t, book, live, "run-1")
		it := item(here, "i-1", 1)
		disturb()
		write(t, book, lease, originalOf(it), partOf(it, "members", `[1]`), stateOf(paused(it, 1)))
		equal(t, "beat", lease.Beat, 1)
		got := shard(t, s.Store, live)
		want := paused(it, 1)
		want.Parts = []killswitch.Part{{Name: "members", Data: []byte(`[1]`)}}
		equal(t, "items", got.Items, []killswitch.Item{want})
		equal(t, "lease", got.Lease, *lease)
		disturb()
		write(t, book, lease)
		equal(t, "beat", lease.Beat, 2)
		equal(t, "lease", shard(t, s.Store, live).Lease, *lease)
	},
	"a write whose answer was lost, and then the lease, is lost": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		table := &disturbed{Table: s.Table, lost: 1}
		book := snapshots.NewBook(table)
		lease := acquire(t, s.Store, live, "run-1")
		table.late = func() error {
			table.late = func() error { // before the second attempt
				stored := shard(t, s.Store, live).Lease
				_, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &stored)
				return err
			}
			return nil
		}
		err := book.Write(t.Context(), lease, ttl, []snapshots.Change{originalOf(item(here, "i-1", 1))})
		is(t, "write", err, snapshots.ErrLeaseLost)
	},
	"what was read before a query broke off is read again and there once": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		it := paused(item(here, "i-1", 1), 1)
		write(t, s.Store, lease, originalOf(it), stateOf(it), coverageOf(covered(1, "i-1")))
		want := shard(t, s.Store, live)
		book := snapshots.NewBook(&disturbed{Table: s.Table, cut: 2})
		equal(t, "shard", shard(t, book, live), want)
		headers, err := snapshots.NewBook(&disturbed{Table: s.Table, cut: 1}).Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		equal(t, "headers", len(headers), 1)
	},
	"a lease whose answer was lost is given back": func(t *testing.T, s Subject) {
		book, disturb := unsettled(s)
		live := open(t, book)
		lease := acquire(t, book, live, "run-1")
		disturb()
		ok(t, "release", book.Release(t.Context(), lease))
		equal(t, "owner", shard(t, s.Store, live).Lease.Owner, "")
		equal(t, "stored", shard(t, s.Store, live).Lease, *lease)
	},
	"regions, the next look and the closing are written once, answer or not": func(t *testing.T, s Subject) {
		book, disturb := unsettled(s)
		live := open(t, book)
		disturb()
		ok(t, "add regions", book.AddRegions(t.Context(), live, []string{here}))
		disturb()
		ok(t, "set the next look", book.SetLookAt(t.Context(), live, day))
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, live)
		disturb()
		ok(t, "close", book.Close(t.Context(), live, day, nil))
		stored, err = s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, (*snapshots.Live)(nil))
	},
	"a store that never answers is given up": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		book := snapshots.NewBook(silent{s.Table})
		is(t, "write", book.Write(t.Context(), lease, ttl, nil), snapshots.ErrUnsure)
		_, err := book.Live(t.Context(), account)
		is(t, "live", err, snapshots.ErrUnsure)
	},
	"reads are made again until they are answered": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		table := &disturbed{Table: s.Table}
		book := snapshots.NewBook(table)
		table.busy = 3
		_, err := book.Live(t.Context(), account)
		ok(t, "live", err)
		table.busy = 3
		_, err = book.Shard(t.Context(), account, live.Snapshot, here)
		ok(t, "shard", err)
	},
}
