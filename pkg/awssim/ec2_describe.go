package awssim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// maxFilterValues: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
const maxFilterValues = 200

// describeInstances lists instances as reads show them, up to a thousand on a page.
func describeInstances(c *call, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	visible := func(i *instance) bool { return i.shown != nil && (!i.Hidden || aws.ToBool(in.IncludeManagedResources)) }
	all, err := c.listed(in.InstanceIds, in.MaxResults, visible)
	if err != nil {
		return nil, err
	}
	matches, err := c.filter("ec2:DescribeInstances", in.Filters, instanceFilter)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, func(i *instance) bool { return visible(i) && matches(i) }, (*instance).place, c.pageSize(in.MaxResults, in.InstanceIds...), in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeInstancesOutput{NextToken: next}
	for _, i := range page {
		// Three launches at a time share a reservation.
		reservation := fmt.Sprintf("r-%017x", i.number/3)
		if n := len(out.Reservations); n == 0 || *out.Reservations[n-1].ReservationId != reservation {
			out.Reservations = append(out.Reservations, ec2types.Reservation{ReservationId: aws.String(reservation), OwnerId: aws.String(c.account.id)})
		}
		last := &out.Reservations[len(out.Reservations)-1]
		last.Instances = append(last.Instances, i.describe(c.account.id))
	}
	return out, nil
}

// listed is what a listing walks through: the named instances or all.
func (c *call) listed(ids []string, maxResults *int32, visible func(*instance) bool) ([]*instance, error) {
	if len(ids) > 0 && maxResults != nil {
		return nil, ec2Error("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
	}
	if maxResults != nil && (*maxResults < 5 || *maxResults > 1000) {
		return nil, ec2Error("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.", *maxResults)
	}
	if len(ids) == 0 {
		return c.region.ec2.instances, nil
	}
	return c.region.ec2.named(ids, visible)
}

// pageOf cuts one page out of what matches; the order is that of the places.
func pageOf[T any](all []T, matches func(T) bool, place func(T) int, size int32, token *string) (page []T, next *string, err error) {
	after, ok := afterToken(token)
	if !ok {
		return nil, nil, ec2Error("InvalidNextToken", "The specified next token '%s' is corrupted or malformed.", *token)
	}
	var matching []T
	for _, x := range all {
		if matches(x) {
			matching = append(matching, x)
		}
	}
	page, next = pageAfter(matching, after, int(size), func(x T) string { return fmt.Sprintf("%09d", place(x)) })
	return page, next, nil
}

// pageSize is how many a listing returns at most: all that are named, a thousand where it does not
// say.
func (c *call) pageSize(maxResults *int32, named ...string) int32 {
	switch {
	case len(named) > 0:
		return int32(len(named))
	case maxResults == nil:
		return int32(c.most(1000))
	}
	return int32(c.most(int(*maxResults)))
}

// filter makes one predicate of an input's filters. Filters must all match, values of one filter
// are alternatives and may have * and ?. A filter the account does not know is an error.
func (c *call) filter(action string, filters []ec2types.Filter, values func(i *instance, name string) (have []string, known bool)) (func(*instance) bool, error) {
	for _, f := range filters {
		if len(f.Values) > maxFilterValues {
			return nil, ec2Error("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		if _, known := values(&instance{shown: &status{}}, aws.ToString(f.Name)); !known {
			return nil, c.unmodelled(action + " filter " + aws.ToString(f.Name))
		}
	}
	return func(i *instance) bool {
		for _, f := range filters {
			have, _ := values(i, aws.ToString(f.Name))
			if !anyMatch(f.Values, have) {
				return false
			}
		}
		return true
	}, nil
}

func anyMatch(patterns, have []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return slices.ContainsFunc(have, func(value string) bool { return wildcard(pattern, value) })
	})
}

// wildcard matches as EC2's filters do: * is any text, ? any one character, case counts.
func wildcard(pattern, value string) bool {
	switch {
	case pattern == "":
		return value == ""
	case pattern[0] == '*':
		return wildcard(pattern[1:], value) || value != "" && wildcard(pattern, value[1:])
	case value == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == value[0]) && wildcard(pattern[1:], value[1:])
}

