package awssim

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// describeClusters takes a hundred clusters at most:
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeClusters.html
func describeClusters(c *call, in *ecs.DescribeClustersInput) (*ecs.DescribeClustersOutput, error) {
	if len(in.Include) > 0 {
		return nil, c.unmodelled("ecs:DescribeClusters Include")
	}
	if n := len(in.Clusters); n == 0 || n > 100 {
		return nil, invalidECS("Clusters must have between 1 and 100 members, not %d", n)
	}
	out := &ecs.DescribeClustersOutput{}
	for _, name := range in.Clusters {
		cluster := c.region.ecs.clusters[lastPart(name)]
		if cluster == nil {
			out.Failures = append(out.Failures, c.missing("cluster", name))
			continue
		}
		shown := types.Cluster{
			ClusterArn: aws.String(cluster.arn), ClusterName: aws.String(cluster.Name), Status: aws.String("ACTIVE"),
			CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, RegisteredContainerInstancesCount: int32(len(cluster.hosts)),
		}
		for _, g := range c.region.asg.providers() {
			if g.Cluster == cluster.Name {
				shown.CapacityProviders = append(shown.CapacityProviders, g.Name)
			}
		}
		out.Clusters = append(out.Clusters, shown)
	}
	return out, nil
}

// providers are the groups behind capacity providers: all that have a cluster, under their own names.
func (s *asgState) providers() (all []*group) {
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		if g := s.groups[name]; g.Cluster != "" {
			all = append(all, g)
		}
	}
	return all
}

// describeCapacityProviders is modelled for names only, of which it takes a hundred:
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeCapacityProviders.html
func describeCapacityProviders(c *call, in *ecs.DescribeCapacityProvidersInput) (*ecs.DescribeCapacityProvidersOutput, error) {
	modelled := ecs.DescribeCapacityProvidersInput{CapacityProviders: in.CapacityProviders, MaxResults: in.MaxResults}
	if field := differentField(*in, modelled); field != "" {
		return nil, c.unmodelled("ecs:DescribeCapacityProviders " + field)
	}
	if n := len(in.CapacityProviders); n == 0 || n > 100 {
		return nil, invalidECS("Capacity providers must have between 1 and 100 members, not %d", n)
	}
	out := &ecs.DescribeCapacityProvidersOutput{}
	all := c.region.asg.providers()
	for _, name := range in.CapacityProviders {
		at := slices.IndexFunc(all, func(g *group) bool {
			return name == g.Name || name == c.account.ecsARN(c.region, "capacity-provider/"+g.Name)
		})
		if at < 0 {
			out.Failures = append(out.Failures, c.missing("capacity-provider", name))
			continue
		}
		scaling := types.ManagedScalingStatusDisabled
		if all[at].ManagedScaling {
			scaling = types.ManagedScalingStatusEnabled
		}
		out.CapacityProviders = append(out.CapacityProviders, types.CapacityProvider{
			CapacityProviderArn: aws.String(c.account.ecsARN(c.region, "capacity-provider/"+all[at].Name)),
			Name:                aws.String(all[at].Name), Status: types.CapacityProviderStatusActive,
			AutoScalingGroupProvider: &types.AutoScalingGroupProvider{
				AutoScalingGroupArn: aws.String(all[at].arn), ManagedScaling: &types.ManagedScaling{Status: scaling},
			},
		})
	}
	return out, nil
}
