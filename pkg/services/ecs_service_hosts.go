package services

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/killswitch"
)

// What services run on. A capacity provider with managed scaling ends the instances of its group that
// no task but daemons runs on
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-scaling-behavior.html), so that
// the pause of a service must wait until the group is held still.

// onHosts says whether the tasks of a service run on EC2 instances or may: those of Fargate and of
// ECS Anywhere do not.
func onHosts(service ecstypes.Service) bool {
	return service.LaunchType == ecstypes.LaunchTypeEc2 || len(hostProviders(service)) > 0
}

// hostProviders are the capacity providers of a service, but for those of Fargate.
func hostProviders(service ecstypes.Service) []string {
	var names []string
	for _, item := range service.CapacityProviderStrategy {
		if name := aws.ToString(item.CapacityProvider); !ofFargate(name) {
			names = append(names, name)
		}
	}
	return names
}

// ofFargate says whether a capacity provider is one of the two that every account has
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html).
func ofFargate(provider string) bool { return provider == "FARGATE" || provider == "FARGATE_SPOT" }

// groupsBeneath are the groups that end their instances when the service is down.
func groupsBeneath(ref killswitch.Ref, original killswitch.Original) []killswitch.Ref {
	was, err := decode[ecsOriginal](ecsServiceSchema, original)
	if err != nil {
		return nil // an original that cannot be read makes Decide refuse
	}
	var groups []killswitch.Ref
	for _, name := range was.Groups {
		groups = append(groups, killswitch.Ref{Account: ref.Account, Region: ref.Region, Kind: killswitch.AutoScalingGroup, ID: name})
	}
	return groups
}

// ecsProviders are the capacity providers of some clusters, read beside everything else.
type ecsProviders struct {
	read      chan struct{}       // closed when they are there
	ofCluster map[string][]string // names, by the ARN of the cluster
	groups    map[string]string   // the group behind a provider, by the name of the provider
	scaled    map[string]bool     // whether it is a provider that scales its group
	err       error
}

// readProviders begins to read the capacity providers of clusters.
func (s *ecsService) readProviders(ctx context.Context, work *errgroup.Group, clusters []string) *ecsProviders {
	p := &ecsProviders{read: make(chan struct{}), ofCluster: map[string][]string{}, groups: map[string]string{}, scaled: map[string]bool{}}
	if len(clusters) == 0 {
		close(p.read)
		return p
	}
	work.Go(func() error {
		defer close(p.read)
		if p.err = s.clusterProviders(ctx, clusters, p); p.err == nil {
			p.err = s.providerGroups(ctx, p)
		}
		return nil
	})
	return p
}

func (s *ecsService) clusterProviders(ctx context.Context, clusters []string, p *ecsProviders) error {
	out, err := s.client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: clusters})
	if err == nil {
		_, err = absent(out.Failures) // deleted since: it has no services either
	}
	if err != nil {
		return fmt.Errorf("find the capacity providers of ECS clusters: %w", err)
	}
	for _, cluster := range out.Clusters {
		p.ofCluster[aws.ToString(cluster.ClusterArn)] = cluster.CapacityProviders
	}
	return nil
}

// providersPerRead is how many names one question takes
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeCapacityProviders.html).
const providersPerRead = 100

// providerGroups finds the groups behind the providers.
func (s *ecsService) providerGroups(ctx context.Context, p *ecsProviders) error {
	var names []string
	for _, all := range p.ofCluster {
		names = append(names, slices.DeleteFunc(slices.Clone(all), ofFargate)...)
	}
	slices.Sort(names)
	for chunk := range slices.Chunk(slices.Compact(names), providersPerRead) {
		out, err := s.client.DescribeCapacityProviders(ctx, &ecs.DescribeCapacityProvidersInput{CapacityProviders: chunk})
		if err == nil {
			_, err = absent(out.Failures)
		}
		if err != nil {
			return fmt.Errorf("describe the capacity providers of ECS clusters: %w", err)
		}
		for _, provider := range out.CapacityProviders {
			name, group := aws.ToString(provider.Name), provider.AutoScalingGroupProvider
			if group == nil {
				continue
			}
			p.groups[name] = groupNamed(aws.ToString(group.AutoScalingGroupArn))
			p.scaled[name] = group.ManagedScaling != nil && group.ManagedScaling.Status == ecstypes.ManagedScalingStatusEnabled
		}
	}
	return nil
}

// groupNamed is the name of a group that is given as an ARN or a name. A name may have slashes, and no
// colon (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AutoScalingGroupProvider.html).
func groupNamed(arn string) string {
	if _, name, isARN := strings.Cut(arn, ":autoScalingGroupName/"); isARN {
		return name
	}
	return arn
}

// beneath are the groups that the service runs on and that its providers scale. One with a launch type
// and no providers may have tasks on any instance of its cluster.
func (p *ecsProviders) beneath(service ecstypes.Service) []string {
	names := hostProviders(service)
	if service.LaunchType == ecstypes.LaunchTypeEc2 {
		names = p.ofCluster[aws.ToString(service.ClusterArn)]
	}
	return p.groupsOf(names, true)
}

// beneathTask is the same of a task that no service keeps.
func (p *ecsProviders) beneathTask(cluster string, task ecstypes.Task) []string {
	switch name := aws.ToString(task.CapacityProviderName); {
	case name != "":
		return p.groupsOf([]string{name}, true)
	case task.LaunchType == ecstypes.LaunchTypeEc2:
		return p.groupsOf(p.ofCluster[cluster], true)
	}
	return nil
}

// groupsOf are the groups behind providers, or of them those that are scaled, sorted.
func (p *ecsProviders) groupsOf(providers []string, scaled bool) []string {
	var groups []string
	for _, name := range providers {
		if group, ok := p.groups[name]; ok && (p.scaled[name] || !scaled) {
			groups = append(groups, group)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// groupRefs are groups of the region by name.
func (s *ecsService) groupRefs(names []string) []killswitch.Ref {
	var refs []killswitch.Ref
	for _, name := range names {
		refs = append(refs, s.env.ref(killswitch.AutoScalingGroup, name))
	}
	return refs
}
