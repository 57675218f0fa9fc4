package pricing

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"aws-hit-breaks/pkg/killswitch"
)

// A product with the marketoption Spot is priced by EC2's price history, since the price list has no
// Spot prices (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html). Its
// attributes are the instanceType, the availabilityzone and the platform as EC2 spells it in
// PlatformDetails, which is what the history calls a product description.
const spotMarket = "Spot"

// spotPrice is what the instance costs in that zone now.
func (b *Book) spotPrice(ctx context.Context, p killswitch.Product) (float64, error) {
	zone, platform := p.Attributes["availabilityzone"], p.Attributes["platform"]
	if p.Service != "AmazonEC2" {
		// Fargate's Spot price is on no list: https://aws.amazon.com/fargate/pricing/ has it alone.
		return 0, notPriced("AWS publishes the Spot price of " + p.Service + " in no API")
	}
	cfg := b.cfg.Copy()
	cfg.Region = p.Region
	names := []string{platform, platform + " (Amazon VPC)"}
	pages := ec2.NewDescribeSpotPriceHistoryPaginator(ec2.NewFromConfig(cfg), &ec2.DescribeSpotPriceHistoryInput{
		StartTime: aws.Time(time.Now()), AvailabilityZone: aws.String(zone), ProductDescriptions: names,
		InstanceTypes: []ec2types.InstanceType{ec2types.InstanceType(p.Attributes["instanceType"])},
	})
	var newest time.Time
	var prices []string
	for pages.HasMorePages() {
		var page *ec2.DescribeSpotPriceHistoryOutput
		err := b.call(ctx, b.spots, "ec2 "+cfg.Region, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		for _, one := range page.SpotPriceHistory {
			if string(one.InstanceType) != p.Attributes["instanceType"] || aws.ToString(one.AvailabilityZone) != zone ||
				!slices.Contains(names, string(one.ProductDescription)) {
				continue
			}
			switch at := aws.ToTime(one.Timestamp); {
			case at.After(newest):
				newest, prices = at, []string{aws.ToString(one.SpotPrice)}
			case at.Equal(newest):
				prices = append(prices, aws.ToString(one.SpotPrice))
			}
		}
	}
	slices.Sort(prices)
	prices = slices.Compact(prices)
	switch {
	case len(prices) == 0:
		return 0, notPriced("EC2 has no Spot price for it in " + zone)
	case len(prices) > 1:
		return 0, notPriced(fmt.Sprintf("EC2 has several Spot prices for it in %s: $%s", zone, strings.Join(prices, ", $")))
	}
	dollars, err := strconv.ParseFloat(prices[0], 64)
	if err != nil || !(dollars > 0) {
		return 0, notPriced(fmt.Sprintf("EC2 says the Spot price is %q", prices[0]))
	}
	return dollars, nil
}
