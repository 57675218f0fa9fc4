// Package floor says how fast and with how few calls an account could have been paused or resumed at
// best. It knows AWS's limits and what the run changed, and nothing of how the brake works: it imports
// neither the engine nor the services. Where something cannot be known from outside, the bound is the
// lower one, so that a ratio is never flattered.
package floor

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"aws-hit-breaks/pkg/awssim"
)

// Run is one pause or resume as it was seen from outside.
type Run struct {
	Act    string // pause or resume
	Began  time.Time
	Ended  time.Time            // all observed
	Calls  []awssim.Call        // of this run alone
	Before awssim.State         // at Began
	Since  map[string]time.Time // from when on each resource truly was at its goal; by "region kind id"
	Ticks  int                  // of the guard
	// Reporting are the calls that were made for what is said of the run, after it. They are in no column.
	Reporting []awssim.Call
}

// trip is one dependent round trip.
const trip = 50 * time.Millisecond

// look is how often what is in flight is looked at.
const look = 15 * time.Second

// settle is how long the activities of a group may still be under way after its processes were
// suspended; stopping members earlier has them replaced.
const settle = time.Minute

// rate is a token bucket.
type rate struct{ burst, perSecond float64 }

// wait is how long the last of n tokens is away when the bucket is full at first.
func (r rate) wait(n int) time.Duration {
	return max(0, time.Duration((float64(n)-r.burst)/r.perSecond*float64(time.Second)))
}

// EC2 and ECS publish these, AWS publishes none for the others:
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/request-throttling.html
var (
	stopRequests, stopResources   = rate{50, 5}, rate{1000, 20}
	startRequests, startResources = rate{5, 2}, rate{1000, 2}
	serviceRate                   = rate{50, 5}
	databaseRate                  = rate{4, 2}
	scalingRate                   = rate{10, 5} // of groups, and of scaling targets
)

// act is one accepted change of one resource.
type act struct {
	resource string
	call     awssim.Call
}

// wave numbers, in the order of a pause and of a resume.
const (
	scaling = iota // pause: targets and processes; resume: targets and the last processes
	services
	instances
	databases
	groups // resume only: the processes that take members in again
	waves
)

// work is what was done in one region, by wave.
type work struct {
	acts    [waves][]act
	refused map[string]bool // never accepted: each had to be tried once
}

// byRegion sorts the accepted changes of the run.
func (r Run) byRegion() map[string]*work {
	all := map[string]*work{}
	resumed := map[string]bool{}
	accepted := map[string]bool{}
	for _, c := range r.Calls {
		if !c.Mutating || c.Service == "dynamodb" {
			continue
		}
		w := all[c.Region]
		if w == nil {
			w = &work{refused: map[string]bool{}}
			all[c.Region] = w
		}
		for _, resource := range resources(c) {
			key := c.Operation + " " + resource
			if c.Err != "" {
				w.refused[key] = true
				continue
			}
			accepted[key] = true
			n := waveOf(c)
			if r.Act == "resume" && c.Operation == "ResumeProcesses" && !resumed[resource] {
				resumed[resource] = true
				n = groups
			}
			w.acts[n] = append(w.acts[n], act{resource, c})
		}
	}
	for _, w := range all {
		maps.DeleteFunc(w.refused, func(key string, _ bool) bool { return accepted[key] })
	}
	return all
}

func waveOf(c awssim.Call) int {
	switch c.Service {
	case "ecs":
		return services
	case "ec2":
		return instances
	case "rds":
		return databases
	}
	if c.Operation == "UpdateAutoScalingGroup" {
		return instances
	}
	return scaling
}

// resources are what the call names, as the account's state does.
func resources(c awssim.Call) []string {
	kind := ""
	ids := c.Targets
	switch {
	case c.Service == "ecs":
		kind, ids = "ecs:service", []string{strings.Join(c.Targets, "/")}
	case c.Service == "ec2":
		kind = "ec2:instance"
	case c.Service == "autoscaling":
		kind = "autoscaling:group"
	case c.Service == "application-autoscaling":
		kind = "application-autoscaling:target"
	case strings.HasSuffix(c.Operation, "Cluster"):
		kind = "rds:cluster"
	default:
		kind = "rds:instance"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = c.Region + " " + kind + " " + id
	}
	return names
}

// took is how long the transition took, from the acceptance to the goal. What never reached it counts
// nothing.
func (r Run) took(a act) time.Duration {
	since, ok := r.Since[a.resource]
	if !ok {
		return 0
	}
	return max(0, since.Sub(a.call.At))
}

// arrived is how long after a wave may begin its last transition is over at the earliest: that is so where
// what takes longest gets the first tokens.
func (r Run) arrived(wave int, acts []act) (last time.Duration) {
	took := make([]time.Duration, len(acts))
	for i, a := range acts {
		took[i] = r.took(a)
	}
	slices.SortFunc(took, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	for i, d := range took {
		last = max(last, r.bucket(wave, acts[:i+1])+d)
	}
	return last
}

// count is how many resources of the region are of the kind.
func (r Run) count(region, kind string) (n int) {
	for name := range r.Before {
		if strings.HasPrefix(name, region+" "+kind+" ") {
			n++
		}
	}
	return n
}

// clusters counts the services of each ECS cluster of the region that has any.
func (r Run) clusters(region string) map[string]int {
	n := map[string]int{}
	for name := range r.Before {
		if id, ok := strings.CutPrefix(name, region+" ecs:service "); ok {
			cluster, _, _ := strings.Cut(id, "/")
			n[cluster]++
		}
	}
	return n
}

// scaledByECS says whether a capacity provider of Amazon ECS scales a group of the region.
func (r Run) scaledByECS(region string) bool {
	for name, fields := range r.Before {
		if _, tagged := fields["Tags.AmazonECSManaged"]; tagged && strings.HasPrefix(name, region+" autoscaling:group ") {
			return true
		}
	}
	return false
}

// regions are all that the run asked anything of, in order.
func (r Run) regions() []string {
	seen := map[string]bool{}
	for _, c := range r.Calls {
		if c.Service != "dynamodb" {
			seen[c.Region] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// kindOf is the kind in the name of a resource.
func kindOf(resource string) string { return strings.Fields(resource)[1] }

func pages(n, size int) int { return (n + size - 1) / size }
