package services

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	classic "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/killswitch"
)

// ResidualReads are the IAM actions that Residuals calls. Only discovery, dry run and reports do:
// no pause needs them.
var ResidualReads = []string{
	"ec2:DescribeVolumes", "ec2:DescribeAddresses", "ec2:DescribeNatGateways",
	"elasticloadbalancing:DescribeLoadBalancers", "rds:DescribeDBInstances", "rds:DescribeDBClusters",
}

// NotInspected is what of a region could not be listed, and why.
type NotInspected struct {
	What string // plural, for humans
	Err  error
}

// residualListings are what there is that costs by the hour and has no pause.
var residualListings = []struct {
	what string
	list func(context.Context, Env) ([]killswitch.Residual, error)
}{
	{"EBS volumes", residualVolumes},
	{"Elastic IP addresses", residualAddresses},
	{"NAT gateways", residualGateways},
	{"load balancers", residualBalancers},
	{"Classic Load Balancers", residualClassics},
	{"disks of stopped databases", residualDatabases},
	{"storage of stopped database clusters", residualClusters},
}

// Residuals lists what of one region costs by the hour and has no pause, side by side, in the order of
// refs. What could not be listed is said: that nothing of it is here then means nothing. A database
// that is stopped counts by its disk also where it is a resource of the same report; whoever adds both
// up leaves one out.
func Residuals(ctx context.Context, env Env) ([]killswitch.Residual, []NotInspected) {
	found := make([][]killswitch.Residual, len(residualListings))
	errs := make([]error, len(residualListings))
	var reads errgroup.Group
	for i, one := range residualListings {
		reads.Go(func() error {
			found[i], errs[i] = one.list(ctx, env)
			return nil
		})
	}
	_ = reads.Wait() // each has its own error
	var missing []NotInspected
	for i, err := range errs {
		if err != nil {
			found[i] = nil // half a list never looks whole
			missing = append(missing, NotInspected{What: residualListings[i].what, Err: err})
		}
	}
	all := slices.Concat(found...)
	slices.SortFunc(all, func(x, y killswitch.Residual) int { return x.Ref.Compare(y.Ref) })
	return all, missing
}

func residualVolumes(ctx context.Context, env Env) ([]killswitch.Residual, error) {
	pages := ec2.NewDescribeVolumesPaginator(ec2.NewFromConfig(env.Config), &ec2.DescribeVolumesInput{
		MaxResults: aws.Int32(perPage), IncludeManagedResources: aws.Bool(true),
	})
	var all []killswitch.Residual
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list volumes: %w", err)
		}
		for _, v := range page.Volumes {
			all = append(all, killswitch.Residual{
				Ref: env.ref(killswitch.Volume, aws.ToString(v.VolumeId)), Name: tagsOf(v.Tags)["Name"],
				Type: fmt.Sprintf("%s %d GiB", v.VolumeType, aws.ToInt32(v.Size)), Uses: volumeUses(env.Config.Region, v),
			})
		}
	}
	return all, nil
}

