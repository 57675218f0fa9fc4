package awssim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Doing is what every resource that can run does, by its name in State: an instance its state and whether
// its status checks are still to come, a database its status and what members of it are not there yet, a service of ECS how many of its tasks run and are pending, a group how its
// members stand. Options.Changed is told of each change of it, so that whoever follows an account
// need not look at all of it again and again.
func (a *Account) Doing() map[string]string {
	all := map[string]string{}
	a.look(func(now time.Time) {
		for _, r := range a.regions {
			for _, i := range r.ec2.instances {
				all[resourceName(r.name, "ec2:instance", i.ID)] = i.doing(now)
			}
			for _, g := range r.asg.groups {
				all[resourceName(r.name, "autoscaling:group", g.Name)] = g.doing()
			}
			for _, db := range r.rds.instances {
				all[resourceName(r.name, "rds:instance", db.id)] = db.doing()
			}
			for _, cluster := range r.rds.clusters {
				all[resourceName(r.name, "rds:cluster", cluster.id)] = cluster.doing()
			}
			for _, cluster := range r.ecs.clusters {
				for _, s := range cluster.services {
					all[resourceName(r.name, "ecs:service", cluster.Name+"/"+s.Name)] = s.doing()
				}
			}
		}
	})
	return all
}

func (i *instance) doing(now time.Time) string {
	if i.checking(now) {
		return i.truth.state + ", its status checks are initializing"
	}
	return i.truth.state
}

// checking says whether an instance that runs has its status checks before it.
func (i *instance) checking(now time.Time) bool {
	return i.truth.state == running && !i.Impaired && now.Before(i.truth.checkedAt)
}

// doing of a database that is busy is what it will do by itself. A cluster serves with its writer; it is
// as it was when all its members are.
func (db *database) doing() string {
	does := db.status
	if db.busy {
		does = dbAvailable
	}
	if does != dbAvailable || db.kind != "cluster" {
		return does
	}
	for _, member := range db.parts {
		if status := member.doing(); status != dbAvailable {
			does += ", " + member.id + " " + status
		}
	}
	return does
}

// doing of a daemon is AWS's, and follows the hosts.
func (s *ecsService) doing() string {
	if s.Daemon {
		return ""
	}
	running, pending := s.counts()
	return fmt.Sprintf("%d running %d pending", running, pending)
}

// doing names no member where they are interchangeable.
func (g *group) doing() string {
	var members []string
	for _, m := range g.members {
		switch {
		case !g.Interchangeable:
			members = append(members, m.ID+" "+m.summary())
		case m.lifecycle != lifecycleTerminating:
			members = append(members, m.summary()+" "+m.truth.state)
		}
	}
	slices.Sort(members)
	return strings.Join(members, ", ")
}

// The four tell of a change. The caller holds the mutex.

func (a *Account) changedInstance(i *instance, now time.Time) {
	a.changed(now, i.region, "ec2:instance", i.ID, func() string { return i.doing(now) })
	if a.tell != nil && i.checking(now) {
		cycle := i.cycles
		a.at(i.truth.checkedAt, "checked "+i.ID, func(now time.Time) {
			if i.cycles == cycle {
				a.changed(now, i.region, "ec2:instance", i.ID, func() string { return i.doing(now) })
			}
		})
	}
}

func (a *Account) changedGroup(r *region, g *group, now time.Time) {
	a.changed(now, r.name, "autoscaling:group", g.Name, g.doing)
}

func (a *Account) changedDatabase(db *database, now time.Time) {
	kind := "rds:instance"
	if db.kind == "cluster" {
		kind = "rds:cluster"
	}
	a.changed(now, db.region, kind, db.id, db.doing)
	if db.of != nil {
		a.changedDatabase(db.of, now)
	}
}

func (a *Account) changedService(r *region, s *ecsService, now time.Time) {
	a.changed(now, r.name, "ecs:service", s.Cluster+"/"+s.Name, s.doing)
}

func (a *Account) changed(now time.Time, region, kind, id string, doing func() string) {
	if a.tell != nil {
		a.tell(now, resourceName(region, kind, id), doing())
	}
}
