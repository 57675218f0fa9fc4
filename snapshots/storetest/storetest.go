// Package storetest holds every Store to the contract in package snapshots: one suite, in which
// each sentence of the contract is a test.
package storetest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// Subject is a new and empty store under test.
type Subject struct {
	Store snapshots.Store
	Table snapshots.Table // below the store, to damage and to disturb
}

// Run tests a store. Each test is run by in, with a subject of its own and in whatever surroundings
// in makes for it, a bubble for instance.
func Run(t *testing.T, in func(t *testing.T, test func(t *testing.T, s Subject))) {
	for _, tests := range []map[string]func(*testing.T, Subject){
		orderTests, raceTests, leaseTests, writeTests, readTests, toldTests, lostAnswerTests, damageTests, keepTests,
	} {
		for _, sentence := range sorted(tests) {
			t.Run(sentence, func(t *testing.T) { in(t, tests[sentence]) })
		}
	}
}

// The account and the regions of the tests.
const (
	account = "111122223333"
	here    = "eu-west-1"
	there   = "us-east-1"
)

const ttl = time.Minute

// day is when the orders of the tests were given.
var day = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)

func pauseOrder(actor string) killswitch.Order {
	return killswitch.Order{
		Act: killswitch.Pause, Actor: actor, At: day,
		Scope: killswitch.Scope{Tags: []string{"env=dev"}, Exclude: &killswitch.Scope{Regions: []string{"us-*"}}},
		Alarm: &killswitch.AlarmRef{ID: "m-1", Key: "budget/100/2026-11", Source: "budgets", Text: "over <100> & \"more\""},
	}
}

func resumeOrder(actor string) killswitch.Order {
	return killswitch.Order{Act: killswitch.Resume, Actor: actor, At: day.Add(time.Hour), Force: true}
}

// item is an instance as a listing of order finds it.
func item(region, id string, order int) killswitch.Item {
	return killswitch.Item{
		Resource: killswitch.Resource{
			Ref:  killswitch.Ref{Account: account, Region: region, Kind: killswitch.EC2Instance, ID: id},
			Name: "web <1>", Type: "m5.large", Tags: map[string]string{"env": "dev", "Näme": "a#b%c"},
		},
		Order: order,
		Original: killswitch.Original{
			Schema: 1, Data: []byte(`{"id":"` + id + `","state":"running","tags":{"a":"<&>"},"n":12345678901234567890}`),
		},
	}
}

// paused is the state of an item that was paused for order.
func paused(it killswitch.Item, order int) killswitch.Item {
	it.State = killswitch.State{
		Phase: killswitch.Paused, Order: order, Reached: order, Step: "stop-instances",
		AttemptedAt: day, AnsweredAt: day.Add(time.Second), Attempts: 2, Left: killswitch.Fields{"state": "stopped"},
		Wait:   &killswitch.Wait{For: "stopped", Since: day, Deadline: day.Add(20 * time.Minute)},
		LookAt: day.Add(15 * time.Minute), WakesAt: day.Add(168 * time.Hour), Reason: "because",
	}
	return it
}

func covered(order int, ids ...string) snapshots.Coverage {
	return snapshots.Coverage{
		Kind: killswitch.EC2Instance, Order: order, Listed: true, At: day, Count: len(ids), Items: len(ids),
		Hash: snapshots.CoverageHash(ids),
		Verdicts: []snapshots.Verdict{{
			Resource: item(here, "i-protected", order).Resource, Phase: killswitch.Protected, Reason: "by tag",
		}},
	}
}

func originalOf(it killswitch.Item) snapshots.Change { return snapshots.Change{Original: &it} }
func stateOf(it killswitch.Item) snapshots.Change    { return snapshots.Change{State: &it} }

func partOf(it killswitch.Item, name, data string) snapshots.Change {
	return snapshots.Change{Part: &snapshots.PartOf{
		Ref: it.Resource.Ref, Order: it.Order, Part: killswitch.Part{Name: name, Data: []byte(data)},
	}}
}

func coverageOf(c snapshots.Coverage) snapshots.Change { return snapshots.Change{Coverage: &c} }

// equal compares what was read with what was written. Nothing of an original may be lost, so bytes
// are compared as bytes.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	text := cmp.Transformer("text", func(data []byte) string { return string(data) })
	if diff := cmp.Diff(want, got, text, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// open gives a first order.
func open(t *testing.T, store snapshots.Store) *snapshots.Live {
	t.Helper()
	given, err := store.Give(t.Context(), account, pauseOrder("alarm"), "")
	ok(t, "give the first order", err)
	return given.Live
}

func acquire(t *testing.T, store snapshots.Store, live *snapshots.Live, owner string) *snapshots.Lease {
	t.Helper()
	lease, err := store.Acquire(t.Context(), live, here, owner, ttl, nil)
	ok(t, "acquire", err)
	return &lease
}

func write(t *testing.T, store snapshots.Store, lease *snapshots.Lease, changes ...snapshots.Change) {
	t.Helper()
	ok(t, "write", store.Write(t.Context(), lease, ttl, changes))
}

func shard(t *testing.T, store snapshots.Store, live *snapshots.Live) snapshots.Shard {
	t.Helper()
	s, err := store.Shard(t.Context(), account, live.Snapshot, here)
	ok(t, "read the shard", err)
	return s
}

// compact is a value as JSON, for comparing what has no order of its own.
func compact(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	ok(t, "marshal", err)
	return string(text)
}
