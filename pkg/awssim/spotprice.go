package awssim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// SpotPrice is a price that began to hold at a time.
type SpotPrice struct {
	Zone     string
	Type     string
	Platform string // product description: "Linux/UNIX"
	Price    string // dollars an hour
	Since    time.Time
}

// AddSpotPrice adds a price to the history of its zone.
func (a *Account) AddSpotPrice(p SpotPrice) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spots = append(a.spots, p)
	slices.SortStableFunc(a.spots, func(x, y SpotPrice) int { return y.Since.Compare(x.Since) }) // the newest first
}

// describeSpotPriceHistory lists the prices that held at StartTime or began later, up to EndTime or
// now: "it also returns the last price change before the start time, which is the effective price as
// of the start time" (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html).
func describeSpotPriceHistory(c *call, in *ec2.DescribeSpotPriceHistoryInput) (*ec2.DescribeSpotPriceHistoryOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	modelled := ec2.DescribeSpotPriceHistoryInput{
		AvailabilityZone: in.AvailabilityZone, InstanceTypes: in.InstanceTypes, ProductDescriptions: in.ProductDescriptions,
		StartTime: in.StartTime, EndTime: in.EndTime, DryRun: in.DryRun,
	}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("ec2:DescribeSpotPriceHistory " + name)
	}
	for _, platform := range in.ProductDescriptions {
		if !slices.Contains(spotPlatforms, platform) {
			return nil, ec2Error("InvalidParameterValue", "Invalid value '%s' for product description", platform)
		}
	}
	start, end := c.now, c.now
	if in.StartTime != nil {
		start = *in.StartTime
	}
	if in.EndTime != nil {
		end = *in.EndTime
	}
	type kind struct{ zone, size, platform string }
	told := map[kind]bool{} // what held at the start
	out := &ec2.DescribeSpotPriceHistoryOutput{}
	for _, p := range c.account.spots {
		of := kind{p.Zone, p.Type, p.Platform}
		switch {
		case !zoneIn(p.Zone, c.region.name), p.Since.After(end), told[of],
			in.AvailabilityZone != nil && *in.AvailabilityZone != p.Zone,
			len(in.InstanceTypes) > 0 && !slices.Contains(in.InstanceTypes, ec2types.InstanceType(p.Type)),
			len(in.ProductDescriptions) > 0 && !slices.Contains(in.ProductDescriptions, p.Platform):
			continue
		}
		told[of] = !p.Since.After(start)
		out.SpotPriceHistory = append(out.SpotPriceHistory, ec2types.SpotPrice{
			AvailabilityZone: aws.String(p.Zone), InstanceType: ec2types.InstanceType(p.Type), SpotPrice: aws.String(p.Price),
			ProductDescription: ec2types.RIProductDescription(p.Platform), Timestamp: aws.Time(p.Since),
		})
	}
	return out, nil
}

// spotPlatforms are the product descriptions that EC2 knows.
var spotPlatforms = []string{
	"Linux/UNIX", "Linux/UNIX (Amazon VPC)", "Red Hat Enterprise Linux", "Red Hat Enterprise Linux (Amazon VPC)",
	"SUSE Linux", "SUSE Linux (Amazon VPC)", "Windows", "Windows (Amazon VPC)",
}

// zoneIn says whether a zone is one of a region: its name and a letter.
func zoneIn(zone, region string) bool {
	return len(zone) == len(region)+1 && zone[:len(region)] == region
}
