package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// job is changes that must be durable before something may happen.
type job struct {
	lazy    bool               // may wait for company: nothing happens when it is done
	at      time.Time          // when what happens then may: tokens come one after the other
	from    time.Time          // not to be written before
	found   []*item            // whose originals go before the changes, where no step has taken them along
	changes []snapshots.Change // originals, parts, coverage
	states  []*item
	then    func()
}

// maxWrite keeps a write under DynamoDB's 4 MB for a transaction.
const maxWrite = 3 << 20

func (s *shard) enqueue(j *job, then func()) {
	j.then, j.from = then, s.now()
	if !j.lazy && !slices.ContainsFunc(j.states, func(it *item) bool { return it.Want == killswitch.WantPaused }) {
		j.from = j.from.Add(s.company())
	}
	s.jobs = append(s.jobs, j)
}

// company is for how long the record of a step that puts back waits for others: what is looked at together is
// decided a round trip apart, and is begun by fewer writes and calls then. What a pause waits for costs.
func (s *shard) company() time.Duration { return s.Pace.Lag / 50 }

// intent is the record that a step is about to be taken for exactly these items: their originals
// where they are not stored yet, the originals of parts, and the step itself.
func (s *shard) intent(b batch, at time.Time) *job {
	j := &job{at: at}
	for _, it := range b.items {
		s.addOriginal(j, it)
		for _, part := range it.decision.Record {
			if !slices.ContainsFunc(it.Parts, func(p killswitch.Part) bool { return p.Name == part.Name }) {
				j.changes = append(j.changes, snapshots.Change{Part: &snapshots.PartOf{Ref: it.Resource.Ref, Order: it.Order, Part: part}})
				it.Parts = append(slices.Clone(it.Parts), part)
			}
		}
		j.states = append(j.states, it)
	}
	return j
}

func (s *shard) addOriginal(j *job, it *item) {
	if !it.queued {
		j.changes = append(j.changes, it.record())
	}
}

// record is the original of the item, on its way into the store.
func (it *item) record() snapshots.Change {
	it.queued = true
	if it.State.Phase == killswitch.Running {
		it.State.Phase = killswitch.Recorded
	}
	original := *it.Item
	return snapshots.Change{Original: &original}
}

// record makes a listing durable: first what it found, then that it was listed. Steps do not wait for
// that; they record what they are about themselves.
func (s *shard) record(l *listing, c snapshots.Coverage) {
	j := &job{lazy: true, found: l.found}
	l.found = nil
	j.changes = append(j.changes, snapshots.Change{Coverage: &c})
	s.enqueue(j, func() {})
}

// flush writes what waits: one transaction at a time, as much in one as it takes. States that no call
// waits for go along with the next record or the next renewal of the lease; or they fill a write with
// what has come to an end. Of what is on its way the record of the step is stored, and more will be known
// soon: that is written where there is room.
func (s *shard) flush() {
	now := s.now()
	if s.writing || s.lost || s.retryAt.After(now) {
		return
	}
	renewal := !now.Before(s.wroteAt.Add(s.Pace.Beat))
	last := s.idle() && s.unwritten() && (s.draining || !s.soon())
	if !s.urgent() && !renewal && !last && s.arrived < snapshots.MaxChanges {
		return
	}
	w := s.assemble()
	s.writing = true
	lease := s.lease
	s.spawn(func() func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.Pace.Call)
		defer cancel()
		err := s.fence()
		if err == nil {
			err = s.Store.Write(killswitch.WithFence(ctx, s.fence), &lease, s.Pace.Lease, w.changes)
		}
		return func() { s.written(w, lease, err) }
	})
}

// unwritten says whether a state waits to be written.
func (s *shard) unwritten() bool {
	return slices.ContainsFunc(s.changed, func(it *item) bool { return it.unsaved })
}

// urgent says whether a call waits for a job that has waited for others, or all listings are over, so that what
// they found may be written together.
func (s *shard) urgent() bool {
	if slices.ContainsFunc(s.jobs, func(j *job) bool { return !j.lazy }) {
		return slices.ContainsFunc(s.jobs, func(j *job) bool { return !j.lazy && !j.from.After(s.now()) })
	}
	return len(s.jobs) > 0 && !slices.ContainsFunc(s.listings, func(l *listing) bool { return l.under })
}

// write is one transaction under way.
type write struct {
	changes []snapshots.Change
	jobs    []*job // that are whole in it, or end in it
	rest    *job   // what of the first job did not fit
	states  []*item
	size    int
}

