package floor

import (
	"cmp"
	"container/heap"
	"maps"
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
// round trips, waves and tokens as those of Time, and who stops what costs most first. Each resource is recorded
// before. Members of a group are recorded with that, and wait for it to settle after its own suspension, of which
// there are so many a second. dollars are an hour of each resource; one whose price is not known is stopped last
// and is in neither.
func (r Run) Burnt(dollars map[string]float64) (d Dollars) {
	for region, w := range r.byRegion() {
		issued, settled := r.waves(region, w)
		settles := r.settling(w, settled, dollars)
		for _, wave := range []int{services, instances, databases} {
			accepted := map[string]time.Duration{} // the first time
			for _, a := range w.acts[wave] {
				if _, again := accepted[a.resource]; !again {
					accepted[a.resource] = a.call.At.Sub(r.Began)
				}
			}
			var all []stop
			for resource, at := range accepted {
				d.Stopped++
				if _, priced := dollars[resource]; priced {
					d.Priced++
				}
				d.Burnt += dollars[resource] * at.Hours()
				from, member := settles[resource]
				all = append(all, stop{max(issued[wave], from), dollars[resource], member})
			}
			bucket := map[int]rate{services: serviceRate, instances: stopResources, databases: databaseRate}[wave]
			d.Least += bucket.cost(issued[wave], all)
		}
	}
	return d
}

// settling is when the members of each suspended group may be stopped, the dearest group first.
func (r Run) settling(w *work, first time.Duration, dollars map[string]float64) map[string]time.Duration {
	groups := r.groups()
	suspended := map[string]float64{} // what its members cost
	for _, a := range w.acts[scaling] {
		if a.call.Service == "autoscaling" {
			suspended[a.resource] = 0
		}
	}
	for member, group := range groups {
		if _, ok := suspended[group]; ok {
			suspended[group] += dollars[member]
		}
	}
	at := map[string]time.Duration{}
	order := slices.SortedFunc(maps.Keys(suspended), func(a, b string) int {
		return cmp.Or(cmp.Compare(suspended[b], suspended[a]), cmp.Compare(a, b))
	})
	for n, group := range order {
		at[group] = first + scalingRate.wait(n+1)
	}
	settles := map[string]time.Duration{}
	for member, group := range groups {
		settles[member] = at[group]
	}
	return settles
}

// stop is a stop that may be asked for from a time on, what the resource costs an hour until then, and whether
// that is recorded long before.
type stop struct {
	from     time.Duration
	dollars  float64
	recorded bool
}

// recordRate is how many resources one partition of the store takes, of 1,000 units a second: an original and a
// step, each of up to a kilobyte, which take two in a transaction:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
var recordRate = rate{250, 250}

// cost is what it costs until all are accepted, each time the dearest of those that may be asked for, where
// the bucket and the partition are full at a time.
func (r rate) cost(full time.Duration, all []stop) (dollars float64) {
	slices.SortFunc(all, func(a, b stop) int { return cmp.Compare(a.from, b.from) })
	var ready dearest
	at, tokens, records := full, r.burst, recordRate.burst
	for len(all) > 0 || len(ready) > 0 {
		for len(all) > 0 && all[0].from <= at {
			heap.Push(&ready, all[0])
			all = all[1:]
		}
		next := at
		switch {
		case len(ready) == 0:
			next = all[0].from
		case tokens < 1:
			next = at + r.until(tokens)
		case records < 1 && !ready[0].recorded:
			next = at + recordRate.until(records)
		default:
			s := heap.Pop(&ready).(stop)
			tokens--
			if !s.recorded {
				records--
			}
			dollars += s.dollars * at.Hours()
		}
		passed := (next - at).Seconds()
		tokens, records = min(r.burst, tokens+passed*r.perSecond), min(recordRate.burst, records+passed*recordRate.perSecond)
		at = next
	}
	return dollars
}

// until is how long a bucket takes that holds less than one token until it holds one.
func (r rate) until(tokens float64) time.Duration {
	return time.Duration((1-tokens)/r.perSecond*float64(time.Second)) + 1
}

// dearest is a heap of stops, the dearest on top.
type dearest []stop

// Len, Less, Swap, Push and Pop are for container/heap.
func (d dearest) Len() int { return len(d) }

func (d dearest) Less(i, j int) bool { return d[i].dollars > d[j].dollars }

func (d dearest) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

func (d *dearest) Push(x any) { *d = append(*d, x.(stop)) }

func (d *dearest) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}
