package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// startup is the fleet that the promises are held to.
func startup(a *awssim.Account) { awssim.Startup(a) }

// TestPromises holds the product to what it promises: one test a promise, each of which fails when
// the code that keeps the promise is broken.
func TestPromises(t *testing.T) {
	for _, p := range []struct {
		promise string
		hold    func(t *testing.T)
	}{
		{"P1 nothing is changed whose original is not durable", originalsComeFirst},
		{"P2 an original is written once each time a resource is paused", originalsStand},
		{"P3 once faults end everything is put back or reported, and nothing holds back the others", nothingHoldsBack},
		{"P4 what was not running before is never started", stoppedStaysStopped},
		{"P5 what is protected is never touched", protectedIsUntouched},
		{"P6 two runs at once act as one", twoRunsActAsOne},
		{"P7 a run cut at any point and run again converges to the same end", cutRunsConverge},
		{"P8 only declared actions are called, and none that deletes", onlyDeclaredActions},
		{"P9 a listing that was not finished is never read as nothing there", unfinishedListings},
		{"P10 paused and resumed are said only of what was observed so", saidOnlyWhenObserved},
		{"P11 a dry run changes nothing and says what the real run does", dryRunTellsTheTruth},
		{"P12 what is damaged is reported and never guessed at", damageIsReported},
	} {
		t.Run(p.promise, p.hold)
	}
}

// named are the ids of resources that a call changes, as the store's keys spell them.
func named(c awssim.Call) []string {
	switch c.Service {
	case "ecs":
		if len(c.Targets) >= 2 {
			return []string{last(c.Targets[0]) + "/" + last(c.Targets[1])}
		}
	case "application-autoscaling":
		var ids []string
		for _, target := range c.Targets {
			ids = append(ids, strings.TrimPrefix(target, "service/"))
		}
		return ids
	}
	return c.Targets
}

