package awssim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// What owners do to their account behind the back of whoever works on it, and what befalls it: tags,
// deletions, and databases that break. What the API of the account does as well (stopping, starting,
// desired counts, processes) is left to its clients.

// How long a deletion of a database takes. Assumed.
const (
	minDBDeleting = time.Minute
	maxDBDeleting = 5 * time.Minute
)

// dbGoing is the status of a database that is being deleted.
const dbGoing = "deleting"

// SetTag puts a tag on a resource of a kind as State names it ("ec2:instance", "ecs:service"), and
// says whether there is such a resource.
func (a *Account) SetTag(region, kind, id, key, value string) (exists bool) {
	a.look(func(time.Time) {
		tags := a.tagsOf(a.mustRegion(region), kind, id)
		if tags == nil {
			return
		}
		exists = true
		set := maps.Clone(*tags) // fleets share maps
		if set == nil {
			set = map[string]string{}
		}
		set[key] = value
		*tags = set
	})
	return exists
}

func (a *Account) tagsOf(r *region, kind, id string) *map[string]string {
	switch kind {
	case "ec2:instance":
		if i := r.ec2.byID[id]; i != nil {
			return &i.Tags
		}
	case "autoscaling:group":
		if g := r.asg.groups[id]; g != nil {
			return &g.Tags
		}
	case "rds:instance":
		if db := r.rds.instances[id]; db != nil {
			return &db.tags
		}
	case "rds:cluster":
		if cluster := r.rds.clusters[id]; cluster != nil {
			return &cluster.tags
		}
	case "ecs:service":
		if s := r.ecs.service("service/" + id); s != nil {
			return &s.Tags
		}
	}
	return nil
}

// incarnation counts the resources that have had a name: 0 for the first.
func (a *Account) incarnation(name string) int {
	n := a.incarnations[name]
	a.incarnations[name]++
	return n
}

// incarnated mixes the name of a resource with its incarnation, so that one that is created again under a
// name is told from the one before.
func incarnated(name string, incarnation int) []string {
	if incarnation == 0 {
		return []string{name}
	}
	return []string{name, strconv.Itoa(incarnation)}
}

// DeleteGroup deletes a group by force, with its members, whatever processes are suspended. It is
// gone when they are: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
func (a *Account) DeleteGroup(region, name string) (exists bool) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		g := r.asg.groups[name]
		if g == nil || g.Deleting {
			return
		}
		exists, g.Deleting, g.Desired, g.Min = true, true, 0, 0
		for _, m := range slices.Clone(g.members) {
			a.end(r, m, "the group is deleted", now)
		}
		g.leave(r)
	})
	return exists
}

// leave takes a group that is being deleted out of the region with the last of its members.
func (g *group) leave(r *region) {
	if g.Deleting && len(g.members) == 0 && r.asg.groups[g.Name] == g {
		delete(r.asg.groups, g.Name)
	}
}

// DeleteECSService deletes a service by force: its tasks end, reads by name show it as draining and
// then as inactive, listings not any more:
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html
// Its scalable target goes with it; that part is assumed.
func (a *Account) DeleteECSService(region, cluster, name string) (exists bool) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		s := r.ecs.service("service/" + cluster + "/" + name)
		if s == nil || s.Status != "ACTIVE" {
			return
		}
		exists, s.deleted, s.Status, s.Daemon, s.Desired = true, true, "DRAINING", false, 0
		delete(r.aas.targets, "service/"+cluster+"/"+name)
		for _, t := range slices.Clone(s.tasks) {
			if t.desired == taskRunning {
				a.endTask(r, t, "the service was deleted", now)
			}
		}
		s.drained()
	})
	return exists
}

// drained makes a deleted service inactive once nothing of it runs.
func (s *ecsService) drained() {
	if s.deleted && len(s.tasks) == 0 {
		s.Status = "INACTIVE"
	}
}

// DeleteDatabase deletes an instance, or a cluster with its members, without a last snapshot. It says
// whether it could: not a member of a cluster, nor what is bound to another database:
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html
func (a *Account) DeleteDatabase(region, id string) (deleted bool) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		if cluster := r.rds.clusters[id]; cluster != nil {
			deleted = cluster.free(r) && cluster.status != dbGoing
			if deleted {
				a.deleteCluster(r, cluster, now)
			}
			return
		}
		db := r.rds.instances[id]
		deleted = db != nil && db.cluster == nil && db.spec.ReplicaOf == "" && len(r.rds.replicas[db.arn]) == 0 && db.status != dbGoing
		if deleted {
			a.deleteInstance(r, db, a.vary(db.turnKey(), minDBDeleting, maxDBDeleting), now)
		}
	})
	return deleted
}

// free says whether a cluster is bound to no other.
func (cluster *dbCluster) free(r *region) bool {
	return cluster.spec.Global == "" && cluster.spec.ReplicaOf == "" && len(r.rds.replicas[cluster.arn]) == 0 && !r.rds.inBlueGreen(cluster.arn)
}

func (a *Account) deleteInstance(r *region, db *dbInstance, took time.Duration, now time.Time) {
	db.restartAt = time.Time{}
	a.turn(&db.database, now, dbGoing, took, func(time.Time) { delete(r.rds.instances, db.id) })
}

func (a *Account) deleteCluster(r *region, cluster *dbCluster, now time.Time) {
	cluster.restartAt = time.Time{}
	took := a.vary(cluster.turnKey(), minDBDeleting, maxDBDeleting)
	for _, m := range cluster.members {
		a.deleteInstance(r, m, took, now)
	}
	a.turn(&cluster.database, now, dbGoing, took+time.Second, func(time.Time) { delete(r.rds.clusters, cluster.id) })
}

// SetDatabaseStatus puts a database, and the members of a cluster with it, into a status that stays
// until something else happens: one in which it needs help, or available when it got that.
func (a *Account) SetDatabaseStatus(region, id, status string) (exists bool) {
	return a.eachDatabase(region, id, func(db *database, now time.Time) { db.set(status, now) })
}

// EditDatabase lets a test change what starts of a database will meet.
func (a *Account) EditDatabase(region, id string, edit func(*DBLife)) (exists bool) {
	return a.eachDatabase(region, id, func(db *database, _ time.Time) { edit(&db.life) })
}

// eachDatabase does something to an instance, or to a cluster and its members.
func (a *Account) eachDatabase(region, id string, do func(*database, time.Time)) (exists bool) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		cluster, db := r.rds.clusters[id], r.rds.instances[id]
		switch exists = cluster != nil || db != nil; {
		case cluster != nil:
			do(&cluster.database, now)
			for _, m := range cluster.members {
				do(&m.database, now)
			}
		case db != nil:
			do(&db.database, now)
		}
	})
	return exists
}

// created is when a resource was created: long ago, or now where it is not the first of its name.
func created(incarnation int, ago time.Duration, now time.Time) time.Time {
	if incarnation > 0 {
		return now
	}
	return now.Add(-ago)
}

func databaseKey(r *region, kind, id string) string {
	return fmt.Sprintf("rds/%s/%s/%s", r.name, kind, id)
}
