package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// How long databases take. "Minutes" is all that AWS says of either, and that both can be much
// longer; the lengths are assumed:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html
const (
	minDBStopping = 2 * time.Minute
	maxDBStopping = 8 * time.Minute
	minDBStarting = 3 * time.Minute
	maxDBStarting = 12 * time.Minute
	// After a start that AWS made, a third of the databases are backed up or maintained at once.
	minDBBackup = 2 * time.Minute
	maxDBBackup = 10 * time.Minute
	// How long a listing may show the status before a change. Assumed.
	maxDBLag = 3 * time.Second
	// Both pages above: AWS starts a database that has been stopped for seven days.
	maxDBStopped = 7 * 24 * time.Hour
)

// The statuses that the account itself sets:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
const (
	dbAvailable = "available"
	dbStopping  = "stopping"
	dbStopped   = "stopped"
	dbStarting  = "starting"
	dbBackingUp = "backing-up"
)

// DBInstance is a database instance to be put into an account.
type DBInstance struct {
	ID      string
	Engine  string // default "postgres"
	Class   string // default "db.m6g.large"
	MultiAZ bool
	Licence string // LicenseModel; default "license-included" for SQL Server and Oracle, else the engine's own
	Disk    DBDisk
	// ReplicaOf makes it a read replica: the identifier of its source in the same region, or the
	// source's ARN in another.
	ReplicaOf string
	// Reservation is the DB capacity reservation it runs in, which a stop keeps.
	Reservation string
	Tags        map[string]string
	Life        DBLife
}

// DBDisk is the disk of a DB instance.
type DBDisk struct {
	Type             string // default "gp3"
	Size             int32  // GB; default 100
	IOPS, Throughput int32
}

// DBCluster is a cluster of Aurora, DocumentDB or Neptune, or a Multi-AZ DB cluster, with its
// members. Its engine decides which.
type DBCluster struct {
	ID     string
	Engine string // default "aurora-postgresql"; "mysql" or "postgres" make a Multi-AZ DB cluster
	Disk   string // StorageType; "aurora-iopt1" pays no input and output
	Mode   string // EngineMode, default "provisioned"; "serverless" is Aurora Serverless v1
	// Limitless makes it Aurora Limitless. AWS does not say whether it can be stopped; here it is refused
	// for good, which is the harder of the two for whoever tries.
	Limitless bool
	// Global is the global database it belongs to. Clusters of several regions may share one.
	Global string
	// ReplicaOf makes it a cross-Region replica: the ARN of its source.
	ReplicaOf string
	Members   []DBMember // the first is the writer
	Tags      map[string]string
	Life      DBLife
}

// DBMember is an instance in a cluster.
type DBMember struct {
	ID    string
	Class string // default "db.r6g.large"; "db.serverless" is Aurora Serverless v2
	Tags  map[string]string
	// Status is the member's own where it differs from the cluster's.
	Status string
}

// DBLife is where a database stands, and what will go wrong with it.
type DBLife struct {
	Status string // default "available"
	// For is how long a passing Status such as "backing-up" or "modifying" lasts until the database
	// is available; zero means for ever.
	For time.Duration
	// RestartsIn says in how long AWS starts a database whose Status is "stopped"; default 7 days.
	RestartsIn time.Duration
	// StartRefused is the code with which starts are refused, for instance
	// "InsufficientDBInstanceCapacity"; StartRefusals is how many are, zero meaning all.
	StartRefused  string
	StartRefusals int
	// StartEnds is the status in which every start that is not refused ends, for instance
	// "incompatible-network"; default "available".
	StartEnds string
	// StartBackup is how long the database is backing-up right after each start.
	StartBackup time.Duration
}

// rdsState is what RDS holds in one region.
type rdsState struct {
	instances map[string]*dbInstance
	clusters  map[string]*dbCluster
	replicas  map[string][]string // of instances and clusters of this region, by the source's ARN
	blueGreen []types.BlueGreenDeployment
	events    []DatabaseEvent
}

func newRDSState() *rdsState {
	return &rdsState{instances: map[string]*dbInstance{}, clusters: map[string]*dbCluster{}, replicas: map[string][]string{}}
}

// database is what instances and clusters have in common.
type database struct {
	kind, id, arn string
	of            *database   // the cluster of a member
	parts         []*database // of a cluster: its members
	region        string
	changed       func(*database, time.Time)
	key           string // unique in the account
	resource      string // DbiResourceId or DbClusterResourceId
	created       time.Time
	life          DBLife
	tags          map[string]string

	status    string
	was       string    // what listings still show
	wasUntil  time.Time // until then
	restartAt time.Time // AutomaticRestartTime
	busy      bool      // with a status that passes by itself while the database is up
	turns     int       // changes begun: what was scheduled before the last one does nothing
	refusals  int       // starts refused so far
	// backupOnce is how long the next start is followed by a backup.
	backupOnce time.Duration
}

