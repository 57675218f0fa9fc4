package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

func TestDiscoverECSServices(t *testing.T) {
	var host, other, job string
	fill := func(a *awssim.Account) {
		host, other = a.AddInstance(here, awssim.Instance{}), a.AddInstance(here, awssim.Instance{})
		a.AddECSCluster(here, awssim.ECSCluster{Name: "guarded", Hosts: []string{host}})
		a.AddECSCluster(here, awssim.ECSCluster{Name: "hosted", Hosts: []string{other}})
		add := func(s awssim.ECSService) { a.AddECSService(here, s) }
		add(awssim.ECSService{Cluster: "shop", Name: "web", Desired: 2, Tags: map[string]string{"env": "dev"}})
		add(awssim.ECSService{Cluster: "shop", Name: "idle"})
		add(awssim.ECSService{Cluster: "shop", Name: "release", Desired: 2, Controller: "CODE_DEPLOY"})
		add(awssim.ECSService{Cluster: "shop", Name: "rolling", Desired: 2, Deploying: time.Hour})
		add(awssim.ECSService{Cluster: "shop", Name: "deleted", Desired: 2, Status: "INACTIVE"})
		add(awssim.ECSService{Cluster: "shop", Name: "draining", Desired: 2, Status: "DRAINING"})
		add(awssim.ECSService{Cluster: "shop", Name: "kept", Desired: 1, Tags: protect})
		add(awssim.ECSService{Cluster: "guarded", Name: "db-proxy", Desired: 2, LaunchType: "EC2", Tags: protect})
		add(awssim.ECSService{Cluster: "guarded", Name: "beside", Desired: 1, LaunchType: "EC2"})
		add(awssim.ECSService{Cluster: "hosted", Name: "agent", Daemon: true, LaunchType: "EC2"})
		job = a.AddECSTask(here, awssim.ECSTask{Cluster: "hosted", Host: other, Tags: protect})
		a.AddECSCluster(here, awssim.ECSCluster{Name: "old", ShortARNs: true})
		add(awssim.ECSService{Cluster: "old", Name: "legacy", Desired: 1})
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		time.Sleep(10 * time.Minute) // until agents are connected
		task := "hosted/task/" + job[strings.LastIndex(job, "/")+1:]
		want := map[string]string{
			"shop/web":         "ACTIVE active original",
			"shop/idle":        "ACTIVE",
			"shop/release":     "ACTIVE active original",
			"shop/rolling":     "ACTIVE active original may refuse: a deployment is under way: its desired count may not be the final one",
			"shop/kept":        "ACTIVE active original",
			"guarded/db-proxy": "ACTIVE active original on " + host,
			"guarded/beside":   "ACTIVE active original on " + host,
			"hosted/agent":     "ACTIVE active verdict: DAEMON service: AWS takes no desired count for it, and what costs is its hosts",
			task: "RUNNING active verdict: standalone task: a stop cannot be undone " +
				"(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html) on " + other,
			"old/legacy": "ACTIVE active original",
		}
		all := newBench(t, a, killswitch.ECSService, here).discover()
		if diff := cmp.Diff(want, summary(all)); diff != "" {
			t.Errorf("discovered (-want +got):\n%s", diff)
		}
		web := all[slices.IndexFunc(all, func(f killswitch.Found) bool { return f.Resource.Ref.ID == "shop/web" })]
		if web.Resource.Type != "FARGATE ×2" || web.Resource.Tags["env"] != "dev" || web.Weight <= 0 {
			t.Errorf("resource %+v, weight %v", web.Resource, web.Weight)
		}
	})
}

