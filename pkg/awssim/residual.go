package awssim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Volume is an EBS volume.
type Volume struct {
	ID               string // default a seeded one
	Type             string // default gp3
	Size             int32  // GiB; default 8
	IOPS, Throughput int32  // of gp3 default 3000 and 125
	Managed          bool   // by an AWS service, and left out of listings without IncludeManagedResources
	Key              string // ARN of the KMS key that encrypts it; empty: it is not encrypted
	Instance         string // that it is attached to; empty for none
	Tags             map[string]string
}

// NATGateway is a NAT gateway.
type NATGateway struct {
	ID    string // default a seeded one
	State string // default available
	Tags  map[string]string
}

// ElasticAddress is an Elastic IP that no instance of the account has: it is idle, or a gateway's.
type ElasticAddress struct {
	IP    string
	InUse bool
	Tags  map[string]string
}

// residualState is what a region has that costs and has no pause.
type residualState struct {
	volumes   []Volume
	gateways  []NATGateway
	balancers []LoadBalancer
	addresses []ElasticAddress
}

// AddVolume puts a volume into a region.
func (a *Account) AddVolume(region string, v Volume) {
	a.look(func(time.Time) {
		r := a.mustRegion(region)
		v.ID = cmp.Or(v.ID, a.seededID("vol", region, len(r.residual.volumes)))
		v.Type, v.Size = cmp.Or(v.Type, "gp3"), cmp.Or(v.Size, 8)
		if v.Type == "gp3" {
			v.IOPS, v.Throughput = cmp.Or(v.IOPS, 3000), cmp.Or(v.Throughput, 125)
		}
		r.residual.volumes = append(r.residual.volumes, v)
	})
}

// AddNATGateway puts a NAT gateway into a region.
func (a *Account) AddNATGateway(region string, g NATGateway) {
	a.look(func(time.Time) {
		r := a.mustRegion(region)
		g.ID, g.State = cmp.Or(g.ID, a.seededID("nat", region, len(r.residual.gateways))), cmp.Or(g.State, "available")
		r.residual.gateways = append(r.residual.gateways, g)
	})
}

// AddElasticIP puts an Elastic IP into a region.
func (a *Account) AddElasticIP(region string, e ElasticAddress) {
	a.look(func(time.Time) {
		r := a.mustRegion(region)
		r.residual.addresses = append(r.residual.addresses, e)
	})
}

func (a *Account) seededID(kind, region string, n int) string {
	return fmt.Sprintf("%s-0%016x", kind, hash(a.seed, kind, region, strconv.Itoa(n)))
}

func residualOperations() []operation {
	return []operation{
		op("ec2", "DescribeVolumes", false, describeVolumes),
		op("ec2", "DescribeAddresses", false, describeAddresses),
		op("ec2", "DescribeNatGateways", false, describeNATGateways),
		{"elasticloadbalancing", "DescribeLoadBalancers", false, describeBalancers},
	}
}

func describeVolumes(c *call, in *ec2.DescribeVolumesInput) (*ec2.DescribeVolumesOutput, error) {
	modelled := ec2.DescribeVolumesInput{MaxResults: in.MaxResults, NextToken: in.NextToken, IncludeManagedResources: in.IncludeManagedResources, Filters: in.Filters}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("ec2:DescribeVolumes " + name)
	}
	for _, f := range in.Filters {
		if _, known := (Volume{}).filterValue(aws.ToString(f.Name)); !known {
			return nil, c.unmodelled("ec2:DescribeVolumes filter " + aws.ToString(f.Name))
		}
	}
	if in.MaxResults != nil && (*in.MaxResults < 5 || *in.MaxResults > 1000) {
		return nil, ec2Error("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid.", *in.MaxResults)
	}
	page, next, err := pageOf(numbered(c.region.residual.volumes), func(v place[Volume]) bool {
		return (!v.of.Managed || aws.ToBool(in.IncludeManagedResources)) && v.of.matches(in.Filters)
	}, place[Volume].number, c.pageSize(in.MaxResults), in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeVolumesOutput{NextToken: next}
	for _, p := range page {
		v := ec2types.Volume{
			VolumeId: aws.String(p.of.ID), VolumeType: ec2types.VolumeType(p.of.Type), Size: aws.Int32(p.of.Size),
			State: ec2types.VolumeStateInUse, AvailabilityZone: aws.String(c.region.name + "a"), Tags: ec2Tags(p.of.Tags),
			Encrypted: aws.Bool(p.of.Key != ""),
		}
		if p.of.Key != "" {
			v.KmsKeyId = aws.String(p.of.Key)
		}
		if p.of.Instance != "" {
			v.Attachments = []ec2types.VolumeAttachment{{
				VolumeId: v.VolumeId, InstanceId: aws.String(p.of.Instance), State: ec2types.VolumeAttachmentStateAttached,
			}}
		}
		if p.of.IOPS > 0 {
			v.Iops = aws.Int32(p.of.IOPS)
		}
		if p.of.Throughput > 0 {
			v.Throughput = aws.Int32(p.of.Throughput)
		}
		out.Volumes = append(out.Volumes, v)
	}
	return out, nil
}

