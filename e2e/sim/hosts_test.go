package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// hostsOf is a cluster whose hosts are a group's, with a task of one service on each, and a service on
// Fargate.
func hostsOf(group awssim.Group) func(*awssim.Account) {
	group.Name, group.Max, group.Cluster = "hosts", 4, "shop"
	return func(a *awssim.Account) {
		a.AddGroup("us-east-1", group)
		a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: "web", Desired: 2, Provider: "hosts"})
		a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: "fargate", Desired: 1})
	}
}

// hosted are those that a capacity provider scales: it ends a host that no task has run on for a while,
// for as long as the group lets it.
var hosted = awssim.Group{Min: 1, Desired: 2, ManagedScaling: true}

// idleHosts is longer than that takes.
const idleHosts = 2 * time.Hour

// inHosted runs do on an account with hosts, where calls are refused as long as fault says so.
func inHosted(t *testing.T, seed uint64, group awssim.Group, fault func(awssim.Call) awssim.Fault, do func(w *world)) {
	t.Helper()
	inWorld(t, options{seed: seed, build: hostsOf(group), regions: []string{"us-east-1"}, fault: fault}, do)
}

func hostedRef(kind killswitch.Kind, id string) killswitch.Ref {
	return killswitch.Ref{Account: "111122223333", Region: "us-east-1", Kind: kind, ID: id}
}

var (
	theGroup   = hostedRef(killswitch.AutoScalingGroup, "hosts")
	theService = hostedRef(killswitch.ECSService, "shop/web")
	onFargate  = hostedRef(killswitch.ECSService, "shop/fargate")
)

// wantHosts fails if a host is not there any more, or the group wants another number of them.
func (w *world) wantHosts(before awssim.State) {
	w.t.Helper()
	after := w.account.State()
	for name, was := range before {
		is := after[name]
		if strings.Contains(name, " ec2:instance ") && (is == nil || is["State"] == "terminated") {
			w.t.Errorf("%s was ended", name)
		}
		if strings.Contains(name, " autoscaling:group ") && was["DesiredCapacity"] != is["DesiredCapacity"] {
			w.t.Errorf("%s: desired capacity %s → %s", name, was["DesiredCapacity"], is["DesiredCapacity"])
		}
	}
}

// wantPhase fails unless the resource is in the phase, for a reason that holds the words.
func (w *world) wantPhase(ref killswitch.Ref, phase killswitch.Phase, words ...string) {
	w.t.Helper()
	state := w.items()[ref].State
	if state.Phase != phase {
		w.t.Errorf("%s is %q (%s), want %q", ref, state.Phase, state.Reason, phase)
	}
	for _, word := range words {
		if !strings.Contains(state.Reason, word) {
			w.t.Errorf("%s: the reason %q does not say %q", ref, state.Reason, word)
		}
	}
}

// refusing refuses calls until it is lifted.
type refusing struct {
	actions []string
	lifted  atomic.Bool
}

func (r *refusing) fault(c awssim.Call) awssim.Fault {
	if slices.Contains(r.actions, c.Action()) && !r.lifted.Load() {
		return awssim.Fault{Before: denied}
	}
	return awssim.Fault{}
}

// A service whose pause would make a capacity provider end its hosts is paused after its group, and not
// without it: on hosts that go on running it costs nothing by itself.
func TestServiceIsNotPausedWithoutItsHosts(t *testing.T) {
	changed := func(change func(*awssim.Group)) awssim.Group {
		group := hosted
		change(&group)
		return group
	}
	none := killswitch.Scope{}
	for name, test := range map[string]struct {
		group   awssim.Group
		refused []string
		scope   killswitch.Scope
		phase   killswitch.Phase
		why     string
		later   killswitch.Phase // once nothing is refused any more
	}{
		"the group is paused with it":            {hosted, nil, none, killswitch.Paused, "", killswitch.Paused},
		"groups cannot be listed":                {hosted, []string{"autoscaling:DescribeAutoScalingGroups"}, none, killswitch.Failed, "could not be listed here", killswitch.Paused},
		"the members of groups cannot be listed": {hosted, []string{"ec2:DescribeInstances"}, none, killswitch.Failed, "could not be listed here", killswitch.Paused},
		"the group's processes stay":             {hosted, []string{"autoscaling:SuspendProcesses"}, none, killswitch.Failed, "autoscaling:group hosts", killswitch.Paused},
		"the order is about services only":       {hosted, nil, killswitch.Scope{Services: []string{"ecs"}}, killswitch.Unpausable, "order 1 does not pause that", killswitch.Unpausable},
		"the group is protected":                 {changed(func(g *awssim.Group) { g.Tags = map[string]string{"aws-hit-breaks:protect": "true"} }), nil, none, killswitch.Unpausable, "aws-hit-breaks:protect", killswitch.Unpausable},
		"the group cannot be paused":             {changed(func(g *awssim.Group) { g.Operator = "eks.amazonaws.com" }), nil, none, killswitch.Unpausable, "managed by eks.amazonaws.com", killswitch.Unpausable},
		"members stay up, the processes do not":  {hosted, []string{"ec2:StopInstances"}, none, killswitch.Paused, "", killswitch.Paused},
		"nothing scales the group":               {changed(func(g *awssim.Group) { g.ManagedScaling = false }), nil, killswitch.Scope{Services: []string{"ecs"}}, killswitch.Paused, "", killswitch.Paused},
		"the group has no members":               {awssim.Group{ManagedScaling: true, Members: []awssim.Member{}}, nil, none, killswitch.Paused, "", killswitch.Paused},
	} {
		t.Run(name, func(t *testing.T) {
			refused := &refusing{actions: test.refused}
			inHosted(t, 7, test.group, refused.fault, func(w *world) {
				before := w.account.State()
				w.order(killswitch.Pause, test.scope, false)
				w.wantPhase(onFargate, killswitch.Paused)
				w.guard(idleHosts)
				w.wantPhase(onFargate, killswitch.Paused)
				w.wantPhase(theService, test.phase, test.why)
				w.wantHosts(before)
				refused.lifted.Store(true)
				w.guard(idleHosts)
				w.wantPhase(theService, test.later)
				w.wantHosts(before)
				w.resume()
				w.guard(idleHosts)
				w.wantRestored(before)
				w.wantSound()
			})
		})
	}
}

