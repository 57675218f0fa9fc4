package awssim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

// Listed is one product of the price list.
type Listed struct {
	SKU        string // default a seeded one
	Service    string // AmazonEC2
	Family     string // productFamily; some products have none
	Region     string
	Attributes map[string]string // beside those that every product has
	Tiers      []Tier            // of its price on demand; none: it is sold by reservation alone
	Currency   string            // default USD
	// Reserved gives it a term of a year with an upfront fee beside the price on demand, as most
	// instances have.
	Reserved bool
	Source   string // where the figures were published
}

// Tier is a price from so many units on.
type Tier struct {
	Unit  string
	From  int // and up to the next tier
	Price string
}

// regionNames are how the price list calls the regions it has here.
var regionNames = map[string]string{
	"us-east-1": "US East (N. Virginia)", "us-east-2": "US East (Ohio)", "us-west-2": "US West (Oregon)",
	"eu-west-1": "EU (Ireland)", "eu-central-1": "EU (Frankfurt)",
	"ap-southeast-2": "Asia Pacific (Sydney)", "ap-northeast-1": "Asia Pacific (Tokyo)",
	"ca-central-1": "Canada (Central)", "cn-northwest-1": "China (Ningxia)",
}

// ListPrice adds a product to the price list.
func (a *Account) ListPrice(p Listed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.products = append(a.catalog(), a.complete(p, len(a.products)))
	slices.SortFunc(a.products, bySKU)
}

func bySKU(x, y *Listed) int { return strings.Compare(x.SKU, y.SKU) }

// catalog is the price list. Most simulations never look at it.
func (a *Account) catalog() []*Listed {
	if a.products == nil {
		for i, p := range priceList() {
			a.products = append(a.products, a.complete(p, i))
		}
		slices.SortFunc(a.products, bySKU)
	}
	return a.products
}

// complete gives a product what every product has.
func (a *Account) complete(p Listed, n int) *Listed {
	if p.SKU == "" {
		p.SKU = fmt.Sprintf("%016X", hash(a.seed, "sku", strconv.Itoa(n)))
	}
	p.Currency = cmp.Or(p.Currency, "USD")
	all := map[string]string{
		"servicecode": p.Service, "regionCode": p.Region, "location": regionNames[p.Region], "locationType": "AWS Region", "operation": "",
	}
	maps.Copy(all, p.Attributes)
	p.Attributes = all
	return &p
}

func pricingOperations() []operation {
	return []operation{op("pricing", "GetProducts", false, getProducts)}
}

// priceEndpoints are the regions that answer:
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
var priceEndpoints = []string{"us-east-1", "eu-central-1", "ap-south-1"}

// getProducts answers with documents of the shape that AWS's have; the shape was taken from recorded
// answers in https://github.com/TypeOneLabs/tellury (pkg/pricing/aws/testdata).
func getProducts(c *call, in *pricing.GetProductsInput) (*pricing.GetProductsOutput, error) {
	modelled := pricing.GetProductsInput{
		ServiceCode: in.ServiceCode, Filters: in.Filters, FormatVersion: in.FormatVersion, MaxResults: in.MaxResults, NextToken: in.NextToken,
	}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("pricing:GetProducts " + name)
	}
	a := c.account
	if !slices.Contains(priceEndpoints, c.sentTo) {
		return nil, c.unmodelled("pricing in " + c.sentTo + ", where it has no endpoint")
	}
	service := aws.ToString(in.ServiceCode)
	size := 100
	if in.MaxResults != nil {
		size = int(*in.MaxResults)
	}
	after, ok := afterToken(in.NextToken)
	switch {
	case !slices.ContainsFunc(a.catalog(), func(p *Listed) bool { return p.Service == service }):
		return nil, withStatus(http.StatusBadRequest, &types.NotFoundException{Message: aws.String("Service not found: " + service)})
	case size < 1 || size > 100 || len(in.Filters) > 50:
		return nil, withStatus(http.StatusBadRequest, &types.InvalidParameterException{Message: aws.String("Input Parameters are invalid.")})
	case !ok:
		return nil, withStatus(http.StatusBadRequest, &types.InvalidNextTokenException{Message: aws.String("The pagination token is invalid.")})
	}
	for _, f := range in.Filters {
		if f.Type != types.FilterTypeTermMatch {
			return nil, c.unmodelled("pricing:GetProducts filter type " + string(f.Type))
		}
		if field := aws.ToString(f.Field); !a.hasAttribute(service, field) {
			return nil, c.unmodelled("pricing:GetProducts filter " + field + " of " + service)
		}
	}
	found := slices.DeleteFunc(slices.Clone(a.catalog()), func(p *Listed) bool {
		return p.Service != service || slices.ContainsFunc(in.Filters, func(f types.Filter) bool {
			return p.attribute(aws.ToString(f.Field)) != aws.ToString(f.Value)
		})
	})
	page, next := pageAfter(found, after, c.most(size), func(p *Listed) string { return p.SKU })
	out := &pricing.GetProductsOutput{FormatVersion: aws.String("aws_v1"), NextToken: next}
	for _, p := range page {
		out.PriceList = append(out.PriceList, p.document())
	}
	return out, nil
}

