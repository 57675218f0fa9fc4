package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// judge turns what was seen of one item into a decision. Existence is judged here, everything else
// by its service.
func (s *shard) judge(it *item) {
	it.fresh = false
	if !it.direct && !s.trusted(it, it.Seen) {
		it.State.LookAt = s.together(s.trustAt(it))
		return
	}
	switch it.Seen.Presence {
	case killswitch.Unknown:
		s.unseen(it)
		return
	case killswitch.Absent:
		s.absent(it)
		return
	case killswitch.Present:
	}
	d, err := s.decide(it)
	if err != nil {
		d = killswitch.Decision{Do: killswitch.Refuse, Reason: err.Error()}
	}
	if d.Do == killswitch.Replaced {
		it.Seen.Presence, it.Seen.Evidence = killswitch.Absent, d.Reason
		s.absent(it)
		return
	}
	it.State.GoneSince = time.Time{}
	if d.Do == killswitch.Done && it.direct {
		// Our own call's answer is no observation: look once more, when it can be believed.
		d = killswitch.Decision{Do: killswitch.Hold, Until: s.together(s.trustAt(it)), Wave: s.waveOf(it), Reason: "to be seen as " + string(it.Want)}
	}
	if d.Do == killswitch.TakeAct && s.unvetted(it) {
		d = killswitch.Decision{Do: killswitch.Hold, Wave: s.waveOf(it), Reason: "to be listed again: it may be protected by now"}
	}
	if it.alone && it.Want == killswitch.WantPaused && it.steps[d.Step].Wave == killswitch.PauseInstances {
		d.Apart = true // its wave comes after that of what runs on it, and nothing does
	}
	it.decision, it.decided = d, true
	s.follow(it, d)
}

func (s *shard) decide(it *item) (d killswitch.Decision, err error) {
	defer recovered(&err)
	if check := it.service.Declaration().Check; check != nil && it.durable {
		if err := check(it.Original, it.Parts); err != nil {
			return d, fmt.Errorf("its stored original makes no sense, so that it is left as it is: %w", err)
		}
	}
	probe := *it.Item
	if s.Settings.Enforce == settings.EnforceAll && it.Want == killswitch.WantPaused {
		probe.State.Reached = 0 // nothing was settled: whoever started it, it is paused again
	}
	d = it.service.Decide(it.Want, probe, it.Seen, s.now())
	d.Leaves = d.Leaves.Shared()
	return d, nil
}

// follow does what a decision asks for, but for steps, which act takes.
func (s *shard) follow(it *item, d killswitch.Decision) {
	if d.Do == killswitch.Done && s.waking(it) {
		d.WakesAt = it.State.WakesAt
	}
	if !d.WakesAt.Equal(it.State.WakesAt) && d.Do != killswitch.TakeAct {
		it.State.WakesAt = d.WakesAt
		s.unsaved(it)
	}
	switch d.Do {
	case killswitch.Done:
		s.reach(it, d)
	case killswitch.TakeAct:
		if _, known := it.steps[d.Step]; !known {
			s.refuse(it, fmt.Sprintf("a fault in this program: step %q is not declared", d.Step))
			return
		}
		s.await(it, "to "+d.Step)
	case killswitch.Hold:
		s.await(it, d.Reason)
		switch {
		case !d.Until.After(s.now()):
			it.State.LookAt = s.tick(it, s.checkedAt(it))
		case it.Want == killswitch.WantPaused: // a step comes after it, and what that stops costs until then
			it.State.LookAt = s.settled(d.Until)
		default:
			it.State.LookAt = s.lookAt(it, d.Until)
		}
		if s.overdue(it) {
			it.State.LookAt = s.now().Add(s.slow())
			s.phase(it, killswitch.Failed, fmt.Sprintf("after %s still waiting: %s", s.patience(), d.Reason))
		} else if it.State.Step != "" {
			s.phase(it, s.moving(it), d.Reason)
		}
	case killswitch.Refuse:
		s.refuse(it, d.Reason)
	case killswitch.Drift:
		s.rest(it)
		if it.illegible != "" {
			d.Reason = fmt.Sprintf("what was done to it cannot be read (%s); a resume with --force puts it back as its original says", it.illegible)
			s.phase(it, killswitch.Unreadable, d.Reason)
			return
		}
		s.phase(it, killswitch.Drifted, d.Reason)
	case killswitch.Replaced: // existence was judged before
	}
}

// checkedAt is the earliest time at which a look can show that what the last step started is back.
func (s *shard) checkedAt(it *item) time.Time {
	if answered := it.State.AnsweredAt; it.steps[it.State.Step].Checked && !answered.IsZero() {
		return answered.Add(s.Pace.Check)
	}
	return s.now()
}

