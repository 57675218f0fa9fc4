package events_test

import (
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
)

// TestEachFunctionKeepsToItsRole: what alarms invoke may only stop, what operators invoke to put
// things back may only start. Where orders of both kinds stand, each leaves to the guard what it may
// not do, and asks AWS for nothing that its role does not allow.
func TestEachFunctionKeepsToItsRole(t *testing.T) {
	const everything, onlyEC2, onlyRDS = `{"actor":"ann"}`, `{"actor":"ann","scope":{"services":["ec2"]}}`, `{"actor":"ann","scope":{"services":["rds"]}}`
	paused := func(w *world) {
		w.settle(w.must(pause, everything))
		w.want("stopped", "before the story")
	}
	tests := map[string]struct {
		given  func(*world)
		first  function
		event  string
		after  time.Duration // from the first to the second
		dies   string        // or the first dies before it calls this
		second function
		order  string
		stands string
		within time.Duration
	}{
		"a pause in the middle of a resume": {
			given: paused, first: resume, event: everything, after: 20 * time.Second,
			second: pause, order: everything, stands: "stopped", within: 30 * time.Minute,
		},
		"a resume in the middle of a pause": {
			first: pause, event: event(record("one", ours, spent)), after: 5 * time.Second,
			second: resume, order: everything, stands: "running", within: 40 * time.Minute,
		},
		"a pause of databases after a resume that died before it started the instance": {
			given: paused, first: resume, event: everything, dies: "ec2:StartInstances",
			second: pause, order: onlyRDS, stands: "3 of 4 stopped", within: time.Hour,
		},
		"a resume of databases after a pause that died before it stopped the instance": {
			given: func(w *world) { w.settle(w.must(pause, onlyRDS)) }, first: pause, event: onlyEC2, dies: "ec2:StopInstances",
			second: resume, order: onlyRDS, stands: "1 of 4 stopped", within: time.Hour,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				if tt.given != nil {
					tt.given(w)
				}
				run := w.next(tt.first, tt.event)
				name := w.last()
				process := w.account.Process(name)
				w.fault = func(c awssim.Call) awssim.Fault {
					return awssim.Fault{KillBefore: c.Process == name && c.Action() == tt.dies}
				}
				ended := make(chan struct{})
				go func() {
					_, _ = run()
					close(ended)
				}()
				if tt.dies != "" {
					tt.after = 15 * time.Minute
				}
				select {
				case <-ended:
					t.Fatal("the first run has ended: the test does not test what it says")
				case <-process.Killed():
				case <-time.After(tt.after):
				}
				w.must(tt.second, tt.order)
				var answer trigger.Answer
				for end := time.Now().Add(tt.within); time.Now().Before(end) && w.stands() != tt.stands; time.Sleep(time.Minute) {
					answer = w.must(guard, tick)
				}
				w.want(tt.stands, "after "+tt.within.String())
				if failed := answer.Report.Summary.Phases[killswitch.Failed]; failed > 0 {
					t.Errorf("%d resources are reported as failed: %+v", failed, answer.Report.Resources)
				}
				guards := false
				for _, c := range w.account.Trace() {
					if c.Err == accessDenied.Code {
						t.Errorf("a right was missing: %s", c)
					}
					guards = guards || c.Mutating && c.Service != "dynamodb" && strings.HasPrefix(c.Process, string(settings.GuardFunction))
				}
				if !guards && tt.dies != "" {
					t.Error("the guard had nothing to do: the test does not test what it says")
				}
			})
		})
	}
}

// TestWorldDeniesWhatARoleDoesNotAllow: the tests of this package prove nothing of the roles otherwise.
func TestWorldDeniesWhatARoleDoesNotAllow(t *testing.T) {
	for f, action := range map[settings.Function][2]string{
		settings.PauseFunction:  {"ec2:StopInstances", "ec2:StartInstances"},
		settings.ResumeFunction: {"ec2:StartInstances", "ec2:StopInstances"},
		settings.GuardFunction:  {"ec2:StopInstances", "ec2:TerminateInstances"},
	} {
		for i, want := range []bool{true, false} {
			service, operation, _ := strings.Cut(action[i], ":")
			if got := allows(f, awssim.Call{Service: service, Operation: operation}); got != want {
				t.Errorf("%s may call %s: %v, want %v", f, action[i], got, want)
			}
		}
	}
}
