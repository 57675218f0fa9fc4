package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

func describeDBInstances(c *call, in *rds.DescribeDBInstancesInput) (*rds.DescribeDBInstancesOutput, error) {
	size, after, err := dbPage(in.MaxRecords, in.Marker)
	if err != nil {
		return nil, err
	}
	var all []*dbInstance
	if in.DBInstanceIdentifier != nil {
		db := c.region.rds.instances[idOf(*in.DBInstanceIdentifier)]
		if db == nil {
			return nil, noDBInstance(*in.DBInstanceIdentifier)
		}
		all = append(all, db)
	} else {
		for _, id := range slices.Sorted(maps.Keys(c.region.rds.instances)) {
			all = append(all, c.region.rds.instances[id])
		}
	}
	for _, f := range in.Filters {
		field, err := c.instanceFilter(aws.ToString(f.Name))
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(db *dbInstance) bool { return !matches(f, field(db)) })
	}
	part, next := pageAfter(all, after, c.most(size), func(db *dbInstance) string { return db.id })
	out := &rds.DescribeDBInstancesOutput{Marker: next}
	for _, db := range part {
		out.DBInstances = append(out.DBInstances, *c.showInstance(db, db.listed(c.now)))
	}
	return out, nil
}

// instanceFilter is the field that a filter of DescribeDBInstances looks at.
func (c *call) instanceFilter(name string) (func(*dbInstance) string, error) {
	switch name {
	case "db-instance-id":
		return func(db *dbInstance) string { return db.id }, nil
	case "dbi-resource-id":
		return func(db *dbInstance) string { return db.resource }, nil
	case "engine":
		return func(db *dbInstance) string { return db.spec.Engine }, nil
	case "db-cluster-id":
		return func(db *dbInstance) string {
			if db.cluster == nil {
				return ""
			}
			return db.cluster.id
		}, nil
	}
	return nil, c.unmodelled("rds:DescribeDBInstances filter " + name)
}

func describeDBClusters(c *call, in *rds.DescribeDBClustersInput) (*rds.DescribeDBClustersOutput, error) {
	if aws.ToBool(in.IncludeShared) {
		return nil, c.unmodelled("rds:DescribeDBClusters IncludeShared")
	}
	size, after, err := dbPage(in.MaxRecords, in.Marker)
	if err != nil {
		return nil, err
	}
	var all []*dbCluster
	if in.DBClusterIdentifier != nil {
		cluster := c.region.rds.clusters[idOf(*in.DBClusterIdentifier)]
		if cluster == nil {
			return nil, noDBCluster(*in.DBClusterIdentifier)
		}
		all = append(all, cluster)
	} else {
		for _, id := range slices.Sorted(maps.Keys(c.region.rds.clusters)) {
			all = append(all, c.region.rds.clusters[id])
		}
	}
	for _, f := range in.Filters {
		field, err := c.clusterFilter(aws.ToString(f.Name))
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(cluster *dbCluster) bool { return !matches(f, field(cluster)) })
	}
	part, next := pageAfter(all, after, c.most(size), func(cluster *dbCluster) string { return cluster.id })
	out := &rds.DescribeDBClustersOutput{Marker: next}
	for _, cluster := range part {
		out.DBClusters = append(out.DBClusters, *c.showCluster(cluster, cluster.listed(c.now)))
	}
	return out, nil
}

// clusterFilter is the field that a filter of DescribeDBClusters looks at.
func (c *call) clusterFilter(name string) (func(*dbCluster) string, error) {
	switch name {
	case "db-cluster-id":
		return func(cluster *dbCluster) string { return cluster.id }, nil
	case "db-cluster-resource-id":
		return func(cluster *dbCluster) string { return cluster.resource }, nil
	case "engine":
		return func(cluster *dbCluster) string { return cluster.spec.Engine }, nil
	}
	return nil, c.unmodelled("rds:DescribeDBClusters filter " + name)
}

// matches says whether a filter accepts a value. Filters by id take ARNs too.
func matches(f types.Filter, value string) bool {
	return slices.ContainsFunc(f.Values, func(want string) bool { return value != "" && idOf(want) == strings.ToLower(value) })
}

// idOf is the identifier in an ARN, or the identifier itself, which is not case-sensitive.
func idOf(arn string) string {
	return strings.ToLower(arn[strings.LastIndex(arn, ":")+1:])
}

// dbPage checks what the caller says of pages: 20 to 100 records, 100 by default:
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html
func dbPage(size *int32, marker *string) (int, string, error) {
	n := cmp.Or(aws.ToInt32(size), 100)
	if n < 20 || n > 100 {
		return 0, "", apiError(http.StatusBadRequest, "InvalidParameterValue",
			fmt.Sprintf("Invalid value %d for MaxRecords. Must be between 20 and 100", n))
	}
	after, ok := afterToken(marker)
	if !ok {
		return 0, "", apiError(http.StatusBadRequest, "InvalidParameterValue", "Invalid marker: "+aws.ToString(marker))
	}
	return int(n), after, nil
}

