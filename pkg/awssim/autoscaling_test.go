package awssim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"
)

// owner works on one group, "g", as its owner would.
type owner struct {
	t      *testing.T
	a      *Account
	groups *autoscaling.Client
	hosts  *ec2.Client
}

func ownerOf(t *testing.T, a *Account) owner {
	return owner{t, a, autoscaling.NewFromConfig(user(a)), ec2.NewFromConfig(user(a))}
}

func (o owner) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o owner) suspend(processes ...string) {
	o.t.Helper()
	_, err := o.groups.SuspendProcesses(o.t.Context(), &autoscaling.SuspendProcessesInput{
		AutoScalingGroupName: aws.String("g"), ScalingProcesses: processes,
	})
	o.ok(err)
}

func (o owner) resume(processes ...string) {
	o.t.Helper()
	_, err := o.groups.ResumeProcesses(o.t.Context(), &autoscaling.ResumeProcessesInput{
		AutoScalingGroupName: aws.String("g"), ScalingProcesses: processes,
	})
	o.ok(err)
}

func (o owner) stop(ids ...string) {
	o.t.Helper()
	_, err := o.hosts.StopInstances(o.t.Context(), &ec2.StopInstancesInput{InstanceIds: ids})
	o.ok(err)
}

func (o owner) start(ids ...string) {
	o.t.Helper()
	_, err := o.hosts.StartInstances(o.t.Context(), &ec2.StartInstancesInput{InstanceIds: ids})
	o.ok(err)
}

func (o owner) mark(id, health string) {
	o.t.Helper()
	_, err := o.groups.SetInstanceHealth(o.t.Context(), &autoscaling.SetInstanceHealthInput{InstanceId: &id, HealthStatus: &health})
	o.ok(err)
}

func (o owner) resize(least, most, desired int32) {
	o.t.Helper()
	_, err := o.groups.UpdateAutoScalingGroup(o.t.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("g"), MinSize: &least, MaxSize: &most, DesiredCapacity: &desired,
	})
	o.ok(err)
}

func (o owner) group() types.AutoScalingGroup {
	o.t.Helper()
	out, err := o.groups.DescribeAutoScalingGroups(o.t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"g"}})
	o.ok(err)
	return out.AutoScalingGroups[0]
}

// members are the group's instances with lifecycle, health and state, one string each.
func (o owner) members() (all []string) {
	o.t.Helper()
	for _, i := range o.group().Instances {
		all = append(all, fmt.Sprint(*i.InstanceId, " ", i.LifecycleState, " ", *i.HealthStatus, " ", o.a.InstanceState(here, *i.InstanceId)))
	}
	return all
}

// withGroup puts the group "g" into an account and works on it.
func withGroup(t *testing.T, seed uint64, g Group, do func(o owner, ids []string)) {
	t.Helper()
	inBubble(t, Options{Seed: seed}, func(t *testing.T, a *Account) {
		g.Name = "g"
		ids := a.AddGroup(here, g)
		time.Sleep(time.Minute)
		do(ownerOf(t, a), ids)
	})
}

// settledSuspension is longer than any suspension takes to have its effect.
const settledSuspension = maxSuspending + time.Second

func TestActiveGroupReplacesWhatIsStopped(t *testing.T) {
	withGroup(t, 1, Group{Max: 4, Desired: 2}, func(o owner, ids []string) {
		o.stop(ids[0])
		time.Sleep(10 * time.Minute)
		if state := o.a.InstanceState(here, ids[0]); state != "terminated" {
			o.t.Errorf("the stopped member is %s, want terminated", state)
		}
		members := o.members()
		if len(members) != 2 || strings.Contains(fmt.Sprint(members), ids[0]) {
			o.t.Errorf("members %v, want one in place of %s", members, ids[0])
		}
		for _, m := range members {
			if !strings.HasSuffix(m, "InService Healthy running") {
				o.t.Errorf("member %s", m)
			}
		}
		instance := o.a.regions[here].ec2.byID[*o.group().Instances[1].InstanceId]
		if instance.Tags[groupTag] != "g" {
			o.t.Errorf("the new member has tags %v", instance.Tags)
		}
	})
}

