package sim

import (
	"context"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// A resume overtakes a pause that is still listing the regions, finds nothing to put back, and closes
// the snapshot. The pause has nothing left to do then; it is no failure of a listing. (Real races, seed
// 1, races-27.)
func TestAPauseThatIsOvertakenByAResumeHasNothingLeftToDo(t *testing.T) {
	listing := false
	slow := func(c awssim.Call) awssim.Fault {
		if c.Operation == "DescribeRegions" && strings.HasPrefix(c.Process, "pause-") {
			listing = true
			return awssim.Fault{Delay: 8 * time.Second}
		}
		return awssim.Fault{}
	}
	inWorld(t, options{seed: 1, build: small, fault: slow}, func(w *world) {
		before := w.account.State()
		p := w.start("pause")
		if _, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.Pause, Actor: "ann", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		var outcome engine.Outcome
		var err error
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			outcome, err = p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
		}()
		time.Sleep(time.Second)
		w.resume()
		<-ended
		if !listing {
			t.Fatal("the regions were not being listed: this test sees nothing")
		}
		if err != nil || outcome.Unlisted != "" {
			t.Errorf("the pause ends with %v, not inspected: %q", err, outcome.Unlisted)
		}
		w.wantRestored(before)
	})
}
