package pricing_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/pricing"
)

// inAccount runs do in a bubble with a simulated account, whose price list is of real shape.
func inAccount(t *testing.T, o awssim.Options, do func(t *testing.T, a *awssim.Account, cfg aws.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Idle = synctest.Wait
		a := awssim.New(o)
		defer a.Shutdown()
		do(t, a, a.Process("operator").Config())
		if unknown := a.Unmodelled(); len(unknown) > 0 {
			t.Errorf("the simulation does not model %q, so this has proved nothing", unknown)
		}
	})
}

// of is a product of us-east-1 by pairs of attributes.
func of(service string, pairs ...string) killswitch.Product {
	p := killswitch.Product{Service: service, Region: "us-east-1", Attributes: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		p.Attributes[pairs[i]] = pairs[i+1]
	}
	return p
}

func in(region string, p killswitch.Product) killswitch.Product {
	p.Region = region
	return p
}

func instance(size, operation string, more ...string) killswitch.Product {
	return of("AmazonEC2", append([]string{"instanceType", size, "operation", operation, "tenancy", "Shared"}, more...)...)
}

func database(class, engine string, more ...string) killswitch.Product {
	return of("AmazonRDS", append([]string{
		"productFamily", "Database Instance", "instanceType", class, "databaseEngine", engine,
		"deploymentOption", "Single-AZ", "usagetype", "InstanceUsage:*",
	}, more...)...)
}

func fargate(usage string) killswitch.Product {
	return of("AmazonECS", "productFamily", "Compute", "usagetype", "Fargate-"+usage)
}

func volume(family, name, usage string) killswitch.Product {
	return of("AmazonEC2", "productFamily", family, "volumeApiName", name, "usagetype", usage)
}

