package awssim

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	classic "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/google/go-cmp/cmp"
)

func TestWhatHasNoPauseIsListedInPages(t *testing.T) {
	withEC2(t, Options{ShortPages: 2}, func(t *testing.T, a *Account, client *ec2.Client) {
		for i := range 5 {
			a.AddVolume(here, Volume{Managed: i == 4})
			a.AddNATGateway(here, NATGateway{State: []string{"available", "deleted"}[i%2]})
			a.AddLoadBalancer(here, LoadBalancer{Name: string(rune('a' + i))})
			a.AddLoadBalancer(here, LoadBalancer{Name: string(rune('a' + i)), Type: "classic"})
		}
		count := map[string]int{}
		for pages := ec2.NewDescribeVolumesPaginator(client, &ec2.DescribeVolumesInput{IncludeManagedResources: aws.Bool(true)}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			count["volumes"] += len(page.Volumes)
			count["pages"]++
		}
		plain, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{MaxResults: aws.Int32(5)})
		if err != nil {
			t.Fatal(err)
		}
		count["a short page"] = len(plain.Volumes)
		available := []ec2types.Filter{{Name: aws.String("state"), Values: []string{"available"}}}
		for pages := ec2.NewDescribeNatGatewaysPaginator(client, &ec2.DescribeNatGatewaysInput{Filter: available}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			count["gateways"] += len(page.NatGateways)
		}
		balancers := elb.NewFromConfig(a.Process("person").Config())
		for pages := elb.NewDescribeLoadBalancersPaginator(balancers, &elb.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			count["balancers"] += len(page.LoadBalancers)
		}
		older := classic.NewFromConfig(a.Process("person").Config())
		for pages := classic.NewDescribeLoadBalancersPaginator(older, &classic.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			count["classic balancers"] += len(page.LoadBalancerDescriptions)
		}
		want := map[string]int{"volumes": 5, "pages": 3, "a short page": 2, "gateways": 3, "balancers": 5, "classic balancers": 5}
		if diff := cmp.Diff(want, count); diff != "" {
			t.Error(diff)
		}
	})
}

func TestListingsOfWhatHasNoPauseRefuse(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		client := ec2.NewFromConfig(a.Process("person").Config())
		_, pageOfFour := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{MaxResults: aws.Int32(4)})
		_, byID := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{"vol-1"}})
		_, byVPC := client.DescribeNatGateways(t.Context(), &ec2.DescribeNatGatewaysInput{Filter: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{"v"}}}})
		_, byIP := client.DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{PublicIps: []string{"192.0.2.1"}})
		_, large := elb.NewFromConfig(a.Process("person").Config()).DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(401)})
		got := []string{code(pageOfFour), code(byID), code(byVPC), code(byIP), code(large)}
		want := []string{"InvalidParameterValue", "awssim.Unmodelled", "awssim.Unmodelled", "awssim.Unmodelled", "ValidationError"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
