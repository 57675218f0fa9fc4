package snapshots

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"aws-hit-breaks/pkg/killswitch"
)

// assembly makes a shard of its records. What cannot be used becomes a fault and is never guessed
// at: an item is there only with its newest original and all parts of that. Of a record that was added
// nothing is kept but what it says.
type assembly struct {
	of        Lease
	shard     Shard
	resources map[killswitch.Ref]*stored
}

func assemble(of Lease) *assembly {
	return &assembly{of: of, shard: Shard{Region: of.Region}, resources: map[killswitch.Ref]*stored{}}
}

func (a *assembly) add(record Record) {
	n, ok := parse(record.Key)
	if !ok || n.snapshot != a.of.Snapshot || n.region != a.of.Region {
		a.shard.fail(record.fault("unknown item"))
		return
	}
	switch n.class {
	case leaseClass:
		var lease Lease
		switch fault := decode(record, &lease); {
		case fault != nil:
			a.shard.fail(fault)
		case lease.Account != a.of.Account:
			a.shard.fail(record.fault("its body is of another account: " + lease.Account))
		default:
			a.shard.Lease = lease
		}
	case coverageClass:
		var c coverage
		if fault := decode(record, &c); fault != nil {
			a.shard.fail(fault)
		} else {
			a.shard.Coverage = append(a.shard.Coverage, c.Coverage)
		}
	default:
		ref := n.ref()
		ref.Account = a.of.Account
		if a.resources[ref] == nil {
			a.resources[ref] = &stored{ref: ref}
		}
		a.resources[ref].add(n, record)
	}
}

// whole is the shard when every record has been added.
func (a *assembly) whole() Shard {
	shard := &a.shard
	slices.SortFunc(shard.Coverage, func(x, y Coverage) int { return cmp.Compare(x.Kind, y.Kind) })
	refs := slices.SortedFunc(maps.Keys(a.resources), killswitch.Ref.Compare)
	shard.Items = slices.Grow(shard.Items, len(refs))
	for _, ref := range refs {
		item, usable := a.resources[ref].item(shard)
		if usable {
			item.Share()
			shard.Items = append(shard.Items, item)
		}
		delete(a.resources, ref)
	}
	for _, covers := range shard.Coverage {
		shard.fail(shard.lost(a.of, covers))
	}
	return *shard
}

// lost says that there are fewer originals of a kind than a listing recorded, or others. Of a resource
// all of whose items are lost nothing else tells. More of them than it counts are no fault: a later
// listing may have found them and been cut. What another fault names is not lost twice.
func (s *Shard) lost(of Lease, covers Coverage) *Fault {
	ids := map[string]bool{}
	for _, it := range s.Items {
		if it.Resource.Ref.Kind == covers.Kind {
			ids[it.Resource.Ref.ID] = true
		}
	}
	for _, f := range s.Faults {
		if f.Ref.Kind == covers.Kind && f.Ref.ID != "" {
			ids[f.Ref.ID] = true
		}
	}
	record := Record{Key: (&coverage{of.Snapshot, of.Region, covers}).name().key()}
	switch hash := CoverageHash(slices.Collect(maps.Keys(ids))); {
	case len(ids) < covers.Items:
		return record.orphaned(covers.Order, fmt.Sprintf("it counted %d originals, and there are %d: the others are lost", covers.Items, len(ids)))
	case len(ids) == covers.Items && covers.Hash != hash && (covers.Hash != "" || len(ids) > 0):
		return record.orphaned(covers.Order, fmt.Sprintf("its %d originals are not those that are there: some are lost, or from elsewhere", covers.Items))
	}
	return nil
}

func ofAnother(ref killswitch.Ref) string {
	return fmt.Sprintf("its body is of another resource: %s of account %s", ref, ref.Account)
}

func (s *Shard) fail(fault *Fault) {
	if fault != nil {
		s.Faults = append(s.Faults, *fault)
	}
}

// stored is what the table has of one resource.
type stored struct {
	ref       killswitch.Ref
	originals []said[original]
	parts     []said[part]
	state     *said[state]
}

// said is what a record says, or why it cannot be used.
type said[T any] struct {
	key   Key
	order int // which paused the resource; not of a state
	body  *T
	fault *Fault
}

