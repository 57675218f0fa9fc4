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

// A look costs a call out of the owner's quota. It is made as soon as somebody waits for what it shows, and
// for many at once.

// timesOf are when an operation was called after the first calls of the trace. Calls of one look count once.
func (w *world) timesOf(first int, operation string) (times []time.Time) {
	for _, c := range w.account.Trace()[first:] {
		if n := len(times); c.Operation == operation && (n == 0 || c.At.Sub(times[n-1]) > 2*time.Second) {
			times = append(times, c.At)
		}
	}
	return times
}

// AWS starts a thousand instances at once, and two a second after that. While others wait for their turn,
// nothing waits for those that have been started, and they are looked at once a minute; then every 15 s.
func TestWhatIsStartedIsLookedAtAsItIsWaitedFor(t *testing.T) {
	build := func(a *awssim.Account) {
		for range 1500 {
			a.AddInstance("us-east-1", awssim.Instance{})
		}
	}
	inWorld(t, options{seed: 1, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		w.pause()
		first := len(w.account.Trace())
		w.resume()
		w.wantRestored(before)
		starts, looks := w.timesOf(first, "StartInstances"), w.timesOf(first, "DescribeInstanceStatus")
		last, early, late := starts[len(starts)-1], 0, 0
		for n := 1; n < len(looks); n++ {
			switch between := looks[n].Sub(looks[n-1]); {
			case looks[n].Before(last.Add(-time.Minute)):
				if early++; between < 59*time.Second {
					t.Errorf("looked at again after %s, %s before the last was started", between, last.Sub(looks[n]))
				}
			case looks[n-1].After(last):
				if late++; between > 16*time.Second {
					t.Errorf("looked at again only after %s, %s after the last was started", between, looks[n].Sub(last))
				}
			}
		}
		if early < 2 || late < 2 {
			t.Errorf("the run was too short to show anything: looks at %v, the last start at %v", looks, last)
		}
	})
}

// Scalable targets are written five a second. What is known of one is from before its tasks were asked for, unless
// another run has taken over since: it is looked at when its turn comes and when it has been written, never between,
// and whoever was looked at just now is held back by nobody who was not.
func TestScalableTargetsAreLookedAtInTheirTurn(t *testing.T) {
	const services = 150
	build := func(a *awssim.Account) {
		a.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "apps"})
		for n := range services {
			name := fmt.Sprintf("api-%03d", n)
			a.AddECSService("us-east-1", awssim.ECSService{Cluster: "apps", Name: name, Desired: 2})
			a.AddScalableTarget("us-east-1", awssim.ScalableTarget{Cluster: "apps", Service: name, Min: 1, Max: 4})
		}
	}
	inWorld(t, options{seed: 1, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		w.pause()
		first := len(w.account.Trace())
		p := w.start("resume")
		if _, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.Resume, Actor: "operator", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		cut, cancel := context.WithTimeout(context.Background(), 90*time.Second+p.engine.Pace.Spare)
		defer cancel()
		for _, ctx := range []context.Context{cut, context.Background()} {
			if _, err := p.engine.Reconcile(ctx, engine.Attention{Stay: true}); err != nil {
				t.Fatal(err)
			}
		}
		w.wantRestored(before)
		looks, written := map[string]int{}, time.Time{}
		for _, c := range w.account.Trace()[first:] {
			switch c.Operation {
			case "DescribeScalableTargets":
				for _, target := range c.Targets {
					looks[target]++
				}
			case "RegisterScalableTarget":
				if since := c.At.Sub(written); !written.IsZero() && since > 2*time.Second {
					t.Errorf("%s: after %s without any", c.Targets, since)
				}
				written = c.At
			}
		}
		for target, n := range looks {
			if n > 4 { // with one of each run before it changes anything
				t.Errorf("%s was looked at %d times", target, n)
			}
		}
		if len(looks) != services {
			t.Errorf("%d of %d targets were looked at", len(looks), services)
		}
	})
}

// Groups that get back the right to end their members wait for the services, and their members may have become
// unhealthy meanwhile: they are looked at once more when their turn comes, many with one call.
func TestGroupsAreLookedAtTogetherBeforeTheyMayEndMembers(t *testing.T) {
	const groups = 100
	build := func(a *awssim.Account) {
		for n := range groups {
			a.AddGroup("us-east-1", awssim.Group{Name: fmt.Sprintf("web-%03d", n), Min: 1, Max: 2, Desired: 1})
		}
		a.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "apps"})
		a.AddECSService("us-east-1", awssim.ECSService{Cluster: "apps", Name: "api", Desired: 1})
	}
	inWorld(t, options{seed: 1, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		w.pause()
		first := len(w.account.Trace())
		w.resume()
		w.wantRestored(before)
		services, looks, resumed := time.Time{}, 0, 0
		for _, c := range w.account.Trace()[first:] {
			switch c.Operation {
			case "UpdateService":
				services, looks, resumed = c.At, 0, 0
			case "DescribeAutoScalingGroups":
				looks++
			case "ResumeProcesses":
				resumed++
			}
		}
		if services.IsZero() || resumed < groups {
			t.Fatalf("after the services %d of %d groups got their processes back", resumed, groups)
		}
		if looks > 10 {
			t.Errorf("%d looks at %d groups after the services were back", looks, groups)
		}
	})
}

// A group gets nothing back that ends its members while one of them fails its status checks, and the time in which
// that has to pass begins with its turn, however long that was in coming.
func TestGroupWhoseMemberFailsBeforeItsTurnIsWaitedFor(t *testing.T) {
	web := hostedRef(killswitch.AutoScalingGroup, "web")
	var other, member string
	build := func(a *awssim.Account) {
		other = a.AddInstance("us-east-1", awssim.Instance{})
		member = a.AddGroup("us-east-1", awssim.Group{Name: "web", Min: 1, Max: 2, Desired: 1})[0]
	}
	inWorld(t, options{seed: 1, build: build, regions: []string{"us-east-1"}}, func(w *world) {
		before := w.account.State()
		w.pause()
		w.account.SetImpaired("us-east-1", other, true) // holds the later waves back until its time is up, after 20 minutes
		time.AfterFunc(10*time.Minute, func() { w.account.SetImpaired("us-east-1", member, true) })
		var well time.Time
		time.AfterFunc(30*time.Minute, func() {
			well = time.Now()
			w.account.SetImpaired("us-east-1", member, false)
		})
		w.resume()
		w.wantPhase(web, killswitch.Resumed)
		for _, ev := range w.events {
			if ev.What == engine.Changed && ev.Ref == web && ev.Phase == killswitch.Failed {
				t.Errorf("told as failed: %s", ev.Reason)
			}
		}
		var resumed time.Time
		for _, c := range w.account.Trace() {
			if c.Operation == "ResumeProcesses" {
				resumed = c.At
			}
		}
		if after := resumed.Sub(well); after < 0 || after > 2*time.Minute {
			t.Errorf("it may end members %s after they are well", after)
		}
		w.account.SetImpaired("us-east-1", other, false)
		w.guard(time.Hour)
		w.wantRestored(before)
	})
}
