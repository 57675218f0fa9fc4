package services

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"aws-hit-breaks/pkg/killswitch"
)

// engineListed is how the price list calls an engine of RDS, and its edition.
type engineListed struct{ name, edition string }

var enginesListed = map[string]engineListed{
	"mysql": {name: "MySQL"}, "postgres": {name: "PostgreSQL"}, "mariadb": {name: "MariaDB"},
	"aurora": {name: "Aurora MySQL"}, "aurora-mysql": {name: "Aurora MySQL"}, "aurora-postgresql": {name: "Aurora PostgreSQL"},
	"oracle-ee": {"Oracle", "Enterprise"}, "oracle-se2": {"Oracle", "Standard Two"}, "oracle-se1": {"Oracle", "Standard One"}, "oracle-se": {"Oracle", "Standard"},
	"sqlserver-ee": {"SQL Server", "Enterprise"}, "sqlserver-se": {"SQL Server", "Standard"},
	"sqlserver-web": {"SQL Server", "Web"}, "sqlserver-ex": {"SQL Server", "Express"},
	"db2-se": {"Db2", "Standard"}, "db2-ae": {"Db2", "Advanced"},
}

// engineOf is how the price list calls what DescribeDBInstances calls an engine. One that it does not
// know goes by its own name, and then has no price. DocumentDB and Neptune are services of their own
// there.
func engineOf(engine string) (service string, listed engineListed, attributes map[string]string) {
	attributes = map[string]string{}
	name, custom := strings.CutPrefix(strings.TrimSuffix(engine, "-cdb"), "custom-")
	if custom {
		attributes["deploymentModel"] = "Custom"
	}
	switch name {
	case "docdb":
		return "AmazonDocDB", engineListed{}, attributes
	case "neptune":
		return "AmazonNeptune", engineListed{}, attributes
	}
	listed, ok := enginesListed[name]
	if !ok {
		listed.name = engine
	}
	attributes["databaseEngine"] = listed.name
	if listed.edition != "" {
		attributes["databaseEdition"] = listed.edition
	}
	return priceRDS, listed, attributes
}

// licences are the price list's words for DBInstance.LicenseModel. Engines without an edition have
// one licence, which needs no telling.
var licences = map[string]string{
	"license-included": "License included", "bring-your-own-license": "Bring your own license", "marketplace-license": "Marketplace license",
}

// dbInstanceUses is what a DB instance consumes while it runs. Its disk costs on while it is stopped.
func dbInstanceUses(region string, db rdstypes.DBInstance) []killswitch.Usage {
	return killswitch.Sum(append(dbDiskUses(region, db), dbComputeUses(region, db, ""))...)
}

// dbComputeUses is the instance itself. Multi-AZ is listed as one product with its standby.
func dbComputeUses(region string, db rdstypes.DBInstance, clusterDisk string) killswitch.Usage {
	service, listed, attributes := engineOf(aws.ToString(db.Engine))
	attributes[priceFamily], attributes["instanceType"] = "Database Instance", aws.ToString(db.DBInstanceClass)
	if listed.edition != "" {
		attributes["licenseModel"] = licences[aws.ToString(db.LicenseModel)]
	}
	switch {
	case strings.HasSuffix(clusterDisk, "-iopt1"): // of Aurora, DocumentDB and Neptune
		attributes[priceUsage] = "InstanceUsageIOOptimized:*"
	case aws.ToBool(db.MultiAZ) && listed.name == "SQL Server":
		attributes["deploymentOption"] = "Multi-AZ (SQL Server Mirror)"
	case aws.ToBool(db.MultiAZ):
		attributes["deploymentOption"], attributes[priceUsage] = "Multi-AZ", "Multi-AZUsage:*"
	default:
		attributes[priceUsage] = "InstanceUsage:*"
	}
	if service == priceRDS && attributes["deploymentOption"] == "" {
		attributes["deploymentOption"] = "Single-AZ"
	}
	return uses(1, service, region, attributes)
}

// dbDiskUses is the disk of a DB instance: its size, and what of its speed is paid apart
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html).
func dbDiskUses(region string, db rdstypes.DBInstance) []killswitch.Usage {
	_, listed, _ := engineOf(aws.ToString(db.Engine))
	zones := ""
	if aws.ToBool(db.MultiAZ) {
		zones = "Multi-AZ-"
	}
	of := func(quantity float64, family string, usages ...string) killswitch.Usage {
		for i := range usages {
			usages[i] = "RDS:" + zones + usages[i]
		}
		u := uses(quantity, priceRDS, region, map[string]string{
			priceFamily: family, "databaseEngine": listed.name + "|Any", priceUsage: strings.Join(usages, "|"),
		})
		u.Kept = true
		return u
	}
	const storage, iops = "Database Storage", "Provisioned IOPS"
	size, speed := float64(aws.ToInt32(db.AllocatedStorage)), float64(aws.ToInt32(db.Iops))
	switch aws.ToString(db.StorageType) {
	case "gp2":
		return []killswitch.Usage{of(size, storage, "GP2-Storage")}
	case "io1":
		return []killswitch.Usage{of(size, storage, "PIOPS-Storage"), of(speed, iops, "PIOPS")}
	case "io2":
		return []killswitch.Usage{of(size, storage, "IO2-PIOPS-Storage", "PIOPS-Storage-IO2"), of(speed, iops, "IO2-PIOPS")}
	case "standard":
		return []killswitch.Usage{of(size, storage, "StorageUsage")}
	case "gp3":
		freeIOPS, freeThroughput := gp3Baseline(listed.name, size)
		return []killswitch.Usage{
			of(size, storage, "GP3-Storage"), of(max(0, speed-freeIOPS), iops, "GP3-PIOPS"),
			of(max(0, float64(aws.ToInt32(db.StorageThroughput))-freeThroughput), "Provisioned Throughput", "GP3-Throughput"),
		}
	}
	unknown := of(0, storage, "StorageUsage")
	unknown.Why = "its storage is of the type " + aws.ToString(db.StorageType) + ", which has no price here"
	return []killswitch.Usage{unknown}
}