// volumeUses is a volume: its size, and what of its speed is paid apart (https://aws.amazon.com/ebs/pricing/).
// The first 3,000 operations and 125 MiB a second of gp3 are in its size; of io2 the price falls at
// 32,000 and at 64,000 operations a second.
func volumeUses(region string, v ec2types.Volume) []killswitch.Usage {
	of := func(quantity float64, family, usage string) killswitch.Usage {
		u := uses(quantity, priceEC2, region, map[string]string{priceFamily: family, "volumeApiName": string(v.VolumeType), priceUsage: "EBS:" + usage})
		u.Kept = true
		return u
	}
	size, speed := float64(aws.ToInt32(v.Size)), float64(aws.ToInt32(v.Iops))
	usage := "VolumeUsage." + string(v.VolumeType)
	var all []killswitch.Usage
	switch v.VolumeType {
	case ec2types.VolumeTypeStandard:
		usage = "VolumeUsage"
	case ec2types.VolumeTypeIo1:
		usage = "VolumeUsage.piops"
		all = append(all, of(speed, "System Operation", "VolumeP-IOPS.piops"))
	case ec2types.VolumeTypeIo2:
		all = append(all, of(min(speed, 32000), "System Operation", "VolumeP-IOPS.io2"),
			of(min(max(speed-32000, 0), 32000), "System Operation", "VolumeP-IOPS.io2.tier2"),
			of(max(speed-64000, 0), "System Operation", "VolumeP-IOPS.io2.tier3"))
	case ec2types.VolumeTypeGp3:
		all = append(all, of(max(speed-3000, 0), "System Operation", "VolumeP-IOPS.gp3"),
			of(max(float64(aws.ToInt32(v.Throughput))-125, 0), "Provisioned Throughput", "VolumeP-Throughput.gp3"))
	case ec2types.VolumeTypeGp2, ec2types.VolumeTypeSc1, ec2types.VolumeTypeSt1: // their size is all
	}
	return killswitch.Sum(append(all, of(size, "Storage", usage))...)
}

func residualAddresses(ctx context.Context, env Env) ([]killswitch.Residual, error) {
	out, err := ec2.NewFromConfig(env.Config).DescribeAddresses(ctx, &ec2.DescribeAddressesInput{}) // it has no pages
	if err != nil {
		return nil, fmt.Errorf("list Elastic IP addresses: %w", err)
	}
	var all []killswitch.Residual
	for _, a := range out.Addresses {
		id := aws.ToString(a.AllocationId)
		if id == "" || aws.ToString(a.CarrierIp) != "" || aws.ToString(a.CustomerOwnedIp) != "" {
			continue // of a carrier or of the owner's own network: it has no price in the region
		}
		usage := addressUses(env.Config.Region, 1, a.AssociationId == nil)
		usage.Kept = true
		all = append(all, killswitch.Residual{
			Ref: env.ref(killswitch.ElasticIP, id), Name: tagsOf(a.Tags)["Name"], Type: aws.ToString(a.PublicIp), Uses: []killswitch.Usage{usage},
		})
	}
	return all, nil
}

func residualGateways(ctx context.Context, env Env) ([]killswitch.Residual, error) {
	pages := ec2.NewDescribeNatGatewaysPaginator(ec2.NewFromConfig(env.Config), &ec2.DescribeNatGatewaysInput{
		MaxResults: aws.Int32(perPage), Filter: []ec2types.Filter{{Name: aws.String("state"), Values: []string{"pending", "available"}}},
	})
	var all []killswitch.Residual
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list NAT gateways: %w", err)
		}
		for _, g := range page.NatGateways {
			usage := uses(1, priceEC2, env.Config.Region, map[string]string{priceFamily: "NAT Gateway", priceUsage: "NatGateway-Hours"})
			usage.Kept = true
			if g.AvailabilityMode == ec2types.AvailabilityModeRegional {
				usage.Product.Attributes[priceUsage] = "RegionalNatGateway-Hours"
				usage.Why = "a regional NAT gateway costs by the zones that it works in"
			}
			all = append(all, killswitch.Residual{
				Ref: env.ref(killswitch.NATGateway, aws.ToString(g.NatGatewayId)), Name: tagsOf(g.Tags)["Name"],
				Type: string(g.ConnectivityType), Uses: []killswitch.Usage{usage},
			})
		}
	}
	return all, nil
}

// balancerFamilies are the price list's families of load balancers. The hours alone are counted: what
// goes through one is paid by use.
var balancerFamilies = map[elbtypes.LoadBalancerTypeEnum]string{
	elbtypes.LoadBalancerTypeEnumApplication: "Load Balancer-Application",
	elbtypes.LoadBalancerTypeEnumNetwork:     "Load Balancer-Network",
	elbtypes.LoadBalancerTypeEnumGateway:     "Load Balancer-Gateway",
}

