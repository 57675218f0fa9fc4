package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// scalingOperations is what the account does for Application Auto Scaling:
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
func scalingOperations() []operation {
	return []operation{
		op("application-autoscaling", "DescribeScalableTargets", false, describeScalableTargets),
		op("application-autoscaling", "RegisterScalableTarget", true, registerScalableTarget),
		op("application-autoscaling", "DescribeScalingPolicies", false, describeScalingPolicies),
		op("application-autoscaling", "DescribeScheduledActions", false, describeScheduledActions),
	}
}

func invalidScaling(format string, args ...any) error {
	return withStatus(http.StatusBadRequest, &types.ValidationException{Message: aws.String(fmt.Sprintf(format, args...))})
}

// scalingPage checks what the caller says of pages: up to fifty of the namespace and dimension.
func (c *call) scalingPage(size *int32, token *string, namespace types.ServiceNamespace, dimension types.ScalableDimension) (int, string, error) {
	n := cmp.Or(aws.ToInt32(size), 50)
	after, ok := afterToken(token)
	switch {
	case namespace == "":
		return 0, "", invalidScaling("1 validation error detected: Value null at 'serviceNamespace' must not be null")
	case n < 1 || n > 50:
		return 0, "", invalidScaling("1 validation error detected: Value '%d' at 'maxResults' must be between 1 and 50", n)
	case !ok:
		return 0, "", withStatus(http.StatusBadRequest, &types.InvalidNextTokenException{Message: aws.String("Invalid next token")})
	case namespace != types.ServiceNamespaceEcs:
		return 0, "", c.unmodelled("application-autoscaling namespace " + string(namespace))
	case dimension != "" && dimension != types.ScalableDimensionECSServiceDesiredCount:
		return 0, "", c.unmodelled("application-autoscaling dimension " + string(dimension))
	}
	return int(n), after, nil
}

// page is one page of the targets, of all or of those named.
func (s *aasState) page(ids []string, after string, size int) ([]*scalableTarget, *string) {
	var all []*scalableTarget
	for _, id := range slices.Sorted(maps.Keys(s.targets)) {
		if len(ids) == 0 || slices.Contains(ids, id) {
			all = append(all, s.targets[id])
		}
	}
	return pageAfter(all, after, size, func(t *scalableTarget) string { return t.id })
}

func describeScalableTargets(c *call, in *applicationautoscaling.DescribeScalableTargetsInput) (*applicationautoscaling.DescribeScalableTargetsOutput, error) {
	size, after, err := c.scalingPage(in.MaxResults, in.NextToken, in.ServiceNamespace, in.ScalableDimension)
	switch {
	case err != nil:
		return nil, err
	case len(in.ResourceIds) > 50:
		return nil, invalidScaling("1 validation error detected: Value at 'resourceIds' must have length less than or equal to 50")
	case len(in.ResourceIds) > 0 && in.ScalableDimension == "":
		return nil, invalidScaling("A scalable dimension is required when resource IDs are specified")
	}
	page, next := c.region.aas.page(in.ResourceIds, after, c.most(size))
	out := &applicationautoscaling.DescribeScalableTargetsOutput{NextToken: next}
	for _, t := range page {
		out.ScalableTargets = append(out.ScalableTargets, types.ScalableTarget{
			ResourceId: aws.String(t.id), ScalableTargetARN: aws.String(t.arn), CreationTime: aws.Time(t.created),
			MinCapacity: aws.Int32(int32(t.Min)), MaxCapacity: aws.Int32(int32(t.Max)),
			ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ServiceNamespace: types.ServiceNamespaceEcs,
			RoleARN: aws.String("arn:aws:iam::" + c.account.id + ":role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"),
			SuspendedState: &types.SuspendedState{
				DynamicScalingInSuspended: aws.Bool(t.SuspendedIn), DynamicScalingOutSuspended: aws.Bool(t.SuspendedOut),
				ScheduledScalingSuspended: aws.Bool(t.SuspendedScheduled),
			},
		})
	}
	return out, nil
}

