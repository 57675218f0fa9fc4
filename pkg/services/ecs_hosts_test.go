package services_test

import (
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
			"fargate": {}, "spot": {Provider: "FARGATE_SPOT"},
		} {
			s.Cluster, s.Name, s.Desired = "shop", name, 1
			a.AddECSService(here, s)
		}
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.ECSService, here)
		beneath := map[string][]string{}
		for _, found := range b.discover() {
			for _, ref := range b.service.Declaration().Beneath(found.Resource.Ref, found.Original) {
				if ref.Kind != killswitch.AutoScalingGroup || ref.Region != here || ref.Account != a.ID() {
					t.Errorf("%s lies beneath %s", ref, found.Resource.Ref)
				}
				beneath[found.Resource.Ref.ID] = append(beneath[found.Resource.Ref.ID], ref.ID)
			}
		}
		want := map[string][]string{"shop/provided": {"team a/hosts"}, "shop/launched": {"more", "team a/hosts"}}
		if diff := cmp.Diff(want, beneath); diff != "" {
			t.Errorf("beneath (-want +got):\n%s", diff)
		}
	})
}
