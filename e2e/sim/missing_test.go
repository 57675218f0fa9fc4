package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// lose removes what the table has of some resources in that class.
func (w *world) lose(class string, ids ...string) {
	v := w.vandal()
	lost := 0
	for _, item := range v.stored() {
		if item.class() == class && slices.Contains(ids, item.id()) {
			v.remove(item)
			lost++
		}
	}
	if lost != len(ids) {
		w.t.Fatalf("%d items removed, want %d", lost, len(ids))
	}
}

// A state that is missing is told as missing, at once and by a resume, and nobody is blamed for what the
// brake itself may have done; a resume by force puts back what the original says.
func TestMissingStateIsToldAsMissing(t *testing.T) {
	build := func(a *awssim.Account) {
		a.AddInstance("us-east-1", awssim.Instance{ID: "i-0000000000000000a"})
		a.AddDBInstance("us-east-1", awssim.DBInstance{ID: "orders"})
		a.AddGroup("us-east-1", awssim.Group{Name: "web", Max: 2, Desired: 1})
		a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: "api", Desired: 2})
	}
	refs := []killswitch.Ref{
		hostedRef(killswitch.EC2Instance, "i-0000000000000000a"), hostedRef(killswitch.RDSInstance, "orders"),
		hostedRef(killswitch.AutoScalingGroup, "web"), hostedRef(killswitch.ECSService, "shop/api"),
	}
	inWorld(t, options{seed: 5, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		w.pause()
		w.guard(time.Hour)
		w.lose("STATE", "i-0000000000000000a", "orders", "web", "shop/api")
		told := func(when string) {
			r := report.Of(w.snapshot(), boot.Declared())
			for _, ref := range refs {
				at := slices.IndexFunc(r.Resources, func(res report.Resource) bool { return res.Ref(ref.Account) == ref })
				if at < 0 {
					t.Errorf("%s: the report does not tell of %s", when, ref)
				} else if res := r.Resources[at]; res.Phase != killswitch.Unreadable || !strings.Contains(res.Reason, "its state is missing") {
					t.Errorf("%s: %s is %s (%s)", when, ref, res.Phase, res.Reason)
				}
			}
			if r.ExitCode() == 0 {
				t.Errorf("%s: exit code 0", when)
			}
		}
		told("after the loss")
		w.resume()
		w.guard(time.Hour)
		told("after a resume")
		for _, ev := range w.events {
			if ev.Phase == killswitch.Unreadable && slices.Contains(refs, ev.Ref) && !strings.Contains(ev.Reason, "--force") {
				t.Errorf("%s: %q does not say what can be done", ev.Ref, ev.Reason)
			}
			if ev.Phase == killswitch.Drifted {
				t.Errorf("%s: somebody is blamed: %s", ev.Ref, ev.Reason)
			}
		}
		w.order(killswitch.Resume, killswitch.Scope{}, true)
		w.guard(time.Hour)
		w.wantRestored(before)
	})
}

// While what is known of a service on hosts is lost, its group may not end them.
func TestHostsOutliveAServiceWhoseItemsAreLost(t *testing.T) {
	for _, class := range []string{"STATE", "ORIGINAL"} {
		t.Run(class, func(t *testing.T) {
			inHosted(t, 7, hosted, nil, func(w *world) {
				before := w.account.State()
				w.pause()
				w.guard(time.Hour)
				w.lose(class, "shop/web")
				w.resume()
				w.guard(idleHosts)
				w.wantHosts(before)
				w.wantPhase(theGroup, killswitch.Failed, theService.String()+" is down")
				w.wantPhase(onFargate, killswitch.Resumed)
			})
		})
	}
}