// gp3Baseline is how many operations and MiB a second a gp3 disk of RDS has for nothing
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage).
func gp3Baseline(engine string, size float64) (iops, throughput float64) {
	striped := 400.0
	switch engine {
	case "Oracle":
		striped = 200
	case "SQL Server":
		return 3000, 125
	}
	if size >= striped {
		return 12000, 500
	}
	return 3000, 125
}

// dbClusterUses is what a cluster consumes while it runs: its members, or as a whole where AWS lists
// it so. How much Aurora, DocumentDB and Neptune store is not in a listing; it stands among what has
// no pause, since a stop does not change it.
func dbClusterUses(region string, c rdstypes.DBCluster, members []rdstypes.DBInstance) []killswitch.Usage {
	service, listed, attributes := engineOf(aws.ToString(c.Engine))
	disk := aws.ToString(c.StorageType)
	switch {
	case aws.ToString(c.EngineMode) == "serverless":
		attributes[priceFamily], attributes[priceUsage] = "Serverless", "Aurora:ServerlessUsage"
		return killswitch.Sum(uses(float64(aws.ToInt32(c.Capacity)), service, region, attributes))
	case c.DBClusterInstanceClass != nil: // a Multi-AZ DB cluster: three instances and three disks in one
		attributes["deploymentOption"], attributes[priceFamily] = "Multi-AZ (readable standbys)", "Database Instance"
		attributes["instanceType"], attributes[priceUsage] = aws.ToString(c.DBClusterInstanceClass), "Multi-AZClusterUsage:*"
		return killswitch.Sum(append(multiAZDisks(region, c, listed), uses(1, service, region, attributes))...)
	}
	var all []killswitch.Usage
	for _, member := range members {
		switch {
		case !costsByTheHour(aws.ToString(member.DBInstanceStatus)):
		case aws.ToString(member.DBInstanceClass) == "db.serverless":
			all = append(all, serverlessUses(region, c, disk))
		default:
			all = append(all, dbComputeUses(region, member, disk))
		}
	}
	return killswitch.Sum(all...)
}

// multiAZDisks are the disks of a Multi-AZ DB cluster, which are listed as one.
func multiAZDisks(region string, c rdstypes.DBCluster, listed engineListed) []killswitch.Usage {
	volume := map[string]string{"gp3": "General Purpose-GP3", "io1": "Provisioned IOPS", "io2": "Provisioned IOPS-IO2"}[aws.ToString(c.StorageType)]
	u := uses(float64(aws.ToInt32(c.AllocatedStorage)), priceRDS, region, map[string]string{
		priceFamily: "Database Storage", "databaseEngine": listed.name + "|Any", "volumeType": volume, "deploymentOption": "Multi-AZ (readable standbys)",
	})
	u.Kept = true
	if free, _ := gp3Baseline(listed.name, u.Quantity); volume != "General Purpose-GP3" || float64(aws.ToInt32(c.Iops)) > free {
		u.Why = "what its provisioned operations cost is not known here"
	}
	return []killswitch.Usage{u}
}

// serverlessUses is a member of Aurora Serverless v2. What it uses now no listing tells; it is counted
// at its minimum, which it never falls below, and as unknown where it may pause by itself.
func serverlessUses(region string, c rdstypes.DBCluster, disk string) killswitch.Usage {
	service, _, attributes := engineOf(aws.ToString(c.Engine))
	attributes[priceFamily], attributes[priceUsage] = "ServerlessV2", "Aurora:ServerlessV2Usage"
	if strings.HasSuffix(disk, "-iopt1") {
		attributes[priceUsage] = "Aurora:ServerlessV2IOOptimizedUsage"
	}
	u := uses(0, service, region, attributes)
	if scaling := c.ServerlessV2ScalingConfiguration; scaling != nil {
		u.Quantity = aws.ToFloat64(scaling.MinCapacity)
	}
	if u.Quantity == 0 {
		u.Why = "a serverless instance that may pause by itself does not tell its capacity in a listing"
	}
	return u
}