// assemble takes from the jobs what one transaction holds, those first that a call waits for, the earliest
// of these before the others, and fills it up with states.
func (s *shard) assemble() *write {
	w := &write{}
	slices.SortStableFunc(s.jobs, func(a, b *job) int {
		switch {
		case a.lazy == b.lazy:
			return a.at.Compare(b.at)
		case a.lazy:
			return 1
		}
		return -1
	})
	for len(s.jobs) > 0 {
		j := s.jobs[0]
		if !j.lazy && len(w.jobs) > 0 && len(w.changes)+len(j.changes)+len(j.states) > snapshots.MaxChanges {
			break
		}
		s.jobs = s.jobs[1:]
		rest := w.add(j)
		if rest != nil {
			w.rest = rest
			break
		}
		w.jobs = append(w.jobs, j)
	}
	if w.rest == nil {
		s.fill(w)
	}
	return w
}

// fill adds states that nothing waits for, first what has come to an end.
func (s *shard) fill(w *write) {
	// Not by arrival: what came at the same instant came in any order.
	slices.SortFunc(s.changed, func(a, b *item) int {
		switch {
		case a.arrived == b.arrived:
			return a.Resource.Ref.Compare(b.Resource.Ref)
		case a.arrived:
			return -1
		}
		return 1
	})
	for len(s.changed) > 0 {
		it := s.changed[0]
		if it.unsaved && !w.addState(it) {
			return
		}
		if it.arrived {
			s.arrived--
		}
		it.listed, it.arrived = false, false
		s.changed = s.changed[1:]
	}
}

// enlist notes that a state is to be written, unless its original has to be first.
func (s *shard) enlist(it *item) {
	if it.unsaved && it.durable && !it.listed && s.byRef[it.Resource.Ref] == it {
		it.listed = true
		s.changed = append(s.changed, it)
	}
	if it.listed && !it.arrived && !it.State.Phase.Passing() {
		it.arrived = true
		s.arrived++
	}
}

// add takes a job, or as much of it as there is room for, and returns what is left. The order
// within a job is kept: what it says last is durable last.
func (w *write) add(j *job) *job {
	rest := *j
	for ; len(rest.found) > 0; rest.found = rest.found[1:] {
		it := rest.found[0]
		if it.queued {
			continue
		}
		if len(w.changes)+2 > snapshots.MaxChanges || w.size > maxWrite/2 { // an original and its state are far less than the other half
			return &rest
		}
		w.room(it.record())
		w.addState(it)
	}
	for ; len(rest.changes) > 0; rest.changes = rest.changes[1:] {
		if !w.room(rest.changes[0]) {
			return &rest
		}
	}
	for ; len(rest.states) > 0; rest.states = rest.states[1:] {
		if !w.addState(rest.states[0]) {
			return &rest
		}
	}
	return nil
}

func (w *write) addState(it *item) bool {
	if slices.Contains(w.states, it) {
		return true
	}
	state := *it.Item
	if !w.room(snapshots.Change{State: &state}) {
		return false
	}
	w.states = append(w.states, it)
	it.unsaved = false
	return true
}

// room adds a change if the transaction has room for it. Of two coverages of a kind the later counts.
func (w *write) room(c snapshots.Change) bool {
	if c.Coverage != nil {
		for i, o := range w.changes {
			if o.Coverage != nil && o.Coverage.Kind == c.Coverage.Kind {
				w.changes[i] = c
				return true
			}
		}
	}
	size := snapshots.Size(c)
	if len(w.changes) >= snapshots.MaxChanges || len(w.changes) > 0 && w.size+size > maxWrite {
		return false
	}
	w.changes = append(w.changes, c)
	w.size += size
	return true
}

// written takes in the end of a write.
func (s *shard) written(w *write, lease snapshots.Lease, err error) {
	s.writing = false
	switch {
	case err == nil:
		s.lease = lease
		s.endsAt.Store(lease.End.UnixNano())
		s.wroteAt = s.now()
		if w.rest != nil {
			s.jobs = append([]*job{w.rest}, s.jobs...)
		}
		for _, c := range w.changes {
			if c.Original != nil {
				it := s.byRef[c.Original.Resource.Ref]
				it.durable = true
				s.enlist(it)
				s.touch(it)
			}
		}
		for _, j := range w.jobs {
			j.then()
		}
		return
	case errors.Is(err, snapshots.ErrLeaseLost):
		s.lost = true
	case errors.Is(err, snapshots.ErrExists):
		// Another run recorded one of these between our listing and our lease: read it all again.
		s.draining, s.lost = true, true
	default:
		s.retryAt = s.now().Add(s.Pace.Lag)
	}
	s.emit(Event{What: StoreFailed, Err: err, Reason: err.Error()})
	for _, it := range w.states {
		it.unsaved = true
		s.enlist(it)
	}
	s.jobs = append(w.again(), s.jobs...)
}

// again gives back the jobs of a write that failed, whole.
func (w *write) again() []*job {
	if len(w.jobs) == 0 && w.rest == nil {
		return nil
	}
	j := &job{states: w.states, then: func() {
		for _, done := range w.jobs {
			done.then()
		}
	}}
	for _, c := range w.changes {
		if c.State == nil {
			j.changes = append(j.changes, c)
		}
	}
	if w.rest == nil {
		return []*job{j}
	}
	return []*job{j, w.rest}
}
