package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// ecsOperations is what the account does for ECS:
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html
func ecsOperations() []operation {
	return []operation{
		op("ecs", "ListClusters", false, listClusters),
		op("ecs", "DescribeClusters", false, describeClusters),
		op("ecs", "DescribeCapacityProviders", false, describeCapacityProviders),
		op("ecs", "ListServices", false, listServices),
		op("ecs", "DescribeServices", false, describeServices),
		op("ecs", "UpdateService", true, updateService),
		op("ecs", "ListTasks", false, listTasks),
		op("ecs", "DescribeTasks", false, describeTasks),
		op("ecs", "ListContainerInstances", false, listContainerInstances),
		op("ecs", "DescribeContainerInstances", false, describeContainerInstances),
	}
}

func invalidECS(format string, args ...any) error {
	return withStatus(http.StatusBadRequest, &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))})
}

// lastPart is the name at the end of an ARN, or the name itself.
func lastPart(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// cluster finds a cluster by name or ARN; the default one has the name "default".
func (c *call) cluster(name *string) (*ecsCluster, error) {
	cluster := c.region.ecs.clusters[lastPart(cmp.Or(aws.ToString(name), "default"))]
	if cluster == nil {
		return nil, withStatus(http.StatusBadRequest, &types.ClusterNotFoundException{Message: aws.String("Cluster not found.")})
	}
	return cluster, nil
}

// ecsPage checks what the caller says of pages; usual is the size of a page it does not choose.
func ecsPage(size *int32, usual int32, token *string) (int, string, error) {
	n := usual
	if size != nil {
		n = *size
	}
	if n < 1 || n > 100 {
		return 0, "", invalidECS("maxResults must be between 1 and 100")
	}
	after, ok := afterToken(token)
	if !ok {
		return 0, "", invalidECS("Invalid token")
	}
	return int(n), after, nil
}

func itself(arn string) string { return arn }

func listClusters(c *call, in *ecs.ListClustersInput) (*ecs.ListClustersOutput, error) {
	size, after, err := ecsPage(in.MaxResults, 100, in.NextToken)
	if err != nil {
		return nil, err
	}
	var arns []string
	for _, cluster := range c.region.ecs.clusters {
		arns = append(arns, cluster.arn)
	}
	slices.Sort(arns)
	page, next := pageAfter(arns, after, c.most(size), itself)
	return &ecs.ListClustersOutput{ClusterArns: page, NextToken: next}, nil
}

func sortedServices(cluster *ecsCluster) (all []*ecsService) {
	for _, name := range slices.Sorted(maps.Keys(cluster.services)) {
		all = append(all, cluster.services[name])
	}
	return all
}

// listServices gives ten services a page unless the caller asks for more:
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html
func listServices(c *call, in *ecs.ListServicesInput) (*ecs.ListServicesOutput, error) {
	size, after, err := ecsPage(in.MaxResults, 10, in.NextToken)
	if err != nil {
		return nil, err
	}
	cluster, err := c.cluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	var arns []string
	for _, s := range sortedServices(cluster) {
		if !s.deleted && (in.LaunchType == "" || s.LaunchType == string(in.LaunchType)) && (in.SchedulingStrategy == "" || s.strategy() == in.SchedulingStrategy) &&
			(in.ResourceManagementType == "" || s.managedBy() == in.ResourceManagementType) {
			arns = append(arns, s.arn)
		}
	}
	slices.Sort(arns)
	page, next := pageAfter(arns, after, c.most(size), itself)
	return &ecs.ListServicesOutput{ServiceArns: page, NextToken: next}, nil
}

// describeServices takes ten services at most. What it does not find is a failure and no error.
func describeServices(c *call, in *ecs.DescribeServicesInput) (*ecs.DescribeServicesOutput, error) {
	cluster, err := c.cluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	if n := len(in.Services); n == 0 || n > 10 {
		return nil, invalidECS("Services must have between 1 and 10 members, not %d", n)
	}
	out := &ecs.DescribeServicesOutput{}
	for _, name := range in.Services {
		s := cluster.services[lastPart(name)]
		if s == nil {
			out.Failures = append(out.Failures, c.missing("service/"+cluster.Name, name))
			continue
		}
		out.Services = append(out.Services, c.showService(s, slices.Contains(in.Include, types.ServiceFieldTags)))
	}
	return out, nil
}

func (c *call) missing(what, name string) types.Failure {
	if !strings.HasPrefix(name, "arn:") {
		name = c.account.ecsARN(c.region, what+"/"+name)
	}
	return types.Failure{Arn: aws.String(name), Reason: aws.String("MISSING")}
}

// updateService changes the desired count, which starts no deployment and is allowed for every
// controller, but not for a daemon:
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
func updateService(c *call, in *ecs.UpdateServiceInput) (*ecs.UpdateServiceOutput, error) {
	modelled := ecs.UpdateServiceInput{Cluster: in.Cluster, Service: in.Service, DesiredCount: in.DesiredCount}
	if field := differentField(*in, modelled); field != "" {
		return nil, c.unmodelled("ecs:UpdateService " + field)
	}
	cluster, err := c.cluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	s := cluster.services[lastPart(aws.ToString(in.Service))]
	switch {
	case s == nil:
		return nil, withStatus(http.StatusBadRequest, &types.ServiceNotFoundException{Message: aws.String("Service not found.")})
	case s.Status != "ACTIVE":
		return nil, withStatus(http.StatusBadRequest, &types.ServiceNotActiveException{Message: aws.String("Service was not ACTIVE.")})
	case s.Express:
		return nil, c.unmodelled("ecs:UpdateService of an Express service")
	case in.DesiredCount == nil:
	case s.Daemon:
		return nil, invalidECS("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again")
	case *in.DesiredCount < 0:
		return nil, invalidECS("desiredCount must not be negative")
	default:
		c.account.setDesired(c.region, s, int(*in.DesiredCount), c.now)
	}
	shown := c.showService(s, false)
	shown.DesiredCount = int32(s.Desired)
	return &ecs.UpdateServiceOutput{Service: &shown}, nil
}

func (s *ecsService) managedBy() types.ResourceManagementType {
	if s.Express {
		return types.ResourceManagementTypeEcs
	}
	return types.ResourceManagementTypeCustomer
}

// showService is a service as AWS describes it.
func (c *call) showService(s *ecsService, tags bool) types.Service {
	running, pending := s.counts()
	out := types.Service{
		ServiceName: aws.String(s.Name), ServiceArn: aws.String(s.arn), ClusterArn: aws.String(s.cluster.arn), Status: aws.String(s.Status),
		DesiredCount: int32(s.shownDesired(c.now)), RunningCount: int32(running), PendingCount: int32(pending),
		ResourceManagementType: s.managedBy(),
		LaunchType:             types.LaunchType(s.LaunchType), SchedulingStrategy: s.strategy(), CreatedAt: aws.Time(s.created),
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerType(s.Controller)},
		TaskDefinition:       aws.String(c.account.ecsARN(c.region, "task-definition/"+s.Name+":7")),
	}
	if s.Provider != "" {
		out.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String(s.Provider), Weight: 1}}
	}
	if tags {
		for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
			out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(s.Tags[k])})
		}
	}
	if s.Controller == string(types.DeploymentControllerTypeEcs) {
		out.Deployments = c.deployments(s, out)
	} else {
		out.TaskSets = []types.TaskSet{{
			Id: aws.String(fmt.Sprintf("ecs-svc/%019d", hash(c.account.seed, s.key)>>1)), Status: aws.String("PRIMARY"),
			ComputedDesiredCount: out.DesiredCount, RunningCount: out.RunningCount, PendingCount: out.PendingCount,
			Scale:          &types.Scale{Unit: types.ScaleUnitPercent, Value: 100},
			TaskDefinition: out.TaskDefinition, LaunchType: out.LaunchType, ServiceArn: out.ServiceArn, ClusterArn: out.ClusterArn,
			CreatedAt: aws.Time(s.created), UpdatedAt: aws.Time(s.updated), StabilityStatus: stability(out),
		}}
	}
	return out
}

