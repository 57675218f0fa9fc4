package services

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"aws-hit-breaks/pkg/killswitch"
)

// Act changes the scalable target or the desired count of services, one a call.
func (s *ecsService) Act(ctx context.Context, step string, batch []killswitch.Item) []killswitch.Result {
	results := make([]killswitch.Result, len(batch))
	for i, it := range batch {
		seen, err := s.act(ctx, step, it)
		if err != nil {
			err = fmt.Errorf("%s of %s: %w", step, it.Resource.Ref, err)
		}
		results[i] = killswitch.Result{Err: err, Seen: seen}
	}
	return results
}

func (s *ecsService) act(ctx context.Context, step string, it killswitch.Item) (*killswitch.Observation, error) {
	was, err := decode[ecsOriginal](ecsServiceSchema, it.Original)
	if err != nil {
		return nil, err
	}
	is, ok := it.Seen.Resource.(ecsSeen)
	if !ok {
		return nil, errors.New("it has not been looked at")
	}
	switch step {
	case suspendScaling:
		if is.Target == nil {
			return nil, errors.New("it has no scalable target")
		}
		target := *is.Target
		target.Min, target.InSuspended, target.OutSuspended, target.PlanSuspended = 0, true, true, true
		return s.register(ctx, it.Resource.Ref, is, target, nil)
	case setDesiredZero:
		return s.setDesired(ctx, it.Resource.Ref, is, 0)
	case restoreDesired:
		return s.setDesired(ctx, it.Resource.Ref, is, was.Desired)
	case restoreScaling:
		if was.Target == nil {
			return nil, errors.New("its original has no scalable target")
		}
		if is.Unread {
			return nil, errors.New("its scalable target has not been looked at")
		}
		target, bound := returned(it, *was.Target, is.Target)
		_, err := s.register(ctx, it.Resource.Ref, is, target, bound)
		// The bounds may move the desired count, which the answer does not tell.
		return nil, err
	}
	return nil, errors.New("there is no such step")
}

// returned is the target to write on the way back: the original, but what somebody changed stays.
// The upper bound is no field of a pause. It is part of the call where that changes nothing, where
// the target has to be made anew, or by force.
func returned(it killswitch.Item, was ecsTarget, is *ecsTarget) (target ecsTarget, bound *int32) {
	if is == nil || it.Force {
		return was, aws.Int32(was.Max)
	}
	target = *is
	before, now := was.fields(), is.fields()
	restores := func(field string) bool { return fateOf(it, field, before[field], now[field]) == ours }
	if restores(fieldMin) {
		target.Min = was.Min
	}
	if restores(fieldInSuspended) {
		target.InSuspended = was.InSuspended
	}
	if restores(fieldOutSuspended) {
		target.OutSuspended = was.OutSuspended
	}
	if restores(fieldPlanSuspended) {
		target.PlanSuspended = was.PlanSuspended
	}
	if is.Max == was.Max {
		bound = aws.Int32(was.Max)
	}
	return target, bound
}

// register writes a scalable target. AWS moves the desired count into the bounds at once
// (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
func (s *ecsService) register(ctx context.Context, ref killswitch.Ref, is ecsSeen, target ecsTarget, bound *int32) (*killswitch.Observation, error) {
	at := time.Now()
	_, err := s.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String(targetID(ref)), MinCapacity: aws.Int32(target.Min), MaxCapacity: bound,
		// All three, since one that is left out may be taken for its default, false.
		SuspendedState: &aastypes.SuspendedState{
			DynamicScalingInSuspended:  aws.Bool(target.InSuspended),
			DynamicScalingOutSuspended: aws.Bool(target.OutSuspended),
			ScheduledScalingSuspended:  aws.Bool(target.PlanSuspended),
		},
	})
	if err != nil {
		return nil, err
	}
	is.Target = &target
	return &killswitch.Observation{Presence: killswitch.Present, At: at, State: is.Status, Resource: is}, nil
}

// setDesired sets the desired count and nothing else: alone it starts no deployment and is accepted
// for every deployment controller
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html).
func (s *ecsService) setDesired(ctx context.Context, ref killswitch.Ref, is ecsSeen, desired int32) (*killswitch.Observation, error) {
	at := time.Now()
	cluster, name := ecsNames(ref)
	out, err := s.client.UpdateService(ctx, &ecs.UpdateServiceInput{
		Cluster: aws.String(cluster), Service: aws.String(name), DesiredCount: aws.Int32(desired),
	})
	if err != nil || out.Service == nil || out.Service.DesiredCount != desired {
		return nil, err
	}
	seen := seeECSService(*out.Service, is.Target)
	seen.Unread = is.Unread
	return &killswitch.Observation{Presence: killswitch.Present, At: at, State: seen.Status, Resource: seen}, nil
}

// ecsNames are the cluster and the service of a ref, whose id is "cluster/service".
func ecsNames(ref killswitch.Ref) (cluster, name string) {
	cluster, name, _ = strings.Cut(ref.ID, "/")
	return cluster, name
}

// targetID is what Application Auto Scaling calls a service.
func targetID(ref killswitch.Ref) string { return "service/" + ref.ID }
