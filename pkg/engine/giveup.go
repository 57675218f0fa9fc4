package engine

import (
	"fmt"
	"slices"
	"strings"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// giveUp ends an item that an operator has given up, wherever it stands: nothing is asked of AWS and
// nothing changed there. One about which a call or a look is under way is ended after that, so that what
// became of the call is written down.
func (s *shard) giveUp(it *item) {
	if it.Want != killswitch.WantGivenUp || it.State.Phase.Closed() || it.busy || it.looking {
		return
	}
	order, _ := filter.Govern(s.live.Orders, it.Resource)
	was := strings.TrimSuffix(fmt.Sprintf("%s: %s", it.State.Phase, it.State.Reason), ": ")
	if it.illegible != "" {
		was = fmt.Sprintf("%s: %s", killswitch.Unreadable, it.illegible)
	}
	it.illegible = ""
	it.fresh, it.decided = false, false
	it.State.Order, it.State.Reached = order.Seq, order.Seq
	it.State.Wait, it.State.Attempts = nil, 0
	s.phase(it, killswitch.GivenUp, fmt.Sprintf("by %s, when it was %s", order.Actor, was))
}

// faulty says whether stored items are damaged which no operator has given up: the snapshot must not be
// closed, and with it forgotten, for as long as there is one.
func (s *shard) faulty() bool {
	return slices.ContainsFunc(s.faults, func(f snapshots.Fault) bool {
		return !filter.GivenUp(s.live.Orders, f.Ref, f.Since)
	})
}

// damageOf is what is damaged of a resource that no operator has given up.
func (s *shard) damageOf(ref killswitch.Ref) (snapshots.Fault, bool) {
	damage, damaged := s.damaged[ref]
	if !damaged || filter.GivenUp(s.live.Orders, ref, damage.Since) {
		return snapshots.Fault{}, false
	}
	return damage, true
}