type dbInstance struct {
	database
	spec    DBInstance
	cluster *dbCluster // nil for one of its own
}

type dbCluster struct {
	database
	spec    DBCluster
	members []*dbInstance // the first is the writer
}

// DatabaseEvent is an event of RDS as it comes through EventBridge.
type DatabaseEvent struct {
	At        time.Time
	Region    string
	ID        string // of the instance or cluster
	Cluster   bool
	EventID   string // "RDS-EVENT-0153"
	Message   string
	SourceARN string
}

// The events that the account emits:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html
const (
	eventInstanceStopped = "RDS-EVENT-0087"
	eventInstanceStarted = "RDS-EVENT-0088"
	eventInstanceWoken   = "RDS-EVENT-0154"
	eventClusterStopped  = "RDS-EVENT-0150"
	eventClusterStarted  = "RDS-EVENT-0151"
	eventClusterWoken    = "RDS-EVENT-0153"
)

// rdsByAWS are the fields that AWS itself changes at a stop and start.
var rdsByAWS = map[string]string{
	"AutomaticRestartTime": "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html",
}

// AddDBInstance puts a database instance into a region of the account. It panics when there is one
// of that id, or no such region.
func (a *Account) AddDBInstance(region string, spec DBInstance) {
	spec.Engine = cmp.Or(spec.Engine, "postgres")
	spec.Class = cmp.Or(spec.Class, "db.m6g.large")
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		db := &dbInstance{database: a.newDatabase(r, "db", spec.ID, spec.Tags, spec.Life, now), spec: spec}
		r.rds.add(db)
		if spec.ReplicaOf != "" {
			a.addReplica(r, &db.database, spec.ReplicaOf)
		}
		a.beginLife(&db.database, now, func(now time.Time) { a.wakeInstance(r, db, now) })
	})
}

// AddDBCluster puts a cluster with its members into a region of the account. It panics when there
// is one of that id, or no such region.
func (a *Account) AddDBCluster(region string, spec DBCluster) {
	spec.Engine = cmp.Or(spec.Engine, "aurora-postgresql")
	spec.Mode = cmp.Or(spec.Mode, "provisioned")
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		if r.rds.clusters[spec.ID] != nil {
			panic(fmt.Sprintf("awssim: DB cluster %s exists in %s", spec.ID, region))
		}
		cluster := &dbCluster{database: a.newDatabase(r, "cluster", spec.ID, spec.Tags, spec.Life, now), spec: spec}
		r.rds.clusters[spec.ID] = cluster
		if spec.ReplicaOf != "" {
			a.addReplica(r, &cluster.database, spec.ReplicaOf)
		}
		for _, m := range spec.Members {
			life := DBLife{Status: cmp.Or(m.Status, spec.Life.Status), For: spec.Life.For}
			member := &dbInstance{
				database: a.newDatabase(r, "db", m.ID, m.Tags, life, now),
				spec:     DBInstance{ID: m.ID, Engine: spec.Engine, Class: cmp.Or(m.Class, "db.r6g.large"), Tags: m.Tags},
				cluster:  cluster,
			}
			r.rds.add(member)
			cluster.members = append(cluster.members, member)
			member.of = &cluster.database
			cluster.parts = append(cluster.parts, &member.database)
			a.beginLife(&member.database, now, nil)
		}
		a.beginLife(&cluster.database, now, func(now time.Time) { a.wakeCluster(r, cluster, now) })
	})
}

// AddBlueGreenDeployment makes two clusters, or two instances, of a region the sides of a blue/green
// deployment.
func (a *Account) AddBlueGreenDeployment(region, id, source, target string) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		arn := func(id string) *string {
			if cluster := r.rds.clusters[id]; cluster != nil {
				return aws.String(cluster.arn)
			}
			return aws.String(r.rds.instances[id].arn)
		}
		r.rds.blueGreen = append(r.rds.blueGreen, types.BlueGreenDeployment{
			BlueGreenDeploymentIdentifier: aws.String(id), BlueGreenDeploymentName: aws.String(id), CreateTime: aws.Time(now),
			Source: arn(source), Target: arn(target), Status: aws.String("AVAILABLE"),
		})
	})
}

