package awssim

import (
	"fmt"
	"slices"
	"time"
)

// follow lets what depends on an instance know that the instance has changed: its group looks at it
// a little later, the tasks on it end and begin with it.
func (a *Account) follow(i *instance, now time.Time) {
	r := a.region(i.region)
	if m := r.asg.members[i.ID]; m != nil {
		a.settleMember(r, m, now)
		a.lookSoon(r, m.group, now)
	}
	a.hostChanged(r, i, now)
}

// settleMember moves a member on when its instance has come up or has gone.
func (a *Account) settleMember(r *region, m *member, now time.Time) {
	switch {
	case m.truth.state == terminated && (m.lifecycle == lifecycleTerminating || m.lifecycle == warmedTerminating):
		delete(r.asg.members, m.ID)
		m.group.gone = append(m.group.gone, m)
		m.group.members = slices.DeleteFunc(m.group.members, func(other *member) bool { return other == m })
		m.group.leave(r)
	case m.truth.state == running && m.lifecycle == lifecyclePending:
		m.lifecycle, m.since = inService, now
	case m.truth.state == running && m.lifecycle == warmedPending:
		m.lifecycle = warmedRunning
		if m.group.WarmState == "Stopped" {
			m.lifecycle = warmedStopped
			a.stop(m.instance, now)
		}
	}
	a.changedGroup(r, m.group, now)
}

// lookSoon makes the group look at its members and sizes within half a minute.
func (a *Account) lookSoon(r *region, g *group, now time.Time) {
	g.changes++
	a.lookAt(r, g, now.Add(a.vary(fmt.Sprint(g.key, " look ", g.changes), minGroupLook, maxGroupLook)))
}

// lookAt makes the group look by t at the latest.
func (a *Account) lookAt(r *region, g *group, t time.Time) {
	if !g.lookAt.IsZero() && !g.lookAt.After(t) {
		return
	}
	g.lookAt = t
	a.at(t, g.key, func(now time.Time) {
		if g.lookAt.Equal(now) {
			g.lookAt = time.Time{}
			a.tend(r, g, now)
		}
	})
}

// tend is one look of the group at itself: it marks what does not run, replaces what is marked,
// follows its alarms and keeps to its desired capacity, as far as its processes are active:
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/understand-how-suspending-processes-affects-other-processes.html
func (a *Account) tend(r *region, g *group, now time.Time) {
	if g.Deleting {
		return
	}
	if g.active(healthCheck, now) {
		for _, m := range g.members {
			if m.health == healthy && !g.wellToAWS(m, now) {
				m.health = unhealthy
				a.changedGroup(r, g, now)
				g.did(now, "%s is %s: marked Unhealthy", m.ID, m.truth.state)
			}
		}
	}
	if g.active(replaceUnhealthy, now) && g.active(terminateProcess, now) {
		for _, m := range slices.Clone(g.members) {
			if m.health == unhealthy && (m.lifecycle == inService || m.warm()) {
				a.end(r, m, "it was Unhealthy", now)
			}
		}
	}
	a.followAlarm(r, g, now)
	a.keepSize(r, g, now)
}

// wellToAWS says whether a health check finds nothing wrong with a member: any state but running is
// unhealthy, https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-checks-overview.html.
func (g *group) wellToAWS(m *member, now time.Time) bool {
	switch {
	case m.lifecycle != inService && m.lifecycle != warmedRunning:
		return true // not checked
	case m.truth.state != running:
		return false
	case m.lifecycle == warmedRunning || now.Before(m.since.Add(gracePeriod)):
		return true
	case m.Impaired && !now.Before(m.truth.checkedAt):
		return false
	}
	return !now.Before(m.truth.launched.Add(g.TargetsAfter))
}

// keepSize launches and terminates until the group has its desired capacity. A running warm pool is
// refilled; what is in it does not count.
func (a *Account) keepSize(r *region, g *group, now time.Time) {
	if g.active(launchProcess, now) {
		for g.count() < g.Desired {
			a.launchMember(r, g, lifecyclePending, now)
		}
		warm := 0
		for _, m := range g.members {
			if m.warm() && m.lifecycle != warmedTerminating {
				warm++
			}
		}
		for ; warm < g.Warm; warm++ {
			a.launchMember(r, g, warmedPending, now)
		}
	}
	if g.active(terminateProcess, now) {
		for excess := g.count() - g.Desired; excess > 0; excess-- {
			m := g.leastNeeded(r)
			if m == nil {
				return // all are protected from scale-in
			}
			a.end(r, m, "the desired capacity is lower", now)
		}
	}
}

// leastNeeded is the member that a scale-in takes: the oldest that is not protected, those without
// tasks first; nil where all are protected.
func (g *group) leastNeeded(r *region) (least *member) {
	for _, m := range g.members {
		if m.lifecycle != inService || m.protected {
			continue
		}
		if least == nil || r.ecs.busy(least.ID) && !r.ecs.busy(m.ID) {
			least = m
		}
	}
	return least
}

func (a *Account) launchMember(r *region, g *group, lifecycle string, now time.Time) {
	i := a.launch(r, g.next(r), now)
	a.join(r, g, i, lifecycle, now)
	g.did(now, "launched %s", i.ID)
}

func (a *Account) end(r *region, m *member, why string, now time.Time) {
	m.group.did(now, "terminated %s: %s", m.ID, why)
	if m.warm() {
		m.lifecycle = warmedTerminating
	} else {
		m.lifecycle = lifecycleTerminating
	}
	a.changedGroup(r, m.group, now)
	if i := r.ec2.byID[m.ID]; i == nil || i.truth.state == terminated {
		m.truth.state = terminated
		a.settleMember(r, m, now)
		return
	}
	a.terminate(r, m.ID, now)
}

// followAlarm is the target tracking policy of a capacity provider: hosts on which nothing has run
// for as long as the alarm takes are scaled in. The alarm goes on while AlarmNotification is
// suspended, and is followed at once when that is resumed.
func (a *Account) followAlarm(r *region, g *group, now time.Time) {
	if !g.ManagedScaling {
		return
	}
	used := 0
	for _, m := range g.members {
		if m.lifecycle == inService && r.ecs.busy(m.ID) {
			used++
		}
	}
	want := max(used, g.Min)
	switch {
	case want >= g.Desired:
		g.idleSince = time.Time{}
		return
	case g.idleSince.IsZero():
		g.idleSince = now
	}
	switch inBreach := g.idleSince.Add(idleAlarm); {
	case now.Before(inBreach):
		a.lookAt(r, g, inBreach)
	case g.active(alarmProcess, now):
		g.did(now, "desired capacity %d → %d: the capacity provider has idle hosts", g.Desired, want)
		g.Desired = want
	}
}

// runSchedule is a scheduled action that falls due. It is not made up for when it could not act.
func (a *Account) runSchedule(r *region, g *group, s GroupSchedule, now time.Time) {
	if !g.active(scheduledActions, now) {
		return
	}
	for _, size := range []struct {
		to   *int
		from int
	}{{&g.Min, s.Min}, {&g.Max, s.Max}, {&g.Desired, s.Desired}} {
		if size.from >= 0 {
			*size.to = size.from
		}
	}
	g.Desired = min(max(g.Desired, g.Min), g.Max)
	g.did(now, "scheduled action: min %d, max %d, desired %d", g.Min, g.Max, g.Desired)
	a.lookSoon(r, g, now)
}