func read[T any, B interface {
	*T
	body
}](n name, record Record) said[T] {
	text := new(T)
	if fault := decode(record, B(text)); fault != nil {
		return said[T]{key: record.Key, order: n.order, fault: fault}
	}
	return said[T]{key: record.Key, order: n.order, body: text}
}

func (s *stored) add(n name, record Record) {
	switch n.class {
	case originalClass:
		s.originals = append(s.originals, read[original](n, record))
	case partClass:
		s.parts = append(s.parts, read[part](n, record))
	default: // parse knows no other of a resource
		state := read[state](n, record)
		s.state = &state
	}
}

// item puts the resource together, and tells the shard of everything that is wrong with it. It is
// not usable without its newest original and all parts of that. Older originals are of earlier
// pauses that have been resumed.
func (s *stored) item(shard *Shard) (item killswitch.Item, usable bool) {
	fail := func(fault *Fault) {
		fault.Ref = s.ref
		shard.fail(fault)
	}
	usable = len(s.originals) > 0
	newest := 0
	known := map[int]bool{}
	for _, o := range s.originals {
		known[o.order] = true
		newest = max(newest, o.order)
	}
	for _, o := range s.originals {
		switch body := o.body; {
		case o.fault != nil:
			fail(o.fault)
			usable = usable && o.order != newest
		case body.Resource.Ref != s.ref:
			fail(o.key.fault(ofAnother(body.Resource.Ref)))
			usable = usable && o.order != newest
		case o.order == newest:
			item.Resource, item.Order = body.Resource, body.Order
			item.Resource.Ref = s.ref // equal, and one text less
			item.Original = killswitch.Original{Schema: body.Schema, Data: body.Data}
		}
	}
	parts := s.readParts(newest, known, fail)
	usable = usable && parts != nil
	for _, p := range parts {
		item.Parts = append(item.Parts, killswitch.Part{Name: p.Name, Data: p.Data})
	}
	return item, s.readState(&item, newest, known, parts != nil, fail) && usable
}

// readParts reads the parts of the newest original in the order in which they were recorded; nil
// when one of them cannot be used.
func (s *stored) readParts(newest int, known map[int]bool, fail func(*Fault)) []part {
	parts, whole := []part{}, true
	for _, o := range s.parts {
		switch body := o.body; {
		case o.fault != nil:
			fail(o.fault)
			whole = whole && o.order != newest
		case body.Ref != s.ref:
			fail(o.key.fault(ofAnother(body.Ref)))
			whole = whole && o.order != newest
		case !known[o.order]:
			fail(o.key.orphaned(o.order, fmt.Sprintf("a part without its original: that of order %d is missing", o.order)))
			whole = whole && o.order < newest
		case o.order == newest:
			parts = append(parts, *body)
		}
	}
	if !whole {
		return nil
	}
	slices.SortFunc(parts, func(x, y part) int {
		return cmp.Or(slices.Compare(x.Seq[:], y.Seq[:]), cmp.Compare(x.Name, y.Name))
	})
	return parts
}

// readState gives the item its state. A state that is missing or cannot be read leaves the zero State; one that
// knows of more than is stored makes the item unusable.
func (s *stored) readState(item *killswitch.Item, newest int, known map[int]bool, whole bool, fail func(*Fault)) bool {
	if s.state == nil {
		return true
	}
	switch body := s.state.body; {
	case s.state.fault != nil:
		fail(s.state.fault)
	case body.Ref != s.ref:
		fail(s.state.key.fault(ofAnother(body.Ref)))
	case !known[body.Order]:
		fail(s.state.key.orphaned(body.Order, fmt.Sprintf("a state without its original: that of order %d is missing", body.Order)))
		return body.Order < newest
	case body.Order < newest: // of an earlier pause: of this one nothing has been done yet
		item.State.Phase = killswitch.Recorded
	case whole && body.Parts > len(item.Parts):
		fail(s.state.key.orphaned(body.Order, fmt.Sprintf("parts of the original are missing: it had %d, and %d can be read",
			body.Parts, len(item.Parts))))
		return false
	default:
		item.State = body.State
	}
	return true
}
