package report_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/report/reporttest"
	"aws-hit-breaks/snapshots"
)

// product is one that a list of prices of the tests has under its name.
func product(name string) killswitch.Product {
	return killswitch.Product{Service: name}
}

func priceOf(p killswitch.Product) (float64, bool) {
	dollars, ok := map[string]float64{"machine": 0.5, "disk": 0.125, "gold": math.Inf(1), "debt": -1, "nothing": math.NaN()}[p.Service]
	return dollars, ok
}

// using gives an item what it uses: machine is what it costs while it runs, disk what it keeps.
func using(it killswitch.Item, names ...string) killswitch.Item {
	for _, name := range names {
		it.Resource.Uses = append(it.Resource.Uses, killswitch.Usage{Product: product(name), Quantity: 2, Kept: name == "disk"})
	}
	return it
}

func TestPhasesAndSums(t *testing.T) {
	volume := killswitch.Residual{Ref: ref(here, killswitch.Volume, "vol-1"), Uses: []killswitch.Usage{{Product: product("disk"), Quantity: 8}}}
	tests := map[string]struct {
		phase     killswitch.Phase
		want      killswitch.Want
		residuals []killswitch.Residual
		totals    report.Totals
		unknown   int
	}{
		"what runs can be saved, but for its disk":       {phase: killswitch.Running, totals: report.Totals{Running: 1.25, Saved: 1, Kept: 0.25}},
		"a plan saves what it would pause":               {phase: killswitch.WouldPause, totals: report.Totals{Running: 1.25, Saved: 1, Kept: 0.25}},
		"what is paused runs no more":                    {phase: killswitch.Paused, totals: report.Totals{Saved: 1, Kept: 0.25}},
		"what a plan would resume is paused as yet":      {phase: killswitch.WouldResume, totals: report.Totals{Saved: 1, Kept: 0.25}},
		"what is on its way is not saved before it is":   {phase: killswitch.Pausing, totals: report.Totals{Running: 1.25}},
		"what was resumed runs":                          {phase: killswitch.Resumed, totals: report.Totals{Running: 1.25}},
		"what is protected goes on":                      {phase: killswitch.Protected, totals: report.Totals{Running: 1.25, Kept: 1.25}},
		"what cannot be paused goes on":                  {phase: killswitch.Unpausable, totals: report.Totals{Running: 1.25, Kept: 1.25}},
		"a pause that was refused saves nothing":         {phase: killswitch.Failed, want: killswitch.WantPaused, totals: report.Totals{Running: 1.25, Kept: 1.25}},
		"a resume that was refused leaves it paused":     {phase: killswitch.Failed, want: killswitch.WantResumed, totals: report.Totals{Saved: 1, Kept: 0.25}},
		"what is gone costs nothing":                     {phase: killswitch.Gone},
		"whether it runs is not known, once it drifted":  {phase: killswitch.Drifted, unknown: 1},
		"nor once somebody has given it up":              {phase: killswitch.GivenUp, unknown: 1},
		"what has no pause is kept whatever else is so":  {phase: killswitch.Paused, residuals: []killswitch.Residual{volume}, totals: report.Totals{Saved: 1, Kept: 1.25}},
		"a residual that uses what has no price is told": {phase: killswitch.Gone, residuals: []killswitch.Residual{{Uses: []killswitch.Usage{{Product: product("odd")}}}}, unknown: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			order := alarmed
			if test.want == killswitch.WantResumed {
				order.Act = killswitch.Resume
			}
			r := report.Of(live([]killswitch.Order{order}, listed(1), using(at(1, test.phase, "i-1"), "machine", "disk")), declared)
			r.Keeps(test.residuals, nil)
			r.Priced(priceOf, nil)
			if diff := cmp.Diff(test.totals, r.Summary.Cost.Totals); diff != "" {
				t.Error(diff)
			}
			if r.Summary.Cost.Unknown != test.unknown {
				t.Errorf("%d of unknown cost, want %d", r.Summary.Cost.Unknown, test.unknown)
			}
		})
	}
}

