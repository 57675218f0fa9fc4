package services

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"aws-hit-breaks/pkg/killswitch"
)

const rdsInstanceSchema = 1

// The steps of DB instances.
const (
	stopDBInstance  = "stop-db-instance"
	startDBInstance = "start-db-instance"
)

// The fields that AWS changes, by the names of its API.
const (
	fieldEngineVersion   = "EngineVersion"
	fieldParameterStatus = "DBParameterGroups.ParameterApplyStatus"
)

var rdsInstanceKind = dbKind{field: "DBInstanceStatus", stop: stopDBInstance, start: startDBInstance}

// rdsInstances are the DB instances of RDS that stand for themselves. Members of clusters are
// stopped and started with their cluster only.
func rdsInstances() Definition {
	declaration := killswitch.Declaration{
		Kind: killswitch.RDSInstance, Title: "RDS DB instances", Schema: rdsInstanceSchema,
		Reads: []string{"rds:DescribeDBInstances"},
		Steps: []killswitch.Step{
			{
				Name: stopDBInstance, Want: killswitch.WantPaused, Wave: killswitch.PauseDatabases,
				Calls: "rds:StopDBInstance", Batch: 1,
			},
			{
				Name: startDBInstance, Want: killswitch.WantResumed, Wave: killswitch.ResumeDatabases,
				Calls: "rds:StartDBInstance", Batch: 1,
			},
		},
		ByAWS: []killswitch.ChangedByAWS{
			{Field: "AutomaticRestartTime", Source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html"},
			{Field: "LatestRestorableTime", Source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html"},
			// A start also installs what was waiting for a restart.
			{Field: fieldEngineVersion, Source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Maintenance.html"},
			{Field: fieldParameterStatus, Source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html"},
		},
		ByHand: dbInstanceByHand,
		Check:  checkRDSInstance,
	}
	return Definition{Declaration: declaration, New: func(env Env) killswitch.Service {
		return &rdsInstance{env: env, declaration: declaration, reads: env.rdsReads()}
	}}
}

func checkRDSInstance(original killswitch.Original, parts []killswitch.Part) error {
	if len(parts) > 0 {
		return fmt.Errorf("a DB instance has no parts, here are %d", len(parts))
	}
	o, err := decode[dbOriginal](rdsInstanceSchema, original)
	if err != nil {
		return err
	}
	return o.check()
}

// rdsInstance is the service of DB instances in one region.
type rdsInstance struct {
	env         Env
	declaration killswitch.Declaration
	reads       *rdsReads
}

func (s *rdsInstance) Declaration() killswitch.Declaration { return s.declaration }

// Discover lists every DB instance; members of clusters with their owner.
func (s *rdsInstance) Discover(ctx context.Context) iter.Seq2[killswitch.Found, error] {
	return func(yield func(killswitch.Found, error) bool) {
		pages := rds.NewDescribeDBInstancesPaginator(s.reads.client, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(rdsPage)})
		for pages.HasMorePages() {
			at := time.Now()
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(killswitch.Found{}, fmt.Errorf("list DB instances: %w", err))
				return
			}
			for _, db := range page.DBInstances {
				found, err := s.found(db, at)
				if !yield(found, err) || err != nil {
					return
				}
			}
		}
	}
}

// found is one DB instance of the listing.
func (s *rdsInstance) found(db rdstypes.DBInstance, at time.Time) (killswitch.Found, error) {
	seen := seeDBInstance(db)
	found := killswitch.Found{
		Resource: dbInstanceResource(s.env, db),
		State:    seen.Status,
		Active:   costsByTheHour(seen.Status),
		Seen:     dbObserved(at, seen),
		Weight:   dbInstanceWeight(db),
	}
	if cluster := aws.ToString(db.DBClusterIdentifier); cluster != "" {
		owner := s.env.ref(killswitch.RDSCluster, cluster)
		found.Owner = &owner
		return found, nil
	}
	if !found.Active {
		return found, nil
	}
	found.Resource.Uses = dbInstanceUses(s.env.Config.Region, db)
	if found.Verdict = seen.Verdict; found.Verdict != "" {
		return found, nil
	}
	if strings.HasPrefix(aws.ToString(db.Engine), "custom-") {
		// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/custom-managing-sqlserver.startstop.html
		// allows it for one Availability Zone, the reference of StopDBInstance for no RDS Custom at all.
		found.MayRefuse = "AWS's pages disagree whether RDS Custom can be stopped"
	}
	var err error
	found.Original, err = encode(rdsInstanceSchema, seen.original())
	if err != nil {
		return killswitch.Found{}, fmt.Errorf("%s: %w", found.Resource.Ref, err)
	}
	return found, nil
}

// Observe looks at DB instances by name.
func (s *rdsInstance) Observe(ctx context.Context, items []killswitch.Item) (map[killswitch.Ref]killswitch.Observation, error) {
	many := func(ctx context.Context, names []string) (map[string]dbSeen, error) {
		return seeDBInstances(s.reads.instances.about(ctx, names))
	}
	one := func(ctx context.Context, name string) (dbSeen, error) {
		found, err := seeDBInstances(s.reads.look(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(name)}))
		if err != nil {
			return dbSeen{}, err
		}
		seen, ok := found[name]
		if !ok {
			return dbSeen{}, fmt.Errorf("the answer to a question for %s has other names", name)
		}
		return seen, nil
	}
	return observeByName(ctx, items, many, one)
}

func seeDBInstances(found map[string]rdstypes.DBInstance, err error) (map[string]dbSeen, error) {
	seen := make(map[string]dbSeen, len(found))
	for name, db := range found {
		seen[name] = seeDBInstance(db)
	}
	return seen, err
}

// Decide brings the status of a DB instance to stopped or available.
func (s *rdsInstance) Decide(want killswitch.Want, it killswitch.Item, seen killswitch.Observation, now time.Time) killswitch.Decision {
	was, err := decode[dbOriginal](rdsInstanceSchema, it.Original)
	if err != nil {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: err.Error()}
	}
	db, ok := seen.Resource.(dbSeen)
	if !ok {
		return killswitch.Decision{Do: killswitch.Hold, Reason: "it has not been looked at"}
	}
	return rdsInstanceKind.decide(want, it, was, db, now)
}

