package sim

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// of names resources of one kind by a prefix and a number.
func of(n int, add func(id string)) {
	for i := range n {
		add("r" + strings.Repeat("x", i))
	}
}

// databases are 60 instances and 20 clusters, of which AWS takes two calls a second each: half a minute of
// stops.
func databases(a *awssim.Account) {
	of(60, func(id string) { a.AddDBInstance("us-east-1", awssim.DBInstance{ID: "i-" + id}) })
	of(20, func(id string) {
		a.AddDBCluster("us-east-1", awssim.DBCluster{ID: "c-" + id, Members: []awssim.DBMember{{ID: "m-" + id}}})
	})
}

var oneRegion = []string{"us-east-1"}

// stops are the calls that stop a database.
func (w *world) stops() (calls []awssim.Call) {
	for _, c := range w.mutations(0) {
		if strings.HasPrefix(c.Operation, "StopDB") {
			calls = append(calls, c)
		}
	}
	return calls
}

// write is a transaction of a run, and the resources whose states it holds, by their phase.
type write struct {
	sent   time.Time
	states map[killswitch.Phase][]string
}

// writes are all that were asked for. Nothing fails in the worlds that they are noted in.
type writes []write

// note is the account's fault function.
func (all *writes) note(c awssim.Call) awssim.Fault {
	in, ok := c.Input.(*dynamodb.TransactWriteItemsInput)
	if !ok {
		return awssim.Fault{}
	}
	w := write{c.Sent, map[killswitch.Phase][]string{}}
	for _, member := range in.TransactItems {
		if member.Put == nil {
			continue
		}
		if sk := text(member.Put.Item["SK"]); strings.HasPrefix(sk, "STATE#") {
			phase := readBody(text(member.Put.Item["body"])).State.Phase
			w.states[phase] = append(w.states[phase], sk)
		}
	}
	*all = append(*all, w)
	return awssim.Fault{}
}

// of are the resources that are stored in a phase by a time.
func (all writes) of(phase killswitch.Phase, by time.Time) map[string]bool {
	resources := map[string]bool{}
	for _, w := range all {
		if !w.sent.After(by) {
			for _, sk := range w.states[phase] {
				resources[sk] = true
			}
		}
	}
	return resources
}

func TestOneWriteRecordsTheCallsOfAllActionsUntilTheLeaseIsRenewed(t *testing.T) {
	var stored writes
	inWorld(t, options{seed: 1, build: databases, regions: oneRegion, fault: stored.note}, func(w *world) {
		w.pause()
		stops := w.stops()
		first, last := stops[0].Sent, stops[len(stops)-1].Sent
		if took := last.Sub(first); took < 27*time.Second || took > 29*time.Second {
			t.Errorf("%d stops took %s, and the tokens for them come in 28 s", len(stops), took)
		}
		if n := len(stored.of(killswitch.Pausing, last)); n != len(stops) {
			t.Errorf("%d steps are recorded and %d taken", n, len(stops))
		}
		between := 0
		for _, write := range stored {
			if write.sent.After(first) && write.sent.Before(last) {
				between++
			}
		}
		// The rest of the first round, what else was found, and the second round.
		if between > 3 {
			t.Errorf("there are %d writes between the first stop and the last", between)
		}
	})
}

func TestACallWhoseTokensAreThereWaitsForNoRecordOfLaterOnes(t *testing.T) {
	build := func(a *awssim.Account) {
		of(100, func(id string) { a.AddGroup("us-east-1", awssim.Group{Name: id, Max: 2, Desired: 1}) })
		a.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "apps"})
		of(20, func(id string) {
			a.AddECSService("us-east-1", awssim.ECSService{Cluster: "apps", Name: id, Desired: 1})
			a.AddScalableTarget("us-east-1", awssim.ScalableTarget{Cluster: "apps", Service: id, Min: 1, Max: 2})
		})
	}
	inWorld(t, options{seed: 1, build: build, regions: oneRegion}, func(w *world) {
		w.pause()
		first := map[string]time.Time{}
		for _, c := range w.mutations(0) {
			if first[c.Operation].IsZero() {
				first[c.Operation] = c.Sent
			}
		}
		const group, target = "SuspendProcesses", "RegisterScalableTarget"
		if between := first[target].Sub(first[group]).Abs(); first[group].IsZero() || first[target].IsZero() || between > 60*time.Millisecond {
			t.Errorf("the first target is suspended at %s, the first group at %s", first[target], first[group])
		}
	})
}

