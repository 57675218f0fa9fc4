package engine

import (
	"cmp"
	"slices"
	"time"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// item is a resource in this turn: what is stored of it, and what the turn knows besides.
type item struct {
	*killswitch.Item
	at      int // in the items of the shard
	service killswitch.Service
	steps   map[string]killswitch.Step
	beneath []killswitch.Ref // what AWS ends once the item is down
	alone   bool             // nothing runs on it that is still to be paused
	weight  float64
	refuse  string // what AWS may refuse it for, for a plan

	// illegible says why the stored state cannot be read. Nothing is written over it before a step of
	// ours is recorded, or the resource observed as its original: until then it is not known what was
	// done, and the report has to go on saying so.
	illegible string

	queued   bool // the original is on its way into the store
	durable  bool // the original is stored
	unsaved  bool // the state is not
	fresh    bool // Seen has not been decided on
	direct   bool // Seen is the answer to our own call and not a look
	decided  bool // decision is about the governing order
	decision killswitch.Decision
	busy     bool      // its step is being recorded or taken
	looking  bool      // it is being observed
	vetted   int       // the newest order for which a listing has shown that nothing protects it
	halves   int       // the size its batch may have, after a refusal; 0 for any
	retryAt  time.Time // not to be tried before
	throttle int       // throttles in a row

	place            place // in the roll
	inReady, inWakes int   // where in its piles
	touched          bool  // it is to be placed anew
	listed           bool  // it is among the changed ones of the roll
	arrived          bool  // and has come to an end there
}

// see takes in a look at the resource.
func (s *shard) see(it *item, seen killswitch.Observation) {
	it.Seen, it.fresh, it.direct = seen, true, false
	s.touch(it)
}

// adopt makes an item of a resource that was found running and is to be paused.
func (s *shard) adopt(l *listing, found killswitch.Found, order killswitch.Order) *item {
	found.Resource.Share()
	it := s.insert(l, &killswitch.Item{
		Resource: found.Resource, Order: order.Seq, Original: found.Original,
		State: killswitch.State{Phase: killswitch.Running, Order: order.Seq},
	})
	for _, above := range s.above[found.Resource.Ref] {
		it.Resource.Above = append(it.Resource.Above, above.Resource.Ref)
	}
	it.weight, it.refuse, it.vetted = found.Weight, found.MayRefuse, order.Seq
	it.Want = killswitch.WantPaused
	it.alone = s.alone(l, found)
	s.see(it, found.Seen)
	return it
}

// revive takes up a stored item, which is the shard's from then on.
func (s *shard) revive(stored *killswitch.Item) {
	for _, l := range s.listings {
		if l.declaration.Kind != stored.Resource.Ref.Kind {
			continue
		}
		it := s.insert(l, stored)
		it.queued, it.durable = true, true
		if s.attention.woken(it.Resource.Ref) && it.State.Phase == killswitch.Paused {
			it.State.WakesAt, it.State.LookAt = s.now(), s.now()
		}
		if it.State.Phase == "" { // the original was stored, its state was not any more, or is lost or damaged
			it.State.Phase = killswitch.Recorded
			it.illegible = cmp.Or(s.damaged[it.Resource.Ref].Why, snapshots.StateMissing)
		}
		s.touch(it)
		s.govern(it)
		if !it.Settled() && !it.State.Phase.Closed() && s.attention.Stay {
			it.State.LookAt = s.trustAt(it)
		}
		return
	}
	s.end.unsure = true // a kind this version does not know: it must not be forgotten
}

// insert takes an item up; a closed one of an earlier order gives way.
func (s *shard) insert(l *listing, stored *killswitch.Item) *item {
	it := &item{Item: stored, service: l.service, steps: l.steps}
	if l.declaration.Beneath != nil {
		it.beneath = l.declaration.Beneath(stored.Resource.Ref, stored.Original)
		for _, ref := range it.beneath {
			s.above[ref] = append(s.above[ref], it)
		}
		if len(it.beneath) > 0 {
			s.built = append(s.built, it)
		}
	}
	ref := stored.Resource.Ref
	if old := s.byRef[ref]; old != nil {
		s.forget(old)
		it.at = old.at
		s.items[it.at] = it
	} else {
		it.at = len(s.items)
		s.items = append(s.items, it)
	}
	s.byRef[ref] = it
	return it
}

// govern finds the order that governs the item. A newer one begins anew: it is not settled until
// its own goal has been observed, and what was refused before is tried again.
func (s *shard) govern(it *item) {
	if it.State.Phase.Closed() {
		return
	}
	order, ok := filter.Govern(s.live.Orders, it.Resource)
	if !ok { // cannot be: an order took it in. Keep to that one.
		order.Seq, order.Act = it.Order, killswitch.Pause
	}
	it.Want = order.Act.Wants()
	s.touch(it)
	if it.Want == killswitch.WantGivenUp { // giveUp ends it, once nothing about it is under way
		it.decided = false
		return
	}
	it.Force = order.Force
	if it.State.Order == order.Seq {
		return
	}
	it.State.Order, it.State.Wait, it.State.Attempts = order.Seq, nil, 0
	if it.vetoed() { // asked again by a new order
		it.State.Phase = killswitch.Recorded
	}
	it.State.Reason = ""
	it.decided, it.retryAt, it.throttle = false, time.Time{}, 0
	it.State.LookAt = s.trustAt(it)
	s.unsaved(it)
}

// trustAt is the time from which a look at the item shows what our last call did to it: an answered
// call after the lag of AWS's reads, one whose fate is unknown after it must have ended besides.
func (s *shard) trustAt(it *item) time.Time {
	switch {
	case it.State.AttemptedAt.IsZero():
		return time.Time{}
	case it.State.AnsweredAt.IsZero():
		return it.State.AttemptedAt.Add(s.Pace.Call + s.Pace.Lag)
	default:
		return it.State.AnsweredAt.Add(s.Pace.Lag)
	}
}

func (s *shard) trusted(it *item, seen killswitch.Observation) bool {
	return !seen.At.Before(s.trustAt(it))
}

// actable says whether the item is to take a step, and nothing about it is under way.
func (it *item) actable() bool {
	return it.decided && it.decision.Do == killswitch.TakeAct && !it.vetoed() && !it.busy && !it.looking
}

// unfinished says whether the item has a goal that this run should stay for.
func (s *shard) unfinished(it *item) bool {
	if it.State.Phase.Closed() || it.Settled() || it.vetoed() || !s.may(it.Want) {
		return false
	}
	if it.busy || it.looking || it.fresh || !it.decided {
		return true
	}
	return !it.stuck() && !s.overdue(it)
}

// stuck says whether something stands in the way that does not pass by itself.
func (it *item) stuck() bool {
	return it.decided && (it.decision.Do == killswitch.Refuse || it.decision.Do == killswitch.Drift)
}

// overdue says whether the item has had its time and holds nobody back any more.
func (s *shard) overdue(it *item) bool {
	return it.State.Wait != nil && !s.now().Before(it.State.Wait.Deadline) && !it.waitsForTurn()
}

// waitsForTurn says whether the item's next step has not been begun: it waits for its wave or for a
// bucket. Its own time begins with the step, or whoever waits for a slow wave would be overdue as soon
// as it is over, and every wave after it would begin at once.
func (it *item) waitsForTurn() bool {
	return it.decided && it.decision.Do == killswitch.TakeAct && !it.busy &&
		(it.decision.Step != it.State.Step || it.State.Wait != nil && it.State.AttemptedAt.Before(it.State.Wait.Since))
}

// takesTurn begins the item's own time, where it has waited for its turn.
func (s *shard) takesTurn(it *item) {
	if it.waitsForTurn() {
		it.State.Wait = nil
		s.await(it, "to "+it.decision.Step)
	}
}

// vetoed says whether AWS has refused the pause for good, or its owner by a tag: it is not asked again
// before a new order.
func (it *item) vetoed() bool { return veto(it.State.Phase) }

func veto(phase killswitch.Phase) bool {
	return phase == killswitch.Unpausable || phase == killswitch.Protected
}

// unvetted says whether something that no listing has shown since may protect the item from the pause
// that governs it: one that was paused by an earlier order may have been protected before a later one.
func (s *shard) unvetted(it *item) bool {
	return it.Want == killswitch.WantPaused && it.State.Order > it.Order && it.vetted < it.State.Order &&
		slices.ContainsFunc(s.listings, func(l *listing) bool {
			return l.declaration.Kind == it.Resource.Ref.Kind && !l.covered(it.State.Order)
		})
}

func (s *shard) lookDue(it *item) bool {
	return s.may(it.Want) && !it.State.Phase.Closed() && !it.vetoed() && !it.busy && !it.looking && !it.fresh && it.durable &&
		!s.now().Before(it.State.LookAt) && !(it.decided && it.decision.Do == killswitch.TakeAct)
}

// phase moves the item to a phase and tells of it.
func (s *shard) phase(it *item, phase killswitch.Phase, reason string) {
	if it.State.Phase == phase && it.State.Reason == reason {
		return
	}
	it.State.Phase, it.State.Reason = phase, reason
	s.touch(it)
	s.unsaved(it)
	if s.fence() != nil {
		return // what was seen before the lease ended may not be so any more, and is not said
	}
	s.emit(Event{
		What: Changed, Kind: it.Resource.Ref.Kind, Ref: it.Resource.Ref, Name: it.Resource.Name, Phase: phase, Reason: reason,
	})
}

// unsaved notes that the state has to be written: with the next step's record or the next renewal of
// the lease, whichever comes first.
func (s *shard) unsaved(it *item) {
	if it.illegible != "" {
		return
	}
	it.unsaved = true
	s.enlist(it)
}

// nextItem is when the first item needs the loop again.
func (s *shard) nextItem(at time.Time) time.Time {
	if s.wakes.Len() > 0 {
		at = earlier(at, s.wakes.items[0].place.wake)
	}
	now := s.now()
	for _, l := range s.limits {
		for _, t := range []time.Time{l.freeAt, l.apartAt, l.againAt} {
			if t.After(now) {
				at = earlier(at, t)
			}
		}
	}
	return at
}
