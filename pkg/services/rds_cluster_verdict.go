package services

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/awserr"
)

// dbClusterVerdict says why AWS does not stop a cluster, as far as the cluster itself tells
// (https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html).
func dbClusterVerdict(c rdstypes.DBCluster) string {
	engine := aws.ToString(c.Engine)
	switch {
	case aws.ToString(c.DbClusterResourceId) == "":
		return "it is only being created: AWS has not given it a resource id"
	case !isAurora(engine) && engine != "docdb" && engine != "neptune":
		return "Multi-AZ DB cluster of " + engine + ": AWS stops clusters of Aurora, DocumentDB and Neptune only"
	case aws.ToString(c.EngineMode) == "serverless":
		return "Aurora Serverless v1 cannot be stopped; it pauses itself where that is configured"
	}
	region := arnRegion(aws.ToString(c.DBClusterArn))
	if source := aws.ToString(c.ReplicationSourceIdentifier); abroad(source, region) {
		return "cross-Region replica of " + source + ": it cannot be stopped"
	}
	for _, replica := range c.ReadReplicaIdentifiers {
		if abroad(replica, region) {
			return "it has the cross-Region replica " + replica + " and cannot be stopped"
		}
	}
	return ""
}

func isAurora(engine string) bool { return engine == "aurora" || strings.HasPrefix(engine, "aurora-") }

// abroad says whether an ARN is of another region. What has no ARN is named within its own region.
func abroad(id, region string) bool {
	elsewhere := arnRegion(id)
	return elsewhere != "" && region != "" && elsewhere != region
}

func arnRegion(id string) string {
	parsed, err := arn.Parse(id)
	if err != nil {
		return ""
	}
	return parsed.Region
}

// hasCompute says whether anything of a cluster is billed by the hour. A cluster of instances
// without any is storage only; Serverless v1, Limitless and Multi-AZ DB clusters have no members.
func hasCompute(c rdstypes.DBCluster, members []rdstypes.DBInstance) bool {
	switch engine := aws.ToString(c.Engine); {
	case len(members) > 0 || len(c.DBClusterMembers) > 0:
		return true
	case aws.ToString(c.EngineMode) == "serverless":
		return aws.ToInt32(c.Capacity) > 0
	case c.ClusterScalabilityType == rdstypes.ClusterScalabilityTypeLimitless:
		return true
	default:
		return !isAurora(engine) && engine != "docdb" && engine != "neptune"
	}
}