func TestWhatIsRecordedAheadAndNoLongerWantedIsNotCalled(t *testing.T) {
	var stored writes
	inWorld(t, options{seed: 1, build: databases, regions: oneRegion, fault: stored.note}, func(w *world) {
		before := w.account.State()
		var changed time.Time
		w.on = func(ev engine.Event) {
			if ev.What == engine.OrdersChanged && changed.IsZero() {
				changed = ev.At
			}
		}
		go func() {
			time.Sleep(3 * time.Second)
			_, err := w.start("resume").engine.Order(context.Background(), engine.Request{Act: killswitch.Resume, Actor: "operator", At: time.Now()})
			if err != nil {
				t.Errorf("give the resume order: %v", err)
			}
		}()
		if outcome := w.pause(); outcome.Closed == "" {
			t.Errorf("the snapshot is still live: %+v", outcome)
		}
		stops := w.stops()
		recorded := stored.of(killswitch.Pausing, time.Now())
		if len(stops) == 0 || len(recorded) <= len(stops) {
			t.Fatalf("%d stops, %d recorded: nothing was recorded ahead", len(stops), len(recorded))
		}
		for _, c := range stops {
			if changed.IsZero() || c.Sent.After(changed) {
				t.Errorf("stopped after the run knew of the resume at %s: %s", changed, c)
			}
		}
		w.wantRestored(before)
		w.wantSound()
	})
}

func TestARunThatIsEndedWaitsForNoTokens(t *testing.T) {
	inWorld(t, options{seed: 1, build: databases, regions: oneRegion}, func(w *world) {
		before := w.account.State()
		p := w.start("pause")
		if _, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.Pause, Actor: "operator", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		ends := time.Now().Add(5 * time.Second)
		p.engine.Pace.Spare = 0
		if _, err := p.engine.Reconcile(ctx, engine.Attention{Stay: true}); err != nil {
			t.Fatal(err)
		}
		if late := time.Since(ends); late > time.Second {
			t.Errorf("the run ended %s after it was told to", late)
		}
		for _, c := range w.stops() {
			if c.Sent.After(ends) {
				t.Errorf("stopped after the run was told to end: %s", c)
			}
		}
		w.guard(30 * time.Minute)
		for ref, it := range w.items() {
			if it.State.Phase != killswitch.Paused {
				t.Errorf("%s is %s: %s", ref, it.State.Phase, it.State.Reason)
			}
		}
		w.resume()
		w.wantRestored(before)
	})
}

// What has come to an end is stored when it fills a write, and with the next renewal at the latest.
func TestWhatHasComeToAnEndIsStoredSoon(t *testing.T) {
	build := func(a *awssim.Account) {
		of(250, func(string) { a.AddInstance("us-east-1", awssim.Instance{}) })
		databases(a) // they take longer
	}
	var stored writes
	inWorld(t, options{seed: 1, build: build, regions: oneRegion, fault: stored.note}, func(w *world) {
		var paused []time.Time
		w.on = func(ev engine.Event) {
			if ev.What == engine.Changed && ev.Phase == killswitch.Paused {
				paused = append(paused, ev.At)
			}
		}
		w.pause()
		pace := killswitch.StandardPace()
		for i, at := range paused {
			seen := i + 1
			soon, late := stored.of(killswitch.Paused, at.Add(time.Second)), stored.of(killswitch.Paused, at.Add(pace.Beat+time.Second))
			if len(soon) < seen-99 || len(late) < seen {
				t.Fatalf("%s: %d are seen paused; a second later %d are stored so, after a renewal %d", at, seen, len(soon), len(late))
			}
		}
	})
}
