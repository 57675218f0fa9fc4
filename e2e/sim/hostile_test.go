package sim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// hostile is one history: an account in which everything that AWS and people do to a brake is done to
// it, while orders are given and the guard ticks.
type hostile struct {
	*world
	weather  weather
	first    awssim.State
	guarded  map[string]bool // what was protected then
	families families
	orders   []given
	forced   bool // some resume was by force
	deleted  []string
	mending  []func()
	done     int
	steps    int
	planned  int

	mu         sync.Mutex
	violations []string
	bodies     map[string]string      // of stored originals, by key
	back       map[string][]time.Time // when a resource was said to be resumed, or gone
	backs      map[int][]string       // and the calls, by number, that would make it durable
	ran        map[string]bool        // what was ever seen running
	disturbed  map[string]time.Time   // by family: when something last happened to it
	excused    map[string]bool        // by family: what was done to it need not be undone
}

// given is an order, and what was protected when it was given.
type given struct {
	killswitch.Order
	protected map[string]bool
}

// hostileRegions are enough for a brake to have neighbours.
var hostileRegions = []string{"eu-west-1", "us-east-1"}

// TestChaosHostile draws small accounts and histories: orders, what people do, what AWS does, and
// faults of its calls. The promises are held after every step, with the faults on. At the end of a
// history the faults end, everything is ordered back, and it is back, or reported with the reason.
func TestChaosHostile(t *testing.T) {
	t.Parallel() // its histories come one after the other
	counts := map[string]int{}
	faults := map[string]int{}
	violations, whole := 0, chaos.Depth(100, 1500)
	defer func() {
		injected, counted := 0, chaos.Counts{}
		for _, what := range weathers() {
			injected += faults[what]
			counted = append(counted, chaos.Count{What: what, N: faults[what]})
		}
		if missed := thin(faults); len(missed) > 0 && counts["histories"] >= whole && chaos.Seed(t) == 1 {
			t.Errorf("the histories were never through %q", missed)
		}
		told(t, "hostile", append(chaos.Counts{
			{What: "histories", N: counts["histories"]}, {What: "steps", N: counts["steps"]}, {What: "deeds", N: counts["deeds"]},
			{What: "dry runs", N: counts["dry runs"]}, {What: "calls", N: counts["calls"]}, {What: "faults", N: injected},
		}, counted...), violations)
	}()
	first := chaos.Seed(t)
	for seed := first; seed < first+uint64(whole) && violations == 0; seed++ {
		history := func(t *testing.T) {
			drawFrom(t, seed, 8)
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64Range(1, 1<<20).Draw(rt, "seed")
				rapid.SyncTest(rt, func(rt *rapid.T) {
					h := inHistory(rt, seed)
					counts["histories"]++
					counts["steps"] += h.steps
					counts["deeds"] += len(h.disturbed)
					counts["dry runs"] += h.planned
					counts["calls"] += len(h.account.Trace())
					for what, n := range h.weather.blown {
						faults[what] += n
					}
				})
			})
		}
		if !t.Run(fmt.Sprint(seed), history) {
			violations++
			t.Logf("replay: %s", chaos.Replay("./e2e/sim", fmt.Sprintf("%s/%d", t.Name(), seed), seed))
		}
	}
}

// drawFrom sets rapid up for one history of so many steps that is drawn from the seed. A history has
// a seed of its own, so that it is run again without those before it. Where one fails, rapid looks
// for a shorter one.
func drawFrom(t *testing.T, seed uint64, steps int) {
	t.Helper()
	for name, value := range map[string]string{
		"rapid.checks": "1", "rapid.steps": fmt.Sprint(steps), "rapid.seed": fmt.Sprint(seed),
	} {
		given := flag.Lookup(name)
		was := given.Value.String()
		if err := given.Value.Set(value); err != nil {
			t.Fatalf("set -%s: %v", name, err)
		}
		t.Cleanup(func() { _ = given.Value.Set(was) })
	}
}