// showInstance is an instance as AWS describes it.
func (c *call) showInstance(db *dbInstance, status string) *types.DBInstance {
	out := &types.DBInstance{
		DBInstanceIdentifier: aws.String(db.id), DBInstanceArn: aws.String(db.arn), DbiResourceId: aws.String(db.resource),
		DBInstanceClass: aws.String(db.spec.Class), Engine: aws.String(db.spec.Engine), EngineVersion: aws.String("16.4"),
		DBInstanceStatus: aws.String(status), InstanceCreateTime: aws.Time(db.created), MultiAZ: aws.Bool(db.spec.MultiAZ),
		AllocatedStorage: aws.Int32(cmp.Or(db.spec.Disk.Size, 100)), StorageType: aws.String(cmp.Or(db.spec.Disk.Type, "gp3")),
		StorageEncrypted: aws.Bool(true), LicenseModel: aws.String(db.spec.licence()),
		AvailabilityZone: aws.String(c.region.name + "a"), TagList: dbTags(db.tags), PubliclyAccessible: aws.Bool(false),
		Endpoint:                         &types.Endpoint{Address: aws.String(db.id + ".simulated." + c.region.name + ".rds.amazonaws.com"), Port: aws.Int32(5432)},
		ReadReplicaDBInstanceIdentifiers: c.replicasOf(db),
	}
	if disk := db.spec.Disk; disk.IOPS > 0 {
		out.Iops = aws.Int32(disk.IOPS)
	}
	if disk := db.spec.Disk; disk.Throughput > 0 {
		out.StorageThroughput = aws.Int32(disk.Throughput)
	}
	if db.cluster != nil {
		out.DBClusterIdentifier = aws.String(db.cluster.id)
		out.StorageType = aws.String("aurora")
	}
	if db.spec.ReplicaOf != "" {
		out.ReadReplicaSourceDBInstanceIdentifier = aws.String(db.spec.ReplicaOf)
	}
	if db.spec.Reservation != "" {
		out.DBCapacityReservationIdentifier = aws.String(db.spec.Reservation)
	}
	if !db.restartAt.IsZero() {
		out.AutomaticRestartTime = aws.Time(db.restartAt)
	}
	return out
}

// licence is the license model: https://docs.aws.amazon.com/cli/latest/reference/rds/create-db-instance.html.
func (db DBInstance) licence() string {
	switch engine, _, _ := strings.Cut(db.Engine, "-"); {
	case db.Licence != "":
		return db.Licence
	case engine == "sqlserver", engine == "oracle":
		return "license-included"
	case engine == "postgres":
		return "postgresql-license"
	}
	return "general-public-license"
}

// showCluster is a cluster as AWS describes it.
func (c *call) showCluster(cluster *dbCluster, status string) *types.DBCluster {
	out := &types.DBCluster{
		DBClusterIdentifier: aws.String(cluster.id), DBClusterArn: aws.String(cluster.arn), DbClusterResourceId: aws.String(cluster.resource),
		Engine: aws.String(cluster.spec.Engine), EngineVersion: aws.String("16.4"), EngineMode: aws.String(cluster.spec.Mode),
		Status: aws.String(status), ClusterCreateTime: aws.Time(cluster.created), TagList: dbTags(cluster.tags),
		MultiAZ: aws.Bool(len(cluster.members) > 1), StorageEncrypted: aws.Bool(true),
		Endpoint:               aws.String(cluster.id + ".cluster-simulated." + c.region.name + ".rds.amazonaws.com"),
		ReadReplicaIdentifiers: c.clusterReplicasOf(cluster),
	}
	for i, m := range cluster.members {
		out.DBClusterMembers = append(out.DBClusterMembers, types.DBClusterMember{
			DBInstanceIdentifier: aws.String(m.id), IsClusterWriter: aws.Bool(i == 0), PromotionTier: aws.Int32(1),
			DBClusterParameterGroupStatus: aws.String("in-sync"),
		})
		if m.spec.Class == "db.serverless" {
			out.ServerlessV2ScalingConfiguration = &types.ServerlessV2ScalingConfigurationInfo{MinCapacity: aws.Float64(0.5), MaxCapacity: aws.Float64(16)}
		}
	}
	if cluster.spec.Global != "" {
		out.GlobalClusterIdentifier = aws.String(cluster.spec.Global)
	}
	if cluster.spec.ReplicaOf != "" {
		out.ReplicationSourceIdentifier = aws.String(cluster.spec.ReplicaOf)
	}
	if !stoppableEngine(cluster.spec.Engine) {
		out.DBClusterInstanceClass = aws.String("db.m6gd.large")
	}
	if cluster.spec.Disk != "" {
		out.StorageType = aws.String(cluster.spec.Disk)
	}
	if cluster.spec.Limitless {
		out.ClusterScalabilityType = types.ClusterScalabilityTypeLimitless
	}
	if cluster.spec.Mode == "serverless" {
		out.Capacity = aws.Int32(2)
	}
	// The DocumentDB API knows no such field:
	// https://docs.aws.amazon.com/documentdb/latest/developerguide/API_DBCluster.html
	if !cluster.restartAt.IsZero() && cluster.spec.Engine != "docdb" {
		out.AutomaticRestartTime = aws.Time(cluster.restartAt)
	}
	return out
}

