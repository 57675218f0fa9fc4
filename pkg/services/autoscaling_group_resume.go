package services

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aws-hit-breaks/pkg/killswitch"
)

// resume puts back what we left, in an order in which the group cannot harm its own members:
// members run and are as healthy as they were, then the processes that bring them into service, then,
// a wave later, those that end or add members. What somebody else changed is named at the end.
func (p groupPlan) resume() killswitch.Decision {
	if len(p.it.State.Left) == 0 && !p.it.Force {
		return p.untouched()
	}
	if p.it.State.Step == resumeRest {
		if d, over := p.concluded(); over {
			return d
		}
	}
	for _, next := range []func() (killswitch.Decision, bool){
		p.raiseMembers, p.restoreSizes, p.resumeLaunching, p.awaitService, p.suspendAgain, p.resumeOthers,
	} {
		if d, more := next(); more {
			return d
		}
	}
	return p.end(p.changes())
}

// untouched is the end for a group of which we never began to change anything.
func (p groupPlan) untouched() killswitch.Decision {
	changes := p.changes()
	if extra := p.ours(); len(extra) > 0 {
		changes = append(changes, "suspended, and not by the pause: "+strings.Join(extra, ", "))
	}
	return p.end(changes)
}

// concluded is the end once everything was given back to the group: it scales again, so that its
// members and its desired capacity say nothing any more about the time of the pause. False means
// that the last step has not taken effect, or that what was changed is to be put back by force.
func (p groupPlan) concluded() (killswitch.Decision, bool) {
	changed := p.it.State.Left[fieldChanged]
	given := without(p.pausedProcesses(), launching)
	switch extra := p.ours(); {
	case len(extra) > 0 && (p.it.Force || slices.Equal(both(extra, given), given)):
		return killswitch.Decision{}, false
	case len(extra) > 0:
		return p.end([]string{"suspended again: " + strings.Join(extra, ", ")}), true
	case changed == "":
		return p.end(nil), true
	case p.it.Force:
		return killswitch.Decision{}, false
	}
	return p.end([]string{changed}), true
}

func (p groupPlan) end(changes []string) killswitch.Decision {
	if len(changes) > 0 {
		return killswitch.Decision{Do: killswitch.Drift, Reason: "since the pause: " + strings.Join(changes, "; ")}
	}
	return killswitch.Decision{Do: killswitch.Done, ByAWS: p.changedMembers()}
}

// ours are the processes that are suspended and were not before.
func (p groupPlan) ours() []string { return without(p.look.Suspended, p.original.Suspended) }

// raiseMembers starts the recorded members and waits until they are as healthy as they were.
func (p groupPlan) raiseMembers() (killswitch.Decision, bool) {
	hold := func(id, reason string) *killswitch.Decision {
		return &killswitch.Decision{
			Do: killswitch.Hold, Wave: killswitch.ResumeInstances, Reason: fmt.Sprintf("member %s: %s", id, reason),
		}
	}
	var waits, stays *killswitch.Decision
	start := p.toStart()
	if len(start) > 0 {
		d := p.take(startMembers, killswitch.Fields{fieldMembers: stateRunning})
		d.Units = min(len(start), idsPerMutation)
		return d, true
	}
	for _, was := range p.members {
		m, ok := p.look.member(was.ID)
		if !ok || m.State == stateTerminated {
			continue // named among the changes
		}
		switch reason := passing(m.State); {
		case m.State == stateStopped:
			stays = p.stayedDown(m)
		case m.State == "":
			waits = hold(m.ID, "EC2 does not show it")
		case reason != "":
			waits = hold(m.ID, reason)
		case was.Healthy && m.Status != statusOK:
			waits = hold(m.ID, "its status checks are "+orNotRead(m.Status))
		}
	}
	switch {
	case waits != nil:
		return *waits, true
	case stays != nil:
		return *stays, true
	}
	return p.heal()
}