// TestPrices goes through what the brake pauses and what it cannot. The figures are those of the
// simulated account's price list, which names the source of each: pkg/awssim/pricelist_*.go.
func TestPrices(t *testing.T) {
	const month = 730.0
	for name, tt := range map[string]struct {
		product killswitch.Product
		dollars float64 // an hour
		why     string  // it is not known
	}{
		"a Linux instance":                                      {product: instance("m5.large", "RunInstances"), dollars: 0.096},
		"the same size in another region":                       {product: in("eu-west-1", instance("m5.xlarge", "RunInstances")), dollars: 0.214},
		"Windows with AWS's licence, which is one of three":     {product: instance("m5.xlarge", "RunInstances:0002"), dollars: 0.376},
		"Windows with one's own licence":                        {product: instance("m5.xlarge", "RunInstances:0800"), dollars: 0.192},
		"Linux with SQL Server":                                 {product: instance("m5.xlarge", "RunInstances:0004"), dollars: 0.672},
		"an instance on hardware of its own":                    {product: instance("m5.xlarge", "RunInstances", "tenancy", "Dedicated"), dollars: 0.204},
		"an instance whose size is also sold as Capacity Block": {product: instance("p5.48xlarge", "RunInstances"), dollars: 55.04},
		"a Capacity Block, which is paid in advance":            {product: instance("p5.48xlarge", "RunInstances:CB", "marketoption", "CapacityBlock"), why: "AWS lists it at $0: it is billed in another way, or with something else"},
		"an operating system that the list does not have":       {product: instance("m5.xlarge", "RunInstances:0010"), why: "AWS's price list has no such product"},
		"an instance of which the platform is not told":         {product: of("AmazonEC2", "instanceType", "m5.xlarge", "tenancy", "Shared"), why: "AWS's price list has 3 prices for what the listing tells of it, from $0.192 to $0.672 an hour"},
		"a machine without a hypervisor":                        {product: instance("m5.metal", "RunInstances", "tenancy", "Shared|Dedicated"), dollars: 4.608},
		"an instance in a Local Zone":                           {product: instance("m5.xlarge", "RunInstances", "locationType", "AWS Local Zone"), why: "AWS's price list has no such product"},
		"a region without prices":                               {product: in("sa-east-1", instance("m5.xlarge", "RunInstances")), why: "AWS's price list has no such product"},
		"MySQL":                                                 {product: database("db.t3.large", "MySQL"), dollars: 0.136},
		"MySQL in two zones":                                    {product: database("db.t3.large", "MySQL", "deploymentOption", "Multi-AZ", "usagetype", "Multi-AZUsage:*"), dollars: 0.272},
		"PostgreSQL":                                            {product: database("db.r6g.large", "PostgreSQL"), dollars: 0.225},
		"SQL Server Standard":                                   {product: database("db.m5.xlarge", "SQL Server", "databaseEdition", "Standard", "licenseModel", "License included"), dollars: 1.224},
		"SQL Server Enterprise":                                 {product: database("db.m5.xlarge", "SQL Server", "databaseEdition", "Enterprise", "licenseModel", "License included"), dollars: 2.336},
		"SQL Server without its edition":                        {product: database("db.m5.xlarge", "SQL Server"), why: "AWS's price list has 2 prices for what the listing tells of it, from $1.224 to $2.336 an hour"},
		"Oracle with AWS's licence":                             {product: database("db.t3.large", "Oracle", "databaseEdition", "Standard Two", "licenseModel", "License included"), dollars: 0.30},
		"Oracle with one's own licence":                         {product: database("db.t3.large", "Oracle", "databaseEdition", "Enterprise", "licenseModel", "Bring your own license"), dollars: 0.136},
		"an Aurora instance":                                    {product: database("db.r4.large", "Aurora MySQL"), dollars: 0.29},
		"a capacity unit of Aurora Serverless v2":               {product: of("AmazonRDS", "productFamily", "ServerlessV2", "databaseEngine", "Aurora PostgreSQL", "usagetype", "Aurora:ServerlessV2Usage"), dollars: 0.12},
		"one that pays no input and output":                     {product: of("AmazonRDS", "productFamily", "ServerlessV2", "databaseEngine", "Aurora PostgreSQL", "usagetype", "Aurora:ServerlessV2IOOptimizedUsage"), dollars: 0.16},
		"a vCPU of Fargate":                                     {product: fargate("vCPU-Hours:perCPU"), dollars: 0.04048},
		"a gigabyte of Fargate":                                 {product: fargate("GB-Hours"), dollars: 0.004445},
		"a vCPU of Fargate on ARM":                              {product: fargate("ARM-vCPU-Hours:perCPU"), dollars: 0.03238},
		"a gigabyte of Fargate on ARM":                          {product: fargate("ARM-GB-Hours"), dollars: 0.00356},
		"the licence of a Windows task":                         {product: fargate("Windows-OS-Hours:perCPU"), dollars: 0.046},
		"the disk of a task beyond what is free":                {product: fargate("EphemeralStorage-GB-Hours"), dollars: 0.000111},
		"Fargate Spot, which is on no list":                     {product: of("AmazonECS", "marketoption", "Spot", "usagetype", "Fargate-GB-Hours"), why: "AWS publishes the Spot price of AmazonECS in no API"},
		"what is free at first and then is not":                 {product: of("AmazonECS", "usagetype", "ECS-Anywhere-Instance-hours-WithFree"), dollars: 0.01025},
		"a gigabyte of gp3":                                     {product: volume("Storage", "gp3", "EBS:VolumeUsage.gp3"), dollars: 0.08 / month},
		"a gigabyte of gp3 elsewhere":                           {product: in("eu-west-1", volume("Storage", "gp3", "EBS:VolumeUsage.gp3")), dollars: 0.088 / month},
		"an operation a second of gp3":                          {product: volume("System Operation", "gp3", "EBS:VolumeP-IOPS.gp3"), dollars: 0.005 / month},
		"a MiB/s of gp3, which is listed by the GiB/s":          {product: volume("Provisioned Throughput", "gp3", "EBS:VolumeP-Throughput.gp3"), dollars: 0.04 / month},
		"a gigabyte of io2, which has a unit of its own":        {product: volume("Storage", "io2", "EBS:VolumeUsage.io2"), dollars: 0.125 / month},
		"an operation of io2 above the 64,000th":                {product: volume("System Operation", "io2", "EBS:VolumeP-IOPS.io2.tier3"), dollars: 0.03185 / month},
		"what is paid by use and not by the hour":               {product: volume("System Operation", "standard", "EBS:VolumeIOUsage"), why: `AWS lists it by "IOs", which is no time`},
		"a public address":                                      {product: of("AmazonVPC", "group", "VPCPublicIPv4Address", "usagetype", "PublicIPv4:InUseAddress"), dollars: 0.005},
		"a NAT gateway":                                         {product: of("AmazonEC2", "productFamily", "NAT Gateway", "usagetype", "NatGateway-Hours"), dollars: 0.045},
		"an Application Load Balancer":                          {product: of("AWSELB", "productFamily", "Load Balancer-Application", "usagetype", "LoadBalancerUsage"), dollars: 0.0225},
		"a Classic Load Balancer":                               {product: of("AWSELB", "productFamily", "Load Balancer", "usagetype", "LoadBalancerUsage"), dollars: 0.025},
		"the disk of a database, listed for all and for each":   {product: of("AmazonRDS", "productFamily", "Database Storage", "databaseEngine", "PostgreSQL|Any", "usagetype", "RDS:GP3-Storage"), dollars: 0.115 / month},
		"the disks of a database in two zones":                  {product: of("AmazonRDS", "productFamily", "Database Storage", "databaseEngine", "MySQL|Any", "usagetype", "RDS:Multi-AZ-GP3-Storage"), dollars: 0.23 / month},
		"an operation a second of a database":                   {product: of("AmazonRDS", "productFamily", "Provisioned IOPS", "databaseEngine", "MySQL|Any", "usagetype", "RDS:PIOPS"), dollars: 0.10 / month},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, awssim.Options{}, func(t *testing.T, _ *awssim.Account, cfg aws.Config) {
				book := pricing.New(cfg, nil)
				book.Ask(t.Context(), tt.product)
				dollars, ok := book.Of(tt.product)
				if ok != (tt.why == "") || math.Abs(dollars-tt.dollars) > 1e-12 || book.Why(tt.product) != tt.why {
					t.Errorf("$%v an hour (known: %t) %q, want $%v %q", dollars, ok, book.Why(tt.product), tt.dollars, tt.why)
				}
			})
		})
	}
}