// replicasOf is the read replicas of an instance: the identifiers of those in its region, the ARNs
// of others.
func (c *call) replicasOf(source *dbInstance) []string { return c.region.rds.replicas[source.arn] }

// clusterReplicasOf is the ARNs of the cross-Region replicas of a cluster.
func (c *call) clusterReplicasOf(source *dbCluster) []string {
	return c.region.rds.replicas[source.arn]
}

// globalMembers is the clusters of a global database, in all regions.
func (c *call) globalMembers(global string) (members []*dbCluster) {
	for _, name := range c.account.names {
		for _, id := range slices.Sorted(maps.Keys(c.account.regions[name].rds.clusters)) {
			if cluster := c.account.regions[name].rds.clusters[id]; cluster.spec.Global == global {
				members = append(members, cluster)
			}
		}
	}
	return members
}

// describeGlobalClusters lists the global databases that have a cluster in the region.
func describeGlobalClusters(c *call, in *rds.DescribeGlobalClustersInput) (*rds.DescribeGlobalClustersOutput, error) {
	if len(in.Filters) > 0 {
		return nil, c.unmodelled("rds:DescribeGlobalClusters filter " + aws.ToString(in.Filters[0].Name))
	}
	size, after, err := dbPage(in.MaxRecords, in.Marker)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, cluster := range c.region.rds.clusters {
		if cluster.spec.Global != "" {
			ids = append(ids, cluster.spec.Global)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if want := in.GlobalClusterIdentifier; want != nil {
		if !slices.Contains(ids, *want) {
			return nil, withStatus(http.StatusNotFound, &types.GlobalClusterNotFoundFault{Message: aws.String("Global cluster " + *want + " not found.")})
		}
		ids = []string{*want}
	}
	part, next := pageAfter(ids, after, c.most(size), func(id string) string { return id })
	out := &rds.DescribeGlobalClustersOutput{Marker: next}
	for _, id := range part {
		global := types.GlobalCluster{
			GlobalClusterIdentifier: aws.String(id), Status: aws.String("available"),
			GlobalClusterArn: aws.String("arn:aws:rds::" + c.account.id + ":global-cluster:" + id),
		}
		for i, cluster := range c.globalMembers(id) {
			global.GlobalClusterMembers = append(global.GlobalClusterMembers, types.GlobalClusterMember{
				DBClusterArn: aws.String(cluster.arn), IsWriter: aws.Bool(i == 0),
			})
		}
		out.GlobalClusters = append(out.GlobalClusters, global)
	}
	return out, nil
}

func describeBlueGreenDeployments(c *call, in *rds.DescribeBlueGreenDeploymentsInput) (*rds.DescribeBlueGreenDeploymentsOutput, error) {
	if len(in.Filters) > 0 {
		return nil, c.unmodelled("rds:DescribeBlueGreenDeployments filter " + aws.ToString(in.Filters[0].Name))
	}
	size, after, err := dbPage(in.MaxRecords, in.Marker)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(c.region.rds.blueGreen)
	if want := in.BlueGreenDeploymentIdentifier; want != nil {
		all = slices.DeleteFunc(all, func(d types.BlueGreenDeployment) bool { return aws.ToString(d.BlueGreenDeploymentIdentifier) != *want })
		if len(all) == 0 {
			return nil, withStatus(http.StatusNotFound, &types.BlueGreenDeploymentNotFoundFault{Message: aws.String("Blue/green deployment " + *want + " not found.")})
		}
	}
	key := func(d types.BlueGreenDeployment) string { return aws.ToString(d.BlueGreenDeploymentIdentifier) }
	slices.SortFunc(all, func(x, y types.BlueGreenDeployment) int { return cmp.Compare(key(x), key(y)) })
	part, next := pageAfter(all, after, c.most(size), key)
	return &rds.DescribeBlueGreenDeploymentsOutput{BlueGreenDeployments: part, Marker: next}, nil
}

func dbTags(tags map[string]string) (list []types.Tag) {
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return list
}
