package services

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// The statuses of a service.
const (
	ecsActive   = "ACTIVE"
	ecsInactive = "INACTIVE"
)

// ecsPaused is what a pause sets. A minimum of zero alone is no pause: target tracking scales out
// from zero as soon as its metric shows demand
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html).
var ecsPaused = killswitch.Fields{
	fieldDesired: "0", fieldMin: "0",
	fieldInSuspended: "true", fieldOutSuspended: "true", fieldPlanSuspended: "true",
}

// targetFields are those of ecsPaused that belong to the scalable target, in the order in which
// reasons name them.
var targetFields = []string{fieldMin, fieldInSuspended, fieldOutSuspended, fieldPlanSuspended}

// fields are the values that a pause may set, as they are.
func (t *ecsTarget) fields() killswitch.Fields {
	if t == nil {
		return nil
	}
	return killswitch.Fields{
		fieldMin:           count(t.Min),
		fieldInSuspended:   strconv.FormatBool(t.InSuspended),
		fieldOutSuspended:  strconv.FormatBool(t.OutSuspended),
		fieldPlanSuspended: strconv.FormatBool(t.PlanSuspended),
	}
}

func count(n int32) string { return strconv.Itoa(int(n)) }

// suspended says whether nothing of the scaling can raise the desired count. Where there is no
// target, nothing can.
func (t *ecsTarget) suspended() bool {
	return t == nil || t.Min == 0 && t.InSuspended && t.OutSuspended && t.PlanSuspended
}

// mayChoose says whether Application Auto Scaling may choose n under this target.
func (t *ecsTarget) mayChoose(n int32) bool {
	return t != nil && t.Min <= n && n <= t.Max && !(t.InSuspended && t.OutSuspended && t.PlanSuspended)
}

// Decide suspends the scaling before it takes the tasks away, and gives the tasks back before it
// lets the scaling act again.
func (s *ecsService) Decide(want killswitch.Want, it killswitch.Item, seen killswitch.Observation, now time.Time) killswitch.Decision {
	was, err := decode[ecsOriginal](ecsServiceSchema, it.Original)
	if err != nil {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: err.Error()}
	}
	is, ok := seen.Resource.(ecsSeen)
	switch {
	case !ok:
		return killswitch.Decision{Do: killswitch.Hold, Reason: "it has not been looked at"}
	case !was.same(is.ecsIdentity) && (was.CreatedAt.IsZero() || is.CreatedAt.IsZero()):
		return killswitch.Decision{Do: killswitch.Drift, Reason: "it may be another service of this name: its ARN is " + is.ARN}
	case !was.same(is.ecsIdentity):
		return killswitch.Decision{Do: killswitch.Replaced, Reason: "another service of this name, created at " + is.CreatedAt.Format(time.RFC3339)}
	case is.Status != ecsActive:
		return killswitch.Decision{Do: killswitch.Hold, Reason: "it is being deleted (" + is.Status + ")"}
	case want == killswitch.WantResumed:
		return s.resume(it, was, is, now)
	case is.Unread:
		return unreadTarget
	}
	return pauseECSService(it, was, is)
}

// longAgo is when what has not been looked at was seen.
var longAgo = time.Unix(0, 0)

var unreadTarget = killswitch.Decision{
	Do: killswitch.Hold, Wave: killswitch.ResumeServices, Reason: "its scalable target has to be looked at",
}