// TestWhatIsListedBesideIt puts products beside one that differ from it in what a plain filter does not see.
func TestWhatIsListedBesideIt(t *testing.T) {
	// As they stand in the price list: https://github.com/vantage-sh/ec2instances.info and
	// https://github.com/infracost/infracost/blob/master/internal/resources/aws/db_instance.go.
	oracle := func(pairs ...string) awssim.Listed {
		l := awssim.Listed{Service: "AmazonRDS", Family: "Database Instance", Region: "us-east-1", Tiers: []awssim.Tier{{Unit: "Hrs", Price: "0.2050000000"}}, Attributes: map[string]string{
			"instanceType": "db.t3.large", "databaseEngine": "Oracle", "databaseEdition": "Enterprise", "licenseModel": "Bring your own license",
			"deploymentOption": "Single-AZ", "usagetype": "InstanceUsage:db.t3.large",
		}}
		for i := 0; i < len(pairs); i += 2 {
			l.Attributes[pairs[i]] = pairs[i+1]
		}
		return l
	}
	byol := database("db.t3.large", "Oracle", "databaseEdition", "Enterprise", "licenseModel", "Bring your own license")
	server := database("db.m5.xlarge", "SQL Server", "databaseEdition", "Standard", "licenseModel", "License included")
	for name, tt := range map[string]struct {
		beside  awssim.Listed
		product killswitch.Product
		dollars float64
		why     string
	}{
		"the same again at the same price": {oracle("price", "0.1360000000"), byol, 0.136, ""},
		"the same again at another price":  {oracle(), byol, 0, "AWS's price list has 2 prices for what the listing tells of it, from $0.136 to $0.205 an hour"},
		"the same at nothing":              {oracle("price", "0.0000000000"), byol, 0, "AWS's price list has 2 prices for what the listing tells of it, from $0 to $0.136 an hour"},
		"RDS Custom":                       {oracle("deploymentModel", "Custom"), byol, 0.136, ""},
		"on an Outpost":                    {oracle("locationType", "AWS Outposts"), byol, 0.136, ""},
		"extended support":                 {oracle("usagetype", "ExtendedSupport:Yr1-Yr2:Oracle"), byol, 0.136, ""},
		"by reservation alone":             {oracle("price", ""), byol, 0.136, ""},
		"in another currency":              {oracle("currency", "CNY"), byol, 0.136, ""},
		"SQL Server without the licence":   {oracle("instanceType", "db.m5.xlarge", "databaseEngine", "SQL Server", "databaseEdition", "Standard", "licenseModel", "Bring your own media", "usagetype", "InstanceUsage:db.m5.xl"), server, 0, "AWS bills the licence of SQL Server apart on this class, by the vCPU"},
		"the same of another edition":      {oracle("instanceType", "db.m5.xlarge", "databaseEngine", "SQL Server", "databaseEdition", "Developer", "licenseModel", "Bring your own media", "usagetype", "InstanceUsage:db.m5.xl"), server, 1.224, ""},
		"an Aurora that pays no input":     {oracle("instanceType", "db.r4.large", "databaseEngine", "Aurora MySQL", "databaseEdition", "", "licenseModel", "No license required", "usagetype", "InstanceUsageIOOptimized:db.r4.large"), database("db.r4.large", "Aurora MySQL"), 0.29, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, awssim.Options{ShortPages: 2}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
				beside := tt.beside
				if price, ok := beside.Attributes["price"]; ok {
					beside.Tiers[0].Price = price
					if price == "" {
						beside.Tiers, beside.Reserved = nil, true
					}
					delete(beside.Attributes, "price")
				}
				if currency, ok := beside.Attributes["currency"]; ok {
					beside.Currency = currency
					delete(beside.Attributes, "currency")
				}
				a.ListPrice(beside)
				book := pricing.New(cfg, nil)
				book.Ask(t.Context(), tt.product)
				if dollars, ok := book.Of(tt.product); ok != (tt.why == "") || math.Abs(dollars-tt.dollars) > 1e-12 || book.Why(tt.product) != tt.why {
					t.Errorf("$%v an hour (known: %t) %q, want $%v %q", dollars, ok, book.Why(tt.product), tt.dollars, tt.why)
				}
			})
		})
	}
}

