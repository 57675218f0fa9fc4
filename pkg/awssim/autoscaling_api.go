package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// autoscalingOperations is what the account does for EC2 Auto Scaling:
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html
func autoscalingOperations() []operation {
	return []operation{
		op("autoscaling", "DescribeAutoScalingGroups", false, describeGroups),
		op("autoscaling", "DescribeAutoScalingInstances", false, describeMembers),
		op("autoscaling", "DescribeWarmPool", false, describeWarmPool),
		op("autoscaling", "SuspendProcesses", true, suspendProcesses),
		op("autoscaling", "ResumeProcesses", true, resumeProcesses),
		op("autoscaling", "SetInstanceHealth", true, setInstanceHealth),
		op("autoscaling", "UpdateAutoScalingGroup", true, updateGroup),
	}
}

// invalidGroup is the error for nearly everything: the service has no NotFound.
func invalidGroup(format string, args ...any) error {
	return apiError(http.StatusBadRequest, "ValidationError", fmt.Sprintf(format, args...))
}

// changeable finds a group that the caller may change.
func (c *call) changeable(name *string) (*group, error) {
	g := c.region.asg.groups[aws.ToString(name)]
	switch {
	case g == nil:
		return nil, invalidGroup("AutoScalingGroup name not found - AutoScalingGroup '%s' not found", aws.ToString(name))
	case g.Operator != "":
		return nil, invalidGroup("AutoScalingGroup '%s' is managed by %s and can't be changed by you", g.Name, g.Operator)
	case g.Deleting:
		return nil, invalidGroup("AutoScalingGroup '%s' is pending delete", g.Name)
	}
	return g, nil
}

// processesNamed is the processes that the caller names; none means all.
func processesNamed(names []string) ([]string, error) {
	for _, name := range names {
		if !slices.Contains(groupProcesses, name) {
			return nil, invalidGroup("Process types contain invalid process: %s", name)
		}
	}
	if len(names) == 0 {
		return groupProcesses, nil
	}
	return names, nil
}

