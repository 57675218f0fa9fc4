package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
)

// ledger is the history as the account's own trace has it: what was durable when, and what was
// changed when.
type ledger struct {
	puts    []put
	changes []change
	back    map[string][]time.Time // when it became durable that a resource is back, or gone
}

// put is an original, or a part of one, that has become durable.
type put struct {
	snapshot, name string // of the resource
	order          string
	part           string // empty for the original itself
	key            string
	at             time.Time
}

// change is one resource that a call of ours names.
type change struct {
	call     awssim.Call
	name     string
	snapshot string // that was live then
	pauses   bool
	starts   bool
}

// ledgerOf reads the trace. pausing are the calls, by number, that take something away.
func (h *hostile) ledgerOf(trace []awssim.Call, pausing map[int]bool) ledger {
	l := ledger{back: map[string][]time.Time{}}
	for seq, names := range h.backs {
		for _, name := range names {
			if trace[seq-1].Landed {
				l.back[name] = append(l.back[name], trace[seq-1].At)
			}
		}
	}
	calls := slices.Clone(trace)
	when := func(c awssim.Call) time.Time {
		if c.Service == "dynamodb" {
			return c.At // when it became durable
		}
		return c.Sent
	}
	slices.SortStableFunc(calls, func(a, b awssim.Call) int { return when(a).Compare(when(b)) })
	live, seen := "", map[string]bool{}
	for _, c := range calls {
		if c.Service == "dynamodb" {
			if c.Mutating && c.Landed {
				live = l.durable(c, live, seen)
			}
			continue
		}
		if !c.Mutating || !ours(c) {
			continue
		}
		for _, id := range named(c) {
			l.changes = append(l.changes, change{
				call: c, name: c.Region + " " + kindChanged(c) + " " + id, snapshot: live,
				pauses: pausing[c.Seq], starts: strings.HasPrefix(c.Operation, "Start"),
			})
		}
	}
	return l
}

// ours says whether the brake made the call, and not somebody else or a reader of the test.
func ours(c awssim.Call) bool {
	return !strings.HasPrefix(c.Process, "somebody") && !strings.HasPrefix(c.Process, "reader")
}

// durable notes what a write has made durable, and which snapshot it is of.
func (l *ledger) durable(c awssim.Call, live string, seen map[string]bool) string {
	for _, target := range c.Targets {
		pk, sk, _ := strings.Cut(target, " ")
		shard, item := strings.Split(pk, "#"), strings.Split(sk, "#")
		if len(shard) != 3 || shard[0] != "SNAPSHOT" {
			continue
		}
		live = shard[1]
		if seen[target] || len(item) < 4 || item[0] != "ORIGINAL" && item[0] != "PART" {
			continue
		}
		seen[target] = true
		p := put{snapshot: live, name: shard[2] + " " + item[1] + " " + item[2], order: item[3], key: target, at: c.At}
		if item[0] == "PART" {
			p.part = item[4]
		}
		l.puts = append(l.puts, p)
	}
	return live
}

// kindChanged is the kind of what a call names.
func kindChanged(c awssim.Call) string {
	switch {
	case c.Service == "ec2", c.Operation == "SetInstanceHealth":
		return string(killswitch.EC2Instance)
	case c.Service == "autoscaling":
		return string(killswitch.AutoScalingGroup)
	case c.Service == "rds" && strings.Contains(c.Operation, "Cluster"):
		return string(killswitch.RDSCluster)
	case c.Service == "rds":
		return string(killswitch.RDSInstance)
	}
	return string(killswitch.ECSService)
}

// takesAway says whether a call pauses something, by what it asks for.
func takesAway(c awssim.Call) bool {
	switch in := c.Input.(type) {
	case *ecs.UpdateServiceInput:
		return aws.ToInt32(in.DesiredCount) == 0
	case *applicationautoscaling.RegisterScalableTargetInput:
		return in.SuspendedState != nil && aws.ToBool(in.SuspendedState.DynamicScalingOutSuspended) &&
			aws.ToBool(in.SuspendedState.ScheduledScalingSuspended) && in.MinCapacity != nil && *in.MinCapacity == 0
	case *autoscaling.UpdateAutoScalingGroupInput:
		return in.DesiredCapacity != nil && *in.DesiredCapacity == 0
	}
	return strings.HasPrefix(c.Operation, "Stop") || c.Operation == "SuspendProcesses"
}