// instanceFilter is the values that an instance has for a filter of DescribeInstances.
func instanceFilter(i *instance, name string) (have []string, known bool) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if value, tagged := i.Tags[key]; tagged {
			have = []string{value}
		}
		return have, true
	}
	switch name {
	case "tag-key":
		for key := range i.Tags {
			have = append(have, key)
		}
		return have, true
	case "instance-id":
		return []string{i.ID}, true
	case "instance-state-name":
		return []string{i.shown.state}, true
	case "instance-lifecycle":
		if i.Lifecycle != "" {
			have = []string{i.Lifecycle}
		}
		return have, true
	}
	return nil, false
}

// describe is an instance as DescribeInstances writes it.
func (i *instance) describe(account string) ec2types.Instance {
	d := ec2types.Instance{
		InstanceId:            aws.String(i.ID),
		InstanceType:          ec2types.InstanceType(i.Type),
		InstanceLifecycle:     ec2types.InstanceLifecycleType(i.Lifecycle),
		State:                 instanceState(i.shown.state),
		StateTransitionReason: aws.String(i.shown.transition),
		LaunchTime:            aws.Time(i.shown.launched.Truncate(1e9)),
		PlatformDetails:       aws.String(i.Platform),
		UsageOperation:        aws.String(i.Operation),
		RootDeviceType:        ec2types.DeviceType(i.RootDevice),
		PrivateIpAddress:      aws.String(i.privateIP),
		PublicDnsName:         aws.String(publicName(i.region, i.shown.publicIP)),
		HibernationOptions:    &ec2types.HibernationOptions{Configured: aws.Bool(i.Hibernates)},
		Operator:              i.operator(),
		Placement:             &ec2types.Placement{AvailabilityZone: aws.String(i.Zone), Tenancy: ec2types.TenancyDefault},
		Tags:                  ec2Tags(i.Tags),
	}
	if i.shown.reason != "" {
		d.StateReason = &ec2types.StateReason{Code: aws.String(i.shown.reason), Message: aws.String(reasonMessages[i.shown.reason])}
	}
	if i.Dedicated {
		d.Placement.Tenancy = ec2types.TenancyDedicated
	}
	if i.HostID != "" {
		d.Placement.HostId, d.Placement.Tenancy = aws.String(i.HostID), ec2types.TenancyHost
	}
	if i.spot != nil {
		d.SpotInstanceRequestId = aws.String(i.spot.id)
	}
	if i.shown.state == terminated {
		d.PrivateIpAddress = nil
		return d
	}
	face := ec2types.InstanceNetworkInterface{
		NetworkInterfaceId: aws.String(i.interfaceID()), OwnerId: aws.String(account), PrivateIpAddress: aws.String(i.privateIP),
	}
	if ip := i.visibleIP(); ip != "" {
		owner := "amazon"
		if i.ElasticIP != "" {
			owner = account
		}
		d.PublicIpAddress = aws.String(ip)
		face.Association = &ec2types.InstanceNetworkInterfaceAssociation{
			PublicIp: aws.String(ip), PublicDnsName: aws.String(publicName(i.region, ip)), IpOwnerId: aws.String(owner),
		}
	}
	face.PrivateIpAddresses = []ec2types.InstancePrivateIpAddress{
		{Primary: aws.Bool(true), PrivateIpAddress: aws.String(i.privateIP), Association: face.Association},
	}
	d.NetworkInterfaces = []ec2types.InstanceNetworkInterface{face}
	return d
}

// visibleIP is the public IPv4 that reads show. An elastic one stays with a stopped instance.
func (i *instance) visibleIP() string {
	if i.ElasticIP != "" {
		return i.ElasticIP
	}
	return i.shown.publicIP
}

func (i *instance) operator() *ec2types.OperatorResponse {
	o := &ec2types.OperatorResponse{Managed: aws.Bool(i.Operator != "")}
	if i.Operator != "" {
		o.Principal, o.HiddenByDefault = aws.String(i.Operator), aws.Bool(i.Hidden)
	}
	return o
}

func publicName(region, ip string) string {
	if ip == "" {
		return ""
	}
	return "ec2-" + strings.ReplaceAll(ip, ".", "-") + "." + region + ".compute.amazonaws.com"
}

// ec2Tags are tags in the order of their keys.
func ec2Tags(tags map[string]string) []ec2types.Tag {
	var list []ec2types.Tag
	for key, value := range tags {
		list = append(list, ec2types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	slices.SortFunc(list, func(x, y ec2types.Tag) int { return strings.Compare(*x.Key, *y.Key) })
	return list
}
