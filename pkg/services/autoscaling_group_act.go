package services

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
)

// Act takes one step. Members of several groups are stopped or started with one call; every other
// step is about one group.
func (s *groups) Act(ctx context.Context, step string, batch []killswitch.Item) []killswitch.Result {
	results := make([]killswitch.Result, len(batch))
	plans := make([]groupPlan, 0, len(batch))
	for n, it := range batch {
		plan, err := s.plan(it, it.Seen)
		if err != nil {
			// A plan that cannot be made again is no reason to change anything of its neighbours.
			for m := range results {
				results[m].Err = fmt.Errorf("%s: %w", batch[n].Resource.Ref, err)
			}
			return results
		}
		plan.now = time.Now()
		plans = append(plans, plan)
	}
	if step == stopMembers || step == startMembers {
		return s.changeMembers(ctx, step, plans)
	}
	for n, plan := range plans {
		at := time.Now()
		look, err := s.changeGroup(ctx, step, plan)
		if err != nil {
			results[n].Err = fmt.Errorf("%s: %w", step, err)
			continue
		}
		results[n].Seen = observation(at, look)
	}
	return results
}

func observation(at time.Time, look groupSeen) *killswitch.Observation {
	return &killswitch.Observation{Presence: killswitch.Present, At: at, State: look.String(), Resource: look}
}

// changeGroup takes a step about one group and tells what the group looks like after it.
func (s *groups) changeGroup(ctx context.Context, step string, p groupPlan) (groupSeen, error) {
	name, look := aws.String(p.it.Resource.Ref.ID), p.look
	switch step {
	case suspendProcesses:
		// Where all are suspended already, the answer to an earlier call is missing: ask for all again.
		names := p.toSuspend()
		if len(names) == 0 {
			names = p.pausedProcesses()
		}
		look.Suspended = sorted(slices.Concat(look.Suspended, names))
		return look, s.suspend(ctx, name, names)
	case suspendOriginal:
		look.Suspended = sorted(slices.Concat(look.Suspended, p.original.Suspended))
		return look, s.suspend(ctx, name, p.resumedByOthers())
	case resumeLaunch:
		look.Suspended = without(look.Suspended, p.toLaunch())
		return look, s.resume(ctx, name, p.toLaunch())
	case resumeRest:
		if err := s.stillHealthy(ctx, p); err != nil {
			return look, err
		}
		look.Suspended = both(look.Suspended, p.original.Suspended)
		return look, s.resume(ctx, name, p.ours())
	case scaleToZero:
		look.Min, look.Desired = 0, 0
		_, err := s.client.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
			AutoScalingGroupName: name, MinSize: aws.Int32(0), DesiredCapacity: aws.Int32(0),
		})
		return look, err
	case restoreSize:
		return s.restore(ctx, p)
	case setHealthy:
		return s.setHealthy(ctx, p)
	}
	return look, fmt.Errorf("groups know no step %q", step)
}

// lookAgain is how old a look may be before a group gets back the right to end its members.
const lookAgain = 30 * time.Second

// stillHealthy looks again where the last look was long ago: a step may have waited for its wave for
// minutes, with health checks on, and a group terminates at once what it has marked meanwhile.
func (s *groups) stillHealthy(ctx context.Context, p groupPlan) error {
	if p.original.Strategy == byScaling || time.Since(p.lookedAt) < lookAgain {
		return nil
	}
	seen, err := s.Observe(ctx, []killswitch.Item{p.it})
	if err != nil {
		return fmt.Errorf("look at the members before the group may replace them: %w", err)
	}
	if p, err = s.plan(p.it, seen[p.it.Resource.Ref]); err != nil {
		return err
	}
	if _, waits := p.raiseMembers(); waits {
		return errors.New("its members are not as healthy any more as they were, and the group would replace them")
	}
	return nil
}

// pausedProcesses are those that are suspended while the group is paused and were not before.
func (p groupPlan) pausedProcesses() []string {
	if p.original.Strategy == byScaling {
		return without(scaling, p.original.Suspended)
	}
	return without(processes, p.original.Suspended)
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// suspend and resume name every process: an empty list would mean all
// (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SuspendProcesses.html).
func (s *groups) suspend(ctx context.Context, group *string, names []string) error {
	if len(names) == 0 {
		return errNothing
	}
	_, err := s.client.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{
		AutoScalingGroupName: group, ScalingProcesses: names,
	})
	return err
}

func (s *groups) resume(ctx context.Context, group *string, names []string) error {
	if len(names) == 0 {
		return errNothing
	}
	_, err := s.client.ResumeProcesses(ctx, &autoscaling.ResumeProcessesInput{
		AutoScalingGroupName: group, ScalingProcesses: names,
	})
	return err
}

// errNothing ends a step that the item's observation gives no reason for.
var errNothing = errors.New("there is nothing to do: the group is not as it was when this was decided")

