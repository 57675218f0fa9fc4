package awssim

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"
)

func TestDatabasesComeInPages(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		for i := range 130 {
			a.AddDBInstance(here, DBInstance{ID: fmt.Sprintf("db-%03d", i), Tags: map[string]string{"n": fmt.Sprint(i)}})
			a.AddDBCluster(here, DBCluster{ID: fmt.Sprintf("c-%03d", i), Engine: []string{"docdb", "neptune", "aurora-mysql"}[i%3]})
		}
		d := databasesOf(t, a)
		for size, want := range map[int32][]int{0: {100, 30}, 20: {20, 20, 20, 20, 20, 20, 10}, 100: {100, 30}} {
			in := &rds.DescribeDBInstancesInput{}
			clusters := &rds.DescribeDBClustersInput{}
			if size > 0 {
				in.MaxRecords, clusters.MaxRecords = &size, &size
			}
			var pages, clusterPages []int
			for p := rds.NewDescribeDBInstancesPaginator(d, in); p.HasMorePages(); {
				out, err := p.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				pages = append(pages, len(out.DBInstances))
			}
			for p := rds.NewDescribeDBClustersPaginator(d, clusters); p.HasMorePages(); {
				out, err := p.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				clusterPages = append(clusterPages, len(out.DBClusters))
			}
			if !slices.Equal(pages, want) || !slices.Equal(clusterPages, want) {
				t.Errorf("MaxRecords %d: pages of %v and %v, want %v", size, pages, clusterPages, want)
			}
		}
		for name, in := range map[string]*rds.DescribeDBInstancesInput{
			"a page too small":   {MaxRecords: aws.Int32(19)},
			"a page too large":   {MaxRecords: aws.Int32(101)},
			"an invented marker": {Marker: aws.String("page-2")},
		} {
			if _, err := d.DescribeDBInstances(t.Context(), in); code(err) != "InvalidParameterValue" {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestDatabaseFilters(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddDBCluster(here, DBCluster{ID: "aurora", Members: []DBMember{{ID: "a1"}, {ID: "a2"}}})
		a.AddDBCluster(here, DBCluster{ID: "docs", Engine: "docdb", Members: []DBMember{{ID: "d1"}}})
		a.AddDBInstance(here, DBInstance{ID: "db", Engine: "mysql"})
		d := databasesOf(t, a)
		filter := func(name string, values ...string) []types.Filter {
			return []types.Filter{{Name: &name, Values: values}}
		}
		for name, tt := range map[string]struct {
			filters []types.Filter
			want    []string
		}{
			"by id, several":               {filter("db-instance-id", "db", "a1"), []string{"a1", "db"}},
			"by ARN":                       {filter("db-instance-id", "arn:aws:rds:us-east-1:111122223333:db:a2"), []string{"a2"}},
			"by id without regard to case": {filter("db-instance-id", "DB"), []string{"db"}},
			"by unknown id":                {filter("db-instance-id", "nowhere"), nil},
			"by cluster":                   {filter("db-cluster-id", "aurora"), []string{"a1", "a2"}},
			"by engine":                    {filter("engine", "docdb", "mysql"), []string{"d1", "db"}},
		} {
			out, err := d.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{Filters: tt.filters})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, db := range out.DBInstances {
				got = append(got, *db.DBInstanceIdentifier)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
		out, err := d.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{Filters: filter("db-cluster-id", "docs")})
		if err != nil || len(out.DBClusters) != 1 || *out.DBClusters[0].Engine != "docdb" {
			t.Errorf("DocumentDB does not show through the RDS API: %v, %v", out, err)
		}
		if _, err := d.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{Filters: filter("status", "available")}); err == nil || len(a.Unmodelled()) != 1 {
			t.Errorf("an unknown filter: %v, %v", err, a.Unmodelled())
		}
	})
}

func TestDatabaseListingTellsWhatDecides(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddDBInstance(here, DBInstance{ID: "source", Tags: map[string]string{"b": "2", "a": "1"}})
		a.AddDBInstance(here, DBInstance{ID: "replica", ReplicaOf: "source"})
		a.AddDBCluster(here, DBCluster{ID: "c", Global: "g", Members: []DBMember{{ID: "w", Tags: map[string]string{"x": "y"}}, {ID: "r", Class: "db.serverless"}}})
		a.AddDBCluster("eu-west-1", DBCluster{ID: "c", Global: "g"})
		a.AddDBCluster(here, DBCluster{ID: "v1", Mode: "serverless"})
		a.AddBlueGreenDeployment(here, "bgd", "c", "v1")
		d := databasesOf(t, a)

		if source := d.instance("source"); len(source.TagList) != 2 || *source.TagList[0].Key != "a" || source.ReadReplicaDBInstanceIdentifiers[0] != "replica" {
			t.Errorf("source: tags %v, replicas %v", source.TagList, source.ReadReplicaDBInstanceIdentifiers)
		}
		if replica := d.instance("replica"); aws.ToString(replica.ReadReplicaSourceDBInstanceIdentifier) != "source" {
			t.Errorf("replica of %v", replica.ReadReplicaSourceDBInstanceIdentifier)
		}
		if member := d.instance("w"); aws.ToString(member.DBClusterIdentifier) != "c" || len(member.TagList) != 1 {
			t.Errorf("member of %v, tags %v", member.DBClusterIdentifier, member.TagList)
		}
		cluster := d.cluster("c")
		if len(cluster.DBClusterMembers) != 2 || !*cluster.DBClusterMembers[0].IsClusterWriter || *cluster.DBClusterMembers[1].IsClusterWriter {
			t.Errorf("members %v", cluster.DBClusterMembers)
		}
		if aws.ToString(cluster.GlobalClusterIdentifier) != "g" || cluster.ServerlessV2ScalingConfiguration == nil {
			t.Errorf("global database %v, serverless v2 %v", cluster.GlobalClusterIdentifier, cluster.ServerlessV2ScalingConfiguration)
		}
		if mode := aws.ToString(d.cluster("v1").EngineMode); mode != "serverless" {
			t.Errorf("engine mode %s", mode)
		}
		global, err := d.DescribeGlobalClusters(t.Context(), &rds.DescribeGlobalClustersInput{})
		if err != nil || len(global.GlobalClusters) != 1 || len(global.GlobalClusters[0].GlobalClusterMembers) != 2 {
			t.Errorf("global databases %v, %v", global, err)
		}
		blue, err := d.DescribeBlueGreenDeployments(t.Context(), &rds.DescribeBlueGreenDeploymentsInput{})
		if err != nil || len(blue.BlueGreenDeployments) != 1 || aws.ToString(blue.BlueGreenDeployments[0].Source) != aws.ToString(cluster.DBClusterArn) {
			t.Errorf("blue/green deployments %v, %v", blue, err)
		}
	})
}
