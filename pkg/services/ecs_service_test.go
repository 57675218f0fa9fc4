package services

import (
	"maps"
	"testing"
	"time"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
)

var (
	ecsCreated = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	ecsNow     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// ecsSaid is a look at a service that wants and has n tasks, done deploying.
func ecsSaid(n int32, target *ecsTarget) ecsSeen {
	return ecsSeen{
		ecsIdentity: ecsIdentity{ARN: "arn:aws:ecs:eu-west-1:1:service/shop/web", CreatedAt: ecsCreated},
		Status:      ecsActive, Desired: n, Running: n, Deployments: 1,
		Rollout: string(ecstypes.DeploymentRolloutStateCompleted), Target: target,
	}
}

func ecsWith(seen ecsSeen, change func(*ecsSeen)) ecsSeen {
	change(&seen)
	return seen
}

// ecsItem is a service that wanted five tasks when it was recorded.
func ecsItem(t interface{ Fatal(...any) }, was ecsSeen, state killswitch.State) killswitch.Item {
	original, err := encode(ecsServiceSchema, ecsOriginal{
		ecsIdentity: was.ecsIdentity, Desired: was.Desired, Running: was.Running, Steady: was.steady(), Target: was.Target,
	})
	if err != nil {
		t.Fatal(err)
	}
	return killswitch.Item{Original: original, State: state}
}

// TestDecideECSService is the table: want × original × what was done so far × what is seen.
func TestDecideECSService(t *testing.T) {
	free := &ecsTarget{Min: 2, Max: 10}
	half := &ecsTarget{Min: 2, Max: 10, PlanSuspended: true} // the owner had suspended scheduled scaling
	held := &ecsTarget{Max: 10, InSuspended: true, OutSuspended: true, PlanSuspended: true}
	scalingLeft := func() killswitch.Fields {
		return killswitch.Fields{fieldMin: "0", fieldInSuspended: "true", fieldOutSuspended: "true", fieldPlanSuspended: "true"}
	}
	and := func(fields killswitch.Fields, more ...string) killswitch.Fields {
		fields = maps.Clone(fields)
		for i := 0; i < len(more); i += 2 {
			fields[more[i]] = more[i+1]
		}
		return fields
	}
	scalingBack := killswitch.Fields{fieldMin: "2", fieldInSuspended: "false", fieldOutSuspended: "false", fieldPlanSuspended: "false"}
	act := func(step string, leaves killswitch.Fields) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.TakeAct, Step: step, Leaves: leaves, Apart: step == setDesiredZero}
	}
	// in turn is a step of tasks on hosts, whose groups are suspended before.
	inTurn := func(d killswitch.Decision) killswitch.Decision { d.Apart = false; return d }
	seenBefore := func(d killswitch.Decision, at time.Time) killswitch.Decision { d.SeenAt = at; return d }
	hold := func(wave int, reason string) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.Hold, Wave: wave, Reason: reason}
	}
	drift := func(reason string) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.Drift, Reason: reason}
	}
	done := killswitch.Decision{Do: killswitch.Done}
	replaced := killswitch.Decision{Do: killswitch.Replaced, Reason: "another service of this name, created at 2026-11-23T12:00:00Z"}
	var (
		recorded = killswitch.State{Order: 1}
		plain    = killswitch.Fields{fieldDesired: "0"}
		all      = and(scalingLeft(), fieldDesired, "0")
		paused   = killswitch.State{Order: 1, Reached: 1, Step: setDesiredZero, Left: all}
		toResume = killswitch.State{Order: 2, Reached: 1, Step: setDesiredZero, Left: all}
		ending   = killswitch.State{Order: 2, Step: setDesiredZero, Left: all, AttemptedAt: ecsNow.Add(-time.Minute)}
		desired  = killswitch.State{Order: 2, Reached: 1, Step: restoreDesired, Left: and(all, fieldDesired, "5"), AttemptedAt: ecsNow.Add(-time.Minute)}
		late     = killswitch.State{Order: 2, Reached: 1, Step: restoreDesired, Left: and(all, fieldDesired, "5"), AttemptedAt: ecsNow.Add(-20 * time.Minute)}
		scaling  = killswitch.State{Order: 2, Reached: 1, Step: restoreScaling, Left: and(scalingBack, fieldDesired, "5")}
		unread   = func(seen ecsSeen) ecsSeen { seen.Unread = true; return seen }
		starting = func(n int32, target *ecsTarget) ecsSeen {
			return ecsWith(ecsSaid(5, target), func(s *ecsSeen) { s.Running = n })
		}
	)
	tests := map[string]struct {
		want  killswitch.Want
		was   *ecsTarget
		state killswitch.State
		force bool
		seen  ecsSeen
		is    killswitch.Decision
	}{
		// Towards paused.
		"without a scalable target: no tasks": {
			killswitch.WantPaused, nil, recorded, false, ecsSaid(5, nil), act(setDesiredZero, plain),
		},
		"with a scalable target: suspend it first": {
			killswitch.WantPaused, free, recorded, false, ecsSaid(5, free), act(suspendScaling, scalingLeft()),
		},
		"the owner had suspended part of the scaling: suspend the rest too": {
			killswitch.WantPaused, half, recorded, false, ecsSaid(5, half), act(suspendScaling, scalingLeft()),
		},
		"a minimum of zero is no pause": {
			killswitch.WantPaused, &ecsTarget{Max: 10}, recorded, false, ecsSaid(5, &ecsTarget{Max: 10}), act(suspendScaling, scalingLeft()),
		},
		"the owner had suspended everything at a minimum of zero: no tasks": {
			killswitch.WantPaused, held, recorded, false, ecsSaid(5, held), act(setDesiredZero, plain),
		},
		"suspended: no tasks": {
			killswitch.WantPaused, free, killswitch.State{Order: 1, Step: suspendScaling, Left: scalingLeft()}, false, ecsSaid(5, held),
			act(setDesiredZero, all),
		},
		"a target that was registered since cannot be put back and is not touched": {
			killswitch.WantPaused, nil, recorded, false, ecsSaid(5, free), act(setDesiredZero, plain),
		},
		"a target that was removed since suspends nothing": {
			killswitch.WantPaused, free, recorded, false, ecsSaid(5, nil), act(setDesiredZero, plain),
		},
		"its scaling was lifted again before the goal was seen: suspend it again": {
			killswitch.WantPaused, free, killswitch.State{Order: 1, Step: setDesiredZero, Left: all}, false, ecsSaid(2, free), act(suspendScaling, all),
		},
		"tasks still run: wait": {
			killswitch.WantPaused, free, killswitch.State{Order: 1, Step: setDesiredZero, Left: all}, false,
			ecsWith(ecsSaid(0, held), func(s *ecsSeen) { s.Running = 2 }),
			hold(killswitch.PauseServices, "2 of its tasks still run (connections drain, or they are protected from scale-in)"),
		},
		"no task runs": {
			killswitch.WantPaused, free, killswitch.State{Order: 1, Step: setDesiredZero, Left: all}, false, ecsSaid(0, held), done,
		},
		"an alarm in the middle of a resume: suspend and stop again": {
			killswitch.WantPaused, free, killswitch.State{Order: 3, Reached: 1, Step: restoreScaling, Left: and(scalingBack, fieldDesired, "5")}, false,
			ecsSaid(5, free), act(suspendScaling, and(scalingLeft(), fieldDesired, "5")),
		},
		"paused and as it was left": {
			killswitch.WantPaused, free, paused, false, ecsSaid(0, held), done,
		},
		"paused, and somebody has given it tasks: leave it": {
			killswitch.WantPaused, free, paused, false, ecsSaid(3, held),
			drift("somebody has changed it since it was paused: DesiredCount is 3, not 0"),
		},
		"paused, and a deployment of the stack has registered the target anew: leave it": {
			killswitch.WantPaused, free, paused, false, ecsSaid(2, free),
			drift("somebody has changed it since it was paused: DesiredCount is 2, not 0, MinCapacity is 2, not 0, " +
				"DynamicScalingInSuspended is false, not true, DynamicScalingOutSuspended is false, not true, ScheduledScalingSuspended is false, not true"),
		},
		"paused, and only part of the scaling was resumed": {
			killswitch.WantPaused, free, paused, false, ecsSaid(0, &ecsTarget{Max: 10, InSuspended: true, PlanSuspended: true}),
			drift("somebody has changed it since it was paused: DynamicScalingOutSuspended is false, not true"),
		},
		"it is being deleted": {
			killswitch.WantPaused, nil, recorded, false, ecsWith(ecsSaid(0, nil), func(s *ecsSeen) { s.Status = "DRAINING" }),
			hold(0, "it is being deleted (DRAINING)"),
		},
		"another service of the same name": {
			killswitch.WantPaused, nil, recorded, false, ecsWith(ecsSaid(5, nil), func(s *ecsSeen) { s.CreatedAt = ecsNow }),
			replaced,
		},
		"another ARN, and AWS does not say when it was created": {
			killswitch.WantPaused, nil, recorded, false, ecsWith(ecsSaid(5, nil), func(s *ecsSeen) { s.ARN, s.CreatedAt = "arn:x", time.Time{} }),
			drift("it may be another service of this name: its ARN is arn:x"),
		},
		"the same service with an ARN of the new format": {
			killswitch.WantPaused, nil, recorded, false, ecsWith(ecsSaid(5, nil), func(s *ecsSeen) { s.ARN = "arn:aws:ecs:eu-west-1:1:service/web" }),
			act(setDesiredZero, plain),
		},
		"tasks on hosts wait for the groups of all hosts to be suspended": {
			killswitch.WantPaused, nil, recorded, false, ecsWith(ecsSaid(5, nil), func(s *ecsSeen) { s.OnHosts = true }),
			inTurn(act(setDesiredZero, plain)),
		},

		// Towards resumed.
		"tasks are there, and the target is not known: it is looked at in its turn": {
			killswitch.WantResumed, free, desired, false, unread(ecsSaid(5, nil)),
			seenBefore(act(restoreScaling, nil), longAgo),
		},
		"tasks are there, and the target was not touched: it is looked at soon": {
			killswitch.WantResumed, free, killswitch.State{Order: 2, Reached: 1, Step: restoreDesired, Left: plain}, false, unread(ecsSaid(5, nil)),
			hold(killswitch.ResumeServices, "its scalable target has to be looked at"),
		},
		"tasks are to be given back: the target does not matter": {
			killswitch.WantResumed, free, toResume, false, unread(ecsSaid(0, nil)), act(restoreDesired, and(all, fieldDesired, "5")),
		},
		"tasks come: the target does not matter": {
			killswitch.WantResumed, free, desired, false, unread(starting(3, nil)),
			hold(killswitch.ResumeServices, "3 of 5 tasks run, deployments: 1"),
		},
		"a pause in the middle of a resume does not act before it knows the target": {
			killswitch.WantPaused, free, desired, false, unread(ecsSaid(5, nil)),
			hold(killswitch.ResumeServices, "its scalable target has to be looked at"),
		},
		"tasks still end on hosts: new ones would be placed around them": {
			killswitch.WantResumed, free, ending, false, ecsWith(ecsSaid(0, held), func(s *ecsSeen) { s.Running, s.OnHosts = 1, true }),
			hold(killswitch.ResumeInstances, "1 of its tasks still end on their hosts, and new ones would be placed around them"),
		},
		"tasks still end on Fargate: no matter": {
			killswitch.WantResumed, free, ending, false, ecsWith(ecsSaid(0, held), func(s *ecsSeen) { s.Running = 1 }),
			act(restoreDesired, and(all, fieldDesired, "5")),
		},
		"tasks on hosts that do not end: not for ever": {
			killswitch.WantResumed, free, toResume, false, ecsWith(ecsSaid(0, held), func(s *ecsSeen) { s.Running, s.OnHosts = 1, true }),
			act(restoreDesired, and(all, fieldDesired, "5")),
		},
		"paused: give the tasks back before the scaling": {
			killswitch.WantResumed, free, toResume, false, ecsSaid(0, held), act(restoreDesired, and(all, fieldDesired, "5")),
		},
		"without a scalable target: give the tasks back": {
			killswitch.WantResumed, nil, killswitch.State{Order: 2, Step: setDesiredZero, Left: plain}, false, ecsSaid(0, nil),
			act(restoreDesired, killswitch.Fields{fieldDesired: "5"}),
		},
		"the call that gives the tasks back was lost: repeat it": {
			killswitch.WantResumed, free, desired, false, ecsSaid(0, held), act(restoreDesired, and(all, fieldDesired, "5")),
		},
		"tasks are on their way: wait": {
			killswitch.WantResumed, free, desired, false, starting(3, held), hold(killswitch.ResumeServices, "3 of 5 tasks run, deployments: 1"),
		},
		"a deployment is under way: wait": {
			killswitch.WantResumed, free, desired, false,
			ecsWith(ecsSaid(5, held), func(s *ecsSeen) { s.Deployments, s.Rollout = 2, string(ecstypes.DeploymentRolloutStateInProgress) }),
			hold(killswitch.ResumeServices, "5 of 5 tasks run, deployments: 2"),
		},
		"a deployment is done though the old one is still listed: go on": {
			killswitch.WantResumed, free, desired, false, ecsWith(ecsSaid(5, held), func(s *ecsSeen) { s.Deployments = 2 }),
			act(restoreScaling, and(scalingBack, fieldDesired, "5")),
		},
		"tasks never come, and the wait is over: the scaling is given back all the same": {
			killswitch.WantResumed, free, late, false, starting(3, held), act(restoreScaling, and(scalingBack, fieldDesired, "5")),
		},
		"and goes on being reported as waiting": {
			killswitch.WantResumed, free, killswitch.State{Order: 2, Step: restoreScaling, Left: and(scalingBack, fieldDesired, "5")},
			false, starting(3, free), hold(killswitch.ResumeServices, "3 of 5 tasks run, deployments: 1"),
		},
		"tasks run: give the scaling back": {
			killswitch.WantResumed, free, desired, false, ecsSaid(5, held), act(restoreScaling, and(scalingBack, fieldDesired, "5")),
		},
		"what the owner had suspended stays suspended": {
			killswitch.WantResumed, half, desired, false, ecsSaid(5, held),
			act(restoreScaling, killswitch.Fields{
				fieldDesired: "5", fieldMin: "2", fieldInSuspended: "false", fieldOutSuspended: "false", fieldPlanSuspended: "true",
			}),
		},
		"the call that gives the scaling back was lost: repeat it": {
			killswitch.WantResumed, free, scaling, false, ecsSaid(5, held), act(restoreScaling, and(scalingBack, fieldDesired, "5")),
		},
		"tasks and scaling are as they were": {
			killswitch.WantResumed, free, scaling, false, ecsSaid(5, free), done,
		},
		"the scaling has acted at once, and its tasks are on their way: wait": {
			killswitch.WantResumed, free, scaling, false, ecsWith(ecsSaid(7, free), func(s *ecsSeen) { s.Running = 5 }),
			hold(killswitch.ResumeServices, "5 of 7 tasks run, deployments: 1"),
		},
		"the scaling has acted at once": {
			killswitch.WantResumed, free, scaling, false, ecsSaid(7, free),
			killswitch.Decision{Do: killswitch.Done, ByAWS: killswitch.Fields{fieldDesired: "5 → 7"}},
		},
		"a count outside of the bounds is not the scaling's": {
			killswitch.WantResumed, free, scaling, false, ecsSaid(11, free), drift("somebody has changed it since it was paused: DesiredCount is 11, was 5"),
		},
		"somebody has given it tasks: put back the scaling, then tell": {
			killswitch.WantResumed, free, toResume, false, ecsSaid(3, held), act(restoreScaling, and(scalingBack, fieldDesired, "0")),
		},
		"somebody had given it tasks, and the scaling is back: tell, and do not blame the scaling": {
			killswitch.WantResumed, free, killswitch.State{Order: 2, Step: restoreScaling, Left: and(scalingBack, fieldDesired, "0")}, false, ecsSaid(3, free),
			drift("somebody has changed it since it was paused: DesiredCount is 3, was 5"),
		},
		"somebody has given it tasks, by force: as it was": {
			killswitch.WantResumed, free, toResume, true, ecsSaid(3, held), act(restoreDesired, and(all, fieldDesired, "5")),
		},
		"somebody has changed part of the scaling: put back the rest": {
			killswitch.WantResumed, free, desired, false, ecsSaid(5, &ecsTarget{Min: 1, Max: 10, InSuspended: true, OutSuspended: true, PlanSuspended: true}),
			act(restoreScaling, killswitch.Fields{
				fieldDesired: "5", fieldMin: "0", fieldInSuspended: "false", fieldOutSuspended: "false", fieldPlanSuspended: "false",
			}),
		},
		"and tell": {
			killswitch.WantResumed, free, killswitch.State{Order: 2, Step: restoreScaling, Left: killswitch.Fields{
				fieldDesired: "5", fieldMin: "0", fieldInSuspended: "false", fieldOutSuspended: "false", fieldPlanSuspended: "false",
			}}, false, ecsSaid(5, &ecsTarget{Min: 1, Max: 10}), drift("somebody has changed it since it was paused: MinCapacity is 1, was 2"),
		},
		"somebody has changed the upper bound, which a pause does not touch": {
			killswitch.WantResumed, free, scaling, false, ecsSaid(5, &ecsTarget{Min: 2, Max: 20}), done,
		},
		"somebody has removed the scalable target: tell": {
			killswitch.WantResumed, free, desired, false, ecsSaid(5, nil),
			drift("somebody has changed it since it was paused: its scalable target was removed"),
		},
		"somebody has removed the scalable target, by force: register it again": {
			killswitch.WantResumed, free, desired, true, ecsSaid(5, nil), act(restoreScaling, and(scalingBack, fieldDesired, "5")),
		},
		"only the scaling had been suspended: give it back": {
			killswitch.WantResumed, free, killswitch.State{Order: 2, Step: suspendScaling, Left: scalingLeft()}, false, ecsSaid(5, held),
			act(restoreScaling, scalingBack),
		},
		"never touched and as it was": {
			killswitch.WantResumed, free, killswitch.State{Order: 2}, false, ecsSaid(5, free), done,
		},
		"never touched, and the scaling has chosen since": {
			killswitch.WantResumed, free, killswitch.State{Order: 2}, false, starting(5, free).scaledTo(6),
			killswitch.Decision{Do: killswitch.Done, ByAWS: killswitch.Fields{fieldDesired: "5 → 6"}},
		},
		"never touched, and nobody's scaling has chosen since: somebody has": {
			killswitch.WantResumed, nil, killswitch.State{Order: 2}, false, ecsSaid(0, nil),
			drift("somebody has changed it before the brake touched it: DesiredCount is 0, was 5"),
		},
		"another service of the same name is not given tasks, nor by force": {
			killswitch.WantResumed, nil, killswitch.State{Order: 2, Left: plain}, true, ecsWith(ecsSaid(0, nil), func(s *ecsSeen) { s.CreatedAt = ecsNow }),
			replaced,
		},
	}
	service := &ecsService{patience: 20 * time.Minute}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			it := ecsItem(t, ecsSaid(5, test.was), test.state)
			it.Force = test.force
			left := maps.Clone(it.State.Left)
			got := service.Decide(test.want, it, killswitch.Observation{Resource: test.seen}, ecsNow)
			if diff := cmp.Diff(test.is, got); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(left, it.State.Left); diff != "" {
				t.Errorf("Decide has changed what the item left:\n%s", diff)
			}
		})
	}
}

func (s ecsSeen) scaledTo(n int32) ecsSeen {
	s.Desired = n
	return s
}

// TestDecideECSServiceThatWasNotSteady: what was broken before is not waited for for ever.
func TestDecideECSServiceThatWasNotSteady(t *testing.T) {
	was := ecsWith(ecsSaid(5, nil), func(s *ecsSeen) { s.Running = 1 })
	it := ecsItem(t, was, killswitch.State{Order: 2, Step: restoreDesired, Left: killswitch.Fields{fieldDesired: "5"}})
	service := &ecsService{patience: 20 * time.Minute}
	for running, want := range map[int32]killswitch.Do{0: killswitch.Hold, 1: killswitch.Done, 5: killswitch.Done} {
		seen := ecsWith(ecsSaid(5, nil), func(s *ecsSeen) { s.Running = running })
		if got := service.Decide(killswitch.WantResumed, it, killswitch.Observation{Resource: seen}, ecsNow); got.Do != want {
			t.Errorf("with %d running, as few as 1 before: got %+v, want %d", running, got, want)
		}
	}
}
