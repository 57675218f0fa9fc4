package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// writer makes the lists of a report.
type writer struct {
	snapshot snapshots.Snapshot // whose shards are without their items
	declared map[killswitch.Kind]killswitch.Declaration
	orders   []killswitch.Order
	regions  []string
	list     []Resource
}

// take takes in a shard, and keeps nothing of its items but what is listed of them.
func (w *writer) take(shard snapshots.Shard) {
	damaged := map[killswitch.Ref]snapshots.Fault{}
	for _, f := range shard.Faults {
		if f.Ref.ID != "" && f.Since >= damaged[f.Ref].Since {
			damaged[f.Ref] = f
		}
	}
	w.list = slices.Grow(w.list, len(shard.Items))
	for _, it := range shard.Items {
		if _, named := damaged[it.Resource.Ref]; !named && it.State.Phase == "" && shard.Lease.Generation > 0 && shard.Lease.Owner == "" {
			damaged[it.Resource.Ref] = snapshots.Fault{Why: snapshots.StateMissing}
		}
		w.list = append(w.list, w.item(it, damaged))
		delete(damaged, it.Resource.Ref)
	}
	for ref, f := range damaged { // sorted below
		phase := killswitch.Unreadable
		if filter.GivenUp(w.orders, ref, f.Since) {
			phase = killswitch.GivenUp
		}
		w.list = append(w.list, Resource{
			Region: ref.Region, Kind: ref.Kind, ID: ref.ID, Phase: phase, Reason: f.Why,
			ByHand: w.byHand(killswitch.Item{Resource: killswitch.Resource{Ref: ref}}),
			Uses:   []killswitch.Usage{{Kept: true, Why: "what it uses cannot be read"}},
		})
	}
	for _, c := range shard.Coverage {
		for _, v := range c.Verdicts {
			w.list = append(w.list, resource(v.Resource, v.Phase, v.Reason))
		}
	}
	shard.Items = nil
	w.snapshot.Shards = append(w.snapshot.Shards, shard)
}

// resources are all that were taken in.
func (w *writer) resources() []Resource {
	slices.SortStableFunc(w.list, func(a, b Resource) int { return a.Ref("").Compare(b.Ref("")) })
	return slices.CompactFunc(w.list, func(a, b Resource) bool { return a.Ref("") == b.Ref("") })
}

func resource(r killswitch.Resource, phase killswitch.Phase, reason string) Resource {
	return Resource{
		Region: r.Ref.Region, Kind: r.Ref.Kind, ID: r.Ref.ID, Name: r.Name, Type: r.Type, Phase: phase, Reason: reason,
		Uses: r.Uses,
	}
}

// item tells of a resource with an original.
func (w writer) item(it killswitch.Item, damaged map[killswitch.Ref]snapshots.Fault) Resource {
	state := it.State
	r := resource(it.Resource, state.Phase, state.Reason)
	if r.Phase == "" { // its state is not written yet, missing or not readable
		r.Phase = killswitch.Recorded
		if f, ok := damaged[it.Resource.Ref]; ok {
			r.Phase, r.Reason = killswitch.Unreadable, f.Why
		}
	}
	governing := w.governing(it)
	switch r.Phase {
	case killswitch.Unpausable, killswitch.Protected, killswitch.Untouched, killswitch.GivenUp:
	default:
		r.Want = governing.Act.Wants()
	}
	if r.Phase == killswitch.Unreadable || r.Phase == killswitch.GivenUp || r.Phase == killswitch.Failed && r.Want == killswitch.WantResumed {
		r.ByHand = w.byHand(it)
	}
	r.Pending = pending(r, state.Order != governing.Seq)
	r.Step, r.Since, r.LookAt, r.WakesAt = state.Step, state.AttemptedAt, state.LookAt, state.WakesAt
	if state.Wait != nil {
		r.Deadline = state.Wait.Deadline
		if r.Reason == "" && r.Pending {
			r.Reason = state.Wait.For
		}
	}
	if len(state.ByAWS) > 0 {
		r.ChangedByAWS = state.ByAWS
	}
	return r
}

