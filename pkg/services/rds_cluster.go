package services

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
)

const rdsClusterSchema = 1

// The steps of DB clusters.
const (
	stopDBCluster  = "stop-db-cluster"
	startDBCluster = "start-db-cluster"
)

// fieldWriter is which member of a cluster writes.
const fieldWriter = "DBClusterMembers.IsClusterWriter"

var rdsClusterKind = dbKind{field: "Status", stop: stopDBCluster, start: startDBCluster}

// rdsClusters are the clusters of Aurora, DocumentDB and Neptune: stopped and started whole.
func rdsClusters() Definition {
	declaration := killswitch.Declaration{
		Kind: killswitch.RDSCluster, Title: "RDS DB clusters", Schema: rdsClusterSchema,
		Lists: []string{"rds:DescribeGlobalClusters", "rds:DescribeBlueGreenDeployments"},
		Reads: []string{"rds:DescribeDBClusters", "rds:DescribeDBInstances"},
		Steps: []killswitch.Step{
			{
				Name: stopDBCluster, Want: killswitch.WantPaused, Wave: killswitch.PauseDatabases,
				Calls: "rds:StopDBCluster", Batch: 1,
			},
			{
				Name: startDBCluster, Want: killswitch.WantResumed, Wave: killswitch.ResumeDatabases,
				Calls: "rds:StartDBCluster", Batch: 1,
			},
		},
		ByAWS: []killswitch.ChangedByAWS{
			{Field: "AutomaticRestartTime", Source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html"},
			{Field: "EarliestRestorableTime", Source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html"},
			{Field: "LatestRestorableTime", Source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html"},
			// Maintenance that waited is applied after a start, and another member may come up as the writer.
			{Field: fieldEngineVersion, Source: "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html"},
			{Field: fieldWriter, Source: "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html"},
		},
		ByHand: dbClusterByHand,
		Check:  checkRDSCluster,
	}
	return Definition{Declaration: declaration, New: func(env Env) killswitch.Service {
		return &rdsCluster{env: env, declaration: declaration, reads: env.rdsReads()}
	}}
}

func checkRDSCluster(original killswitch.Original, parts []killswitch.Part) error {
	if len(parts) > 0 {
		return fmt.Errorf("a DB cluster has no parts, here are %d", len(parts))
	}
	o, err := decode[dbOriginal](rdsClusterSchema, original)
	if err != nil {
		return err
	}
	return o.check()
}

// rdsCluster is the service of DB clusters in one region.
type rdsCluster struct {
	env         Env
	declaration killswitch.Declaration
	reads       *rdsReads
}

func (s *rdsCluster) Declaration() killswitch.Declaration { return s.declaration }

// Discover lists every DB cluster, each page followed by the members of its clusters and by what
// else is needed to know whether they can be stopped.
func (s *rdsCluster) Discover(ctx context.Context) iter.Seq2[killswitch.Found, error] {
	return func(yield func(killswitch.Found, error) bool) {
		pages := rds.NewDescribeDBClustersPaginator(s.reads.client, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(rdsPage)})
		var known bonds
		for pages.HasMorePages() {
			at := time.Now()
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(killswitch.Found{}, fmt.Errorf("list DB clusters: %w", err))
				return
			}
			members, err := s.lookAround(ctx, page.DBClusters, &known)
			if err != nil {
				yield(killswitch.Found{}, err)
				return
			}
			for _, cluster := range page.DBClusters {
				found, err := s.found(cluster, members[aws.ToString(cluster.DBClusterIdentifier)], &known, at)
				if !yield(found, err) || err != nil {
					return
				}
			}
		}
	}
}

// found is one cluster of the listing.
func (s *rdsCluster) found(c rdstypes.DBCluster, members []rdstypes.DBInstance, known *bonds, at time.Time) (killswitch.Found, error) {
	seen := seeDBCluster(c, members)
	found := killswitch.Found{
		Resource: killswitch.Resource{
			Ref:  s.env.ref(killswitch.RDSCluster, aws.ToString(c.DBClusterIdentifier)),
			Type: clusterType(c, members), Tags: dbTags(c.TagList),
		},
		State:  seen.Status,
		Active: costsByTheHour(seen.Status) && hasCompute(c, members),
	}
	for _, member := range members {
		found.Parts = append(found.Parts, dbInstanceResource(s.env, member))
		found.Weight += dbInstanceWeight(member)
	}
	if found.Active {
		found.Resource.Uses = dbClusterUses(s.env.Config.Region, c, members)
		verdict, doubt := known.judge(c)
		if seen.Verdict == "" {
			seen.Verdict = verdict
		}
		found.Verdict, found.MayRefuse = seen.Verdict, doubt
	}
	found.Seen = dbObserved(at, seen)
	if !found.Active || found.Verdict != "" {
		return found, nil
	}
	var err error
	found.Original, err = encode(rdsClusterSchema, seen.original())
	if err != nil {
		return killswitch.Found{}, fmt.Errorf("%s: %w", found.Resource.Ref, err)
	}
	return found, nil
}

// Observe looks at clusters by name, and at the members of those that are neither stopped nor on
// their way.
func (s *rdsCluster) Observe(ctx context.Context, items []killswitch.Item) (map[killswitch.Ref]killswitch.Observation, error) {
	many := func(ctx context.Context, names []string) (map[string]dbSeen, error) {
		return s.look(ctx, &rds.DescribeDBClustersInput{
			Filters: dbFilter("db-cluster-id", names), MaxRecords: aws.Int32(rdsPage),
		})
	}
	one := func(ctx context.Context, name string) (dbSeen, error) {
		found, err := s.look(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String(name)})
		if err != nil {
			return dbSeen{}, err
		}
		seen, ok := found[name]
		if !ok {
			return dbSeen{}, fmt.Errorf("the answer to a question for %s has other names", name)
		}
		return seen, nil
	}
	waiting, items, err := s.awaitMembers(ctx, items)
	if err != nil {
		return nil, err
	}
	seen, err := observeByName(ctx, items, many, one)
	maps.Copy(waiting, seen)
	return waiting, err
}

