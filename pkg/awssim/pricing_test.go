package awssim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

func withPrices(t *testing.T, o Options, do func(t *testing.T, a *Account, client *pricing.Client)) {
	t.Helper()
	inBubble(t, o, func(t *testing.T, a *Account) {
		do(t, a, pricing.NewFromConfig(a.Process("person").Config()))
	})
}

func term(field, value string) types.Filter {
	return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
}

func TestEveryPriceNamesItsSource(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range priceList() {
		if !strings.HasPrefix(p.Source, "https://") {
			t.Errorf("%s %v: its source is %q", p.Service, p.Attributes, p.Source)
		}
		if len(p.Tiers) == 0 || p.SKU != "" && seen[p.SKU] {
			t.Errorf("%s %s: %d tiers, listed before: %t", p.Service, p.SKU, len(p.Tiers), seen[p.SKU])
		}
		seen[p.SKU] = true
	}
}

// Where a fleet runs what has no price, its dollars say nothing.
func TestTheSizesOfTheFleetsHaveOnePriceEachWhereTheirRegionHasAny(t *testing.T) {
	listed := map[[2]string]int{}
	for _, p := range priceList() {
		if strings.HasSuffix(p.Attributes["usagetype"], "BoxUsage:"+p.Attributes["instanceType"]) && p.Attributes["operation"] == "RunInstances" {
			listed[[2]string{p.Region, p.Attributes["instanceType"]}]++
		}
	}
	for _, region := range append([]string{"us-east-1"}, pricedRegions[:]...) {
		for _, size := range append([]string{"t3.micro"}, commonTypes...) {
			if n := listed[[2]string{region, size}]; n != 1 {
				t.Errorf("%s in %s is listed %d times", size, region, n)
			}
		}
	}
}

func TestProductsComeInPagesAsJSONInStrings(t *testing.T) {
	withPrices(t, Options{ShortPages: 2}, func(t *testing.T, a *Account, client *pricing.Client) {
		in := &pricing.GetProductsInput{
			ServiceCode: aws.String("AmazonEC2"), Filters: []types.Filter{term("regionCode", "us-east-1"), term("instanceType", "m5.xlarge")},
		}
		var skus []string
		pages := 0
		for p := pricing.NewGetProductsPaginator(client, in); p.HasMorePages(); pages++ {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range out.PriceList {
				var d struct {
					Product struct {
						SKU        string
						Attributes map[string]string
					}
					ServiceCode, Version, PublicationDate string
					Terms                                 map[string]map[string]struct {
						PriceDimensions map[string]struct{ Unit, BeginRange, EndRange, RateCode string }
					}
				}
				if err := json.Unmarshal([]byte(text), &d); err != nil {
					t.Fatal(err)
				}
				if d.ServiceCode != "AmazonEC2" || d.Version == "" || d.PublicationDate == "" || len(d.Terms["OnDemand"]) != 1 || d.Product.Attributes["instanceType"] != "m5.xlarge" {
					t.Errorf("not of the shape of a product: %s", text)
				}
				skus = append(skus, d.Product.SKU)
			}
		}
		for _, sku := range []string{"HXGQ45BFM9J2FJ3F", "AWJMJ73C9RDQFD5N", "8AW2DYRV3M9N5RRZ", "EHFDZFP2EH9BD4DX", "AN9HBCS6XCP64Z83", "E9RWRGDUV5X76FUB"} {
			if !slices.Contains(skus, sku) {
				t.Errorf("%s is missing in %v", sku, skus)
			}
		}
		if len(skus) != 7 || pages != 4 {
			t.Errorf("%d products in %d pages, want 7 in 4", len(skus), pages)
		}
	})
}

func TestPriceListRefusesWhatAWSRefuses(t *testing.T) {
	many := make([]types.Filter, 51)
	for i := range many {
		many[i] = term("regionCode", "us-east-1")
	}
	for name, tt := range map[string]struct {
		in     pricing.GetProductsInput
		region string
		code   string
	}{
		"a service that does not exist":      {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC3")}, "", "NotFoundException"},
		"a page of a hundred and one":        {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), MaxResults: aws.Int32(101)}, "", "InvalidParameterException"},
		"fifty-one filters":                  {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), Filters: many}, "", "InvalidParameterException"},
		"a token that somebody made up":      {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), NextToken: aws.String("2")}, "", "InvalidNextTokenException"},
		"an attribute that no product has":   {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), Filters: []types.Filter{term("instancetype", "m5.large")}}, "", "awssim.Unmodelled"},
		"a region without an endpoint":       {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2")}, "eu-west-1", "awssim.Unmodelled"},
		"an endpoint that is not the home":   {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2")}, "ap-south-1", ""},
		"a filter that is not a plain match": {pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), Filters: []types.Filter{{Type: types.FilterTypeContains, Field: aws.String("usagetype"), Value: aws.String("x")}}}, "", "awssim.Unmodelled"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{Regions: []string{"us-east-1"}}, func(t *testing.T, a *Account) {
				cfg := a.Process("person").Config()
				if tt.region != "" {
					cfg.Region = tt.region
				}
				if _, err := pricing.NewFromConfig(cfg).GetProducts(t.Context(), &tt.in); code(err) != tt.code {
					t.Errorf("got %v, want %q", err, tt.code)
				}
			})
		})
	}
}

func TestThePriceListHasABucketOfTen(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		client := pricing.NewFromConfig(withoutRetries(a))
		answers := make(chan error, 20)
		for range 20 {
			go func() {
				_, err := client.GetProducts(t.Context(), &pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2")})
				answers <- err
			}()
		}
		refused := 0
		for range 20 {
			if err := <-answers; code(err) == "ThrottlingException" {
				refused++
			}
		}
		if refused != 10 {
			t.Errorf("%d of 20 calls at once were throttled, want 10", refused)
		}
	})
}

func TestSpotHistoryBeginsWithWhatHeldThen(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		now := time.Now()
		for hours, price := range map[int]string{1: "0.1", 5: "0.2", 9: "0.3"} {
			a.AddSpotPrice(SpotPrice{Zone: here + "a", Type: "m5.large", Platform: "Linux/UNIX", Price: price, Since: now.Add(-time.Duration(hours) * time.Hour)})
		}
		a.AddSpotPrice(SpotPrice{Zone: "eu-west-1a", Type: "m5.large", Platform: "Linux/UNIX", Price: "0.9", Since: now.Add(-time.Hour)})
		out, err := client.DescribeSpotPriceHistory(t.Context(), &ec2.DescribeSpotPriceHistoryInput{StartTime: aws.Time(now.Add(-6 * time.Hour))})
		if err != nil {
			t.Fatal(err)
		}
		var prices []string
		for _, p := range out.SpotPriceHistory {
			prices = append(prices, *p.SpotPrice)
		}
		if want := []string{"0.1", "0.2", "0.3"}; !slices.Equal(prices, want) {
			t.Errorf("got %v, want %v: 0.3 still held six hours ago", prices, want)
		}
		_, err = client.DescribeSpotPriceHistory(t.Context(), &ec2.DescribeSpotPriceHistoryInput{ProductDescriptions: []string{"Linux"}})
		if code(err) != "InvalidParameterValue" {
			t.Errorf("a platform that does not exist: %v", err)
		}
	})
}