// registerScalableTarget changes what it is given and clamps the desired count at once:
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
func registerScalableTarget(c *call, in *applicationautoscaling.RegisterScalableTargetInput) (*applicationautoscaling.RegisterScalableTargetOutput, error) {
	if _, _, err := c.scalingPage(nil, nil, in.ServiceNamespace, in.ScalableDimension); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		return nil, c.unmodelled("application-autoscaling:RegisterScalableTarget Tags")
	}
	id := aws.ToString(in.ResourceId)
	s := c.region.ecs.service(id)
	if s == nil || s.Status != "ACTIVE" {
		return nil, invalidScaling("ECS service doesn't exist: %s", id)
	}
	t := c.region.aas.targets[id]
	if t == nil {
		if in.MinCapacity == nil || in.MaxCapacity == nil {
			return nil, invalidScaling("Minimum and maximum capacity are required to register a new scalable target")
		}
		t = c.account.newTarget(c.region, id, c.now)
		t.Cluster, t.Service = s.cluster.Name, s.Name
	}
	least, most := intOr(in.MinCapacity, t.Min), intOr(in.MaxCapacity, t.Max)
	if least < 0 || least > most {
		return nil, invalidScaling("Minimum capacity %d must not be negative nor greater than maximum capacity %d", least, most)
	}
	c.region.aas.targets[id] = t
	t.Min, t.Max = least, most
	if given := in.SuspendedState; given != nil {
		for _, flag := range []struct {
			to   *bool
			from *bool
		}{
			{&t.SuspendedIn, given.DynamicScalingInSuspended}, {&t.SuspendedOut, given.DynamicScalingOutSuspended},
			{&t.SuspendedScheduled, given.ScheduledScalingSuspended},
		} {
			if flag.from != nil {
				*flag.to = *flag.from
			}
		}
	}
	c.account.clamp(c.region, t, c.now)
	c.account.weigh(c.region, s, c.now)
	return &applicationautoscaling.RegisterScalableTargetOutput{ScalableTargetARN: aws.String(t.arn)}, nil
}

// describeScalingPolicies lists one target tracking policy for every target with demand.
func describeScalingPolicies(c *call, in *applicationautoscaling.DescribeScalingPoliciesInput) (*applicationautoscaling.DescribeScalingPoliciesOutput, error) {
	if len(in.PolicyNames) > 0 {
		return nil, c.unmodelled("application-autoscaling:DescribeScalingPolicies PolicyNames")
	}
	size, after, err := c.scalingPage(in.MaxResults, in.NextToken, in.ServiceNamespace, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	page, next := c.region.aas.page(idList(in.ResourceId), after, size)
	out := &applicationautoscaling.DescribeScalingPoliciesOutput{NextToken: next}
	for _, t := range page {
		if t.Demand == 0 {
			continue
		}
		out.ScalingPolicies = append(out.ScalingPolicies, types.ScalingPolicy{
			PolicyName: aws.String("keep-up"), PolicyARN: aws.String(t.arn + ":policyName/keep-up"), PolicyType: types.PolicyTypeTargetTrackingScaling,
			ResourceId: aws.String(t.id), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ServiceNamespace: types.ServiceNamespaceEcs,
			CreationTime: aws.Time(t.created),
		})
	}
	return out, nil
}

func describeScheduledActions(c *call, in *applicationautoscaling.DescribeScheduledActionsInput) (*applicationautoscaling.DescribeScheduledActionsOutput, error) {
	if len(in.ScheduledActionNames) > 0 {
		return nil, c.unmodelled("application-autoscaling:DescribeScheduledActions ScheduledActionNames")
	}
	size, after, err := c.scalingPage(in.MaxResults, in.NextToken, in.ServiceNamespace, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	page, next := c.region.aas.page(idList(in.ResourceId), after, size)
	out := &applicationautoscaling.DescribeScheduledActionsOutput{NextToken: next}
	for _, t := range page {
		for n, s := range t.Scheduled {
			due := t.added.Add(s.In)
			action := types.ScheduledAction{
				ScheduledActionName: aws.String(fmt.Sprint("action-", n+1)), ScheduledActionARN: aws.String(fmt.Sprint(t.arn, ":action-", n+1)),
				Schedule: aws.String("at(" + due.UTC().Format("2006-01-02T15:04:05") + ")"), CreationTime: aws.Time(t.created),
				ResourceId: aws.String(t.id), ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
				ScalableTargetAction: &types.ScalableTargetAction{},
			}
			if s.Min >= 0 {
				action.ScalableTargetAction.MinCapacity = aws.Int32(int32(s.Min))
			}
			if s.Max >= 0 {
				action.ScalableTargetAction.MaxCapacity = aws.Int32(int32(s.Max))
			}
			out.ScheduledActions = append(out.ScheduledActions, action)
		}
	}
	return out, nil
}

func idList(id *string) []string {
	if id == nil {
		return nil
	}
	return []string{*id}
}