// WakeDatabase starts a stopped database (instance or cluster) now, as AWS does after seven days. Where
// there is none any more it does nothing.
func (a *Account) WakeDatabase(region, id string) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		if cluster := r.rds.clusters[id]; cluster != nil {
			a.wakeCluster(r, cluster, now)
			return
		}
		if instance := r.rds.instances[id]; instance != nil {
			a.wakeInstance(r, instance, now)
		}
	})
}

// BusyDatabase puts an available database into a passing status for some time, as a backup window,
// a maintenance window or an owner does. Members of a cluster are databases too.
func (a *Account) BusyDatabase(region, id, status string, d time.Duration) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		if cluster := r.rds.clusters[id]; cluster != nil {
			a.occupy(&cluster.database, now, status, d)
			return
		}
		a.occupy(&r.rds.instances[id].database, now, status, d)
	})
}

// DatabaseEvents are the events that RDS has emitted so far, in all regions, oldest first.
func (a *Account) DatabaseEvents() (events []DatabaseEvent) {
	a.look(func(time.Time) {
		for _, name := range a.names {
			events = append(events, a.regions[name].rds.events...)
		}
	})
	slices.SortStableFunc(events, func(x, y DatabaseEvent) int { return x.At.Compare(y.At) })
	return events
}

func (s *rdsState) add(db *dbInstance) {
	if s.instances[db.id] != nil {
		panic(fmt.Sprintf("awssim: DB instance %s exists", db.id))
	}
	s.instances[db.id] = db
}

// addReplica tells the source, an ARN or an identifier of the same region, of its replica.
func (a *Account) addReplica(r *region, replica *database, source string) {
	name, of := replica.arn, r
	if !strings.HasPrefix(source, "arn:") {
		name, source = replica.id, fmt.Sprintf("arn:aws:rds:%s:%s:%s:%s", r.name, a.id, replica.kind, source)
	} else {
		of = a.mustRegion(strings.Split(source, ":")[3])
	}
	of.rds.replicas[source] = append(of.rds.replicas[source], name)
}

func (a *Account) newDatabase(r *region, kind, id string, tags map[string]string, life DBLife, now time.Time) database {
	life.Status = cmp.Or(life.Status, dbAvailable)
	db := database{
		kind: kind, id: id, key: databaseKey(r, kind, id), region: r.name, changed: a.changedDatabase,
		arn:  fmt.Sprintf("arn:aws:rds:%s:%s:%s:%s", r.name, a.id, kind, id),
		life: life, tags: tags, status: life.Status,
	}
	n := a.incarnation(db.key)
	db.created = created(n, 400*24*time.Hour, now)
	db.resource = fmt.Sprintf("%s-%026X", kind, hash(a.seed, incarnated(db.key, n)...))
	return db
}

// beginLife schedules what a database that is not simply available does by itself.
func (a *Account) beginLife(db *database, now time.Time, wake func(time.Time)) {
	switch {
	case db.status == dbStopped && wake != nil:
		db.restartAt = now.Add(cmp.Or(db.life.RestartsIn, maxDBStopped))
		a.after(db, db.restartAt, wake)
	case db.life.For > 0:
		a.occupy(db, now, db.status, db.life.For)
	}
}

// describe adds the databases of the region. Members stand beside their clusters.
func (s *rdsState) describe(region string, into State) {
	for _, id := range slices.Sorted(maps.Keys(s.instances)) {
		db := s.instances[id]
		fields := db.fields()
		fields["DBInstanceClass"] = db.spec.Class
		fields["DbiResourceId"] = db.resource
		fields["MultiAZ"] = fmt.Sprint(db.spec.MultiAZ)
		fields["DBCapacityReservationIdentifier"] = db.spec.Reservation
		into[region+" rds:instance "+id] = fields
	}
	for _, id := range slices.Sorted(maps.Keys(s.clusters)) {
		cluster := s.clusters[id]
		fields := cluster.fields()
		fields["DbClusterResourceId"] = cluster.resource
		fields["Members"] = strings.Join(memberIDs(cluster), " ")
		into[region+" rds:cluster "+id] = fields
	}
}

// fields are what instances and clusters have in common. One that is busy and will be available by
// itself counts as available: nobody changed it and it is up.
func (db *database) fields() map[string]string {
	status := db.status
	if db.busy {
		status = dbAvailable
	}
	fields := map[string]string{"Status": status, "AutomaticRestartTime": ""}
	if !db.restartAt.IsZero() {
		fields["AutomaticRestartTime"] = db.restartAt.UTC().Format(time.RFC3339)
	}
	for k, v := range db.tags {
		fields["tag:"+k] = v
	}
	return fields
}

func memberIDs(cluster *dbCluster) (ids []string) {
	for _, m := range cluster.members {
		ids = append(ids, m.id)
	}
	return ids
}