func residualBalancers(ctx context.Context, env Env) ([]killswitch.Residual, error) {
	pages := elb.NewDescribeLoadBalancersPaginator(elb.NewFromConfig(env.Config), &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(balancersPerPage)})
	var all []killswitch.Residual
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list load balancers: %w", err)
		}
		for _, b := range page.LoadBalancers {
			arn := aws.ToString(b.LoadBalancerArn)
			_, id, _ := strings.Cut(arn, ":loadbalancer/")
			usage := uses(1, priceELB, env.Config.Region, map[string]string{priceFamily: balancerFamilies[b.Type], priceUsage: "LoadBalancerUsage"})
			usage.Kept = true
			all = append(all, killswitch.Residual{
				Ref: env.ref(killswitch.LoadBalancer, id), Name: aws.ToString(b.LoadBalancerName), Type: string(b.Type), Uses: []killswitch.Usage{usage},
			})
		}
	}
	return all, nil
}

// residualClassics are the load balancers that only the older API knows.
func residualClassics(ctx context.Context, env Env) ([]killswitch.Residual, error) {
	pages := classic.NewDescribeLoadBalancersPaginator(classic.NewFromConfig(env.Config), &classic.DescribeLoadBalancersInput{PageSize: aws.Int32(balancersPerPage)})
	var all []killswitch.Residual
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list Classic Load Balancers: %w", err)
		}
		for _, b := range page.LoadBalancerDescriptions {
			usage := uses(1, priceELB, env.Config.Region, map[string]string{priceFamily: "Load Balancer", priceUsage: "LoadBalancerUsage"})
			usage.Kept = true
			all = append(all, killswitch.Residual{
				Ref: env.ref(killswitch.LoadBalancer, aws.ToString(b.LoadBalancerName)), Type: "classic", Uses: []killswitch.Usage{usage},
			})
		}
	}
	return all, nil
}

// balancersPerPage is the most that one answer of either API holds
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html,
// https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_DescribeLoadBalancers.html).
const balancersPerPage = 400

func residualDatabases(ctx context.Context, env Env) ([]killswitch.Residual, error) {
	pages := rds.NewDescribeDBInstancesPaginator(rds.NewFromConfig(env.Config), &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(rdsPage)})
	var all []killswitch.Residual
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB instances: %w", err)
		}
		for _, db := range page.DBInstances {
			if aws.ToString(db.DBInstanceStatus) != dbStopped || db.DBClusterIdentifier != nil {
				continue
			}
			all = append(all, killswitch.Residual{
				Ref:  dbInstanceResource(env, db).Ref,
				Type: fmt.Sprintf("%s %d GB", aws.ToString(db.StorageType), aws.ToInt32(db.AllocatedStorage)), Uses: killswitch.Sum(dbDiskUses(env.Config.Region, db)...),
			})
		}
	}
	return all, nil
}

func residualClusters(ctx context.Context, env Env) ([]killswitch.Residual, error) {
	pages := rds.NewDescribeDBClustersPaginator(rds.NewFromConfig(env.Config), &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(rdsPage)})
	var all []killswitch.Residual
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB clusters: %w", err)
		}
		for _, c := range page.DBClusters {
			if aws.ToString(c.Status) != dbStopped {
				continue
			}
			service, _, attributes := engineOf(aws.ToString(c.Engine))
			attributes[priceFamily] = "Database Storage"
			usage := uses(0, service, env.Config.Region, attributes)
			usage.Kept, usage.Why = true, "how much a cluster stores is not in a listing"
			all = append(all, killswitch.Residual{
				Ref: env.ref(killswitch.RDSCluster, aws.ToString(c.DBClusterIdentifier)), Type: aws.ToString(c.Engine), Uses: []killswitch.Usage{usage},
			})
		}
	}
	return all, nil
}
