package services

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

// TestReturnedTarget: what goes into the one call that gives the scaling back.
func TestReturnedTarget(t *testing.T) {
	was := ecsTarget{Min: 2, Max: 10, PlanSuspended: true}
	held := ecsTarget{Max: 10, InSuspended: true, OutSuspended: true, PlanSuspended: true}
	left := killswitch.Fields{fieldMin: "0", fieldInSuspended: "true", fieldOutSuspended: "true", fieldPlanSuspended: "true"}
	written := killswitch.Fields{fieldMin: "2", fieldInSuspended: "false", fieldOutSuspended: "false", fieldPlanSuspended: "true"}
	bound := func(n int32) *int32 { return &n }
	for name, test := range map[string]struct {
		left  killswitch.Fields
		force bool
		is    *ecsTarget
		want  ecsTarget
		bound *int32
	}{
		"all of it, as the pause left it":                            {left, false, &held, was, bound(10)},
		"all of it, with what the step will leave noted already":     {written, false, &held, was, bound(10)},
		"not a minimum that somebody has set":                        {left, false, &ecsTarget{Min: 1, Max: 10, InSuspended: true, OutSuspended: true, PlanSuspended: true}, ecsTarget{Min: 1, Max: 10, PlanSuspended: true}, bound(10)},
		"not an upper bound that somebody has set":                   {left, false, &ecsTarget{Max: 20, InSuspended: true, OutSuspended: true, PlanSuspended: true}, ecsTarget{Min: 2, Max: 20, PlanSuspended: true}, nil},
		"everything by force":                                        {left, true, &ecsTarget{Min: 1, Max: 20}, was, bound(10)},
		"everything where the target has been removed, by force too": {left, true, nil, was, bound(10)},
	} {
		t.Run(name, func(t *testing.T) {
			it := killswitch.Item{State: killswitch.State{Left: test.left}, Force: test.force}
			got, gotBound := returned(it, was, test.is)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("target (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.bound, gotBound); diff != "" {
				t.Errorf("upper bound (-want +got):\n%s", diff)
			}
		})
	}
}

// TestECSServiceComesBack plays Decide against a service that obeys: from any service, with any
// calls lost, a pause ends with no task and a resume with every field as it was.
func TestECSServiceComesBack(t *testing.T) {
	service := &ecsService{patience: 20 * time.Minute}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(0, 9).Draw(t, "desired")
		var target *ecsTarget
		if rapid.Bool().Draw(t, "has a target") {
			low := rapid.Int32Range(0, 9).Draw(t, "min")
			target = &ecsTarget{
				Min: low, Max: low + rapid.Int32Range(0, 9).Draw(t, "more"), InSuspended: rapid.Bool().Draw(t, "in"),
				OutSuspended: rapid.Bool().Draw(t, "out"), PlanSuspended: rapid.Bool().Draw(t, "plan"),
			}
			n = min(max(n, target.Min), target.Max)
		}
		was := ecsSaid(n, target)
		it := ecsItem(t, was, killswitch.State{Order: 1})
		is := was
		play := func(want killswitch.Want) {
			lost := rapid.IntRange(0, 3).Draw(t, "calls lost towards "+string(want))
			for range 10 {
				d := service.Decide(want, it, killswitch.Observation{Resource: is}, ecsNow)
				switch d.Do {
				case killswitch.Done:
					it.State.Reached = it.State.Order
					return
				case killswitch.TakeAct:
					it.State.Step, it.State.Left = d.Step, d.Leaves
					if lost > 0 && rapid.Bool().Draw(t, "lost "+d.Step) {
						lost--
						continue
					}
					is = obey(t, is, it, d.Step)
				default:
					t.Fatalf("towards %s from %+v: %+v", want, is, d)
				}
			}
			t.Fatalf("towards %s: no end, at %+v", want, is)
		}
		play(killswitch.WantPaused)
		if is.Desired != 0 || is.Running != 0 || !is.Target.suspended() {
			t.Fatalf("paused: %+v, target %+v", is, is.Target)
		}
		it.State.Order++
		play(killswitch.WantResumed)
		if diff := cmp.Diff(was, is, cmp.AllowUnexported(ecsSeen{})); diff != "" {
			t.Fatalf("resumed (-was +is):\n%s", diff)
		}
	})
}

// obey is the effect of a step as AWS carries it out, with the clamp of a registration.
func obey(t *rapid.T, is ecsSeen, it killswitch.Item, step string) ecsSeen {
	was, err := decode[ecsOriginal](ecsServiceSchema, it.Original)
	if err != nil {
		t.Fatal(err)
	}
	var target ecsTarget
	switch step {
	case setDesiredZero:
		is.Desired = 0
	case restoreDesired:
		is.Desired = was.Desired
	case suspendScaling:
		target = ecsTarget{Max: is.Target.Max, InSuspended: true, OutSuspended: true, PlanSuspended: true}
		is.Target = &target
	case restoreScaling:
		target, _ = returned(it, *was.Target, is.Target)
		is.Target = &target
		is.Desired = min(max(is.Desired, target.Min), target.Max)
	}
	is.Running = is.Desired
	return is
}

func TestECSServiceChecks(t *testing.T) {
	for name, test := range map[string]struct{ data, fault string }{
		"whole":                         {`{"arn":"a","desired":5,"running":5,"steady":true,"target":{"min":1,"max":2}}`, ""},
		"without an ARN":                {`{"arn":"","desired":5,"running":5,"steady":true}`, "no ARN"},
		"with a field missing":          {`{"arn":"a","running":5,"steady":true}`, "a field is missing"},
		"with a negative count":         {`{"arn":"a","desired":-1,"running":5,"steady":true}`, "desired count of -1"},
		"with bounds the wrong way":     {`{"arn":"a","desired":1,"running":1,"steady":true,"target":{"min":3,"max":2}}`, "from 3 to 2"},
		"with a field of nobody":        {`{"arn":"a","desired":1,"running":1,"steady":true,"more":1}`, "more"},
		"with something else behind it": {`{"arn":"a","desired":1,"running":1,"steady":true} {}`, "follows"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ecsServices().Check(killswitch.Original{Schema: ecsServiceSchema, Data: []byte(test.data)}, nil)
			if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
				t.Errorf("Check says %v, want %q", err, test.fault)
			}
		})
	}
	err := ecsServices().Check(killswitch.Original{Schema: ecsServiceSchema, Data: []byte(`{"arn":"a"}`)}, []killswitch.Part{{Name: "x"}})
	if err == nil {
		t.Error("a part is not noticed")
	}
}