// awaitMembers looks at one member of each cluster that is there and waits for members alone. While that
// one is on its way, nothing else about the cluster matters; the others are looked at in full.
func (s *rdsCluster) awaitMembers(ctx context.Context, items []killswitch.Item) (
	waiting map[killswitch.Ref]killswitch.Observation, others []killswitch.Item, err error,
) {
	at := time.Now()
	waits := func(it killswitch.Item) (before dbSeen, member string) {
		before, ok := it.Seen.Resource.(dbSeen)
		if !ok || it.State.Step != startDBCluster || before.Status != dbAvailable || len(before.broken()) > 0 || len(before.Unready) == 0 {
			return before, ""
		}
		return before, before.Unready[len(before.Unready)-1].ID
	}
	var names []string
	for _, it := range items {
		if _, member := waits(it); member != "" {
			names = append(names, member)
		}
	}
	found, err := s.reads.instances.about(ctx, names)
	if err != nil {
		return nil, nil, fmt.Errorf("look at %d members of DB clusters: %w", len(names), err)
	}
	waiting = map[killswitch.Ref]killswitch.Observation{}
	for _, it := range items {
		before, member := waits(it)
		now, ok := found[member] // what became of one that is not found shows in a full look
		status := aws.ToString(now.DBInstanceStatus)
		if !ok || status == dbAvailable || status == dbOptimizing || dbRemedies[status] != "" {
			others = append(others, it)
			continue
		}
		before.Unready = slices.Clone(before.Unready)
		before.Unready[len(before.Unready)-1].Status = status
		waiting[it.Resource.Ref] = dbObserved(at, before)
	}
	return waiting, others, nil
}

func (s *rdsCluster) look(ctx context.Context, in *rds.DescribeDBClustersInput) (map[string]dbSeen, error) {
	var clusters []rdstypes.DBCluster
	pages := rds.NewDescribeDBClustersPaginator(s.reads.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, page.DBClusters...)
	}
	var serving []string
	for _, c := range clusters {
		if status := aws.ToString(c.Status); status == dbAvailable || status == dbOptimizing {
			serving = append(serving, aws.ToString(c.DBClusterIdentifier))
		}
	}
	members, err := s.members(ctx, serving)
	if err != nil {
		return nil, err
	}
	found := make(map[string]dbSeen, len(clusters))
	for _, c := range clusters {
		id := aws.ToString(c.DBClusterIdentifier)
		found[id] = seeDBCluster(c, members[id])
	}
	return found, nil
}

