package sim

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/snapshots/dynamo"
)

func twoRunsActAsOne(t *testing.T) {
	t.Run("two runs of the same order", func(t *testing.T) {
		inWorld(t, options{seed: 7, build: startup}, func(w *world) {
			before := w.account.State()
			alone := w.together(1)
			w.resume()
			both := w.together(2)
			if alone != both {
				t.Errorf("one run made %d changes, two at once made %d", alone, both)
			}
			w.resume()
			w.wantRestored(before)
		})
	})
	t.Run("a holder that freezes past its lease and thaws begins nothing", func(t *testing.T) {
		inWorld(t, options{seed: 8, build: startup}, frozenHolderBeginsNothing)
	})
}

// together pauses with n runs at once and says how many changing calls they made.
func (w *world) together(n int) int {
	w.t.Helper()
	began := len(w.account.Trace())
	ctx := context.Background()
	if _, err := w.start("pause").engine.Order(ctx, engine.Request{Act: killswitch.Pause, Actor: "operator", At: time.Now()}); err != nil {
		w.t.Fatalf("order: %v", err)
	}
	ended := make(chan error)
	for range n {
		p := w.start("pause")
		go func() {
			_, err := p.engine.Reconcile(ctx, engine.Attention{Stay: true})
			ended <- err
		}()
	}
	for range n {
		if err := <-ended; err != nil {
			w.t.Fatalf("pause: %v", err)
		}
	}
	calls := 0
	for _, c := range w.mutations(began) {
		if c.Err == "" {
			calls += len(c.Targets)
		}
	}
	return calls
}

func frozenHolderBeginsNothing(w *world) {
	before := w.account.State()
	ctx := context.Background()
	p := w.start("pause")
	if _, err := p.engine.Order(ctx, engine.Request{Act: killswitch.Pause, Actor: "operator", At: time.Now()}); err != nil {
		w.t.Fatalf("order: %v", err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := p.engine.Reconcile(ctx, engine.Attention{Stay: true})
		ended <- err
	}()
	time.Sleep(400 * time.Millisecond)
	p.Freeze()
	frozen := time.Now()
	time.Sleep(5 * time.Minute)
	w.guard(10 * time.Minute)
	thawed := time.Now()
	p.Thaw()
	time.Sleep(2 * time.Minute)
	p.Kill()
	for _, c := range w.account.Trace() {
		if c.Process == p.name && c.Mutating && c.Sent.After(frozen.Add(time.Second)) && c.Landed && !strings.Contains(fmt.Sprint(c.Targets), "LEASE") {
			w.t.Errorf("frozen at %s, thawed at %s, and then: %s", frozen.Format(time.TimeOnly), thawed.Format(time.TimeOnly), c)
		}
	}
	w.guard(30 * time.Minute)
	w.resume()
	w.wantRestored(before)
}

func cutRunsConverge(t *testing.T) {
	calls := 0
	inWorld(t, options{seed: 9, build: startup}, func(w *world) {
		w.pause()
		calls = len(w.account.Trace())
	})
	for n := 1; n < calls; n += max(1, calls/24) {
		t.Run(fmt.Sprintf("before and after call %d of %d", n, calls), func(t *testing.T) {
			for _, after := range []bool{false, true} {
				killed := false
				fault := func(c awssim.Call) awssim.Fault {
					if c.Seq != n || c.Process != "pause-1" {
						return awssim.Fault{}
					}
					killed = true
					return awssim.Fault{KillBefore: !after, KillAfter: after}
				}
				inWorld(t, options{seed: 9, build: startup, fault: fault}, func(w *world) {
					before := w.account.State()
					w.cutPause(func() bool { return killed })
					w.resume()
					w.wantRestored(before)
				})
			}
		})
	}
}

// cutPause pauses with a run that is killed on its way, and lets the guard go on.
func (w *world) cutPause(killed func() bool) {
	w.t.Helper()
	p := w.start("pause")
	ended := make(chan error, 1)
	go func() {
		_, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.Pause, Actor: "operator", At: time.Now()})
		if err == nil {
			_, err = p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			w.t.Fatalf("pause: %v", err)
		}
	case <-p.Killed():
	case <-time.After(time.Hour):
		w.t.Fatalf("the run neither ended nor was killed (killed: %v)", killed())
	}
	live, err := w.start("reader").store.Live(context.Background(), w.account.ID())
	if err != nil {
		w.t.Fatalf("read live snapshot: %v", err)
	}
	if live == nil { // killed before the order was durable: its sender sends it again
		w.pause()
		return
	}
	w.guard(40 * time.Minute)
	for ref, it := range w.items() {
		if it.State.Phase != killswitch.Paused && it.State.Phase != killswitch.Unpausable {
			w.t.Errorf("after the guard %s is %s (%s)", ref, it.State.Phase, it.State.Reason)
		}
	}
}

func onlyDeclaredActions(t *testing.T) {
	declared := map[string]bool{services.RegionsRead: true}
	for _, action := range dynamo.Actions {
		declared[action] = true
	}
	for _, d := range services.All() {
		for _, action := range d.Actions(killswitch.WantPaused, killswitch.WantResumed) {
			declared[action] = true
		}
	}
	for action := range declared {
		if action == "kms:CreateGrant" {
			continue // starting an encrypted instance needs it: EC2 asks KMS on the caller's behalf
		}
		for _, word := range []string{"Terminate", "Delete", "Modify", "Create", "Reboot", "Remove", "Cancel"} {
			if strings.Contains(action, ":"+word) && !strings.HasPrefix(action, "dynamodb:") {
				t.Errorf("%s is declared: it can do more than pause and resume", action)
			}
		}
	}
	inWorld(t, options{seed: 10, build: startup}, func(w *world) {
		w.pause()
		w.guard(time.Hour)
		w.resume()
		for _, c := range w.account.Trace() {
			action := c.Action()
			if c.Service == "dynamodb" {
				continue // held by the store's own tests: a transaction is authorised by what is in it
			}
			if !declared[action] {
				t.Errorf("%s is called and not declared", action)
			}
		}
	})
}
