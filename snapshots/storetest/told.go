package storetest

import (
	"strings"
	"testing"

	"aws-hit-breaks/snapshots"
)

var toldTests = map[string]func(*testing.T, Subject){
	"what humans have been told is noted, and stays": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		told(t, s, live, snapshots.Told{Begun: 1}, snapshots.Told{Begun: 1})
		told(t, s, live, snapshots.Told{}, snapshots.Told{Begun: 1})
		given, err := s.Store.Give(t.Context(), account, resumeOrder("anna"), "")
		ok(t, "give", err)
		equal(t, "after another order", given.Live.Told, snapshots.Told{Begun: 1})
		told(t, s, live, snapshots.Told{Settled: 2}, snapshots.Told{Begun: 1, Settled: 2})
		ok(t, "add regions", s.Store.AddRegions(t.Context(), given.Live, []string{here}))
		equal(t, "after another write", liveOf(t, s).Told, snapshots.Told{Begun: 1, Settled: 2})
	},
	"what humans have been told of a live snapshot goes with it into its header, and more comes to it": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		told(t, s, live, snapshots.Told{Begun: 1, Settled: 1, Closed: true}, snapshots.Told{Begun: 1, Settled: 1})
		ok(t, "close", s.Store.Close(t.Context(), liveOf(t, s), day, map[string]int{"resumed": 1}))
		before := newest(t, s)
		equal(t, "at the closing", before.Told, snapshots.Told{Begun: 1, Settled: 1})
		ok(t, "tell", s.Store.Tell(t.Context(), account, live.Snapshot, snapshots.Told{Closed: true}))
		ok(t, "tell again", s.Store.Tell(t.Context(), account, live.Snapshot, snapshots.Told{Closed: true}))
		want := before
		want.Told.Closed = true
		equal(t, "after it", newest(t, s), want)
	},
	"what humans have been told is noted in the header of a snapshot before the live one": func(t *testing.T, s Subject) {
		first := open(t, s.Store)
		ok(t, "close", s.Store.Close(t.Context(), first, day, nil))
		second := open(t, s.Store)
		ok(t, "tell", s.Store.Tell(t.Context(), account, first.Snapshot, snapshots.Told{Closed: true}))
		equal(t, "of the live one", liveOf(t, s), second)
		headers, err := s.Store.Headers(t.Context(), account, 0)
		ok(t, "headers", err)
		equal(t, "of the closed one", headers[1].Told, snapshots.Told{Closed: true})
	},
	"nobody can have been told of an order that is not there, nor of no snapshot": func(t *testing.T, s Subject) {
		is(t, "of no snapshot", s.Store.Tell(t.Context(), account, "none", snapshots.Told{Closed: true}), snapshots.ErrNoSnapshot)
		live := open(t, s.Store)
		if err := s.Store.Tell(t.Context(), account, live.Snapshot, snapshots.Told{Begun: 2}); err == nil {
			t.Error("told of order 2 of 1: no error")
		}
		equal(t, "noted", liveOf(t, s).Told, snapshots.Told{})
	},
	"what humans have been told is noted once, answer or not": func(t *testing.T, s Subject) {
		book, disturb := unsettled(s)
		live := open(t, book)
		disturb()
		ok(t, "tell", book.Tell(t.Context(), account, live.Snapshot, snapshots.Told{Begun: 1}))
		equal(t, "noted", liveOf(t, s).Told, snapshots.Told{Begun: 1})
		ok(t, "close", book.Close(t.Context(), liveOf(t, s), day, nil))
		disturb()
		ok(t, "tell", book.Tell(t.Context(), account, live.Snapshot, snapshots.Told{Closed: true}))
		equal(t, "noted", newest(t, s).Told, snapshots.Told{Begun: 1, Closed: true})
	},
	"what is told is not noted over a header that was altered": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		ok(t, "close", s.Store.Close(t.Context(), live, day, nil))
		alter(t, s, inAccount(), "SNAPSHOT#", flip)
		err := s.Store.Tell(t.Context(), account, live.Snapshot, snapshots.Told{Closed: true})
		if err == nil || !strings.Contains(err.Error(), "altered") {
			t.Errorf("got error %v, want that it was altered", err)
		}
	},
}

// told notes what humans have been told of the live snapshot.
func told(t *testing.T, s Subject, live *snapshots.Live, now, want snapshots.Told) {
	t.Helper()
	ok(t, "tell", s.Store.Tell(t.Context(), account, live.Snapshot, now))
	equal(t, "told", liveOf(t, s).Told, want)
}

func liveOf(t *testing.T, s Subject) *snapshots.Live {
	t.Helper()
	live, err := s.Store.Live(t.Context(), account)
	ok(t, "live", err)
	return live
}

func newest(t *testing.T, s Subject) snapshots.Header {
	t.Helper()
	headers, err := s.Store.Headers(t.Context(), account, 1)
	ok(t, "headers", err)
	return headers[0]
}
