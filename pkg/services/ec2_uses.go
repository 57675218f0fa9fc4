package services

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"aws-hit-breaks/pkg/killswitch"
)

// The codes of services in AWS's price list, and attributes that several kinds have.
const (
	priceEC2 = "AmazonEC2"
	priceVPC = "AmazonVPC"
	priceRDS = "AmazonRDS"
	priceECS = "AmazonECS"
	priceELB = "AWSELB"

	priceFamily = "productFamily"
	priceUsage  = "usagetype"
)

// uses is so much of one product.
func uses(quantity float64, service, region string, attributes map[string]string) killswitch.Usage {
	return killswitch.Usage{Product: killswitch.Product{Service: service, Region: region, Attributes: attributes}, Quantity: quantity}
}

// instanceUses is what an instance consumes while it runs: itself, and the public addresses that it
// gives back when it stops. Volumes and Elastic IPs are among what has no pause (residual.go).
func instanceUses(region string, i *ec2types.Instance) []killswitch.Usage {
	if !upOrComing(stateOf(i)) {
		return nil
	}
	all := machineUses(region, i)
	addresses := 0
	for _, card := range i.NetworkInterfaces {
		for _, private := range card.PrivateIpAddresses {
			if private.Association != nil && aws.ToString(private.Association.IpOwnerId) == "amazon" {
				addresses++
			}
		}
	}
	all = append(all, addressUses(region, addresses, false))
	return killswitch.Sum(all...)
}

// machineUses is the instance itself. UsageOperation says what of the price list it is billed as:
// system, software and licence (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/billing-info-fields.html).
// On a Dedicated Host the host is billed and not the instance; a Capacity Block and a Scheduled
// Instance are paid in advance.
func machineUses(region string, i *ec2types.Instance) []killswitch.Usage {
	place := i.Placement
	if place == nil {
		place = &ec2types.Placement{}
	}
	attributes := map[string]string{"instanceType": string(i.InstanceType)}
	switch {
	case place.Tenancy == ec2types.TenancyHost,
		i.InstanceLifecycle == ec2types.InstanceLifecycleTypeCapacityBlock, i.InstanceLifecycle == ec2types.InstanceLifecycleTypeScheduled:
		return nil
	case i.InstanceLifecycle == ec2types.InstanceLifecycleTypeSpot:
		attributes["marketoption"], attributes["availabilityzone"] = "Spot", aws.ToString(place.AvailabilityZone)
		attributes["platform"] = aws.ToString(i.PlatformDetails)
		return []killswitch.Usage{uses(1, priceEC2, region, attributes)}
	}
	attributes["operation"], attributes["tenancy"] = aws.ToString(i.UsageOperation), "Shared"
	switch {
	case place.Tenancy == ec2types.TenancyDedicated:
		attributes["tenancy"] = "Dedicated"
	case strings.Contains(string(i.InstanceType), ".metal"):
		// The list has machines without a hypervisor as Dedicated, whatever their tenancy
		// (https://github.com/aws/karpenter-provider-aws/blob/main/pkg/providers/pricing/pricing.go).
		attributes["tenancy"] = "Shared|Dedicated"
	}
	if zone := aws.ToString(place.AvailabilityZone); zone != "" && !zoneOfRegion.MatchString(zone) {
		// Local Zones and Wavelength have prices of their own, which are not the region's.
		attributes["locationType"] = "AWS Local Zone"
	}
	return []killswitch.Usage{uses(1, priceEC2, region, attributes)}
}

// zoneOfRegion is an Availability Zone: its region and a letter. Other zones are named after a place,
// "us-west-2-lax-1a" (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html).
var zoneOfRegion = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+[a-z]$`)

// addressUses are public IPv4 addresses, which cost the same in use and idle
// (https://aws.amazon.com/vpc/pricing/).
func addressUses(region string, count int, idle bool) killswitch.Usage {
	usage := "PublicIPv4:InUseAddress"
	if idle {
		usage = "PublicIPv4:IdleAddress"
	}
	return uses(float64(count), priceVPC, region, map[string]string{"group": "VPCPublicIPv4Address", priceUsage: usage})
}