// members are the DB instances of clusters, by cluster.
func (s *rdsCluster) members(ctx context.Context, clusters []string) (map[string][]rdstypes.DBInstance, error) {
	members := map[string][]rdstypes.DBInstance{}
	if len(clusters) == 0 {
		return members, nil
	}
	pages := rds.NewDescribeDBInstancesPaginator(s.reads.client, &rds.DescribeDBInstancesInput{
		Filters: dbFilter("db-cluster-id", clusters), MaxRecords: aws.Int32(rdsPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the members of DB clusters: %w", err)
		}
		for _, member := range page.DBInstances {
			cluster := aws.ToString(member.DBClusterIdentifier)
			members[cluster] = append(members[cluster], member)
		}
	}
	return members, nil
}

// strangers are looked at by name: members that a cluster names and the list of members does not
// have, since they were just created or deleted. One that exists may be protected.
func (s *rdsCluster) strangers(ctx context.Context, c rdstypes.DBCluster, members []rdstypes.DBInstance) ([]rdstypes.DBInstance, error) {
	var strangers []rdstypes.DBInstance
	for _, member := range c.DBClusterMembers {
		id := aws.ToString(member.DBInstanceIdentifier)
		if slices.ContainsFunc(members, func(m rdstypes.DBInstance) bool { return aws.ToString(m.DBInstanceIdentifier) == id }) {
			continue
		}
		out, err := s.reads.client.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(id)})
		if awserr.Of(err) == awserr.Gone {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at member %s of DB cluster %s: %w", id, aws.ToString(c.DBClusterIdentifier), err)
		}
		strangers = append(strangers, out.DBInstances...)
	}
	return strangers, nil
}

// Decide brings the status of a cluster to stopped, or to available with all its members.
func (s *rdsCluster) Decide(want killswitch.Want, it killswitch.Item, seen killswitch.Observation, now time.Time) killswitch.Decision {
	was, err := decode[dbOriginal](rdsClusterSchema, it.Original)
	if err != nil {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: err.Error()}
	}
	db, ok := seen.Resource.(dbSeen)
	if !ok {
		return killswitch.Decision{Do: killswitch.Hold, Reason: "it has not been looked at"}
	}
	return rdsClusterKind.decide(want, it, was, db, now)
}

// Act starts or stops clusters, one a call. The answer does not have the members, so it is only
// good for a cluster on its way.
func (s *rdsCluster) Act(ctx context.Context, step string, batch []killswitch.Item) []killswitch.Result {
	results := make([]killswitch.Result, len(batch))
	for i, it := range batch {
		results[i] = s.act(ctx, step, it.Resource.Ref.ID)
	}
	return results
}

func (s *rdsCluster) act(ctx context.Context, step, name string) killswitch.Result {
	at := time.Now()
	switch step {
	case stopDBCluster:
		out, err := s.reads.client.StopDBCluster(ctx, &rds.StopDBClusterInput{DBClusterIdentifier: aws.String(name)})
		if err != nil {
			return killswitch.Result{Err: fmt.Errorf("stop DB cluster %s: %w", name, err)}
		}
		return killswitch.Result{Seen: dbClusterAnswer(at, out.DBCluster, dbStopping, dbStopped)}
	case startDBCluster:
		out, err := s.reads.client.StartDBCluster(ctx, &rds.StartDBClusterInput{DBClusterIdentifier: aws.String(name)})
		if err != nil {
			return killswitch.Result{Err: fmt.Errorf("start DB cluster %s: %w", name, err)}
		}
		return killswitch.Result{Seen: dbClusterAnswer(at, out.DBCluster, dbStarting)}
	}
	return killswitch.Result{Err: fmt.Errorf("DB cluster %s: no step %q", name, step)}
}

func dbClusterAnswer(at time.Time, c *rdstypes.DBCluster, expected ...string) *killswitch.Observation {
	if c == nil {
		return nil
	}
	return dbAnswered(at, seeDBCluster(*c, nil), expected...)
}

func seeDBCluster(c rdstypes.DBCluster, members []rdstypes.DBInstance) dbSeen {
	seen := dbSeen{
		dbIdentity: dbIdentity{ARN: aws.ToString(c.DBClusterArn), ResourceID: aws.ToString(c.DbClusterResourceId)},
		Status:     aws.ToString(c.Status),
		Verdict:    dbClusterVerdict(c),
		Restart:    aws.ToTime(c.AutomaticRestartTime).UTC(),
		Changes:    killswitch.Fields{fieldEngineVersion: aws.ToString(c.EngineVersion)},
	}
	for _, member := range c.DBClusterMembers {
		if aws.ToBool(member.IsClusterWriter) {
			seen.Changes[fieldWriter] = aws.ToString(member.DBInstanceIdentifier)
		}
	}
	for _, member := range members {
		if status := aws.ToString(member.DBInstanceStatus); status != dbAvailable {
			seen.Unready = append(seen.Unready, dbMember{ID: aws.ToString(member.DBInstanceIdentifier), Status: status})
		}
	}
	slices.SortFunc(seen.Unready, func(a, b dbMember) int { return strings.Compare(a.ID, b.ID) })
	return seen
}