func TestSuspendedGroupLeavesStoppedMembersAloneAndTakesThemBackHealthy(t *testing.T) {
	withGroup(t, 1, Group{Max: 4, Desired: 3}, func(o owner, ids []string) {
		before := o.a.State()
		o.suspend()
		time.Sleep(settledSuspension)
		o.stop(ids...)
		time.Sleep(3 * time.Hour)
		for _, m := range o.members() {
			if !strings.HasSuffix(m, "InService Healthy stopped") {
				o.t.Errorf("paused member %s", m)
			}
		}
		o.start(ids...)
		time.Sleep(time.Minute)
		o.resume()
		time.Sleep(3 * time.Hour)
		if different, _ := Compare(before, o.a.State()); len(different) > 0 {
			o.t.Errorf("not as before: %v\n%v", different, o.a.GroupActivities(here, "g"))
		}
	})
}

func TestSuspensionIsShownAtOnceAndTakesEffectLater(t *testing.T) {
	marked := 0
	for seed := range uint64(40) {
		withGroup(t, seed, Group{Max: 4, Desired: 2}, func(o owner, ids []string) {
			o.suspend()
			if n := len(o.group().SuspendedProcesses); n != 9 {
				o.t.Fatalf("%d processes are shown suspended, want nine", n)
			}
			o.stop(ids...)
			time.Sleep(time.Hour)
			if strings.Contains(fmt.Sprint(o.members()), "Unhealthy") || o.a.InstanceState(here, ids[0]) == "terminated" {
				marked++
			}
		})
	}
	if marked < 4 || marked > 36 {
		t.Errorf("in %d of 40 accounts a member stopped right after the suspension was found unhealthy, want some but not all", marked)
	}
}

func TestMemberMarkedWhileSuspendedIsReplacedAtOnceOnResume(t *testing.T) {
	for name, tt := range map[string]struct {
		heal bool
		want string
	}{
		"left unhealthy it is terminated": {false, "shutting-down"},
		"set healthy before it is spared": {true, "running"},
	} {
		t.Run(name, func(t *testing.T) {
			withGroup(t, 1, Group{Max: 2, Desired: 1, Suspended: []string{terminateProcess, replaceUnhealthy}}, func(o owner, ids []string) {
				o.stop(ids[0])
				time.Sleep(5 * time.Minute)
				if m := o.members(); !strings.HasSuffix(m[0], "InService Unhealthy stopped") {
					o.t.Fatalf("member %v", m)
				}
				o.start(ids[0])
				time.Sleep(5 * time.Minute)
				if m := o.members(); !strings.HasSuffix(m[0], "InService Unhealthy running") {
					o.t.Fatalf("the mark does not stay: %v", m)
				}
				if tt.heal {
					o.mark(ids[0], "Healthy")
				}
				o.resume()
				if state := o.a.InstanceState(here, ids[0]); state != tt.want {
					o.t.Errorf("the member is %s, want %s", state, tt.want)
				}
			})
		})
	}
}

func TestHealthCheckResumedTooEarlyMarksWhatIsStillStopped(t *testing.T) {
	withGroup(t, 1, Group{Max: 2, Desired: 1, Suspended: groupProcesses}, func(o owner, ids []string) {
		o.stop(ids[0])
		time.Sleep(5 * time.Minute)
		o.resume(healthCheck)
		if m := o.members(); !strings.HasSuffix(m[0], "InService Unhealthy stopped") {
			o.t.Errorf("member %v", m)
		}
	})
}

