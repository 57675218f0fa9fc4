package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/awssim"
)

// TestOneSeedIsOneHistory runs the same pause and resume fifty times: every run must make the same
// calls in the same order at the same virtual instant.
func TestOneSeedIsOneHistory(t *testing.T) {
	var first []string
	for n := range 50 {
		var trace []string
		synctest.Test(t, func(t *testing.T) {
			newWorld(t, options{seed: 21, build: small}, func(w *world) {
				w.pause()
				w.resume()
				for _, c := range w.account.Trace() {
					trace = append(trace, c.String())
				}
			})
		})
		if n == 0 {
			first = trace
			continue
		}
		for i := range min(len(first), len(trace)) {
			if first[i] != trace[i] {
				t.Fatalf("run %d differs from the first at call %d:\n%s\n%s", n+1, i+1, first[i], trace[i])
			}
		}
		if len(first) != len(trace) {
			t.Fatalf("run %d made %d calls, the first %d", n+1, len(trace), len(first))
		}
	}
}

// TestRandomAccountsTwice: pause, pause, resume is pause, resume, and nothing that was stopped is started.
func TestRandomAccountsTwice(t *testing.T) {
	onRandomAccounts(t, func(w *world) { thereAndBack(w, 2) })
}

// onRandomAccounts draws accounts of every awkward case.
func onRandomAccounts(t *testing.T, do func(w *world)) {
	rapid.Check(t, func(rt *rapid.T) { onRandomAccount(rt, nil, do) })
}

func onRandomAccount(rt *rapid.T, fault func(awssim.Call) awssim.Fault, do func(w *world)) {
	seed := rapid.Uint64Range(1, 1<<20).Draw(rt, "seed")
	draws := 0
	build := func(a *awssim.Account) {
		awssim.Random(a, func(n int) int {
			draws++
			return rapid.IntRange(0, n-1).Draw(rt, fmt.Sprint("draw", draws))
		})
	}
	rapid.SyncTest(rt, func(rt *rapid.T) { newWorld(rt, options{seed: seed, build: build, fault: fault}, do) })
}

func thereAndBack(w *world, pauses int) {
	before := w.account.State()
	live := false
	for range pauses {
		live = w.pause().Live != nil
	}
	if live { // where nothing could be paused the snapshot is closed at once
		w.resume()
	}
	w.wantRestored(before)
	for _, c := range w.mutations(0) {
		if !strings.Contains(c.Operation, "Start") || c.Err != "" {
			continue
		}
		for _, id := range c.Targets {
			for name, fields := range before {
				if strings.HasPrefix(name, c.Region+" ") && strings.HasSuffix(name, " "+id) &&
					slices.Contains([]string{fields["State"], fields["Status"]}, "stopped") {
					w.t.Errorf("%s starts %s, which was stopped before", c, name)
				}
			}
		}
	}
}
