package awssim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

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