func TestLoadBalancerFindsAMemberUnhealthyUntilItsTargetIsUp(t *testing.T) {
	for name, tt := range map[string]struct {
		wait time.Duration
		want string
	}{
		"resumed as soon as it runs":        {maxPending, "Unhealthy"},
		"resumed when its targets are well": {5 * time.Minute, "Healthy"},
	} {
		t.Run(name, func(t *testing.T) {
			withGroup(t, 1, Group{Max: 2, Desired: 1, TargetsAfter: 4 * time.Minute, Suspended: groupProcesses}, func(o owner, ids []string) {
				o.stop(ids[0])
				time.Sleep(5 * time.Minute)
				o.start(ids[0])
				time.Sleep(tt.wait)
				o.resume(healthCheck)
				if got := *o.group().Instances[0].HealthStatus; got != tt.want {
					o.t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestDesiredCapacityIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		suspended []string
		desired   int32
		want      int
		resumed   int // after everything is resumed
	}{
		"lowered it terminates":                   {nil, 1, 1, 1},
		"lowered with Terminate suspended: later": {[]string{terminateProcess}, 1, 3, 1},
		"raised it launches":                      {nil, 5, 5, 5},
		"raised with Launch suspended: later":     {[]string{launchProcess}, 5, 3, 5},
		"zero ends all":                           {nil, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			withGroup(t, 1, Group{Max: 9, Desired: 3, Suspended: tt.suspended}, func(o owner, _ []string) {
				o.resize(0, 9, tt.desired)
				time.Sleep(10 * time.Minute)
				if got := len(o.group().Instances); got != tt.want {
					o.t.Errorf("%d members, want %d", got, tt.want)
				}
				o.resume()
				time.Sleep(10 * time.Minute)
				if got := len(o.group().Instances); got != tt.resumed {
					o.t.Errorf("%d members after the resume, want %d", got, tt.resumed)
				}
			})
		})
	}
}

func TestWhatAGroupSpares(t *testing.T) {
	t.Run("scale-in takes the unprotected, were they younger", func(t *testing.T) {
		withGroup(t, 1, Group{Max: 3, Members: []Member{{Protected: true}, {}}}, func(o owner, ids []string) {
			o.resize(0, 3, 0)
			time.Sleep(10 * time.Minute)
			if got := o.members(); len(got) != 1 || !strings.HasPrefix(got[0], ids[0]) {
				o.t.Errorf("members %v, want the protected one", got)
			}
		})
	})
	t.Run("standby is neither checked nor counted", func(t *testing.T) {
		withGroup(t, 1, Group{Max: 3, Members: []Member{{}, {Standby: true}}}, func(o owner, ids []string) {
			if got := *o.group().DesiredCapacity; got != 1 {
				o.t.Errorf("desired capacity %d, want 1", got)
			}
			o.stop(ids[1])
			time.Sleep(time.Hour)
			if got := o.members(); !strings.HasSuffix(got[1], "Standby Healthy stopped") {
				o.t.Errorf("members %v", got)
			}
		})
	})
	t.Run("what a person terminates is replaced", func(t *testing.T) {
		withGroup(t, 1, Group{Max: 3, Desired: 1}, func(o owner, ids []string) {
			o.a.Terminate(here, ids[0])
			time.Sleep(10 * time.Minute)
			if got := o.members(); len(got) != 1 || strings.HasPrefix(got[0], ids[0]) || !strings.HasSuffix(got[0], "running") {
				o.t.Errorf("members %v", got)
			}
		})
	})
}

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

func TestCapacityProviderScalesInIdleHosts(t *testing.T) {
	for name, tt := range map[string]struct {
		suspended []string
		after     time.Duration
		want      int32
	}{
		"not before its alarm":                    {nil, 14 * time.Minute, 3},
		"after a quarter of an hour":              {nil, 20 * time.Minute, 1},
		"not with AlarmNotification suspended":    {[]string{alarmProcess}, 3 * time.Hour, 3},
		"not its hosts with Terminate suspended":  {[]string{terminateProcess}, 20 * time.Minute, 1},
		"at once when AlarmNotification comes on": {nil, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				o := ownerOf(t, a)
				at := tt.suspended
				if tt.after == 0 {
					at = []string{alarmProcess}
				}
				ids := a.AddGroup(here, Group{Name: "g", Min: 1, Max: 5, Desired: 3, Cluster: "c", ManagedScaling: true, Suspended: at})
				a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 3, LaunchType: "EC2"})
				time.Sleep(2 * time.Hour)
				if got := *o.group().DesiredCapacity; got != 3 {
					t.Fatalf("desired capacity %d while every host is used, want 3", got)
				}
				servicesOf(t, a).desire("c", "s", 0)
				time.Sleep(maxTaskStopping)
				time.Sleep(tt.after)
				if tt.after == 0 {
					time.Sleep(time.Hour)
					o.resume(alarmProcess)
				}
				if got := *o.group().DesiredCapacity; got != tt.want {
					t.Errorf("desired capacity %d, want %d: %v", got, tt.want, a.GroupActivities(here, "g"))
				}
				if slices.Contains(tt.suspended, terminateProcess) && a.InstanceState(here, ids[0]) != "running" {
					t.Errorf("the first host is %s", a.InstanceState(here, ids[0]))
				}
			})
		})
	}
}

