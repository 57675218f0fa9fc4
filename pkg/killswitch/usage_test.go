package killswitch_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

func product(instanceType string) killswitch.Product {
	return killswitch.Product{
		Service: "AmazonEC2", Region: "eu-west-1",
		Attributes: map[string]string{"instanceType": instanceType, "operation": "RunInstances"},
	}
}

func TestAProductIsOneLineAndReadBack(t *testing.T) {
	if got, want := product("m5.large").String(), "AmazonEC2/eu-west-1/instanceType=m5.large,operation=RunInstances"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	text := rapid.StringOf(rapid.RuneFrom([]rune("ab,=%2CD5/ *|\"\\é")))
	rapid.Check(t, func(t *rapid.T) {
		p := killswitch.Product{
			Service:    rapid.StringMatching(`[A-Za-z]+`).Draw(t, "service"),
			Region:     rapid.StringMatching(`[a-z0-9-]*`).Draw(t, "region"),
			Attributes: rapid.MapOfN(text, text, 1, 5).Draw(t, "attributes"),
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back killswitch.Product
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, back); diff != "" {
			t.Error(diff)
		}
	})
}

// A snapshot of ten thousand resources names few products.
func TestEqualProductsShareTheirAttributes(t *testing.T) {
	const text = "AmazonEC2/eu-west-1/instanceType=m5.large"
	var one, another killswitch.Product
	for _, p := range []*killswitch.Product{&one, &another} {
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if reflect.ValueOf(one.Attributes).Pointer() != reflect.ValueOf(another.Attributes).Pointer() {
		t.Error("each has attributes of its own")
	}
}

func TestADamagedProductIsNotRead(t *testing.T) {
	for what, text := range map[string]string{
		"no region":                   "AmazonEC2",
		"no attributes":               "AmazonEC2/eu-west-1",
		"no service":                  "/eu-west-1/a=b",
		"an attribute without value":  "AmazonEC2/eu-west-1/a",
		"attributes in another order": "AmazonEC2/eu-west-1/b=1,a=2",
		"an attribute twice":          "AmazonEC2/eu-west-1/a=1,a=2",
	} {
		var p killswitch.Product
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s: %q was read as %v", what, text, p)
		}
	}
}

func TestEqualUsesAreOneInTheSum(t *testing.T) {
	large, small := product("m5.large"), product("t3.small")
	got := killswitch.Sum(
		killswitch.Usage{Product: small, Quantity: 1}, killswitch.Usage{Product: large, Quantity: 1},
		killswitch.Usage{Product: large, Quantity: 2}, killswitch.Usage{Product: large, Quantity: 4, Kept: true},
		killswitch.Usage{Product: small},
	)
	want := killswitch.Uses{
		{Product: large, Quantity: 3}, {Product: large, Quantity: 4, Kept: true}, {Product: small, Quantity: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDollars(t *testing.T) {
	price := func(p killswitch.Product) (float64, bool) {
		dollars, ok := map[string]float64{"m5.large": 0.096, "gp3": 0.0001}[p.Attributes["instanceType"]]
		return dollars, ok
	}
	dollars := func(d float64) *float64 { return &d }
	blame := func(u killswitch.Usage) *killswitch.Usage { return &u }
	compute, disk := killswitch.Usage{Product: product("m5.large"), Quantity: 2}, killswitch.Usage{Product: product("gp3"), Quantity: 100, Kept: true}
	odd := killswitch.Usage{Product: product("odd"), Quantity: 1}
	full := killswitch.Usage{Product: product("gp3"), Kept: true, Why: "its size is not in the listing"}
	for name, tt := range map[string]struct {
		uses          []killswitch.Usage
		running, kept *float64
		unknown       *killswitch.Usage
	}{
		"what uses nothing costs nothing":               {nil, dollars(0), dollars(0), nil},
		"what is kept costs also while paused":          {[]killswitch.Usage{compute, disk}, dollars(0.202), dollars(0.01), nil},
		"one price that is not known leaves no sum":     {[]killswitch.Usage{compute, odd, disk}, nil, dollars(0.01), blame(odd)},
		"a quantity that is not known leaves no sum":    {[]killswitch.Usage{compute, disk, full}, nil, nil, blame(full)},
		"and is not made up for by what comes after it": {[]killswitch.Usage{full, disk, compute}, nil, nil, blame(full)},
	} {
		t.Run(name, func(t *testing.T) {
			running, kept, unknown := killswitch.Dollars(tt.uses, price)
			near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
			if diff := cmp.Diff([]any{tt.running, tt.kept, tt.unknown}, []any{running, kept, unknown}, near); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTheHourIsTheSumOfItsParts is half of "cost accuracy": the hour of several resources is the sum
// of their hours, and what is kept is never more than what runs.
func TestTheHourIsTheSumOfItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prices := map[string]float64{}
		uses := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) killswitch.Usage {
			p := product(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "type"))
			prices[p.String()] = rapid.Float64Range(1e-6, 500).Draw(t, "price")
			return killswitch.Usage{Product: p, Quantity: rapid.Float64Range(0, 1e4).Draw(t, "quantity"), Kept: rapid.Bool().Draw(t, "kept")}
		}), 0, 12).Draw(t, "uses")
		price := func(p killswitch.Product) (float64, bool) { return prices[p.String()], true }
		whole, kept, _ := killswitch.Dollars(killswitch.Sum(uses...), price)
		var sum float64
		for _, u := range uses {
			part, _, _ := killswitch.Dollars([]killswitch.Usage{u}, price)
			sum += *part
		}
		if math.Abs(*whole-sum) > 1e-9*math.Max(1, sum) {
			t.Errorf("the whole costs $%v an hour, its parts $%v", *whole, sum)
		}
		if *kept > *whole*(1+1e-12) {
			t.Errorf("$%v are kept of $%v", *kept, *whole)
		}
	})
}
