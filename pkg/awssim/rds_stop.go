package awssim

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// rdsOperations is what the account does for RDS, Aurora, DocumentDB and Neptune, which share one
// API: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Operations.html
func rdsOperations() []operation {
	return []operation{
		op("rds", "DescribeDBInstances", false, describeDBInstances),
		op("rds", "DescribeDBClusters", false, describeDBClusters),
		op("rds", "DescribeGlobalClusters", false, describeGlobalClusters),
		op("rds", "DescribeBlueGreenDeployments", false, describeBlueGreenDeployments),
		op("rds", "StopDBInstance", true, stopDBInstance),
		op("rds", "StartDBInstance", true, startDBInstance),
		op("rds", "StopDBCluster", true, stopDBCluster),
		op("rds", "StartDBCluster", true, startDBCluster),
	}
}

func stopDBInstance(c *call, in *rds.StopDBInstanceInput) (*rds.StopDBInstanceOutput, error) {
	switch {
	case in.DBSnapshotIdentifier != nil:
		return nil, c.unmodelled("rds:StopDBInstance DBSnapshotIdentifier")
	case in.DetachFromDBCapacityReservation != nil:
		return nil, c.unmodelled("rds:StopDBInstance DetachFromDBCapacityReservation")
	}
	db, err := c.dbInstance(in.DBInstanceIdentifier)
	if err != nil {
		return nil, err
	}
	if err := c.refusesStopAndStart(db); err != nil {
		return nil, err
	}
	if db.status != dbAvailable {
		return nil, invalidDBInstance("Instance %s is not in available state.", db.id)
	}
	c.account.stopInstance(c.region, db, c.now)
	return &rds.StopDBInstanceOutput{DBInstance: c.showInstance(db, db.status)}, nil
}

func startDBInstance(c *call, in *rds.StartDBInstanceInput) (*rds.StartDBInstanceOutput, error) {
	if in.DBCapacityReservationIdentifier != nil {
		return nil, c.unmodelled("rds:StartDBInstance DBCapacityReservationIdentifier")
	}
	db, err := c.dbInstance(in.DBInstanceIdentifier)
	if err != nil {
		return nil, err
	}
	if err := c.refusesStopAndStart(db); err != nil {
		return nil, err
	}
	if db.status != dbStopped {
		return nil, invalidDBInstance("Instance %s is not in stopped state.", db.id)
	}
	if err := db.refuseStart(); err != nil {
		return nil, err
	}
	c.account.startInstance(c.region, db, c.now)
	return &rds.StartDBInstanceOutput{DBInstance: c.showInstance(db, db.status)}, nil
}

// refusesStopAndStart is what can be neither stopped nor started by instance:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html
func (c *call) refusesStopAndStart(db *dbInstance) error {
	switch {
	case db.cluster != nil:
		return apiError(http.StatusBadRequest, "InvalidParameterCombination",
			db.spec.Engine+" DB instances are not eligible for stopping and starting.")
	case db.spec.ReplicaOf != "":
		return invalidDBInstance("Cannot stop or start a Read-Replica instance")
	case len(c.replicasOf(db)) > 0:
		return invalidDBInstance("Cannot stop or start an instance that has Read-Replicas")
	case strings.HasPrefix(db.spec.Engine, "sqlserver-") && db.spec.MultiAZ:
		return invalidDBInstance("Cannot stop or start a SQLServer MultiAz instance")
	case strings.HasPrefix(db.spec.Engine, "custom-oracle"), strings.HasPrefix(db.spec.Engine, "custom-sqlserver") && db.spec.MultiAZ:
		return invalidDBInstance("Cannot stop or start a %s instance", db.spec.Engine)
	}
	return nil
}