func stability(s types.Service) types.StabilityStatus {
	if s.RunningCount == s.DesiredCount && s.PendingCount == 0 {
		return types.StabilityStatusSteadyState
	}
	return types.StabilityStatusStabilizing
}

// deployments is the primary deployment, and the one it replaces while that lasts.
func (c *call) deployments(s *ecsService, shown types.Service) []types.Deployment {
	primary := types.Deployment{
		Id: aws.String(fmt.Sprintf("ecs-svc/%019d", hash(c.account.seed, s.key)>>1)), Status: aws.String("PRIMARY"),
		DesiredCount: shown.DesiredCount, RunningCount: shown.RunningCount, PendingCount: shown.PendingCount,
		LaunchType: shown.LaunchType, CapacityProviderStrategy: shown.CapacityProviderStrategy, TaskDefinition: shown.TaskDefinition,
		CreatedAt: aws.Time(s.created), UpdatedAt: aws.Time(s.updated), RolloutState: types.DeploymentRolloutStateCompleted,
	}
	if !c.now.Before(s.deployed) {
		return []types.Deployment{primary}
	}
	replaced := primary
	replaced.Id, replaced.Status = aws.String(fmt.Sprintf("ecs-svc/%019d", hash(c.account.seed, s.key, "replaced")>>1)), aws.String("ACTIVE")
	replaced.DesiredCount, replaced.RunningCount, replaced.PendingCount = 0, 0, 0
	primary.RolloutState = types.DeploymentRolloutStateInProgress
	return []types.Deployment{primary, replaced}
}