// TestECSListingsCost counts calls, and finds the same order every time.
func TestECSListingsCost(t *testing.T) {
	for name, test := range map[string]struct {
		fill func(*awssim.Account)
		want map[string]int
	}{
		"an empty region": {func(*awssim.Account) {}, map[string]int{"ecs:ListClusters": 1}},
		"an empty cluster": {
			func(a *awssim.Account) { a.AddECSCluster(here, awssim.ECSCluster{Name: "shop"}) },
			map[string]int{
				"ecs:ListClusters": 1, "ecs:DescribeClusters": 1, "ecs:ListServices": 1, "ecs:ListTasks": 1,
				"application-autoscaling:DescribeScalableTargets": 1,
			},
		},
		"130 services with a target each in two clusters": {
			func(a *awssim.Account) {
				for i := range 130 {
					cluster, name := "shop", fmt.Sprintf("s-%03d", i)
					if i >= 105 {
						cluster = "depot"
					}
					a.AddECSService(here, awssim.ECSService{Cluster: cluster, Name: name, Desired: 1})
					a.AddScalableTarget(here, awssim.ScalableTarget{Cluster: cluster, Service: name, Min: 1, Max: 2})
				}
			},
			map[string]int{
				"ecs:ListClusters": 1, "ecs:DescribeClusters": 1, "ecs:ListServices": 3, "ecs:DescribeServices": 11 + 3,
				"ecs:ListTasks": 3, "ecs:DescribeTasks": 3, "application-autoscaling:DescribeScalableTargets": 3,
			},
		},
		"a service on a capacity provider": {
			func(a *awssim.Account) {
				a.AddGroup(here, awssim.Group{Name: "hosts", Max: 1, Desired: 1, Cluster: "shop", ManagedScaling: true})
				a.AddECSService(here, awssim.ECSService{Cluster: "shop", Name: "s", Desired: 1, Provider: "hosts"})
			},
			map[string]int{
				"ecs:ListClusters": 1, "ecs:DescribeClusters": 1, "ecs:DescribeCapacityProviders": 1, "ecs:ListServices": 1,
				"ecs:DescribeServices": 1, "ecs:ListTasks": 1, "ecs:DescribeTasks": 1, "application-autoscaling:DescribeScalableTargets": 1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var first []string
			for seed := range uint64(5) {
				onBench(t, awssim.Options{Seed: seed}, test.fill, func(t *testing.T, a *awssim.Account) {
					b := newBench(t, a, killswitch.ECSService, here)
					var order []string
					for _, found := range b.discover() {
						order = append(order, found.Resource.Ref.ID)
					}
					if first == nil {
						first = order
					}
					if diff := cmp.Diff(first, order); diff != "" {
						t.Errorf("seed %d lists in another order:\n%s", seed, diff)
					}
					if diff := cmp.Diff(test.want, b.calls()); diff != "" {
						t.Errorf("calls (-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

// TestECSListingIsLeft: who stops listening leaves no call behind.
func TestECSListingIsLeft(t *testing.T) {
	fill := func(a *awssim.Account) {
		for i := range 30 {
			a.AddECSService(here, awssim.ECSService{Cluster: fmt.Sprintf("c-%02d", i), Name: "s", Desired: 1})
		}
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.ECSService, here)
		for _, err := range b.service.Discover(t.Context()) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		time.Sleep(time.Millisecond) // until the account has noted what was sent
		made := len(a.Trace())
		time.Sleep(time.Hour)
		if later := len(a.Trace()) - made; later > 0 {
			t.Errorf("%d calls were made after the listing was left", later)
		}
		if made > 40 { // of eight clusters at once; all thirty take 120
			t.Errorf("%d calls were made for one service", made)
		}
	})
}

func TestObserveECSServices(t *testing.T) {
	fill := func(a *awssim.Account) {
		for i := range 60 {
			name := fmt.Sprintf("s-%02d", i)
			a.AddECSService(here, awssim.ECSService{Cluster: "shop", Name: name, Desired: 1})
			a.AddScalableTarget(here, awssim.ScalableTarget{Cluster: "shop", Service: name, Min: 1, Max: 2})
		}
		a.AddECSService(here, awssim.ECSService{Cluster: "depot", Name: "plain", Desired: 1})
		a.AddECSService(here, awssim.ECSService{Cluster: "depot", Name: "deleted", Status: "INACTIVE"})
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.ECSService, here)
		items := b.items()
		missing, deleted, lost := *items[0], *items[0], *items[0]
		missing.Resource.Ref.ID, deleted.Resource.Ref.ID, lost.Resource.Ref.ID = "depot/missing", "depot/deleted", "nowhere/s"
		before := b.calls()
		b.look(append(slices.Clone(items), &missing, &deleted, &lost))
		for action, want := range map[string]int{"ecs:DescribeServices": 6 + 1 + 1, "application-autoscaling:DescribeScalableTargets": 2} {
			if got := b.calls()[action] - before[action]; got != want {
				t.Errorf("%d calls of %s, want %d", got, action, want)
			}
		}
		for _, it := range items {
			if d := b.service.Decide(killswitch.WantResumed, *it, it.Seen, time.Now()); d.Do != killswitch.Done {
				t.Errorf("%s is as it was, but: %+v", it.Resource.Ref, d)
			}
		}
		for evidence, it := range map[string]killswitch.Item{"MISSING": missing, "INACTIVE": deleted, "ClusterNotFoundException": lost} {
			if it.Seen.Presence != killswitch.Absent || it.Seen.Evidence != evidence {
				t.Errorf("%s: %+v, want gone by %s", it.Resource.Ref, it.Seen, evidence)
			}
		}
	})
}

// TestECSServiceStaysDown: with demand for more tasks and a schedule that asks for some, a paused
// service has none until it is resumed; then the scaling goes on as before.
func TestECSServiceStaysDown(t *testing.T) {
	fill := func(a *awssim.Account) {
		a.AddECSService(here, awssim.ECSService{Cluster: "shop", Name: "web", Desired: 4})
		a.AddScalableTarget(here, awssim.ScalableTarget{
			Cluster: "shop", Service: "web", Min: 2, Max: 8, Demand: 4,
			Scheduled: []awssim.ScalingSchedule{{In: 3 * time.Hour, Min: 3, Max: 8}},
		})
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		before := a.State()
		b := newBench(t, a, killswitch.ECSService, here)
		items := b.items()
		b.drive(killswitch.WantPaused, items)
		paused := b.calls()
		for hour := range 12 {
			time.Sleep(time.Hour)
			if fields := a.State()[here+" ecs:service shop/web"]; fields["DesiredCount"] != "0" || fields["RunningCount"] != "0" {
				t.Fatalf("hour %d: %v", hour, fields)
			}
		}
		if got := b.calls(); paused["application-autoscaling:RegisterScalableTarget"] != 1 || paused["ecs:UpdateService"] != 1 ||
			got["ecs:UpdateService"] != 1 {
			t.Errorf("calls of the pause: %v, after twelve hours: %v", paused, got)
		}
		items[0].State.Order = 2
		if end := b.drive(killswitch.WantResumed, items)["shop/web"]; end.Do != killswitch.Done || len(end.ByAWS) > 0 {
			t.Errorf("resumed: %+v", end)
		}
		if different, _ := awssim.Compare(before, a.State()); len(different) > 0 {
			t.Errorf("differs: %+v", different)
		}
	})
}

// TestProtectedTasksHoldAPause: tasks that are protected from scale-in are waited for, and said.
func TestProtectedTasksHoldAPause(t *testing.T) {
	fill := func(a *awssim.Account) {
		a.AddECSService(here, awssim.ECSService{Cluster: "shop", Name: "web", Desired: 3, ProtectedTasks: 1, ProtectedFor: 40 * time.Minute})
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.ECSService, here)
		items := b.items()
		began := time.Now()
		ends := map[string]killswitch.Decision{}
		for len(b.round(killswitch.WantPaused, items, ends)) > 0 && time.Since(began) < 20*time.Minute {
			time.Sleep(time.Minute)
		}
		if got := ends["shop/web"]; got.Do != killswitch.Hold || !strings.HasPrefix(got.Reason, "1 of its tasks still run") {
			t.Errorf("after 20 minutes: %+v", got)
		}
		if end := b.drive(killswitch.WantPaused, items)["shop/web"]; end.Do != killswitch.Done || time.Since(began) < 40*time.Minute {
			t.Errorf("after %v: %+v", time.Since(began), end)
		}
	})
}
