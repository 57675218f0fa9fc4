package engine

import (
	"container/heap"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// callsAtOnce is how many mutating calls of one action a shard begins at once.
const callsAtOnce = 25

// batch is the items that one call takes a step for.
type batch struct {
	step  killswitch.Step
	items []*item
	units int
	worth float64 // of the first: what it stops by the token
}

// act begins every step that its wave allows: batch by batch, what costs most first.
func (s *shard) act() {
	lowest := map[killswitch.Want]int{
		killswitch.WantPaused: s.lowestPausing(), killswitch.WantResumed: s.lowestResuming(),
	}
	begun := map[*limit]bool{}
	for _, key := range slices.Sorted(maps.Keys(s.ready)) {
		ready := s.ready[key]
		for ready.Len() > 0 {
			top := ready.items[0]
			step := top.steps[top.decision.Step]
			l := s.limitOf(step.Calls)
			if top.decision.Apart && !begun[l] && l.apartAt.After(s.now()) {
				break
			}
			before := s.goesBefore(l, top, step)
			if step.Wave > lowest[step.Want] && !top.decision.Apart || !begun[l] && !before && l.freeAt.After(s.now()) {
				break
			}
			if s.outdated(top) {
				if l.againAt.After(s.now()) {
					break
				}
				s.lookAgain(ready, key, step, l)
				continue
			}
			items, tokens := l.most(s.now(), step.Batch, ready.Len(), top.place.doubtful)
			b := ready.cut(step, items, tokens, s.outdated)
			at, ok := s.reserve(l, b.units, begun[l], before)
			if !ok {
				ready.giveBack(b, key)
				break
			}
			begun[l] = true
			if top.decision.Apart {
				l.apartAt = s.now().Add(s.Pace.Lag / 5)
			}
			s.begin(b, l, at)
		}
	}
}

// cut takes a batch of so many items and tokens at most from the top of a pile. Items of a batch that was refused go without
// whom AWS named, or in batches of half its size, until the one that AWS refuses is alone. Where tokens are short, what is
// doubtful goes with nothing else.
func (p *pile) cut(step killswitch.Step, items, tokens int, outdated func(*item) bool) batch {
	b := batch{step: step, worth: p.items[0].place.worth}
	halves, doubtful := p.items[0].halves, p.items[0].place.doubtful
	size := max(1, items)
	if halves > 0 {
		size = min(size, halves)
	}
	alike := func(it *item) bool {
		return it.halves == halves && (it.place.doubtful == doubtful || tokens == math.MaxInt) && !outdated(it)
	}
	for p.Len() > 0 && len(b.items) < size && alike(p.items[0]) {
		units := max(1, p.items[0].decision.Units)
		if len(b.items) > 0 && b.units+units > tokens {
			break
		}
		it := heap.Pop(p).(*item)
		it.place.ready = ""
		b.items = append(b.items, it)
		b.units += units
	}
	return b
}

func (p *pile) giveBack(b batch, key string) {
	for _, it := range b.items {
		it.place.ready = key
		heap.Push(p, it)
	}
}

// lowestPausing is the first wave of pausing that is not over: a wave is over when its calls are
// accepted. What waits, was refused or had its time holds nobody back; a kind that is still being
// listed does, since it may have calls to make.
func (s *shard) lowestPausing() int {
	lowest := lastWave
	for _, l := range s.listings {
		if l.under || s.wanting(l) > 0 && !l.over {
			lowest = min(lowest, firstWave(l.declaration, killswitch.WantPaused))
		}
	}
	return s.firstHeld(killswitch.WantPaused, lowest)
}

// lowestResuming is the first wave of resuming that is not over: a wave is over when its goals are
// observed, or had their time.
func (s *shard) lowestResuming() int { return s.firstHeld(killswitch.WantResumed, lastWave) }

// firstHeld is the first wave of a want that an item holds back, or lowest if that is before it.
func (s *shard) firstHeld(want killswitch.Want, lowest int) int {
	for wave, n := range s.holding[want] {
		if n > 0 {
			return min(lowest, wave)
		}
	}
	return lowest
}

// holds is the wave that is not over because of the item; false where it holds none back.
func (s *shard) holds(it *item) (wave int, holds bool) {
	if it.State.Phase.Closed() {
		return 0, false
	}
	first := firstWave(it.service.Declaration(), it.Want)
	acts := it.decided && it.decision.Do == killswitch.TakeAct
	switch it.Want {
	case killswitch.WantPaused:
		switch {
		case it.vetoed() || it.State.Attempts > 0 || s.overdue(it) || s.awaits(it):
			return 0, false
		case acts:
			return it.steps[it.decision.Step].Wave, true
		}
		return first, !it.decided && !it.Settled()
	case killswitch.WantResumed:
		switch {
		case it.Settled() || it.stuck():
			return 0, false
		case !it.decided: // also one whose time was up in a run before this one: it has not been looked at here
			return first, true
		case acts && !(s.overdue(it) && it.throttle > 0): // also one that is tried again after its time: what AWS says to that is not known yet
			return it.steps[it.decision.Step].Wave, true
		case s.overdue(it):
			return 0, false
		case it.decision.Wave > 0:
			return it.decision.Wave, true
		}
		return s.waveOf(it), true
	case killswitch.WantGivenUp:
	}
	return 0, false
}

// begin begins one batch: the record that it is about to be taken, and at its time the call.
func (s *shard) begin(b batch, l *limit, at time.Time) {
	l.under++
	now := s.now()
	halved := true
	for _, it := range b.items {
		halved = halved && it.halves > 0 && it.State.Step == b.step.Name
		s.takesTurn(it)
		it.busy, it.illegible = true, ""
		s.touch(it)
		it.State.Step = b.step.Name
		it.State.AttemptedAt, it.State.AnsweredAt = now, time.Time{}
		it.State.Left = merged(it.State.Left, it.decision.Leaves)
		s.phase(it, s.moving(it), "")
	}
	recorded := func() { s.timed = append(s.timed, timed{b: b, l: l}) }
	if halved { // the record of the refused batch names this very step for each of them
		recorded()
		return
	}
	s.enqueue(s.intent(b, at), recorded)
}

// merged adds what a step will leave to what earlier steps left. Never the old map, which may be on its
// way into the store.
func merged(left, leaves killswitch.Fields) killswitch.Fields {
	all := killswitch.Fields{}
	maps.Copy(all, left)
	maps.Copy(all, leaves)
	return all.Shared()
}

// call takes the step, when its record is durable: for those for whom it is still to be taken.
func (s *shard) call(b batch, l *limit) {
	may := !s.draining && s.timeForCall()
	b.items = slices.DeleteFunc(b.items, func(it *item) bool {
		if may && it.Want == b.step.Want && !it.vetoed() {
			return false
		}
		it.busy = false
		it.State.LookAt = s.trustAt(it)
		s.touch(it)
		return true
	})
	if len(b.items) == 0 {
		l.under--
		return
	}
	now := s.now()
	items := make([]killswitch.Item, len(b.items))
	for i, it := range b.items {
		it.State.AttemptedAt = now
		items[i] = *it.Item
	}
	s.spawn(func() func() {
		results := s.perform(b, items)
		return func() {
			l.under--
			for _, r := range results {
				if r.Further > 0 {
					l.planned.take(s.now(), r.Further)
					l.made.take(s.now(), r.Further)
				}
			}
			s.answered(b, results)
		}
	})
}

// timeForCall says whether a call that begins now would end before the lease does.
func (s *shard) timeForCall() bool {
	return s.now().Round(0).Add(s.Pace.Call).UnixNano() <= s.endsAt.Load()
}

// fence lets no attempt of a call or a write begin after the lease has ended. It goes by the wall
// clock: the monotonic one of a frozen Lambda stands still.
func (s *shard) fence() error {
	if time.Now().Round(0).UnixNano() > s.endsAt.Load() {
		return snapshots.ErrLeaseLost
	}
	return nil
}

func (s *shard) perform(b batch, items []killswitch.Item) (results []killswitch.Result) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Pace.Call)
	defer cancel()
	var fault error
	defer func() {
		recovered(&fault)
		if len(results) != len(items) {
			results = make([]killswitch.Result, len(items))
			if fault == nil {
				fault = errors.New("a fault in this program: not one result for each resource")
			}
		}
		if fault != nil {
			for i := range results {
				results[i] = killswitch.Result{Err: fault}
			}
		}
	}()
	return b.items[0].service.Act(killswitch.WithFence(ctx, s.fence), b.step.Name, items)
}