func (v Volume) matches(filters []ec2types.Filter) bool {
	return !slices.ContainsFunc(filters, func(f ec2types.Filter) bool {
		value, _ := v.filterValue(aws.ToString(f.Name))
		return !slices.Contains(f.Values, value)
	})
}

func (v Volume) filterValue(name string) (value string, known bool) {
	switch name {
	case "encrypted":
		return strconv.FormatBool(v.Key != ""), true
	case "attachment.status":
		if v.Instance == "" {
			return "", true
		}
		return "attached", true
	}
	return "", false
}

// place is an element of a listing and where it stands there.
type place[T any] struct {
	at int
	of T
}

func (p place[T]) number() int { return p.at }

func numbered[T any](list []T) []place[T] {
	all := make([]place[T], len(list))
	for i, x := range list {
		all[i] = place[T]{i, x}
	}
	return all
}

// describeAddresses lists Elastic IPs, those of instances among them. It has no pages.
func describeAddresses(c *call, in *ec2.DescribeAddressesInput) (*ec2.DescribeAddressesOutput, error) {
	if name := differentField(*in, ec2.DescribeAddressesInput{}); name != "" {
		return nil, c.unmodelled("ec2:DescribeAddresses " + name)
	}
	out := &ec2.DescribeAddressesOutput{}
	add := func(ip, instance string, inUse bool, tags map[string]string) {
		a := ec2types.Address{
			PublicIp: aws.String(ip), AllocationId: aws.String("eipalloc-" + strings.ReplaceAll(ip, ".", "-")),
			Domain: ec2types.DomainTypeVpc, Tags: ec2Tags(tags),
		}
		if inUse {
			a.AssociationId = aws.String("eipassoc-" + strings.ReplaceAll(ip, ".", "-"))
		}
		if instance != "" {
			a.InstanceId = aws.String(instance)
		}
		out.Addresses = append(out.Addresses, a)
	}
	for _, i := range c.region.ec2.instances {
		if i.ElasticIP != "" && i.truth.state != terminated {
			add(i.ElasticIP, i.ID, true, nil)
		}
	}
	for _, e := range c.region.residual.addresses {
		add(e.IP, "", e.InUse, e.Tags)
	}
	return out, nil
}

func describeNATGateways(c *call, in *ec2.DescribeNatGatewaysInput) (*ec2.DescribeNatGatewaysOutput, error) {
	modelled := ec2.DescribeNatGatewaysInput{MaxResults: in.MaxResults, NextToken: in.NextToken, Filter: in.Filter}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("ec2:DescribeNatGateways " + name)
	}
	if in.MaxResults != nil && (*in.MaxResults < 5 || *in.MaxResults > 1000) {
		return nil, ec2Error("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid.", *in.MaxResults)
	}
	for _, f := range in.Filter {
		if aws.ToString(f.Name) != "state" {
			return nil, c.unmodelled("ec2:DescribeNatGateways filter " + aws.ToString(f.Name))
		}
	}
	page, next, err := pageOf(numbered(c.region.residual.gateways), func(g place[NATGateway]) bool {
		return !slices.ContainsFunc(in.Filter, func(f ec2types.Filter) bool { return !slices.Contains(f.Values, g.of.State) })
	}, place[NATGateway].number, c.pageSize(in.MaxResults), in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeNatGatewaysOutput{NextToken: next}
	for _, p := range page {
		out.NatGateways = append(out.NatGateways, ec2types.NatGateway{
			NatGatewayId: aws.String(p.of.ID), State: ec2types.NatGatewayState(p.of.State), ConnectivityType: ec2types.ConnectivityTypePublic, Tags: ec2Tags(p.of.Tags),
		})
	}
	return out, nil
}