func spot(size, zone, platform string) killswitch.Product {
	return of("AmazonEC2", "marketoption", "Spot", "instanceType", size, "availabilityzone", zone, "platform", platform)
}

// TestSpotPrices takes its figures from AWS's own example:
// https://docs.aws.amazon.com/code-library/latest/ug/ec2_example_ec2_DescribeSpotPriceHistory_section.html
func TestSpotPrices(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
		now := time.Now()
		for _, p := range []awssim.SpotPrice{
			{Zone: "us-west-2b", Type: "m1.xlarge", Platform: "SUSE Linux", Price: "0.087000", Since: now.Add(-time.Hour)},
			{Zone: "us-west-2b", Type: "m1.xlarge", Platform: "SUSE Linux", Price: "0.190000", Since: now.Add(-9 * time.Hour)},
			{Zone: "us-west-2a", Type: "m1.xlarge", Platform: "SUSE Linux (Amazon VPC)", Price: "0.087000", Since: now.Add(-2 * time.Hour)},
			{Zone: "us-west-2b", Type: "m1.xlarge", Platform: "Windows", Price: "0.500000", Since: now.Add(-time.Hour)},
			{Zone: "us-west-2c", Type: "m1.xlarge", Platform: "SUSE Linux", Price: "0.087000", Since: now.Add(-time.Hour)},
			{Zone: "us-west-2c", Type: "m1.xlarge", Platform: "SUSE Linux (Amazon VPC)", Price: "0.088000", Since: now.Add(-time.Hour)},
			{Zone: "us-west-2d", Type: "m1.xlarge", Platform: "SUSE Linux", Price: "0.190000", Since: now.Add(-9 * time.Hour)},
			{Zone: "us-west-2d", Type: "m1.xlarge", Platform: "SUSE Linux (Amazon VPC)", Price: "0.087000", Since: now.Add(-time.Hour)},
		} {
			a.AddSpotPrice(p)
		}
		book := pricing.New(cfg, nil)
		for name, tt := range map[string]struct {
			product killswitch.Product
			dollars float64
			why     string
		}{
			"the newest counts, and of its platform alone": {spot("m1.xlarge", "us-west-2b", "SUSE Linux"), 0.087, ""},
			"a platform has two names":                     {spot("m1.xlarge", "us-west-2a", "SUSE Linux"), 0.087, ""},
			"the newest of both names counts":              {spot("m1.xlarge", "us-west-2d", "SUSE Linux"), 0.087, ""},
			"a zone without a price":                       {spot("m1.xlarge", "us-west-2a", "Windows"), 0, "EC2 has no Spot price for it in us-west-2a"},
			"two prices since one moment":                  {spot("m1.xlarge", "us-west-2c", "SUSE Linux"), 0, "EC2 has several Spot prices for it in us-west-2c: $0.087000, $0.088000"},
		} {
			p := in("us-west-2", tt.product)
			book.Ask(t.Context(), p)
			if dollars, ok := book.Of(p); ok != (tt.why == "") || dollars != tt.dollars || book.Why(p) != tt.why {
				t.Errorf("%s: $%v an hour (known: %t) %q, want $%v %q", name, dollars, ok, book.Why(p), tt.dollars, tt.why)
			}
		}
	})
}

// TestDaysAndMonthsAreExactMultiples is the other half of "cost accuracy": what is listed by the month
// is the same again in a month of 730 hours, to the last digit that is shown.
func TestDaysAndMonthsAreExactMultiples(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, _ *awssim.Account, cfg aws.Config) {
		book := pricing.New(cfg, nil)
		disk := volume("Storage", "gp3", "EBS:VolumeUsage.gp3")
		book.Ask(t.Context(), disk)
		hourly, _ := book.Of(disk)
		if monthly := hourly * pricing.HoursPerMonth * 500; math.Abs(monthly-40) > 1e-9 {
			t.Errorf("500 GB of gp3 cost $%v a month, want $40", monthly)
		}
	})
}
