package sim

import (
	"testing"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

func TestStartupFleetIsPausedAndRestoredExactly(t *testing.T) {
	inWorld(t, options{seed: 1, build: func(a *awssim.Account) { awssim.Startup(a) }}, func(w *world) {
		before := w.account.State()
		w.pause()
		for ref, it := range w.items() {
			if it.State.Phase != killswitch.Paused && it.State.Phase != killswitch.Unpausable {
				t.Errorf("%s is %s (%s), not paused", ref, it.State.Phase, it.State.Reason)
			}
		}
		if len(w.changed(before)) == 0 {
			t.Fatal("the pause changed nothing")
		}
		w.wantSound()
		outcome := w.resume()
		if outcome.Closed == "" {
			t.Errorf("the snapshot is still live after the resume: %+v", outcome)
			for ref, it := range w.items() {
				if !it.State.Phase.Closed() {
					t.Logf("%s is %s: %s", ref, it.State.Phase, it.State.Reason)
				}
			}
		}
		w.wantRestored(before)
		w.wantSound()
	})
}
