package awssim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ec2State is EC2 in one region.
type ec2State struct {
	instances []*instance // by number, which is the order of listings
	byID      map[string]*instance
	spots     []*spotRequest
	launched  int // instances ever
}

func newEC2State() *ec2State { return &ec2State{byID: map[string]*instance{}} }

func ec2Operations() []operation {
	return []operation{
		op("ec2", "DescribeRegions", false, describeRegions),
		op("ec2", "DescribeInstances", false, describeInstances),
		op("ec2", "DescribeInstanceStatus", false, describeInstanceStatus),
		op("ec2", "DescribeInstanceTypes", false, describeInstanceTypes),
		op("ec2", "DescribeInstanceAttribute", false, describeInstanceAttribute),
		op("ec2", "DescribeSpotInstanceRequests", false, describeSpotInstanceRequests),
		op("ec2", "DescribeSpotPriceHistory", false, describeSpotPriceHistory),
		op("ec2", "StopInstances", true, stopInstances),
		op("ec2", "StartInstances", true, startInstances),
	}
}

// ec2Error is a client error of EC2: HTTP 400 with a code of
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
func ec2Error(code, format string, args ...any) error {
	return apiError(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}

// dryRun is EC2's answer to a request with DryRun, which here is always allowed.
func dryRun(asked *bool) error {
	if !aws.ToBool(asked) {
		return nil
	}
	return apiError(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
}

// named finds instances by id and refuses the whole call for ids it does not know.
func (s *ec2State) named(ids []string, known func(*instance) bool) ([]*instance, error) {
	var found []*instance
	var missing []string
	for _, id := range ids {
		if !strings.HasPrefix(id, "i-") {
			return nil, ec2Error("InvalidInstanceID.Malformed", "Invalid id: %q", id)
		}
		i := s.byID[id]
		switch {
		case i == nil || !known(i):
			missing = append(missing, id)
		case !slices.Contains(found, i):
			found = append(found, i)
		}
	}
	switch len(missing) {
	case 0:
		return found, nil
	case 1:
		return nil, ec2Error("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", missing[0])
	}
	return nil, ec2Error("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(missing, ", "))
}

// describe writes every instance and Spot request into the state that Compare reads.
func (s *ec2State) describe(region string, into State) {
	for _, i := range s.instances {
		into[resourceName(region, "ec2:instance", i.ID)] = i.fields()
	}
	for _, r := range s.spots {
		into[resourceName(region, "ec2:spot-request", r.id)] = r.fields()
	}
}

func (i *instance) fields() map[string]string {
	f := map[string]string{
		"Operator":              i.Operator,
		"InstanceType":          i.Type,
		"AvailabilityZone":      i.Zone,
		"RootDeviceType":        i.RootDevice,
		"InstanceLifecycle":     i.Lifecycle,
		"HostId":                i.HostID,
		"PrivateIpAddress":      i.privateIP,
		"NetworkInterfaceId":    i.interfaceID(),
		"ElasticIp":             i.ElasticIP,
		"DisableApiStop":        fmt.Sprint(i.StopProtected),
		"State":                 i.truth.state,
		"LaunchTime":            i.truth.launched.UTC().Format(time.RFC3339),
		"StateReason":           i.truth.reason,
		"StateTransitionReason": i.truth.transition,
	}
	if i.ElasticIP == "" {
		f["PublicIpAddress"] = i.truth.publicIP
		f["PublicDnsName"] = publicName(i.region, i.truth.publicIP)
	}
	for key, value := range i.Tags {
		f["Tags."+key] = value
	}
	return f
}

func (r *spotRequest) fields() map[string]string {
	return map[string]string{
		"State":             r.state,
		"Status.Code":       r.status,
		"Status.UpdateTime": r.updated.UTC().Format(time.RFC3339),
		"Type":              r.kind(),
		"InstanceId":        r.instance,
	}
}
