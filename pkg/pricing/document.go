package pricing

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// document is one product of the price list as GetProducts writes it: JSON in a string
// (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html).
type document struct {
	Product struct {
		SKU        string            `json:"sku"`
		Family     string            `json:"productFamily"`
		Attributes map[string]string `json:"attributes"`
	} `json:"product"`
	Terms struct {
		OnDemand map[string]struct {
			Dimensions map[string]dimension `json:"priceDimensions"`
		} `json:"OnDemand"`
	} `json:"terms"`
}

// dimension is one price of a product: from so many units on, to so many.
type dimension struct {
	Unit  string            `json:"unit"`
	Begin string            `json:"beginRange"`
	Price map[string]string `json:"pricePerUnit"` // by currency
}

func read(text string) (document, error) {
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return d, err
	}
	if d.Product.SKU == "" || len(d.Product.Attributes) == 0 {
		return d, errors.New("a product without SKU or attributes")
	}
	return d, nil
}

func (d document) attribute(name string) string {
	if name == productFamily {
		return d.Product.Family
	}
	return d.Product.Attributes[name]
}

// has says whether the product has the wanted attributes, but for one that is not looked at.
func (d document) has(want map[string]string, but string) bool {
	for name, value := range want {
		if name != but && !matches(name, value, d.attribute(name)) {
			return false
		}
	}
	return true
}

const licenseModel = "licenseModel"

// licensedApart is why a SQL Server with its licence included has no price: on some classes AWS lists
// it without the licence and bills that by the vCPU under another offer. Those are the classes that it
// also lists for an own installation medium
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/SQLServer.Concepts.General.OptimizeCPU.html).
func (d document) licensedApart(want map[string]string) error {
	if want["databaseEngine"] != "SQL Server" || want[licenseModel] != "License included" {
		return nil
	}
	if d.attribute(licenseModel) != "Bring your own media" || !d.has(want, licenseModel) {
		return nil
	}
	return notPriced("AWS bills the licence of SQL Server apart on this class, by the vCPU")
}

// units are the units of what is used by the hour, and how many hours or parts each is.
var units = map[string]float64{
	"Hrs": 1, "hrs": 1, "Hours": 1, "hours": 1, "ACU-Hr": 1, "ACU-Hrs": 1, "vCPU-Hours": 1, "GB-Hours": 1,

	"GB-Mo": HoursPerMonth, "GB-month": HoursPerMonth, "IOPS-Mo": HoursPerMonth,
	"MiBps-Mo": HoursPerMonth, "MBps-Mo": HoursPerMonth, "MiBps-mo": HoursPerMonth,
	"GiBps-mo": HoursPerMonth * 1024, "GiBps-Mo": HoursPerMonth * 1024, // throughput is in MiB/s here
}

// errNothing is the reason where a product is listed at nothing.
var errNothing error = notPriced("AWS lists it at $0: it is billed in another way, or with something else")

// hourly is what one unit costs in an hour on demand.
func (d document) hourly() (float64, error) {
	var prices []float64
	for _, offer := range d.Terms.OnDemand {
		price, err := dollars(offer.Dimensions)
		if err != nil {
			return 0, err
		}
		prices = append(prices, price)
	}
	slices.Sort(prices)
	switch prices = slices.Compact(prices); len(prices) {
	case 0:
		return 0, notPriced("AWS sells it by reservation alone")
	case 1:
		return prices[0], nil
	}
	return 0, notPriced(fmt.Sprintf("AWS offers it at %d prices, from $%g to $%g an hour", len(prices), prices[0], prices[len(prices)-1]))
}

// dollars chooses among the dimensions of one offer: the first that costs something, which is the one
// that begins at nothing or, where so much is free, the one after that.
func dollars(dimensions map[string]dimension) (float64, error) {
	type tier struct{ begin, dollars float64 }
	var tiers []tier
	for _, one := range dimensions {
		begin, bad := strconv.ParseFloat(cmp.Or(one.Begin, "0"), 64)
		text, inDollars := one.Price["USD"]
		price, worse := strconv.ParseFloat(text, 64)
		hours, known := units[one.Unit]
		switch {
		case !inDollars:
			return 0, notPriced("AWS lists it in another currency than dollars")
		case bad != nil || worse != nil || math.IsNaN(price) || price < 0 || math.IsInf(price, 0):
			return 0, notPriced(fmt.Sprintf("AWS's price list says %q dollars from %q on", text, one.Begin))
		case !known:
			return 0, notPriced(fmt.Sprintf("AWS lists it by %q, which is no time", one.Unit))
		}
		tiers = append(tiers, tier{begin, price / hours})
	}
	slices.SortFunc(tiers, func(x, y tier) int { return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.dollars, y.dollars)) })
	for i, t := range tiers {
		if t.dollars == 0 {
			continue
		}
		if i+1 < len(tiers) && tiers[i+1].begin == t.begin && tiers[i+1] != t {
			return 0, notPriced(fmt.Sprintf("AWS lists it at $%g and at $%g an hour", t.dollars, tiers[i+1].dollars))
		}
		return t.dollars, nil
	}
	return 0, errNothing
}