func (p *Listed) attribute(name string) string {
	if name == "productFamily" {
		return p.Family
	}
	return p.Attributes[name]
}

// unusedAttributes are those that services have, and none of the products here: RDS Custom is told from
// RDS by deploymentModel (https://github.com/infracost/infracost/blob/master/internal/resources/aws/db_instance.go).
var unusedAttributes = map[string][]string{"AmazonRDS": {"deploymentModel"}}

// hasAttribute says whether any product of a service has an attribute of that name.
func (a *Account) hasAttribute(service, name string) bool {
	return name == "productFamily" || slices.Contains(unusedAttributes[service], name) || slices.ContainsFunc(a.catalog(), func(p *Listed) bool {
		_, ok := p.Attributes[name]
		return ok && p.Service == service
	})
}

// What AWS calls an offer on demand, one of a year with an upfront fee, their rates and the fee.
const (
	onDemandTerm = "JRTCKXETXF"
	reservedTerm = "HU7G6KETJZ"
	upfrontCode  = "2TG2D8R56U"
	rateOfHours  = "6YS6EN2CT7"
)

// document is the product as AWS writes it: JSON in a string.
func (p *Listed) document() string {
	type object = map[string]any
	dimension := func(code, unit, from, to, price, what string) object {
		return object{
			"rateCode": code, "unit": unit, "beginRange": from, "endRange": to, "description": what, "appliesTo": []string{},
			"pricePerUnit": object{p.Currency: price},
		}
	}
	offer := func(term string, attributes, dimensions object) object {
		return object{p.SKU + "." + term: object{
			"sku": p.SKU, "offerTermCode": term, "effectiveDate": "2026-08-01T00:00:00Z", "termAttributes": attributes, "priceDimensions": dimensions,
		}}
	}
	terms := object{}
	dimensions := object{}
	for i, tier := range p.Tiers {
		code, to := fmt.Sprintf("%s.%s.%s", p.SKU, onDemandTerm, rateOfHours), "Inf"
		if i > 0 {
			code += strconv.Itoa(i)
		}
		if i+1 < len(p.Tiers) {
			to = strconv.Itoa(p.Tiers[i+1].From)
		}
		dimensions[code] = dimension(code, tier.Unit, strconv.Itoa(tier.From), to, tier.Price, "$"+tier.Price+" per "+tier.Unit)
	}
	if len(dimensions) > 0 {
		terms["OnDemand"] = offer(onDemandTerm, object{}, dimensions)
	}
	if p.Reserved {
		code := p.SKU + "." + reservedTerm + "."
		terms["Reserved"] = offer(reservedTerm, object{"LeaseContractLength": "1yr", "OfferingClass": "standard", "PurchaseOption": "All Upfront"}, object{
			code + upfrontCode: object{"rateCode": code + upfrontCode, "unit": "Quantity", "description": "Upfront Fee", "appliesTo": []string{}, "pricePerUnit": object{p.Currency: "213"}},
			code + rateOfHours: dimension(code+rateOfHours, "Hrs", "0", "Inf", "0.0000000000", "reserved instance applied"),
		})
	}
	product := object{"sku": p.SKU, "attributes": p.Attributes}
	if p.Family != "" {
		product["productFamily"] = p.Family
	}
	text, err := json.Marshal(object{
		"product": product, "serviceCode": p.Service, "terms": terms, "version": "20260810215758", "publicationDate": "2026-08-10T21:57:58Z",
	})
	if err != nil {
		panic(err) // of strings alone
	}
	return string(text)
}
