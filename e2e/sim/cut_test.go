package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots"
)

// chore is what an operator does with what is recorded.
type chore struct {
	prepare func(w *world) // what there is before
	do      func(w *world, p *process) error
	live    func(w *world)                      // what holds of what is live, at whichever call it was cut
	ended   func(w *world, before awssim.State) // what holds when it is done, and everything is put back
}

// chores are those that write: each as the functions and the command line do it.
func chores() map[string]chore {
	var given killswitch.Ref   // what is given up
	var text, snapshot string  // the export, and which snapshot it is of
	var opened map[string]bool // what was stored, apart from the one that is deleted
	return map[string]chore{
		"give-up": {
			prepare: func(w *world) {
				w.pause()
				given = w.firstPaused(killswitch.EC2Instance)
			},
			do: func(w *world, p *process) error {
				scope := killswitch.Scope{IDs: []string{given.ID}}
				if _, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.GiveUp, Scope: scope, Actor: "operator", At: time.Now()}); err != nil {
					return err
				}
				_, err := p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
				return err
			},
			live: (*world).wantSound,
			ended: func(w *world, before awssim.State) {
				w.wantPhase(given, killswitch.GivenUp)
				w.resume()
				if w.guard(time.Hour).Live != nil {
					w.t.Errorf("the snapshot is still open")
				}
				w.wantSound()
				if it := w.items()[given]; it.State.Phase != killswitch.GivenUp || len(it.Original.Data) == 0 {
					w.t.Errorf("after the resume it is %s, with an original of %d bytes", it.State.Phase, len(it.Original.Data))
				}
				want := []string{fmt.Sprintf("%s %s %s", given.Region, given.Kind, given.ID)}
				if diff := cmp.Diff(want, w.changed(before)); diff != "" {
					w.t.Errorf("not as before are (-want +are):\n%s", diff)
				}
			},
		},
		"import into an empty table": {
			prepare: func(w *world) {
				w.pause()
				text = w.export()
				v := w.vandal()
				for _, item := range v.stored() {
					v.remove(item)
				}
			},
			do: func(w *world, p *process) error {
				e, err := snapshots.ReadExport(bytes.NewReader([]byte(text)))
				if err != nil {
					return err
				}
				portions := e.Portions()
				for i, records := range portions {
					k := trigger.Keeping{Do: trigger.DoImport, ID: e.Snapshot, Records: records}
					if i == len(portions)-1 {
						k.Whole = &e.Whole
					}
					if _, err := trigger.Keep(context.Background(), p.store, e.Account, k); err != nil {
						return err
					}
				}
				return nil
			},
			live: func(w *world) {
				if again := w.export(); again != text {
					w.t.Errorf("what was imported is exported otherwise")
				}
				w.wantSound()
			},
			ended: func(w *world, before awssim.State) {
				w.resume()
				w.wantRestored(before)
			},
		},
		"delete": {
			prepare: func(w *world) {
				w.pause()
				snapshot = w.snapshot().Header.Snapshot
				w.resume()
				w.guard(time.Hour)
				w.pause() // and another one is live
				opened = w.storedBut(snapshot)
			},
			do: func(w *world, p *process) error {
				_, err := trigger.Keep(context.Background(), p.store, w.account.ID(), trigger.Keeping{Do: trigger.DoDelete, ID: snapshot})
				if errors.Is(err, snapshots.ErrNoSnapshot) {
					return nil // the one that was cut had done it all
				}
				return err
			},
			live: func(w *world) {
				if diff := cmp.Diff(opened, w.storedBut(snapshot)); diff != "" {
					w.t.Errorf("of the live snapshot is stored (-before +after):\n%s", diff)
				}
				w.wantSound()
			},
			ended: func(w *world, before awssim.State) {
				for key := range w.stored() {
					if strings.Contains(key, snapshot) && !strings.HasSuffix(key, " LEASE") { // those fence off who was held up
						w.t.Errorf("of the deleted snapshot there is still %s", key)
					}
				}
				w.resume()
				w.wantRestored(before)
			},
		},
	}
}

