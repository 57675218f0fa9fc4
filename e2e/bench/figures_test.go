package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/e2e/floor"
	"aws-hit-breaks/pkg/awssim"
)

// most is what every run keeps to.
var most = map[string]float64{
	"time to the last acceptance": 1.15,
	"time to all observed":        1.15,
	"seconds to the first stop":   3,
	"dollars burnt":               1.10,
	"calls to discover and act":   1.10,
	"calls to observe":            1.10,
	"calls to store":              1.10,
}

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

	// Of a pause.
	first   time.Duration // stop
	dollars floor.Dollars
}

func figuresOf(r floor.Run, dollars map[string]float64) figures {
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
	f.first, _ = r.FirstStop()
	f.dollars = r.Burnt(dollars)
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
	if f.run.Act == "pause" {
		fmt.Fprintf(&out, "  %-17s %9.2fs\n", "first stop", f.first.Seconds())
		fmt.Fprintf(&out, "  %-17s %9.4f$  at least  %7.4f$  ratio %.2f  %d of %d stopped resources have a price\n",
			"burnt", f.dollars.Burnt, f.dollars.Least, f.dollars.Burnt/f.dollars.Least, f.dollars.Priced, f.dollars.Stopped)
	}
	line("last acceptance", f.accepted, f.least.Accepted, accepted, f.least.Slowest)
	line("all observed", f.observed, f.least.Observed, observed, f.least.Region)
	for i, column := range floor.Column {
		fmt.Fprintf(&out, "  %-17s %6d calls fewest %6d    ratio %.2f  worst region %s\n", column, f.made[i], f.fewest[i], ratio(f.made[i], f.fewest[i]), f.worst[i])
	}
	fmt.Fprintf(&out, "  %-17s %6d\n", "store writes", f.writes)
	fmt.Fprintf(&out, "  %-17s %6d calls after runs, %d ticks of the guard\n", "for reports", len(f.run.Reporting), f.run.Ticks)
	return out.String()
}

// breaches names every column that exceeds its limit, and the region that is worst in it.
func (f figures) breaches(fleet string) (all []string) {
	accepted, observed := f.timeRatios()
	check := func(what string, is float64, region string) {
		if is > most[what] {
			all = append(all, fmt.Sprintf("%s %s: %s: %.2f, at most %.2f; worst region %s", fleet, f.run.Act, what, is, most[what], region))
		}
	}
	if f.run.Act == "pause" { // a pause is measured to its last acceptance, a resume to all observed
		check("time to the last acceptance", accepted, f.least.Slowest)
		check("seconds to the first stop", f.first.Seconds(), "")
		check("dollars burnt", f.dollars.Burnt/f.dollars.Least, "")
	} else {
		check("time to all observed", observed, f.least.Region)
	}
	for i, column := range floor.Column {
		check("calls to "+column, ratio(f.made[i], f.fewest[i]), f.worst[i])
	}
	return all
}

// fleets are what is measured.
var fleets = []struct {
	name string
	fill func(*awssim.Account)
}{
	{"startup", awssim.Startup},
	{"scaleup", awssim.Scaleup},
	{"enterprise", awssim.Enterprise},
}

func TestFigures(t *testing.T) {
	var names []string
	all := map[string][]figures{}
	for _, fleet := range fleets {
		t.Run(fleet.name, func(t *testing.T) {
			names, all[fleet.name] = append(names, fleet.name), measured(t, fleet.fill)
			for _, f := range all[fleet.name] {
				fmt.Printf("%s %s\n%s", fleet.name, f.run.Act, f)
				for _, breach := range f.breaches(fleet.name) {
					t.Error(breach)
				}
			}
		})
	}
	document(t, "figures", table(names, all))
}

// Figures that differ from run to run show nothing when they change.
func TestSameSeedSameFigures(t *testing.T) {
	for _, fleet := range fleets[:2] {
		print := func() (all string) {
			for _, f := range measured(t, fleet.fill) {
				all += f.String()
			}
			return all
		}
		if once, again := print(), print(); once != again {
			t.Errorf("%s: the same seed gave\n%sand then\n%s", fleet.name, once, again)
		}
	}
}
