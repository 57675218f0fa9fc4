package services

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"aws-hit-breaks/pkg/killswitch"
)

func TestDBInstanceVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		db   rdstypes.DBInstance
		want string
	}{
		"PostgreSQL": {rdstypes.DBInstance{Engine: aws.String("postgres")}, ""},
		"PostgreSQL in two zones": {
			rdstypes.DBInstance{Engine: aws.String("postgres"), MultiAZ: aws.Bool(true), SecondaryAvailabilityZone: aws.String("eu-west-1b")}, "",
		},
		"SQL Server": {rdstypes.DBInstance{Engine: aws.String("sqlserver-se")}, ""},
		"SQL Server in two zones": {
			rdstypes.DBInstance{Engine: aws.String("sqlserver-se"), MultiAZ: aws.Bool(true)},
			"SQL Server cannot be stopped while it is Multi-AZ",
		},
		"RDS Custom for SQL Server": {rdstypes.DBInstance{Engine: aws.String("custom-sqlserver-ee")}, ""},
		"RDS Custom for SQL Server in two zones, which has no MultiAZ": {
			rdstypes.DBInstance{Engine: aws.String("custom-sqlserver-ee"), SecondaryAvailabilityZone: aws.String("eu-west-1b")},
			"RDS Custom for SQL Server cannot be stopped while it is Multi-AZ",
		},
		"RDS Custom for Oracle": {
			rdstypes.DBInstance{Engine: aws.String("custom-oracle-ee-cdb")}, "RDS Custom for Oracle cannot be stopped",
		},
		"read replica": {
			rdstypes.DBInstance{Engine: aws.String("mysql"), ReadReplicaSourceDBInstanceIdentifier: aws.String("main")},
			"read replica of main: AWS does not stop replicas",
		},
		"read replica of a Multi-AZ DB cluster": {
			rdstypes.DBInstance{Engine: aws.String("mysql"), ReadReplicaSourceDBClusterIdentifier: aws.String("main")},
			"read replica of main: AWS does not stop replicas",
		},
		"source of replicas": {
			rdstypes.DBInstance{Engine: aws.String("mysql"), ReadReplicaDBInstanceIdentifiers: []string{"a", "b"}},
			"source of the read replica a, b: AWS does not stop sources of replicas",
		},
		"source of an Aurora replica": {
			rdstypes.DBInstance{Engine: aws.String("mysql"), ReadReplicaDBClusterIdentifiers: []string{"aurora"}},
			"source of the read replica aurora: AWS does not stop sources of replicas",
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.db.DbiResourceId = aws.String("db-1")
			if got := dbInstanceVerdict(test.db); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := dbInstanceVerdict(rdstypes.DBInstance{Engine: aws.String("postgres")}); got == "" {
		t.Error("an instance without a resource id could not be told from another of its name later, and is paused")
	}
}

func TestDBClusterVerdict(t *testing.T) {
	const here, there = "arn:aws:rds:eu-west-1:1:cluster:c", "arn:aws:rds:us-east-1:1:cluster:c"
	for name, test := range map[string]struct {
		c       rdstypes.DBCluster
		known   bonds
		verdict string
		doubt   string
	}{
		"Aurora":     {rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), EngineMode: aws.String("provisioned")}, bonds{}, "", ""},
		"DocumentDB": {rdstypes.DBCluster{Engine: aws.String("docdb")}, bonds{}, "", ""},
		"Neptune":    {rdstypes.DBCluster{Engine: aws.String("neptune")}, bonds{}, "", ""},
		"Serverless v1": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), EngineMode: aws.String("serverless")}, bonds{},
			"Aurora Serverless v1 cannot be stopped; it pauses itself where that is configured", "",
		},
		"Multi-AZ DB cluster": {
			rdstypes.DBCluster{Engine: aws.String("postgres")}, bonds{},
			"Multi-AZ DB cluster of postgres: AWS stops clusters of Aurora, DocumentDB and Neptune only", "",
		},
		"with a replica in another region": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), ReadReplicaIdentifiers: []string{"near", there}}, bonds{},
			"it has the cross-Region replica " + there + " and cannot be stopped", "",
		},
		"replica of another region": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), ReplicationSourceIdentifier: aws.String(there)}, bonds{},
			"cross-Region replica of " + there + ": it cannot be stopped", "",
		},
		"replica of its own region: AWS's page does not say": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), ReplicationSourceIdentifier: aws.String("arn:aws:rds:eu-west-1:1:db:old")}, bonds{},
			"", "it replicates from arn:aws:rds:eu-west-1:1:db:old",
		},
		"one of several in a global database": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), GlobalClusterIdentifier: aws.String("world")},
			bonds{global: map[string]string{here: "the global database world has 2 clusters: AWS stops none of them"}},
			"the global database world has 2 clusters: AWS stops none of them", "",
		},
		"in a global database that nobody may read": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), GlobalClusterIdentifier: aws.String("world")},
			bonds{globalDoubt: "denied"}, "", "denied",
		},
		"in no global database, which nobody may read": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql")}, bonds{globalDoubt: "denied"}, "", "",
		},
		"side of a blue/green deployment": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql")}, bonds{blueGreen: map[string]string{here: "release"}},
			"it is part of the blue/green deployment release: AWS does not stop it", "",
		},
		"side of a finished blue/green deployment": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql")}, bonds{switched: map[string]string{here: "release"}},
			"", "it is part of the finished blue/green deployment release",
		},
		"blue/green deployments that nobody may read": {
			rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), Status: aws.String("available"), DBClusterMembers: make([]rdstypes.DBClusterMember, 1)},
			bonds{greenDoubt: "denied"}, "", "denied",
		},
		"blue/green deployments that nobody may read do not concern Neptune": {
			rdstypes.DBCluster{Engine: aws.String("neptune"), Status: aws.String("available"), DBClusterMembers: make([]rdstypes.DBClusterMember, 1)},
			bonds{greenDoubt: "denied"}, "", "",
		},
		"Limitless is tried": {
			rdstypes.DBCluster{Engine: aws.String("aurora-postgresql"), ClusterScalabilityType: rdstypes.ClusterScalabilityTypeLimitless}, bonds{},
			"", "AWS's pages do not say whether Aurora Limitless can be stopped",
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.c.DBClusterArn, test.c.DbClusterResourceId = aws.String(here), aws.String("cluster-1")
			verdict := dbClusterVerdict(test.c)
			bound, doubt := test.known.judge(test.c)
			if verdict == "" {
				verdict = bound
			}
			if verdict != test.verdict || verdict == "" && doubt != test.doubt {
				t.Errorf("got %q, doubt %q; want %q, doubt %q", verdict, doubt, test.verdict, test.doubt)
			}
		})
	}
	if got := dbClusterVerdict(rdstypes.DBCluster{Engine: aws.String("docdb")}); got == "" {
		t.Error("a cluster without a resource id could not be told from another of its name later, and is paused")
	}
}