// The refusals of a cluster are in
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html
func stopDBCluster(c *call, in *rds.StopDBClusterInput) (*rds.StopDBClusterOutput, error) {
	cluster, err := c.dbCluster(in.DBClusterIdentifier)
	if err != nil {
		return nil, err
	}
	if cluster.spec.Limitless {
		return nil, apiError(http.StatusBadRequest, "InvalidParameterCombination", "Aurora Limitless clusters are not eligible for stopping and starting.")
	}
	if err := c.refusesStop(cluster); err != nil {
		return nil, err
	}
	if cluster.status != dbAvailable {
		return nil, invalidDBCluster("DbCluster %s is in %s state but expected it to be one of available.", cluster.id, cluster.status)
	}
	for _, m := range cluster.members {
		if m.status != dbAvailable {
			return nil, invalidDBInstance("DbInstance %s of cluster %s is in %s state but expected it to be available.", m.id, cluster.id, m.status)
		}
	}
	c.account.stopCluster(c.region, cluster, c.now)
	return &rds.StopDBClusterOutput{DBCluster: c.showCluster(cluster, cluster.status)}, nil
}

func (c *call) refusesStop(cluster *dbCluster) error {
	switch {
	case cluster.spec.Mode == "serverless":
		return invalidDBCluster("Cannot stop DB cluster %s: Aurora Serverless v1 clusters cannot be stopped.", cluster.id)
	case !stoppableEngine(cluster.spec.Engine):
		return invalidDBCluster("Cannot stop DB cluster %s: Multi-AZ DB clusters cannot be stopped.", cluster.id)
	case cluster.spec.Global != "" && len(c.globalMembers(cluster.spec.Global)) > 1:
		return invalidDBCluster("Cannot stop DB cluster %s: it is part of global database %s.", cluster.id, cluster.spec.Global)
	case cluster.spec.ReplicaOf != "" || len(c.clusterReplicasOf(cluster)) > 0:
		return invalidDBCluster("Cannot stop DB cluster %s: it has cross-Region replication.", cluster.id)
	case c.region.rds.inBlueGreen(cluster.arn):
		return invalidDBCluster("Cannot stop DB cluster %s: it is part of a blue/green deployment.", cluster.id)
	case cluster.spec.Engine == "docdb" && len(cluster.members) == 0:
		// https://docs.aws.amazon.com/documentdb/latest/developerguide/db-cluster-stop-start.html
		return invalidDBCluster("DB cluster %s has no available instances.", cluster.id)
	}
	return nil
}

// stoppableEngine tells Aurora, DocumentDB and Neptune from Multi-AZ DB clusters.
func stoppableEngine(engine string) bool {
	return strings.HasPrefix(engine, "aurora") || engine == "docdb" || engine == "neptune"
}

func startDBCluster(c *call, in *rds.StartDBClusterInput) (*rds.StartDBClusterOutput, error) {
	cluster, err := c.dbCluster(in.DBClusterIdentifier)
	if err != nil {
		return nil, err
	}
	if cluster.status != dbStopped {
		return nil, invalidDBCluster("DbCluster %s is in %s state but expected it to be one of stopped,inaccessible-encryption-credentials-recoverable.",
			cluster.id, cluster.status)
	}
	if err := cluster.refuseStart(); err != nil {
		return nil, err
	}
	c.account.startCluster(c.region, cluster, c.now)
	return &rds.StartDBClusterOutput{DBCluster: c.showCluster(cluster, cluster.status)}, nil
}

func (c *call) dbInstance(id *string) (*dbInstance, error) {
	if db := c.region.rds.instances[strings.ToLower(aws.ToString(id))]; db != nil {
		return db, nil
	}
	return nil, noDBInstance(aws.ToString(id))
}

func (c *call) dbCluster(id *string) (*dbCluster, error) {
	if cluster := c.region.rds.clusters[strings.ToLower(aws.ToString(id))]; cluster != nil {
		return cluster, nil
	}
	return nil, noDBCluster(aws.ToString(id))
}

