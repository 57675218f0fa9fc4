package floor

import (
	"strconv"
	"strings"
	"time"

	"aws-hit-breaks/pkg/awssim"
)

// batch is how many instances one call may name: as many as the bucket of resources holds, since EC2
// publishes no smaller limit.
const batch = 1000

// Calls are numbers of calls in three columns.
type Calls struct{ Discover, Observe, Store int }

// Column names the three in print.
var Column = [3]string{"discover and act", "observe", "store"}

// Columns are the three in the order of Column.
func (c Calls) Columns() [3]int { return [3]int{c.Discover, c.Observe, c.Store} }

// Made sorts the calls of the run, by the region they went to. Store: all of DynamoDB. Observe: a read
// of a service after the first change that service was asked for in the region. Discover and act:
// all others.
func (r Run) Made() map[string]Calls {
	made := map[string]Calls{}
	changed := map[string]bool{}
	for _, c := range r.Calls {
		n := made[storeRegion(c)]
		key := c.Region + " " + c.Service
		switch {
		case c.Service == "dynamodb":
			n.Store++
		case c.Mutating:
			changed[key] = true
			n.Discover++
		case changed[key]:
			n.Observe++
		default:
			n.Discover++
		}
		made[storeRegion(c)] = n
	}
	return made
}

// storeRegion is the region a call is about: of the store's, the one in the key of the shard.
func storeRegion(c awssim.Call) string {
	if c.Service != "dynamodb" {
		return c.Region
	}
	for _, target := range c.Targets {
		key, _, _ := strings.Cut(target, " ")
		if parts := strings.Split(key, "#"); len(parts) > 2 {
			return parts[len(parts)-1]
		}
	}
	return "account"
}

// Fewest is how few calls would do, by region, and "account" for what belongs to none.
func (r Run) Fewest() map[string]Calls {
	all := r.byRegion()
	fewest := map[string]Calls{}
	times, members := r.times(), r.members()
	run := r.Time().Observed
	for _, region := range r.regions() {
		w := all[region]
		if w == nil {
			w = &work{}
		}
		var n Calls
		if r.Act == "pause" {
			n.Discover = r.listings(region)
		} else {
			// Before it acts, a resume looks once at what it is about to change: a call per full page.
			n.Discover = pages(len(w.acts[instances]), 1000) + pages(kindIn(w.acts[databases], "rds:instance"), 100) +
				pages(kindIn(w.acts[databases], "rds:cluster"), 100) + pagesOfClusters(w.acts[services]) +
				pages(len(w.acts[groups]), 100) + pages(of(w.acts[scaling], "application-autoscaling"), 50)
			for _, a := range w.acts[groups] {
				n.Discover += r.warm(a.resource)
			}
		}
		n.Discover += r.changes(w, members)
		var flight time.Duration
		n.Observe, flight = r.looks(w)
		n.Store = r.writes(w, members) + int(flight/look) + carriedOn*int(times[region].Observed/invocation)
		if r.Act == "resume" {
			n.Store++ // the region's shard is read
		}
		fewest[region] = n
	}
	// LIVE is read, the order and the regions are written; LIVE is looked at every 15 s, and once at each
	// tick of the guard.
	account := fewest["account"]
	account.Store = 3 + int(run/look) + r.Ticks
	if r.Act == "pause" {
		us := fewest["us-east-1"]
		us.Discover++ // DescribeRegions
		fewest["us-east-1"] = us
	}
	fewest["account"] = account
	return fewest
}

// An invocation ends after fifteen minutes, and takes no new work in the last of them. Another that carries
// on with a region takes the lease, reads the shard, and gives the lease back.
const (
	invocation = 14 * time.Minute
	carriedOn  = 3
)

// writes is how many transactions a region takes at least: the lease and its release; before each wave its
// steps, with the originals of what is paused; in the end what came of it. One holds a hundred items, of which
// the lease is one:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
// A member is in the item of its group, a scaling target in that of its service.
func (r Run) writes(w *work, members map[string]bool) int {
	const items = 99
	n, all := 2, map[string]bool{}
	for _, acts := range w.acts {
		if len(acts) == 0 {
			continue
		}
		wave := map[string]bool{}
		for _, a := range acts {
			if !members[a.resource] && kindOf(a.resource) != target {
				wave[a.resource], all[a.resource] = true, true
			}
		}
		each := 1
		if r.Act == "pause" {
			each = 2 // the original and the step
		}
		n += max(1, pages(each*len(wave), items))
	}
	return n + max(1, pages(len(all), items))
}

// groups are the groups of the instances that belong to one.
func (r Run) groups() map[string]string {
	all := map[string]string{}
	for name, fields := range r.Before {
		region, _, _ := strings.Cut(name, " ")
		for field := range fields {
			if id, ok := strings.CutPrefix(field, "Instances."); ok && kindOf(name) == "autoscaling:group" {
				all[region+" ec2:instance "+id] = name
			}
		}
	}
	return all
}

// members are the instances that belong to a group.
func (r Run) members() map[string]bool {
	all := map[string]bool{}
	for member := range r.groups() {
		all[member] = true
	}
	return all
}

