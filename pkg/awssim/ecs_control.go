package awssim

import (
	"fmt"
	"slices"
	"time"
)

// setDesired changes the desired count of a service, as an update or Application Auto Scaling does.
func (a *Account) setDesired(r *region, s *ecsService, desired int, now time.Time) {
	s.was, s.wasUntil = s.Desired, now.Add(a.vary(fmt.Sprint(s.key, " lag ", s.cluster.begun, desired), 0, maxServiceLag))
	s.Desired = desired
	s.updated = now
	a.converge(r, s, now)
	a.weigh(r, s, now)
}

// shownDesired is the desired count as reads show it.
func (s *ecsService) shownDesired(now time.Time) int {
	if now.Before(s.wasUntil) {
		return s.was
	}
	return s.Desired
}

// converge starts and stops tasks until as many are meant to run as the service wants. A daemon
// wants one on every host.
func (a *Account) converge(r *region, s *ecsService, now time.Time) {
	if s.Daemon {
		a.convergeDaemon(r, s, now)
		return
	}
	wanted := 0
	for _, t := range s.tasks {
		if t.desired == taskRunning {
			wanted++
		}
	}
	for ; wanted < s.Desired; wanted++ {
		var on *host
		if s.onHosts() {
			on = s.cluster.roomiest()
			if on == nil {
				return // "unable to place a task": tried again when a host connects
			}
		}
		a.beginTask(r, s, on, now)
	}
	// The youngest go first; what is protected stays as long as it is.
	for i := len(s.tasks) - 1; i >= 0 && wanted > s.Desired; i-- {
		t := s.tasks[i]
		switch {
		case t.desired != taskRunning:
		case now.Before(t.protected):
			a.at(t.protected, s.key, func(now time.Time) { a.converge(r, s, now) })
		default:
			a.endTask(r, t, "Scaling activity initiated by deployment", now)
			wanted--
		}
	}
}

func (a *Account) convergeDaemon(r *region, s *ecsService, now time.Time) {
	s.Desired = 0
	for _, h := range s.cluster.hosts {
		if !h.connected {
			continue
		}
		s.Desired++
		if !slices.ContainsFunc(h.tasks, func(t *ecsTask) bool { return t.service == s }) {
			a.beginTask(r, s, h, now)
		}
	}
}

// roomiest is the connected host with the fewest tasks, the first of them to register; nil where
// none is connected.
func (c *ecsCluster) roomiest() (best *host) {
	for _, h := range c.hosts {
		if h.connected && (best == nil || len(h.tasks) < len(best.tasks)) {
			best = h
		}
	}
	return best
}

func (a *Account) newTask(r *region, cluster *ecsCluster, on *host, now time.Time) *ecsTask {
	cluster.begun++
	key := fmt.Sprint(cluster.arn, " task ", cluster.begun)
	id := fmt.Sprintf("%016x%016x", hash(a.seed, key), hash(a.seed, key, "low"))
	t := &ecsTask{id: id, arn: a.ecsARN(r, "task/"+cluster.Name+"/"+id), host: on, last: taskPending, desired: taskRunning, created: now}
	cluster.tasks[id] = t
	if on != nil {
		on.tasks = append(on.tasks, t)
		a.hostsUsed(r, on, now)
	}
	return t
}

// beginTask starts a task of a service.
func (a *Account) beginTask(r *region, s *ecsService, on *host, now time.Time) {
	t := a.newTask(r, s.cluster, on, now)
	t.service = s
	s.tasks = append(s.tasks, t)
	a.changedService(r, s, now)
	a.at(now.Add(a.vary("begin "+t.arn, minTaskStarting, maxTaskStarting)), t.arn, func(now time.Time) {
		if t.last == taskPending {
			t.last, t.started = taskRunning, now
			s.updated = now
			a.changedService(r, s, now)
		}
	})
}

// endTask stops a task gracefully: it counts as running until its target is deregistered and its
// containers have ended.
func (a *Account) endTask(r *region, t *ecsTask, why string, now time.Time) {
	t.desired, t.stopping, t.why = taskStopped, now, why
	if t.last == taskPending {
		a.taskStopped(r, t, now)
		return
	}
	t.last = taskDeactivating
	a.at(now.Add(a.vary("end "+t.arn, minTaskStopping, maxTaskStopping)), t.arn, func(now time.Time) { a.taskStopped(r, t, now) })
}

// taskStopped is the end of a task.
func (a *Account) taskStopped(r *region, t *ecsTask, now time.Time) {
	if t.last == taskStopped {
		return
	}
	t.last, t.desired, t.stopped = taskStopped, taskStopped, now
	others := func(other *ecsTask) bool { return other == t }
	if t.host != nil {
		t.host.tasks = slices.DeleteFunc(t.host.tasks, others)
		a.hostsUsed(r, t.host, now)
	}
	if s := t.service; s != nil {
		s.tasks = slices.DeleteFunc(s.tasks, others)
		s.updated = now
		s.drained()
		a.changedService(r, s, now)
		a.at(now.Add(taskAfterlife), t.arn, func(time.Time) { delete(s.cluster.tasks, t.id) })
	}
}

// registerHost makes an instance a container instance. One that runs already is connected.
func (a *Account) registerHost(r *region, cluster string, i *instance, now time.Time) {
	c := a.ecsCluster(r, cluster)
	h := &host{
		instance: i, cluster: c, registered: now,
		arn: a.ecsARN(r, fmt.Sprintf("container-instance/%s/%016x%016x", cluster, hash(a.seed, "host", i.ID), hash(a.seed, i.ID, "host"))),
	}
	h.connected = i.truth.state == running
	c.hosts = append(c.hosts, h)
	r.ecs.hosts[i.ID] = h
}

// hostChanged lets the tasks on a container instance end with it, and connects its agent some time
// after it runs.
func (a *Account) hostChanged(r *region, i *instance, now time.Time) {
	h := r.ecs.hosts[i.ID]
	if h == nil {
		return
	}
	h.changes++
	if i.truth.state == running {
		changes := h.changes
		a.at(now.Add(a.vary(fmt.Sprint("agent ", i.ID, changes), minAgent, maxAgent)), h.arn, func(now time.Time) {
			if h.changes == changes {
				h.connected = true
				a.convergeAll(r, h.cluster, now)
			}
		})
		return
	}
	h.connected = false
	for _, t := range slices.Clone(h.tasks) {
		t.why = "Host EC2 (instance " + i.ID + ") terminated."
		a.taskStopped(r, t, now)
	}
	if i.truth.state == terminated {
		h.cluster.hosts = slices.DeleteFunc(h.cluster.hosts, func(other *host) bool { return other == h })
		delete(r.ecs.hosts, i.ID)
	}
	a.convergeAll(r, h.cluster, now)
}

// convergeAll lets every active service of a cluster that runs on hosts find its places.
func (a *Account) convergeAll(r *region, cluster *ecsCluster, now time.Time) {
	for _, s := range sortedServices(cluster) {
		if s.Status == "ACTIVE" && (s.onHosts() || s.Daemon) {
			a.converge(r, s, now)
		}
	}
}

// hostsUsed tells the group of a host, if a capacity provider scales it, that the use of its members
// has changed.
func (a *Account) hostsUsed(r *region, h *host, now time.Time) {
	if m := r.asg.members[h.ID]; m != nil && m.group.ManagedScaling {
		a.lookSoon(r, m.group, now)
	}
}
