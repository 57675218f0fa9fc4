package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// crashSeed is the account of the crashes: one seed, since what varies is where the run is killed.
const crashSeed = 31

// crash is where a run is killed: at its call number Call (of the account's trace) before the call
// takes effect or after it did, and where After is set, the guard that goes on at its own call
// number Guard as well.
type crash struct {
	act   killswitch.Act
	call  awssim.Call
	after bool

	guard      int // 0: the guard is not killed
	guardAfter bool
}

func (c crash) name() string {
	name := fmt.Sprintf("%s_call_%d", side(c.after), c.call.Seq)
	if c.guard > 0 {
		name += fmt.Sprintf("_and_guard_%s_call_%d", side(c.guardAfter), c.guard)
	}
	return name
}

func side(after bool) string {
	if after {
		return "after"
	}
	return "before"
}

// TestChaosCrash kills a pause and a resume of the startup fleet at every AWS and store call, before
// and after its effect, and lets the guard go on: the account must end as if nothing had happened. A
// read has no effect: a kill after it is a kill before what comes next, and is not made a second time.
func TestChaosCrash(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // thousands of small worlds: half the time
	calm := undisturbed(t)
	if t.Failed() {
		return
	}
	draw := rand.New(rand.NewPCG(chaos.Seed(t), 0))
	var points, recovered, violations atomic.Int64
	var counts chaos.Counts
	reads, pairs := 0, 0
	for _, act := range []killswitch.Act{killswitch.Pause, killswitch.Resume} {
		calls := calm.calls[act]
		counts = append(counts, chaos.Count{What: string(act) + " calls", N: len(calls)})
		doubles := doubleCrashes(draw, act, calls)
		crashes := append(everyCrash(draw, act, calls), doubles...)
		reads, pairs = reads+readsIn(calls), pairs+len(doubles)
		t.Run(string(act), func(t *testing.T) {
			for _, c := range crashes {
				t.Run(c.name(), func(t *testing.T) {
					t.Parallel()
					points.Add(1)
					n := calm.survives(t, c)
					violations.Add(n)
					if n == 0 && !t.Failed() {
						recovered.Add(1)
					}
				})
			}
		})
	}
	counts = append(counts, chaos.Count{What: "of them reads", N: reads}, chaos.Count{What: "pairs of kills", N: pairs},
		chaos.Count{What: "histories", N: int(points.Load())})
	fmt.Printf("crash points: %d of %d recovered\n", recovered.Load(), points.Load())
	told(t, "crash", counts, int(violations.Load()))
}

// readsIn counts the calls that have no effect.
func readsIn(calls []awssim.Call) (n int) {
	for _, call := range calls {
		if !call.Mutating {
			n++
		}
	}
	return n
}

// everyCrash is every cut, or a spread over them.
func everyCrash(draw *rand.Rand, act killswitch.Act, calls []awssim.Call) []crash {
	all := everyCut(act, calls)
	return spread(draw, all, chaos.Depth(7, len(all)))
}

// everyCut is one kill before every call and one after the effect of every call that has one.
func everyCut(act killswitch.Act, calls []awssim.Call) []crash {
	var all []crash
	for _, call := range calls {
		all = append(all, crash{act: act, call: call})
		if call.Mutating {
			all = append(all, crash{act: act, call: call, after: true})
		}
	}
	return all
}

// spread takes n of all, one from each of n equal stretches.
func spread(draw *rand.Rand, all []crash, n int) []crash {
	var some []crash
	for i := range n {
		from, to := i*len(all)/n, (i+1)*len(all)/n
		some = append(some, all[from+draw.IntN(to-from)])
	}
	return some
}

// guardCalls is about how many calls a guard makes that has all the work before it.
const guardCalls = 300

// doubleCrashes are histories in which the guard that goes on is killed too.
func doubleCrashes(draw *rand.Rand, act killswitch.Act, calls []awssim.Call) []crash {
	var pairs []crash
	for range chaos.Depth(2, 60) {
		pairs = append(pairs, crash{
			act: act, call: calls[draw.IntN(len(calls))], after: draw.IntN(2) == 1,
			guard: 1 + draw.IntN(guardCalls), guardAfter: draw.IntN(2) == 1,
		})
	}
	return slices.CompactFunc(pairs, func(a, b crash) bool { return a.name() == b.name() })
}

// calm is what the undisturbed run did and led to.
type calm struct {
	before awssim.State
	calls  map[killswitch.Act][]awssim.Call
	end    map[killswitch.Act]awssim.State
	kept   map[killswitch.Act]kept
}

func undisturbed(t *testing.T) *calm {
	t.Helper()
	all := &calm{
		calls: map[killswitch.Act][]awssim.Call{}, end: map[killswitch.Act]awssim.State{}, kept: map[killswitch.Act]kept{},
	}
	for _, until := range []killswitch.Act{killswitch.Pause, killswitch.Resume} {
		s := &sentinel{}
		inWorld(t, options{seed: crashSeed, build: s.watches(startup), fault: s.sees}, func(w *world) {
			all.before = w.account.State()
			for _, act := range []killswitch.Act{killswitch.Pause, killswitch.Resume} {
				began := len(w.account.Trace())
				w.give(act)
				if act != until {
					continue
				}
				all.calls[act] = w.account.Trace()[began:]
				all.end[act] = w.account.State()
				all.kept[act] = w.kept()
				break
			}
			for _, why := range s.needless {
				t.Errorf("undisturbed %s: %s", until, why)
			}
		})
	}
	for _, d := range differences(all.before, all.end[killswitch.Resume]) {
		t.Errorf("undisturbed resume: %s", d)
	}
	return all
}

