package services

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
)

// clustersAtOnce keeps the reads of many small clusters within the bucket for reading services
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html).
const clustersAtOnce = 8

// ecsCluster is the listing of one cluster.
type ecsCluster struct {
	read  chan struct{} // closed when it is there
	found []killswitch.Found
	err   error
}

// readClusters begins to read clusters, several at a time; the answer is in their order.
func (s *ecsService) readClusters(ctx context.Context, work *errgroup.Group, arns []string, targets *ecsTargets, providers *ecsProviders) []*ecsCluster {
	clusters := make([]*ecsCluster, len(arns))
	for i := range clusters {
		clusters[i] = &ecsCluster{read: make(chan struct{})}
	}
	work.Go(func() error {
		var reads errgroup.Group
		reads.SetLimit(clustersAtOnce)
		for i, cluster := range clusters {
			reads.Go(func() error {
				defer close(cluster.read)
				cluster.found, cluster.err = s.readCluster(ctx, arns[i], targets, providers)
				return nil
			})
		}
		return reads.Wait()
	})
	return clusters
}

// readCluster lists the services of a cluster, then its standalone tasks.
func (s *ecsService) readCluster(ctx context.Context, cluster string, targets *ecsTargets, providers *ecsProviders) ([]killswitch.Found, error) {
	at := time.Now()
	var services []ecstypes.Service
	var tasks []ecstypes.Task
	var reads errgroup.Group
	reads.Go(func() (err error) {
		services, err = s.listServices(ctx, cluster)
		return err
	})
	reads.Go(func() (err error) {
		tasks, err = s.listTasks(ctx, cluster)
		return err
	})
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	<-targets.read
	if targets.err != nil {
		return nil, targets.err
	}
	<-providers.read
	if providers.err != nil {
		return nil, providers.err
	}
	byService, standalone := divide(tasks)
	hosts, err := s.hostsOf(ctx, cluster, services, byService, standalone)
	if err != nil {
		return nil, err
	}
	var all []killswitch.Found
	for _, service := range services {
		if aws.ToString(service.Status) != ecsActive {
			continue // deleted, or on the way
		}
		name := aws.ToString(service.ServiceName)
		found, err := s.found(cluster, service, byService[name], targets.byID, providers, at)
		if err != nil {
			return nil, err
		}
		found.Hosts = append(found.Hosts, hosts[name]...)
		all = append(all, found)
	}
	for _, task := range standalone {
		found := s.foundTask(cluster, task)
		found.Hosts, found.Beneath = hosts[aws.ToString(task.TaskArn)], s.groupRefs(providers.beneathTask(cluster, task))
		all = append(all, found)
	}
	return all, nil
}

// found is one service of the listing.
func (s *ecsService) found(cluster string, service ecstypes.Service, tasks []ecstypes.Task,
	targets map[string]ecsTarget, providers *ecsProviders, at time.Time,
) (killswitch.Found, error) {
	ref := s.env.ref(killswitch.ECSService, nameOf(cluster)+"/"+aws.ToString(service.ServiceName))
	var target *ecsTarget
	if t, ok := targets[targetID(ref)]; ok {
		target = &t
	}
	seen := seeECSService(service, target)
	found := killswitch.Found{
		Resource: killswitch.Resource{
			Ref: ref, Type: ecsType(service), Tags: ecsTags(service.Tags), Uses: tasksUse(s.env.Config.Region, tasks),
		},
		State: seen.Status, Active: seen.Desired > 0 || seen.Running > 0,
		Seen:   killswitch.Observation{Presence: killswitch.Present, At: at, State: seen.Status, Resource: seen},
		Weight: ecsWeight(service, tasks),
	}
	for _, task := range tasks {
		if s.isProtected(task) {
			found.Parts = append(found.Parts, s.taskResource(cluster, task))
		}
	}
	if !found.Active {
		return found, nil
	}
	if found.Verdict = ecsVerdict(service); found.Verdict != "" {
		return found, nil // a capacity provider does not spare a host for the tasks of a daemon
	}
	beneath := providers.beneath(service)
	found.Hosts, found.Beneath = s.groupRefs(providers.groupsOf(hostProviders(service), false)), s.groupRefs(beneath)
	if seen.Deployments > 1 || seen.Rollout == string(ecstypes.DeploymentRolloutStateInProgress) {
		found.MayRefuse = "a deployment is under way: its desired count may not be the final one"
	}
	var err error
	found.Original, err = encode(ecsServiceSchema, ecsOriginal{
		ecsIdentity: seen.ecsIdentity, Desired: seen.Desired, Running: seen.Running, Steady: seen.steady(), Target: target, Groups: beneath,
	})
	if err != nil {
		return killswitch.Found{}, fmt.Errorf("%s: %w", ref, err)
	}
	return found, nil
}

// foundTask is one task that no service keeps.
func (s *ecsService) foundTask(cluster string, task ecstypes.Task) killswitch.Found {
	return killswitch.Found{
		Resource: s.taskResource(cluster, task), State: aws.ToString(task.LastStatus), Active: true,
		Verdict: "standalone task: a stop cannot be undone (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html)",
	}
}

