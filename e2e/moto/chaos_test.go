package moto_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	reports "aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// family is many histories of one kind of fault. Each has an account of its own, and all go on at
// once: they wait far more than they work.
type family struct {
	*testing.T
	mu         sync.Mutex
	counts     chaos.Counts
	violations int // histories that ended otherwise than they should

	first   string         // the name of the histories that take longest: the others let them begin
	seeding sync.WaitGroup // those of them that have not begun
}

// newFamily prints the family's line when the last history has ended. It counts what is named.
func newFamily(t *testing.T, name string, counts ...string) *family {
	f := &family{T: t}
	for _, what := range append([]string{"histories"}, counts...) {
		f.counts = append(f.counts, chaos.Count{What: what})
	}
	t.Cleanup(func() {
		if err := chaos.Report(name, f.counts, f.violations); err != nil {
			t.Error(err)
		}
	})
	return f
}

// count adds to one of the family's counts, and gives what it then is.
func (f *family) count(what string, n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.counts, func(c chaos.Count) bool { return c.What == what })
	f.counts[i].N += n
	return f.counts[i].N
}

// history is what happens to one account.
type history struct {
	*world
	family *family
	drawn  *rand.Rand
	wait   func()    // for those that begin first
	begun  func()    // says so to those that wait
	before described // the account when it was seeded
	store
}

// history runs one: number n of its name, in an account that begins with the digit. What is drawn
// for it depends on the seed, the name and the number alone, so that it can be run again by itself.
func (f *family) history(name, digit string, n int, happens func(*history)) {
	f.Run(fmt.Sprintf("%s-%d", name, n), func(t *testing.T) {
		wait, begun := f.seeding.Wait, func() {}
		if name == f.first {
			f.seeding.Add(1)
			wait, begun = func() {}, sync.OnceFunc(f.seeding.Done)
			t.Cleanup(begun) // also where it fails before
		}
		t.Parallel()
		defer f.end(t)
		stream := fnv.New64a()
		_, _ = fmt.Fprintf(stream, "%s %d", name, n) // never fails
		h := &history{
			world: newWorld(t, fmt.Sprintf("%s%011d", digit, n)), family: f,
			wait: wait, begun: begun,
			drawn: rand.New(rand.NewPCG(chaos.Seed(t), stream.Sum64())),
		}
		happens(h)
	})
}

// begin seeds the account, when it is its turn.
func (h *history) begin() {
	h.Helper()
	h.wait()
	defer h.begun()
	working <- true
	h.seed()
	<-working
	h.before = h.look()
}

// end counts a history, and says how to run one again that failed.
func (f *family) end(t *testing.T) {
	f.count("histories", 1)
	if !t.Failed() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.violations++
	t.Logf("replay: CHAOS=full %s", chaos.Replay("./e2e/moto", t.Name(), chaos.Seed(t)))
}

// working lets few histories at a time seed or describe their account. moto answers one call after
// the other: with all of them at it at once, the calls of the brake would wait for seconds.
var working = make(chan bool, 2)

// look describes the account.
func (h *history) look() described {
	h.Helper()
	working <- true
	defer func() { <-working }()
	return h.describe()
}

// originals are those of a snapshot and their parts, by what they are of and the order that they were
// recorded for.
func originals(s snapshots.Snapshot) map[string]string {
	all := map[string]string{}
	for _, shard := range s.Shards {
		for _, it := range shard.Items {
			name := fmt.Sprintf("%v of order %d", it.Resource.Ref, it.Order)
			all[name] = fmt.Sprintf("schema %d: %s", it.Original.Schema, it.Original.Data)
			for _, part := range it.Parts {
				all[name+", part "+part.Name] = string(part.Data)
			}
		}
	}
	return all
}

// kept says that the originals of an earlier look are there and as they were.
func (h *history) kept(earlier, now map[string]string) {
	h.Helper()
	for key, original := range earlier {
		if now[key] != original {
			h.Errorf("the original of %s was %q and is %q", key, original, now[key])
		}
	}
}

// recorded says that nothing of the account has been changed whose original is not in the snapshot.
func (h *history) recorded(s snapshots.Snapshot) {
	h.Helper()
	var known []string
	for _, shard := range s.Shards {
		for _, it := range shard.Items {
			known = append(known, describedAs(it.Resource)...)
		}
	}
	for path, change := range changed(h.before, h.look()) {
		if !slices.ContainsFunc(known, func(name string) bool { return strings.HasPrefix(path, name) }) {
			h.Errorf("%s has been changed, %s, and its original is not stored", path, change)
		}
	}
}

// describedAs are the beginnings of the paths under which describe has a resource.
func describedAs(r killswitch.Resource) []string {
	region, name := r.Ref.Region, cmp.Or(r.Name, r.Ref.ID)
	switch r.Ref.Kind {
	case killswitch.EC2Instance:
		return []string{region + " instance " + name + "."}
	case killswitch.AutoScalingGroup:
		return []string{region + " group " + name + ".", region + " instance " + name + "#"}
	case killswitch.RDSInstance:
		return []string{region + " database " + name + "."}
	case killswitch.RDSCluster:
		return []string{region + " cluster " + name + "."}
	case killswitch.ECSService:
		return []string{region + " service " + name[strings.LastIndex(name, "/")+1:] + ".", region + " target service/" + name + "."}
	}
	return nil
}

// isPaused compares the account with one that was paused undisturbed.
func (h *history) isPaused() {
	h.Helper()
	h.equal("what the pause changed", paused(), changed(h.before, h.look()))
	h.equal("phases when paused", and(phases("paused"), refusing, "cannot-pause"), phasesOf(h.whole()))
}

// isBack compares the account with what it was before.
func (h *history) isBack() {
	h.Helper()
	h.equal("what differs from before the pause", map[string]string{}, changed(h.before, h.look()))
	if s := h.whole(); s.Live != nil {
		h.Error("everything is back, and the snapshot is not closed")
	}
}

// whole gives the newest snapshot, of which `snapshots check` must have no complaint.
func (h *history) whole() snapshots.Snapshot {
	h.Helper()
	s, ok := h.newest()
	if !ok {
		h.Fatal("there is no snapshot")
	}
	said := h.run(h.variables, append([]string{"snapshots", "check", s.Header.Snapshot}, h.flags...)...)
	if said.code != 0 || !strings.Contains(said.talk, "is whole") {
		h.Errorf("snapshots check ends with code %d:\n%s%s", said.code, said.out, said.talk)
	}
	return s
}

// phasesOf are the resources of a snapshot by name, each with its phase.
func phasesOf(s snapshots.Snapshot) map[string]string {
	all := map[string]string{}
	for _, r := range reports.Of(s, boot.Declared()).Resources {
		all[fmt.Sprintf("%s %s %s", r.Region, r.Kind, cmp.Or(r.Name, r.ID))] = string(r.Phase)
	}
	return all
}