// inHistory draws one history and goes through it.
func inHistory(rt *rapid.T, seed uint64) *hostile {
	h := &hostile{
		weather:  weather{pages: map[string]int{}, blown: map[string]int{}, turn: int(seed)},
		families: families{}, bodies: map[string]string{}, back: map[string][]time.Time{}, backs: map[int][]string{}, ran: map[string]bool{},
		disturbed: map[string]time.Time{}, excused: map[string]bool{},
	}
	pausing := map[int]bool{}
	draws := 0
	lag := rapid.SampledFrom([]time.Duration{0, pace.Lag - 100*time.Millisecond}).Draw(rt, "read lag")
	short := rapid.SampledFrom([]int{1, 0, 2}).Draw(rt, "short pages")
	o := options{
		seed: seed, regions: hostileRegions, shortPages: short, readLag: lag,
		build: func(a *awssim.Account) {
			awssim.Random(a, func(n int) int {
				draws++
				if draws > 1 {
					return rapid.IntRange(0, n-1).Draw(rt, fmt.Sprint("draw", draws))
				}
				most := min(n, 12) // how many resources: few alone would have few pages
				return (int(seed) + rapid.IntRange(0, most-1).Draw(rt, "draw1")) % most
			})
		},
		fault: func(c awssim.Call) awssim.Fault {
			if !ours(c) || h.world == nil {
				return awssim.Fault{}
			}
			if c.Mutating && c.Service != "dynamodb" {
				pausing[c.Seq] = takesAway(c)
			}
			h.endless(c)
			h.noteBacks(c)
			return h.belated(c, h.weather.of(c))
		},
	}
	newWorld(rt, o, func(w *world) {
		h.world, w.on = w, h.heard
		h.begin()
		h.weather.draw(rt, 1)
		rt.Repeat(h.stepsOf(rt, pausing))
		h.end(pausing)
		h.tell()
	})
	return h
}

// mostCalls is beyond what any history makes that ends.
const mostCalls = 30_000

// endless ends a history that does not end by itself: the account hangs up, so that every run fails.
func (h *hostile) endless(c awssim.Call) {
	if c.Seq < mostCalls {
		return
	}
	h.violated("P3", "a run does not come to an end: %s after %d calls", c.Action(), c.Seq)
	h.account.Shutdown()
}

// begin remembers the account as it is before anything happens.
func (h *hostile) begin() {
	h.first = h.account.State()
	h.look()
	h.guarded = guarded(h.first, h.protected())
}

// look takes in what is there and what runs.
func (h *hostile) look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	state := h.account.State()
	h.families.learn(state)
	for name, fields := range state {
		if fields["State"] == "running" || fields["State"] == "pending" || runs(name, fields, state) {
			h.ran[name] = true
		}
	}
}

// stepsOf are the steps of a history, and what holds after each.
func (h *hostile) stepsOf(rt *rapid.T, pausing map[int]bool) map[string]func(*rapid.T) {
	step := func(do func(*rapid.T)) func(*rapid.T) {
		return func(rt *rapid.T) {
			do(rt)
			h.steps++
		}
	}
	return map[string]func(*rapid.T){
		"pause":       step(func(rt *rapid.T) { h.give(rt, killswitch.Pause) }),
		"pause again": step(func(rt *rapid.T) { h.give(rt, killswitch.Pause) }),
		"resume":      step(func(rt *rapid.T) { h.give(rt, killswitch.Resume) }),
		"guard": step(func(rt *rapid.T) {
			minutes := rapid.IntRange(1, 45).Draw(rt, "minutes")
			h.meanwhile(rt, func() { h.ticks(time.Duration(minutes) * time.Minute) })
		}),
		"weather": step(func(rt *rapid.T) { h.weather.draw(rt, 1) }),
		"calm":    step(func(*rapid.T) { h.weather.rules = nil }),
		"dry run": step(func(rt *rapid.T) { h.dryRun(h.drawScope(rt)) }),
		"deed":    step(func(rt *rapid.T) { h.perform(h.drawAct(rt)) }),
		"again": step(func(rt *rapid.T) {
			if len(h.deleted) == 0 || !h.recreate(rapid.SampledFrom(h.deleted).Draw(rt, "deleted")) {
				rt.Skip("nothing to create again")
			}
		}),
		"": func(*rapid.T) {
			h.hold(pausing)
			h.tell()
		},
	}
}