func last(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func originalsComeFirst(t *testing.T) {
	inWorld(t, options{seed: 2, build: startup}, func(w *world) {
		w.pause()
		if w.wantOriginalsFirst() == 0 {
			t.Fatal("the pause made no call: this test would see nothing")
		}
	})
}

// wantOriginalsFirst fails if something was changed whose original was not in the table by then, and
// counts what was changed.
func (w *world) wantOriginalsFirst() (changes int) {
	w.t.Helper()
	durable := map[string]bool{}
	calls := w.account.Trace()
	slices.SortStableFunc(calls, func(a, b awssim.Call) int { return a.At.Compare(b.At) })
	for _, c := range calls {
		if c.Service == "dynamodb" {
			for _, target := range c.Targets {
				if _, key, ok := strings.Cut(target, " ORIGINAL#"); ok && c.Err == "" {
					durable[key] = true
				}
			}
			continue
		}
		if !c.Mutating {
			continue
		}
		changes++
		for _, id := range named(c) {
			if !durableFor(durable, id) && !w.memberRecorded(c, id) {
				w.t.Errorf("%s changed %s, whose original was not in the table", c, id)
			}
		}
	}
	return changes
}

// durableFor says whether an original of the id is among the keys KIND#ID#ORDER.
func durableFor(keys map[string]bool, id string) bool {
	for key := range keys {
		if parts := strings.Split(key, "#"); len(parts) >= 2 && parts[1] == id {
			return true
		}
	}
	return false
}

// memberRecorded says whether the id is in a part of a group's original that was durable before
// the call.
func (w *world) memberRecorded(c awssim.Call, id string) bool {
	for _, it := range w.items() {
		for _, part := range it.Parts {
			if strings.Contains(string(part.Data), `"`+id+`"`) && it.Resource.Ref.Region == c.Region {
				return w.partBefore(it, part, c)
			}
		}
	}
	return false
}

func (w *world) partBefore(it killswitch.Item, part killswitch.Part, c awssim.Call) bool {
	for _, write := range w.account.Trace() {
		if write.Service != "dynamodb" || write.Err != "" || !write.At.Before(c.At) {
			continue
		}
		if slices.ContainsFunc(write.Targets, func(target string) bool {
			return strings.Contains(target, "#"+it.Resource.Ref.ID+"#") && strings.HasSuffix(target, "#"+part.Name)
		}) {
			return true
		}
	}
	return false
}

func originalsStand(t *testing.T) {
	inWorld(t, options{seed: 3, build: startup}, func(w *world) {
		before := w.account.State()
		w.pause()
		first := w.items()
		w.pause()
		for ref, it := range w.items() {
			if diff := cmp.Diff(first[ref].Original, it.Original); diff != "" {
				t.Errorf("a second pause wrote another original of %s:\n%s", ref, diff)
			}
			if diff := cmp.Diff(first[ref].Order, it.Order); diff != "" {
				t.Errorf("a second pause put the original of %s under another order:\n%s", ref, diff)
			}
		}
		w.resume()
		w.wantRestored(before)
		firstID := w.snapshot().Header.Snapshot
		w.pause()
		if id := w.snapshot().Header.Snapshot; id == firstID {
			t.Errorf("what is paused after a resume has no new original: still snapshot %s", id)
		}
		w.resume()
		w.wantRestored(before)
	})
}

func nothingHoldsBack(t *testing.T) {
	build := func(a *awssim.Account) {
		awssim.Startup(a)
		a.AddInstance("us-east-1", awssim.Instance{ID: "i-0000000000000bad1", StartsFail: true})
		a.AddInstance("us-east-1", awssim.Instance{ID: "i-0000000000000bad2", NoCapacity: 12})
	}
	inWorld(t, options{seed: 4, build: build}, func(w *world) {
		before := w.account.State()
		w.pause()
		w.resume()
		w.guard(2 * time.Hour)
		for ref, it := range w.items() {
			bad := ref.ID == "i-0000000000000bad1"
			switch {
			case bad && (it.State.Phase != killswitch.Failed || it.State.Reason == ""):
				t.Errorf("%s cannot be started, but is reported as %s (%q)", ref, it.State.Phase, it.State.Reason)
			case !bad && !it.State.Phase.Back():
				t.Errorf("%s was held back: %s (%s)", ref, it.State.Phase, it.State.Reason)
			}
		}
		w.account.EditInstance("us-east-1", "i-0000000000000bad1", func(i *awssim.Instance) { i.StartsFail = false })
		w.guard(time.Hour)
		w.account.EditInstance("us-east-1", "i-0000000000000bad1", func(i *awssim.Instance) { i.StartsFail = true })
		w.wantRestored(before)
	})
}

func stoppedStaysStopped(t *testing.T) {
	inWorld(t, options{seed: 5, build: startup}, func(w *world) {
		stopped := map[string]bool{}
		for name, fields := range w.account.State() {
			if state := fields["State"] + fields["Status"]; state == "stopped" {
				stopped[name] = true
			}
		}
		if len(stopped) == 0 {
			t.Fatal("the fleet has nothing that is stopped: this test would see nothing")
		}
		w.pause()
		w.resume()
		for name := range stopped {
			if fields := w.account.State()[name]; fields["State"]+fields["Status"] != "stopped" {
				t.Errorf("%s was stopped before the pause and is %s after the resume", name, fields["State"]+fields["Status"])
			}
		}
		for _, c := range w.mutations(0) {
			for _, id := range c.Targets {
				for name := range stopped {
					if strings.HasSuffix(name, " "+id) && strings.HasPrefix(name, c.Region+" ") {
						t.Errorf("%s names %s, which was stopped before", c, id)
					}
				}
			}
		}
	})
}

func protectedIsUntouched(t *testing.T) {
	inWorld(t, options{seed: 6, build: startup}, func(w *world) {
		protected := w.protected()
		if len(protected) < 5 {
			t.Fatalf("the fleet has only %d protected resources: this test would see little", len(protected))
		}
		before := w.account.State()
		w.pause()
		for _, name := range w.changed(before) {
			if protected[name] {
				t.Errorf("protected %s was changed", name)
			}
		}
		for _, c := range w.mutations(0) {
			for _, id := range named(c) {
				for name := range protected {
					if strings.HasPrefix(name, c.Region+" ") && strings.HasSuffix(name, " "+id) {
						t.Errorf("%s names protected %s", c, name)
					}
				}
			}
		}
		told := map[string]bool{}
		for _, shard := range w.snapshot().Shards {
			for _, c := range shard.Coverage {
				for _, v := range c.Verdicts {
					if v.Phase == killswitch.Protected {
						told[v.Resource.Ref.Kind.Service()] = true
						if v.Reason == "" {
							t.Errorf("%s is protected, but nothing says by what", v.Resource.Ref)
						}
					}
				}
			}
		}
		for _, service := range []string{"ec2", "autoscaling", "rds", "ecs"} {
			if !told[service] {
				t.Errorf("the report names no protected resource of %s", service)
			}
		}
	})
}
