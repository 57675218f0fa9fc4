package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// kept is what the store must hold of a pause, however it came about.
type kept struct {
	originals map[killswitch.Ref]string // the original and the order it was recorded for
	phases    map[killswitch.Ref]killswitch.Phase
	coverage  map[string]covered // by region and kind
}

// covered is a coverage without what depends on time.
type covered struct {
	Listed       bool
	Count, Items int
	Hash         string
	Verdicts     map[killswitch.Ref]killswitch.Phase
}

// kept reads what the store holds.
func (w *world) kept() kept {
	w.t.Helper()
	k := kept{originals: map[killswitch.Ref]string{}, phases: map[killswitch.Ref]killswitch.Phase{}, coverage: map[string]covered{}}
	for _, shard := range w.snapshot().Shards {
		for _, it := range shard.Items {
			k.originals[it.Resource.Ref] = fmt.Sprintf("order %d schema %d %s", it.Order, it.Original.Schema, it.Original.Data)
			k.phases[it.Resource.Ref] = it.State.Phase
		}
		for _, c := range shard.Coverage {
			k.coverage[shard.Region+" "+string(c.Kind)] = withoutTime(c)
		}
		for _, fault := range shard.Faults {
			w.t.Errorf("stored item %s %s: %s", fault.PK, fault.SK, fault.Why)
		}
	}
	return k
}

func withoutTime(c snapshots.Coverage) covered {
	verdicts := map[killswitch.Ref]killswitch.Phase{}
	for _, v := range c.Verdicts {
		verdicts[v.Resource.Ref] = v.Phase
	}
	return covered{c.Listed, c.Count, c.Items, c.Hash, verdicts}
}

// differs says what another store holds otherwise: originals lost or overwritten, ends that were not
// reached, kinds that were not listed whole.
func (k kept) differs(is kept) (problems []error) {
	for _, ref := range refsOf(k.originals, is.originals) {
		if diff := cmp.Diff(k.originals[ref], is.originals[ref]); diff != "" {
			problems = append(problems, fmt.Errorf("the original of %s is another (-undisturbed +is): %s", ref, diff))
		}
		if was, now := k.phases[ref], is.phases[ref]; was != now {
			problems = append(problems, fmt.Errorf("%s is %q, not %q", ref, now, was))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.coverage)) {
		if diff := cmp.Diff(k.coverage[name], is.coverage[name]); diff != "" {
			problems = append(problems, fmt.Errorf("the coverage of %s is another (-undisturbed +is): %s", name, diff))
		}
	}
	return problems
}

func refsOf(a, b map[killswitch.Ref]string) []killswitch.Ref {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.SortedFunc(maps.Keys(all), killswitch.Ref.Compare)
}