// tell fails the history with what it violated.
func (h *hostile) tell() {
	if len(h.violations) > 0 {
		h.t.Fatalf("%d promises broken:\n%s", len(h.violations), strings.Join(h.violations[:min(8, len(h.violations))], "\n"))
	}
}

// give gives an order and stays until it is done, while people go about their affairs.
func (h *hostile) give(rt *rapid.T, what killswitch.Act) {
	order := killswitch.Order{Act: what, Scope: h.drawScope(rt), At: time.Now()}
	order.Force = what == killswitch.Resume && rapid.IntRange(0, 4).Draw(rt, "force") == 4
	h.meanwhile(rt, func() { h.carryOut(order) })
}

// carryOut is an order from somebody at a terminal, who stays.
func (h *hostile) carryOut(order killswitch.Order) {
	order.At = time.Now()
	protected := guarded(h.account.State(), h.protected())
	p := h.start(string(order.Act))
	request := engine.Request{Act: order.Act, Scope: order.Scope, Actor: "operator", At: order.At, Force: order.Force}
	_, err := p.engine.Order(context.Background(), request)
	if err != nil && h.weather.ofStore() { // whoever gives it sees that it failed, and gives it again when the store works
		h.weather.mendStore()
		_, err = p.engine.Order(context.Background(), request)
	}
	if errors.Is(err, engine.ErrNothingLive) {
		return
	}
	if err != nil {
		h.tell()
		h.t.Fatalf("give the %s order: %v", order.Act, err)
	}
	h.orders = append(h.orders, given{order, protected})
	h.forced = h.forced || order.Force
	_, err = p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
	if err != nil && !h.weather.ofStore() {
		h.tell()
		h.t.Fatalf("%s: %v", order.Act, err)
	}
}

// drawScope draws what an order is about. Everything is the smallest draw.
func (h *hostile) drawScope(rt *rapid.T) killswitch.Scope {
	switch rapid.IntRange(0, 7).Draw(rt, "scope") {
	case 4:
		return killswitch.Scope{Regions: []string{rapid.SampledFrom(hostileRegions).Draw(rt, "region")}}
	case 5:
		return killswitch.Scope{Services: []string{rapid.SampledFrom([]string{"ec2", "autoscaling", "rds", "ecs"}).Draw(rt, "service")}}
	case 6:
		return killswitch.Scope{Tags: []string{rapid.SampledFrom([]string{"env=dev", "env=prod"}).Draw(rt, "tag")}}
	case 7:
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(h.first)), func(name string) bool {
			_, kind, _ := parts(name)
			return kindOfWord(kind) == ""
		})
		if len(names) > 0 {
			_, _, id := parts(rapid.SampledFrom(names).Draw(rt, "id"))
			return killswitch.Scope{IDs: []string{id}}
		}
	}
	return killswitch.Scope{}
}

// meanwhile lets up to two deeds be done while something runs.
func (h *hostile) meanwhile(rt *rapid.T, run func()) {
	acts := make([]act, rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(rt, "deeds meanwhile"))
	for i := range acts {
		acts[i] = h.drawAct(rt)
	}
	var people sync.WaitGroup
	for i, a := range acts {
		people.Go(func() {
			time.Sleep(a.after + time.Duration(i))
			h.perform(a)
		})
	}
	run()
	people.Wait()
}
