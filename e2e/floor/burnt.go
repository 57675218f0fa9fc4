package floor

import (
	"cmp"
	"slices"
	"time"
)

// FirstStop is how long after the alarm the first resource was stopped: what only keeps others from
// fighting back stops nothing.
func (r Run) FirstStop() (first time.Duration, stopped bool) {
	for _, w := range r.byRegion() {
		for _, wave := range []int{services, instances, databases} {
			for _, a := range w.acts[wave] {
				if took := a.call.At.Sub(r.Began); !stopped || took < first {
					first, stopped = took, true
				}
			}
		}
	}
	return first, stopped
}

// Dollars are those of a pause.
type Dollars struct {
	Burnt, Least    float64
	Priced, Stopped int // resources: those with a price, and all
}

// Burnt is what the stopped resources have cost from the alarm until their stops were accepted, and what
// they would have cost had somebody given the order who knew everything: whose calls wait for the same
// round trips, waves and tokens as those of Time, and who stops what costs most first. dollars are an hour
// of each resource; one whose price is not known is stopped last and is in neither.
func (r Run) Burnt(dollars map[string]float64) (d Dollars) {
	members := r.members()
	for region, w := range r.byRegion() {
		issued, settled := r.waves(region, w)
		for _, wave := range []int{services, instances, databases} {
			accepted := map[string]time.Duration{} // the first time
			for _, a := range w.acts[wave] {
				if _, again := accepted[a.resource]; !again {
					accepted[a.resource] = a.call.At.Sub(r.Began)
				}
			}
			var now, later []float64
			for resource, at := range accepted {
				d.Stopped++
				if _, priced := dollars[resource]; priced {
					d.Priced++
				}
				d.Burnt += dollars[resource] * at.Hours()
				if wave == instances && members[resource] {
					later = append(later, dollars[resource])
				} else {
					now = append(now, dollars[resource])
				}
			}
			bucket := map[int]rate{services: serviceRate, instances: stopResources, databases: databaseRate}[wave]
			d.Least += bucket.cost(issued[wave], now, max(issued[wave], settled), later)
		}
	}
	return d
}

// cost is what it costs until the last of now and of later are accepted, dearest first, where now may
// begin at one time and later at another, and the bucket is full at first.
func (r rate) cost(from time.Duration, now []float64, then time.Duration, later []float64) (dollars float64) {
	dearest := func(x, y float64) int { return cmp.Compare(y, x) }
	slices.SortFunc(now, dearest)
	used := 0
	for used < len(now) && (len(later) == 0 || from+r.wait(used+1) < then) {
		used++
		dollars += now[used-1] * (from + r.wait(used)).Hours()
	}
	rest := slices.SortedFunc(slices.Values(slices.Concat(now[used:], later)), dearest)
	left := min(r.burst, r.burst+(then-from).Seconds()*r.perSecond-float64(used))
	for i, price := range rest {
		dollars += price * (then + rate{left, r.perSecond}.wait(i+1)).Hours()
	}
	return dollars
}