func TestWhatIsNotKnownIsNoNumber(t *testing.T) {
	dollars := func(d float64) *float64 { return &d }
	s := live([]killswitch.Order{alarmed}, listed(1), at(1, killswitch.Paused, "i-1"),
		using(at(1, killswitch.Paused, "i-2"), "machine", "odd", "disk"), using(at(1, killswitch.Paused, "i-3"), "gold"),
		using(at(1, killswitch.Paused, "i-4"), "debt"), using(at(1, killswitch.Paused, "i-5"), "nothing"))
	s.Shards[0].Faults = []snapshots.Fault{{SK: "original", Ref: ref(here, killswitch.EC2Instance, "i-6"), Why: "missing"}}
	r := report.Of(s, declared)
	if r.HasPrices() || r.Resources[0].Cost != nil || r.Summary.Cost != (report.CostSummary{}) {
		t.Errorf("before prices are looked up: %v, %+v, %+v", r.HasPrices(), r.Resources[0].Cost, r.Summary.Cost)
	}
	r.Priced(priceOf, nil)
	got := map[string]report.Cost{}
	for _, resource := range r.Resources {
		got[resource.ID] = *resource.Cost
	}
	none := func(product string) report.Cost {
		return report.Cost{Rate: report.Rate{Why: "no list price is known for " + product + "//"}, Residual: dollars(0)}
	}
	odd := none("odd")
	odd.Residual = dollars(0.25)
	want := map[string]report.Cost{
		"i-1": {Rate: report.Rate{Hourly: dollars(0), Daily: dollars(0), Monthly: dollars(0)}, Residual: dollars(0)},
		"i-2": odd, "i-3": none("gold"), "i-4": none("debt"), "i-5": none("nothing"),
		"i-6": {Rate: report.Rate{Why: "what it uses cannot be read"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !r.HasPrices() || r.Summary.Cost.Unknown != 5 {
		t.Errorf("has prices: %v; %d of unknown cost, want 5", r.HasPrices(), r.Summary.Cost.Unknown)
	}
}

// TestProperty11FiguresAreExactMultiples is half of "cost accuracy": a day and a month are exact
// multiples of the hour, everywhere; and a discovery's costs are what a pause saves and what goes on.
func TestProperty11FiguresAreExactMultiples(t *testing.T) {
	exact := func(t *rapid.T, what string, r report.Rate) {
		if r.Hourly == nil {
			if r.Daily != nil || r.Monthly != nil {
				t.Fatalf("%s: a day or a month without an hour", what)
			}
			return
		}
		if *r.Daily != *r.Hourly*24 || *r.Monthly != *r.Hourly*730 {
			t.Fatalf("%s: $%v an hour, $%v a day, $%v a month", what, *r.Hourly, *r.Daily, *r.Monthly)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r := reporttest.Report().Draw(t, "report")
		running, residuals := 0.0, r.LeftOut.Hourly
		discovery := rapid.Bool().Draw(t, "discovery")
		if discovery {
			for i := range r.Resources {
				r.Resources[i].Phase = []killswitch.Phase{killswitch.Running, killswitch.Protected, killswitch.Unpausable}[i%3]
			}
			r.Unlisted("denied") // counts anew
		}
		for _, resource := range r.Resources {
			if resource.Cost != nil {
				exact(t, resource.ID, resource.Cost.Rate)
			}
			if resource.Cost != nil && resource.Cost.Hourly != nil {
				running += *resource.Cost.Hourly
			}
		}
		for _, residual := range r.Residuals {
			exact(t, residual.ID, residual.Rate)
			if residual.Hourly != nil {
				residuals += *residual.Hourly
			}
		}
		c := r.Summary.Cost
		for hours, totals := range map[float64]report.Totals{24: c.Daily, 730: c.Monthly} {
			want := report.Totals{Running: c.Running * hours, Saved: c.Saved * hours, Kept: c.Kept * hours}
			if diff := cmp.Diff(want, totals); diff != "" {
				t.Fatalf("%v hours: %s", hours, diff)
			}
		}
		if discovery && math.Abs(running+residuals-c.Saved-c.Kept) > 1e-9*math.Max(1, running+residuals) {
			t.Fatalf("everything costs $%v an hour, of which $%v are saved and $%v go on", running+residuals, c.Saved, c.Kept)
		}
	})
}

func TestDollars(t *testing.T) {
	for amount, want := range map[float64]string{
		0: "$0", 0.0416: "$0.0416", 0.99999: "$1.00", 1: "$1.00", 12.345: "$12.35", 999.99: "$999.99", 999.999: "$1,000",
		1234.5: "$1,234", 1234567: "$1,234,567", 123456: "$123,456",
	} {
		if got := report.Dollars(amount); got != want {
			t.Errorf("%v is written %s, want %s", amount, got, want)
		}
	}
	if got := report.Figure(nil); got != "unknown" {
		t.Errorf("what is not known is written %s", got)
	}
}

func TestWordsOfCosts(t *testing.T) {
	both := []killswitch.Order{alarmed, resumed}
	for name, test := range map[string]struct {
		orders []killswitch.Order
		phase  killswitch.Phase
		saved  string
	}{
		"a discovery":          {both[:1], killswitch.Running, "saved by a pause"},
		"a plan of a pause":    {both[:1], killswitch.WouldPause, "saved by a pause"},
		"a plan of a resume":   {both, killswitch.WouldResume, "saved until a resume"},
		"how a pause ended":    {both[:1], killswitch.Paused, "saved by the pause"},
		"one is of no account": {both[:1], killswitch.Failed, "saved by the pause"},
	} {
		t.Run(name, func(t *testing.T) {
			r := report.Of(live(test.orders, listed(1), using(at(1, test.phase, "i-1"), "machine")), declared)
			r.Priced(priceOf, nil)
			if got := r.Bills()[1].What; got != test.saved {
				t.Errorf("got %q, want %q", got, test.saved)
			}
		})
	}
	r := report.Of(live(both[:1], listed(1), using(at(1, killswitch.Paused, "i-1"), "machine", "disk"), using(at(1, killswitch.Paused, "i-2"), "odd")), declared)
	r.Priced(priceOf, nil)
	want := []report.Bill{
		{What: "running"}, {What: "saved by the pause", Hourly: 1, Daily: 24, Monthly: 730},
		{What: "goes on to cost", Hourly: 0.25, Daily: 6, Monthly: 182.5},
	}
	if diff := cmp.Diff(want, r.Bills()); diff != "" {
		t.Error(diff)
	}
	if got, want := strings.Join(r.Terms(), " "), "List prices, without Savings Plans, credits or free tier. Not in the sums: 1 resource of unknown cost: no list price is known for odd//."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSavedBy(t *testing.T) {
	a := using(at(1, killswitch.Paused, "i-1"), "machine", "disk")
	b, c := a, using(at(1, killswitch.Protected, "i-9"), "machine")
	b.Resource.Ref.ID, b.Resource.Ref.Kind = "db", killswitch.RDSInstance
	r := report.Of(live([]killswitch.Order{alarmed}, listed(1), a, b, c), declared)
	if got := r.SavedBy(func(r report.Resource) string { return r.Region }); got != nil {
		t.Errorf("without prices: %v", got)
	}
	r.Priced(priceOf, nil)
	got := r.SavedBy(func(r report.Resource) string { return r.Kind.Service() })
	want := []report.Share{{Name: "ec2", Saved: 1}, {Name: "rds", Saved: 1}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Error(diff)
	}
}

// TestWhyCostsAreUnknown: a human reads one sentence for many resources.
func TestWhyCostsAreUnknown(t *testing.T) {
	stored := live([]killswitch.Order{alarmed}, listed(1), using(at(1, killswitch.Paused, "i-1"), "odd"), using(at(1, killswitch.Paused, "i-2"), "odd"),
		using(at(1, killswitch.Paused, "i-3"), "strange"), using(at(1, killswitch.Gone, "i-4"), "odd"))
	r := report.Of(stored, declared)
	volume := killswitch.Residual{Ref: ref(here, killswitch.Volume, "vol-1"), Uses: []killswitch.Usage{{Product: product("odd")}}}
	own := killswitch.Residual{Ref: ref(here, killswitch.EC2Instance, "i-1"), Uses: []killswitch.Usage{{Product: product("disk")}}}
	r.Keeps([]killswitch.Residual{volume, own}, []report.UnlistedResidual{
		{Region: "us-east-1", What: "volumes", Reason: "denied"}, {Region: "eu-west-1", What: "volumes", Reason: "denied"},
	})
	r.Priced(priceOf, func(p killswitch.Product) string { return map[string]string{"odd": "AWS is silent."}[p.Service] })
	want := []string{
		"List prices, without Savings Plans, credits or free tier.",
		"Not in the sums: 4 resources of unknown cost: AWS is silent (3); no list price is known for strange// (1).",
		"Not listed, of what has no pause: 2 kinds in a region: denied.",
	}
	if diff := cmp.Diff(want, r.Terms()); diff != "" {
		t.Error(diff)
	}
	if len(r.Residuals) != 1 || r.UnlistedResiduals[0].Region != "eu-west-1" {
		t.Errorf("the disk of what is a resource already is no residual, and regions are in order: %+v, %+v", r.Residuals, r.UnlistedResiduals)
	}
	var figures []string
	for _, b := range r.Bills() {
		figures = append(figures, b.Figures()[0])
	}
	if diff := cmp.Diff([]string{"$0", "unknown", "unknown"}, figures); diff != "" {
		t.Errorf("nothing runs, and of nothing else anything is known: %s", diff)
	}
}

// TestWhatCameWithItsDollarsKeepsThem: JSON has the dollars and not what they are computed from.
func TestWhatCameWithItsDollarsKeepsThem(t *testing.T) {
	r := report.Of(live([]killswitch.Order{alarmed}, listed(1), using(at(1, killswitch.Paused, "i-1"), "machine", "disk")), declared)
	r.Keeps([]killswitch.Residual{{Ref: ref(here, killswitch.Volume, "vol-1"), Uses: []killswitch.Usage{{Product: product("disk"), Quantity: 8}}}}, nil)
	r.Priced(priceOf, nil)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again report.Report
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	again.Priced(func(killswitch.Product) (float64, bool) { return 7, true }, nil)
	if diff := cmp.Diff(r.Summary.Cost, again.Summary.Cost); diff != "" {
		t.Error(diff)
	}
}

// TestShortenLeavesTheDearest: of those that cost the same the first, and the sums are those of all.
func TestShortenLeavesTheDearest(t *testing.T) {
	r := report.Empty(account)
	var all []killswitch.Residual
	for i, quantity := range []float64{1, 8, 2, 8, 2, 2} {
		all = append(all, killswitch.Residual{
			Ref: ref(here, killswitch.Volume, string(rune('a'+i))), Uses: []killswitch.Usage{{Product: product("disk"), Quantity: quantity, Kept: true}},
		})
	}
	all = append(all, killswitch.Residual{Ref: ref(here, killswitch.Volume, "u"), Uses: []killswitch.Usage{{Product: product("odd"), Quantity: 9, Kept: true}}})
	r.Keeps(all, nil)
	r.Priced(priceOf, nil)
	before := r.Summary.Cost
	out := r.Shorten(4)
	var left string
	for _, x := range r.Residuals {
		left += x.ID
	}
	disk, _ := priceOf(product("disk"))
	if out != 3 || left != "bcde" || r.LeftOut != (report.LeftOut{Count: 3, Hourly: 3 * disk, Unknown: 1}) {
		t.Errorf("%d are out, left is %s, and %+v is left out", out, left, r.LeftOut)
	}
	if r.Shorten(4) != 0 || len(r.Residuals) != 4 {
		t.Error("what is short enough was shortened")
	}
	want := r.MoreResiduals()
	r.Shorten(2) // what is left out twice adds up
	if out := (report.LeftOut{Count: 5, Hourly: 7 * disk, Unknown: 1}); r.LeftOut != out {
		t.Errorf("%+v is left out, want %+v", r.LeftOut, out)
	}
	if got := "and 3 more that cost less, in the sums alone: " + report.Dollars(3*disk) + " an hour, and 1 of unknown cost"; want != got {
		t.Errorf("%q, want %q", want, got)
	}
	same := func(name string, r report.Report) {
		t.Helper()
		if got := r.Summary.Cost; math.Abs(got.Kept-before.Kept) > 1e-9 || got.Unknown != before.Unknown || got.Daily.Kept != 24*got.Kept {
			t.Errorf("%s: the sums are %+v, want %+v", name, got, before)
		}
		if bills := r.Bills(); bills[2].Unknown || !strings.Contains(strings.Join(r.Terms(), " "), "Not in the sums: 1 resource of unknown cost: it is not listed here") {
			t.Errorf("%s: %+v %q", name, bills[2], r.Terms())
		}
	}
	same("shortened", r)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var answered report.Report
	if err := json.Unmarshal(text, &answered); err != nil {
		t.Fatal(err)
	}
	answered.Priced(priceOf, nil) // as who gets the answer does
	same("answered, and priced again", answered)
	seen := report.Empty(account) // the store knows of no residuals
	seen.KeepsAs(answered)
	seen.Priced(priceOf, nil)
	same("taken over", seen)
	seen.Keeps(all[:1], nil)
	if seen.LeftOut != (report.LeftOut{}) {
		t.Errorf("a new list leaves nothing out, and not %+v", seen.LeftOut)
	}
}
