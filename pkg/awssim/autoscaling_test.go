package awssim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
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

func TestStoppedMemberIsReplacedOnlyByActiveProcesses(t *testing.T) {
	for name, tt := range map[string]struct {
		suspended string
		want      string // health and state of the member that was stopped; "" when it is no member any more
	}{
		"HealthCheck suspended, it is not marked":                {healthCheck, "Healthy stopped"},
		"ReplaceUnhealthy suspended, it is marked and stays":     {replaceUnhealthy, "Unhealthy stopped"},
		"Terminate suspended, it is marked and stays":            {terminateProcess, "Unhealthy stopped"},
		"Launch suspended, it is terminated without replacement": {launchProcess, ""},
	} {
		t.Run(name, func(t *testing.T) {
			withGroup(t, 1, Group{Max: 2, Desired: 1, Suspended: []string{tt.suspended}}, func(o owner, ids []string) {
				o.stop(ids[0])
				time.Sleep(10 * time.Minute)
				members := o.members()
				if tt.want == "" && len(members) == 0 && o.a.InstanceState(here, ids[0]) == terminated {
					return
				}
				if len(members) != 1 || !strings.HasPrefix(members[0], ids[0]) || !strings.HasSuffix(members[0], tt.want) {
					o.t.Errorf("members %v, want %s %s", members, ids[0], tt.want)
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