// listings is one call for each full page of each kind, and one for a kind of which there is nothing.
func (r Run) listings(region string) int {
	atLeast := func(n, size int) int { return max(1, pages(n, size)) }
	n := atLeast(r.count(region, "ec2:instance"), 1000) + atLeast(r.count(region, "autoscaling:group"), 100) +
		atLeast(r.count(region, "rds:instance"), 100) + atLeast(r.count(region, "rds:cluster"), 100) + 1 // ListClusters
	if r.count(region, "ec2:spot-request") > 0 {
		n++
	}
	if r.count(region, "ec2:instance") > 0 {
		n++ // the sizes of the types: what costs most goes first
	}
	n += pages(r.running(region), 1000) // whose status checks are ok, since they are to be so again
	for name := range r.Before {
		if strings.HasPrefix(name, region+" autoscaling:group ") {
			n += r.warm(name)
		}
	}
	if r.count(region, "rds:instance") > 0 {
		n++ // blue/green deployments
	}
	clusters := r.clusters(region)
	tasks := r.tasks(region)
	for cluster, services := range clusters {
		n += pages(services, 100) + pages(services, 10) // list, describe
		// Which tasks are of no service is only known of those that were described.
		n += max(1, pages(tasks[cluster], 100)) + pages(tasks[cluster], 100)
	}
	if len(clusters) > 0 {
		n += atLeast(r.count(region, "application-autoscaling:target"), 50) + pages(len(clusters), 100) // which capacity providers they have
	}
	if r.scaledByECS(region) {
		n++ // the groups behind them
	}
	return n
}

// running is how many instances of the region run.
func (r Run) running(region string) (n int) {
	for name, fields := range r.Before {
		if strings.HasPrefix(name, region+" ec2:instance ") && fields["State"] == "running" {
			n++
		}
	}
	return n
}

// warm is the call that tells of the warm pool of a group, where it has one.
func (r Run) warm(group string) int {
	for field, value := range r.Before[group] {
		if strings.HasPrefix(field, "Instances.") && strings.HasPrefix(value, "Warmed:") {
			return 1
		}
	}
	return 0
}

// tasks counts what runs in each ECS cluster of the region. A daemon's tasks are not counted there.
func (r Run) tasks(region string) map[string]int {
	n := map[string]int{}
	for name, fields := range r.Before {
		switch kind := kindOf(name); {
		case !strings.HasPrefix(name, region+" "):
		case kind == "ecs:service":
			running, _ := strconv.Atoi(fields["RunningCount"])
			n[cluster(name)] += running
		case kind == "ecs:task":
			n[cluster(name)]++
		}
	}
	return n
}

// kindIn is how many of the acts are about resources of the kind.
func kindIn(acts []act, kind string) (n int) {
	for _, a := range acts {
		if kindOf(a.resource) == kind {
			n++
		}
	}
	return n
}

// changes is one call for each full batch of instances, one for each other resource, and one for each
// that is refused: that cannot be known before. Members are stopped later than the instances of no group.
func (r Run) changes(w *work, members map[string]bool) int {
	n := len(w.refused)
	for wave, acts := range w.acts {
		if wave != instances {
			n += len(acts)
			continue
		}
		later := 0
		for _, a := range acts {
			if r.Act == "pause" && members[a.resource] {
				later++
			}
		}
		stops := of(acts, "ec2")
		n += pages(stops-later, batch) + pages(later, batch) + len(acts) - stops
	}
	return n
}

// pagesOfClusters is one call for each ten services of a cluster.
func pagesOfClusters(acts []act) (n int) {
	services := map[string]int{}
	for _, a := range acts {
		services[cluster(a.resource)]++
	}
	for _, count := range services {
		n += pages(count, 10)
	}
	return n
}

// cluster is the cluster in the name of a service, "region ecs:service cluster/service".
func cluster(resource string) string {
	name, _, _ := strings.Cut(strings.Fields(resource)[2], "/")
	return name
}

// described is how many resources of a kind one call describes.
var described = map[string]int{"ec2:instance": 1000, "rds:instance": 100, "rds:cluster": 100, "ecs:service": 10, "autoscaling:group": 100, target: 50}

const target = "application-autoscaling:target"

// Sweep is how many calls it takes to look once at all that the run changed: one per full page, and one for
// each warm pool.
func (r Run) Sweep() (n int) {
	for _, w := range r.byRegion() {
		distinct := map[string]map[string]bool{} // by kind, of services by cluster too
		for _, acts := range w.acts {
			for _, a := range acts {
				kind := kindOf(a.resource)
				if kind == "ecs:service" {
					kind += " " + cluster(a.resource)
				}
				if distinct[kind] == nil {
					distinct[kind] = map[string]bool{}
				}
				distinct[kind][a.resource] = true
			}
		}
		for kind, resources := range distinct {
			n += pages(len(resources), described[strings.Fields(kind)[0]])
			for name := range resources {
				n += r.warm(name)
			}
		}
	}
	return n
}

// looks is one call per full page of what is in flight, for each kind and every 15 s until nothing is;
// flight is how long that takes. What is in flight at a time is known from the buckets, which let only so
// much begin: each is looked at once at least, however fast it was.
func (r Run) looks(w *work) (n int, flight time.Duration) {
	for wave, acts := range w.acts {
		if wave == scaling && r.Act == "pause" {
			acts = nil // suspended is suspended
		}
		due := map[string]map[int]int{} // by kind, how many at each look
		for i, a := range acts {
			began, took := r.bucket(wave, acts[:i+1]), r.took(a)
			kind := kindOf(a.resource)
			full := described[kind]
			if full == 0 || kind == target {
				continue
			}
			if kind == "ecs:service" {
				kind += " " + cluster(a.resource) // one call is about the services of one cluster
			}
			if due[kind] == nil {
				due[kind] = map[int]int{}
			}
			first := pages(int(began), int(look))
			due[kind][first]++
			for at := first + 1; time.Duration(at)*look < began+took; at++ {
				due[kind][at]++
			}
		}
		longest := r.arrived(wave, acts)
		if r.Act == "pause" {
			flight = max(flight, longest) // no wave of a pause waits for what another set in motion
		} else {
			flight += longest
		}
		for kind, looks := range due {
			for _, inFlight := range looks {
				n += pages(inFlight, described[strings.Fields(kind)[0]])
			}
		}
	}
	return n, flight
}
