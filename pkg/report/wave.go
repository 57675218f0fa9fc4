package report

import (
	"cmp"
	"slices"

	"aws-hit-breaks/pkg/killswitch"
)

// Wave is a step that a plan would take, of the resources of a kind.
type Wave struct {
	Want   killswitch.Want `json:"want"`  // what the step brings nearer
	Number int             `json:"wave"`  // its place in the order, counted from 1; a pause and a resume count by themselves
	Step   string          `json:"step"`  // what would be done
	Kind   killswitch.Kind `json:"kind"`  // to what
	Count  int             `json:"count"` // to how many at most: each as far as it needs it
}

// planned says which steps a resource of a plan may still take, as its kind declares them: from its first
// on or, where it has to be waited for, all towards what is wanted. Nothing else has any.
func (w writer) planned(r Resource) (steps []killswitch.Step) {
	var want killswitch.Want
	switch r.Phase {
	case killswitch.WouldPause:
		want = killswitch.WantPaused
	case killswitch.WouldResume:
		want = killswitch.WantResumed
	default:
		return nil
	}
	first := 0
	for _, step := range w.declared[r.Kind].Steps {
		if step.Want == want && step.Name == r.Step {
			first = step.Wave
		}
	}
	for _, step := range w.declared[r.Kind].Steps {
		if step.Want == want && step.Wave >= first {
			steps = append(steps, step)
		}
	}
	return steps
}

// waves says in which order a plan would be carried out, and notes at each resource the wave in which it
// has its first step.
func (w writer) waves(resources []Resource) []Wave {
	counts := map[Wave]int{}
	for i, r := range resources {
		for _, step := range w.planned(r) {
			if at := &resources[i].Wave; *at == 0 || step.Wave < *at {
				*at = step.Wave
			}
			counts[Wave{Want: step.Want, Number: step.Wave, Step: step.Name, Kind: r.Kind}]++
		}
	}
	var all []Wave
	for wave, n := range counts {
		wave.Count = n
		all = append(all, wave)
	}
	slices.SortFunc(all, func(a, b Wave) int {
		return cmp.Or(cmp.Compare(a.Want, b.Want), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(w.place(a), w.place(b)))
	})
	return all
}

// place is where the kind declares a step among its others: in the order in which it takes them.
func (w writer) place(of Wave) int {
	return slices.IndexFunc(w.declared[of.Kind].Steps, func(s killswitch.Step) bool { return s.Want == of.Want && s.Name == of.Step })
}
