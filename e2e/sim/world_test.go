// Package sim runs the real engine, services and store on a simulated account, in virtual time.
package sim

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots"
)

// failer is what a world needs of *testing.T and *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// world is one simulated account with everything that a deployed switch has.
type world struct {
	t        failer
	account  *awssim.Account
	settings settings.Settings
	telling  sync.Mutex // guards events: several runs tell at once
	events   []engine.Event
	claims   []claim
	on       func(engine.Event)
	runs     int
}

// options of a world.
type options struct {
	seed uint64
	// regions are the enabled ones, shortPages is the most that a page of a listing holds, and readLag the
	// longest lag of EC2's reads; zero for what awssim takes.
	regions    []string
	shortPages int
	readLag    time.Duration

	build    func(*awssim.Account)
	fault    func(awssim.Call) awssim.Fault
	settings func(*settings.Settings)
}

const table = settings.DefaultTable

// alarmDay is the day of the fixtures: a bubble begins in 2000.
var alarmDay = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// inWorld runs do in a bubble with a new world, and holds every run to what no test may leave.
func inWorld(t *testing.T, o options, do func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { newWorld(t, o, do) })
}

// newWorld must be called in a bubble.
func newWorld(t failer, o options, do func(w *world)) {
	t.Helper()
	time.Sleep(time.Until(alarmDay))
	w := &world{t: t, settings: settings.Default()}
	if o.settings != nil {
		o.settings(&w.settings)
	}
	w.account = awssim.New(awssim.Options{
		Seed: o.seed, Idle: synctest.Wait, Fault: o.fault, Regions: o.regions, ShortPages: o.shortPages, ReadLag: o.readLag,
	})
	defer func() {
		w.account.Shutdown()
		time.Sleep(2 * time.Hour) // time stands still in a bubble whose test has ended: let killed runs end too
	}()
	w.account.AddTable("us-east-1", table)
	o.build(w.account)
	time.Sleep(10 * time.Minute) // whatever the fleet set in motion has come to rest
	do(w)
	if unmodelled := w.account.Unmodelled(); len(unmodelled) > 0 {
		t.Errorf("the simulated account does not know what was asked of it: %q", unmodelled)
	}
}

func (w *world) order(act killswitch.Act, scope killswitch.Scope, force bool) engine.Outcome {
	w.t.Helper()
	p := w.start(string(act))
	ordered, err := p.engine.Order(context.Background(), engine.Request{Act: act, Scope: scope, Actor: "operator", At: time.Now(), Force: force})
	if err != nil {
		w.t.Fatalf("give the %s order: %v", act, err)
	}
	if ordered.Ignored != "" {
		w.t.Fatalf("the %s order was ignored: %s", act, ordered.Ignored)
	}
	outcome, err := p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
	if err != nil {
		w.t.Fatalf("%s: %v", act, err)
	}
	return outcome
}

// pause pulls the brake for everything and stays until all is done.
func (w *world) pause() engine.Outcome {
	w.t.Helper()
	return w.order(killswitch.Pause, killswitch.Scope{}, false)
}

// resume puts everything back and stays until all is done.
func (w *world) resume() engine.Outcome {
	w.t.Helper()
	return w.order(killswitch.Resume, killswitch.Scope{}, false)
}

// guard lets the guard tick every minute for a while, or until nothing is live.
func (w *world) guard(during time.Duration, woken ...killswitch.Ref) engine.Outcome {
	w.t.Helper()
	var last engine.Outcome
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Minute) {
		outcome, err := w.start("guard").engine.Reconcile(context.Background(), engine.Attention{Due: true, Woken: woken})
		if err != nil {
			w.t.Fatalf("guard: %v", err)
		}
		last, woken = outcome, nil
		if outcome.Live == nil {
			break
		}
	}
	return last
}

// snapshot reads the live snapshot, or the newest.
func (w *world) snapshot() snapshots.Snapshot {
	w.t.Helper()
	store := w.start("reader").store
	ctx := context.Background()
	headers, err := store.Headers(ctx, w.account.ID(), 1)
	if err != nil || len(headers) == 0 {
		w.t.Fatalf("no snapshot: %v", err)
	}
	s, err := store.Snapshot(ctx, w.account.ID(), headers[0].Snapshot)
	if err != nil {
		w.t.Fatalf("read snapshot %s: %v", headers[0].Snapshot, err)
	}
	return s
}

// wantSound fails if anything is wrong with the newest snapshot.
func (w *world) wantSound() {
	w.t.Helper()
	for _, f := range snapshots.Check(w.snapshot(), boot.Declared()) {
		w.t.Errorf("check of an undamaged snapshot: %s %s: %s", f.PK, f.SK, f.Why)
	}
}

// items are all items of the newest snapshot by ref.
func (w *world) items() map[killswitch.Ref]killswitch.Item {
	w.t.Helper()
	items := map[killswitch.Ref]killswitch.Item{}
	for _, shard := range w.snapshot().Shards {
		for _, it := range shard.Items {
			items[it.Resource.Ref] = it
		}
	}
	return items
}

// wantRestored fails unless the account is what it was, but for what AWS itself changes.
func (w *world) wantRestored(before awssim.State) {
	w.t.Helper()
	different, _ := awssim.Compare(before, w.account.State())
	for _, d := range different {
		w.t.Errorf("not restored: %s %s was %q, is %q", d.Resource, d.Field, d.Before, d.After)
	}
	if len(different) > 0 {
		w.explain(different[0].Resource)
	}
}

// explain logs what happened to a resource.
func (w *world) explain(resource string) {
	id := resource[strings.LastIndex(resource, " ")+1:]
	for _, it := range w.items() {
		if strings.Contains(it.Resource.Ref.ID, id) {
			w.t.Logf("item %+v left %v", it.State, it.State.Left)
		}
	}
	for _, c := range w.account.Trace() {
		if c.Mutating && c.Service != "dynamodb" && slices.ContainsFunc(c.Targets, func(target string) bool { return strings.Contains(target, id) }) {
			w.t.Logf("call %s", c)
		}
	}
}

// changed lists the resources that differ from an earlier state, by "region kind id".
func (w *world) changed(before awssim.State) []string {
	different, _ := awssim.Compare(before, w.account.State())
	var names []string
	for _, d := range different {
		if !slices.Contains(names, d.Resource) {
			names = append(names, d.Resource)
		}
	}
	return names
}

// mutations are the calls that change something of the account, without the store's.
func (w *world) mutations(after int) []awssim.Call {
	var calls []awssim.Call
	for _, c := range w.account.Trace() {
		if c.Mutating && c.Service != "dynamodb" && c.Seq > after {
			calls = append(calls, c)
		}
	}
	return calls
}

// told reports what a family has been through.
func told(t *testing.T, family string, counts chaos.Counts, violations int) {
	t.Helper()
	if err := chaos.Report(family, counts, violations); err != nil {
		t.Error(err)
	}
}
