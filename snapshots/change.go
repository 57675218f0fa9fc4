package snapshots

import (
	"errors"
	"fmt"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Size is how many bytes a change takes in a store, a little rounded up. The changes of one Write
// may take MaxBytes together. It is 0 for a change that cannot be stored at all.
func Size(c Change) int {
	ref := c.ref()
	if c.Coverage != nil {
		ref.Region = "xx-xxxxxxxxx-00"
	}
	lease := &Lease{Snapshot: NewID(time.Time{}, ""), Account: ref.Account, Region: ref.Region, Generation: 1e9, Beat: 1e9}
	record, err := c.record(lease, MaxChanges)
	if err != nil {
		return 0
	}
	return record.Size()
}

// ref is the resource that the change is about; zero for a coverage.
func (c Change) ref() killswitch.Ref {
	switch {
	case c.Original != nil:
		return c.Original.Resource.Ref
	case c.Part != nil:
		return c.Part.Ref
	case c.State != nil:
		return c.State.Resource.Ref
	}
	return killswitch.Ref{}
}

// record is the change as it is stored under the lease; place is its place in the write.
func (c Change) record(lease *Lease, place int) (Record, error) {
	set := 0
	for _, is := range []bool{c.Original != nil, c.Part != nil, c.State != nil, c.Coverage != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return Record{}, fmt.Errorf("change %d of a write sets %d fields; it must set one", place, set)
	}
	if ref := c.ref(); c.Coverage == nil && (ref.Account != lease.Account || ref.Region != lease.Region) {
		return Record{}, fmt.Errorf("%s of account %s is not in account %s and %s", ref, ref.Account, lease.Account, lease.Region)
	}
	switch {
	case c.Original != nil:
		it := c.Original
		return encode(&original{lease.Snapshot, it.Resource, it.Order, it.Original.Schema, it.Original.Data})
	case c.Part != nil:
		p := c.Part
		seq := [3]int{lease.Generation, lease.Beat, place}
		return encode(&part{lease.Snapshot, p.Ref, p.Order, p.Part.Name, seq, p.Part.Data})
	case c.State != nil:
		it := c.State
		return encode(&state{lease.Snapshot, it.Resource.Ref, it.Order, len(it.Parts), it.State})
	}
	covers := coverage{lease.Snapshot, lease.Region, *c.Coverage}
	if covers.Kind == "" {
		return Record{}, errors.New("a coverage of no kind")
	}
	if err := covers.fit(); err != nil {
		return Record{}, err
	}
	return encode(&covers)
}
