package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Decide says what brings a group nearer to what is wanted.
func (s *groups) Decide(want killswitch.Want, it killswitch.Item, seen killswitch.Observation, now time.Time) killswitch.Decision {
	plan, err := s.plan(it, seen)
	if err != nil {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: err.Error()}
	}
	plan.now = now
	was, is := plan.original.ARN, plan.look.ARN
	switch {
	case was != "" && is != "" && was != is:
		return killswitch.Decision{Do: killswitch.Replaced, Reason: "another group of this name, " + is}
	case plan.look.Deleting && want == killswitch.WantResumed:
		return killswitch.Decision{Do: killswitch.Hold, Reason: "it is being deleted", Wave: killswitch.ResumeInstances}
	case plan.look.Deleting:
		return killswitch.Decision{Do: killswitch.Hold, Reason: "it is being deleted", Wave: killswitch.PauseScalers}
	case want == killswitch.WantResumed:
		return plan.resume()
	case plan.original.Strategy == byScaling:
		return plan.pauseByScaling()
	}
	return plan.pauseByStopping()
}

// groupPlan is everything a decision about a group depends on. Act makes it anew, so that a step
// does what was decided.
type groupPlan struct {
	it       killswitch.Item
	original groupOriginal
	members  []memberOriginal // recorded
	look     groupSeen
	lookedAt time.Time
	now      time.Time
	settle   time.Duration
}

func (s *groups) plan(it killswitch.Item, seen killswitch.Observation) (groupPlan, error) {
	p := groupPlan{it: it, lookedAt: seen.At, settle: s.settle()}
	var err error
	if p.original, err = decode[groupOriginal](groupSchema, it.Original); err != nil {
		return p, err
	}
	if p.members, err = recorded(it.Parts); err != nil {
		return p, err
	}
	look, ok := seen.Resource.(groupSeen)
	if !ok {
		return p, fmt.Errorf("%s has not been looked at", it.Resource.Ref)
	}
	p.look = look
	return p, nil
}

// take is a step, after which the named fields are changed and the others stay as we left them.
func (p groupPlan) take(step string, leaves killswitch.Fields) killswitch.Decision {
	left := maps.Clone(p.it.State.Left)
	if left == nil {
		left = killswitch.Fields{}
	}
	if left[fieldChanged] != "" {
		left[fieldChanged] = "" // to be found out anew
	}
	maps.Copy(left, leaves)
	return killswitch.Decision{Do: killswitch.TakeAct, Step: step, Leaves: left}
}

// toSuspend are the processes that a pause still has to suspend. One that is suspended is not asked
// for again, since that would rewrite the reason of its suspension.
func (p groupPlan) toSuspend() []string {
	if p.original.Strategy == byScaling {
		return without(scaling, p.look.Suspended)
	}
	return without(processes, p.look.Suspended)
}

func (p groupPlan) suspend() killswitch.Decision {
	return p.take(suspendProcesses, killswitch.Fields{
		fieldProcesses: joined(slices.Concat(p.look.Suspended, p.toSuspend())),
	})
}

// joined is a set of processes as one field, the same for the same set.
func joined(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}

// pauseByStopping suspends the processes, waits until that has taken effect everywhere, records the
// members that there are then, and stops them.
func (p groupPlan) pauseByStopping() killswitch.Decision {
	if missing := p.toSuspend(); len(missing) > 0 {
		if p.it.Settled() {
			return killswitch.Decision{
				Do: killswitch.Drift, Reason: "somebody has resumed " + strings.Join(missing, ", ") + " since the pause",
			}
		}
		return p.suspend()
	}
	if d, early := p.tooEarly(); early {
		return d
	}
	stop := p.toStop()
	for _, m := range stop {
		switch {
		case m.Unstoppable != "":
			return killswitch.Decision{Do: killswitch.Refuse, Reason: fmt.Sprintf("member %s %s", m.ID, m.Unstoppable)}
		case p.it.Settled() && p.knows(m.ID):
			// The group starts none with Launch suspended; what it launched before is no known member.
			return killswitch.Decision{
				Do: killswitch.Drift, Reason: fmt.Sprintf("somebody has started member %s again since the pause", m.ID),
			}
		}
	}
	if len(stop) > 0 {
		return p.stop(stop)
	}
	for _, m := range p.look.Members {
		if reason := m.passing(); reason != "" {
			return killswitch.Decision{
				Do: killswitch.Hold, Wave: killswitch.PauseInstances, Reason: fmt.Sprintf("member %s: %s", m.ID, reason),
			}
		}
	}
	return killswitch.Decision{Do: killswitch.Done}
}

