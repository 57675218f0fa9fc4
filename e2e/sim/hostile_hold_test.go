package sim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// hold holds the promises to the history so far.
func (h *hostile) hold(pausing map[int]bool) {
	trace := h.account.Trace()
	h.look()
	h.holdImmutable()
	l := h.ledgerOf(trace, pausing)
	h.holdOriginals(l)
	h.holdStarts(l)
	h.holdProtection(l)
	h.holdActions(trace)
	h.holdEffects()
	for _, why := range h.unseen(h.families) {
		h.violated("P10", "%s", why)
	}
	if len(h.orders) == 0 {
		return
	}
	s := h.snapshot()
	h.holdPhases(s)
	h.holdCoverage(s)
	if r := report.Of(s, boot.Declared()); len(r.Problems) > 0 {
		h.violated("P12", "the store has damage that nobody did: %+v", r.Problems)
	}
}

// holdEffects is P5 and P8 by what became of the account: what is protected is as it was, and what
// nobody touched but the brake is still there.
func (h *hostile) holdEffects() {
	state := h.account.State()
	different, _ := awssim.Compare(h.first, state)
	for _, d := range different {
		if h.excused[h.families.of(d.Resource)] {
			continue
		}
		if h.guarded[d.Resource] && !h.happened(d.Resource, 0) {
			h.violated("P5", "protected %s: %s was %q, is %q", d.Resource, d.Field, d.Before, d.After)
		}
		_, kind, _ := parts(d.Resource)
		if d.Field == "exists" && d.After == "" || kind == string(killswitch.EC2Instance) && d.Field == "State" && (d.After == "terminated" || d.After == "shutting-down") {
			h.violated("P8", "%s is %s, and nobody but the brake was there", d.Resource, orGone(d.After))
		}
	}
}

func orGone(state string) string {
	if state == "" {
		return "gone"
	}
	return state
}

// happened says whether something other than the brake did something to a resource, or to what hangs
// together with it: ever, or within some time.
func (h *hostile) happened(name string, within time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ever := h.disturbed[h.families.of(name)]
	return ever && (within == 0 || time.Since(at) < within)
}

func (h *hostile) isExcused(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.excused[h.families.of(name)]
}

// A claim is as old as the look that it was made after, and that as old as AWS's reads.
const claimAge = time.Minute

// heard is P10 at the instant at which something is said.
func (h *hostile) heard(ev engine.Event) {
	if ev.What != engine.Changed {
		return
	}
	name := nameOf(ev.Ref)
	switch ev.Phase {
	case killswitch.Paused:
		if why := h.stillRunning(ev.Ref); why != "" && !h.happened(name, claimAge) {
			h.violated("P10", "%s is said to be paused while %s", ev.Ref, why)
		}
	case killswitch.Resumed, killswitch.Untouched:
		if !h.isExcused(name) && !h.happened(name, claimAge) {
			h.holdBack(name, "is said to be resumed")
		}
	case killswitch.Gone:
		if fields := h.account.State()[name]; fields != nil && !h.isExcused(name) {
			h.violated("P10", "%s is said to be gone, and is there", ev.Ref)
		}
	}
	if ev.Phase.Back() || ev.Phase == killswitch.Gone {
		h.mu.Lock()
		h.back[name] = append(h.back[name], time.Now())
		h.mu.Unlock()
	}
}

// holdBack fails where a resource is not what it was at first.
func (h *hostile) holdBack(name, said string) {
	was, is := awssim.State{name: h.first[name]}, awssim.State{name: h.account.State()[name]}
	different, _ := awssim.Compare(was, is)
	for _, d := range different {
		// Of a service whose host an earlier order had paused nothing ran when it was recorded.
		started := strings.Contains(h.families[name], " hosts ") && (d.Field == "RunningCount" || d.Field == "PendingCount")
		if d.Field != "DisableApiStop" && !started { // see the deed
			h.violated("P10", "%s %s, but %s was %q and is %q", name, said, d.Field, d.Before, d.After)
		}
	}
}

