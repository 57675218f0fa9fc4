package services_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
)

// bench is one service in one region of a simulated account.
type bench struct {
	*testing.T
	account *awssim.Account
	service killswitch.Service
	region  string
}

// onBench runs do in a bubble with an account that fill has filled.
func onBench(t *testing.T, o awssim.Options, fill func(*awssim.Account), do func(t *testing.T, a *awssim.Account)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Idle = synctest.Wait
		a := awssim.New(o)
		defer a.Shutdown()
		fill(a)
		do(t, a)
		if unknown := a.Unmodelled(); len(unknown) > 0 {
			t.Errorf("the simulation does not model %q, so this has proved nothing", unknown)
		}
	})
}

func newBench(t *testing.T, a *awssim.Account, kind killswitch.Kind, region string) *bench {
	t.Helper()
	all := services.All()
	i := slices.IndexFunc(all, func(d services.Definition) bool { return d.Kind == kind })
	if i < 0 {
		t.Fatalf("%s is no kind", kind)
	}
	config := a.Process("brake").Config()
	config.Region = region
	return &bench{T: t, account: a, region: region, service: all[i].New(services.Env{Config: config, Account: a.ID()})}
}

// discover lists everything, in order.
func (b *bench) discover() []killswitch.Found {
	b.Helper()
	var all []killswitch.Found
	for found, err := range b.service.Discover(b.Context()) {
		if err != nil {
			b.Fatalf("discover: %v", err)
		}
		all = append(all, found)
	}
	return all
}

// items are those of the listing that can be paused, as the engine would record them.
func (b *bench) items() []*killswitch.Item {
	b.Helper()
	var items []*killswitch.Item
	for _, found := range b.discover() {
		if found.Active && found.Verdict == "" && found.Owner == nil {
			items = append(items, &killswitch.Item{
				Resource: found.Resource, Order: 1, Original: found.Original, Seen: found.Seen,
				State: killswitch.State{Phase: killswitch.Recorded, Order: 1},
			})
		}
	}
	return items
}

// calls counts the attempts of each operation since the beginning.
func (b *bench) calls() map[string]int {
	counts := map[string]int{}
	for _, call := range b.account.Trace() {
		counts[call.Action()]++
	}
	return counts
}

// drive is the engine without everything that makes an engine: it observes, decides and acts, one
// after another, until every item has come to an end. It returns the last decision of each.
func (b *bench) drive(want killswitch.Want, items []*killswitch.Item) map[string]killswitch.Decision {
	b.Helper()
	ends := map[string]killswitch.Decision{}
	pending := slices.Clone(items)
	for range 400 {
		if pending = b.round(want, pending, ends); len(pending) == 0 {
			return ends
		}
		time.Sleep(15 * time.Second)
	}
	for _, it := range pending {
		b.Errorf("%s is not %s after %s: %+v", it.Resource.Ref, want, 400*15*time.Second, ends[it.Resource.Ref.ID])
	}
	return ends
}

func (b *bench) round(want killswitch.Want, pending []*killswitch.Item, ends map[string]killswitch.Decision) []*killswitch.Item {
	b.Helper()
	for _, it := range pending {
		it.Want = want
	}
	b.look(pending)
	var left []*killswitch.Item
	for _, it := range pending {
		if it.Seen.Presence != killswitch.Present {
			b.Fatalf("%s is %+v", it.Resource.Ref, it.Seen)
		}
		d := b.step(want, it)
		ends[it.Resource.Ref.ID] = d
		if d.Do != killswitch.TakeAct {
			it.State.WakesAt = d.WakesAt
		}
		switch d.Do {
		case killswitch.Done:
			it.State.Reached = it.State.Order
		case killswitch.TakeAct, killswitch.Hold:
			left = append(left, it)
		}
	}
	return left
}