// waking says whether AWS has said that it starts the resource, or should have by now, and no look
// has shown it yet: what AWS says runs ahead of what its reads show. Our next step ends it.
func (s *shard) waking(it *item) bool {
	wakes := it.State.WakesAt
	return it.Want == killswitch.WantPaused && !wakes.IsZero() && it.State.AttemptedAt.Before(wakes) &&
		!s.now().Before(wakes) && s.now().Before(wakes.Add(s.Pace.Idle))
}

// refuse notes that something stands in the way that stays. What was never touched is a verdict.
func (s *shard) refuse(it *item, reason string) {
	it.decision, it.decided = killswitch.Decision{Do: killswitch.Refuse, Reason: reason}, true
	s.rest(it)
	if it.Want == killswitch.WantPaused && it.State.Left == nil {
		s.phase(it, killswitch.Unpausable, reason)
		return
	}
	s.phase(it, killswitch.Failed, reason)
}

// rest lets an item be for a while: nothing can be done about it soon.
func (s *shard) rest(it *item) {
	it.State.LookAt = s.now().Add(s.slow())
	s.unsaved(it)
}

// slow is how often something is looked at that does not move.
func (s *shard) slow() time.Duration { return s.Pace.Idle / 3 }

func (s *shard) patience() time.Duration { return time.Duration(s.Settings.Wait) }

// moving is the phase of an item on its way.
func (s *shard) moving(it *item) killswitch.Phase {
	if it.Want == killswitch.WantPaused {
		return killswitch.Pausing
	}
	return killswitch.Resuming
}

// await starts the durable clock of the item's way to its goal; a new order starts it anew.
func (s *shard) await(it *item, reason string) {
	if it.State.Wait != nil {
		return
	}
	now := s.now()
	it.State.Wait = &killswitch.Wait{For: reason, Since: now, Deadline: now.Add(s.patience())}
	s.unsaved(it)
}

// reach notes that the goal of the governing order was observed.
func (s *shard) reach(it *item, d killswitch.Decision) {
	if it.Want == killswitch.WantResumed {
		it.illegible = ""
	}
	if !it.Settled() {
		it.State.Reached = it.State.Order
		s.unsaved(it)
	}
	it.State.Wait, it.State.Attempts = nil, 0
	if it.Want == killswitch.WantResumed {
		it.State.ByAWS = d.ByAWS
		it.State.LookAt = time.Time{}
		if len(it.State.Left) == 0 {
			s.phase(it, killswitch.Untouched, "")
		} else {
			s.phase(it, killswitch.Resumed, "")
		}
		return
	}
	// All that is settled is looked at together, and not while others are still on their way.
	it.State.LookAt = s.now().Add(s.Pace.Idle / 2).Truncate(s.Pace.Idle).Add(s.Pace.Idle)
	if wakes := it.State.WakesAt; wakes.After(s.now()) {
		it.State.LookAt = earlier(it.State.LookAt, wakes)
	} else if s.waking(it) {
		it.State.LookAt = s.now().Add(s.Pace.Look)
	}
	s.unsaved(it)
	s.phase(it, killswitch.Paused, "")
}

// unseen waits for a resource that an answer of AWS leaves out without saying that it is gone, for as
// long as for anything else.
func (s *shard) unseen(it *item) {
	if it.Settled() {
		s.rest(it)
		return
	}
	it.decision = killswitch.Decision{
		Do: killswitch.Hold, Wave: s.waveOf(it), WakesAt: it.State.WakesAt,
		Reason: "AWS does not show it, and does not say either that it is gone",
	}
	it.decided = true
	s.follow(it, it.decision)
}

// absent believes AWS that a resource is gone only when it says so twice, some time apart.
func (s *shard) absent(it *item) {
	if it.State.GoneSince.IsZero() {
		it.State.GoneSince = it.Seen.At
		it.State.LookAt = s.now().Add(s.Pace.Look)
		it.decision = killswitch.Decision{Do: killswitch.Hold, Reason: "AWS says it is gone: " + it.Seen.Evidence, Wave: s.waveOf(it)}
		it.decided = true
		s.await(it, it.decision.Reason)
		s.unsaved(it)
		return
	}
	it.State.Wait, it.illegible = nil, ""
	s.phase(it, killswitch.Gone, "deleted since: AWS says "+it.Seen.Evidence)
}

// waveOf is the wave of the item's last step, or the first of its kind.
func (s *shard) waveOf(it *item) int {
	if step, ok := it.steps[it.State.Step]; ok && step.Want == it.Want {
		return step.Wave
	}
	return firstWave(it.service.Declaration(), it.Want)
}