// refuseStart is the refusal that the database was given, while it lasts.
func (db *database) refuseStart() error {
	code := db.life.StartRefused
	if code == "" || db.life.StartRefusals > 0 && db.refusals >= db.life.StartRefusals {
		return nil
	}
	db.refusals++
	message := aws.String(fmt.Sprintf("Cannot start %s now.", db.id))
	switch code {
	case "InsufficientDBInstanceCapacity":
		return withStatus(http.StatusBadRequest, &types.InsufficientDBInstanceCapacityFault{Message: message})
	case "KMSKeyNotAccessibleFault":
		return withStatus(http.StatusBadRequest, &types.KMSKeyNotAccessibleFault{Message: message})
	case "InvalidVPCNetworkStateFault":
		return withStatus(http.StatusBadRequest, &types.InvalidVPCNetworkStateFault{Message: message})
	}
	return apiError(http.StatusBadRequest, code, *message)
}

// stopInstance begins the stop of an instance of its own.
func (a *Account) stopInstance(r *region, db *dbInstance, now time.Time) {
	a.turn(&db.database, now, dbStopping, a.vary(db.turnKey(), minDBStopping, maxDBStopping), func(now time.Time) {
		db.set(dbStopped, now)
		r.rds.emit(r, now, &db.database, eventInstanceStopped, "DB instance stopped")
		a.restartAfter(&db.database, now, func(now time.Time) { a.wakeInstance(r, db, now) })
	})
}

// startInstance begins the start of an instance of its own.
func (a *Account) startInstance(r *region, db *dbInstance, now time.Time) {
	db.restartAt = time.Time{}
	a.turn(&db.database, now, dbStarting, a.vary(db.turnKey(), minDBStarting, maxDBStarting), func(now time.Time) {
		if a.arrive(&db.database, now) {
			r.rds.emit(r, now, &db.database, eventInstanceStarted, "DB instance started")
		}
	})
}

// stopCluster begins the stop of a cluster: its readers first, then its writer, then it is stopped.
func (a *Account) stopCluster(r *region, cluster *dbCluster, now time.Time) {
	took := a.vary(cluster.turnKey(), minDBStopping, maxDBStopping)
	for i, m := range cluster.members {
		d := took // the writer's
		if i > 0 {
			d = a.vary(m.turnKey(), took/4, took*3/4)
		}
		a.turn(&m.database, now, dbStopping, d, func(now time.Time) { m.set(dbStopped, now) })
	}
	a.turn(&cluster.database, now, dbStopping, took+a.vary(cluster.turnKey()+" rest", time.Second, 20*time.Second), func(now time.Time) {
		cluster.set(dbStopped, now)
		r.rds.emit(r, now, &cluster.database, eventClusterStopped, "DB cluster stopped")
		a.restartAfter(&cluster.database, now, func(now time.Time) { a.wakeCluster(r, cluster, now) })
	})
}

// startCluster begins the start of a cluster. It is available with its writer; its readers follow
// one after another.
func (a *Account) startCluster(r *region, cluster *dbCluster, now time.Time) {
	cluster.restartAt = time.Time{}
	took := a.vary(cluster.turnKey(), minDBStarting, maxDBStarting)
	a.turn(&cluster.database, now, dbStarting, took, func(now time.Time) {
		if a.arrive(&cluster.database, now) {
			r.rds.emit(r, now, &cluster.database, eventClusterStarted, "DB cluster started")
		}
	})
	for i, m := range cluster.members {
		m.life.StartEnds = cluster.life.StartEnds
		if i > 0 {
			took += a.vary(m.turnKey(), 10*time.Second, 2*time.Minute)
		}
		a.turn(&m.database, now, dbStarting, took, func(now time.Time) { a.arrive(&m.database, now) })
	}
}

// wakeInstance is AWS's own start of an instance that was stopped for seven days. It takes the
// instance through a backup or maintenance, which a third of them have due by then.
func (a *Account) wakeInstance(r *region, db *dbInstance, now time.Time) {
	if db.status != dbStopped {
		return
	}
	r.rds.emit(r, now, &db.database, eventInstanceWoken,
		"DB instance is being started due to it exceeding the maximum allowed time being stopped.")
	a.startInstance(r, db, now)
	a.backUpAfterWaking(&db.database)
}

