package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/e2e/floor"
)

// What every run keeps to: 1.5 times the floor and 1.2 times the fewest calls.
const (
	mostTime  = 1.5
	mostCalls = 1.2
)

// figures is what one run is measured to be.
type figures struct {
	run      floor.Run
	accepted time.Duration
	observed time.Duration
	least    floor.Bound
	made     [3]int
	fewest   [3]int
	worst    [3]string // region, by column
	writes   int
}

func figuresOf(r floor.Run) figures {
	f := figures{run: r, observed: r.Ended.Sub(r.Began), least: r.Time()}
	for _, c := range r.Calls {
		switch {
		case c.Mutating && c.Service == "dynamodb":
			f.writes++
		case c.Mutating && c.Err == "":
			f.accepted = max(f.accepted, c.At.Sub(r.Began))
		}
	}
	made, fewest := r.Made(), r.Fewest()
	excess := [3]int{}
	for _, region := range slices.Sorted(maps.Keys(made)) {
		for i, n := range made[region].Columns() {
			least := fewest[region].Columns()[i]
			f.made[i] += n
			if over := n - least; over > excess[i] {
				excess[i], f.worst[i] = over, region
			}
		}
	}
	for _, n := range fewest {
		for i, least := range n.Columns() {
			f.fewest[i] += least
		}
	}
	return f
}

func ratio(a, b int) float64 { return float64(a) / float64(max(b, 1)) }

func (f figures) timeRatios() (accepted, observed float64) {
	return f.accepted.Seconds() / f.least.Accepted.Seconds(), f.observed.Seconds() / f.least.Observed.Seconds()
}

func (f figures) String() string {
	var out strings.Builder
	accepted, observed := f.timeRatios()
	line := func(what string, time, floor time.Duration, ratio float64, region string) {
		fmt.Fprintf(&out, "  %-17s %9.2fs  floor  %8.2fs  ratio %.2f  slowest region %s\n", what, time.Seconds(), floor.Seconds(), ratio, region)
	}
	line("last acceptance", f.accepted, f.least.Accepted, accepted, f.least.Slowest)
	line("all observed", f.observed, f.least.Observed, observed, f.least.Region)
	for i, column := range floor.Column {
		fmt.Fprintf(&out, "  %-17s %6d calls fewest %6d    ratio %.2f  worst region %s\n", column, f.made[i], f.fewest[i], ratio(f.made[i], f.fewest[i]), f.worst[i])
	}
	fmt.Fprintf(&out, "  %-17s %6d\n", "store writes", f.writes)
	return out.String()
}

// breaches names every column that exceeds its limit, and the region that is worst in it.
func (f figures) breaches() (all []string) {
	accepted, observed := f.timeRatios()
	check := func(what string, is, most float64, region string) {
		if is > most {
			all = append(all, fmt.Sprintf("%s: %.2f times the least, at most %.2f; worst region %s", what, is, most, region))
		}
	}
	if f.run.Act == "pause" { // a resume is measured to all observed
		check("time to the last acceptance", accepted, mostTime, f.least.Slowest)
	}
	check("time to all observed", observed, mostTime, f.least.Region)
	for i, column := range floor.Column {
		check("calls to "+column, ratio(f.made[i], f.fewest[i]), mostCalls, f.worst[i])
	}
	return all
}

func TestFigures(t *testing.T) {
	for _, fleet := range fleets {
		t.Run(fleet.name, func(t *testing.T) {
			used := spent(func() { measured(t, fleet.build, false) })
			for _, run := range measured(t, fleet.build, true) {
				f := figuresOf(run)
				fmt.Printf("%s %s\n%s", fleet.name, run.Act, f)
				for _, breach := range f.breaches() {
					t.Errorf("%s %s: %s", fleet.name, run.Act, breach)
				}
			}
			fmt.Printf("%s cost: CPU %.2f s, peak heap growth %.1f MiB (pause and resume)\n", fleet.name, used.cpu.Seconds(), float64(used.heap)/(1<<20))
		})
	}
}

// Figures that differ from run to run show nothing when they change.
func TestSameSeedSameFigures(t *testing.T) {
	print := func() (all string) {
		for _, run := range measured(t, fleets[0].build, true) {
			all += figuresOf(run).String()
		}
		return all
	}
	if once, again := print(), print(); once != again {
		t.Errorf("the same seed gave\n%sand then\n%s", once, again)
	}
}