func TestScheduledActionIsNotMadeUpFor(t *testing.T) {
	for name, tt := range map[string]struct {
		suspended []string
		want      int32
	}{
		"active, it falls due":        {nil, 4},
		"suspended, it does not":      {[]string{scheduledActions}, 1},
		"other processes do not care": {[]string{alarmProcess}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			schedule := []GroupSchedule{{In: time.Hour, Min: -1, Max: 6, Desired: 4}}
			withGroup(t, 1, Group{Min: 1, Max: 2, Desired: 1, Suspended: tt.suspended, Scheduled: schedule}, func(o owner, _ []string) {
				time.Sleep(2 * time.Hour)
				o.resume()
				time.Sleep(time.Hour)
				if got := *o.group().DesiredCapacity; got != tt.want {
					o.t.Errorf("desired capacity %d, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestWarmPoolStandsBesideItsGroup(t *testing.T) {
	withGroup(t, 1, Group{Max: 4, Desired: 1, WarmState: "Stopped", Warm: 2}, func(o owner, ids []string) {
		if got := o.members(); len(got) != 1 || !strings.HasPrefix(got[0], ids[0]) {
			o.t.Errorf("members %v, want the one in service", got)
		}
		pool, err := o.groups.DescribeWarmPool(o.t.Context(), &autoscaling.DescribeWarmPoolInput{AutoScalingGroupName: aws.String("g")})
		o.ok(err)
		if len(pool.Instances) != 2 || pool.Instances[0].LifecycleState != types.LifecycleStateWarmedStopped {
			o.t.Errorf("warm pool %v", pool.Instances)
		}
		all, err := o.groups.DescribeAutoScalingInstances(o.t.Context(), &autoscaling.DescribeAutoScalingInstancesInput{})
		o.ok(err)
		if len(all.AutoScalingInstances) != 3 {
			o.t.Errorf("%d instances of groups, want 3 with the warm pool", len(all.AutoScalingInstances))
		}
	})
	withGroup(t, 1, Group{Max: 4, Desired: 1, WarmState: "Running", Warm: 1}, func(o owner, ids []string) {
		o.stop(ids[1])
		time.Sleep(10 * time.Minute)
		pool, err := o.groups.DescribeWarmPool(o.t.Context(), &autoscaling.DescribeWarmPoolInput{AutoScalingGroupName: aws.String("g")})
		o.ok(err)
		if len(pool.Instances) != 1 || *pool.Instances[0].InstanceId == ids[1] || pool.Instances[0].LifecycleState != types.LifecycleStateWarmedRunning {
			o.t.Errorf("warm pool %v, want one in place of %s", pool.Instances, ids[1])
		}
	})
}

func TestInterchangeableMembersAreComparedByNumber(t *testing.T) {
	for name, tt := range map[string]struct {
		interchangeable bool
		desired         int32
		same            bool
	}{
		"new ones in the place of old ones are no difference": {true, 2, true},
		"fewer are":                      {true, 1, false},
		"of other groups each is itself": {false, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			spot := Instance{Lifecycle: "spot"}
			withGroup(t, 1, Group{Max: 4, Desired: 2, Template: spot, Interchangeable: tt.interchangeable}, func(o owner, _ []string) {
				before := o.a.State()
				o.resize(0, 4, 0)
				time.Sleep(10 * time.Minute)
				o.resize(0, 4, tt.desired)
				time.Sleep(10 * time.Minute)
				if different, _ := Compare(before, o.a.State()); (len(different) == 0) != tt.same {
					o.t.Errorf("differences: %v", different)
				}
			})
		})
	}
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