// pauseECSService suspends the target that the original knows, then sets the desired count. A
// target that was registered since is not in the original, so it cannot be put back and is not
// touched.
func pauseECSService(it killswitch.Item, was ecsOriginal, is ecsSeen) killswitch.Decision {
	suspended := was.Target == nil || is.Target.suspended()
	if it.Settled() && (!suspended || is.Desired > 0) {
		return killswitch.Decision{Do: killswitch.Drift, Reason: "somebody has changed it since it was paused: " + unlike(is)}
	}
	leaves := killswitch.Fields{}
	maps.Copy(leaves, it.State.Left)
	switch {
	case !suspended:
		for _, field := range targetFields {
			leaves[field] = ecsPaused[field]
		}
		return killswitch.Decision{Do: killswitch.TakeAct, Step: suspendScaling, Leaves: leaves}
	case is.Desired > 0:
		leaves[fieldDesired] = ecsPaused[fieldDesired]
		// Its own scaling is suspended. On hosts their groups may react to what ends there.
		return killswitch.Decision{Do: killswitch.TakeAct, Step: setDesiredZero, Leaves: leaves, Apart: !is.OnHosts}
	case is.Running > 0:
		return killswitch.Decision{
			Do: killswitch.Hold, Wave: killswitch.PauseServices,
			Reason: fmt.Sprintf("%d of its tasks still run (connections drain, or they are protected from scale-in)", is.Running),
		}
	}
	return killswitch.Decision{Do: killswitch.Done}
}

// unlike names what of a paused service is not as a pause leaves it.
func unlike(is ecsSeen) string {
	fields := is.Target.fields()
	var names []string
	if is.Desired > 0 {
		names = append(names, fmt.Sprintf("%s is %d, not 0", fieldDesired, is.Desired))
	}
	for _, field := range targetFields {
		if value, ok := fields[field]; ok && value != ecsPaused[field] {
			names = append(names, fmt.Sprintf("%s is %s, not %s", field, value, ecsPaused[field]))
		}
	}
	return strings.Join(names, ", ")
}

// fate is what has become of one field that is to be as it was.
type fate int

const (
	kept    fate = iota // as it was
	ours                // as a step of ours left it, so it is put back
	byAWS               // Application Auto Scaling has chosen it since
	drifted             // somebody changed it
)

// fateOf applies the rule of every field: equal to the original, left by us, or somebody else's.
// A step that was begun may not have reached AWS, so what any step of ours sets is ours, whichever
// was the last.
func fateOf(it killswitch.Item, field, was, is string) fate {
	left, touched := it.State.Left[field]
	switch {
	case is == was:
		return kept
	case touched && (is == ecsPaused[field] || is == left), it.Force:
		return ours
	}
	return drifted
}

// resume puts back what a pause has set, field by field.
func (s *ecsService) resume(it killswitch.Item, was ecsOriginal, is ecsSeen, now time.Time) killswitch.Decision {
	d, waits, turn := s.resumeTasks(it, was, is, now)
	if turn {
		return d
	}
	desired, fates, changes := returning(it, was, is)
	switch {
	case is.Unread && (it.Force || leftTarget(it)):
		return killswitch.Decision{Do: killswitch.TakeAct, Step: restoreScaling, SeenAt: longAgo}
	case is.Unread:
		return unreadTarget
	case slices.Contains(slices.Collect(maps.Values(fates)), ours):
		return killswitch.Decision{Do: killswitch.TakeAct, Step: restoreScaling, Leaves: leavesTarget(it, was, fates, desired)}
	case waits:
		return d
	case len(changes) > 0:
		when := "since it was paused"
		if !touched(it) {
			when = "before the brake touched it"
		}
		return killswitch.Decision{Do: killswitch.Drift, Reason: "somebody has changed it " + when + ": " + strings.Join(changes, ", ")}
	}
	done := killswitch.Decision{Do: killswitch.Done}
	if desired == byAWS {
		done.ByAWS = killswitch.Fields{fieldDesired: count(was.Desired) + " → " + count(is.Desired)}
	}
	return done
}