// suspendProcesses shows the suspension at once and lets it take effect later, each process in its
// own time. What is suspended already stays as it is.
func suspendProcesses(c *call, in *autoscaling.SuspendProcessesInput) (*autoscaling.SuspendProcessesOutput, error) {
	g, err := c.changeable(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	processes, err := processesNamed(in.ScalingProcesses)
	if err != nil {
		return nil, err
	}
	for _, process := range processes {
		if _, suspended := g.suspended[process]; suspended {
			continue
		}
		g.changes++
		delay := c.account.vary(fmt.Sprint(g.key, " suspend ", process, g.changes), minSuspending, maxSuspending)
		g.suspended[process] = suspension{"User suspended at " + c.now.UTC().Format(time.RFC3339), c.now.Add(delay)}
	}
	return &autoscaling.SuspendProcessesOutput{}, nil
}

// resumeProcesses acts at once: members that were marked meanwhile are replaced, sizes kept, alarms
// followed.
func resumeProcesses(c *call, in *autoscaling.ResumeProcessesInput) (*autoscaling.ResumeProcessesOutput, error) {
	g, err := c.changeable(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	processes, err := processesNamed(in.ScalingProcesses)
	if err != nil {
		return nil, err
	}
	for _, process := range processes {
		delete(g.suspended, process)
	}
	c.account.tend(c.region, g, c.now)
	return &autoscaling.ResumeProcessesOutput{}, nil
}

func setInstanceHealth(c *call, in *autoscaling.SetInstanceHealthInput) (*autoscaling.SetInstanceHealthOutput, error) {
	m := c.region.asg.members[aws.ToString(in.InstanceId)]
	if m == nil {
		return nil, invalidGroup("Instance Id not found - No managed instance found for instance ID: %s", aws.ToString(in.InstanceId))
	}
	if _, err := c.changeable(aws.String(m.group.Name)); err != nil {
		return nil, err
	}
	switch health := aws.ToString(in.HealthStatus); health {
	case healthy, unhealthy:
		m.health = health
		c.account.changedGroup(c.region, m.group, c.now)
	default:
		return nil, invalidGroup("Health status '%s' is not valid, must be Healthy or Unhealthy", health)
	}
	c.account.lookSoon(c.region, m.group, c.now)
	return &autoscaling.SetInstanceHealthOutput{}, nil
}

// updateGroup changes sizes. A minimum above the desired capacity raises it, a maximum below lowers
// it, if the caller does not name one:
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
func updateGroup(c *call, in *autoscaling.UpdateAutoScalingGroupInput) (*autoscaling.UpdateAutoScalingGroupOutput, error) {
	sizes := autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: in.AutoScalingGroupName, MinSize: in.MinSize, MaxSize: in.MaxSize, DesiredCapacity: in.DesiredCapacity,
	}
	if field := differentField(*in, sizes); field != "" {
		return nil, c.unmodelled("autoscaling:UpdateAutoScalingGroup " + field)
	}
	g, err := c.changeable(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	least, most, desired := intOr(in.MinSize, g.Min), intOr(in.MaxSize, g.Max), intOr(in.DesiredCapacity, g.Desired)
	if in.DesiredCapacity == nil {
		desired = min(max(desired, least), most)
	}
	switch {
	case least < 0 || most < 0 || desired < 0:
		return nil, invalidGroup("Sizes of AutoScalingGroup '%s' must not be negative", g.Name)
	case least > most:
		return nil, invalidGroup("Max bound, %d, must be greater than or equal to min bound, %d", most, least)
	case desired < least || desired > most:
		return nil, invalidGroup("Desired capacity:%d must be between the specified min size:%d and max size:%d", desired, least, most)
	}
	g.Min, g.Max, g.Desired = least, most, desired
	c.account.lookSoon(c.region, g, c.now)
	return &autoscaling.UpdateAutoScalingGroupOutput{}, nil
}

func intOr(given *int32, otherwise int) int {
	if given == nil {
		return otherwise
	}
	return int(*given)
}

// groupPage checks what the caller says of pages.
func groupPage(size, usual, most int32, token *string) (int, string, error) {
	n := cmp.Or(size, usual)
	if n < 1 || n > most {
		return 0, "", invalidGroup("1 validation error detected: Value '%d' at 'maxRecords' must be between 1 and %d", n, most)
	}
	after, ok := afterToken(token)
	if !ok {
		return 0, "", withStatus(http.StatusBadRequest, &types.InvalidNextToken{Message: aws.String("Invalid next token: " + aws.ToString(token))})
	}
	return int(n), after, nil
}

// describeGroups lists groups by name: 50 on a page by default and 100 at most, and as many names.
// Names that are unknown are left out.
func describeGroups(c *call, in *autoscaling.DescribeAutoScalingGroupsInput) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
	size, after, err := groupPage(aws.ToInt32(in.MaxRecords), 50, 100, in.NextToken)
	if err != nil {
		return nil, err
	}
	if len(in.AutoScalingGroupNames) > size {
		return nil, invalidGroup("The number of group names, %d, exceeds the limit of %d", len(in.AutoScalingGroupNames), size)
	}
	var all []*group
	for _, name := range slices.Sorted(maps.Keys(c.region.asg.groups)) {
		if g := c.region.asg.groups[name]; len(in.AutoScalingGroupNames) == 0 || slices.Contains(in.AutoScalingGroupNames, name) {
			all = append(all, g)
		}
	}
	for _, f := range in.Filters {
		all, err = c.filterGroups(all, f)
		if err != nil {
			return nil, err
		}
	}
	page, next := pageAfter(all, after, c.most(size), func(g *group) string { return g.Name })
	out := &autoscaling.DescribeAutoScalingGroupsOutput{NextToken: next}
	for _, g := range page {
		out.AutoScalingGroups = append(out.AutoScalingGroups, c.showGroup(g, in.IncludeInstances == nil || *in.IncludeInstances))
	}
	return out, nil
}

func (c *call) filterGroups(all []*group, f types.Filter) ([]*group, error) {
	name := aws.ToString(f.Name)
	key, byTag := strings.CutPrefix(name, "tag:")
	if !byTag && name != "tag-key" && name != "tag-value" {
		return nil, c.unmodelled("autoscaling:DescribeAutoScalingGroups filter " + name)
	}
	return slices.DeleteFunc(all, func(g *group) bool {
		for k, v := range g.Tags {
			if byTag && k == key && slices.Contains(f.Values, v) || name == "tag-key" && slices.Contains(f.Values, k) ||
				name == "tag-value" && slices.Contains(f.Values, v) {
				return false
			}
		}
		return true
	}), nil
}

// describeMembers lists the instances of groups, 50 at most on a page or by id.
func describeMembers(c *call, in *autoscaling.DescribeAutoScalingInstancesInput) (*autoscaling.DescribeAutoScalingInstancesOutput, error) {
	size, after, err := groupPage(aws.ToInt32(in.MaxRecords), 50, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	ids := in.InstanceIds
	if len(ids) > 50 {
		return nil, invalidGroup("1 validation error detected: Value at 'instanceIds' must have length less than or equal to 50")
	}
	if len(ids) == 0 {
		ids = slices.Collect(maps.Keys(c.region.asg.members))
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	ids = slices.DeleteFunc(ids, func(id string) bool { return c.region.asg.members[id] == nil })
	page, next := pageAfter(ids, after, c.most(size), func(id string) string { return id })
	out := &autoscaling.DescribeAutoScalingInstancesOutput{NextToken: next}
	for _, id := range page {
		m := c.region.asg.members[id]
		// This operation alone writes the health in capitals:
		// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingInstanceDetails.html
		out.AutoScalingInstances = append(out.AutoScalingInstances, types.AutoScalingInstanceDetails{
			AutoScalingGroupName: aws.String(m.group.Name), InstanceId: aws.String(id), AvailabilityZone: aws.String(m.Zone),
			HealthStatus: aws.String(strings.ToUpper(m.health)), LifecycleState: aws.String(m.lifecycle),
			ProtectedFromScaleIn: aws.Bool(m.protected), InstanceType: aws.String(m.Type),
		})
	}
	return out, nil
}

// describeWarmPool lists the instances of a warm pool, which the listing of groups leaves out.
func describeWarmPool(c *call, in *autoscaling.DescribeWarmPoolInput) (*autoscaling.DescribeWarmPoolOutput, error) {
	size, after, err := groupPage(aws.ToInt32(in.MaxRecords), 50, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	g := c.region.asg.groups[aws.ToString(in.AutoScalingGroupName)]
	if g == nil {
		return nil, invalidGroup("AutoScalingGroup name not found - AutoScalingGroup '%s' not found", aws.ToString(in.AutoScalingGroupName))
	}
	var all []*member
	for _, m := range g.members {
		if m.warm() {
			all = append(all, m)
		}
	}
	id := func(m *member) string { return m.ID }
	slices.SortFunc(all, func(x, y *member) int { return cmp.Compare(x.ID, y.ID) })
	page, next := pageAfter(all, after, c.most(size), id)
	out := &autoscaling.DescribeWarmPoolOutput{NextToken: next, WarmPoolConfiguration: g.warmPool()}
	for _, m := range page {
		out.Instances = append(out.Instances, m.show())
	}
	return out, nil
}

func (g *group) warmPool() *types.WarmPoolConfiguration {
	if g.WarmState == "" {
		return nil
	}
	return &types.WarmPoolConfiguration{MinSize: aws.Int32(int32(g.Warm)), PoolState: types.WarmPoolState(g.WarmState)}
}

// showGroup is a group as AWS describes it.
func (c *call) showGroup(g *group, instances bool) types.AutoScalingGroup {
	out := types.AutoScalingGroup{
		AutoScalingGroupName: aws.String(g.Name), AutoScalingGroupARN: aws.String(g.arn), CreatedTime: aws.Time(g.created),
		MinSize: aws.Int32(int32(g.Min)), MaxSize: aws.Int32(int32(g.Max)), DesiredCapacity: aws.Int32(int32(g.Desired)),
		DefaultCooldown: aws.Int32(300), HealthCheckGracePeriod: aws.Int32(int32(gracePeriod.Seconds())), HealthCheckType: aws.String("EC2"),
		AvailabilityZones:                []string{c.region.name + "a", c.region.name + "b", c.region.name + "c"},
		NewInstancesProtectedFromScaleIn: aws.Bool(g.ProtectNew), WarmPoolConfiguration: g.warmPool(),
		LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String(g.Name), Version: aws.String("$Latest")},
	}
	if g.TargetsAfter > 0 {
		out.HealthCheckType = aws.String("ELB")
		out.TargetGroupARNs = []string{fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:targetgroup/%s/%016x", c.region.name, c.account.id, g.Name, hash(0, g.Name))}
	}
	if g.SpotPercentage > 0 {
		out.MixedInstancesPolicy = &types.MixedInstancesPolicy{
			LaunchTemplate:        &types.LaunchTemplate{LaunchTemplateSpecification: out.LaunchTemplate},
			InstancesDistribution: &types.InstancesDistribution{OnDemandPercentageAboveBaseCapacity: aws.Int32(int32(100 - g.SpotPercentage))},
		}
		out.LaunchTemplate = nil
	}
	if g.Warm > 0 {
		out.WarmPoolSize = aws.Int32(int32(g.Warm))
	}
	if g.Operator != "" {
		out.Operator = &types.Operator{Principal: aws.String(g.Operator)}
	}
	if g.Deleting {
		out.Status = aws.String("Delete in progress")
	}
	for _, process := range slices.Sorted(maps.Keys(g.suspended)) {
		out.SuspendedProcesses = append(out.SuspendedProcesses, types.SuspendedProcess{
			ProcessName: aws.String(process), SuspensionReason: aws.String(g.suspended[process].reason),
		})
	}
	for _, k := range slices.Sorted(maps.Keys(g.Tags)) {
		out.Tags = append(out.Tags, types.TagDescription{
			Key: aws.String(k), Value: aws.String(g.Tags[k]), PropagateAtLaunch: aws.Bool(false),
			ResourceId: aws.String(g.Name), ResourceType: aws.String("auto-scaling-group"),
		})
	}
	for _, m := range g.members {
		if instances && !m.warm() {
			out.Instances = append(out.Instances, m.show())
		}
	}
	return out
}

func (m *member) show() types.Instance {
	return types.Instance{
		InstanceId: aws.String(m.ID), AvailabilityZone: aws.String(m.Zone), HealthStatus: aws.String(m.health),
		LifecycleState: types.LifecycleState(m.lifecycle), ProtectedFromScaleIn: aws.Bool(m.protected), InstanceType: aws.String(m.Type),
	}
}
