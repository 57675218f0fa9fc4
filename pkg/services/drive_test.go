package services_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
)

const region = "eu-west-1"

// inAccount runs do with a simulated account in a bubble of its own. What the account does not
// model must not have been asked for.
func inAccount(t *testing.T, fault func(awssim.Call) awssim.Fault, do func(t *testing.T, a *awssim.Account)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := awssim.New(awssim.Options{Seed: 7, Idle: synctest.Wait, Regions: []string{region, "us-east-1"}, Fault: fault})
		defer a.Shutdown()
		do(t, a)
		if unmodelled := a.Unmodelled(); len(unmodelled) > 0 {
			t.Errorf("the account does not model %q", unmodelled)
		}
	})
}

// serviceOf makes the service of a kind in the region of the tests.
func serviceOf(t *testing.T, a *awssim.Account, kind killswitch.Kind, s settings.Settings) killswitch.Service {
	t.Helper()
	return serviceIn(t, a, region, kind, s)
}

func serviceIn(t *testing.T, a *awssim.Account, region string, kind killswitch.Kind, s settings.Settings) killswitch.Service {
	t.Helper()
	for _, d := range services.All() {
		if d.Kind == kind {
			cfg := a.Process("brake").Config()
			cfg.Region = region
			return d.New(services.Env{Config: cfg, Account: a.ID(), Settings: s})
		}
	}
	t.Fatalf("no service for %s", kind)
	return nil
}

// discover lists everything, by id.
func discover(t *testing.T, service killswitch.Service) map[string]killswitch.Found {
	t.Helper()
	all := map[string]killswitch.Found{}
	for found, err := range service.Discover(t.Context()) {
		if err != nil {
			t.Fatalf("discover: %v", err)
		}
		if _, twice := all[found.Resource.Ref.ID]; twice {
			t.Errorf("%s is listed twice", found.Resource.Ref)
		}
		all[found.Resource.Ref.ID] = found
	}
	return all
}

// drive is an engine of the simplest kind: it brings items to what is wanted, one after the other in
// batches, as the contract of a service has it. It returns what stayed in the way, by id.
type drive struct {
	service killswitch.Service
	items   []killswitch.Item
	calls   []string // step and how many items, in order
}

// newDrive takes up everything that a listing found running and ours.
func newDrive(t *testing.T, service killswitch.Service) *drive {
	t.Helper()
	found := discover(t, service)
	d := &drive{service: service}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		f := found[id]
		if !f.Active || f.Verdict != "" || f.Owner != nil {
			continue
		}
		d.items = append(d.items, killswitch.Item{Resource: f.Resource, Original: f.Original, Seen: f.Seen})
	}
	return d
}

// to gives an order and works until every item is where it is wanted or cannot be brought there.
func (d *drive) to(t *testing.T, want killswitch.Want, force bool) map[string]string {
	t.Helper()
	stuck := map[string]string{}
	for n := range d.items {
		d.items[n].State.Order++
		d.items[n].Want, d.items[n].Force = want, force
	}
	patience := time.Now().Add(2 * time.Hour)
	for first := true; ; first = false {
		if time.Now().After(patience) {
			t.Fatalf("nothing more comes of it: %v", d.calls[max(0, len(d.calls)-10):])
		}
		if !first {
			d.look(t)
		}
		wake, pending := d.decide(t, want, stuck)
		if !pending {
			return stuck
		}
		time.Sleep(time.Until(wake))
	}
}

// look observes every item, after the lag of AWS's reads.
func (d *drive) look(t *testing.T) {
	t.Helper()
	time.Sleep(5 * time.Second)
	seen, err := d.service.Observe(t.Context(), d.items)
	if err != nil {
		t.Fatalf("observe: %v", err)
	}
	if len(seen) != len(d.items) {
		t.Errorf("looked at %d items, got %d answers", len(d.items), len(seen))
	}
	for n := range d.items {
		d.items[n].Seen = seen[d.items[n].Resource.Ref]
	}
}

