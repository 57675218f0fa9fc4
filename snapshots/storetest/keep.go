package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// exported is the whole snapshot, portion by portion.
func exported(ctx context.Context, store snapshots.Store, id string) (snapshots.Export, int, error) {
	var portions []snapshots.Portion
	for from := ""; ; {
		p, err := store.Export(ctx, account, id, from)
		if err != nil {
			return snapshots.Export{}, 0, err
		}
		portions = append(portions, p)
		if from = p.Next; from == "" {
			return snapshots.NewExport(account, id, portions...), len(portions), nil
		}
	}
}

func export(t *testing.T, store snapshots.Store, id string) snapshots.Export {
	t.Helper()
	e, _, err := exported(t.Context(), store, id)
	ok(t, "export", err)
	return e
}

// imported puts an export into a store, portion by portion.
func imported(ctx context.Context, store snapshots.Store, e snapshots.Export) error {
	portions := e.Portions()
	for i, records := range portions {
		var whole *snapshots.Whole
		if i == len(portions)-1 {
			whole = &e.Whole
		}
		if err := store.Import(ctx, e.Account, e.Snapshot, records, whole); err != nil {
			return err
		}
	}
	return nil
}

// file is an export as it is written.
func file(e snapshots.Export) (string, error) {
	var text bytes.Buffer
	err := e.Write(&text)
	return text.String(), err
}

// worked is a live snapshot with an instance paused in a region, and a second order.
func worked(t *testing.T, store snapshots.Store) *snapshots.Live {
	t.Helper()
	live := open(t, store)
	ok(t, "add regions", store.AddRegions(t.Context(), live, []string{here, there}))
	lease := acquire(t, store, live, "run-1")
	it := item(here, "i-1", 1)
	it.Parts = []killswitch.Part{{Name: "members", Data: []byte(`[1]`)}}
	write(t, store, lease, originalOf(it), partOf(it, "members", `[1]`), stateOf(paused(it, 1)), coverageOf(covered(1, "i-1")))
	ok(t, "release", store.Release(t.Context(), lease))
	given, err := store.Give(t.Context(), account, resumeOrder("anna"), "")
	ok(t, "give", err)
	return given.Live
}

func closed(t *testing.T, store snapshots.Store) string {
	t.Helper()
	live := worked(t, store)
	ok(t, "close", store.Close(t.Context(), live, day, map[string]int{"paused": 1}))
	return live.Snapshot
}

func whole(t *testing.T, store snapshots.Store, id string) snapshots.Snapshot {
	t.Helper()
	s, err := store.Snapshot(t.Context(), account, id)
	ok(t, "read the snapshot", err)
	return s
}

// lose is a table from which everything is lost.
func lose(t *testing.T, s Subject, live *snapshots.Live) {
	t.Helper()
	for _, pk := range []string{inAccount(), inShard(live), "SNAPSHOT#" + live.Snapshot + "#" + there} {
		records := inPartition(t, s.Table, pk, "")
		var removals []snapshots.Swap
		for _, r := range records {
			removals = append(removals, snapshots.Swap{Key: r.Key})
		}
		if len(removals) > 0 {
			ok(t, "remove", s.Table.Commit(t.Context(), removals))
		}
	}
}