// toStart are the recorded members that are stopped, but for those that a start of ours could not
// raise or that somebody stopped after it.
func (p groupPlan) toStart() []string {
	var ids []string
	for _, was := range p.members {
		m, ok := p.look.member(was.ID)
		if ok && m.State == stateStopped && (p.it.Force || p.stayedDown(m) == nil) {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// stayedDown says why a stopped member is not started (again); nil where it is.
func (p groupPlan) stayedDown(m memberSeen) *killswitch.Decision {
	if !replied(p.it.State, startMembers) {
		return nil
	}
	started := p.it.State.AnsweredAt
	if stoppedAfter(m.instanceSeen, started) {
		return &killswitch.Decision{
			Do: killswitch.Drift, Reason: fmt.Sprintf("somebody has stopped member %s again since it was started", m.ID),
		}
	}
	if why := startFailure(m.instanceSeen); why != "" && p.now.Before(started.Add(startAgain)) {
		return &killswitch.Decision{Do: killswitch.Refuse, Reason: fmt.Sprintf("member %s: %s", m.ID, why)}
	}
	return nil
}

// unhealthy are the recorded members that the group was content with and is not any more. It would
// terminate them as soon as it may.
func (p groupPlan) unhealthy() []string {
	var ids []string
	for _, was := range p.members {
		m, ok := p.look.member(was.ID)
		if ok && m.State == stateRunning && m.Lifecycle != "" && sameWord(was.Health, "Healthy") && !sameWord(m.Health, "Healthy") {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// heal tells the group that its members are healthy again. That works only while it may not replace
// them (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html).
func (p groupPlan) heal() (killswitch.Decision, bool) {
	if len(p.unhealthy()) == 0 {
		return killswitch.Decision{}, false
	}
	return p.take(setHealthy, nil), true
}

// sizeFields are the sizes in the order in which they are compared.
var sizeFields = []string{fieldMinSize, fieldMaxSize, fieldDesiredCapacity}

func (s sizes) fields() killswitch.Fields {
	number := func(n int32) string { return strconv.Itoa(int(n)) }
	return killswitch.Fields{fieldMinSize: number(s.Min), fieldMaxSize: number(s.Max), fieldDesiredCapacity: number(s.Desired)}
}

// compareSizes divides the sizes that are not as they were into those that we left so, which are put
// back, and those that somebody else set.
func (p groupPlan) compareSizes() (restore killswitch.Fields, changes []string) {
	restore = killswitch.Fields{}
	was, is := p.original.fields(), p.look.fields()
	for _, field := range sizeFields {
		left, touched := p.it.State.Left[field]
		switch {
		case is[field] == was[field]:
		case p.it.Force, touched && is[field] == left,
			// What a step of ours that was refused or lost has left is the zero of the pause.
			touched && p.original.Strategy == byScaling && is[field] == "0":
			restore[field] = was[field]
		default:
			changes = append(changes, fmt.Sprintf("%s was changed, %s → %s", field, was[field], is[field]))
		}
	}
	return restore, changes
}

func (p groupPlan) restoreSizes() (killswitch.Decision, bool) {
	restore, _ := p.compareSizes()
	if len(restore) == 0 {
		return killswitch.Decision{}, false
	}
	return p.take(restoreSize, restore), true
}

// toLaunch are the processes of the first resumption.
func (p groupPlan) toLaunch() []string { return both(p.ours(), launching) }

func (p groupPlan) resumeLaunching() (killswitch.Decision, bool) {
	names := p.toLaunch()
	if len(names) == 0 {
		return killswitch.Decision{}, false
	}
	return p.take(resumeLaunch, killswitch.Fields{fieldProcesses: joined(without(p.look.Suspended, names))}), true
}

// awaitService waits, with launching allowed, until the group has what it had: a group that was
// scaled to zero its capacity, a group whose load balancer judges its members one settle time
// without a complaint. A complaint is seen by heal, which comes first.
func (p groupPlan) awaitService() (killswitch.Decision, bool) {
	if p.original.Strategy == byScaling {
		wanted := min(int(p.look.Desired), p.original.Capacity)
		if have := p.look.inService(); have < wanted {
			return killswitch.Decision{
				Do: killswitch.Hold, Wave: killswitch.ResumeInstances,
				Reason: fmt.Sprintf("%d of %d in service", have, wanted),
			}, true
		}
		return killswitch.Decision{}, false
	}
	state := p.it.State
	if p.look.Checks == "" || p.look.Checks == "EC2" || slices.Contains(p.look.Suspended, "HealthCheck") ||
		state.Step != resumeLaunch && state.Step != setHealthy {
		return killswitch.Decision{}, false
	}
	until := state.AttemptedAt.Add(p.settle)
	if state.AnsweredAt.After(state.AttemptedAt) {
		until = state.AnsweredAt.Add(p.settle)
	}
	if !p.lookedAt.Before(until) {
		return killswitch.Decision{}, false
	}
	if until.Before(p.now) {
		until = p.now
	}
	return killswitch.Decision{
		Do: killswitch.Hold, Until: until, Wave: killswitch.ResumeInstances,
		Reason: "its " + p.look.Checks + " health checks have to judge its members once",
	}, true
}

// suspendAgain puts back, when forced, processes that had been suspended before and that somebody
// has resumed since.
func (p groupPlan) suspendAgain() (killswitch.Decision, bool) {
	lost := p.resumedByOthers()
	if !p.it.Force || len(lost) == 0 {
		return killswitch.Decision{}, false
	}
	return p.take(suspendOriginal, killswitch.Fields{fieldProcesses: joined(slices.Concat(p.look.Suspended, lost))}), true
}

// resumedByOthers are the processes that were suspended before the pause and are not any more.
func (p groupPlan) resumedByOthers() []string { return without(p.original.Suspended, p.look.Suspended) }

// resumeOthers gives the rest back. What somebody had changed until then is written down with it,
// since from then on the group changes itself.
func (p groupPlan) resumeOthers() (killswitch.Decision, bool) {
	if len(p.ours()) == 0 {
		return killswitch.Decision{}, false
	}
	d := p.take(resumeRest, killswitch.Fields{fieldProcesses: joined(both(p.look.Suspended, p.original.Suspended))})
	if p.original.Strategy == byStopping {
		d.SeenAt = p.lookedAt // the group ends at once what it has marked since
	}
	if changes := p.changes(); len(changes) > 0 {
		d.Leaves[fieldChanged] = strings.Join(changes, "; ")
	}
	return d, true
}

// changes names what somebody else has changed and a resume leaves so.
func (p groupPlan) changes() []string {
	_, changes := p.compareSizes()
	if lost := p.resumedByOthers(); len(lost) > 0 {
		changes = append(changes, "resumed although suspended before: "+strings.Join(lost, ", "))
	}
	for _, was := range p.members {
		switch m, ok := p.look.member(was.ID); {
		case !ok || m.State == stateTerminated:
			changes = append(changes, fmt.Sprintf("member %s was terminated", was.ID))
		case m.Lifecycle == "" && was.Lifecycle != "":
			changes = append(changes, fmt.Sprintf("member %s was taken out of the group", was.ID))
		}
	}
	return changes
}

// changedMembers counts what AWS changed of the members at their stop and start.
func (p groupPlan) changedMembers() killswitch.Fields {
	counts := map[string]int{}
	for _, was := range p.members {
		m, ok := p.look.member(was.ID)
		if !ok || m.State == stateTerminated {
			continue
		}
		for field := range was.changedTo(m.instanceTraits) {
			counts[field]++
		}
	}
	changed := killswitch.Fields{}
	for field, n := range counts {
		changed[field] = fmt.Sprintf("of %d members → new", n)
	}
	return changed
}
