package snapshots

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"aws-hit-breaks/pkg/killswitch"
)

// Check names everything that is wrong with a snapshot as a store has read it: what could not be
// read, and what does not fit together. It writes nothing and calls nobody. declared are the
// services' declarations, by kind.
//
// What a run has not written yet looks like what was lost. Of a shard that is under a lease only
// that is named which no run leaves behind.
func Check(s Snapshot, declared map[killswitch.Kind]killswitch.Declaration) []Fault {
	c := checking{snapshot: s, declared: declared, orders: s.Header.Orders, faults: slices.Clone(s.Faults)}
	if s.Live != nil {
		c.orders = s.Live.Orders
	}
	c.header()
	for _, shard := range s.Shards {
		c.faults = append(c.faults, shard.Faults...)
		c.shard(shard)
	}
	c.counts()
	return c.faults
}

// StateMissing says of an item that it has an original and no state. Where no run is at work that is a
// loss, or the trace of a run that was killed between the two: nobody can tell.
const StateMissing = "its state is missing: what was done with it is not known"

type checking struct {
	snapshot Snapshot
	declared map[killswitch.Kind]killswitch.Declaration
	orders   []killswitch.Order // none where neither LIVE nor header can be read
	faults   []Fault
}

// fail names what is wrong with an item of that name.
func (c *checking) fail(n name, why string, args ...any) {
	n.account, n.snapshot = c.snapshot.Header.Account, c.snapshot.Header.Snapshot
	fault := Record{Key: n.key()}.fault(fmt.Sprintf(why, args...))
	if fault.Ref.ID != "" {
		fault.Ref.Account = n.account
	}
	c.faults = append(c.faults, *fault)
}

// failed says whether an item of the class has been named.
func failed(faults []Fault, of class) bool {
	return slices.ContainsFunc(faults, func(f Fault) bool {
		n, _ := parse(Key{f.PK, f.SK})
		return n.class == of
	})
}

// header holds the header against LIVE.
func (c *checking) header() {
	h, live := c.snapshot.Header, c.snapshot.Live
	if failed(c.faults, headerClass) {
		return
	}
	if err := h.check(); err != nil {
		c.fail(name{class: headerClass}, "%v", err)
		return
	}
	switch {
	case live == nil && h.Closed.IsZero() && !failed(c.faults, liveClass):
		c.fail(name{class: liveClass}, "missing, or of another snapshot: %s was opened and never closed", h.Snapshot)
	case live == nil:
	case live.Snapshot != h.Snapshot || live.Account != h.Account:
		c.fail(name{class: liveClass}, "it is of snapshot %s of account %s", live.Snapshot, live.Account)
	case !h.Closed.IsZero():
		c.fail(name{class: headerClass}, "it was closed at %s, and is live", h.Closed)
	case !live.Opened.Equal(h.Opened):
		c.fail(name{class: headerClass}, "it was opened at %s, and LIVE says at %s", h.Opened, live.Opened)
	case len(h.Orders) > len(live.Orders) || !reflect.DeepEqual(h.Orders, live.Orders[:len(h.Orders)]):
		c.fail(name{class: headerClass}, "its orders are not those that LIVE begins with")
	}
}

// counts holds what the header counted at the closing against the items.
func (c *checking) counts() {
	if c.snapshot.Header.Closed.IsZero() {
		return
	}
	items := map[string]int{}
	for _, shard := range c.snapshot.Shards {
		for _, it := range shard.Items {
			items[string(it.State.Phase)]++
		}
	}
	phases := maps.Clone(items)
	maps.Copy(phases, c.snapshot.Header.Counts)
	for _, phase := range slices.Sorted(maps.Keys(phases)) {
		counted, found := c.snapshot.Header.Counts[phase], items[phase]
		switch {
		case counted > found:
			c.lost(name{class: headerClass}, "it counted %d %s, and %d can be read: the others are lost", counted, phase, found)
		case killswitch.Phase(phase).Closed() && counted < found:
			c.fail(name{class: headerClass}, "it counted %d %s, and there are %d", counted, phase, found)
		}
	}
}

// lost is a fault for which originals are missing.
func (c *checking) lost(n name, why string, args ...any) {
	c.fail(n, why, args...)
	c.faults[len(c.faults)-1].Hint = hints[originalClass]
}

