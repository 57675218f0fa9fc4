package services

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"
)

// How much one read takes, by the pages of its operation
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html,
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html).
const (
	ecsPage           = 100
	servicesPerRead   = 10
	tasksPerRead      = 100
	containersPerRead = 100
	targetsPerRead    = 50
)

// ecsTargets are the scalable targets of a region, read beside everything else.
type ecsTargets struct {
	read chan struct{} // closed when they are there
	byID map[string]ecsTarget
	err  error
}

// readTargets begins to read every scalable target of ECS services. The dimension is left out: it
// needs ids beside it, and ECS has no other.
func (s *ecsService) readTargets(ctx context.Context, work *errgroup.Group) *ecsTargets {
	targets := &ecsTargets{read: make(chan struct{})}
	work.Go(func() error {
		defer close(targets.read)
		targets.byID, targets.err = s.targets(ctx, nil)
		return nil
	})
	return targets
}

// targets are the scalable targets of these ids, or all where there are none, by id.
func (s *ecsService) targets(ctx context.Context, ids []string) (map[string]ecsTarget, error) {
	in := &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, MaxResults: aws.Int32(targetsPerRead),
	}
	if len(ids) > 0 {
		in.ResourceIds, in.ScalableDimension = ids, aastypes.ScalableDimensionECSServiceDesiredCount
	}
	targets := map[string]ecsTarget{}
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(s.scaling, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the scalable targets of ECS services: %w", err)
		}
		for _, t := range page.ScalableTargets {
			if t.ScalableDimension != aastypes.ScalableDimensionECSServiceDesiredCount {
				continue
			}
			target := ecsTarget{Min: aws.ToInt32(t.MinCapacity), Max: aws.ToInt32(t.MaxCapacity)}
			if state := t.SuspendedState; state != nil {
				target.InSuspended = aws.ToBool(state.DynamicScalingInSuspended)
				target.OutSuspended = aws.ToBool(state.DynamicScalingOutSuspended)
				target.PlanSuspended = aws.ToBool(state.ScheduledScalingSuspended)
			}
			targets[aws.ToString(t.ResourceId)] = target
		}
	}
	return targets, nil
}

// listServices reads the services of a cluster in AWS's order. Those that were deleted in between
// are not among them.
func (s *ecsService) listServices(ctx context.Context, cluster string) ([]ecstypes.Service, error) {
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	var described []*[]ecstypes.Service
	list := func() error {
		pages := ecs.NewListServicesPaginator(s.client, &ecs.ListServicesInput{
			Cluster: aws.String(cluster), MaxResults: aws.Int32(ecsPage),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list the services of ECS cluster %s: %w", nameOf(cluster), err)
			}
			for names := range slices.Chunk(page.ServiceArns, servicesPerRead) {
				slot := new([]ecstypes.Service)
				described = append(described, slot)
				reads.Go(func() (err error) {
					*slot, _, err = s.describeServices(ctx, cluster, names, ecstypes.ServiceFieldTags)
					return err
				})
			}
		}
		return nil
	}
	return collect(&reads, list, &described)
}

// describeServices reads up to ten services, and which of them AWS does not know.
func (s *ecsService) describeServices(ctx context.Context, cluster string, names []string, include ...ecstypes.ServiceField) (
	found []ecstypes.Service, missing map[string]string, err error,
) {
	out, err := s.client.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: aws.String(cluster), Services: names, Include: include,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("describe services of ECS cluster %s: %w", nameOf(cluster), err)
	}
	missing, err = absent(out.Failures)
	if err != nil {
		return nil, nil, fmt.Errorf("describe services of ECS cluster %s: %w", nameOf(cluster), err)
	}
	return out.Services, missing, nil
}

// listTasks reads the tasks of a cluster that are to run, with their tags.
func (s *ecsService) listTasks(ctx context.Context, cluster string) ([]ecstypes.Task, error) {
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	var described []*[]ecstypes.Task
	list := func() error {
		pages := ecs.NewListTasksPaginator(s.client, &ecs.ListTasksInput{
			Cluster: aws.String(cluster), DesiredStatus: ecstypes.DesiredStatusRunning, MaxResults: aws.Int32(ecsPage),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list the tasks of ECS cluster %s: %w", nameOf(cluster), err)
			}
			for arns := range slices.Chunk(page.TaskArns, tasksPerRead) {
				slot := new([]ecstypes.Task)
				described = append(described, slot)
				reads.Go(func() error {
					out, err := s.client.DescribeTasks(ctx, &ecs.DescribeTasksInput{
						Cluster: aws.String(cluster), Tasks: arns, Include: []ecstypes.TaskField{ecstypes.TaskFieldTags},
					})
					if err != nil {
						return fmt.Errorf("describe tasks of ECS cluster %s: %w", nameOf(cluster), err)
					}
					*slot = out.Tasks
					_, err = absent(out.Failures)
					return err
				})
			}
		}
		return nil
	}
	return collect(&reads, list, &described)
}

// collect runs a listing that begins reads, waits for them and joins what they read, in order.
func collect[T any](reads *errgroup.Group, list func() error, slots *[]*[]T) ([]T, error) {
	listed := list()
	read := reads.Wait()
	if listed != nil {
		return nil, listed
	}
	if read != nil {
		return nil, read
	}
	var all []T
	for _, slot := range *slots {
		all = append(all, *slot...)
	}
	return all, nil
}

// instances are the EC2 instances behind container instances.
func (s *ecsService) instances(ctx context.Context, cluster string, containers []string) (map[string]string, error) {
	instances := map[string]string{}
	slices.Sort(containers)
	for arns := range slices.Chunk(slices.Compact(containers), containersPerRead) {
		out, err := s.client.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{
			Cluster: aws.String(cluster), ContainerInstances: arns,
		})
		if err != nil {
			return nil, fmt.Errorf("find the hosts of tasks in ECS cluster %s: %w", nameOf(cluster), err)
		}
		if _, err := absent(out.Failures); err != nil {
			return nil, err
		}
		for _, container := range out.ContainerInstances {
			// Machines of ECS Anywhere have ids of Systems Manager ("mi-…") and are no EC2 instances.
			if id := aws.ToString(container.Ec2InstanceId); strings.HasPrefix(id, "i-") {
				instances[aws.ToString(container.ContainerInstanceArn)] = id
			}
		}
	}
	return instances, nil
}

// absent are the names that AWS says it does not know. Any other failure is an error: the answer is
// not whole.
func absent(failures []ecstypes.Failure) (map[string]string, error) {
	missing := map[string]string{}
	for _, failure := range failures {
		reason := aws.ToString(failure.Reason)
		if reason != "MISSING" {
			return nil, fmt.Errorf("%s: %s %s", aws.ToString(failure.Arn), reason, aws.ToString(failure.Detail))
		}
		missing[nameOf(aws.ToString(failure.Arn))] = reason
	}
	return missing, nil
}

// nameOf is the last part of an ARN of ECS, old or long format, or of a name.
func nameOf(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