// TestChoresThatAreCutEndTheSame kills each chore at every call that it makes, before and after the
// call's effect, and does it again: everything ends as if nothing had happened, and what is not given up
// is put back.
func TestChoresThatAreCutEndTheSame(t *testing.T) {
	t.Parallel()
	for name := range chores() {
		t.Run(name, func(t *testing.T) {
			var calls []awssim.Call
			doneTwice(t, name, nil, func(made []awssim.Call) { calls = made })
			if len(calls) < 4 {
				t.Fatalf("it makes %d calls, too few for one that writes", len(calls))
			}
			for _, c := range everyCut("", calls) {
				at := slices.IndexFunc(calls, func(call awssim.Call) bool { return call.Seq == c.call.Seq }) + 1
				t.Run(fmt.Sprintf("%s_call_%d", side(c.after), at), func(t *testing.T) {
					t.Parallel()
					var n atomic.Int64
					killed := false
					doneTwice(t, name, func(call awssim.Call) awssim.Fault {
						if !strings.HasPrefix(call.Process, "chore-") || n.Add(1) != int64(at) {
							return awssim.Fault{}
						}
						killed = true
						return awssim.Fault{KillBefore: !c.after, KillAfter: c.after}
					}, nil)
					if !killed {
						t.Error("it was not killed: it did not make this call")
					}
				})
			}
		})
	}
}

// few are resources of several kinds in two regions, so that a history of them is short, and yet more
// than one transaction holds.
func few(a *awssim.Account) {
	for i := range 60 {
		a.AddInstance("eu-west-1", awssim.Instance{ID: fmt.Sprintf("i-0many%02d", i)})
	}
	a.AddInstance("eu-west-1", awssim.Instance{ID: "i-0web"})
	a.AddInstance("eu-west-1", awssim.Instance{ID: "i-0job"})
	a.AddInstance("eu-west-1", awssim.Instance{ID: "i-0off", State: "stopped"})
	a.AddDBInstance("us-east-1", awssim.DBInstance{ID: "orders"})
	a.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "main"})
	a.AddECSService("us-east-1", awssim.ECSService{Cluster: "main", Name: "api", Desired: 2})
}

// doneTwice does a chore, and once more, and looks at how everything ends. A fault may kill the first.
func doneTwice(t *testing.T, name string, fault func(awssim.Call) awssim.Fault, made func([]awssim.Call)) {
	t.Helper()
	s := &sentinel{fault: fault}
	c := chores()[name]
	inWorld(t, options{seed: crashSeed, regions: []string{"eu-west-1", "us-east-1"}, build: s.watches(few), fault: s.sees}, func(w *world) {
		before := w.account.State()
		c.prepare(w)
		began := len(w.account.Trace())
		first := w.start("chore")
		w.lives(first, func() error { return c.do(w, first) })
		if made != nil {
			made(slices.DeleteFunc(slices.Clone(w.account.Trace()[began:]), func(call awssim.Call) bool { return call.Process != first.name }))
		}
		w.wholeIfLive(c)
		again := w.start("again")
		w.lives(again, func() error { return c.do(w, again) })
		for _, call := range w.mutations(began) {
			t.Errorf("it changed the account: %s", call)
		}
		w.wholeIfLive(c)
		c.ended(w, before)
		for _, problem := range append(s.needless, s.leaseless(w.account.Trace())...) {
			t.Error(problem)
		}
	})
}

// wholeIfLive looks at what is live, which a guard or an alarm would go on with.
func (w *world) wholeIfLive(c chore) {
	w.t.Helper()
	live, err := w.start("reader").store.Live(context.Background(), w.account.ID())
	if err != nil {
		w.t.Errorf("what is live cannot be read: %v", err)
	}
	if live != nil {
		c.live(w)
	}
}

// firstPaused is one of what is paused.
func (w *world) firstPaused(kind killswitch.Kind) killswitch.Ref {
	w.t.Helper()
	var all []killswitch.Ref
	for ref, it := range w.items() {
		if ref.Kind == kind && it.State.Phase == killswitch.Paused {
			all = append(all, ref)
		}
	}
	if len(all) == 0 {
		w.t.Fatalf("no %s is paused", kind)
	}
	return slices.MinFunc(all, killswitch.Ref.Compare)
}

// stored are the keys of the table.
func (w *world) stored() map[string]bool {
	all := map[string]bool{}
	for _, item := range w.account.Items("us-east-1", table) {
		all[attributes(item).key()] = true
	}
	return all
}

// storedBut are the keys without those of a snapshot.
func (w *world) storedBut(snapshot string) map[string]bool {
	all := w.stored()
	for key := range all {
		if strings.Contains(key, snapshot) {
			delete(all, key)
		}
	}
	return all
}
