package engine

import (
	"cmp"
	"fmt"
	"slices"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// What lies beneath a resource (Declaration.Beneath) is ended by AWS once the resource is down. So a
// pause takes no step for the resource before everything beneath it holds still, and leaves it running
// where something beneath it will not: left out of the order, protected, refused or not listed. On
// hosts that go on running it costs nothing by itself. And what lies beneath goes down only when
// everything that runs on it is down: AWS would place that on the first host that comes back, and end the
// others as idle. A resume in turn gives what lies beneath the right to end its members only when nothing
// that it holds up is left down by us, and waits with a resource for what lies beneath it: on hosts that
// come back one by one AWS would put all of it on the first, and end the others as idle.

// settleBeneath refuses a step that would make AWS end something.
func (s *shard) settleBeneath(it *item) {
	if !s.may(it.Want) || it.busy || !it.decided || it.decision.Do != killswitch.TakeAct {
		return
	}
	if it.Want == killswitch.WantResumed {
		s.spareBeneath(it)
		s.followBeneath(it)
		return
	}
	switch standing, why := s.footing(it); standing {
	case falls:
		s.refuse(it, why)
	case hindered:
		s.hinder(it, why)
	case stands, awaited:
	}
}

// hinder lets an item be for a while without a verdict: what stands in its way is tried again.
func (s *shard) hinder(it *item, why string) {
	it.decision = killswitch.Decision{Do: killswitch.Refuse, Reason: why}
	s.rest(it)
	s.phase(it, killswitch.Failed, why)
}

// standing says of what lies beneath a resource, or runs on it, whether the resource may be paused.
type standing int

const (
	stands   standing = iota // AWS can end nothing
	awaited                  // it is about to be paused
	hindered                 // it could not be listed or paused; that is tried again
	falls                    // it is not paused under these orders
)

// footing is the worst standing of what lies beneath an item, and of what runs on it.
func (s *shard) footing(it *item) (worst standing, why string) {
	for _, ref := range it.beneath {
		if standing, reason := s.stands(it, ref); standing > worst {
			worst, why = standing, fmt.Sprintf("left running, since AWS would end members of %s without it: %s", ref, reason)
		}
	}
	// The first step lets nothing go down, so that only what nobody pauses stands in its way.
	down := it.decided && it.decision.Do == killswitch.TakeAct &&
		it.steps[it.decision.Step].Wave > firstWave(it.service.Declaration(), it.Want)
	for _, ref := range s.upon(it) {
		if standing, reason := s.rests(it, ref); standing > worst && (standing == falls || down) {
			worst, why = standing, heldBy(ref, reason)
		}
	}
	return worst, why
}

// awaits says whether the pause of an item waits for what lies beneath it or runs on it. It then holds
// nobody else back.
func (s *shard) awaits(it *item) bool {
	if it.Want != killswitch.WantPaused {
		return false
	}
	worst, _ := s.footing(it)
	return worst == awaited
}

// upon is what an item lies beneath, and what else of that kind is listed as running on it.
func (s *shard) upon(it *item) (refs []killswitch.Ref) {
	for _, above := range s.above[it.Resource.Ref] {
		ref := above.Resource.Ref
		// What was done with before the item was taken up runs where it is listed so.
		if s.byRef[ref] == above && !(above.State.Phase.Closed() && above.State.Order <= it.Order) {
			refs = append(refs, ref)
		}
	}
	for _, g := range s.guestsOf(it.Resource.Ref) {
		if g.holds {
			refs = append(refs, g.ref)
		}
	}
	for _, ref := range it.Resource.Above {
		if _, damaged := s.damageOf(ref); damaged && s.byRef[ref] == nil {
			refs = append(refs, ref)
		}
	}
	return refs
}

// rests judges what runs on an item.
func (s *shard) rests(below *item, ref killswitch.Ref) (standing, string) {
	it := s.byRef[ref]
	damage, damaged := s.damageOf(ref)
	switch {
	case it == nil && damaged:
		return hindered, damage.Why
	case it == nil:
		return falls, s.unpaused(ref, below.State.Order)
	case it.State.Phase == killswitch.Gone:
		return stands, ""
	case it.Want == killswitch.WantGivenUp || it.State.Phase == killswitch.GivenUp:
		return falls, "an operator has given that up"
	case it.Want == killswitch.WantPaused && s.unsighted(it):
		return awaited, ""
	case !it.State.Phase.Closed() && it.taken(lastPausing(it.service.Declaration())):
		return stands, ""
	case it.Want == killswitch.WantResumed || it.State.Phase.Closed():
		return falls, fmt.Sprintf("order %d resumes that", it.State.Order)
	case it.vetoed():
		return falls, it.State.Reason
	case it.stuck() || s.overdue(it):
		return hindered, cmp.Or(it.decision.Reason, it.State.Reason)
	}
	return awaited, ""
}

func (s *shard) stands(above *item, ref killswitch.Ref) (standing, string) {
	it := s.byRef[ref]
	switch {
	case it == nil:
		return s.standsUnpaused(above, ref)
	case it.State.Phase == killswitch.Gone:
		return stands, ""
	case it.Want == killswitch.WantGivenUp || it.State.Phase == killswitch.GivenUp:
		return falls, "an operator has given that up"
	case it.Want == killswitch.WantResumed || it.State.Phase.Closed():
		return falls, fmt.Sprintf("order %d resumes that", it.State.Order)
	case it.vetoed():
		return falls, it.State.Reason
	case s.unsighted(it):
		return awaited, ""
	case it.taken(firstWave(it.service.Declaration(), killswitch.WantPaused)):
		return stands, ""
	case it.stuck() || s.overdue(it):
		return hindered, cmp.Or(it.decision.Reason, it.State.Reason)
	}
	return awaited, ""
}

// unsighted says whether the item is just about to be seen.
func (s *shard) unsighted(it *item) bool {
	return !it.decided && (it.fresh || it.looking || s.lookDue(it))
}

// taken says whether the steps of the item's pause up to a wave are known to have been taken, and none of
// them has to be taken again. The first of a group suspends what would act by itself.
func (it *item) taken(wave int) bool {
	if it.Want == killswitch.WantPaused && !it.decided && it.Settled() {
		return true
	}
	if it.Want == killswitch.WantPaused && it.decided {
		switch it.decision.Do {
		case killswitch.Done:
			return true
		case killswitch.TakeAct:
			return it.steps[it.decision.Step].Wave > wave
		case killswitch.Drift, killswitch.Replaced:
			return false
		case killswitch.Hold, killswitch.Refuse:
		}
	}
	last, ok := it.steps[it.State.Step]
	return ok && last.Want == killswitch.WantPaused &&
		(last.Wave > wave || last.Wave == wave && !it.State.AnsweredAt.IsZero() && it.State.Attempts == 0)
}

// lastPausing is the last wave in which a kind has a step of a pause.
func lastPausing(d killswitch.Declaration) (last int) {
	for _, step := range d.Steps {
		if step.Want == killswitch.WantPaused {
			last = max(last, step.Wave)
		}
	}
	return last
}

// standsUnpaused judges what lies beneath a resource and is no item.
func (s *shard) standsUnpaused(above *item, ref killswitch.Ref) (standing, string) {
	for _, l := range s.listings {
		if l.declaration.Kind != ref.Kind {
			continue
		}
		switch {
		case s.empty[ref]:
			return stands, ""
		case l.leaves(ref): // whatever else there is to be listed
		case l.under || s.wanting(l) > 0 || l.over && !l.closed && l.failed == nil:
			return awaited, ""
		case l.over && l.failed != nil || !l.coverage.Listed && l.coverage.Order >= above.State.Order:
			return hindered, fmt.Sprintf("%s could not be listed here (%s)", ref.Kind, l.coverage.Why)
		}
		for _, v := range slices.Concat(l.verdicts, l.coverage.Verdicts) {
			if v.Resource.Ref == ref {
				return falls, v.Reason
			}
		}
	}
	return falls, fmt.Sprintf("order %d does not pause that", above.State.Order)
}

// spareBeneath refuses a step of a resume that would make AWS end members of the item, since a resource
// above it is still down by us. It is tried again, and everything else goes on: what AWS ends does not
// come back, what stays suspended does.
func (s *shard) spareBeneath(it *item) {
	wave := it.steps[it.decision.Step].Wave
	for _, above := range s.above[it.Resource.Ref] {
		if firstWave(above.service.Declaration(), killswitch.WantResumed) >= wave || !s.downByUs(above, wave) {
			continue
		}
		state := above.State
		why := string(state.Phase)
		if state.Reason != "" {
			why += ": " + state.Reason
		}
		s.hinder(it, fmt.Sprintf("AWS would end members of it while %s is down (%s); it gets back the rest when that is back", above.Resource.Ref, why))
		return
	}
	if wave < killswitch.ResumeScalers {
		return
	}
	for _, ref := range it.Resource.Above {
		if damage, damaged := s.damageOf(ref); damaged && s.byRef[ref] == nil {
			s.hinder(it, fmt.Sprintf("AWS would end members of it while %s is down, which cannot be read (%s); it gets back the rest when that is repaired", ref, damage.Why))
			return
		}
	}
}

// followBeneath refuses the resume of an item while something beneath it is down by us and nothing of
// that can be put back, or no order puts it back. It is tried again. What came back in part holds nobody back.
func (s *shard) followBeneath(it *item) {
	for _, ref := range it.beneath {
		below, why := s.byRef[ref], ""
		switch {
		case below == nil:
			damage, _ := s.damageOf(ref)
			why = damage.Why
		case below.Want == killswitch.WantResumed && below.leftDown():
			why = below.decision.Reason
		case below.Want == killswitch.WantPaused && !below.State.Phase.Closed() && (len(below.State.Left) > 0 || below.illegible != ""):
			why = fmt.Sprintf("order %d pauses it", below.State.Order)
		}
		if why != "" {
			s.hinder(it, fmt.Sprintf("left down, since %s beneath it is down (%s); it comes back after that", ref, why))
			return
		}
	}
}

// leftDown says whether the item is down by us, as far as can be known, and cannot be put back, not even
// in part. What drifted is as somebody has left it.
func (it *item) leftDown() bool {
	if it.State.Phase.Closed() || !it.stuck() || it.decision.Do == killswitch.Drift && it.illegible == "" {
		return false
	}
	last, stepped := it.steps[it.State.Step]
	return (len(it.State.Left) > 0 || it.illegible != "") && !(stepped && last.Want == killswitch.WantResumed)
}

// downByUs says whether the item is down, or may be, because of a step of ours that no step before the
// wave takes back. What drifted is as somebody has left it, and what takes longer than its time was
// given back: neither is down by us.
func (s *shard) downByUs(it *item, wave int) bool {
	switch {
	case it.State.Phase.Closed() || len(it.State.Left) == 0 && it.illegible == "":
		return false
	case it.Want == killswitch.WantPaused:
		return true
	case it.Settled() || !it.decided:
		return false
	}
	return it.illegible != "" || it.decision.Do == killswitch.Refuse && s.waveOf(it) < wave
}

// leaves says whether this turn's listing has left a resource alone.
func (l *listing) leaves(ref killswitch.Ref) bool {
	return slices.ContainsFunc(l.verdicts, func(v snapshots.Verdict) bool {
		return v.Resource.Ref == ref && v.Phase != killswitch.NotInspected
	})
}

// noteEmpty notes what has no members that AWS could end.
func (s *shard) noteEmpty(found killswitch.Found) {
	if !found.Active && len(found.Parts) == 0 {
		s.empty[found.Resource.Ref] = true
	}
}
