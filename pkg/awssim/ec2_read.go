package awssim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// describeRegions lists the enabled regions, or with AllRegions every region there is.
func describeRegions(c *call, in *ec2.DescribeRegionsInput) (*ec2.DescribeRegionsOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	var wanted []string // by the filter opt-in-status
	for _, f := range in.Filters {
		if aws.ToString(f.Name) != "opt-in-status" {
			return nil, c.unmodelled("ec2:DescribeRegions filter " + aws.ToString(f.Name))
		}
		wanted = f.Values
	}
	all := slices.Clone(c.account.names)
	if aws.ToBool(in.AllRegions) {
		all = append(append(all, alwaysOn...), optIn...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	for _, name := range in.RegionNames {
		if !slices.Contains(all, name) {
			return nil, ec2Error("InvalidParameterValue", "Invalid region name: %s", name)
		}
	}
	out := &ec2.DescribeRegionsOutput{}
	for _, name := range all {
		status := c.account.optInStatus(name)
		if len(in.RegionNames) > 0 && !slices.Contains(in.RegionNames, name) || wanted != nil && !slices.Contains(wanted, status) {
			continue
		}
		out.Regions = append(out.Regions, ec2types.Region{
			RegionName: aws.String(name), OptInStatus: aws.String(status), Endpoint: aws.String("ec2." + name + ".amazonaws.com"),
		})
	}
	return out, nil
}

func (a *Account) optInStatus(region string) string {
	switch {
	case !slices.Contains(optIn, region):
		return "opt-in-not-required"
	case slices.Contains(a.names, region):
		return "opted-in"
	}
	return "not-opted-in"
}

// describeInstanceStatus lists running instances, or with IncludeAllInstances all, with their checks.
func describeInstanceStatus(c *call, in *ec2.DescribeInstanceStatusInput) (*ec2.DescribeInstanceStatusOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	if len(in.InstanceIds) > 100 {
		return nil, ec2Error("InvalidParameterValue", "The maximum number of instance IDs is 100.")
	}
	visible := func(i *instance) bool { return i.shown != nil && (!i.Hidden || aws.ToBool(in.IncludeManagedResources)) }
	all, err := c.listed(in.InstanceIds, in.MaxResults, visible)
	if err != nil {
		return nil, err
	}
	matches, err := c.filter("ec2:DescribeInstanceStatus", in.Filters, func(i *instance, name string) ([]string, bool) {
		switch name {
		case "instance-state-name":
			return []string{i.shown.state}, true
		case "instance-status.status", "system-status.status":
			return []string{i.checks(c)}, true
		}
		return nil, false
	})
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, func(i *instance) bool {
		return visible(i) && (i.shown.state == running || aws.ToBool(in.IncludeAllInstances)) && matches(i)
	}, (*instance).place, c.pageSize(in.MaxResults, in.InstanceIds...), in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeInstanceStatusOutput{NextToken: next}
	for _, i := range page {
		summary := &ec2types.InstanceStatusSummary{Status: ec2types.SummaryStatus(i.checks(c))}
		out.InstanceStatuses = append(out.InstanceStatuses, ec2types.InstanceStatus{
			InstanceId: aws.String(i.ID), AvailabilityZone: aws.String(i.Zone), InstanceState: instanceState(i.shown.state),
			InstanceStatus: summary, SystemStatus: summary, Operator: i.operator(),
		})
	}
	return out, nil
}

// checks is what the status checks of an instance say.
func (i *instance) checks(c *call) string {
	switch {
	case i.shown.state != running:
		return "not-applicable"
	case i.Impaired:
		return "impaired"
	case c.now.Before(i.shown.checkedAt):
		return "initializing"
	}
	return "ok"
}

// describeInstanceAttribute reads the one attribute that the brake asks for.
func describeInstanceAttribute(c *call, in *ec2.DescribeInstanceAttributeInput) (*ec2.DescribeInstanceAttributeOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	if in.Attribute != ec2types.InstanceAttributeNameDisableApiStop {
		return nil, c.unmodelled("ec2:DescribeInstanceAttribute " + string(in.Attribute))
	}
	found, err := c.region.ec2.named([]string{aws.ToString(in.InstanceId)}, func(*instance) bool { return true })
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeInstanceAttributeOutput{
		InstanceId: in.InstanceId, DisableApiStop: &ec2types.AttributeBooleanValue{Value: aws.Bool(found[0].StopProtected)},
	}, nil
}

// describeSpotInstanceRequests lists Spot requests by id or filter.
func describeSpotInstanceRequests(c *call, in *ec2.DescribeSpotInstanceRequestsInput) (*ec2.DescribeSpotInstanceRequestsOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	if in.MaxResults != nil && (*in.MaxResults < 5 || *in.MaxResults > 1000) {
		return nil, ec2Error("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid.", *in.MaxResults)
	}
	for _, f := range in.Filters {
		if _, known := (&spotRequest{}).filterValue(aws.ToString(f.Name)); !known {
			return nil, c.unmodelled("ec2:DescribeSpotInstanceRequests filter " + aws.ToString(f.Name))
		}
	}
	for _, id := range in.SpotInstanceRequestIds {
		if !slices.ContainsFunc(c.region.ec2.spots, func(r *spotRequest) bool { return r.id == id }) {
			return nil, ec2Error("InvalidSpotInstanceRequestID.NotFound", "The spot instance request ID '%s' does not exist", id)
		}
	}
	page, next, err := pageOf(c.region.ec2.spots, func(r *spotRequest) bool { return r.matches(in) },
		func(r *spotRequest) int { return r.number }, c.pageSize(in.MaxResults), in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeSpotInstanceRequestsOutput{NextToken: next}
	for _, r := range page {
		out.SpotInstanceRequests = append(out.SpotInstanceRequests, r.describe())
	}
	return out, nil
}

func (r *spotRequest) matches(in *ec2.DescribeSpotInstanceRequestsInput) bool {
	if len(in.SpotInstanceRequestIds) > 0 && !slices.Contains(in.SpotInstanceRequestIds, r.id) {
		return false
	}
	for _, f := range in.Filters {
		value, _ := r.filterValue(aws.ToString(f.Name))
		if !anyMatch(f.Values, []string{value}) {
			return false
		}
	}
	return true
}

func (r *spotRequest) filterValue(name string) (value string, known bool) {
	switch name {
	case "spot-instance-request-id":
		return r.id, true
	case "instance-id":
		return r.instance, true
	case "state":
		return r.state, true
	case "type":
		return r.kind(), true
	}
	return "", false
}

func (r *spotRequest) describe() ec2types.SpotInstanceRequest {
	d := ec2types.SpotInstanceRequest{
		SpotInstanceRequestId: aws.String(r.id), InstanceId: aws.String(r.instance), Type: ec2types.SpotInstanceType(r.kind()),
		State: ec2types.SpotInstanceState(r.state), CreateTime: aws.Time(r.created),
		Status:                       &ec2types.SpotInstanceStatus{Code: aws.String(r.status), UpdateTime: aws.Time(r.updated)},
		InstanceInterruptionBehavior: ec2types.InstanceInterruptionBehaviorTerminate,
	}
	if r.persistent {
		d.InstanceInterruptionBehavior = ec2types.InstanceInterruptionBehaviorStop
	}
	return d
}

// instanceType is what DescribeInstanceTypes tells of a type.
type instanceType struct {
	name      string
	vCPUs     int32
	memoryGiB float64
	diskGB    int64 // instance storage; 0 for none
}

// instanceTypes are types as https://docs.aws.amazon.com/ec2/latest/instancetypes/ lists them.
var instanceTypes = []instanceType{
	{"t3.micro", 2, 1, 0}, {"t3.small", 2, 2, 0}, {"t3.medium", 2, 4, 0}, {"t3.large", 2, 8, 0}, {"t4g.small", 2, 2, 0},
	{"t4g.medium", 2, 4, 0}, {"m5.large", 2, 8, 0}, {"m5.xlarge", 4, 16, 0}, {"m5.2xlarge", 8, 32, 0}, {"m5.4xlarge", 16, 64, 0},
	{"m5d.large", 2, 8, 75}, {"m6i.large", 2, 8, 0}, {"m6i.xlarge", 4, 16, 0}, {"m6g.large", 2, 8, 0}, {"m7g.large", 2, 8, 0},
	{"c5.large", 2, 4, 0}, {"c5.xlarge", 4, 8, 0}, {"c5.4xlarge", 16, 32, 0}, {"c5d.xlarge", 4, 8, 100}, {"c6i.2xlarge", 8, 16, 0},
	{"r5.large", 2, 16, 0}, {"r5.xlarge", 4, 32, 0}, {"r5d.large", 2, 16, 75}, {"r6g.xlarge", 4, 32, 0}, {"i3.large", 2, 15.25, 475},
	{"i4i.xlarge", 4, 32, 937}, {"g5.xlarge", 4, 16, 250}, {"p3.2xlarge", 8, 61, 0}, {"m5.metal", 96, 384, 0}, {"mac2.metal", 8, 16, 0}, {"m3.medium", 1, 3.75, 4},
}

// describeInstanceTypes lists types, all or by name.
func describeInstanceTypes(c *call, in *ec2.DescribeInstanceTypesInput) (*ec2.DescribeInstanceTypesOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	if len(in.Filters) > 0 {
		return nil, c.unmodelled("ec2:DescribeInstanceTypes filter " + aws.ToString(in.Filters[0].Name))
	}
	switch {
	case len(in.InstanceTypes) > 100:
		return nil, ec2Error("InvalidParameterValue", "The maximum number of instance types is 100.")
	case len(in.InstanceTypes) > 0 && in.MaxResults != nil:
		return nil, ec2Error("InvalidParameterCombination", "The parameter InstanceTypes cannot be used with the parameter MaxResults")
	case in.MaxResults != nil && (*in.MaxResults < 5 || *in.MaxResults > 100):
		return nil, ec2Error("InvalidParameterValue", "Value ( %d ) for parameter MaxResults is invalid.", *in.MaxResults)
	}
	var unknown []string
	for _, name := range in.InstanceTypes {
		if !slices.ContainsFunc(instanceTypes, func(t instanceType) bool { return t.name == string(name) }) {
			unknown = append(unknown, string(name))
		}
	}
	if len(unknown) > 0 {
		return nil, ec2Error("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", strings.Join(unknown, ", "))
	}
	asked := func(t instanceType) bool {
		return len(in.InstanceTypes) == 0 || slices.Contains(in.InstanceTypes, ec2types.InstanceType(t.name))
	}
	size := int32(100)
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	page, next, err := pageOf(instanceTypes, asked, func(t instanceType) int { return slices.Index(instanceTypes, t) }, size, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeInstanceTypesOutput{NextToken: next}
	for _, t := range page {
		out.InstanceTypes = append(out.InstanceTypes, t.describe())
	}
	return out, nil
}

func (t instanceType) describe() ec2types.InstanceTypeInfo {
	d := ec2types.InstanceTypeInfo{
		InstanceType:             ec2types.InstanceType(t.name),
		VCpuInfo:                 &ec2types.VCpuInfo{DefaultVCpus: aws.Int32(t.vCPUs)},
		MemoryInfo:               &ec2types.MemoryInfo{SizeInMiB: aws.Int64(int64(t.memoryGiB * 1024))},
		InstanceStorageSupported: aws.Bool(t.diskGB > 0),
	}
	if t.diskGB > 0 {
		d.InstanceStorageInfo = &ec2types.InstanceStorageInfo{TotalSizeInGB: aws.Int64(t.diskGB)}
	}
	return d
}
