package floor

import (
	"maps"
	"slices"
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
			n.Discover = pages(len(w.acts[instances]), 1000) + pages(len(w.acts[databases]), 100) +
				pagesOfClusters(w.acts[services]) + pages(len(w.acts[groups]), 100) + pages(of(w.acts[scaling], "application-autoscaling"), 50)
		}
		n.Discover += w.changes()
		var flight time.Duration
		n.Observe, flight = r.looks(w)
		// The region's lease and its release; a write for each wave with calls; one for the results; a
		// renewal every 15 s while anything is in flight.
		n.Store = 2 + 1 + int(flight/look)
		for _, acts := range w.acts {
			if len(acts) > 0 {
				n.Store++
			}
		}
		fewest[region] = n
	}
	// LIVE is read, the order and the regions are written; LIVE is looked at every 15 s.
	account := fewest["account"]
	account.Store = 3 + int(run/look)
	if r.Act == "pause" {
		us := fewest["us-east-1"]
		us.Discover++ // DescribeRegions
		fewest["us-east-1"] = us
	}
	fewest["account"] = account
	return fewest
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
	if r.count(region, "rds:instance") > 0 {
		n++ // blue/green deployments
	}
	clusters := r.clusters(region)
	for _, services := range clusters {
		n += pages(services, 100) + pages(services, 10) + 1 // list, describe, tasks of no service
	}
	if len(clusters) > 0 {
		n += atLeast(r.count(region, "application-autoscaling:target"), 50) + pages(len(clusters), 100) // which capacity providers they have
	}
	if r.scaledByECS(region) {
		n++ // the groups behind them
	}
	return n + pages(r.count(region, "ecs:task"), 100)
}

// changes is one call for each full batch of instances, one for each other resource, and one for each
// that is refused: that cannot be known before.
func (w *work) changes() int {
	n := len(w.refused)
	for wave, acts := range w.acts {
		if wave == instances {
			stops := of(acts, "ec2")
			n += pages(stops, batch) + len(acts) - stops
			continue
		}
		n += len(acts)
	}
	if of(w.acts[scaling], "autoscaling") > 0 && len(w.acts[groups]) == 0 && of(w.acts[instances], "ec2") > 0 {
		n++ // members are stopped later than the instances of no group
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

// looks is one call per full page of what is in flight, for each kind and every 15 s until nothing is;
// flight is how long that takes.
func (r Run) looks(w *work) (n int, flight time.Duration) {
	size := map[string]int{"ec2:instance": 1000, "rds:instance": 100, "rds:cluster": 100, "ecs:service": 10, "autoscaling:group": 100}
	for wave, acts := range w.acts {
		if wave == scaling && r.Act == "pause" {
			acts = nil // suspended is suspended
		}
		kinds := map[string][]time.Duration{}
		longest := time.Duration(0)
		for _, a := range acts {
			took := r.took(a)
			kind := strings.Fields(a.resource)[1]
			if kind == "ecs:service" {
				kind += " " + cluster(a.resource) // one call is about the services of one cluster
			}
			if kind == "ec2:instance" && r.Act == "resume" {
				took += leastChecks
			}
			longest = max(longest, took)
			kinds[kind] = append(kinds[kind], took)
		}
		if r.Act == "pause" {
			flight = max(flight, longest) // no wave of a pause waits for what another set in motion
		} else {
			flight += longest
		}
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			full := size[strings.Fields(kind)[0]]
			if full == 0 {
				continue
			}
			for at := time.Duration(0); ; at += look {
				inFlight := 0
				for _, took := range kinds[kind] {
					if took > at || at == 0 { // all are looked at once, however fast they were
						inFlight++
					}
				}
				if inFlight == 0 {
					break
				}
				n += pages(inFlight, full)
			}
		}
	}
	return n, flight
}