func TestHasCompute(t *testing.T) {
	for name, test := range map[string]struct {
		c    rdstypes.DBCluster
		want bool
	}{
		"Aurora with a member":       {rdstypes.DBCluster{Engine: aws.String("aurora-mysql"), DBClusterMembers: make([]rdstypes.DBClusterMember, 1)}, true},
		"Aurora without any":         {rdstypes.DBCluster{Engine: aws.String("aurora-mysql")}, false},
		"DocumentDB without any":     {rdstypes.DBCluster{Engine: aws.String("docdb")}, false},
		"Serverless v1 that runs":    {rdstypes.DBCluster{Engine: aws.String("aurora"), EngineMode: aws.String("serverless"), Capacity: aws.Int32(2)}, true},
		"Serverless v1 that sleeps":  {rdstypes.DBCluster{Engine: aws.String("aurora"), EngineMode: aws.String("serverless"), Capacity: aws.Int32(0)}, false},
		"Limitless, which has none":  {rdstypes.DBCluster{Engine: aws.String("aurora-postgresql"), ClusterScalabilityType: rdstypes.ClusterScalabilityTypeLimitless}, true},
		"Multi-AZ cluster, not seen": {rdstypes.DBCluster{Engine: aws.String("mysql")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hasCompute(test.c, nil); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestClusterType(t *testing.T) {
	member := func(class string) rdstypes.DBInstance { return rdstypes.DBInstance{DBInstanceClass: aws.String(class)} }
	mixed := []rdstypes.DBInstance{member("db.r6g.xlarge"), member("db.r6g.large"), member("db.r6g.xlarge")}
	if got, want := clusterType(rdstypes.DBCluster{}, mixed), "db.r6g.large ×1, db.r6g.xlarge ×2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := clusterType(rdstypes.DBCluster{DBClusterInstanceClass: aws.String("db.m6gd.large")}, nil), "db.m6gd.large"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDatabaseStatuses: every status that needs help says what helps, and one that costs nothing is
// not paused.
func TestDatabaseStatuses(t *testing.T) {
	for _, status := range slices.Sorted(maps.Keys(dbRemedies)) {
		for _, want := range []killswitch.Want{killswitch.WantPaused, killswitch.WantResumed} {
			if at, why := dbIn(status).condition(want); at != dbBroken || !strings.Contains(why, dbRemedies[status]) {
				t.Errorf("%s towards %s is condition %d (%s)", status, want, at, why)
			}
		}
	}
	for status, want := range map[string]bool{
		dbAvailable: true, dbStarting: true, "creating": true, "backing-up": true, "storage-full": true, dbOptimizing: true,
		dbStopped: false, dbStopping: false, dbDeleting: false, "failed": false, "incompatible-network": false,
	} {
		if got := costsByTheHour(status); got != want {
			t.Errorf("costsByTheHour(%s) = %v, want %v", status, got, want)
		}
	}
}