// What the group of a service would end its members by comes back with the service and not before: what
// AWS ends does not come back, what stays suspended does.
func TestHostsOutliveAServiceThatStaysDown(t *testing.T) {
	t.Run("AWS does not take its tasks back", func(t *testing.T) {
		refused := &refusing{actions: []string{"ecs:UpdateService"}}
		refused.lifted.Store(true)
		inHosted(t, 7, hosted, refused.fault, func(w *world) {
			before := w.account.State()
			w.pause()
			refused.lifted.Store(false)
			began := time.Now()
			w.resume()
			if took := time.Since(began); took > 30*time.Minute {
				t.Errorf("the resume took %s: it waited for what cannot come", took)
			}
			w.guard(idleHosts)
			w.wantHosts(before)
			w.wantPhase(theService, killswitch.Failed, "AccessDenied")
			w.wantPhase(theGroup, killswitch.Failed, theService.String(), "AccessDenied")
			refused.lifted.Store(true)
			w.guard(idleHosts)
			w.wantRestored(before)
			w.wantPhase(theGroup, killswitch.Resumed)
		})
	})
	t.Run("the resume is about the group only", func(t *testing.T) {
		inHosted(t, 7, hosted, nil, func(w *world) {
			before := w.account.State()
			w.pause()
			w.order(killswitch.Resume, killswitch.Scope{Services: []string{"autoscaling"}}, false)
			w.guard(idleHosts)
			w.wantHosts(before)
			w.wantPhase(theService, killswitch.Paused)
			w.wantPhase(theGroup, killswitch.Failed, theService.String()+" is down (paused)")
			w.resume()
			w.guard(idleHosts)
			w.wantRestored(before)
		})
	})
	t.Run("somebody has given it tasks", func(t *testing.T) {
		inHosted(t, 7, hosted, nil, func(w *world) {
			w.pause()
			_, err := ecs.NewFromConfig(w.account.Process("owner").Config()).UpdateService(context.Background(), &ecs.UpdateServiceInput{
				Cluster: aws.String("shop"), Service: aws.String("web"), DesiredCount: aws.Int32(3),
			}, func(o *ecs.Options) { o.Region = "us-east-1" })
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // reads show it
			w.resume()
			w.wantPhase(theService, killswitch.Drifted, "DesiredCount is 3, was 2")
			w.wantPhase(theGroup, killswitch.Resumed)
		})
	})
}

// A service comes back after the hosts that cannot be put back, once that is repaired, and not before: on
// hosts that start one by one ECS would put all of it on the first, and the capacity provider end the others.
func TestServiceWaitsForHostsThatCannotBeRead(t *testing.T) {
	for name, prefix := range map[string]string{
		"the original is lost":           "ORIGINAL#autoscaling:group",
		"the list of its members is":     "PART#autoscaling:group",
		"what was done to it is damaged": "STATE#autoscaling:group",
	} {
		t.Run(name, func(t *testing.T) {
			inHosted(t, 7, hosted, nil, func(w *world) {
				before := w.account.State()
				w.pause()
				v := w.vandal()
				items := v.stored()
				at := slices.IndexFunc(items, func(item attributes) bool { return strings.Contains(item.key(), prefix) })
				lost := damage{was: items[at], field: "V", how: "removed", becomes: []attributes{items[at].with(attributes{"V": nil})}}
				v.wreck(lost)
				w.resume()
				w.guard(idleHosts)
				w.wantPhase(theService, killswitch.Failed, "left down, since "+theGroup.String())
				w.wantPhase(onFargate, killswitch.Resumed)
				v.repair(lost, items)
				w.resume()
				w.guard(idleHosts)
				w.wantHosts(before)
				w.wantRestored(before)
			})
		})
	}
}

// A resume that comes while the tasks of the pause still end must not have new ones placed around them:
// ECS would put two on one host, and the capacity provider would end the other.
func TestResumeWhileTasksEnd(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		for _, after := range []time.Duration{10 * time.Second, 30 * time.Second} {
			t.Run(fmt.Sprintf("seed %d, after %s", seed, after), func(t *testing.T) {
				inHosted(t, seed, hosted, nil, func(w *world) {
					before := w.account.State()
					paused := w.begin(killswitch.Pause)
					time.Sleep(after)
					w.resume()
					if err := <-paused; err != nil {
						t.Errorf("pause: %v", err)
					}
					time.Sleep(idleHosts)
					w.wantRestored(before)
				})
			})
		}
	}
}
