package floor

import (
	"maps"
	"slices"
	"time"
)

// Bound is the least time of an act, and the region that needs it.
type Bound struct {
	Accepted time.Duration // to the last accepted change
	Observed time.Duration // to all observed
	Region   string        // of Observed
	Slowest  string        // of Accepted
}

// Time is the floor of the run: the maximum over its regions, which do not wait for each other.
func (r Run) Time() (b Bound) {
	times := r.times()
	for _, region := range slices.Sorted(maps.Keys(times)) {
		if t := times[region]; t.Accepted > b.Accepted {
			b.Accepted, b.Slowest = t.Accepted, region
		}
		if t := times[region]; t.Observed > b.Observed {
			b.Observed, b.Region = t.Observed, region
		}
	}
	return b
}

// times are the bounds of each region.
func (r Run) times() map[string]Bound {
	times := map[string]Bound{}
	for region, w := range r.byRegion() {
		accepted, observed := r.pause(region, w)
		if r.Act == "resume" {
			accepted, observed = r.resume(w)
		}
		times[region] = Bound{Accepted: accepted, Observed: observed}
	}
	return times
}

// bucket is how long a wave waits for its tokens.
func (r Run) bucket(wave int, acts []act) time.Duration {
	switch n := len(acts); {
	case wave == services:
		return serviceRate.wait(n)
	case wave == databases:
		return databaseRate.wait(n)
	case wave == instances && r.Act == "pause":
		return max(stopRequests.wait(pages(n, batch)), stopResources.wait(n))
	case wave == instances:
		return max(startRequests.wait(pages(n, batch)), startResources.wait(n))
	default:
		return max(scalingRate.wait(of(acts, "autoscaling")), scalingRate.wait(of(acts, "application-autoscaling")))
	}
}

func of(acts []act, service string) (n int) {
	for _, a := range acts {
		if a.call.Service == service {
			n++
		}
	}
	return n
}

// pause: read LIVE, write the order, list the regions; the longest listing chain; then one write and
// one call for each wave, each as long as its buckets need. Waves are over when accepted. Members of
// suspended groups are stopped after the groups have settled, and nothing else waits for that.
func (r Run) pause(region string, w *work) (accepted, observed time.Duration) {
	chain := max(1,
		pages(r.count(region, "ec2:instance"), 1000), pages(r.count(region, "autoscaling:group"), 100),
		pages(r.count(region, "rds:instance"), 100), pages(r.count(region, "rds:cluster"), 100))
	if len(r.clusters(region)) > 0 {
		chain = max(chain, 3) // ListClusters, ListServices, DescribeServices
	}
	at := time.Duration(3+chain) * trip
	settled := time.Duration(0)
	for _, wave := range []int{scaling, services, instances, databases} {
		acts := w.acts[wave]
		if len(acts) == 0 {
			continue
		}
		at += 2*trip + r.bucket(wave, acts)
		if wave == scaling && of(acts, "autoscaling") > 0 {
			settled = 5*trip + trip + settle // three, the groups' page, the write, the call
		}
		issued := at
		if wave == instances && settled > 0 {
			// list the members, write them, stop them
			issued = max(at, settled+3*trip+r.bucket(wave, acts))
		}
		accepted = max(accepted, issued)
		// Members are among the instances: which of them were stopped after the settling is not told
		// apart here, so the transition is counted from the earlier time.
		observed = max(observed, issued, at+r.longest(acts))
	}
	return accepted, observed + 3*trip // look, write, release
}

// resume: read LIVE, write the order, read the region's shard; then the waves one after the other: a
// write, a call, the tokens or the longest true transition, whichever takes longer, and the look that
// sees it. Last the results and the end.
func (r Run) resume(w *work) (accepted, observed time.Duration) {
	at := 3 * trip
	for _, wave := range []int{databases, instances, groups, services, scaling} {
		acts := w.acts[wave]
		if len(acts) == 0 {
			continue
		}
		tokens := r.bucket(wave, acts)
		accepted = at + 2*trip + tokens
		took := r.longest(acts)
		if wave == instances && of(acts, "ec2") > 0 {
			took += leastChecks
		}
		at += 2*trip + max(tokens, took) + trip
	}
	return accepted, at + 2*trip
}