// Act starts or stops DB instances, one a call. A stop asks for nothing else: neither for a
// snapshot, nor to leave a capacity reservation, which a start could not undo
// (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StopDBInstance.html).
func (s *rdsInstance) Act(ctx context.Context, step string, batch []killswitch.Item) []killswitch.Result {
	results := make([]killswitch.Result, len(batch))
	for i, it := range batch {
		results[i] = s.act(ctx, step, it.Resource.Ref.ID)
	}
	return results
}

func (s *rdsInstance) act(ctx context.Context, step, name string) killswitch.Result {
	at := time.Now()
	switch step {
	case stopDBInstance:
		out, err := s.reads.client.StopDBInstance(ctx, &rds.StopDBInstanceInput{DBInstanceIdentifier: aws.String(name)})
		if err != nil {
			return killswitch.Result{Err: fmt.Errorf("stop DB instance %s: %w", name, err)}
		}
		return killswitch.Result{Seen: dbInstanceAnswer(at, out.DBInstance, dbStopping, dbStopped)}
	case startDBInstance:
		out, err := s.reads.client.StartDBInstance(ctx, &rds.StartDBInstanceInput{DBInstanceIdentifier: aws.String(name)})
		if err != nil {
			return killswitch.Result{Err: fmt.Errorf("start DB instance %s: %w", name, err)}
		}
		return killswitch.Result{Seen: dbInstanceAnswer(at, out.DBInstance, dbStarting, dbAvailable)}
	}
	return killswitch.Result{Err: fmt.Errorf("DB instance %s: no step %q", name, step)}
}

func dbInstanceAnswer(at time.Time, db *rdstypes.DBInstance, expected ...string) *killswitch.Observation {
	if db == nil {
		return nil
	}
	return dbAnswered(at, seeDBInstance(*db), expected...)
}

func seeDBInstance(db rdstypes.DBInstance) dbSeen {
	return dbSeen{
		dbIdentity: dbIdentity{ARN: aws.ToString(db.DBInstanceArn), ResourceID: aws.ToString(db.DbiResourceId)},
		Status:     aws.ToString(db.DBInstanceStatus),
		Verdict:    dbInstanceVerdict(db),
		Restart:    aws.ToTime(db.AutomaticRestartTime).UTC(),
		Changes: killswitch.Fields{
			fieldEngineVersion:   aws.ToString(db.EngineVersion),
			fieldParameterStatus: parameterStatus(db.DBParameterGroups),
		},
	}
}

// parameterStatus is one word for all parameter groups of an instance.
func parameterStatus(groups []rdstypes.DBParameterGroupStatus) string {
	var statuses []string
	for _, group := range groups {
		statuses = append(statuses, aws.ToString(group.ParameterApplyStatus))
	}
	return strings.Join(statuses, ", ")
}

// dbInstanceVerdict says why AWS does not stop a DB instance, or nothing. The list is that of
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html and, for RDS
// Custom, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/custom-managing-sqlserver.startstop.html.
func dbInstanceVerdict(db rdstypes.DBInstance) string {
	engine := aws.ToString(db.Engine)
	zones := aws.ToBool(db.MultiAZ) || aws.ToString(db.SecondaryAvailabilityZone) != "" // RDS Custom has the latter only
	source := aws.ToString(db.ReadReplicaSourceDBInstanceIdentifier) + aws.ToString(db.ReadReplicaSourceDBClusterIdentifier)
	replicas := append(append([]string{}, db.ReadReplicaDBInstanceIdentifiers...), db.ReadReplicaDBClusterIdentifiers...)
	switch {
	case aws.ToString(db.DbiResourceId) == "":
		return "it is only being created: AWS has not given it a resource id"
	case source != "":
		return "read replica of " + source + ": AWS does not stop replicas"
	case len(replicas) > 0:
		return "source of the read replica " + strings.Join(replicas, ", ") + ": AWS does not stop sources of replicas"
	case strings.HasPrefix(engine, "custom-oracle"):
		return "RDS Custom for Oracle cannot be stopped"
	case strings.HasPrefix(engine, "custom-sqlserver") && zones:
		return "RDS Custom for SQL Server cannot be stopped while it is Multi-AZ"
	case strings.HasPrefix(engine, "sqlserver") && zones:
		return "SQL Server cannot be stopped while it is Multi-AZ"
	}
	return ""
}

func dbInstanceResource(env Env, db rdstypes.DBInstance) killswitch.Resource {
	return killswitch.Resource{
		Ref:  env.ref(killswitch.RDSInstance, aws.ToString(db.DBInstanceIdentifier)),
		Type: aws.ToString(db.DBInstanceClass), Tags: dbTags(db.TagList),
	}
}

// dbInstanceWeight counts the standby of a Multi-AZ instance, which is billed like the instance.
func dbInstanceWeight(db rdstypes.DBInstance) float64 {
	weight := sizeWeight(aws.ToString(db.DBInstanceClass))
	if aws.ToBool(db.MultiAZ) {
		weight *= 2
	}
	return weight
}
