package sim

import (
	"context"
	"net/http"
	"slices"
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

// AWS refuses a call whole, which has then taken the tokens of all that are in it. Where these are short, what it
// may well refuse is stopped few at once and among its like, and costs nobody else a turn.
func TestWhatAWSMayWellRefuseTakesFewTokensWithIt(t *testing.T) {
	const ordinary, spot = 1100, 30 // 1,000 have their tokens at once
	spots := map[string]bool{}
	build := func(a *awssim.Account) {
		for range ordinary {
			a.AddInstance("us-east-1", awssim.Instance{Type: "m5.large"})
		}
		for i := range spot {
			id := a.AddInstance("us-east-1", awssim.Instance{
				Type: "m5.large", Lifecycle: "spot", Spot: awssim.Spot{Persistent: true, InFleet: i%3 == 0},
			})
			spots[id] = true
		}
	}
	inWorld(t, options{seed: 5, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		w.pause()
		refused := 0
		for _, c := range w.mutations(0) {
			if c.Operation != "StopInstances" {
				continue
			}
			n := 0
			for _, id := range c.Targets {
				if spots[id] {
					n++
				}
			}
			if n > 0 && (n < len(c.Targets) || n > 5) {
				t.Errorf("%d Spot Instances are in one call for %d instances", n, len(c.Targets))
			}
			if c.Err != "" {
				refused += len(c.Targets)
			}
		}
		if refused == 0 || refused > spot/3*5 {
			t.Errorf("%d tokens were taken in vain", refused)
		}
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

// Where AWS throttles one call for ever, a resume comes to its end, and what waited for that is back.
func TestThrottledForEverHoldsNobodyBack(t *testing.T) {
	const region = "us-east-1"
	build := func(a *awssim.Account) {
		a.AddECSCluster(region, awssim.ECSCluster{Name: "shop"})
		a.AddECSService(region, awssim.ECSService{Cluster: "shop", Name: "api", Desired: 2})
		a.AddECSService(region, awssim.ECSService{Cluster: "shop", Name: "web", Desired: 2})
		a.AddScalableTarget(region, awssim.ScalableTarget{Cluster: "shop", Service: "web", Min: 1, Max: 4})
	}
	var throttles time.Time // until then, so that this ends in any case
	fault := func(c awssim.Call) awssim.Fault {
		if time.Now().Before(throttles) && c.Operation == "UpdateService" && slices.Contains(c.Targets, "api") {
			return awssim.Fault{Before: answer(http.StatusBadRequest, "ThrottlingException")}
		}
		return awssim.Fault{}
	}
	inWorld(t, options{seed: 5, build: build, regions: []string{region}, fault: fault}, func(w *world) {
		before := w.account.State()
		w.pause()
		throttles = time.Now().Add(3 * time.Hour)
		w.resume()
		if !time.Now().Before(throttles.Add(-2 * time.Hour)) {
			t.Error("the resume took an hour or more")
		}
		w.wantPhase(hostedRef(killswitch.ECSService, "shop/web"), killswitch.Resumed)
		throttles = time.Time{}
		w.guard(2 * time.Hour)
		w.wantRestored(before)
	})
}
