package services_test

import (
	"slices"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// TestMachinesOfFleetComeBack pauses and resumes the instances and groups of the startup fleet, which
// has every awkward situation once, and compares the account field by field.
func TestMachinesOfFleetComeBack(t *testing.T) {
	for _, kind := range []killswitch.Kind{killswitch.EC2Instance, killswitch.AutoScalingGroup} {
		t.Run(string(kind), func(t *testing.T) {
			onBench(t, awssim.Options{Seed: 7}, awssim.Startup, func(t *testing.T, a *awssim.Account) {
				time.Sleep(10 * time.Minute) // what passes in the fleet has passed
				before := a.State()
				came := 0
				for _, region := range awssim.StartupRegions {
					d := newDrive(t, serviceIn(t, a, region, kind, usual))
					d.items = slices.DeleteFunc(d.items, func(it killswitch.Item) bool {
						_, hosts := it.Resource.Tags["AmazonECSManaged"]
						return hosts // without their services a capacity provider scales them in
					})
					came += len(d.items)
					for id, why := range d.to(t, killswitch.WantPaused, false) {
						if !contains(why, "stop protection") {
							t.Errorf("%s %s: %s", region, id, why)
						}
					}
					mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
				}
				if came == 0 {
					t.Error("nothing to pause")
				}
				time.Sleep(time.Hour)
				mustBeTheSame(t, before, a.State())
			})
		})
	}
}
