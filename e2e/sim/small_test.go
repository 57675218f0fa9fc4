package sim

import (
	"testing"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// small is an account with one of each kind.
func small(a *awssim.Account) {
	const region = "eu-west-1"
	for range 3 {
		a.AddInstance(region, awssim.Instance{PublicIP: true})
	}
	a.AddInstance(region, awssim.Instance{State: "stopped"})
	a.AddInstance(region, awssim.Instance{StopProtected: true})
	a.AddGroup(region, awssim.Group{Name: "web", Min: 1, Max: 4, Desired: 2, Suspended: []string{"AZRebalance"}})
	a.AddDBInstance(region, awssim.DBInstance{ID: "orders"})
	a.AddDBCluster(region, awssim.DBCluster{ID: "ledger", Members: []awssim.DBMember{{ID: "ledger-1"}, {ID: "ledger-2"}}})
	a.AddECSCluster(region, awssim.ECSCluster{Name: "apps"})
	a.AddECSService(region, awssim.ECSService{Cluster: "apps", Name: "api", Desired: 3})
	a.AddScalableTarget(region, awssim.ScalableTarget{Cluster: "apps", Service: "api", Min: 2, Max: 10})
	a.AddECSService(region, awssim.ECSService{Cluster: "apps", Name: "plain", Desired: 1})
}

func TestSmallAccountIsPausedAndRestoredExactly(t *testing.T) {
	inWorld(t, options{seed: 1, build: small}, func(w *world) {
		before := w.account.State()
		w.pause()
		for ref, it := range w.items() {
			if it.State.Phase != killswitch.Paused && it.State.Phase != killswitch.Unpausable {
				t.Errorf("%s is %s (%s), not paused", ref, it.State.Phase, it.State.Reason)
			}
		}
		outcome := w.resume()
		if outcome.Closed == "" {
			t.Errorf("the snapshot is still live after the resume: %+v", outcome)
			for ref, it := range w.items() {
				if !it.State.Phase.Closed() {
					t.Logf("%s is %s: %s", ref, it.State.Phase, it.State.Reason)
				}
			}
		}
		w.wantRestored(before)
	})
}
