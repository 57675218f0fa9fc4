package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// listing is one kind in one region: what is durable of it, and what this turn has seen.
type listing struct {
	service     killswitch.Service
	declaration killswitch.Declaration
	steps       map[string]killswitch.Step // by name: one map for all its items
	coverage    snapshots.Coverage         // as stored; zero where nothing is

	order    int  // the order this turn lists for
	under    bool // being listed
	over     bool // this turn's listing has ended, well or not
	closed   bool // and its coverage is written or on its way
	failed   error
	tries    int
	looking  bool // its items are being observed
	retryAt  time.Time
	count    int
	found    []*item                    // new ones of this listing, until they are durable
	held     []killswitch.Found         // that wait for the kinds in ListedAfter
	guests   map[killswitch.Ref][]guest // by host: those that this turn has listed
	verdicts []snapshots.Verdict        // what is left alone
}

func newListing(service killswitch.Service) *listing {
	l := &listing{service: service, declaration: service.Declaration(), steps: map[string]killswitch.Step{}, guests: map[killswitch.Ref][]guest{}}
	for _, step := range l.declaration.Steps {
		l.steps[step.Name] = step
	}
	return l
}

// page is what one answer of AWS held.
type page []killswitch.Found

// note takes in stored coverage.
func (l *listing) note(stored []snapshots.Coverage) {
	for _, c := range stored {
		if c.Kind == l.declaration.Kind && !l.over {
			l.coverage = c
		}
	}
}

// covered says whether the kind is listed for the order, durably or by this turn.
func (l *listing) covered(order int) bool {
	return l.coverage.Listed && l.coverage.Order >= order || l.over && l.failed == nil && l.order >= order
}

// needed is the newest pause order that the kind has to be listed for; 0 where it has been, or
// where nothing of it can be wanted paused.
func (s *shard) needed(l *listing) int {
	for i := len(s.live.Orders) - 1; i >= 0; i-- {
		o := s.live.Orders[i]
		if o.Act == killswitch.Resume && everything(o.Scope) {
			return 0
		}
		if o.Act == killswitch.Pause && filter.MayMatchRegion(o.Scope, s.region) && filter.MayMatchKind(o.Scope, l.declaration.Kind) {
			if l.covered(o.Seq) || !s.allows() {
				return 0
			}
			return o.Seq
		}
	}
	return 0
}

// allows says whether the owner's settings let the brake pause anything in the region.
func (e *Engine) allowsRegion(region string) bool {
	return len(e.allowed) == 0 || filter.MayMatchRegion(killswitch.Scope{Regions: e.allowed}, region)
}

func (s *shard) allows() bool { return s.allowsRegion(s.region) }

// wanting is the order to list the kind for now, on its own account or because it may protect
// resources of a kind that is to be listed; 0 for none, as for a run that pauses nothing.
func (s *shard) wanting(l *listing) int {
	if !s.may(killswitch.WantPaused) {
		return 0
	}
	if order := s.needed(l); order > 0 && !s.tooSoon(l) {
		return order
	}
	for _, other := range s.listings {
		order := s.needed(other)
		if order > 0 && !s.tooSoon(other) && !(l.over && l.order >= order) &&
			slices.Contains(other.declaration.ListedAfter, l.declaration.Kind) {
			return order
		}
	}
	return 0
}

// tooSoon says whether the listing failed lately, so that only a new order makes it worth a try.
func (s *shard) tooSoon(l *listing) bool {
	order := s.needed(l)
	if l.over && l.failed != nil && l.order >= order {
		return l.retryAt.IsZero()
	}
	return l.coverage.Order >= order && !l.coverage.Listed && s.now().Before(l.coverage.RetryAt)
}

// againAt is when the guard should try the listing again.
func (l *listing) againAt(now time.Time, pace killswitch.Pace) time.Time {
	if l.coverage.RetryAt.After(now) {
		return l.coverage.RetryAt
	}
	return now.Add(pace.Look)
}