// tooEarly says what to do while a suspension of ours may not have taken effect. The time runs from
// AWS's answer; a suspension whose answer we do not have is asked for again.
func (p groupPlan) tooEarly() (killswitch.Decision, bool) {
	state := p.it.State
	switch {
	case state.Left[fieldProcesses] == "":
		return killswitch.Decision{}, false // all nine had been suspended before
	case state.Step == resumeLaunch, state.Step == resumeRest, state.Step == suspendOriginal:
		return p.suspend(), true // a call of a resume may still be on its way
	case state.Step != suspendProcesses:
		return killswitch.Decision{}, false
	case !replied(state, suspendProcesses):
		return p.suspend(), true
	}
	// The members are those of a list that was begun after the wait: whatever was launched until the
	// suspension took effect is on it.
	until := state.AnsweredAt.Add(p.settle)
	if !p.lookedAt.Before(until) {
		return killswitch.Decision{}, false
	}
	if until.Before(p.now) {
		until = p.now
	}
	return killswitch.Decision{
		Do: killswitch.Hold, Until: until, Wave: killswitch.PauseScalers,
		Reason: "the suspension of its processes has to take effect everywhere",
	}, true
}

// toStop are the members that run and stay.
func (p groupPlan) toStop() []memberSeen {
	return slices.DeleteFunc(slices.Clone(p.look.Members), func(m memberSeen) bool {
		return m.down() || m.passing() != ""
	})
}

// knows says whether a member is recorded.
func (p groupPlan) knows(id string) bool {
	return slices.ContainsFunc(p.members, func(m memberOriginal) bool { return m.ID == id })
}

// stop records what is not recorded yet and stops as many members as one call takes.
func (p groupPlan) stop(stop []memberSeen) killswitch.Decision {
	var fresh []memberSeen
	for _, m := range stop {
		if p.knows(m.ID) {
			continue
		}
		if m.Status == statusUnknown {
			// A listing does not tell how healthy members are, and a resume has to know.
			return killswitch.Decision{
				Do: killswitch.Hold, Until: p.now.Add(time.Second), Wave: killswitch.PauseInstances,
				Reason: fmt.Sprintf("the status checks of member %s have to be read first", m.ID),
			}
		}
		fresh = append(fresh, m)
	}
	parts, err := partsOf(fresh, len(p.it.Parts))
	if err != nil {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: err.Error()}
	}
	d := p.take(stopMembers, killswitch.Fields{fieldMembers: stateStopped})
	d.Record, d.Units = parts, min(len(stop), idsPerMutation)
	return d
}

// pauseByScaling suspends what would fill the group again and then empties it.
func (p groupPlan) pauseByScaling() killswitch.Decision {
	if missing := p.toSuspend(); len(missing) > 0 {
		if p.it.Settled() {
			return killswitch.Decision{
				Do: killswitch.Drift, Reason: "somebody has resumed " + strings.Join(missing, ", ") + " since the pause",
			}
		}
		return p.suspend()
	}
	if p.look.Min > 0 || p.look.Desired > 0 {
		if p.it.Settled() {
			return killswitch.Decision{
				Do: killswitch.Drift, Reason: fmt.Sprintf("somebody has set its size since the pause: %s", p.look.sizes),
			}
		}
		d := p.take(scaleToZero, killswitch.Fields{fieldMinSize: "0", fieldDesiredCapacity: "0"})
		return d
	}
	if n := len(p.look.inGroup()); n > 0 {
		return killswitch.Decision{
			Do: killswitch.Hold, Wave: killswitch.PauseInstances, Reason: fmt.Sprintf("%d members are being terminated", n),
		}
	}
	return killswitch.Decision{Do: killswitch.Done}
}

func (s sizes) String() string {
	return fmt.Sprintf("min %d, max %d, desired %d", s.Min, s.Max, s.Desired)
}
