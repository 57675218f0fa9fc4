package awssim

import (
	"fmt"
	"time"
)

var databaseClasses = []string{"db.t4g.medium", "db.m6g.large", "db.m6g.xlarge", "db.r6g.large", "db.r6g.2xlarge"}

// database adds a database instance and returns its identifier.
func (b *builder) database(what string, db DBInstance, tags ...string) string {
	db.ID, db.Tags = b.name(what), b.tags(tags...)
	if db.Class == "" {
		db.Class = databaseClasses[b.draw(len(databaseClasses))]
	}
	b.a.AddDBInstance(b.region, db)
	return db.ID
}

// cluster adds a cluster with n members and returns its identifier.
func (b *builder) cluster(what string, n int, cluster DBCluster, tags ...string) string {
	cluster.ID, cluster.Tags = b.name(what), b.tags(tags...)
	for i := range n {
		cluster.Members = append(cluster.Members, DBMember{ID: fmt.Sprintf("%s-%d", cluster.ID, i+1)})
	}
	b.a.AddDBCluster(b.region, cluster)
	return cluster.ID
}

func ordinaryDatabase(b *builder) {
	engines := []string{"postgres", "mysql", "mariadb"}
	b.database("db", DBInstance{Engine: engines[b.draw(len(engines))], MultiAZ: b.draw(3) == 0})
}

func ordinaryCluster(b *builder) { b.cluster("aurora", 1+b.draw(3), DBCluster{}) }

// alone makes a situation of one database instance.
func alone(what string, db DBInstance, tags ...string) situation {
	return situation{what: what, add: func(b *builder) { b.database(what, db, tags...) }}
}

// clustered makes a situation of one cluster.
func clustered(what string, n int, cluster DBCluster, tags ...string) situation {
	return situation{what: what, add: func(b *builder) { b.cluster(what, n, cluster, tags...) }}
}

// databaseSituations are those of databases. A passing status is over within minutes.
var databaseSituations = []situation{
	{what: "db", add: ordinaryDatabase},
	{what: "aurora", add: ordinaryCluster},
	alone("db-stopped", DBInstance{Life: DBLife{Status: dbStopped, RestartsIn: 5 * 24 * time.Hour}}),
	alone("db-protected", DBInstance{}, protectTag, "true"),
	alone("db-backing-up", DBInstance{Life: DBLife{Status: dbBackingUp, For: 4 * time.Minute}}),
	variant(alone("db-modifying", DBInstance{Life: DBLife{Status: "modifying", For: 3 * time.Minute}})),
	variant(alone("db-backup-at-start", DBInstance{Life: DBLife{StartBackup: 3 * time.Minute}})),
	variant(alone("db-no-network", DBInstance{Life: DBLife{Status: "incompatible-network"}})),
	variant(alone("db-full", DBInstance{Life: DBLife{Status: "storage-full"}})),
	alone("db-reserved", DBInstance{Engine: "mysql", Reservation: "dbcr-0a1b2c3d"}),
	variant(alone("db-sqlserver", DBInstance{Engine: "sqlserver-se"})),
	alone("db-sqlserver-multi-az", DBInstance{Engine: "sqlserver-se", MultiAZ: true}),
	alone("db-custom-oracle", DBInstance{Engine: "custom-oracle-ee"}),
	{what: "db-replicated", add: func(b *builder) {
		source := b.database("db-source", DBInstance{Engine: "mysql"})
		b.database("db-replica", DBInstance{Engine: "mysql", ReplicaOf: source})
	}},
	variant(situation{what: "db-replicated-elsewhere", add: func(b *builder) {
		source := b.database("db-far-source", DBInstance{})
		b.other.database("db-far-replica", DBInstance{ReplicaOf: b.arn("db", source)})
	}}),

	clustered("aurora-protected", 1, DBCluster{}, protectTag, "true"),
	variant(clustered("aurora-empty", 0, DBCluster{})),
	clustered("aurora-stopped", 2, DBCluster{Life: DBLife{Status: dbStopped}}),
	variant(clustered("aurora-limitless", 1, DBCluster{Limitless: true})),
	variant(clustered("aurora-upgrading", 1, DBCluster{Life: DBLife{Status: "upgrading", For: 5 * time.Minute}})),
	clustered("aurora-serverless-v1", 0, DBCluster{Engine: "aurora-mysql", Mode: "serverless"}),
	clustered("multi-az", 3, DBCluster{Engine: "postgres"}),
	clustered("docdb", 2, DBCluster{Engine: "docdb"}),
	clustered("neptune", 1, DBCluster{Engine: "neptune"}),
	{what: "aurora-protected-member", add: func(b *builder) {
		id := b.name("aurora-protected-member")
		b.a.AddDBCluster(b.region, DBCluster{ID: id, Tags: b.tags(), Members: []DBMember{
			{ID: id + "-1"}, {ID: id + "-2", Tags: map[string]string{protectTag: "true"}},
		}})
	}},
	variant(situation{what: "aurora-busy-member", add: func(b *builder) {
		id := b.cluster("aurora-busy-member", 2, DBCluster{})
		b.a.BusyDatabase(b.region, id+"-2", "rebooting", 2*time.Minute)
	}}),
	{what: "aurora-serverless-v2", add: func(b *builder) {
		id := b.name("aurora-serverless-v2")
		b.a.AddDBCluster(b.region, DBCluster{ID: id, Tags: b.tags(), Members: []DBMember{{ID: id + "-1", Class: "db.serverless"}}})
	}},
	{what: "aurora-global", add: func(b *builder) {
		global := fmt.Sprint("global-", b.region, "-", b.made)
		b.cluster("aurora-global", 1, DBCluster{Global: global})
		b.other.cluster("aurora-global", 1, DBCluster{Global: global})
	}},
	variant(situation{what: "aurora-global-alone", add: func(b *builder) {
		b.cluster("aurora-global-alone", 1, DBCluster{Global: fmt.Sprint("global-alone-", b.region, "-", b.made)})
	}}),
	variant(situation{what: "aurora-replicated-elsewhere", add: func(b *builder) {
		source := b.cluster("aurora-far-source", 1, DBCluster{})
		b.other.cluster("aurora-far-replica", 1, DBCluster{ReplicaOf: b.arn("cluster", source)})
	}}),
	{what: "aurora-blue-green", add: func(b *builder) {
		blue, green := b.cluster("aurora-blue", 1, DBCluster{}), b.cluster("aurora-green", 1, DBCluster{})
		b.a.AddBlueGreenDeployment(b.region, "bgd-"+blue, blue, green)
	}},
}

func (b *builder) arn(kind, id string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:%s:%s", b.region, b.a.id, kind, id)
}
