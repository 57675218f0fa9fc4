package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// wantLeft fails unless the resource was left alone without a touch, for a reason that holds the words.
func (w *world) wantLeft(ref killswitch.Ref, words ...string) {
	w.t.Helper()
	wantVerdict(w, w.snapshot(), ref, words...)
	for _, c := range w.mutations(0) {
		if slices.Contains(c.Targets, ref.ID) {
			w.t.Errorf("%s is to be left alone, and %s was called", ref, c)
		}
	}
}

func wantVerdict(w *world, s snapshots.Snapshot, ref killswitch.Ref, words ...string) {
	w.t.Helper()
	for _, shard := range s.Shards {
		for _, c := range shard.Coverage {
			for _, v := range c.Verdicts {
				if v.Resource.Ref != ref {
					continue
				}
				for _, word := range words {
					if v.Phase != killswitch.Unpausable || !strings.Contains(v.Reason, word) {
						w.t.Errorf("%s is %q (%s), which does not say %q", ref, v.Phase, v.Reason, word)
					}
				}
				return
			}
		}
	}
	w.t.Errorf("nothing is said of %s", ref)
}

// onEachHost puts a task that no service keeps on each of the hosts.
func onEachHost(a *awssim.Account) {
	for field := range a.State()["us-east-1 autoscaling:group hosts"] {
		if host, ok := strings.CutPrefix(field, "Instances."); ok {
			a.AddECSTask("us-east-1", awssim.ECSTask{Cluster: "shop", Host: host})
		}
	}
}

// Hosts go down only with what runs on them: AWS would put that on the first host that comes back, and the
// capacity provider end the others.
func TestHostsOfWhatIsNotPausedGoOnRunning(t *testing.T) {
	groups := killswitch.Scope{Services: []string{"autoscaling"}}
	three := hosted
	three.Desired = 3
	unscaled := hosted
	unscaled.ManagedScaling = false
	for name, test := range map[string]struct {
		group awssim.Group
		more  func(*awssim.Account)
		scope killswitch.Scope
		why   string // empty: the group is paused
	}{
		"the order is about groups only":    {hosted, nil, groups, "ecs:service shop/web runs on it and is not paused (order 1 does not pause that)"},
		"the order leaves the service out":  {hosted, nil, killswitch.Scope{Exclude: &killswitch.Scope{IDs: []string{"shop/web"}}}, "shop/web"},
		"nothing scales the group":          {unscaled, nil, groups, ""},
		"a task runs that no service keeps": {three, onEachHost, killswitch.Scope{}, "standalone task: a stop cannot be undone"},
		"a task runs on Fargate":            {hosted, func(a *awssim.Account) { a.AddECSTask("us-east-1", awssim.ECSTask{Cluster: "shop"}) }, killswitch.Scope{}, ""},
		"a daemon runs on them": {hosted, func(a *awssim.Account) {
			a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: "agent", Daemon: true, LaunchType: "EC2"})
		}, killswitch.Scope{}, ""},
		"a service without tasks is no load": {hosted, func(a *awssim.Account) {
			a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: "idle", Provider: "hosts"})
		}, killswitch.Scope{Exclude: &killswitch.Scope{IDs: []string{"shop/idle"}}}, ""},
		"another service of theirs is left out": {hosted, func(a *awssim.Account) {
			a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: "api", Desired: 1, LaunchType: "EC2"})
		}, killswitch.Scope{Exclude: &killswitch.Scope{IDs: []string{"shop/api"}}}, "shop/api"},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(a *awssim.Account) {
				hostsOf(test.group)(a)
				if test.more != nil {
					test.more(a)
				}
			}
			inWorld(t, options{seed: 7, build: build, regions: []string{"us-east-1"}}, func(w *world) {
				before := w.account.State()
				plan := w.plan(killswitch.Pause, test.scope)
				w.order(killswitch.Pause, test.scope, false)
				w.guard(idleHosts)
				if test.why == "" {
					w.wantPhase(theGroup, killswitch.Paused)
				} else {
					wantVerdict(w, plan, theGroup, "left running", test.why)
					w.wantLeft(theGroup, "left running", test.why)
					w.wantHosts(before)
				}
				if w.snapshot().Header.Closed.IsZero() {
					w.resume()
				}
				w.guard(idleHosts)
				time.Sleep(10 * time.Minute) // ECS itself starts the tasks of services that only lost their hosts
				if test.group.ManagedScaling {
					w.wantHosts(before)
					w.wantRestored(before)
				}
				w.wantSound()
			})
		})
	}
}

