package sim

import (
	"context"
	"sync"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// A guard that reads a region while a pause works on it, and gets the lease when the pause gives it
// back, must not believe what it read before: the pause went on writing. Without what that wrote, a
// resume would blame somebody else for the stop and leave everything down.
func TestGuardThatWaitsForALeaseReadsAgain(t *testing.T) {
	build := func(a *awssim.Account) {
		a.AddInstance("us-east-1", awssim.Instance{ID: "i-0000000000000000a"})
		a.AddDBInstance("us-east-1", awssim.DBInstance{ID: "orders"})
	}
	for delay := 200 * time.Millisecond; delay < time.Second; delay += 25 * time.Millisecond {
		inWorld(t, options{seed: 3, build: build, regions: []string{"us-east-1"}}, func(w *world) {
			before := w.account.State()
			var guard sync.WaitGroup
			guard.Go(func() {
				time.Sleep(delay)
				if _, err := w.start("guard").engine.Reconcile(context.Background(), engine.Attention{Stay: true}); err != nil {
					t.Errorf("guard: %v", err)
				}
			})
			p := w.start("pause")
			if _, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.Pause, Actor: "operator", At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			// It gives its lease back after ten seconds, as a Lambda function does before its time is over.
			ctx, cancel := context.WithTimeout(context.Background(), 70*time.Second)
			defer cancel()
			if _, err := p.engine.Reconcile(ctx, engine.Attention{}); err != nil {
				t.Fatal(err)
			}
			guard.Wait()
			w.resume()
			w.wantRestored(before)
		})
	}
}
