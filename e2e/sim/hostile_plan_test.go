package sim

import (
	"context"
	"time"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// dryRun is P11: a plan of a pause makes no mutating call and writes nothing, whatever the weather. In
// calm weather the pause is then ordered: what it changes was planned, and what was planned is taken up.
func (h *hostile) dryRun(scope killswitch.Scope) {
	began := len(h.account.Trace())
	p := h.start("dry-run")
	plan, err := p.engine.Plan(context.Background(), engine.Request{
		Act: killswitch.Pause, Scope: scope, Actor: "operator", At: time.Now(),
	})
	for _, c := range h.account.Trace()[began:] {
		if c.Process == p.name && c.Mutating {
			h.violated("P11", "a dry run made %s", c)
		}
	}
	if len(h.weather.rules) > 0 {
		return
	}
	if err != nil {
		h.violated("P11", "a dry run in calm weather failed: %v", err)
		return
	}
	h.planned++
	would := map[string]bool{}
	for _, shard := range plan.Shards {
		for _, it := range shard.Items {
			would[nameOf(it.Resource.Ref)] = it.State.Phase == killswitch.WouldPause
		}
	}
	began = len(h.account.Trace())
	h.carryOut(killswitch.Order{Act: killswitch.Pause, Scope: scope})
	h.look() // a group may have launched members in between, as it had in plan
	for _, c := range h.account.Trace()[began:] {
		if !ours(c) || !c.Mutating || c.Service == "dynamodb" {
			continue
		}
		for _, id := range named(c) {
			name := h.families.within(c.Region + " " + kindChanged(c) + " " + id)
			if !would[name] && !h.happened(name, 0) {
				h.violated("P11", "%s changes %s, which the dry run before it did not name", c, name)
			}
		}
	}
	taken := h.items()
	for _, shard := range plan.Shards {
		for _, it := range shard.Items {
			ref := it.Resource.Ref
			if _, ok := taken[ref]; !ok && would[nameOf(ref)] && !h.happened(nameOf(ref), 0) {
				h.violated("P11", "%s was planned to be paused, and was not taken up", ref)
			}
		}
	}
}