// give gives the order and carries it out, as an operator at the command line does. It says whether
// the run was killed on its way.
func (w *world) give(act killswitch.Act) (killed bool) {
	w.t.Helper()
	p := w.start(string(act))
	return w.lives(p, func() error {
		_, err := p.engine.Order(context.Background(), engine.Request{Act: act, Actor: "operator", At: time.Now()})
		if err != nil {
			return fmt.Errorf("give the %s order: %w", act, err)
		}
		_, err = p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
		return err
	})
}

// lives lets a process work until it ends or is killed.
func (w *world) lives(p *process, work func() error) (killed bool) {
	w.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- work() }()
	select {
	case err := <-ended:
		if err != nil {
			w.t.Errorf("%s: %v", p.name, err)
		}
	case <-p.Killed():
		return true
	case <-time.After(24 * time.Hour):
		w.t.Fatalf("%s has not ended within a day", p.name)
	}
	return false
}

// atRest is longer than anything waits before it moves on or is given up for now.
const atRest = time.Hour

// carryOn lets the guard tick every minute until nothing is live, nothing is due soon, or nothing but
// what AWS refuses again and again is.
func (w *world) carryOn(limit time.Duration) {
	w.t.Helper()
	reached, since := w.ends(), time.Now()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Minute) {
		p := w.start("guard")
		var outcome engine.Outcome
		killed := w.lives(p, func() (err error) {
			outcome, err = p.engine.Reconcile(context.Background(), engine.Attention{Due: true})
			return err
		})
		if now := w.ends(); killed || now != reached {
			reached, since = now, time.Now()
		}
		if !killed && (outcome.Live == nil || outcome.LookAt.After(time.Now().Add(4*time.Minute))) || time.Since(since) > atRest {
			return
		}
	}
	w.t.Errorf("after %s of the guard something is still under way", limit)
}

// ends counts how often a resource has reached a goal.
func (w *world) ends() (n int) {
	w.telling.Lock()
	defer w.telling.Unlock()
	for _, ev := range w.events {
		if ev.What == engine.Changed && (ev.Phase == killswitch.Paused || ev.Phase == killswitch.Unpausable || ev.Phase.Closed()) {
			n++
		}
	}
	return n
}

// survives runs the history of a crash and says how many things were wrong at its end.
func (all *calm) survives(t *testing.T, c crash) int64 {
	s := &sentinel{}
	var problems []string
	s.fault = c.kills()
	inWorld(t, options{seed: crashSeed, build: s.watches(startup), fault: s.sees}, func(w *world) {
		if c.act == killswitch.Resume {
			w.give(killswitch.Pause)
		}
		if !w.give(c.act) {
			problems = append(problems, "the run was not killed: it did not make this call")
		}
		if !w.ordered(c.act) {
			w.give(c.act) // whoever gave the order sees that it failed, and gives it again
		}
		w.carryOn(3 * time.Hour)
		problems = append(problems, all.wrong(w, c)...)
		problems = append(problems, s.needless...)
		problems = append(problems, s.leaseless(w.account.Trace())...)
		if c.guard > 0 && c.act == killswitch.Pause {
			w.give(killswitch.Resume)
			w.carryOn(3 * time.Hour)
			problems = append(problems, differences(all.before, w.account.State())...)
		}
	})
	if len(problems) > 0 {
		t.Errorf("%s killed %s call %s\n\t%s\nreplay: CHAOS=full %s",
			c.act, c.name(), c.call, strings.Join(problems, "\n\t"), chaos.Replay("./e2e/sim", t.Name(), chaos.Seed(t)))
	}
	return int64(len(problems))
}

// ordered says whether the order of the act is durable.
func (w *world) ordered(act killswitch.Act) bool {
	w.t.Helper()
	live, err := w.start("reader").store.Live(context.Background(), w.account.ID())
	if err != nil {
		w.t.Fatalf("read live snapshot: %v", err)
	}
	if live == nil {
		return act == killswitch.Resume // it is closed
	}
	return live.Last().Act == act
}

// kills makes the fault of a crash. The same call is found again by its number: one seed is one
// history, until the kill.
func (c crash) kills() func(awssim.Call) awssim.Fault {
	guard := 0
	return func(call awssim.Call) awssim.Fault {
		if strings.HasPrefix(call.Process, "guard-") {
			guard++
			if guard == c.guard {
				return awssim.Fault{KillBefore: !c.guardAfter, KillAfter: c.guardAfter}
			}
		}
		if call.Seq != c.call.Seq || call.Process != c.call.Process {
			return awssim.Fault{}
		}
		return awssim.Fault{KillBefore: !c.after, KillAfter: c.after}
	}
}

// wrong says what is not as it would be without the crash.
func (all *calm) wrong(w *world, c crash) []string {
	want := all.end[c.act]
	if c.act == killswitch.Resume {
		want = all.before
	}
	problems := differences(want, w.account.State())
	if errs := all.kept[c.act].differs(w.kept()); errs != nil {
		problems = append(problems, strings.Split(errors.Join(errs...).Error(), "\n")...)
	}
	return problems
}

// suspendedAt begins the reason that AWS notes for a suspension by a user.
const suspendedAt = "User suspended at "

// differences tells two states apart, but for what AWS itself changes at any stop and start, and for
// the time that is in the reason of a suspension.
func differences(want, is awssim.State) (all []string) {
	different, _ := awssim.Compare(want, is)
	for _, d := range different {
		was, when := strings.CutPrefix(d.Before, suspendedAt)
		if now, too := strings.CutPrefix(d.After, suspendedAt); when && too && len(was) == len(now) {
			continue
		}
		all = append(all, fmt.Sprintf("%s %s is %q, not %q", d.Resource, d.Field, d.After, d.Before))
	}
	return all
}