// list starts the listings that are needed. It reads only, so it waits for no lease; but a shard
// that other runs have worked on is read first, since its coverage may say that nothing is needed.
func (s *shard) list() {
	if s.unread && !s.opened {
		return
	}
	for _, l := range s.listings {
		order := s.wanting(l)
		if order == 0 || l.under || s.now().Before(l.retryAt) {
			continue
		}
		l.under, l.over, l.closed, l.failed, l.order, l.count = true, false, false, nil, order, 0
		l.retryAt = time.Time{}
		l.verdicts, l.held = nil, nil
		clear(l.guests)
		l.tries++
		s.touchBuilt()
		s.spawn(func() func() {
			err := s.discover(l)
			return func() { s.whenOpened(func() { s.listed(l, err) }) }
		})
	}
}

// discover lists the kind and sends page by page to the loop, so that the first is acted on while
// the next is still asked for.
func (s *shard) discover(l *listing) (err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*s.Pace.Lease)
	defer cancel()
	var p page
	send := func() {
		if found := p; len(found) > 0 {
			s.mail <- func() { s.whenOpened(func() { s.receivePage(l, found) }) }
		}
		p = nil
	}
	defer send()
	for found, err := range l.service.Discover(ctx) {
		if err != nil {
			return err
		}
		if len(p) > 0 && !found.Seen.At.Equal(p[0].Seen.At) {
			send()
		}
		p = append(p, found)
	}
	return nil
}

// recovered makes an error of a panic, so that one service's mistake cannot spare the bill of the
// others.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("a fault in this program: %v", p)
	}
}

// receivePage sorts what was found into items, verdicts and what is none of our business.
func (s *shard) receivePage(l *listing, p page) {
	l.count += len(p)
	for _, found := range p {
		s.noteGuest(l, found)
		s.noteEmpty(found)
	}
	if s.hostsKnown(l) {
		s.admitAll(l, p)
	} else {
		l.held = append(l.held, slices.DeleteFunc(p, func(found killswitch.Found) bool {
			return (found.Owner != nil || !found.Active) && s.byRef[found.Resource.Ref] == nil // admit would leave it
		})...)
	}
	s.touchBuilt()
}

func (s *shard) admitAll(l *listing, found []killswitch.Found) {
	for _, f := range found {
		s.admit(l, f)
	}
}

// admit makes an item of what an order wants paused, or a verdict of what it cannot have.
func (s *shard) admit(l *listing, found killswitch.Found) {
	ref := found.Resource.Ref
	if it := s.byRef[ref]; it != nil && !it.State.Phase.Closed() {
		if why, protected := s.protectedBy(found); protected && it.Want == killswitch.WantPaused {
			s.spare(it, why)
			return
		}
		it.vetted = max(it.vetted, l.order)
		if s.trusted(it, found.Seen) && !it.busy {
			s.see(it, found.Seen)
		}
		return
	}
	if found.Owner != nil || !found.Active {
		return
	}
	order, governed := filter.Govern(s.live.Orders, found.Resource)
	if !governed || order.Act != killswitch.Pause || !s.allows() {
		return
	}
	why, protected := s.protectedBy(found)
	held, holds := s.heldUp(ref, order.Seq)
	damage, damaged := s.damaged[ref]
	switch done := s.byRef[ref]; {
	case done != nil && done.Order >= order.Seq:
		// What this order paused is back or gone: its original stands under the order. Whatever runs
		// under that name now came later, and only a newer order is about it.
		s.leaveAlone(l, found, killswitch.Unpausable, fmt.Sprintf("came after order %d, which is done with this name: give a new order", order.Seq))
	case protected:
		s.leaveAlone(l, found, killswitch.Protected, why)
	case found.Verdict != "":
		s.leaveAlone(l, found, killswitch.Unpausable, found.Verdict)
	case damaged && damage.Order >= order.Seq: // where its new original belongs lies the damaged one
		s.leaveAlone(l, found, killswitch.Unreadable, "left running: its original of this order cannot be used ("+
			damage.Why+"), and is not written over; a new pause order records a new one")
	case holds:
		s.leaveAlone(l, found, killswitch.Unpausable, held)
	default:
		l.found = append(l.found, s.adopt(l, found, order))
	}
}

