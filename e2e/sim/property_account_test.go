package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// The properties of the original specification that are about a whole account, each on a hundred random
// accounts of every awkward case.

// discovered is a discovery of everything, told as a report.
func (w *world) discovered() report.Report {
	w.t.Helper()
	found, err := w.start("discovery").engine.Discover(context.Background(), killswitch.Scope{})
	if err != nil {
		w.t.Fatalf("discover: %v", err)
	}
	return report.Of(found, boot.Declared())
}

// listed are the names of the report's resources, as a State has them, which knows a task by its cluster
// and number alone.
func listed(r report.Report) map[string]report.Resource {
	all := map[string]report.Resource{}
	for _, res := range r.Resources {
		name := fmt.Sprint(res.Region, " ", res.Kind, " ", res.ID)
		if cluster, task, ok := strings.Cut(res.ID, "/task/"); ok {
			name = fmt.Sprint(res.Region, " ecs:task ", cluster, "/", task)
		}
		all[name] = res
	}
	return all
}

// running are the resources of an account that cost by the hour and are of a kind that the brake knows,
// by what the account itself says. Members count with their group or cluster.
func running(state awssim.State) []string {
	var names []string
	for name, fields := range state {
		_, rest, _ := strings.Cut(name, " ")
		kind, _, _ := strings.Cut(rest, " ")
		runs := false
		switch kind {
		case "ec2:instance":
			runs = fields["State"] == "running" && !owned(state, name, "autoscaling:group")
		case "rds:instance":
			runs = fields["Status"] == "available" && !owned(state, name, "rds:cluster")
		case "rds:cluster":
			runs = fields["Status"] == "available" && fields["Members"] != "" // its members cost
		case "ecs:service":
			runs = fields["Status"] == "ACTIVE" && fields["DesiredCount"] != "0"
		case "autoscaling:group":
			for field, value := range fields {
				runs = runs || strings.HasPrefix(field, "Instances.") && strings.HasPrefix(value, "InService")
			}
		}
		if runs {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// owned says whether a resource is paused through another of that kind.
func owned(state awssim.State, name, kind string) bool {
	region, _, _ := strings.Cut(name, " ")
	for owner, fields := range state {
		if strings.HasPrefix(owner, region+" "+kind+" ") && owns(owner, fields, name) {
			return true
		}
	}
	return false
}

// TestProperty01CompleteDiscovery: a discovery finds everything that runs, in every region, and nothing
// that is not there.
func TestProperty01CompleteDiscovery(t *testing.T) {
	onRandomAccounts(t, func(w *world) {
		state := w.account.State()
		found := w.discovered()
		if len(found.NotInspected) > 0 {
			w.t.Errorf("not inspected: %v", found.NotInspected)
		}
		names := listed(found)
		for _, name := range running(state) {
			if _, ok := names[name]; !ok {
				w.t.Errorf("%s runs, and is not found", name)
			}
		}
		for name := range names {
			if _, ok := state[name]; !ok {
				w.t.Errorf("%s is found, and is not there", name)
			}
		}
	})
}

// TestProperty02SummaryCounts: the counts of a summary are those of what is listed.
func TestProperty02SummaryCounts(t *testing.T) {
	onRandomAccounts(t, func(w *world) {
		wantCounted(w, w.discovered())
		w.pause()
		wantCounted(w, report.Of(w.snapshot(), boot.Declared()))
	})
}

func wantCounted(w *world, r report.Report) {
	w.t.Helper()
	phases, regions := map[killswitch.Phase]int{}, map[string]bool{}
	for _, res := range r.Resources {
		phases[res.Phase]++
		if res.Phase != killswitch.Unpausable && res.Phase != killswitch.Protected && res.Phase != killswitch.Untouched {
			regions[res.Region] = true
		}
	}
	if diff := cmp.Diff(phases, r.Summary.Phases); diff != "" {
		w.t.Errorf("phases (-listed +summary):\n%s", diff)
	}
	if r.Summary.Total != len(r.Resources) || r.Summary.Regions != len(regions) {
		w.t.Errorf("%d resources in %d regions are listed, and %d in %d counted", len(r.Resources), len(regions), r.Summary.Total, r.Summary.Regions)
	}
}

// TestProperty04ComprehensivePause: after a pause nothing runs but what has a reason to.
func TestProperty04ComprehensivePause(t *testing.T) {
	onRandomAccounts(t, func(w *world) {
		w.pause()
		w.guard(time.Hour)
		phases := map[string]killswitch.Phase{}
		for name, res := range listed(report.Of(w.snapshot(), boot.Declared())) {
			phases[name] = res.Phase
			if left := res.Phase == killswitch.Unpausable || res.Phase == killswitch.Protected; left && res.Reason == "" {
				w.t.Errorf("%s is left running without a reason", name)
			}
		}
		for _, name := range running(w.account.State()) {
			switch phase, known := phases[name]; {
			case !known:
				w.t.Errorf("%s runs after the pause, and nothing is said of it", name)
			case phase == killswitch.Paused && !strings.Contains(name, " autoscaling:group "): // its members are looked at below
				w.t.Errorf("%s is said to be paused, and runs", name)
			}
		}
		for ref := range w.items() {
			if why := w.stillRunning(ref); why != "" && phases[refName(ref)] == killswitch.Paused {
				w.t.Errorf("%s is said to be paused while %s", ref, why)
			}
		}
	})
}

func refName(ref killswitch.Ref) string { return fmt.Sprint(ref.Region, " ", ref.Kind, " ", ref.ID) }

// TestProperty05OriginalBeforeAnyChange: nothing is changed before its original is in the store.
func TestProperty05OriginalBeforeAnyChange(t *testing.T) {
	changes := 0
	onRandomAccounts(t, func(w *world) {
		w.pause()
		changes += w.wantOriginalsFirst()
	})
	if changes == 0 {
		t.Error("no pause changed anything: this test has seen nothing")
	}
}

// TestProperty06PauseResumeRoundTrip: pause and resume give the account back field by field, whatever
// happened to be in it.
func TestProperty06PauseResumeRoundTrip(t *testing.T) {
	onRandomAccounts(t, func(w *world) { thereAndBack(w, 1) })
}

// TestProperty10PartialFailureResilience: one resource that AWS refuses to stop or to start holds back
// no other, and is reported with AWS's reason.
func TestProperty10PartialFailureResilience(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		region, victim, refused := "", "", false
		fault := func(c awssim.Call) awssim.Fault {
			if c.Mutating && c.Region == region && slices.Contains(c.Targets, victim) {
				refused = true
				return awssim.Fault{Before: denied}
			}
			return awssim.Fault{}
		}
		act := rapid.SampledFrom([]killswitch.Act{killswitch.Pause, killswitch.Resume}).Draw(rt, "refused at")
		onRandomAccount(rt, fault, func(w *world) {
			before := w.account.State()
			running := running(before)
			if len(running) == 0 {
				return
			}
			name := rapid.SampledFrom(running).Draw(rt, "victim")
			id := name[strings.LastIndex(name, " ")+1:]
			region, _, _ = strings.Cut(name, " ")
			if act == killswitch.Pause {
				victim = last(id)
			}
			w.pause()
			if w.guard(time.Hour).Live == nil { // nothing can be paused
				w.wantRestored(before)
				return
			}
			victim = last(id)
			w.resume()
			w.guard(time.Hour)
			w.wantRestOf(before, map[string]bool{name: true})
			if refused && slices.Contains(w.changed(before), name) {
				res := listed(report.Of(w.snapshot(), boot.Declared()))[name]
				if !strings.Contains(res.Reason, "AccessDenied") && !strings.Contains(res.Reason, "UnauthorizedOperation") {
					w.t.Errorf("%s is %s: %q, which is not what AWS said", name, res.Phase, res.Reason)
				}
			}
			victim = ""
			if live, err := w.start("reader").store.Live(context.Background(), w.account.ID()); err != nil {
				w.t.Fatalf("read the live snapshot: %v", err)
			} else if live != nil {
				w.resume()
				w.guard(time.Hour)
			}
			w.wantRestored(before)
		})
	})
}
