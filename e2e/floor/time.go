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

// listed is when all is known of a region: LIVE is read, the order written, the regions are listed; then the
// longest chain of listings.
func (r Run) listed(region string) time.Duration {
	chain := max(1,
		pages(r.count(region, "ec2:instance"), 1000), pages(r.count(region, "autoscaling:group"), 100),
		pages(r.count(region, "rds:instance"), 100), pages(r.count(region, "rds:cluster"), 100))
	if len(r.clusters(region)) > 0 {
		chain = max(chain, 3) // ListClusters, ListServices, DescribeServices
	}
	return time.Duration(3+chain) * trip
}

// waves is when the calls of each wave of a pause may begin, and those about members of groups: one write
// and one call for each, each as long as its buckets need. A wave is over when it is accepted. Instances
// wait for no wave before theirs, since no task of a service runs on most of them: which are hosts, and wait
// for their services, is not told apart here.
func (r Run) waves(region string, w *work) (issued map[int]time.Duration, members time.Duration) {
	issued = map[int]time.Duration{}
	known := r.listed(region)
	at := known
	for _, wave := range []int{scaling, services, instances, databases} {
		acts := w.acts[wave]
		if len(acts) == 0 {
			continue
		}
		issued[wave] = at + 2*trip
		if first, ok := issued[scaling]; ok && wave == services { // each waits for its own scaling
			issued[wave] = first + 2*trip
		}
		if wave == instances {
			issued[wave] = known + 2*trip
		}
		at = max(at, issued[wave]+r.bucket(wave, acts))
		if wave == scaling && of(acts, "autoscaling") > 0 {
			// three, the groups' page, the write, the call; list the members, write them, stop them
			members = 5*trip + trip + settle + 3*trip
		}
	}
	return issued, members
}

// pause is over in a region with its last wave. Members of suspended groups are stopped after the groups
// have settled, and nothing else waits for that.
func (r Run) pause(region string, w *work) (accepted, observed time.Duration) {
	issued, members := r.waves(region, w)
	for wave, at := range issued {
		tokens := r.bucket(wave, w.acts[wave])
		last := at + tokens
		if wave == instances && members > 0 {
			last = max(last, members+tokens)
		}
		accepted = max(accepted, last)
		// Members are among the instances: which of them were stopped after the settling is not told
		// apart here, so the transition is counted from the earlier time.
		observed = max(observed, last, at+r.arrived(wave, w.acts[wave]))
	}
	return accepted, observed + 3*trip // look, write, release
}

// resume: read LIVE, write the order, read the region's shard; then the waves one after the other: a
// write, a call, the tokens and the true transitions, status checks among them, and the look that sees the
// last. Last the results and the end.
func (r Run) resume(w *work) (accepted, observed time.Duration) {
	at := 3 * trip
	for _, wave := range []int{databases, instances, groups, services, scaling} {
		acts := w.acts[wave]
		if len(acts) == 0 {
			continue
		}
		accepted = at + 2*trip + r.bucket(wave, acts)
		at += 2*trip + r.arrived(wave, acts) + trip
	}
	return accepted, at + 2*trip
}
