package engine

import (
	"container/heap"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// What waits for its turn may wait long: AWS starts two instances a second, and takes five changes of groups.
// Nobody is in a hurry meanwhile to see what was begun before, and what was seen of those that wait grows old.

// begunIn is how long it takes at least until the last that waits for its turn in the wave of a resume may be begun.
func (s *shard) begunIn() (last time.Duration) {
	wave, now := s.lowestResuming(), s.now()
	for _, ready := range s.ready {
		if ready.Len() == 0 {
			continue
		}
		top := ready.items[0]
		step := top.steps[top.decision.Step]
		if step.Want != killswitch.WantResumed || step.Wave != wave {
			continue
		}
		tokens := s.limitOf(step.Calls).planned
		last = max(last, within(tokens.calls, now, ready.Len()/step.Batch), within(tokens.units, now, ready.Len()))
	}
	return last
}

// outdated says whether a step was decided from what was seen too long ago, now that its turn has come.
func (s *shard) outdated(it *item) bool {
	seen := it.decision.SeenAt
	return !seen.IsZero() && !s.now().Before(seen.Add(2*s.Pace.Look))
}

// lookAgain has those of a pile whose turn comes within a Look looked at once more, together.
func (s *shard) lookAgain(p *pile, key string, step killswitch.Step, l *limit) {
	l.againAt = s.now().Add(s.Pace.Look)
	var current batch
	for n := l.gives(s.now(), s.Pace.Look, step.Batch); n > 0 && p.Len() > 0; n-- {
		it := heap.Pop(p).(*item)
		it.place.ready = ""
		if !s.outdated(it) {
			current.items = append(current.items, it)
			continue
		}
		s.takesTurn(it)
		it.decision = killswitch.Decision{Do: killswitch.Hold, Wave: step.Wave, Reason: "to be looked at again before it is to " + step.Name}
		it.State.LookAt = s.now()
		s.touch(it)
	}
	p.giveBack(current, key)
}
