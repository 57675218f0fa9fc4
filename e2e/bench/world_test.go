// Package bench measures the real engine, services and store on simulated fleets, against the floor:
// as they are deployed, in functions that Lambda ends after fifteen minutes and a guard that ticks
// every minute.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aws-hit-breaks/e2e/floor"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots/dynamo"
)

const (
	seed = 1
	// invocation is how long Lambda lets a function run.
	invocation = 15 * time.Minute
	// longest is how long an act may take before the measurement is given up. A hundred thousand resources
	// have forty thousand instances in one region, of which AWS lets two be started a second.
	longest = 12 * time.Hour
	// reporting is the last word in the name of the process in which a function reads what it answers
	// with, and asks for prices, after its run: nothing that stops or starts waits for that.
	reporting = " report"
)

// day is when a world begins. A bubble begins in 2000.
var day = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// world is one account with a fleet, in which the brake is deployed.
type world struct {
	*testing.T
	account *awssim.Account
	watch   *watch
	invoked int
	alone   bool // no tick comes while another function runs: of what each invocation has for itself there is one

	mu      sync.Mutex
	running int             // invocations
	working map[string]bool // processes that found something to do
	last    report.Report   // of the invocation that saw the end
}

// inWorld runs do in a world with a fleet that has come to rest. With watching, the runs know when each
// resource truly reached its goal; without, what the brake costs is not mixed with what watching does.
func inWorld(t *testing.T, fill func(*awssim.Account), watching bool, do func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day))
		w := &world{T: t, watch: &watch{}, working: map[string]bool{}}
		o := awssim.Options{Seed: seed, Idle: synctest.Wait}
		if watching {
			o.Changed = w.watch.changed
		}
		w.account = awssim.New(o)
		defer w.account.Shutdown()
		w.account.AddTable("us-east-1", settings.DefaultTable)
		fill(w.account)
		time.Sleep(10 * time.Minute) // whatever the fleet set in motion has come to rest
		do(w)
		if unmodelled := w.account.Unmodelled(); len(unmodelled) > 0 {
			t.Errorf("the simulated account does not know what was asked of it: %q", unmodelled)
		}
	})
}

// measured pauses and resumes a fleet.
func measured(t *testing.T, fill func(*awssim.Account)) (all []figures) {
	t.Helper()
	inWorld(t, fill, true, func(w *world) {
		original := w.account.State()
		paused := w.carry(killswitch.Pause, original)
		report := w.last
		resumed := w.carry(killswitch.Resume, original)
		all = []figures{figuresOf(paused, w.dollars(report, original)), figuresOf(resumed, nil)}
	})
	return all
}

// function is one of a handler's methods, and what it is deployed as.
type function struct {
	name   settings.Function
	answer func(*trigger.Handler, context.Context, json.RawMessage) (trigger.Answer, error)
}

// The three functions.
var (
	pause  = function{settings.PauseFunction, (*trigger.Handler).Pause}
	resume = function{settings.ResumeFunction, (*trigger.Handler).Resume}
	guard  = function{settings.GuardFunction, (*trigger.Handler).Guard}
)

const (
	// tick is what the schedule sends to the guard.
	tick = `{"source":"aws.events","detail-type":"Scheduled Event","account":"111122223333","detail":{}}`
	// putBack is what an operator sends to the resume function.
	putBack = `{"actor":"operator"}`
)

// alarm is a budget's, as of now.
func alarm(t *testing.T) string {
	t.Helper()
	event, err := os.ReadFile("../../pkg/alarm/testdata/budgets-actual-monthly.json")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(event), "2024-11-01T23:37:16.504Z", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
}

// invoke runs a function in a process of its own, as Lambda does.
func (w *world) invoke(f function, event string) trigger.Answer {
	w.mu.Lock()
	w.invoked++
	w.running++
	name := fmt.Sprintf("%s-%d", f.name, w.invoked)
	w.mu.Unlock()
	wired := func(process string) *trigger.Handler {
		config := boot.Fenced(w.account.Process(process).Config())
		return boot.Handler(boot.Options{
			Config: config, Account: w.account.ID(), Store: dynamo.Open(config, settings.DefaultTable), Settings: settings.Default(),
			Owner: name, Wants: f.name.Wants(),
		}, slog.New(slog.DiscardHandler))
	}
	handler := wired(name + reporting)
	handler.Engine = wired(name).Engine
	ctx, cancel := context.WithTimeout(context.Background(), invocation)
	defer cancel()
	answer, err := f.answer(handler, ctx, json.RawMessage(event))
	if err != nil {
		w.Errorf("%s: %v", name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	w.working[name] = !answer.Idle
	return answer
}

// busy says whether a function runs.
func (w *world) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running > 0
}

// carry gives an order to the function for it, lets the guard tick, and measures until one of them has
// seen that everything is where it is wanted.
func (w *world) carry(act killswitch.Act, original awssim.State) floor.Run {
	w.Helper()
	run := floor.Run{Act: string(act), Began: time.Now(), Before: original}
	w.last = report.Report{} // whoever wants the one before has taken it, and it is large
	first := len(w.account.Trace())
	w.watch.begin(w.account, act == killswitch.Pause, run.Began)
	f, event := pause, alarm(w.T)
	if act == killswitch.Resume {
		f, event = resume, putBack
	}
	var under sync.WaitGroup
	ended := make(chan struct{})
	var once sync.Once
	send := func(f function, event string) {
		under.Go(func() {
			answer := w.invoke(f, event)
			done := answer.Closed
			if act == killswitch.Pause {
				done = !answer.Idle && answer.Report.Summary.Pending == 0
			}
			if done {
				once.Do(func() {
					w.last = answer.Report
					close(ended)
				})
			}
		})
	}
	send(f, event)
	ticks := 0
	for ended != nil && time.Since(run.Began) < longest {
		select {
		case <-ended:
			ended = nil
		case <-time.After(time.Minute):
			if w.busy() && w.alone {
				continue
			}
			ticks++
			send(guard, tick)
		}
	}
	if ended != nil {
		w.Errorf("%s: after %s it has not ended", act, longest)
	}
	under.Wait()
	run.Ticks, run.Since = ticks, w.watch.since
	for _, c := range w.account.Trace()[first:] {
		if strings.HasSuffix(c.Process, reporting) {
			run.Reporting = append(run.Reporting, c)
			continue
		}
		run.Calls = append(run.Calls, c)
		if w.working[c.Process] && c.At.After(run.Ended) {
			run.Ended = c.At
		}
	}
	return run
}