// holdOriginals is P1 and P2: every change has a durable original of its resource in the live
// snapshot, taken after the resource was last said to be back; and there is no second one before.
func (h *hostile) holdOriginals(l ledger) {
	for _, c := range l.changes {
		back := lastBack(l.back[c.name], c.call.Sent)
		if !c.pauses {
			back = time.Time{}
		}
		if !slices.ContainsFunc(l.puts, func(p put) bool {
			return p.snapshot == c.snapshot && p.at.After(back) && !p.at.After(c.call.Sent) && h.holds(p, c)
		}) {
			h.violated("P1", "%s changed %s, whose original was not durable", c.call, c.name)
		}
	}
	last := map[string]put{}
	for _, p := range l.puts {
		if p.part != "" {
			continue
		}
		key := p.snapshot + " " + p.name
		if before, again := last[key]; again && !lastBack(h.back[p.name], p.at).After(before.at) {
			h.violated("P2", "a second original of %s, of order %s, although it was not back since that of order %s", p.name, p.order, before.order)
		}
		last[key] = p
	}
}

// holds says whether a durable item is the original of what was changed: its own, or a part that
// names it as a member.
func (h *hostile) holds(p put, c change) bool {
	if p.part == "" {
		return p.name == c.name
	}
	region, kind, id := parts(c.name)
	return kind == string(killswitch.EC2Instance) && strings.HasPrefix(p.name, region+" ") && strings.Contains(h.bodies[p.key], `"`+id+`"`)
}

// lastBack is the latest of the times at which a resource was back, or gone, before another.
func lastBack(all []time.Time, before time.Time) (last time.Time) {
	for _, at := range all {
		if !at.After(before) && at.After(last) {
			last = at
		}
	}
	return last
}

// holdImmutable is the rest of P2: what is stored of an original never changes.
func (h *hostile) holdImmutable() {
	text := func(v ddbtypes.AttributeValue) string {
		s, _ := v.(*ddbtypes.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	for _, item := range h.account.Items("us-east-1", table) {
		key := text(item["PK"]) + " " + text(item["SK"])
		if !strings.Contains(key, " ORIGINAL#") && !strings.Contains(key, " PART#") {
			continue
		}
		body := text(item["body"])
		if was, ok := h.bodies[key]; ok && was != body {
			h.violated("P2", "the original %s was overwritten: %s → %s", key, was, body)
		}
		h.bodies[key] = body
	}
}

// holdStarts is P4: what is started was running before, and stopped by nobody before us.
func (h *hostile) holdStarts(l ledger) {
	for i, c := range l.changes {
		if !c.starts {
			continue
		}
		if !h.ran[c.name] {
			h.violated("P4", "%s starts %s, which never ran", c.call, c.name)
		}
		if !h.forced && !slices.ContainsFunc(l.changes[:i], func(before change) bool {
			return before.name == c.name && before.snapshot == c.snapshot && before.pauses
		}) {
			h.violated("P4", "%s starts %s, which no call of this snapshot had stopped", c.call, c.name)
		}
	}
}

// holdProtection is P5 for what is named: nothing is paused that was protected when the order was
// given that takes it in.
func (h *hostile) holdProtection(l ledger) {
	state := h.account.State()
	takesIn := func(o given, name string) bool {
		_, in := filter.Govern([]killswitch.Order{o.Order}, resourceOf(h.account.ID(), name, state[name]))
		return in
	}
	for _, c := range l.changes {
		for _, o := range slices.Backward(h.orders) {
			if !c.pauses || o.At.After(c.call.Sent) || o.Act != killswitch.Pause ||
				state[c.name] != nil && !takesIn(o, c.name) && !takesIn(o, h.families.within(c.name)) {
				continue
			}
			if o.protected[c.name] {
				h.violated("P5", "%s names %s, which was protected when it was ordered at %s", c.call, c.name, o.At.Format(time.TimeOnly))
			}
			break
		}
	}
}

// holdActions is P8 for what is called.
func (h *hostile) holdActions(trace []awssim.Call) {
	for _, c := range trace {
		if c.Service == "dynamodb" || !ours(c) {
			continue
		}
		if !declared[c.Action()] {
			h.violated("P8", "%s is called and not declared", c.Action())
		}
	}
}

// declared are the actions that the services and the engine say they call.
var declared = func() map[string]bool {
	all := map[string]bool{services.RegionsRead: true}
	for _, d := range services.All() {
		for _, action := range d.Actions(killswitch.WantPaused, killswitch.WantResumed) {
			all[action] = true
		}
	}
	return all
}()

// violated notes a broken promise. Those of one step are told together, in an order of their own.
func (h *hostile) violated(promise, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := promise + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(h.violations, text) {
		h.violations = append(h.violations, text)
		slices.SortFunc(h.violations, cmp.Compare)
	}
}
