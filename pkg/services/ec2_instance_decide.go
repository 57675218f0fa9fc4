package services

import (
	"fmt"
	"strings"
	"time"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"aws-hit-breaks/pkg/killswitch"
)

const (
	statePending      = string(ec2types.InstanceStateNamePending)
	stateRunning      = string(ec2types.InstanceStateNameRunning)
	stateShuttingDown = string(ec2types.InstanceStateNameShuttingDown)
	stateTerminated   = string(ec2types.InstanceStateNameTerminated)
	stateStopping     = string(ec2types.InstanceStateNameStopping)
	stateStopped      = string(ec2types.InstanceStateNameStopped)
)

// startAgain is how long after a start that fell back to stopped it is tried once more: the owner
// may have repaired the cause.
const startAgain = 15 * time.Minute

// clockSkew is how far AWS's clock may be from ours.
const clockSkew = 10 * time.Second

// Decide says what brings an instance nearer to what is wanted.
func (s *instances) Decide(want killswitch.Want, it killswitch.Item, seen killswitch.Observation, now time.Time) killswitch.Decision {
	original, err := decode[instanceOriginal](instanceSchema, it.Original)
	if err != nil {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: err.Error()}
	}
	look, ok := seen.Resource.(instanceSeen)
	if !ok {
		return killswitch.Decision{Do: killswitch.Hold, Reason: "it has not been looked at"}
	}
	if reason := passing(look.State); reason != "" {
		wave := killswitch.PauseInstances
		if want == killswitch.WantResumed {
			wave = killswitch.ResumeInstances
		}
		return killswitch.Decision{Do: killswitch.Hold, Reason: reason, Wave: wave}
	}
	if want == killswitch.WantPaused {
		return pauseInstance(it, look)
	}
	return resumeInstance(it, original, look, now)
}

// passing names a state that ends by itself; empty for one that stays. A pending instance is not
// stopped: EC2 refuses that before its first boot is over
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, IncorrectInstanceState).
func passing(state string) string {
	switch state {
	case statePending:
		return "it is starting"
	case stateStopping:
		return "it is stopping"
	case stateShuttingDown:
		return "it is being terminated"
	}
	return ""
}

func pauseInstance(it killswitch.Item, look instanceSeen) killswitch.Decision {
	switch {
	case look.State == stateStopped:
		return killswitch.Decision{Do: killswitch.Done}
	case it.Settled():
		// EC2 never starts what a user stopped, not even Spot.
		return killswitch.Decision{Do: killswitch.Drift, Reason: "somebody has started it again since the pause"}
	}
	return killswitch.Decision{
		Do: killswitch.TakeAct, Step: stopInstances, Leaves: killswitch.Fields{fieldState: stateStopped},
		// EC2 stops nothing of a fleet, and says so only when it is asked
		// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html#stopping-a-spot-instance).
		Doubtful: look.Spot,
	}
}

func resumeInstance(it killswitch.Item, original instanceOriginal, look instanceSeen, now time.Time) killswitch.Decision {
	start := killswitch.Decision{
		Do: killswitch.TakeAct, Step: startInstances, Leaves: killswitch.Fields{fieldState: stateRunning},
	}
	switch {
	case look.State == stateRunning && original.Healthy && look.Status != statusOK:
		return killswitch.Decision{
			Do: killswitch.Hold, Wave: killswitch.ResumeInstances,
			Reason: fmt.Sprintf("its status checks are %s", orNotRead(look.Status)),
		}
	case look.State == stateRunning:
		return killswitch.Decision{Do: killswitch.Done, ByAWS: original.changedTo(look.instanceTraits)}
	case it.Force:
		return start
	case len(it.State.Left) == 0:
		return killswitch.Decision{
			Do: killswitch.Drift, Reason: "somebody had stopped it before the pause did",
		}
	case !replied(it.State, startInstances):
		return start
	case stoppedAfter(look, it.State.AnsweredAt):
		return killswitch.Decision{Do: killswitch.Drift, Reason: "somebody has stopped it again since it was started"}
	}
	if why := startFailure(look); why != "" && now.Before(it.State.AnsweredAt.Add(startAgain)) {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: why}
	}
	return start
}

// replied says whether step is the last that was begun, and AWS has answered. The answer may have
// been a refusal: whether the step took effect is for what is seen to say.
func replied(state killswitch.State, step string) bool {
	return state.Step == step && !state.AnsweredAt.IsZero()
}

func orNotRead(status string) string {
	if status == statusUnknown {
		return "not known yet"
	}
	return status
}

// changedTo are the fields that AWS changed, "old → new".
func (t instanceTraits) changedTo(now instanceTraits) killswitch.Fields {
	changed := killswitch.Fields{}
	note := func(field, was, is string) {
		if was != is {
			changed[field] = fmt.Sprintf("%s → %s", orNone(was), orNone(is))
		}
	}
	note("LaunchTime", t.LaunchTime.Format(time.RFC3339), now.LaunchTime.Format(time.RFC3339))
	if !t.Elastic {
		note("PublicIpAddress", t.PublicIP, now.PublicIP)
		note("PublicDnsName", t.PublicDNS, now.PublicDNS)
	}
	return changed
}

func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

// startFailure says why a start fell back to stopped, by the reason EC2 gives for the state; empty
// where it is none of a failure. A start whose key may not be used is accepted and fails later with
// Client.InternalError (https://repost.aws/knowledge-center/kms-iam-ec2-permission).
func startFailure(look instanceSeen) string {
	switch look.Reason {
	case "", "Client.UserInitiatedShutdown", "Client.UserInitiatedHibernate", "Client.InstanceInitiatedShutdown",
		"Server.ScheduledStop", "Server.SpotInstanceShutdown":
		return ""
	case "Client.InternalError":
		return fmt.Sprintf("it was started and fell back to stopped (%s): the role that starts it needs "+
			"kms:CreateGrant for the keys of its volumes, and the keys must be enabled", look.Reason)
	}
	return fmt.Sprintf("it was started and fell back to stopped (%s: %s)", look.Reason, look.Said)
}

// stoppedAfter says whether a user stopped the instance later than at. EC2 tells the time within the
// transition reason alone: "User initiated (2026-11-23 09:00:00 GMT)".
func stoppedAfter(look instanceSeen, at time.Time) bool {
	text, found := strings.CutPrefix(look.Transition, "User initiated (")
	if !found || look.State != stateStopped {
		return false
	}
	stopped, err := time.Parse("2006-01-02 15:04:05 MST", strings.TrimSuffix(text, ")"))
	return err == nil && stopped.After(at.Add(clockSkew))
}