// A group whose processes were suspended already keeps its members when AWS does not let a service on it be
// paused, in whichever run, and goes down after it once that is lifted; a resume gives back the processes.
func TestHostsOfWhatAWSDoesNotPauseGoOnRunning(t *testing.T) {
	for name, lifted := range map[string]bool{"and then it lets": true, "and the resume comes": false} {
		t.Run(name, func(t *testing.T) {
			refused := &refusing{actions: []string{"ecs:UpdateService"}}
			inHosted(t, 7, hosted, refused.fault, func(w *world) {
				before := w.account.State()
				w.pause()
				w.guard(idleHosts)
				w.wantPhase(theService, killswitch.Failed, "AccessDenied")
				w.wantPhase(theGroup, killswitch.Failed, "left running", "shop/web", "AccessDenied")
				w.wantHosts(before)
				for _, c := range w.mutations(0) {
					if c.Action() == "ec2:StopInstances" {
						t.Errorf("%s under tasks that run", c)
					}
				}
				refused.lifted.Store(true)
				if lifted {
					w.guard(time.Hour)
					w.wantPhase(theService, killswitch.Paused)
					w.wantPhase(theGroup, killswitch.Paused)
				}
				w.resume()
				w.guard(idleHosts)
				w.wantHosts(before)
				w.wantRestored(before)
				w.wantSound()
			})
		})
	}
}

// What one order leaves running is paused by the next that is about all of it.
func TestHostsArePausedByAWiderOrder(t *testing.T) {
	for name, first := range map[string]killswitch.Scope{
		"after one about groups":   {Services: []string{"autoscaling"}},
		"after one about services": {Services: []string{"ecs"}},
	} {
		t.Run(name, func(t *testing.T) {
			inHosted(t, 7, hosted, nil, func(w *world) {
				before := w.account.State()
				w.order(killswitch.Pause, first, false)
				w.guard(time.Hour)
				time.Sleep(time.Minute) // where nothing was paused, the next order opens another snapshot
				w.pause()
				w.guard(time.Hour)
				w.wantPhase(theService, killswitch.Paused)
				w.wantPhase(theGroup, killswitch.Paused)
				w.resume()
				w.guard(idleHosts)
				w.wantHosts(before)
				w.wantRestored(before)
			})
		})
	}
}

// A service that is resumed alone, or given up, in the middle of a pause: hosts are not stopped under tasks,
// and none is ended that a resume of all is to bring back.
func TestHostsOfAServiceThatIsTakenOutOfAPause(t *testing.T) {
	only := killswitch.Scope{IDs: []string{"shop/web"}}
	for name, act := range map[string]killswitch.Act{"resumed": killswitch.Resume, "given up": killswitch.GiveUp} {
		for _, after := range []time.Duration{0, 300 * time.Millisecond, 20 * time.Second, 70 * time.Second, 10 * time.Minute} {
			t.Run(name+" after "+after.String(), func(t *testing.T) {
				inHosted(t, 7, hosted, nil, func(w *world) {
					before := w.account.State()
					paused := w.begin(killswitch.Pause)
					time.Sleep(after)
					w.order(act, only, false)
					if err := <-paused; err != nil {
						t.Errorf("pause: %v", err)
					}
					w.guard(idleHosts)
					for _, c := range w.mutations(0) {
						if act == killswitch.GiveUp && after < time.Minute && c.Action() == "ec2:StopInstances" {
							t.Errorf("%s of hosts whose service was given up before", c)
						}
					}
					w.resume()
					w.guard(idleHosts)
					if act == killswitch.Resume {
						w.wantHosts(before)
						w.wantRestored(before)
					}
					w.wantSound()
				})
			})
		}
	}
}

// begin gives an order about everything and lets a run work on it. What the run ends with is sent.
func (w *world) begin(act killswitch.Act) chan error {
	w.t.Helper()
	p, ended := w.start(string(act)), make(chan error, 1)
	if _, err := p.engine.Order(context.Background(), engine.Request{Act: act, Actor: "operator", At: time.Now()}); err != nil {
		w.t.Fatalf("give the %s order: %v", act, err)
	}
	go func() {
		_, err := p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
		ended <- err
	}()
	return ended
}

// An instance on which nothing runs is stopped at once, a host after the services, and databases after both.
func TestOnlyHostsWaitForServices(t *testing.T) {
	build := func(a *awssim.Account) {
		for _, id := range []string{"i-0alone", "i-0host"} {
			a.AddInstance("us-east-1", awssim.Instance{ID: id})
		}
		a.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "pets", Hosts: []string{"i-0host"}})
		a.AddECSService("us-east-1", awssim.ECSService{Cluster: "pets", Name: "cat", Desired: 1, LaunchType: "EC2"})
		for n := range 70 { // more than ECS takes at once
			a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: fmt.Sprint("web-", n), Desired: 1})
		}
		a.AddDBInstance("us-east-1", awssim.DBInstance{ID: "orders"})
	}
	inWorld(t, options{seed: 7, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		w.pause()
		at := map[string]int{}
		for n, c := range w.mutations(0) {
			for _, id := range c.Targets {
				at[id] = n
			}
			if c.Service == "ecs" {
				at["services"] = n
			}
		}
		if !(at["i-0alone"] < at["services"]) {
			t.Error("an instance on which nothing runs has waited for services")
		}
		if !(at["cat"] < at["i-0host"] && at["services"] < at["i-0host"] && at["i-0host"] < at["orders"]) {
			t.Errorf("a host waits for the wave of what runs on it, and databases for all: %v", at)
		}
		w.resume()
		w.wantRestored(before)
	})
}