// firstWave is the earliest wave in which a kind has a step; beyond all where it has none.
func firstWave(d killswitch.Declaration, want killswitch.Want) int {
	first := lastWave + 1
	for _, step := range d.Steps {
		if step.Want == want {
			first = min(first, step.Wave)
		}
	}
	return first
}

// lastWave is beyond all waves of pausing and resuming.
const lastWave = 9

// together is a moment later at which other items are looked at as well that are due about then.
func (s *shard) together(t time.Time) time.Time {
	return t.Add(s.Pace.Lag - 1).Truncate(s.Pace.Lag)
}

// lookAt is when an item is looked at of which a look shows something new from a time on: then, since a step may
// come after it, or a wave; or with the others where nobody is in a hurry.
func (s *shard) lookAt(it *item, from time.Time) time.Time {
	if it.Want == killswitch.WantResumed && s.begunIn() >= s.Pace.Look {
		return s.tick(it, from)
	}
	return s.together(from)
}

// settled is like together, in step with the first of a pause that are waited for: what costs most was acted
// on first.
func (s *shard) settled(t time.Time) time.Time {
	if s.settling.IsZero() {
		s.settling = t.Add(s.Pace.Lag / 4)
	}
	if !t.After(s.settling) {
		return s.settling
	}
	return s.settling.Add((t.Sub(s.settling) + s.Pace.Lag - 1).Truncate(s.Pace.Lag))
}

// tick is the next common look of the region, not before from, at which the item is to be looked at, so that one call
// sees all that are due: every Look, and half as often each time that is a small part of the time it
// has taken, since what has taken long takes longer. Resuming, the next wave waits for what is seen,
// and a tenth is small; pausing, nothing waits for it, and a quarter is. Nor does anything wait while
// others of the wave still wait for their turn: where AWS starts two instances a second, that is most of a resume.
func (s *shard) tick(it *item, from time.Time) time.Time {
	now := s.now()
	if s.ticked.IsZero() {
		s.ticked = now
	}
	unhurried := s.takes(it) / 10
	if it.Want == killswitch.WantPaused {
		unhurried = s.takes(it) / 4
	} else {
		unhurried = max(unhurried, s.begunIn())
	}
	between := s.Pace.Look
	for 2*between <= min(unhurried, s.Pace.Slow) {
		between *= 2
	}
	at := s.ticked.Add(from.Sub(s.ticked).Truncate(between))
	for !at.After(now) || at.Before(from) || at.Before(s.trustAt(it)) {
		at = at.Add(between)
	}
	return at
}

// takes is for how long the item's last step has been taking effect.
func (s *shard) takes(it *item) time.Duration {
	since := it.State.AttemptedAt
	if since.IsZero() {
		return 0
	}
	return s.now().Sub(since)
}

// look observes the items that are due, all of one kind together.
func (s *shard) look() {
	for _, l := range s.listings {
		if l.looking {
			continue
		}
		due := slices.SortedFunc(maps.Keys(s.looks[l.declaration.Kind]), func(a, b *item) int {
			return a.Resource.Ref.Compare(b.Resource.Ref)
		})
		if len(due) == 0 {
			continue
		}
		l.looking = true
		batch := make([]killswitch.Item, len(due))
		for i, it := range due {
			it.looking, batch[i] = true, *it.Item
			s.touch(it)
		}
		s.spawn(func() func() {
			seen, err := observe(l.service, batch, s.Pace.Lease)
			return func() { s.observed(l, due, seen, err) }
		})
	}
}

func observe(service killswitch.Service, batch []killswitch.Item, limit time.Duration) (seen map[killswitch.Ref]killswitch.Observation, err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return service.Observe(ctx, batch)
}

// observed takes in a look. A look that failed says nothing about any of them.
func (s *shard) observed(l *listing, due []*item, seen map[killswitch.Ref]killswitch.Observation, err error) {
	l.looking = false
	if err != nil {
		s.emit(Event{What: LookFailed, Kind: l.declaration.Kind, Err: err, Reason: awserr.Explain(err)})
	}
	for _, it := range due {
		it.looking = false
		s.touch(it)
		if err == nil {
			s.see(it, seen[it.Resource.Ref])
			continue
		}
		it.State.LookAt = s.tick(it, s.now())
		it.decided = true
		it.decision = killswitch.Decision{Do: killswitch.Hold, Wave: s.waveOf(it), Reason: "it could not be looked at: " + awserr.Explain(err)}
		if !it.Settled() {
			s.await(it, it.decision.Reason)
			if s.overdue(it) || awserr.Of(err) == awserr.Denied {
				s.refuse(it, it.decision.Reason)
			}
		}
	}
}
