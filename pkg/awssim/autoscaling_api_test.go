package awssim

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/google/go-cmp/cmp"
)

func TestSizesOfAGroup(t *testing.T) {
	n := aws.Int32
	for name, tt := range map[string]struct {
		in   autoscaling.UpdateAutoScalingGroupInput
		want []int // min, max, desired of a group of 1, 4, 2; nil: refused
	}{
		"desired alone":                          {autoscaling.UpdateAutoScalingGroupInput{DesiredCapacity: n(3)}, []int{1, 4, 3}},
		"a minimum above raises desired":         {autoscaling.UpdateAutoScalingGroupInput{MinSize: n(3)}, []int{3, 4, 3}},
		"a maximum below lowers desired":         {autoscaling.UpdateAutoScalingGroupInput{MaxSize: n(1)}, []int{1, 1, 1}},
		"min and desired zero":                   {autoscaling.UpdateAutoScalingGroupInput{MinSize: n(0), DesiredCapacity: n(0)}, []int{0, 4, 0}},
		"desired below the minimum is refused":   {autoscaling.UpdateAutoScalingGroupInput{DesiredCapacity: n(0)}, nil},
		"desired above the maximum is refused":   {autoscaling.UpdateAutoScalingGroupInput{DesiredCapacity: n(5)}, nil},
		"a minimum above the maximum is refused": {autoscaling.UpdateAutoScalingGroupInput{MinSize: n(5)}, nil},
		"a negative size is refused":             {autoscaling.UpdateAutoScalingGroupInput{MinSize: n(-1)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			withGroup(t, 1, Group{Min: 1, Max: 4, Desired: 2}, func(o owner, _ []string) {
				tt.in.AutoScalingGroupName = aws.String("g")
				_, err := o.groups.UpdateAutoScalingGroup(o.t.Context(), &tt.in)
				if tt.want == nil {
					if code(err) != "ValidationError" {
						o.t.Errorf("got %v, want ValidationError", err)
					}
					tt.want = []int{1, 4, 2}
				} else {
					o.ok(err)
				}
				g := o.group()
				if got := []int{int(*g.MinSize), int(*g.MaxSize), int(*g.DesiredCapacity)}; !slices.Equal(got, tt.want) {
					o.t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestGroupRefusals(t *testing.T) {
	name := aws.String("g")
	for sentence, tt := range map[string]struct {
		g    Group
		call func(ctx context.Context, c *autoscaling.Client) error
		want string
	}{
		"an unknown process, to suspend": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: name, ScalingProcesses: []string{"Launch", "launch"}})
			return err
		}, "ValidationError"},
		"an unknown process, to resume": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.ResumeProcesses(ctx, &autoscaling.ResumeProcessesInput{AutoScalingGroupName: name, ScalingProcesses: []string{"All"}})
			return err
		}, "ValidationError"},
		"an unknown group": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("other")})
			return err
		}, "ValidationError"},
		"a group that is being deleted": {Group{Deleting: true}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: name})
			return err
		}, "ValidationError"},
		"a group of another service": {Group{Operator: "eks.amazonaws.com"}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: name, MinSize: aws.Int32(0)})
			return err
		}, "ValidationError"},
		"the health of no member": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.SetInstanceHealth(ctx, &autoscaling.SetInstanceHealthInput{InstanceId: aws.String("i-0"), HealthStatus: aws.String("Healthy")})
			return err
		}, "ValidationError"},
		"too many names for a page": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: make([]string, 51)})
			return err
		}, "ValidationError"},
		"a page too large": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(101)})
			return err
		}, "ValidationError"},
		"an invented token": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{NextToken: aws.String("2")})
			return err
		}, "InvalidNextToken"},
		"more than fifty instances": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.DescribeAutoScalingInstances(ctx, &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: make([]string, 51)})
			return err
		}, "ValidationError"},
		"a field that is not modelled": {Group{}, func(ctx context.Context, c *autoscaling.Client) error {
			_, err := c.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: name, DefaultCooldown: aws.Int32(1)})
			return err
		}, "awssim.Unmodelled"},
	} {
		t.Run(sentence, func(t *testing.T) {
			tt.g.Max, tt.g.Desired = 1, 1
			withGroup(t, 1, tt.g, func(o owner, _ []string) {
				before := o.a.State()
				if err := tt.call(o.t.Context(), o.groups); code(err) != tt.want {
					o.t.Errorf("got %v, want %s", err, tt.want)
				}
				if different, _ := Compare(before, o.a.State()); len(different) > 0 {
					o.t.Errorf("a refused call changed %v", different)
				}
			})
		})
	}
}

func TestWhatAnOwnerSuspendedKeepsItsReason(t *testing.T) {
	withGroup(t, 1, Group{Max: 1, Desired: 1, Suspended: []string{"AZRebalance"}}, func(o owner, _ []string) {
		before := o.a.State()
		o.suspend()
		o.resume("AddToLoadBalancer", alarmProcess, healthCheck, "InstanceRefresh", launchProcess, replaceUnhealthy, scheduledActions, terminateProcess)
		if different, _ := Compare(before, o.a.State()); len(different) > 0 {
			o.t.Errorf("not as before: %v", different)
		}
		o.resume("AZRebalance")
		if different, _ := Compare(before, o.a.State()); len(different) != 1 || different[0].Field != "SuspendedProcesses.AZRebalance" {
			o.t.Errorf("a process resumed that was suspended before: %v", different)
		}
	})
}

func TestGroupsComeInPages(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		for i := range 120 {
			a.AddGroup(here, Group{Name: fmt.Sprintf("g-%03d", i), Max: 1, Desired: 1, Tags: map[string]string{"team": fmt.Sprint(i % 3)}})
		}
		c := autoscaling.NewFromConfig(user(a))
		pages := func(in *autoscaling.DescribeAutoScalingGroupsInput) (sizes []int) {
			for p := autoscaling.NewDescribeAutoScalingGroupsPaginator(c, in); p.HasMorePages(); {
				out, err := p.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, len(out.AutoScalingGroups))
			}
			return sizes
		}
		for name, tt := range map[string]struct {
			in   autoscaling.DescribeAutoScalingGroupsInput
			want []int
		}{
			"fifty by default":      {autoscaling.DescribeAutoScalingGroupsInput{}, []int{50, 50, 20}},
			"a hundred at most":     {autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(100)}, []int{100, 20}},
			"by tag":                {autoscaling.DescribeAutoScalingGroupsInput{Filters: []types.Filter{{Name: aws.String("tag:team"), Values: []string{"1"}}}}, []int{40}},
			"unknown names are not": {autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"g-001", "none"}}, []int{1}},
		} {
			if diff := cmp.Diff(tt.want, pages(&tt.in)); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
		out, err := c.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{IncludeInstances: aws.Bool(false)})
		if err != nil || len(out.AutoScalingGroups[0].Instances) != 0 {
			t.Errorf("instances that were not asked for: %v, %v", out.AutoScalingGroups[0].Instances, err)
		}
		var members []int
		for p := autoscaling.NewDescribeAutoScalingInstancesPaginator(c, &autoscaling.DescribeAutoScalingInstancesInput{}); p.HasMorePages(); {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, len(out.AutoScalingInstances))
		}
		if diff := cmp.Diff([]int{50, 50, 20}, members); diff != "" {
			t.Errorf("pages of instances:\n%s", diff)
		}
	})
}