// step takes as many steps as the answers allow without another look.
func (b *bench) step(want killswitch.Want, it *killswitch.Item) killswitch.Decision {
	b.Helper()
	for {
		d := b.service.Decide(want, *it, it.Seen, time.Now())
		if d.Do != killswitch.TakeAct {
			return d
		}
		if !d.SeenAt.IsZero() && time.Since(d.SeenAt) > time.Minute {
			b.look([]*killswitch.Item{it})
			continue
		}
		it.State.Step, it.State.Left, it.State.AttemptedAt = d.Step, d.Leaves, time.Now()
		ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
		results := b.service.Act(ctx, d.Step, []killswitch.Item{*it})
		cancel()
		if len(results) != 1 {
			b.Fatalf("%d results for one item", len(results))
		}
		switch class := awserr.Of(results[0].Err); {
		case class == awserr.Busy, class == awserr.Throttled:
			return d
		case class != awserr.None:
			return killswitch.Decision{Do: killswitch.Refuse, Reason: awserr.Explain(results[0].Err)}
		case results[0].Seen == nil:
			return d
		}
		it.Seen = *results[0].Seen
	}
}

func (b *bench) look(items []*killswitch.Item) {
	b.Helper()
	copies := make([]killswitch.Item, len(items))
	for i, it := range items {
		copies[i] = *it
	}
	seen, err := b.service.Observe(b.Context(), copies)
	if err != nil {
		b.Fatalf("observe: %v", err)
	}
	for _, it := range items {
		o, ok := seen[it.Resource.Ref]
		if !ok {
			b.Fatalf("observe says nothing of %s", it.Resource.Ref)
		}
		it.Seen = o
	}
}

// summary is a listing as one line for each resource.
func summary(all []killswitch.Found) map[string]string {
	lines := map[string]string{}
	for _, found := range all {
		line := found.State
		if found.Active {
			line += " active"
		}
		if len(found.Original.Data) > 0 {
			line += " original"
		}
		if found.Verdict != "" {
			line += " verdict: " + found.Verdict
		}
		if found.MayRefuse != "" {
			line += " may refuse: " + found.MayRefuse
		}
		if found.Owner != nil {
			line += " of " + found.Owner.ID
		}
		for _, part := range found.Parts {
			line += fmt.Sprintf(" part %s %v", part.Ref.ID, part.Tags)
		}
		for _, host := range found.Hosts {
			line += " on " + host.ID
		}
		lines[found.Resource.Ref.ID] = line
	}
	return lines
}

// TestFleetComesBack pauses and resumes everything of a kind in the startup fleet, which has every
// awkward situation once, and compares the account field by field.
func TestFleetComesBack(t *testing.T) {
	for _, kind := range []killswitch.Kind{killswitch.RDSInstance, killswitch.RDSCluster, killswitch.ECSService} {
		t.Run(string(kind), func(t *testing.T) {
			onBench(t, awssim.Options{Seed: 7}, awssim.Startup, func(t *testing.T, a *awssim.Account) {
				time.Sleep(10 * time.Minute) // what passes in the fleet has passed
				before := a.State()
				came := 0
				for _, region := range awssim.StartupRegions {
					b := newBench(t, a, kind, region)
					items := b.items()
					paused := b.drive(killswitch.WantPaused, items)
					for _, it := range items {
						it.State.Order = 2
					}
					resumed := b.drive(killswitch.WantResumed, items)
					for _, it := range items {
						id := it.Resource.Ref.ID
						switch full := "it is in state storage-full: enlarge its storage"; {
						case resumed[id].Do != killswitch.Done, paused[id].Do != killswitch.Done && paused[id].Reason != full:
							t.Errorf("%s: paused %+v, resumed %+v", it.Resource.Ref, paused[id], resumed[id])
						case paused[id].Do == killswitch.Done:
							came++
						}
					}
				}
				if came < 4 {
					t.Errorf("only %d resources of the fleet were paused and came back", came)
				}
				mustBeTheSame(t, before, a.State())
				mustCallDeclared(t, a, newBench(t, a, kind, here).service.Declaration())
			})
		})
	}
}
