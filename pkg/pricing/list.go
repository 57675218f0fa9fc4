package pricing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"aws-hit-breaks/pkg/killswitch"
)

// endpoint is where the price list is asked, which has nothing to do with the region of the product:
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html.
func endpoint(region string) string {
	switch area, _, _ := strings.Cut(region, "-"); area {
	case "eu", "af", "il", "me":
		return "eu-central-1"
	case "ap":
		return "ap-south-1"
	case "cn":
		return "cn-northwest-1"
	}
	return "us-east-1"
}

// The attributes that the price list has under other names, or for our use alone.
const (
	productFamily = "productFamily" // a field of the product, which filters treat as an attribute
	usageType     = "usagetype"
	regionCode    = "regionCode"
)

// wanted are all attributes that a product has to have. Those that are the same for every product of
// a kind are not stored with each item:
//   - what AWS lists for Local Zones, Wavelength and Outposts is for those alone;
//   - of an instance the list has also what an unused reservation and a Capacity Block cost;
//   - RDS Custom has the attributes of RDS but for one (as the list of SKUs in
//     https://github.com/infracost/infracost/blob/master/internal/resources/aws/db_instance.go knows).
func wanted(p killswitch.Product) map[string]string {
	all := map[string]string{regionCode: p.Region, "locationType": "AWS Region"}
	switch {
	case p.Service == "AmazonEC2" && p.Attributes["instanceType"] != "":
		all["capacitystatus"], all["marketoption"] = "Used", "OnDemand"
	case p.Service == "AmazonRDS":
		all["deploymentModel"] = ""
	}
	maps.Copy(all, p.Attributes)
	return all
}

// matches says whether a value of the price list is the one that is wanted: the same, or one of
// several ("MySQL|Any"), or one that begins so ("InstanceUsage:*"), or, where an empty one is wanted,
// none. Usage types are compared without the code of their region.
func matches(name, want, have string) bool {
	if name == usageType {
		have = prefixOfRegion.ReplaceAllString(have, "")
	}
	for one := range strings.SplitSeq(want, "|") {
		if begin, open := strings.CutSuffix(one, "*"); open && strings.HasPrefix(have, begin) || one == have {
			return true
		}
	}
	return false
}

// prefixOfRegion is what usage types begin with, outside of us-east-1 always and there sometimes:
// "EU-NatGateway-Hours", "USE1-Fargate-GB-Hours". Those of Local Zones have two.
var prefixOfRegion = regexp.MustCompile(`^[A-Z]{2,4}[0-9]?-`)

// filters are the wanted attributes that the price list can look for itself. The others, and to be
// sure all of them, are compared with what it answers.
func filters(p killswitch.Product) []types.Filter {
	want := wanted(p)
	var list []types.Filter
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value := want[name]
		if value == "" || strings.ContainsAny(value, "*|") || name == usageType || name == licenseModel {
			continue
		}
		list = append(list, types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(name), Value: aws.String(value)})
	}
	return list
}

// listPrice is the price of one unit of a product in an hour, from the price list.
func (b *Book) listPrice(ctx context.Context, p killswitch.Product) (float64, error) {
	cfg := b.cfg.Copy()
	cfg.Region = endpoint(b.cfg.Region)
	pages := pricing.NewGetProductsPaginator(pricing.NewFromConfig(cfg), &pricing.GetProductsInput{
		ServiceCode: aws.String(p.Service), Filters: filters(p), FormatVersion: aws.String("aws_v1"), MaxResults: aws.Int32(100),
	})
	var found []document
	for pages.HasMorePages() {
		var page *pricing.GetProductsOutput
		err := b.call(ctx, b.limiter, "pricing "+cfg.Region, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		for _, text := range page.PriceList {
			d, err := read(text)
			if err != nil {
				return 0, notPriced(fmt.Sprintf("AWS's price list cannot be read: %v", err))
			}
			found = append(found, d)
		}
	}
	return choose(p, found)
}

// choose takes the one price that the documents which are the product agree on.
func choose(p killswitch.Product, found []document) (float64, error) {
	want := wanted(p)
	var prices []float64
	var none error = notPriced("AWS's price list has no such product")
	for _, d := range found {
		if apart := d.licensedApart(want); apart != nil {
			return 0, apart
		}
		if !d.has(want, "") {
			continue
		}
		price, err := d.hourly()
		if err != nil {
			none = err
		}
		if err == nil || errors.Is(err, errNothing) {
			prices = append(prices, price)
		}
	}
	slices.Sort(prices)
	switch prices = slices.Compact(prices); {
	case len(prices) == 0, len(prices) == 1 && prices[0] == 0:
		return 0, none
	case len(prices) == 1:
		return prices[0], nil
	}
	return 0, notPriced(fmt.Sprintf("AWS's price list has %d prices for what the listing tells of it, from $%g to $%g an hour",
		len(prices), prices[0], prices[len(prices)-1]))
}