// pending says whether a run is, or should be, on its way to bring the resource where it is wanted:
// it moves, or an order has come since that no run has taken in (unheard). What does not get further
// is not pending.
func pending(r Resource, unheard bool) bool {
	switch r.Phase {
	case killswitch.Recorded, killswitch.Pausing, killswitch.Resuming:
		return true
	case killswitch.Paused, killswitch.Failed, killswitch.Drifted, killswitch.Unpausable, killswitch.Protected:
		return unheard
	default:
		return false
	}
}

// governing is the order that governs the item; of one that is closed, the one that closed it.
func (w writer) governing(it killswitch.Item) killswitch.Order {
	if !it.State.Phase.Closed() {
		if o, ok := filter.Govern(w.orders, it.Resource); ok {
			return o
		}
	}
	for _, o := range w.orders {
		if o.Seq == it.State.Order {
			return o
		}
	}
	return killswitch.Order{Seq: it.State.Order, Act: killswitch.Pause} // as the engine takes it
}

// notInspected are the kinds that the newest pause order that wants them was not given a whole list
// of, in every region that any run has found. Where everything was resumed later nothing has to be
// listed any more.
func (w writer) notInspected() []NotInspected {
	list := []NotInspected{}
	if newest := w.newestPause(func(killswitch.Order) bool { return true }); newest > 0 && !w.regionsKnown(newest) {
		list = append(list, NotInspected{
			Region: AllRegions, Reason: "the account's regions have not been listed for order " + strconv.Itoa(newest), Pending: true,
		})
	}
	for _, region := range w.regions {
		for kind := range w.declared { // sorted below
			newest := w.newestPause(func(o killswitch.Order) bool {
				return filter.MayMatchRegion(o.Scope, region) && filter.MayMatchKind(o.Scope, kind)
			})
			if newest == 0 {
				continue
			}
			c, found := w.coverage(region, kind)
			switch {
			case !found || c.Order < newest:
				list = append(list, NotInspected{Region: region, Kind: kind, Reason: "not listed yet", Pending: true})
			case !c.Listed:
				list = append(list, NotInspected{Region: region, Kind: kind, Reason: c.Why})
			}
		}
	}
	slices.SortFunc(list, func(a, b NotInspected) int {
		return cmp.Or(strings.Compare(a.Region, b.Region), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return list
}

// newestPause is the newest pause order that wants what wanted says; 0 where there is none, or
// where everything was resumed later.
func (w writer) newestPause(wanted func(killswitch.Order) bool) int {
	for _, o := range slices.Backward(w.orders) {
		if o.Act == killswitch.Resume && everything(o.Scope) {
			return 0
		}
		if o.Act == killswitch.Pause && wanted(o) {
			return o.Seq
		}
	}
	return 0
}

// everything says whether the scope leaves nothing out.
func everything(s killswitch.Scope) bool {
	return len(s.Regions)+len(s.Services)+len(s.Tags)+len(s.IDs) == 0 && s.Exclude == nil
}

// regionsKnown says whether the account's regions were listed for the order. A plan, and the run
// that closes a snapshot, write them into the header once they know all of them.
func (w writer) regionsKnown(order int) bool {
	return w.snapshot.Live == nil || w.snapshot.Live.RegionsOrder >= order || len(w.snapshot.Header.Regions) > 0
}

func (w writer) coverage(region string, kind killswitch.Kind) (snapshots.Coverage, bool) {
	for _, shard := range w.snapshot.Shards {
		for _, c := range shard.Coverage {
			if shard.Region == region && c.Kind == kind {
				return c, true
			}
		}
	}
	return snapshots.Coverage{}, false
}

func (w writer) problems() []Problem {
	list := []Problem{}
	add := func(faults []snapshots.Fault) {
		for _, f := range faults {
			list = append(list, Problem{Item: strings.TrimSpace(f.PK + " " + f.SK), Why: f.Why, Hint: f.Hint})
		}
	}
	add(w.snapshot.Faults)
	for _, shard := range w.snapshot.Shards {
		add(shard.Faults)
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Item, b.Item), strings.Compare(a.Why, b.Why))
	})
	return list
}