// answered takes in what became of a batch.
func (s *shard) answered(b batch, results []killswitch.Result) {
	unnamed := 0 // whom AWS did not name when it refused the batch
	for i := range results {
		if refused, whole := batchRefused(results[i].Err); whole && !refused.Named {
			unnamed++
		}
	}
	for i, it := range b.items {
		it.busy = false
		s.touch(it)
		s.unsaved(it)
		err := results[i].Err
		s.emit(Event{
			What: Stepped, Kind: it.Resource.Ref.Kind, Ref: it.Resource.Ref, Name: it.Resource.Name, Step: b.step.Name,
			Err: err, Reason: awserr.Explain(err),
		})
		refused, whole := batchRefused(err)
		switch {
		case whole && len(b.items) > 1:
			it.State.AnsweredAt = s.now()
			switch {
			case refused.Named:
				it.halves = 1
			case unnamed < len(b.items):
				it.halves = unnamed
			default:
				it.halves = (unnamed + 1) / 2
			}
		case err == nil:
			s.accepted(it, results[i])
		default:
			s.rejected(it, err)
		}
	}
}

func batchRefused(err error) (refused killswitch.BatchRefused, whole bool) {
	whole = errors.As(err, &refused)
	return refused, whole
}

// accepted notes a call that AWS took.
func (s *shard) accepted(it *item, result killswitch.Result) {
	it.State.AnsweredAt = s.now()
	it.State.Attempts, it.throttle, it.halves = 0, 0, 0
	if result.Seen != nil {
		it.Seen, it.fresh, it.direct = *result.Seen, true, true
		return
	}
	it.decision = killswitch.Decision{Do: killswitch.Hold, Wave: s.waveOf(it), Reason: "to see what " + it.State.Step + " did"}
	it.State.LookAt = s.lookAt(it, s.trustAt(it))
}

