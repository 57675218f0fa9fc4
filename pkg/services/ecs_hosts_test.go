package services_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// TestWhatLiesBeneathECSServices: the groups whose instances a capacity provider may end.
func TestWhatLiesBeneathECSServices(t *testing.T) {
	fill := func(a *awssim.Account) {
		for _, g := range []awssim.Group{
			{Name: "team a/hosts", ManagedScaling: true}, {Name: "more", ManagedScaling: true}, {Name: "by hand"},
		} {
			g.Max, g.Desired, g.Cluster = 1, 1, "shop"
			a.AddGroup(here, g)
		}
		a.AddGroup(here, awssim.Group{Name: "elsewhere", Max: 1, Desired: 1, Cluster: "depot", ManagedScaling: true})
		a.AddGroup(here, awssim.Group{Name: "web", Max: 1, Desired: 1})
		for name, s := range map[string]awssim.ECSService{
			"provided": {Provider: "team a/hosts"}, "unscaled": {Provider: "by hand"}, "launched": {LaunchType: "EC2"},
			"fargate": {}, "spot": {Provider: "FARGATE_SPOT"}, "daemon": {LaunchType: "EC2", Daemon: true},
			"idle": {Provider: "team a/hosts"},
		} {
			if s.Cluster, s.Name = "shop", name; name != "idle" {
				s.Desired = 1
			}
			a.AddECSService(here, s)
		}
		a.AddECSTask(here, awssim.ECSTask{Cluster: "main"})
		for field := range a.State()[here+" autoscaling:group more"] {
			if host, ok := strings.CutPrefix(field, "Instances."); ok {
				a.AddECSTask(here, awssim.ECSTask{Cluster: "shop", Host: host})
			}
		}
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.ECSService, here)
		ids := func(refs []killswitch.Ref) (ids []string) {
			for _, ref := range refs {
				if ref.Kind != killswitch.AutoScalingGroup || ref.Region != here || ref.Account != a.ID() {
					continue
				}
				ids = append(ids, ref.ID)
			}
			return ids
		}
		beneath, on := map[string][]string{}, map[string][]string{}
		for _, found := range b.discover() {
			id, task, standalone := strings.Cut(found.Resource.Ref.ID, "/task/")
			if standalone && task != "" {
				id += "/task"
			}
			if groups := ids(found.Beneath); len(groups) > 0 {
				beneath[id] = groups
			}
			if groups := ids(found.Hosts); len(groups) > 0 {
				on[id] = groups
			}
			if found.Verdict != "" {
				continue
			}
			if diff := cmp.Diff(found.Beneath, b.service.Declaration().Beneath(found.Resource.Ref, found.Original)); diff != "" {
				t.Errorf("%s: beneath as found, and as its original says:\n%s", id, diff)
			}
		}
		want := map[string][]string{
			"shop/provided": {"team a/hosts"}, "shop/launched": {"more", "team a/hosts"}, "shop/task": {"more", "team a/hosts"},
		}
		if diff := cmp.Diff(want, beneath); diff != "" {
			t.Errorf("beneath (-want +got):\n%s", diff)
		}
		// The instances of a launch type are looked up.
		if diff := cmp.Diff(map[string][]string{"shop/provided": {"team a/hosts"}, "shop/unscaled": {"by hand"}}, on); diff != "" {
			t.Errorf("groups that they run on (-want +got):\n%s", diff)
		}
	})
}
