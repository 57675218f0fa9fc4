package sim

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// denied is what AWS says when a policy does not allow a call.
var denied = &smithy.GenericAPIError{Code: "AccessDenied", Message: "User is not authorized to perform this operation."}

func unfinishedListings(t *testing.T) {
	broken := true
	fault := func(c awssim.Call) awssim.Fault {
		if broken && c.Region == "us-east-1" && c.Action() == "rds:DescribeDBInstances" {
			return awssim.Fault{Before: denied}
		}
		return awssim.Fault{}
	}
	inWorld(t, options{seed: 11, build: startup, fault: fault}, func(w *world) {
		before := w.account.State()
		w.pause()
		w.wantNotInspected("us-east-1", killswitch.RDSInstance)
		w.guard(20 * time.Minute)
		w.wantNotInspected("us-east-1", killswitch.RDSInstance)
		broken = false
		w.guard(30 * time.Minute)
		r := report.Of(w.snapshot(), boot.Declared())
		if len(r.NotInspected) > 0 {
			t.Errorf("the listing works again, but is still not inspected: %+v", r.NotInspected)
		}
		if !slices.ContainsFunc(w.changed(before), func(name string) bool { return strings.HasPrefix(name, "us-east-1 rds:instance ") }) {
			t.Error("what could not be listed at first was never paused")
		}
		w.resume()
		w.wantRestored(before)
	})
}

func (w *world) wantNotInspected(region string, kind killswitch.Kind) {
	w.t.Helper()
	r := report.Of(w.snapshot(), boot.Declared())
	for _, gap := range r.NotInspected {
		if gap.Region == region && gap.Kind == kind && gap.Reason != "" {
			return
		}
	}
	w.t.Errorf("%s in %s could not be listed, and the report does not say so: %+v", kind, region, r.NotInspected)
}

func saidOnlyWhenObserved(t *testing.T) {
	inWorld(t, options{seed: 12, build: startup}, func(w *world) {
		said := 0
		w.on = func(ev engine.Event) {
			if ev.What != engine.Changed || ev.Phase != killswitch.Paused {
				return
			}
			said++
			if why := w.stillRunning(ev.Ref); why != "" {
				t.Errorf("%s is said to be paused while %s", ev.Ref, why)
			}
		}
		before := w.account.State()
		w.pause()
		if said == 0 {
			t.Fatal("nothing was said to be paused")
		}
		w.on = func(ev engine.Event) {
			if ev.What == engine.Changed && ev.Phase.Back() {
				w.wantSame(before, ev.Ref)
			}
		}
		w.resume()
	})
}

func dryRunTellsTheTruth(t *testing.T) {
	inWorld(t, options{seed: 13, build: startup}, func(w *world) {
		ctx := context.Background()
		request := engine.Request{Act: killswitch.Pause, Actor: "operator", At: time.Now()}
		began := len(w.account.Trace())
		plan, err := w.start("dry-run").engine.Plan(ctx, request)
		if err != nil {
			t.Fatalf("plan: %v", err)
		}
		for _, c := range w.account.Trace()[began:] {
			if c.Mutating {
				t.Errorf("a dry run made %s", c)
			}
		}
		w.pause()
		w.wantAsPlanned(plan, killswitch.WouldPause, killswitch.Paused)
		plan, err = w.start("dry-run").engine.Plan(ctx, engine.Request{Act: killswitch.Resume, Actor: "operator", At: time.Now()})
		if err != nil {
			t.Fatalf("plan: %v", err)
		}
		w.resume()
		w.wantAsPlanned(plan, killswitch.WouldResume, killswitch.Resumed)
	})
}

// wantAsPlanned compares a plan with what then became of the resources. What AWS alone could tell
// must have been named as possible.
func (w *world) wantAsPlanned(plan snapshots.Snapshot, would, became killswitch.Phase) {
	w.t.Helper()
	planned := map[killswitch.Ref]killswitch.Item{}
	for _, shard := range plan.Shards {
		for _, it := range shard.Items {
			planned[it.Resource.Ref] = it
		}
	}
	real := w.items()
	for ref, it := range real {
		p, ok := planned[ref]
		switch {
		case !ok:
			w.t.Errorf("%s was not in the plan and is %s", ref, it.State.Phase)
		case it.State.Phase == killswitch.Unpausable && strings.Contains(p.State.Reason, "may be refused"):
		case p.State.Phase == became && it.State.Phase == became: // it already was
		case (p.State.Phase == would) != (it.State.Phase == became):
			w.t.Errorf("%s was planned as %s and is %s (%s)", ref, p.State.Phase, it.State.Phase, it.State.Reason)
		}
	}
	for ref, p := range planned {
		if _, ok := real[ref]; !ok {
			w.t.Errorf("%s was planned as %s and not taken up", ref, p.State.Phase)
		}
	}
}

func damageIsReported(t *testing.T) {
	inWorld(t, options{seed: 14, build: startup}, func(w *world) {
		before := w.account.State()
		w.pause()
		var victim killswitch.Item
		for _, ref := range sortedRefs(w.items()) {
			if it := w.items()[ref]; ref.Kind == killswitch.EC2Instance && it.State.Phase == killswitch.Paused {
				victim = it
				break
			}
		}
		w.damage(victim)
		outcome := w.resume()
		if outcome.Closed != "" {
			t.Error("a snapshot with a damaged original was closed: what it held would be forgotten")
		}
		faults := snapshots.Check(w.snapshot(), boot.Declared())
		if !slices.ContainsFunc(faults, func(f snapshots.Fault) bool {
			return f.Ref.ID == victim.Resource.Ref.ID && f.Why != "" && f.Hint != ""
		}) {
			t.Errorf("check does not name %s: %+v", victim.Resource.Ref, faults)
		}
		if r := report.Of(w.snapshot(), boot.Declared()); len(r.Problems) == 0 || r.ExitCode() != 3 {
			t.Errorf("the report hides the damage: exit %d, problems %v", r.ExitCode(), r.Problems)
		}
		for _, name := range w.changed(before) {
			if !strings.HasSuffix(name, " "+victim.Resource.Ref.ID) {
				t.Errorf("%s was not restored, though only %s is damaged", name, victim.Resource.Ref.ID)
			}
		}
	})
}