// rejected notes a call that AWS did not take, or whose fate is unknown.
func (s *shard) rejected(it *item, err error) {
	class := awserr.Of(err)
	why := awserr.Explain(err)
	if class != awserr.Transient && class != awserr.Cancelled && class != awserr.Unknown {
		it.State.AnsweredAt = s.now()
	}
	switch class {
	case awserr.Throttled:
		it.throttle++
		it.retryAt = s.now().Add(min(s.Pace.Look, s.Pace.Lag/5<<min(it.throttle-1, 8)))
		return
	case awserr.Denied, awserr.Refused:
		it.State.Attempts++
		it.halves = 0
		s.reject(it, class, why)
		return
	default: // worth another try later
	}
	it.State.Attempts++
	it.halves = 0
	it.decision = killswitch.Decision{Do: killswitch.Hold, Wave: s.waveOf(it), Reason: why}
	it.State.LookAt = s.now().Add(s.Pace.Look * time.Duration(min(it.State.Attempts, 20)))
	if trust := s.trustAt(it); it.State.LookAt.Before(trust) {
		it.State.LookAt = trust
	}
	it.State.Reason = why
	if s.overdue(it) {
		s.refuse(it, "after "+s.patience().String()+" still refused: "+why)
	}
}

// reject ends the tries for a resource: AWS will refuse the same call again. An owner's veto (stop
// protection) and whatever else AWS refuses by the resource's nature is a verdict of a pause; a
// missing permission is a failure.
func (s *shard) reject(it *item, class awserr.Class, why string) {
	first := strings.TrimSpace(why)
	if class == awserr.Refused && it.Want == killswitch.WantPaused && it.firstStep() {
		it.decision = killswitch.Decision{Do: killswitch.Refuse, Reason: first}
		s.rest(it)
		if it.State.Attempts == 1 { // no call before it, of which nobody knows what became of it
			it.State.Left = nil
		}
		s.phase(it, killswitch.Unpausable, first)
		return
	}
	it.decision = killswitch.Decision{Do: killswitch.Refuse, Reason: first}
	s.rest(it)
	if class == awserr.Refused && it.Want == killswitch.WantPaused {
		// What stands in the way stays until somebody lifts it: the same question is asked less and less.
		it.State.LookAt = s.now().Add(min(s.slow()<<min(it.State.Attempts-1, 8), 4*s.Pace.Idle))
	}
	s.phase(it, killswitch.Failed, first)
}

// firstStep says whether the item's last step is the first of its kind, so that a refusal of it
// means that nothing was changed.
func (it *item) firstStep() bool {
	return it.steps[it.State.Step].Wave == firstWave(it.service.Declaration(), it.Want)
}
