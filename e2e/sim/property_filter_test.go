package sim

import (
	"context"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// someRegions are enough for a filter to tell apart.
var someRegions = []string{"eu-central-1", "eu-west-1", "us-east-1"}

// inRandomAccounts runs do in a bubble on accounts of every awkward case.
func inRandomAccounts(t *testing.T, do func(rt *rapid.T, w *world)) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64Range(1, 1<<20).Draw(rt, "seed")
		draws := 0
		build := func(a *awssim.Account) {
			awssim.Random(a, func(n int) int {
				draws++
				return rapid.IntRange(0, n-1).Draw(rt, fmt.Sprint("draw", draws))
			})
		}
		rapid.SyncTest(rt, func(rt *rapid.T) {
			newWorld(rt, options{seed: seed, build: build, regions: someRegions}, func(w *world) { do(rt, w) })
		})
	})
}

// plan is what a dry run says, and fails where it changed anything.
func (w *world) plan(act killswitch.Act, scope killswitch.Scope) snapshots.Snapshot {
	w.t.Helper()
	began, before, items := len(w.account.Trace()), w.account.State(), w.account.Items("us-east-1", table)
	p := w.start("dry-run")
	plan, err := p.engine.Plan(context.Background(), engine.Request{Act: act, Scope: scope, Actor: "operator", At: time.Now()})
	if err != nil {
		w.t.Fatalf("plan a %s: %v", act, err)
	}
	for _, c := range w.account.Trace()[began:] {
		if c.Mutating && c.Process == p.name {
			w.t.Errorf("a dry run of a %s made %s", act, c)
		}
	}
	if changed := w.changed(before); len(changed) > 0 {
		w.t.Errorf("a dry run of a %s changed %q", act, changed)
	}
	if !reflect.DeepEqual(items, w.account.Items("us-east-1", table)) {
		w.t.Errorf("a dry run of a %s wrote into the table", act)
	}
	return plan
}

// in are the resources of a snapshot in a phase, by name.
func in(s snapshots.Snapshot, phase killswitch.Phase) map[string]killswitch.Resource {
	found := map[string]killswitch.Resource{}
	for _, shard := range s.Shards {
		for _, it := range shard.Items {
			if it.State.Phase == phase {
				found[nameOf(it.Resource.Ref)] = it.Resource
			}
		}
	}
	return found
}

// touched are the resources that calls have changed since, each as the one that the brake acts on.
func (w *world) touched(f families, after int) map[string]bool {
	names := map[string]bool{}
	for _, c := range w.mutations(after) {
		for _, id := range named(c) {
			names[f.within(c.Region+" "+kindChanged(c)+" "+id)] = true
		}
	}
	return names
}

// drawFilter draws a filter from what there is to tell apart, with each of its lists and exclusions
// empty half of the time.
func drawFilter(rt *rapid.T, all map[string]killswitch.Resource) killswitch.Scope {
	regions, services, tags, ids := slices.Clone(someRegions), []string{"ec2", "rds", "ecs", "autoscaling"}, []string{"none"}, []string{"none"}
	regions = append(regions, "eu-*", "??-*-1")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		services, ids = append(services, string(r.Ref.Kind)), append(ids, r.Ref.ID)
		for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
			tags = append(tags, key, key+"="+r.Tags[key])
		}
	}
	draw := func(label string) killswitch.Scope {
		some := func(what string, values []string) []string {
			return rapid.SliceOfN(rapid.SampledFrom(values), 0, rapid.SampledFrom([]int{0, 3}).Draw(rt, label+what+"s")).Draw(rt, label+what)
		}
		return killswitch.Scope{Regions: some("region", regions), Services: some("service", services), Tags: some("tag", tags), IDs: some("id", ids)}
	}
	scope := draw("in ")
	if rapid.Bool().Draw(rt, "excludes") {
		out := draw("out ")
		scope.Exclude = &out
	}
	return scope
}

// chosen says whether a filter is about a resource, as its grammar is written for humans: values of
// one key are alternatives, different keys must all match, and what matches any exclusion is out.
func chosen(s killswitch.Scope, r killswitch.Resource) bool {
	matches := func(s killswitch.Scope) (asked, matched int) {
		for _, list := range []struct {
			values []string
			is     func(string) bool
		}{
			{s.Regions, func(v string) bool { ok, _ := path.Match(v, r.Ref.Region); return ok }},
			{s.Services, func(v string) bool { return strings.HasPrefix(string(r.Ref.Kind)+":", v+":") }},
			{s.Tags, func(v string) bool {
				for key, value := range r.Tags {
					if v == key || v == key+"="+value {
						return true
					}
				}
				return false
			}},
			{s.IDs, func(v string) bool { return v == r.Ref.ID }},
		} {
			if len(list.values) > 0 {
				asked++
			}
			if slices.ContainsFunc(list.values, list.is) {
				matched++
			}
		}
		return asked, matched
	}
	if s.Exclude != nil {
		if _, out := matches(*s.Exclude); out > 0 {
			return false
		}
	}
	asked, matched := matches(s)
	return asked == matched
}