// shard holds a shard's items, coverage and lease against each other and against the orders.
func (c *checking) shard(s Shard) {
	lease := name{class: leaseClass, region: s.Region}
	never := s.Lease.Generation == 0 || s.Lease.Closed && s.Lease.Generation == 1 // it had no holder
	if never && !failed(s.Faults, leaseClass) {
		if len(s.Items) == 0 && len(s.Coverage) == 0 && len(s.Faults) == 0 {
			c.lost(lease, "nothing is stored of %s: no run has worked there yet, or all of it is lost", s.Region)
			return
		}
		c.fail(lease, "missing, although a run has worked there")
	}
	for _, it := range s.Items {
		c.item(s, it)
	}
	covered := map[killswitch.Kind]bool{}
	for _, coverage := range s.Coverage {
		covered[coverage.Kind] = true
		c.coverage(s, coverage)
	}
	for _, f := range s.Faults {
		if n, _ := parse(Key{f.PK, f.SK}); n.class == coverageClass {
			covered[n.kind] = true // it has been named
		}
	}
	if s.Lease.Owner != "" && c.snapshot.Live != nil {
		return // a run may be listing
	}
	for _, kind := range c.listed(s) {
		if !covered[kind] {
			c.fail(name{class: coverageClass, region: s.Region, kind: kind},
				"missing: %s was not listed to its end in %s, or that is lost", kind, s.Region)
		}
	}
}

// listed are the kinds that must have a coverage in a shard where no run is at work: those that it
// has items of; and where no order named kinds, all those that its aws-hit-breaks knew.
func (c *checking) listed(s Shard) []killswitch.Kind {
	kinds := map[killswitch.Kind]bool{}
	for _, it := range s.Items {
		kinds[it.Resource.Ref.Kind] = true
	}
	all := slices.ContainsFunc(c.orders, func(o killswitch.Order) bool {
		return o.Act == killswitch.Pause && len(o.Scope.Services) == 0 && o.Scope.Exclude == nil
	})
	if all && c.snapshot.Header.ToolVersion == toolVersion() {
		for kind := range c.declared {
			kinds[kind] = true
		}
	}
	return slices.Sorted(maps.Keys(kinds))
}

// coverage holds a coverage against the orders and, unless the shard did, the items of its kind.
func (c *checking) coverage(s Shard, covers Coverage) {
	n := name{class: coverageClass, region: s.Region, kind: covers.Kind}
	if _, known := c.declared[covers.Kind]; !known {
		c.fail(n, "this aws-hit-breaks does not know the kind %s", covers.Kind)
	}
	if covers.Order < 1 || c.unknown(covers.Order) {
		c.fail(n, "it is of order %d, which the snapshot does not have", covers.Order)
	}
	if c.named(s, n) {
		return
	}
	if fault := s.lost(Lease{Snapshot: c.snapshot.Header.Snapshot, Region: s.Region}, covers); fault != nil {
		c.faults = append(c.faults, *fault)
	}
}

// item holds an item against its declaration and the orders.
func (c *checking) item(s Shard, it killswitch.Item) {
	ref := it.Resource.Ref
	original := name{class: originalClass, region: s.Region, kind: ref.Kind, id: ref.ID, order: it.Order}
	state := name{class: stateClass, region: s.Region, kind: ref.Kind, id: ref.ID}
	switch declaration, known := c.declared[ref.Kind]; {
	case !known:
		c.fail(original, "this aws-hit-breaks does not know the kind %s", ref.Kind)
	case it.Original.Schema > declaration.Schema || it.Original.Schema < 1:
		c.fail(original, "unknown version %d of its content; this aws-hit-breaks knows %d", it.Original.Schema, declaration.Schema)
	case declaration.Check != nil:
		if err := declaration.Check(it.Original, it.Parts); err != nil {
			c.fail(original, "its content makes no sense: %v", err)
		}
	}
	switch {
	case it.Order < 1 || c.unknown(it.Order):
		c.fail(original, "order %d paused it, which the snapshot does not have", it.Order)
	case len(c.orders) > 0 && c.orders[it.Order-1].Act != killswitch.Pause:
		c.fail(original, "order %d paused it, which is a %s", it.Order, c.orders[it.Order-1].Act)
	}
	switch st, closed := it.State, !c.snapshot.Header.Closed.IsZero(); {
	case st.Phase == "" && c.named(s, state):
	case st.Phase == "" && (closed || s.Lease.Owner == ""):
		c.fail(state, "missing: what was done with it is not known")
	case st.Phase == "":
	case !st.Phase.Stored():
		c.fail(state, "its phase %q does not exist", st.Phase)
	case c.unknown(st.Order) || c.unknown(st.Reached):
		c.fail(state, "it is of order %d and reached %d, which the snapshot does not have", st.Order, st.Reached)
	case closed && !st.Phase.Closed():
		c.fail(state, "it is %s, and the snapshot is closed", st.Phase)
	}
}

// named says whether the shard's faults name that item.
func (c *checking) named(s Shard, n name) bool {
	n.snapshot = c.snapshot.Header.Snapshot
	key := n.key()
	return slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.PK == key.PK && f.SK == key.SK })
}

// unknown says that neither LIVE nor the header has the order, where one of them can be read.
func (c *checking) unknown(order int) bool {
	return len(c.orders) > 0 && (order < 0 || order > len(c.orders))
}