// clusterType is the size of a cluster for humans: "db.r6g.large ×2".
func clusterType(c rdstypes.DBCluster, members []rdstypes.DBInstance) string {
	count := map[string]int{}
	var classes []string
	for _, member := range members {
		class := aws.ToString(member.DBInstanceClass)
		if count[class]++; count[class] == 1 {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	for i, class := range classes {
		classes[i] = fmt.Sprintf("%s ×%d", class, count[class])
	}
	if len(classes) == 0 {
		return aws.ToString(c.DBClusterInstanceClass)
	}
	return strings.Join(classes, ", ")
}

// bonds are what clusters are part of beyond themselves, by cluster ARN. Each is read once, when
// the first cluster is listed that could be part of one. Who may not read them is not kept from
// pausing: AWS refuses the stop of a cluster that is bound, so a doubt is all that is lost.
type bonds struct {
	global      map[string]string // cluster ARN → why it cannot be stopped; nil: not read
	globalDoubt string
	blueGreen   map[string]string
	switched    map[string]string // after the switchover: AWS's page does not say whether it can
	greenDoubt  string
}

// couldBeGlobal: a member of a global database names it. Older ones are told by their engine mode
// or their write forwarding.
func couldBeGlobal(c rdstypes.DBCluster) bool {
	return aws.ToString(c.GlobalClusterIdentifier) != "" || aws.ToString(c.EngineMode) == "global" ||
		c.GlobalWriteForwardingStatus != ""
}

// couldBeBlueGreen: nothing on a cluster says that it is the blue side of a deployment, so every
// Aurora cluster that costs by the hour and could otherwise be stopped may be. DocumentDB and
// Neptune have no such deployments
// (https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/blue-green-deployments-overview.html).
func couldBeBlueGreen(c rdstypes.DBCluster) bool {
	return isAurora(aws.ToString(c.Engine)) && len(c.DBClusterMembers) > 0 &&
		costsByTheHour(aws.ToString(c.Status)) && dbClusterVerdict(c) == ""
}

// lookAround reads, side by side, the members of a page of clusters and what they may be bound to.
// Members must be known: they may be protected.
func (s *rdsCluster) lookAround(ctx context.Context, page []rdstypes.DBCluster, known *bonds) (members map[string][]rdstypes.DBInstance, err error) {
	names := make([]string, len(page))
	for i, c := range page {
		names[i] = aws.ToString(c.DBClusterIdentifier)
	}
	var reads errgroup.Group
	reads.Go(func() (err error) {
		members, err = s.members(ctx, names)
		if err != nil {
			return err
		}
		for i, c := range page {
			strangers, err := s.strangers(ctx, c, members[names[i]])
			if err != nil {
				return err
			}
			members[names[i]] = append(members[names[i]], strangers...)
		}
		return nil
	})
	if known.global == nil && slices.ContainsFunc(page, couldBeGlobal) {
		reads.Go(func() error { return s.readGlobal(ctx, known) })
	}
	if known.blueGreen == nil && slices.ContainsFunc(page, couldBeBlueGreen) {
		reads.Go(func() error { return s.readBlueGreen(ctx, known) })
	}
	return members, reads.Wait()
}

func (s *rdsCluster) readGlobal(ctx context.Context, known *bonds) error {
	known.global = map[string]string{}
	pages := rds.NewDescribeGlobalClustersPaginator(s.reads.client, &rds.DescribeGlobalClustersInput{MaxRecords: aws.Int32(rdsPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if awserr.Of(err) == awserr.Denied {
			known.globalDoubt = "it may be in a global database, which cannot be read here: " + awserr.Explain(err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("list global databases: %w", err)
		}
		for _, global := range page.GlobalClusters {
			if len(global.GlobalClusterMembers) < 2 {
				continue
			}
			for _, member := range global.GlobalClusterMembers {
				known.global[aws.ToString(member.DBClusterArn)] = fmt.Sprintf("the global database %s has %d clusters: AWS stops none of them",
					aws.ToString(global.GlobalClusterIdentifier), len(global.GlobalClusterMembers))
			}
		}
	}
	return nil
}

func (s *rdsCluster) readBlueGreen(ctx context.Context, known *bonds) error {
	known.blueGreen, known.switched = map[string]string{}, map[string]string{}
	pages := rds.NewDescribeBlueGreenDeploymentsPaginator(s.reads.client, &rds.DescribeBlueGreenDeploymentsInput{MaxRecords: aws.Int32(rdsPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if awserr.Of(err) == awserr.Denied {
			known.greenDoubt = "it may be in a blue/green deployment, which cannot be read here: " + awserr.Explain(err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("list blue/green deployments: %w", err)
		}
		for _, deployment := range page.BlueGreenDeployments {
			name, into := aws.ToString(deployment.BlueGreenDeploymentName), known.blueGreen
			if aws.ToString(deployment.Status) == "SWITCHOVER_COMPLETED" {
				into = known.switched
			}
			for _, side := range []*string{deployment.Source, deployment.Target} {
				into[aws.ToString(side)] = name
			}
		}
	}
	return nil
}

// judge says what the bonds of a cluster mean for its pause: a verdict, or what only AWS can tell.
func (b *bonds) judge(c rdstypes.DBCluster) (verdict, doubt string) {
	id := aws.ToString(c.DBClusterArn)
	if why := b.global[id]; why != "" {
		return why, ""
	}
	if name, ok := b.blueGreen[id]; ok {
		return "it is part of the blue/green deployment " + name + ": AWS does not stop it", ""
	}
	var doubts []string
	if couldBeGlobal(c) && b.globalDoubt != "" {
		doubts = append(doubts, b.globalDoubt)
	}
	if couldBeBlueGreen(c) && b.greenDoubt != "" {
		doubts = append(doubts, b.greenDoubt)
	}
	if name, ok := b.switched[id]; ok {
		doubts = append(doubts, "it is part of the finished blue/green deployment "+name)
	}
	if c.ClusterScalabilityType == rdstypes.ClusterScalabilityTypeLimitless {
		doubts = append(doubts, "AWS's pages do not say whether Aurora Limitless can be stopped")
	}
	if source := aws.ToString(c.ReplicationSourceIdentifier); source != "" {
		doubts = append(doubts, "it replicates from "+source)
	}
	return "", strings.Join(doubts, "; ")
}