// wakeCluster is the same for a cluster.
func (a *Account) wakeCluster(r *region, cluster *dbCluster, now time.Time) {
	if cluster.status != dbStopped {
		return
	}
	r.rds.emit(r, now, &cluster.database, eventClusterWoken,
		"DB cluster is being started due to it exceeding the maximum allowed time being stopped.")
	a.startCluster(r, cluster, now)
	a.backUpAfterWaking(&cluster.database)
}

func (a *Account) backUpAfterWaking(db *database) {
	if key := db.turnKey() + " woken"; hash(a.seed, key)%3 == 0 {
		db.backupOnce = a.vary(key, minDBBackup, maxDBBackup)
	}
}

// arrive ends a start, and says whether the database is available then or soon.
func (a *Account) arrive(db *database, now time.Time) bool {
	if end := db.life.StartEnds; end != "" && end != dbAvailable {
		db.set(end, now)
		return false
	}
	db.set(dbAvailable, now)
	backup := max(db.life.StartBackup, db.backupOnce)
	db.backupOnce = 0
	if backup > 0 {
		a.occupy(db, now, dbBackingUp, backup)
	}
	return true
}

// restartAfter lets AWS start the database when it has been stopped for as long as it may be.
func (a *Account) restartAfter(db *database, now time.Time, wake func(time.Time)) {
	db.restartAt = now.Add(maxDBStopped)
	a.after(db, db.restartAt, wake)
}

// turn puts the database into a passing status that ends after d, unless something else begins.
func (a *Account) turn(db *database, now time.Time, status string, d time.Duration, then func(now time.Time)) {
	db.set(status, now)
	db.wasUntil = now.Add(a.vary(db.turnKey()+" lag", 0, maxDBLag))
	a.after(db, now.Add(d), then)
}

// occupy puts a database that is up into a status that ends in available after d.
func (a *Account) occupy(db *database, now time.Time, status string, d time.Duration) {
	a.turn(db, now, status, d, func(now time.Time) { db.set(dbAvailable, now) })
	db.busy = true
	a.changedDatabase(db, now)
}

// after schedules then, unless the database changes before.
func (a *Account) after(db *database, t time.Time, then func(now time.Time)) {
	turns := db.turns
	a.at(t, db.key, func(now time.Time) {
		if db.turns == turns {
			then(now)
		}
	})
}

// set changes the status, which listings show at once unless the caller says otherwise.
func (db *database) set(status string, now time.Time) {
	db.was, db.wasUntil = db.status, now
	db.status = status
	db.busy = false
	db.turns++
	db.changed(db, now)
}

// listed is the status as a listing shows it.
func (db *database) listed(now time.Time) string {
	if now.Before(db.wasUntil) {
		return db.was
	}
	return db.status
}

func (db *database) turnKey() string { return fmt.Sprintf("%s/%d", db.key, db.turns) }

func (s *rdsState) emit(r *region, now time.Time, db *database, id, message string) {
	s.events = append(s.events, DatabaseEvent{
		At: now, Region: r.name, ID: db.id, Cluster: db.kind == "cluster", EventID: id, Message: message, SourceARN: db.arn,
	})
}

func (s *rdsState) inBlueGreen(arn string) bool {
	for _, d := range s.blueGreen {
		if aws.ToString(d.Source) == arn || aws.ToString(d.Target) == arn {
			return true
		}
	}
	return false
}

func noDBInstance(id string) error {
	return withStatus(http.StatusNotFound, &types.DBInstanceNotFoundFault{Message: aws.String("DBInstance " + id + " not found.")})
}

func noDBCluster(id string) error {
	return withStatus(http.StatusNotFound, &types.DBClusterNotFoundFault{Message: aws.String("DBCluster " + id + " not found.")})
}

func invalidDBInstance(format string, args ...any) error {
	return withStatus(http.StatusBadRequest, &types.InvalidDBInstanceStateFault{Message: aws.String(fmt.Sprintf(format, args...))})
}

func invalidDBCluster(format string, args ...any) error {
	return withStatus(http.StatusBadRequest, &types.InvalidDBClusterStateFault{Message: aws.String(fmt.Sprintf(format, args...))})
}
