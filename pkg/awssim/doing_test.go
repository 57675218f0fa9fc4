package awssim

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Whoever starts from Doing and follows Changed knows at every instant what Doing would say.
func TestChangesAddUpToWhatEveryResourceDoes(t *testing.T) {
	changes := 0
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			known, last := map[string]string{}, time.Time{}
			a := New(Options{Regions: StartupRegions, Seed: rapid.Uint64().Draw(t, "seed"), Idle: synctest.Wait,
				Changed: func(at time.Time, resource, doing string) {
					if at.Before(last) {
						t.Errorf("told of %s at %s after something at %s", resource, at, last)
					}
					known[resource], last = doing, at
					changes++
				}})
			defer a.Shutdown()
			Random(a, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
			known = a.Doing()
			check := func(when string) {
				for resource, doing := range a.Doing() {
					if known[resource] != doing {
						t.Errorf("%s %s does %q, and the last that was told is %q", when, resource, doing, known[resource])
					}
				}
			}
			stop := make(chan struct{})
			go func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(time.Minute):
						check("while it is worked on")
					}
				}
			}()
			pauseAndResume(t, context.Background(), a)
			close(stop)
			for _, resource := range slices.Sorted(maps.Keys(a.Doing())) { // what owners and AWS do
				name := strings.Fields(resource)
				region, id := name[0], name[2]
				switch kindOf(resource) {
				case "autoscaling:group":
					a.DeleteGroup(region, id)
				case "rds:instance", "rds:cluster":
					a.BusyDatabase(region, id, dbBackingUp, time.Minute)
				case "ec2:instance":
					a.SetImpaired(region, id, true)
				}
				check("after meddling with " + resource)
			}
			a.Jump(30 * time.Minute)
			check("in the end")
		})
	})
	if changes < 100 {
		t.Errorf("only %d changes in a hundred accounts", changes)
	}
}