var keepTests = map[string]func(*testing.T, Subject){
	"a live snapshot is live again where it is imported": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		before, e := whole(t, s.Store, live.Snapshot), export(t, s.Store, live.Snapshot)
		lose(t, s, live)
		ok(t, "import", imported(t.Context(), s.Store, e))
		equal(t, "snapshot", whole(t, s.Store, live.Snapshot), before)
		equal(t, "exported as live", e.Live(), true)
		lease, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, nil)
		ok(t, "acquire", err)
		equal(t, "generation", lease.Generation, 2)
	},
	"what is damaged is exported as it is, and named": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		alter(t, s, inShard(live), "ORIGINAL", flip)
		alter(t, s, inShard(live), "STATE", func(r *snapshots.Record) { r.Version, r.Checksum = 0, "" })
		before, e := whole(t, s.Store, live.Snapshot), export(t, s.Store, live.Snapshot)
		faults(t, e.Damages(), map[string]string{"ORIGINAL": "altered", "STATE": "its schema version is missing"})
		text, err := file(e)
		ok(t, "write", err)
		read, err := snapshots.ReadExport(strings.NewReader(text))
		ok(t, "read", err)
		equal(t, "read back", read, e)
		lose(t, s, live)
		ok(t, "import", imported(t.Context(), s.Store, read))
		equal(t, "snapshot", whole(t, s.Store, live.Snapshot), before)
	},
	"a lease that is held is exported as given back": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add regions", s.Store.AddRegions(t.Context(), live, []string{here}))
		lease := acquire(t, s.Store, live, "run-1")
		e := export(t, s.Store, live.Snapshot)
		other := snapshots.NewBook(&Memory{})
		ok(t, "import", imported(t.Context(), other, e))
		equal(t, "owner there", shard(t, other, live).Lease.Owner, "")
		is(t, "a write of the holder there", other.Write(t.Context(), lease, ttl, nil), snapshots.ErrLeaseLost)
		ok(t, "a write of the holder here", s.Store.Write(t.Context(), lease, ttl, nil))
	},
	"an export goes on where the last portion ended": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add regions", s.Store.AddRegions(t.Context(), live, []string{here, there}))
		lease := acquire(t, s.Store, live, "run-1")
		for i := range 20 {
			it := item(here, fmt.Sprintf("i-%02d", i), 1)
			it.Original.Data = fmt.Appendf(nil, "%q", strings.Repeat("x", 300<<10))
			write(t, s.Store, lease, originalOf(it))
		}
		e, portions, err := exported(t.Context(), s.Store, live.Snapshot)
		ok(t, "export", err)
		equal(t, "portions", portions, 2)
		equal(t, "records", len(e.Records), 20+3) // lease, header and LIVE
		other := snapshots.NewBook(&Memory{})
		ok(t, "import", imported(t.Context(), other, e))
		equal(t, "export there", export(t, other, live.Snapshot), e)
		p, err := s.Store.Export(t.Context(), account, live.Snapshot, "")
		ok(t, "export", err)
		write(t, s.Store, lease)
		_, err = s.Store.Export(t.Context(), account, live.Snapshot, p.Next)
		is(t, "the second portion, after a run has written", err, snapshots.ErrMoved)
	},
	"a region is exported as it was between two writes": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		stored := shard(t, s.Store, live).Lease
		lease, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &stored)
		ok(t, "acquire", err)
		moving := &moving{Table: s.Table, move: func() { write(t, s.Store, &lease) }, times: 2}
		export(t, snapshots.NewBook(moving), live.Snapshot)
		moving.times = 1000
		_, _, err = exported(t.Context(), snapshots.NewBook(moving), live.Snapshot)
		is(t, "export of what never stands still", err, snapshots.ErrMoved)
	},
	"what cannot be known whole is not exported": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		_, err := s.Store.Export(t.Context(), account, "another", "")
		is(t, "export of another", err, snapshots.ErrNoSnapshot)
		remove(t, s, inAccount(), "LIVE")
		if _, err := s.Store.Export(t.Context(), account, live.Snapshot, ""); err == nil {
			t.Error("exported without LIVE, which says which regions there are")
		}
	},
	"an import that was cut is made again, and one that was made changes nothing": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		e := export(t, s.Store, live.Snapshot)
		lose(t, s, live)
		ok(t, "import a portion", s.Store.Import(t.Context(), account, e.Snapshot, e.Portions()[0], nil))
		if _, err := s.Store.Snapshot(t.Context(), account, e.Snapshot); err == nil {
			t.Error("half a snapshot is there")
		}
		for range 2 {
			ok(t, "import", imported(t.Context(), s.Store, e))
			equal(t, "export", export(t, s.Store, e.Snapshot), e)
		}
	},
	"an import whose answers are lost is made once": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		e := export(t, s.Store, live.Snapshot)
		lose(t, s, live)
		table := &disturbed{Table: s.Table}
		for _, records := range e.Portions()[:1] {
			table.busy, table.lost = 2, 1
			ok(t, "import", snapshots.NewBook(table).Import(t.Context(), account, e.Snapshot, records, nil))
		}
		table.busy, table.lost = 2, 1
		ok(t, "import", snapshots.NewBook(table).Import(t.Context(), account, e.Snapshot, e.Portions()[1], &e.Whole))
		equal(t, "export", export(t, s.Store, e.Snapshot), e)
	},
	"an import of which a portion is missing does not make a snapshot": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		e := export(t, s.Store, live.Snapshot)
		lose(t, s, live)
		last := len(e.Portions()) - 1
		is(t, "import", s.Store.Import(t.Context(), account, e.Snapshot, e.Portions()[last], &e.Whole), snapshots.ErrDifferent)
		got, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", got, (*snapshots.Live)(nil))
	},
	"nothing is imported over what is there": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		e := export(t, s.Store, live.Snapshot)
		_, err := s.Store.Give(t.Context(), account, resumeOrder("bert"), "")
		ok(t, "give", err)
		is(t, "import over what has gone on", imported(t.Context(), s.Store, e), snapshots.ErrDifferent)
		live, err = s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		is(t, "import over what is closed", imported(t.Context(), s.Store, e), snapshots.ErrDifferent)
		open(t, s.Store)
		is(t, "import while another is live", imported(t.Context(), s.Store, e), snapshots.ErrLive)
	},
	"a closed snapshot is deleted whole, and nobody acts on it again": func(t *testing.T, s Subject) {
		id := closed(t, s.Store)
		other := worked(t, s.Store)
		before := whole(t, s.Store, other.Snapshot)
		old := &snapshots.Live{Account: account, Snapshot: id, Opened: day, Orders: other.Orders}
		table := &disturbed{Table: s.Table, busy: 2, lost: 1}
		ok(t, "delete", snapshots.NewBook(table).Delete(t.Context(), account, id))
		_, err := s.Store.Snapshot(t.Context(), account, id)
		is(t, "read it", err, snapshots.ErrNoSnapshot)
		records := inPartition(t, s.Table, inShard(old), "")
		if len(records) != 1 || records[0].SK != "LEASE" {
			t.Errorf("%d items are left, want the lease alone", len(records))
		}
		_, err = s.Store.Acquire(t.Context(), old, here, "run-1", ttl, nil)
		is(t, "a run that was held up since before the closing", err, snapshots.ErrOrders)
		is(t, "delete it again", s.Store.Delete(t.Context(), account, id), snapshots.ErrNoSnapshot)
		equal(t, "the other", whole(t, s.Store, other.Snapshot), before)
	},
	"a deletion that was cut is made again": func(t *testing.T, s Subject) {
		id := closed(t, s.Store)
		pk := "SNAPSHOT#" + id + "#" + here
		remove(t, s, pk, "STATE")
		ok(t, "delete", s.Store.Delete(t.Context(), account, id))
		headers, err := s.Store.Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		equal(t, "headers", len(headers), 0)
	},
	"what is not closed is not deleted": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		before := whole(t, s.Store, live.Snapshot)
		is(t, "delete", s.Store.Delete(t.Context(), account, live.Snapshot), snapshots.ErrLive)
		equal(t, "snapshot", whole(t, s.Store, live.Snapshot), before)
		remove(t, s, inAccount(), "LIVE")
		if err := s.Store.Delete(t.Context(), account, live.Snapshot); err == nil {
			t.Error("deleted although nobody has closed it")
		}
		alter(t, s, inAccount(), "SNAPSHOT", flip)
		if err := s.Store.Delete(t.Context(), account, live.Snapshot); err == nil {
			t.Error("deleted although its header cannot be read")
		}
	},
	"a deleted snapshot comes back as it was, but not live": func(t *testing.T, s Subject) {
		live := worked(t, s.Store)
		early := export(t, s.Store, live.Snapshot)
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		late := export(t, s.Store, live.Snapshot)
		ok(t, "delete", s.Store.Delete(t.Context(), account, live.Snapshot))
		is(t, "import from before it was closed", imported(t.Context(), s.Store, early), snapshots.ErrDifferent)
		ok(t, "delete what was imported", discard(t, s, live))
		ok(t, "import", imported(t.Context(), s.Store, late))
		equal(t, "export", export(t, s.Store, live.Snapshot), late)
	},
	"hundreds of items are deleted, and imported": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "add regions", s.Store.AddRegions(t.Context(), live, []string{here}))
		lease := acquire(t, s.Store, live, "run-1")
		var changes []snapshots.Change
		for i := range 250 {
			changes = append(changes, originalOf(item(here, fmt.Sprintf("i-%d", i), 1)))
		}
		for batch := range slices.Chunk(changes, snapshots.MaxChanges) {
			write(t, s.Store, lease, batch...)
		}
		ok(t, "release", s.Store.Release(t.Context(), lease))
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		e := export(t, s.Store, live.Snapshot)
		ok(t, "delete", s.Store.Delete(t.Context(), account, live.Snapshot))
		ok(t, "import", imported(t.Context(), s.Store, e))
		equal(t, "export", export(t, s.Store, live.Snapshot), e)
	},
}

// discard removes what an import has left that was refused in its midst.
func discard(t *testing.T, s Subject, live *snapshots.Live) error {
	t.Helper()
	records := inPartition(t, s.Table, inShard(live), "")
	for _, r := range records {
		if r.SK != "LEASE" {
			ok(t, "remove", s.Table.Commit(t.Context(), []snapshots.Swap{{Key: r.Key}}))
		}
	}
	return nil
}

// moving is a table to which a run writes whenever a partition is read.
type moving struct {
	snapshots.Table
	move  func()
	times int
}

func (m *moving) Query(ctx context.Context, pk, prefix string, newest int, take func(snapshots.Record)) error {
	if m.times > 0 && strings.HasSuffix(pk, here) {
		m.times--
		m.move()
	}
	return m.Table.Query(ctx, pk, prefix, newest, take)
}