// restore writes back the sizes that a pause left, and no other.
func (s *groups) restore(ctx context.Context, p groupPlan) (groupSeen, error) {
	in := &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String(p.it.Resource.Ref.ID)}
	look := p.look
	restore, _ := p.compareSizes()
	for field, value := range restore {
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return look, fmt.Errorf("size %s: %w", field, err)
		}
		size := int32(n)
		switch field {
		case fieldMinSize:
			in.MinSize, look.Min = &size, size
		case fieldMaxSize:
			in.MaxSize, look.Max = &size, size
		case fieldDesiredCapacity:
			in.DesiredCapacity, look.Desired = &size, size
		}
	}
	if len(restore) == 0 {
		return look, errNothing
	}
	_, err := s.client.UpdateAutoScalingGroup(ctx, in)
	return look, err
}

// setHealthy marks members one by one, which is all the API has.
func (s *groups) setHealthy(ctx context.Context, p groupPlan) (groupSeen, error) {
	look := p.look
	look.Members = slices.Clone(look.Members)
	for _, id := range p.unhealthy() {
		_, err := s.client.SetInstanceHealth(ctx, &autoscaling.SetInstanceHealthInput{
			InstanceId: aws.String(id), HealthStatus: aws.String("Healthy"), ShouldRespectGracePeriod: aws.Bool(false),
		})
		if err != nil {
			return look, fmt.Errorf("member %s: %w", id, err)
		}
		for n := range look.Members {
			if look.Members[n].ID == id {
				look.Members[n].Health = "Healthy"
			}
		}
	}
	return look, nil
}

// memberIDs are the members that a step is about now. Only recorded ones are ever stopped.
func (p groupPlan) memberIDs(step string) []string {
	ids := p.toStart()
	if step == stopMembers {
		ids = nil
		for _, m := range p.toStop() {
			if p.knows(m.ID) {
				ids = append(ids, m.ID)
			}
		}
	}
	return ids[:min(len(ids), idsPerMutation)]
}

// changeMembers stops or starts the members of groups with one call. Where AWS refuses it for a
// single group, the members that it is about are left out: those that AWS names, or else by halving, so
// that one of them does not keep the others running.
func (s *groups) changeMembers(ctx context.Context, step string, plans []groupPlan) []killswitch.Result {
	results := make([]killswitch.Result, len(plans))
	var ids []string
	for n, plan := range plans {
		own := plan.memberIDs(step)
		if len(own) == 0 {
			results[n].Err = errNothing
		}
		ids = append(ids, own...)
	}
	if len(ids) == 0 {
		return results // an empty list of ids would be refused as malformed
	}
	at := time.Now()
	states, err := s.reads.change(ctx, step, ids)
	if err != nil && len(plans) == 1 && len(ids) > 1 && isRefusal(err) {
		states, err = s.withoutRefused(ctx, step, ids, err, &results[0].Further)
	}
	for n, plan := range plans {
		if err != nil {
			results[n].Err = refusalOf(err, len(plans), len(namedIn(err, plan.memberIDs(step))) > 0)
		}
		if states != nil {
			results[n].Seen = observation(at, plan.look.with(states))
		}
	}
	return results
}

// withoutRefused takes a step that was refused for all members but those that it is refused for.
// further counts the members that its calls name.
func (s *groups) withoutRefused(ctx context.Context, step string, ids []string, refusal error, further *int) (map[string]string, error) {
	states := map[string]string{}
	var refusals []error
	note := func(id string, err error) {
		if awserr.Of(err) != awserr.Gone { // what is gone shows at the next look
			refusals = append(refusals, fmt.Errorf("member %s: %w", id, err))
		}
	}
	named := namedIn(refusal, ids)
	for _, id := range named {
		note(id, refusal)
	}
	size := len(ids) - len(named)
	if len(named) == 0 {
		size = (len(ids) + 1) / 2
	}
	for part := range slices.Chunk(without(ids, named), max(1, size)) {
		*further += len(part)
		changed, err := s.reads.change(ctx, step, part)
		switch {
		case err == nil:
		case len(part) > 1 && isRefusal(err):
			if changed, err = s.withoutRefused(ctx, step, part, err, further); err != nil {
				refusals = append(refusals, err)
			}
		case len(part) == 1:
			note(part[0], err)
		default:
			refusals = append(refusals, err)
		}
		maps.Copy(states, changed)
	}
	return states, worst(refusals)
}

// worst is the error that the group as a whole is left with. What passes by itself counts first:
// while it does, the step is worth another try.
func worst(refusals []error) error {
	for _, class := range []awserr.Class{
		awserr.Throttled, awserr.Transient, awserr.Cancelled, awserr.Busy, awserr.NoCapacity,
	} {
		for _, err := range refusals {
			if awserr.Of(err) == class {
				return err
			}
		}
	}
	if len(refusals) == 0 {
		return nil
	}
	return refusals[0]
}
