package sim

import (
	"context"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// A group with a member that its owner protects from being stopped is asked at once by an order, and then
// less and less: the owner's API quota is not ours to spend on an answer that is known.
func TestStopProtectedMemberIsAskedRarely(t *testing.T) {
	const member = "i-0000000000000000b"
	build := func(a *awssim.Account) {
		a.AddGroup("us-east-1", awssim.Group{Name: "web", Max: 3, Members: []awssim.Member{{}, {Instance: &awssim.Instance{ID: member, StopProtected: true}}}})
	}
	group := hostedRef(killswitch.AutoScalingGroup, "web")
	inWorld(t, options{seed: 5, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		asked := func(do func()) (n int) {
			after := len(w.account.Trace())
			do()
			for _, c := range w.mutations(after) {
				if c.Operation == "StopInstances" {
					n++
				}
			}
			return n
		}
		w.pause()
		w.wantPhase(group, killswitch.Failed, "OperationNotPermitted", member)
		if n := asked(func() { w.guard(24 * time.Hour) }); n < 20 || n > 32 {
			t.Errorf("asked %d times in a day, want about once an hour", n)
		}
		w.wantPhase(group, killswitch.Failed, "OperationNotPermitted", member)
		if n := asked(func() { w.pause() }); n == 0 {
			t.Error("a new order did not ask again")
		}
		w.guard(24 * time.Hour)
		w.account.EditInstance("us-east-1", member, func(i *awssim.Instance) { i.StopProtected = false })
		w.guard(2 * time.Hour)
		w.wantPhase(group, killswitch.Paused)
		w.account.EditInstance("us-east-1", member, func(i *awssim.Instance) { i.StopProtected = true })
		w.resume()
		w.wantRestored(before)
	})
}

// A dry run names also what AWS has refused a moment ago: a new order asks for it again.
func TestDryRunNamesWhatWasRefusedJustNow(t *testing.T) {
	const id = "i-0000000000000000c"
	build := func(a *awssim.Account) { a.AddInstance("us-east-1", awssim.Instance{ID: id, StopProtected: true}) }
	inWorld(t, options{seed: 5, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		w.pause()
		plan, err := w.start("dry-run").engine.Plan(context.Background(), engine.Request{
			Act: killswitch.Pause, Actor: "operator", At: time.Now(),
		})
		if err != nil {
			t.Fatalf("plan: %v", err)
		}
		for _, it := range plan.Shards[0].Items {
			if it.Resource.Ref.ID == id && it.State.Phase == killswitch.WouldPause {
				return
			}
		}
		t.Errorf("the plan does not say that %s would be paused: %+v", id, plan.Shards[0].Items)
	})
}
