package sim

import (
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// What was deleted and created again under its name while it was paused is another resource: the paused one
// is gone, the new one is not touched by the resume, and a new order pauses it with an original of its own.
func TestCreatedAgainUnderItsName(t *testing.T) {
	group := awssim.Group{Name: "web", Min: 1, Max: 4, Desired: 2}
	service := awssim.ECSService{Cluster: "shop", Name: "api", Desired: 2}
	for name, test := range map[string]struct {
		ref         killswitch.Ref
		add, delete func(*awssim.Account)
	}{
		"a group": {
			hostedRef(killswitch.AutoScalingGroup, "web"),
			func(a *awssim.Account) { a.AddGroup("us-east-1", group) },
			func(a *awssim.Account) { a.DeleteGroup("us-east-1", "web") },
		},
		"an ECS service": {
			hostedRef(killswitch.ECSService, "shop/api"),
			func(a *awssim.Account) { a.AddECSService("us-east-1", service) },
			func(a *awssim.Account) { a.DeleteECSService("us-east-1", "shop", "api") },
		},
	} {
		again := func(w *world) {
			test.delete(w.account)
			time.Sleep(10 * time.Minute)
			test.add(w.account)
			time.Sleep(10 * time.Minute)
		}
		o := options{seed: 5, build: test.add, regions: []string{"us-east-1"}}
		t.Run(name+", then a resume", func(t *testing.T) {
			inWorld(t, o, func(w *world) {
				w.pause()
				again(w)
				before, calls := w.account.State(), len(w.account.Trace())
				if w.resume(); w.guard(time.Hour).Live != nil {
					t.Error("the snapshot is still live")
				}
				w.wantPhase(test.ref, killswitch.Gone, "of this name")
				for _, c := range w.mutations(calls) {
					t.Errorf("the new one was touched: %s", c)
				}
				w.wantRestored(before)
			})
		})
		t.Run(name+", then another pause", func(t *testing.T) {
			inWorld(t, o, func(w *world) {
				w.pause()
				again(w)
				before := w.account.State()
				w.guard(time.Hour)
				w.wantPhase(test.ref, killswitch.Gone, "of this name")
				w.pause()
				w.wantPhase(test.ref, killswitch.Paused)
				w.resume()
				w.wantRestored(before)
			})
		})
	}
}
