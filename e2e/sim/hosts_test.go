package sim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// hosted is a cluster of two hosts that a capacity provider scales, with a task of one service on each.
func hosted(a *awssim.Account) {
	a.AddGroup("us-east-1", awssim.Group{Name: "hosts", Min: 1, Max: 4, Desired: 2, Cluster: "shop", ManagedScaling: true})
	a.AddECSService("us-east-1", awssim.ECSService{Cluster: "shop", Name: "web", Desired: 2, Provider: "hosts"})
}

// idleHosts is longer than the alarm takes by which a capacity provider scales in hosts that nothing runs on.
const idleHosts = 2 * time.Hour

// inHosted runs do on an account with hosts, and then lets AWS act for as long as it takes.
func inHosted(t *testing.T, seed uint64, fault func(awssim.Call) awssim.Fault, do func(w *world)) {
	t.Helper()
	inWorld(t, options{seed: seed, build: hosted, regions: []string{"us-east-1"}, fault: fault}, func(w *world) {
		do(w)
	})
}

// A resume that comes while the tasks of the pause still end must not have new ones placed around them:
// ECS would put two on one host, and the capacity provider would end the other.
func TestResumeWhileTasksEnd(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		for _, after := range []time.Duration{10 * time.Second, 30 * time.Second} {
			t.Run(fmt.Sprintf("seed %d, after %s", seed, after), func(t *testing.T) {
				inHosted(t, seed, nil, func(w *world) {
					before := w.account.State()
					p := w.start("pause")
					if _, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.Pause, Actor: "operator", At: time.Now()}); err != nil {
						t.Fatal(err)
					}
					paused := make(chan error)
					go func() {
						_, err := p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
						paused <- err
					}()
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
