package awssim

import (
	"cmp"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	classic "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	classictypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// LoadBalancer is an Application, Network, Gateway or Classic Load Balancer.
type LoadBalancer struct {
	Name string
	Type string // default application; classic for one of the older API
}

const classicBalancer = "classic"

// AddLoadBalancer puts a load balancer into a region.
func (a *Account) AddLoadBalancer(region string, b LoadBalancer) {
	a.look(func(time.Time) {
		r := a.mustRegion(region)
		b.Type = cmp.Or(b.Type, "application")
		r.residual.balancers = append(r.residual.balancers, b)
	})
}

// describeBalancers answers both APIs of load balancers, which have one name and one IAM action for
// what each lists of its own kind.
func describeBalancers(c *call, in any) (any, error) {
	if in, ok := in.(*classic.DescribeLoadBalancersInput); ok {
		return describeClassicBalancers(c, in)
	}
	return describeLoadBalancers(c, in.(*elb.DescribeLoadBalancersInput))
}

// balancerPage is a page of the balancers that an API lists. The limits are the same in both:
// https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_DescribeLoadBalancers.html
func balancerPage(c *call, pageSize *int32, marker *string, older bool) ([]LoadBalancer, *string, error) {
	size := 400
	if pageSize != nil {
		size = int(*pageSize)
	}
	after, ok := afterToken(marker)
	if !ok || size < 1 || size > 400 {
		return nil, nil, apiError(400, "ValidationError", "1 validation error detected")
	}
	var listed []LoadBalancer
	for _, b := range c.region.residual.balancers {
		if (b.Type == classicBalancer) == older {
			listed = append(listed, b)
		}
	}
	page, next := pageAfter(listed, after, c.most(size), func(b LoadBalancer) string { return b.Name })
	return page, next, nil
}

func describeClassicBalancers(c *call, in *classic.DescribeLoadBalancersInput) (any, error) {
	modelled := classic.DescribeLoadBalancersInput{PageSize: in.PageSize, Marker: in.Marker}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("elasticloadbalancing:DescribeLoadBalancers " + name)
	}
	page, next, err := balancerPage(c, in.PageSize, in.Marker, true)
	if err != nil {
		return nil, err
	}
	out := &classic.DescribeLoadBalancersOutput{NextMarker: next}
	for _, b := range page {
		out.LoadBalancerDescriptions = append(out.LoadBalancerDescriptions, classictypes.LoadBalancerDescription{LoadBalancerName: aws.String(b.Name)})
	}
	return out, nil
}

func describeLoadBalancers(c *call, in *elb.DescribeLoadBalancersInput) (any, error) {
	modelled := elb.DescribeLoadBalancersInput{PageSize: in.PageSize, Marker: in.Marker}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("elasticloadbalancing:DescribeLoadBalancers " + name)
	}
	page, next, err := balancerPage(c, in.PageSize, in.Marker, false)
	if err != nil {
		return nil, err
	}
	out := &elb.DescribeLoadBalancersOutput{NextMarker: next}
	for _, b := range page {
		short := map[string]string{"application": "app", "network": "net", "gateway": "gwy"}[b.Type]
		arn := fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:loadbalancer/%s/%s/%016x", c.region.name, c.account.id, short, b.Name, hash(c.account.seed, b.Name))
		out.LoadBalancers = append(out.LoadBalancers, elbtypes.LoadBalancer{
			LoadBalancerArn: aws.String(arn), LoadBalancerName: aws.String(b.Name), Type: elbtypes.LoadBalancerTypeEnum(b.Type),
		})
	}
	return out, nil
}