// spare leaves an item alone that was protected after it had been taken up: a pause touches it no
// more, a resume puts back what was touched.
func (s *shard) spare(it *item, why string) {
	it.State.Wait, it.decision, it.decided = nil, killswitch.Decision{Do: killswitch.Refuse, Reason: why}, true
	s.phase(it, killswitch.Protected, why)
}

func (s *shard) leaveAlone(l *listing, found killswitch.Found, phase killswitch.Phase, why string) {
	l.verdicts = append(l.verdicts, snapshots.Verdict{Resource: found.Resource, Phase: phase, Reason: why})
	s.emit(Event{
		What: Left, Kind: l.declaration.Kind, Ref: found.Resource.Ref, Name: found.Resource.Name, Phase: phase, Reason: why,
	})
}

// listed ends a listing. What waited for it goes on; its coverage is written with the originals of
// what it found, so that a listing is never durable before what it found is.
func (s *shard) listed(l *listing, err error) {
	l.under, l.over, l.failed = false, true, err
	if err != nil {
		if awserr.Of(err) != awserr.Denied && l.tries < 3 {
			l.retryAt = s.now().Add(s.Pace.Look)
		}
		s.emit(Event{What: ListingFailed, Kind: l.declaration.Kind, Err: err, Reason: awserr.Explain(err)})
	} else {
		s.emit(Event{What: Listed, Kind: l.declaration.Kind, Count: l.count})
	}
	for _, other := range s.listings {
		s.releaseHeld(other)
	}
	s.touchBuilt()
}

// releaseHeld goes on with a listing that waited for the kinds it is listed after.
func (s *shard) releaseHeld(l *listing) {
	if l.order == 0 || l.closed {
		return
	}
	if s.hostsKnown(l) {
		held := l.held
		l.held = nil
		s.admitAll(l, held)
		if l.over {
			s.cover(l, l.failed)
		}
		return
	}
	if kind, err := s.hostsUnknown(l); err != nil && l.over {
		for _, found := range l.held {
			if found.Active && found.Owner == nil && found.Verdict == "" && s.byRef[found.Resource.Ref] == nil {
				s.leaveAlone(l, found, killswitch.NotInspected, fmt.Sprintf(
					"left running: %s could not be listed here, so it is not known whether something protected runs on it (%s)",
					kind, awserr.Explain(err)))
			}
		}
		l.held = nil
		l.failed = fmt.Errorf("%s could not be listed, and may hold what is protected: %w", kind, err)
		s.cover(l, l.failed)
	}
}

// cover makes the end of a listing durable.
func (s *shard) cover(l *listing, failed error) {
	now := s.now()
	c := snapshots.Coverage{
		Kind: l.declaration.Kind, Order: l.order, Listed: failed == nil, At: now, Count: l.count,
		Verdicts: l.verdicts,
	}
	if failed != nil {
		c.Why = awserr.Explain(failed)
		c.RetryAt = now.Add(4 * s.Pace.Look)
		if awserr.Of(failed) == awserr.Denied {
			c.RetryAt = now.Add(s.Pace.Idle)
		}
	}
	if more := len(c.Verdicts) - snapshots.MaxVerdicts; more > 0 {
		c.Verdicts, c.MoreVerdicts = c.Verdicts[:snapshots.MaxVerdicts], more
	}
	var ids []string
	for _, it := range s.items {
		if it.Resource.Ref.Kind == c.Kind {
			ids = append(ids, it.Resource.Ref.ID)
		}
	}
	slices.Sort(ids)
	c.Items, c.Hash = len(ids), snapshots.CoverageHash(ids)
	l.coverage, l.closed = c, true
	s.record(l, c)
}