// holdPhases is P10 for what is stored: what stands as paused is.
func (h *hostile) holdPhases(s snapshots.Snapshot) {
	for _, shard := range s.Shards {
		for _, it := range shard.Items {
			ref := it.Resource.Ref
			if it.State.Phase != killswitch.Paused || h.happened(nameOf(ref), 0) {
				continue
			}
			if why := h.stillRunning(ref); why != "" {
				h.violated("P10", "%s stands as paused while %s", ref, why)
			}
		}
	}
}

// holdCoverage is P9: what truly runs and is to be paused is on record, with or without a verdict, or
// its kind is reported as not inspected.
func (h *hostile) holdCoverage(s snapshots.Snapshot) {
	if s.Live == nil {
		return
	}
	r := report.Of(s, boot.Declared())
	told := map[string]bool{}
	for _, resource := range r.Resources {
		told[nameOf(resource.Ref(""))] = true
	}
	state := h.account.State()
	for _, name := range slices.Sorted(maps.Keys(state)) {
		_, kind, _ := parts(name)
		resource := resourceOf(h.account.ID(), name, state[name])
		order, governed := filter.Govern(s.Live.Orders, resource)
		owned := h.families[name] != "" && !strings.Contains(h.families[name], " hosts ")
		if kindOfWord(kind) == "" || owned || !governed || order.Act != killswitch.Pause || !runs(name, state[name], state) ||
			told[name] || h.happened(name, 0) {
			continue
		}
		if !slices.ContainsFunc(r.NotInspected, func(gap report.NotInspected) bool {
			return gap.Region == report.AllRegions || gap.Region == resource.Ref.Region && (gap.Kind == "" || gap.Kind == resource.Ref.Kind)
		}) {
			h.violated("P9", "%s runs and is to be paused, and neither it nor a gap in the listings is reported", name)
		}
	}
}

// end ends the faults, orders everything back, and lets the guard tick for as long as it may take.
func (h *hostile) end(pausing map[int]bool) {
	h.weather.rules = nil
	for _, mend := range h.mending {
		mend()
	}
	h.carryOut(killswitch.Order{Act: killswitch.Resume})
	outcome := h.ticks(3 * time.Hour)
	h.hold(pausing)
	h.holdReturn(outcome)
}

// holdReturn is P3: what was touched is back, or reported with the reason; only what somebody changed
// may not be, and the snapshot is closed unless for that.
func (h *hostile) holdReturn(outcome engine.Outcome) {
	different, _ := awssim.Compare(h.first, h.account.State())
	for _, d := range different {
		// A Spot request that came and went belongs to a member that did, of a group created again.
		passed := d.Field == "exists" && d.Before == "" && d.After == "closed"
		if !passed && !h.excused[h.families.of(d.Resource)] {
			h.violated("P3", "%s %s was %q, is %q", d.Resource, d.Field, d.Before, d.After)
		}
	}
	if len(h.orders) == 0 {
		return
	}
	s, open := h.snapshot(), 0
	for _, shard := range s.Shards {
		for _, it := range shard.Items {
			name, phase := nameOf(it.Resource.Ref), it.State.Phase
			if phase.Closed() {
				continue
			}
			open++
			switch {
			case phase != killswitch.Drifted && phase != killswitch.Failed:
				h.violated("P3", "%s is neither back nor given up: %s (%s)", name, phase, it.State.Reason)
			case it.State.Reason == "":
				h.violated("P3", "%s is %s, and nothing says why", name, phase)
			case !h.excused[h.families.of(name)]:
				h.violated("P3", "%s is %s (%s), and nobody had touched it", name, phase, it.State.Reason)
			}
		}
	}
	if open == 0 && outcome.Live != nil {
		h.violated("P3", "everything is back, and the snapshot is still live")
	}
}