// resumeTasks says what a resume does about the tasks as long as it is their turn. After that waits says
// whether they have not come yet: those that never come do not keep the scaling suspended, which would
// outlast the trouble.
func (s *ecsService) resumeTasks(it killswitch.Item, was ecsOriginal, is ecsSeen, now time.Time) (d killswitch.Decision, waits, turn bool) {
	desired, _ := desiredFate(it, was, is)
	waited := it.State.Step == restoreScaling || !s.patient(it, now)
	switch {
	case desired == ours && is.OnHosts && is.Desired == 0 && is.Running > 0 && !waited:
		// ECS would place new tasks around those that still end, and leave a host without any: a
		// capacity provider terminates that.
		return killswitch.Decision{
			Do: killswitch.Hold, Wave: killswitch.ResumeInstances,
			Reason: fmt.Sprintf("%d of its tasks still end on their hosts, and new ones would be placed around them", is.Running),
		}, false, true
	case desired == ours:
		return killswitch.Decision{
			Do: killswitch.TakeAct, Step: restoreDesired, Leaves: leavesDesired(it, count(was.Desired)),
		}, false, true
	}
	steady := is.steady() || !was.Steady && is.Running >= was.Running
	waits = touched(it) && !steady && desired != drifted
	return killswitch.Decision{
		Do: killswitch.Hold, Wave: killswitch.ResumeServices,
		Reason: fmt.Sprintf("%d of %d tasks run, deployments: %d", is.Running, is.Desired, is.Deployments),
	}, waits, waits && !waited
}

// touched says whether a step of ours was begun, or an operator wants all put back.
func touched(it killswitch.Item) bool { return len(it.State.Left) > 0 || it.Force }

// leftTarget says whether a step of ours has changed the scalable target.
func leftTarget(it killswitch.Item) bool {
	return slices.ContainsFunc(targetFields, func(field string) bool { _, left := it.State.Left[field]; return left })
}

// desiredFate is what has become of the desired count, and what somebody has made of it.
func desiredFate(it killswitch.Item, was ecsOriginal, is ecsSeen) (desired fate, changes []string) {
	switch desired = fateOf(it, fieldDesired, count(was.Desired), count(is.Desired)); {
	case desired != kept && scaledByAWS(it, was, is):
		desired = byAWS
	case desired == drifted:
		changes = append(changes, fmt.Sprintf("%s is %d, was %d", fieldDesired, is.Desired, was.Desired))
	}
	return desired, changes
}

// returning says what has become of each field, and names those that somebody changed.
func returning(it killswitch.Item, was ecsOriginal, is ecsSeen) (desired fate, target map[string]fate, changes []string) {
	desired, changes = desiredFate(it, was, is)
	if was.Target == nil {
		return desired, nil, changes
	}
	target = map[string]fate{}
	now, before := is.Target.fields(), was.Target.fields()
	for _, field := range targetFields {
		value, exists := now[field]
		switch target[field] = fateOf(it, field, before[field], value); {
		case !exists && !it.Force:
			target[field] = drifted
		case target[field] == drifted:
			changes = append(changes, fmt.Sprintf("%s is %s, was %s", field, value, before[field]))
		}
	}
	if is.Target == nil && !it.Force {
		changes = append(changes, "its scalable target was removed")
	}
	return desired, target, changes
}

// scaledByAWS says whether a desired count that is not the original one may be the choice of
// Application Auto Scaling: before we touched the count, or after the scaling was given back, when
// the count had been restored. Alarms in breach act at once then
// (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html).
func scaledByAWS(it killswitch.Item, was ecsOriginal, is ecsSeen) bool {
	left, touched := it.State.Left[fieldDesired]
	free := !touched || it.State.Step == restoreScaling && left == count(was.Desired)
	return free && was.Target.mayChoose(is.Desired)
}

// leavesDesired is what a step on the desired count leaves.
func leavesDesired(it killswitch.Item, value string) killswitch.Fields {
	leaves := killswitch.Fields{}
	maps.Copy(leaves, it.State.Left)
	leaves[fieldDesired] = value
	return leaves
}

// leavesTarget is what giving the scaling back leaves: the fields that are ours as they were. A
// desired count that somebody changed stays noted as the zero that we had left, so that the scaling
// is not blamed for it afterwards.
func leavesTarget(it killswitch.Item, was ecsOriginal, fates map[string]fate, desired fate) killswitch.Fields {
	leaves := killswitch.Fields{}
	maps.Copy(leaves, it.State.Left)
	before := was.Target.fields()
	for field, fate := range fates {
		if fate == ours {
			leaves[field] = before[field]
		}
	}
	if _, touched := leaves[fieldDesired]; touched && desired == drifted {
		leaves[fieldDesired] = ecsPaused[fieldDesired]
	}
	return leaves
}
