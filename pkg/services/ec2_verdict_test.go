package services

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func tagged(pairs ...string) ec2types.Instance {
	var i ec2types.Instance
	for n := 0; n < len(pairs); n += 2 {
		i.Tags = append(i.Tags, ec2types.Tag{Key: aws.String(pairs[n]), Value: aws.String(pairs[n+1])})
	}
	return i
}

// TestInstanceVerdict names every owner and every nature that keeps an instance from being paused.
func TestInstanceVerdict(t *testing.T) {
	spot := ec2types.Instance{InstanceLifecycle: ec2types.InstanceLifecycleTypeSpot, SpotInstanceRequestId: aws.String("sir-1")}
	persistent := ec2types.SpotInstanceRequest{Type: ec2types.SpotInstanceTypePersistent, State: ec2types.SpotInstanceStateActive}
	with := func(edit func(*ec2types.SpotInstanceRequest)) *ec2types.SpotInstanceRequest {
		request := persistent
		edit(&request)
		return &request
	}
	for name, row := range map[string]struct {
		instance ec2types.Instance
		request  *ec2types.SpotInstanceRequest
		allow    bool
		verdict  string
	}{
		"an ordinary instance can be paused": {instance: tagged("Name", "web")},
		"what a service operates is paused there": {
			instance: ec2types.Instance{Operator: &ec2types.OperatorResponse{Managed: aws.Bool(true), Principal: aws.String("eks.amazonaws.com")}},
			verdict:  "managed by eks.amazonaws.com: pause it there",
		},
		"an operator that does not manage it is none": {
			instance: ec2types.Instance{Operator: &ec2types.OperatorResponse{Managed: aws.Bool(false)}},
		},
		"EKS node group": {
			instance: tagged("eks:cluster-name", "prod", "eks:nodegroup-name", "workers"),
			verdict:  "belongs to EKS node group workers: scale the node group down in EKS",
		},
		"Karpenter": {
			instance: tagged("karpenter.sh/nodepool", "default"),
			verdict:  "belongs to Karpenter node pool default: set the limits of the node pool to 0",
		},
		"EMR": {
			instance: tagged("aws:elasticmapreduce:job-flow-id", "j-1"),
			verdict:  "belongs to EMR cluster j-1: resize or end the cluster in EMR",
		},
		"Batch": {
			instance: tagged("AWSBatchServiceTag", "batch"),
			verdict:  "belongs to a compute environment of AWS Batch: disable the compute environment in Batch",
		},
		"Batch, newer": {
			instance: tagged("aws:batch:compute-environment", "ce"),
			verdict:  "belongs to Batch compute environment ce: disable the compute environment in Batch",
		},
		"EC2 Fleet":   {instance: tagged("aws:ec2:fleet-id", "fleet-1"), verdict: "belongs to EC2 Fleet fleet-1: set the target capacity of the fleet"},
		"Spot Fleet":  {instance: tagged("aws:ec2spot:fleet-request-id", "sfr-1"), verdict: "belongs to Spot Fleet sfr-1: set the target capacity of the Spot Fleet"},
		"RDS Custom":  {instance: tagged("AWSRDSCustom", "custom-oracle"), verdict: "belongs to RDS Custom (custom-oracle): stop the database in RDS"},
		"a Beanstalk": {instance: tagged("elasticbeanstalk:environment-name", "shop"), verdict: "belongs to Elastic Beanstalk environment shop: pause the environment's group"},

		"persistent Spot can be paused":           {instance: spot, request: &persistent},
		"Spot whose request is not known":         {instance: spot, verdict: "Spot, and EC2 does not know its request (any more): it cannot be stopped"},
		"one-time Spot can only be terminated":    {instance: spot, request: &ec2types.SpotInstanceRequest{Type: ec2types.SpotInstanceTypeOneTime}, verdict: "one-time Spot: EC2 can only terminate it"},
		"Spot whose request is cancelled":         {instance: spot, request: with(func(r *ec2types.SpotInstanceRequest) { r.State = "cancelled" }), verdict: "Spot, and its request is cancelled: EC2 can only terminate it"},
		"Spot in a launch group":                  {instance: spot, request: with(func(r *ec2types.SpotInstanceRequest) { r.LaunchGroup = aws.String("g") }), verdict: "Spot in launch group g: EC2 cannot stop it"},
		"Spot in a zone group":                    {instance: spot, request: with(func(r *ec2types.SpotInstanceRequest) { r.AvailabilityZoneGroup = aws.String("z") }), verdict: "Spot in zone group z: EC2 cannot stop it"},
		"Spot whose request a fleet made":         {instance: spot, request: with(func(r *ec2types.SpotInstanceRequest) { r.Tags = tagged("aws:ec2:fleet-id", "f").Tags }), verdict: "Spot that belongs to EC2 Fleet f: set the target capacity of the fleet"},
		"a capacity block is paid for":            {instance: ec2types.Instance{InstanceLifecycle: ec2types.InstanceLifecycleTypeCapacityBlock}, verdict: "runs in a capacity block, which is paid in advance: stopping it saves nothing"},
		"a scheduled instance":                    {instance: ec2types.Instance{InstanceLifecycle: ec2types.InstanceLifecycleTypeScheduled}, verdict: "is a scheduled instance: EC2 cannot stop it"},
		"an Outpost is paid for":                  {instance: ec2types.Instance{OutpostArn: aws.String("arn")}, verdict: "runs on an Outpost, whose capacity is paid in advance: stopping it saves nothing"},
		"a dedicated host is billed all the same": {instance: ec2types.Instance{Placement: &ec2types.Placement{Tenancy: ec2types.TenancyHost}}, verdict: "runs on a dedicated host, which is billed as long as it is allocated: stopping it saves nothing"},
		"a dedicated instance can be paused":      {instance: ec2types.Instance{Placement: &ec2types.Placement{Tenancy: ec2types.TenancyDedicated}}},
		"instance-store root":                     {instance: ec2types.Instance{RootDeviceType: ec2types.DeviceTypeInstanceStore}, verdict: "instance-store root: EC2 cannot stop it"},
		"instance-store root, even where data may be lost": {
			instance: ec2types.Instance{RootDeviceType: ec2types.DeviceTypeInstanceStore}, allow: true, verdict: "instance-store root: EC2 cannot stop it",
		},
		"instance-store data": {
			instance: ec2types.Instance{InstanceType: "m5d.large"},
			verdict: "instance-store data: a stop would lose what is on the local disks of m5d.large; " +
				"the setting instanceStore=allow permits it",
		},
		"instance-store data, where the owner allows it": {instance: ec2types.Instance{InstanceType: "m5d.large"}, allow: true},
	} {
		t.Run(name, func(t *testing.T) {
			known := around{local: map[ec2types.InstanceType]bool{"m5d.large": true, "m5.large": false}}
			if row.request != nil {
				known.spot = map[string]ec2types.SpotInstanceRequest{"sir-1": *row.request}
			}
			if got := instanceVerdict(&row.instance, known, row.allow); got != row.verdict {
				t.Errorf("got  %q\nwant %q", got, row.verdict)
			}
		})
	}
}

// TestStoppedByEC2: Spot that EC2 stopped is EC2's to start, what a user stopped is not.
func TestStoppedByEC2(t *testing.T) {
	for code, verdict := range map[string]string{
		"instance-stopped-by-price":    "stopped by EC2 itself (instance-stopped-by-price): EC2 alone starts it again",
		"instance-stopped-no-capacity": "stopped by EC2 itself (instance-stopped-no-capacity): EC2 alone starts it again",
		"instance-stopped-by-user":     "",
		"fulfilled":                    "",
	} {
		request := ec2types.SpotInstanceRequest{Status: &ec2types.SpotInstanceStatus{Code: aws.String(code)}}
		if got := stoppedByEC2(request); got != verdict {
			t.Errorf("%s: got %q, want %q", code, got, verdict)
		}
	}
	if got := stoppedByEC2(ec2types.SpotInstanceRequest{}); got != "" {
		t.Errorf("a request without a status: got %q", got)
	}
}