func (s *ecsService) taskResource(cluster string, task ecstypes.Task) killswitch.Resource {
	return killswitch.Resource{
		Ref:  s.env.ref(killswitch.ECSService, nameOf(cluster)+"/task/"+nameOf(aws.ToString(task.TaskArn))),
		Name: aws.ToString(task.Group), Type: string(task.LaunchType), Tags: ecsTags(task.Tags),
		Uses: tasksUse(s.env.Config.Region, []ecstypes.Task{task}),
	}
}

// ecsVerdict says why a service has no pause, or nothing.
func ecsVerdict(service ecstypes.Service) string {
	switch {
	case service.SchedulingStrategy == ecstypes.SchedulingStrategyDaemon:
		// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html
		return "DAEMON service: AWS takes no desired count for it, and what costs is its hosts"
	case service.ResourceManagementType == ecstypes.ResourceManagementTypeEcs:
		// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/express-service-overview.html
		return "Express service: Amazon ECS manages it, and a desired count of zero is not known to last"
	}
	return ""
}

// divide sorts tasks by the service that keeps them. What services start is in the group of their
// name, and of all deployment controllers started by "ecs-svc/…"
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html).
func divide(tasks []ecstypes.Task) (byService map[string][]ecstypes.Task, standalone []ecstypes.Task) {
	byService = map[string][]ecstypes.Task{}
	for _, task := range tasks {
		name, kept := strings.CutPrefix(aws.ToString(task.Group), "service:")
		switch {
		case kept:
			byService[name] = append(byService[name], task)
		case !strings.HasPrefix(aws.ToString(task.StartedBy), "ecs-svc/"):
			standalone = append(standalone, task)
		}
	}
	return byService, standalone
}

// hostsOf are the instances that tasks run on: those of services, by name, that carry the protect tag
// themselves or on one of their tasks, or whose providers do not tell, and of protected tasks that no
// service keeps, by ARN.
func (s *ecsService) hostsOf(ctx context.Context, cluster string, services []ecstypes.Service,
	byService map[string][]ecstypes.Task, standalone []ecstypes.Task,
) (map[string][]killswitch.Ref, error) {
	tasks := map[string][]ecstypes.Task{}
	for _, service := range services {
		name := aws.ToString(service.ServiceName)
		_, protected := filter.Protected(ecsTags(service.Tags), s.env.Settings.ProtectTag)
		if protected || slices.ContainsFunc(byService[name], s.isProtected) ||
			service.LaunchType == ecstypes.LaunchTypeEc2 && ecsVerdict(service) == "" {
			tasks[name] = byService[name]
		}
	}
	for _, task := range standalone {
		if s.isProtected(task) {
			tasks[aws.ToString(task.TaskArn)] = []ecstypes.Task{task}
		}
	}
	var containers []string
	for _, list := range tasks {
		for _, task := range list {
			if on := aws.ToString(task.ContainerInstanceArn); on != "" {
				containers = append(containers, on)
			}
		}
	}
	instances, err := s.instances(ctx, cluster, containers)
	if err != nil {
		return nil, err
	}
	hosts := map[string][]killswitch.Ref{}
	for key, list := range tasks {
		hosts[key] = s.under(list, instances)
	}
	return hosts, nil
}

func (s *ecsService) isProtected(task ecstypes.Task) bool {
	_, ok := filter.Protected(ecsTags(task.Tags), s.env.Settings.ProtectTag)
	return ok
}

// under are the EC2 instances that tasks run on, each once, sorted.
func (s *ecsService) under(tasks []ecstypes.Task, instances map[string]string) []killswitch.Ref {
	var refs []killswitch.Ref
	for _, task := range tasks {
		if id, ok := instances[aws.ToString(task.ContainerInstanceArn)]; ok {
			refs = append(refs, s.env.ref(killswitch.EC2Instance, id))
		}
	}
	slices.SortFunc(refs, killswitch.Ref.Compare)
	return slices.Compact(refs)
}

// ecsType is what a service runs on and how much of it: "FARGATE ×3".
func ecsType(service ecstypes.Service) string {
	on := string(service.LaunchType)
	if on == "" {
		var providers []string
		for _, item := range service.CapacityProviderStrategy {
			providers = append(providers, aws.ToString(item.CapacityProvider))
		}
		on = strings.Join(providers, "+")
	}
	return fmt.Sprintf("%s ×%d", on, max(service.DesiredCount, service.RunningCount))
}

// ecsWeight is roughly what a service costs in dollars an hour: tasks on Fargate by their size
// (https://aws.amazon.com/fargate/pricing/), tasks on instances nothing but a place before the
// instances that they keep busy.
func ecsWeight(service ecstypes.Service, tasks []ecstypes.Task) float64 {
	const dollarsPerCPU, dollarsPerGB, unknown, hosted = 0.04, 0.0044, 0.05, 0.001
	each := unknown
	for _, task := range tasks {
		if task.ContainerInstanceArn != nil {
			each = hosted
			break
		}
		cpu, noCPU := strconv.ParseFloat(aws.ToString(task.Cpu), 64)
		memory, noMemory := strconv.ParseFloat(aws.ToString(task.Memory), 64)
		if noCPU == nil && noMemory == nil {
			each = cpu/1024*dollarsPerCPU + memory/1024*dollarsPerGB
			break
		}
	}
	return each * float64(max(service.DesiredCount, service.RunningCount))
}

func ecsTags(tags []ecstypes.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, tag := range tags {
		m[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return m
}
