package sim

import (
	"net/http"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// What AWS does not show, and does not say is gone either, is waited for like anything else: in time
// the later waves go on without it, and it is reported.
func TestWhatAWSDoesNotShowHoldsNobodyForEver(t *testing.T) {
	const region = "us-east-1"
	build := func(a *awssim.Account) {
		a.AddGroup(region, awssim.Group{Name: "web", Max: 1, Members: []awssim.Member{{}}})
		a.AddECSService(region, awssim.ECSService{Cluster: "shop", Name: "cart", Desired: 2})
	}
	denied := false
	fault := func(c awssim.Call) awssim.Fault {
		if denied && c.Operation == "DescribeWarmPool" { // which alone can say that a group is gone
			return awssim.Fault{Before: answer(http.StatusForbidden, "AccessDeniedException")}
		}
		return awssim.Fault{}
	}
	inWorld(t, options{seed: 5, build: build, regions: []string{region}, fault: fault}, func(w *world) {
		w.pause()
		w.account.DeleteGroup(region, "web")
		denied = true
		w.resume()
		w.guard(40 * time.Minute)
		w.wantPhase(hostedRef(killswitch.ECSService, "shop/cart"), killswitch.Resumed)
		w.wantPhase(hostedRef(killswitch.AutoScalingGroup, "web"), killswitch.Failed, "AWS does not show it")
		denied = false
		w.guard(time.Hour)
		w.wantPhase(hostedRef(killswitch.AutoScalingGroup, "web"), killswitch.Gone)
	})
}
