package services_test

import (
	"strings"
	"sync"
	"testing"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// What is started at the same moment is started by one call of up to fifty, and a refusal of that is
// nobody's who could be started without the others.
func TestStartsTogether(t *testing.T) {
	tests := map[string]struct {
		first, second []string
		full          string // has no room
		calls         int    // where all have room
	}{
		"two of one call":                         {[]string{"i-1"}, []string{"i-2", "i-3"}, "", 1},
		"more than fifty are two calls":           {numbered("i-a", 30), numbered("i-b", 30), "", 2},
		"one without room is refused by itself":   {[]string{"i-1"}, []string{"i-2"}, "i-2", 0},
		"and so it is where it was the first one": {[]string{"i-1"}, []string{"i-2"}, "i-1", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
				for _, id := range append(append([]string(nil), test.first...), test.second...) {
					instance := awssim.Instance{ID: id}
					if id == test.full {
						instance.NoCapacity = 100 // starts, of which the SDK tries each call several times
					}
					a.AddInstance(region, instance)
				}
				service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{})
				d := newDrive(t, service)
				mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
				d.look(t)
				items := map[string]killswitch.Item{}
				for _, it := range d.items {
					items[it.Resource.Ref.ID] = it
				}
				from := len(a.Trace())
				var starts sync.WaitGroup
				for _, ids := range [][]string{test.first, test.second} {
					starts.Go(func() {
						var batch []killswitch.Item
						for _, id := range ids {
							batch = append(batch, items[id])
						}
						for n, result := range service.Act(t.Context(), "start-instances", batch) {
							if refused := awserr.Of(result.Err) == awserr.NoCapacity; refused != (ids[n] == test.full) || !refused && result.Err != nil {
								t.Errorf("%s: %v", ids[n], result.Err)
							}
						}
					})
				}
				starts.Wait()
				if n := calls(a, from, "ec2:StartInstances"); n != test.calls && test.full == "" {
					t.Errorf("%d calls, want %d", n, test.calls)
				}
				for id := range items {
					if state := a.InstanceState(region, id); (state == "stopped") != (id == test.full) {
						t.Errorf("%s is %s", id, state)
					}
				}
			})
		})
	}
}

// numbered are n ids that begin the same.
func numbered(prefix string, n int) (ids []string) {
	for i := range n {
		ids = append(ids, prefix+strings.Repeat("1", i+1))
	}
	return ids
}
