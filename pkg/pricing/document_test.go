package pricing

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

// TestCostAccuracy is property 11 of the specification, as far as prices go: an hour of what is listed
// by the hour is what is listed, and 730 hours of what is listed by the month are its month.
func TestCostAccuracy(t *testing.T) {
	names := slices.Sorted(maps.Keys(units))
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom(names).Draw(t, "unit")
		listed := strconv.FormatFloat(rapid.Float64Range(1e-10, 1000).Draw(t, "price"), 'f', 10, 64)
		price, _ := strconv.ParseFloat(listed, 64)
		if price == 0 {
			t.Skip("nothing")
		}
		hour, err := dollars(map[string]dimension{"x": {Unit: unit, Begin: "0", Price: map[string]string{"USD": listed}}})
		if err != nil {
			t.Fatal(err)
		}
		if whole := hour * units[unit]; math.Abs(whole-price) > 1e-12*price {
			t.Errorf("$%s by %s are $%v an hour, which makes $%v again", listed, unit, hour, whole)
		}
	})
}

// TestTheFirstPriceThatIsNotFreeCounts draws tiers in any order.
func TestTheFirstPriceThatIsNotFreeCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prices := rapid.SliceOfN(rapid.SampledFrom([]string{"0.0000000000", "0.1000000000", "0.2000000000"}), 1, 5).Draw(t, "prices")
		all := map[string]dimension{}
		for i, price := range prices {
			all[fmt.Sprint(rapid.IntRange(0, 1<<40).Draw(t, "code"), i)] = dimension{Unit: "Hrs", Begin: strconv.Itoa(i * 100), Price: map[string]string{"USD": price}}
		}
		got, err := dollars(all)
		want := 0.0
		for _, price := range prices {
			if want, _ = strconv.ParseFloat(price, 64); want != 0 {
				break
			}
		}
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("$%v, %v of the tiers %v", got, err, prices)
		}
	})
}

// TestWhatCannotBeReadIsNoNumber alters a document anywhere: there may be another price then, but
// nothing that is no price.
func TestWhatCannotBeReadIsNoNumber(t *testing.T) {
	const whole = `{"product":{"sku":"A","productFamily":"Storage","attributes":{"regionCode":"r","locationType":"AWS Region","volumeApiName":"gp3"}},` +
		`"terms":{"OnDemand":{"A.J":{"priceDimensions":{"A.J.6":{"unit":"GB-Mo","beginRange":"0","endRange":"Inf","pricePerUnit":{"USD":"0.0800000000"}}}}}}}`
	p := killswitch.Product{Service: "AmazonEC2", Region: "r", Attributes: map[string]string{"volumeApiName": "gp3"}}
	if d, err := read(whole); err != nil {
		t.Fatal(err)
	} else if price, err := choose(p, []document{d}); err != nil || price != 0.08/HoursPerMonth {
		t.Fatalf("$%v, %v of the whole document", price, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(whole)
		text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.SampledFrom([]byte(`0-e9.,"{}[]nx+ `)).Draw(t, "byte")
		d, err := read(string(text))
		if err != nil {
			return
		}
		if price, err := choose(p, []document{d}); err == nil && !(price > 0 && !math.IsInf(price, 0)) {
			t.Errorf("%s: $%v an hour", text, price)
		}
	})
}
