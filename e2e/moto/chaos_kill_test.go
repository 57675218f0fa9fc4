package moto_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	reports "aws-hit-breaks/pkg/report"
)

// The counts of the family.
const (
	commandsKilled  = "commands killed"
	functionsKilled = "functions killed"
	endedBefore     = "runs that had ended before"
)

// So many calls a pause and a resume of the seeded account make at least.
const (
	callsOfPause  = 46
	callsOfResume = 34
)

// TestChaosKill kills the CLI with --local, and the functions, with a signal that nobody can catch, at
// some moment of a pause and at some moment of a resume. Running again ends where an undisturbed run
// does: the same command, or the next ticks of the guard.
func TestChaosKill(t *testing.T) {
	t.Parallel()
	f := newFamily(t, "kill -9", commandsKilled, functionsKilled, endedBefore)
	f.first = "functions" // they wait for leases
	for n := range chaos.Depth(2, 50) {
		f.history("functions", "6", n, killFunctions)
	}
	for n := range chaos.Depth(2, 50) {
		f.history("command", "5", n, killCommands)
	}
}

// killCommands kills a pause and a resume of the CLI; each time the same command is run again.
func killCommands(h *history) {
	h.store = h.inFile()
	h.begin()
	h.killed(commandsKilled, h.killCommand(callsOfPause, "pause", "--local", "--yes"))
	atDeath, _ := h.newest()
	h.recorded(atDeath)
	h.report(nil, "pause", "--local", "--yes")
	h.isPaused()
	whenPaused, _ := h.newest()
	h.kept(originals(atDeath), originals(whenPaused))

	h.killed(commandsKilled, h.killCommand(callsOfResume, "resume", "--local", "--yes"))
	if atDeath, _ = h.newest(); atDeath.Live != nil {
		h.report(nil, "resume", "--local", "--yes")
	}
	h.isBack()
	whenBack, _ := h.newest()
	h.kept(originals(whenPaused), originals(whenBack))
}

// killFunctions kills the pause function and the resume function. As a sample that is two histories,
// since whoever finds the lease of the dead watches it for more than a minute.
func killFunctions(h *history) {
	h.store = h.inTable()
	h.begin()
	even := strings.HasSuffix(h.Name(), "0")
	h.pauseByAlarm(chaos.Full() || even)
	if !chaos.Full() && even {
		return
	}
	whenPaused, _ := h.newest()
	h.killed(functionsKilled, h.killFunction(callsOfResume, "aws-hit-breaks-resume", `{"actor":"ann"}`))
	if atDeath, _ := h.newest(); atDeath.Live != nil && atDeath.Live.Last().Act == killswitch.Pause {
		h.must("aws-hit-breaks-resume", `{"actor":"ann"}`) // no order was given, so ann asks again
	}
	h.converge()
	h.isBack()
	whenBack, _ := h.newest()
	h.kept(originals(whenPaused), originals(whenBack))
}

// pauseByAlarm pauses by an alarm, whose first delivery may be killed.
func (h *history) pauseByAlarm(kill bool) {
	h.Helper()
	alarm := strings.ReplaceAll(h.fixture("budgets-actual-monthly"), account, h.account)
	if !kill {
		h.settle(h.must("aws-hit-breaks-pause", alarm))
		h.isPaused()
		return
	}
	h.killed(functionsKilled, h.killFunction(callsOfPause, "aws-hit-breaks-pause", alarm))
	atDeath, given := h.newest()
	h.recorded(atDeath)
	// Lambda delivers an event again whose invocation failed. Where there is an order the guard goes
	// on also without that.
	if again := h.drawn.IntN(2) == 0; again || !given {
		h.must("aws-hit-breaks-pause", alarm)
	}
	h.converge()
	h.isPaused()
	whenPaused, _ := h.newest()
	h.kept(originals(atDeath), originals(whenPaused))
	if orders := len(whenPaused.Live.Orders); orders != 1 {
		h.Errorf("one message gave %d orders", orders)
	}
}

// killed counts a kill, or that the run had ended before.
func (h *history) killed(what string, killed bool) {
	if !killed {
		what = endedBefore
	}
	h.family.count(what, 1)
}

// killCommand runs the CLI and kills it at a moment. False says that it had ended before.
func (h *history) killCommand(calls int, args ...string) bool {
	h.Helper()
	m := drawMoment(h.drawn, calls)
	cmd := h.command(nil, args...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	started := make(chan bool)
	off := h.strikes.at(h.account, m, func() {
		<-started
		_ = cmd.Process.Kill() // it may have ended
	})
	err := cmd.Start()
	close(started)
	if err == nil {
		_ = cmd.Wait() // how it ended is in its state
	}
	calls = off()
	if err != nil {
		h.Fatal(err)
	}
	h.Logf("%s, after %d calls: %v ends with %v", m, calls, args, cmd.ProcessState)
	if cmd.ProcessState.ExitCode() > 0 {
		h.Errorf("%v ended before it was killed, with %v:\n%s", args, cmd.ProcessState, &talk)
	}
	return !cmd.ProcessState.Exited()
}

// killFunction invokes a function and kills its process at a moment. False says that it had answered
// before.
func (h *history) killFunction(calls int, name, event string) bool {
	h.Helper()
	m := drawMoment(h.drawn, calls)
	off := h.strikes.at(h.account, m, func() { h.host.Kill(name) })
	result, err := h.host.Invoke(h.Context(), name, []byte(event))
	calls = off()
	if err != nil {
		h.Fatal(err)
	}
	killed := strings.Contains(string(result.Payload), "signal: killed")
	h.Logf("%s, after %d calls: %s killed: %v", m, calls, name, killed)
	if result.FunctionError != "" && !killed {
		h.Errorf("%s ended before it was killed: %s", name, result.Payload)
	}
	return killed
}

// converge ticks the guard until nothing is pending, and after a resume until the snapshot is closed.
func (h *history) converge() {
	h.Helper()
	for began := time.Now(); ; time.Sleep(2 * time.Second) {
		h.must("aws-hit-breaks-guard", h.tick())
		s, ok := h.newest()
		if !ok || s.Live == nil {
			return
		}
		r := reports.Of(s, boot.Declared())
		if r.Summary.Pending == 0 && s.Live.Last().Act == killswitch.Pause {
			return
		}
		if time.Since(began) > 5*time.Minute {
			h.Fatalf("after %v of ticks of the guard it is not over: %+v", time.Since(began), r)
		}
	}
}