// decide decides about every item and takes the steps. It returns when to look again, and whether
// anything is still to come.
func (d *drive) decide(t *testing.T, want killswitch.Want, stuck map[string]string) (wake time.Time, pending bool) {
	t.Helper()
	now := time.Now()
	wake = now.Add(15 * time.Second)
	ready := map[string][]*killswitch.Item{}
	for n := range d.items {
		it := &d.items[n]
		id := it.Resource.Ref.ID
		if stuck[id] != "" || it.Settled() || it.Seen.Presence != killswitch.Present {
			continue
		}
		decision := d.service.Decide(want, *it, it.Seen, now)
		switch decision.Do {
		case killswitch.Done:
			it.State.Reached, it.State.ByAWS = it.State.Order, decision.ByAWS
			continue
		case killswitch.TakeAct:
			left := maps.Clone(it.State.Left)
			if left == nil {
				left = killswitch.Fields{}
			}
			maps.Copy(left, decision.Leaves)
			it.State.Left = left
			it.Parts = append(it.Parts, decision.Record...)
			ready[decision.Step] = append(ready[decision.Step], it)
		case killswitch.Hold:
			if decision.Until.After(now) && decision.Until.Before(wake) {
				wake = decision.Until
			}
		default:
			stuck[id] = decision.Reason
			continue
		}
		pending = true
	}
	for _, step := range d.service.Declaration().Steps {
		for chunk := range slices.Chunk(ready[step.Name], step.Batch) {
			wake = time.Now()
			d.act(t, step.Name, chunk, stuck)
		}
	}
	return wake, pending
}

// act takes a step for a batch, and where AWS refuses that, for those whom it does not name, or for halves.
func (d *drive) act(t *testing.T, step string, batch []*killswitch.Item, stuck map[string]string) {
	t.Helper()
	items := make([]killswitch.Item, len(batch))
	for n, it := range batch {
		it.State.Step, it.State.AttemptedAt, it.State.AnsweredAt = step, time.Now(), time.Time{}
		items[n] = *it
	}
	results := d.service.Act(t.Context(), step, items)
	d.calls = append(d.calls, step)
	if len(results) != len(batch) {
		t.Fatalf("%s: %d results for %d items", step, len(results), len(batch))
	}
	var rest []*killswitch.Item
	for n, it := range batch {
		it.State.AnsweredAt = time.Now()
		if len(batch) > 1 && errors.As(results[n].Err, new(killswitch.BatchRefused)) {
			rest = append(rest, it)
			continue
		}
		if err := results[n].Err; err != nil && awserr.Of(err) == awserr.Refused {
			stuck[it.Resource.Ref.ID] = err.Error()
		} else if err != nil {
			it.State.Attempts++
		}
	}
	size := len(rest)
	if size == len(batch) {
		size = (size + 1) / 2
	}
	for part := range slices.Chunk(rest, max(1, size)) {
		d.act(t, step, part, stuck)
	}
}

// count is how many steps of a name were taken.
func (d *drive) count(step string) int {
	n := 0
	for _, taken := range d.calls {
		if taken == step {
			n++
		}
	}
	return n
}

// calls counts the attempts of an action that the account has seen since from.
func calls(a *awssim.Account, from int, action string) int {
	n := 0
	for _, c := range a.Trace()[from:] {
		if c.Action() == action {
			n++
		}
	}
	return n
}

// mustBeTheSame compares two states of the account field by field, but for what AWS changes.
func mustBeTheSame(t *testing.T, before, after awssim.State) {
	t.Helper()
	different, _ := awssim.Compare(before, after)
	for _, d := range different {
		t.Errorf("%s: %s was %q and is %q", d.Resource, d.Field, d.Before, d.After)
	}
}

// mustNotBeStuck wants nothing in the way.
func mustNotBeStuck(t *testing.T, stuck map[string]string) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(stuck)) {
		t.Errorf("%s: %s", id, stuck[id])
	}
}

// mustCallDeclared wants every action that the brake called to be declared by one of its services.
func mustCallDeclared(t *testing.T, a *awssim.Account, d killswitch.Declaration) {
	t.Helper()
	declared := d.Actions(killswitch.WantPaused, killswitch.WantResumed)
	for _, c := range a.Trace() {
		if c.Process == "brake" && !slices.Contains(declared, c.Action()) {
			t.Errorf("%s is called and not declared by %s", c.Action(), d.Kind)
		}
		if c.Mutating && slices.Contains(d.Actions(), c.Action()) {
			t.Errorf("%s changes something and is declared as a read of %s", c.Action(), d.Kind)
		}
	}
}

// contains says whether a text has every part.
func contains(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