// apart says whether a reason is that a resume parts services from their hosts. Where hosts stay paused,
// there is nowhere for the tasks, or all would be placed on the first that comes back; where the services
// do, their hosts would be ended as idle.
func apart(paused map[string]killswitch.Resource, back killswitch.Scope, of killswitch.Resource, reason string) bool {
	waits := strings.HasPrefix(reason, "left down, since ") || strings.HasPrefix(reason, "AWS would end members of it while ") ||
		of.Ref.Kind == killswitch.ECSService && strings.Contains(reason, " tasks run")
	for _, r := range paused {
		if waits && r.Ref.Region == of.Ref.Region && r.Ref.Kind != of.Ref.Kind && !chosen(back, r) {
			return true
		}
	}
	return false
}

// Property 7: a filtered pause and a filtered resume touch what the filter is about, all of it, and
// nothing else, and put it back; and the order keeps its filter. Hosts of what it leaves out go on running.
func TestProperty07FilterSelectivity(t *testing.T) {
	inRandomAccounts(t, func(rt *rapid.T, w *world) {
		before := w.account.State()
		all := in(w.plan(killswitch.Pause, killswitch.Scope{}), killswitch.WouldPause)
		scope := drawFilter(rt, all)
		began := len(w.account.Trace())
		w.order(killswitch.Pause, scope, false)
		touched, taken := w.touched(w.familiesSince(before), began), w.items()
		for name, r := range all {
			_, ours := taken[r.Ref]
			if want := chosen(scope, r) && !keptUp(name, all, scope); ours != want {
				rt.Errorf("%s: taken up is %v, want %v", name, ours, want)
			}
		}
		for name := range touched {
			if r, known := all[name]; !known || !chosen(scope, r) {
				rt.Errorf("%s was touched, and the filter is not about it", name)
			}
		}
		orders := w.snapshot().Header.Orders
		if diff := cmp.Diff(scope, orders[0].Scope, cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("the order's filter (-given +kept):\n%s", diff)
		}
		if w.snapshot().Header.Closed.IsZero() {
			paused := in(w.snapshot(), killswitch.Paused)
			back := drawFilter(rt, paused)
			w.order(killswitch.Resume, back, false)
			now := w.items()
			for name, r := range paused {
				state := now[r.Ref].State
				if chosen(back, r) && apart(paused, back, r, state.Reason) {
					continue
				}
				if (state.Phase == killswitch.Resumed) != chosen(back, r) {
					rt.Errorf("%s is %s (%s) after a resume that is about it: %v", name, state.Phase, state.Reason, chosen(back, r))
				}
			}
			if w.snapshot().Header.Closed.IsZero() {
				w.resume()
			}
		}
		time.Sleep(2 * time.Minute) // ECS itself starts the tasks of services that only lost their hosts
		different, _ := awssim.Compare(before, w.account.State())
		for _, d := range different {
			rt.Errorf("not restored: %s %s was %q, is %q", d.Resource, d.Field, d.Before, d.After)
		}
	})
}

// keptUp says whether a group has to go on running, since the filter leaves out a service that runs on it:
// its capacity provider would end some of its members on the way back.
func keptUp(group string, all map[string]killswitch.Resource, scope killswitch.Scope) bool {
	for name, r := range all {
		if beneath, ok := hostsBeneath(name); ok && beneath == group && !chosen(scope, r) {
			return true
		}
	}
	return false
}

// Property 9: a dry run, of a pause or a resume and however it is filtered, changes nothing in the
// account or the store, and names exactly what the real run then touches.
func TestProperty09DryRunSafety(t *testing.T) {
	inRandomAccounts(t, func(rt *rapid.T, w *world) {
		before := w.account.State()
		scope := drawFilter(rt, in(w.plan(killswitch.Pause, killswitch.Scope{}), killswitch.WouldPause))
		w.holdsTo(killswitch.Pause, scope, killswitch.WouldPause, before)
		if w.snapshot().Header.Closed.IsZero() {
			time.Sleep(10 * time.Minute) // of what may still take effect a dry run says that it would be waited for
			back := drawFilter(rt, in(w.snapshot(), killswitch.Paused))
			w.holdsTo(killswitch.Resume, back, killswitch.WouldResume, before)
		}
	})
}

// holdsTo plans an order and then gives it: what it touches is what was planned. A resume of a part goes
// on with what is still to be paused of the rest.
func (w *world) holdsTo(act killswitch.Act, scope killswitch.Scope, would killswitch.Phase, before awssim.State) {
	w.t.Helper()
	plan := w.plan(act, scope)
	planned := in(plan, killswitch.WouldPause)
	maps.Copy(planned, in(plan, killswitch.WouldResume))
	began := len(w.account.Trace())
	w.order(act, scope, false)
	touched, items := w.touched(w.familiesSince(before), began), w.items()
	for name := range touched {
		if _, ok := planned[name]; !ok {
			w.t.Errorf("the %s touches %s, which the dry run before it did not name", act, name)
		}
	}
	for name, r := range in(plan, would) {
		if !touched[name] {
			w.t.Errorf("the dry run said that the %s would touch %s, which it did not: %+v", act, name, items[r.Ref].State)
		}
	}
}
