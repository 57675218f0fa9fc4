package services

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// groupTag is put on its members by EC2 Auto Scaling; nobody else can write tags that begin so.
const groupTag = "aws:autoscaling:groupName"

// groupOf is the group an instance belongs to, by the groups' own lists or by its tag. Empty: none.
func groupOf(i *ec2types.Instance, members map[string]string) string {
	if group := members[aws.ToString(i.InstanceId)]; group != "" {
		return group
	}
	return tagsOf(i.Tags)[groupTag]
}

// owner is a service that starts instances for itself and would put back what is stopped.
type owner struct {
	tag   string
	named string // with %s for the tag's value
	pause string // where the owner can be paused
	group bool   // it also owns Auto Scaling groups, and puts the tag on them or their members
}

// owners by the tags they put on their instances. The first that matches counts.
var owners = []owner{
	// https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
	{"eks:nodegroup-name", "EKS node group %s", "scale the node group down in EKS", true},
	// https://karpenter.sh/docs/concepts/nodepools/
	{"karpenter.sh/nodepool", "Karpenter node pool %s", "set the limits of the node pool to 0", false},
	// https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-tags.html
	{"aws:elasticmapreduce:job-flow-id", "EMR cluster %s", "resize or end the cluster in EMR", false},
	{"AWSBatchServiceTag", "a compute environment of AWS Batch", "disable the compute environment in Batch", true},
	{"aws:batch:compute-environment", "Batch compute environment %s", "disable the compute environment in Batch", true},
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-ec2-fleet.html
	{"aws:ec2:fleet-id", "EC2 Fleet %s", "set the target capacity of the fleet", false},
	{"aws:ec2spot:fleet-request-id", "Spot Fleet %s", "set the target capacity of the Spot Fleet", false},
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/custom-managing-sqlserver.html: stopped by
	// itself, the database leaves the support perimeter and its hours are charged all the same.
	{"AWSRDSCustom", "RDS Custom (%s)", "stop the database in RDS", false},
	{"elasticbeanstalk:environment-name", "Elastic Beanstalk environment %s", "pause the environment's group", false},
}

// ownedBy names the service that the tags show to own an instance, and where to pause it.
func ownedBy(tags map[string]string) string { return ownerAmong(owners, tags) }

// groupOwnedBy is ownedBy for a group, by its own tags or those of a member. Members of a group with
// several types also carry the tag of a fleet, through which the group itself launches them.
func groupOwnedBy(tags map[string]string) string {
	var ofGroups []owner
	for _, o := range owners {
		if o.group {
			ofGroups = append(ofGroups, o)
		}
	}
	return ownerAmong(ofGroups, tags)
}

func ownerAmong(owners []owner, tags map[string]string) string {
	for _, o := range owners {
		value, ok := tags[o.tag]
		if !ok {
			continue
		}
		named := o.named
		if strings.Contains(named, "%s") {
			named = fmt.Sprintf(named, value)
		}
		return fmt.Sprintf("belongs to %s: %s", named, o.pause)
	}
	return ""
}

// instanceVerdict says why a running instance that is no member of a group cannot be paused; empty
// where it can.
func instanceVerdict(i *ec2types.Instance, known around, allowInstanceStore bool) string {
	if i.Operator != nil && aws.ToBool(i.Operator.Managed) {
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/amazon-ec2-managed-instances.html
		return fmt.Sprintf("managed by %s: pause it there", aws.ToString(i.Operator.Principal))
	}
	if verdict := ownedBy(tagsOf(i.Tags)); verdict != "" {
		return verdict
	}
	if i.InstanceLifecycle == ec2types.InstanceLifecycleTypeSpot {
		request, ok := known.spot[aws.ToString(i.SpotInstanceRequestId)]
		if verdict := spotVerdict(request, ok); verdict != "" {
			return verdict
		}
	}
	if verdict := savesNothing(i); verdict != "" {
		return verdict
	}
	return losesDisks(i, known.local, allowInstanceStore)
}

// savesNothing says why stopping an instance, of whatever owner, is not possible at all or would
// save nothing.
func savesNothing(i *ec2types.Instance) string {
	switch {
	case i.InstanceLifecycle == ec2types.InstanceLifecycleTypeCapacityBlock:
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-pricing-billing.html
		return "runs in a capacity block, which is paid in advance: stopping it saves nothing"
	case i.InstanceLifecycle == ec2types.InstanceLifecycleTypeScheduled:
		return "is a scheduled instance: EC2 cannot stop it"
	case aws.ToString(i.OutpostArn) != "":
		return "runs on an Outpost, whose capacity is paid in advance: stopping it saves nothing"
	case i.Placement != nil && i.Placement.Tenancy == ec2types.TenancyHost:
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/dedicated-hosts-billing.html; a Mac is
		// scrubbed for hours after a stop
		// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/mac-instance-stop.html).
		return "runs on a dedicated host, which is billed as long as it is allocated: stopping it saves nothing"
	}
	return ""
}

// losesDisks says why an instance could not be started again as it was.
func losesDisks(i *ec2types.Instance, local map[ec2types.InstanceType]bool, allowInstanceStore bool) string {
	switch {
	case i.RootDeviceType == ec2types.DeviceTypeInstanceStore:
		return "instance-store root: EC2 cannot stop it"
	case local[i.InstanceType] && !allowInstanceStore:
		return fmt.Sprintf("instance-store data: a stop would lose what is on the local disks of %s; "+
			"the setting instanceStore=allow permits it", i.InstanceType)
	}
	return ""
}

// spotVerdict says why EC2 would not stop an instance with this Spot request, or not start it again
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html).
func spotVerdict(request ec2types.SpotInstanceRequest, known bool) string {
	switch {
	case !known:
		return "Spot, and EC2 does not know its request (any more): it cannot be stopped"
	case request.Type != ec2types.SpotInstanceTypePersistent:
		return "one-time Spot: EC2 can only terminate it"
	case request.State != ec2types.SpotInstanceStateActive:
		return fmt.Sprintf("Spot, and its request is %s: EC2 can only terminate it", request.State)
	case aws.ToString(request.LaunchGroup) != "":
		return "Spot in launch group " + aws.ToString(request.LaunchGroup) + ": EC2 cannot stop it"
	case aws.ToString(request.AvailabilityZoneGroup) != "":
		return "Spot in zone group " + aws.ToString(request.AvailabilityZoneGroup) + ": EC2 cannot stop it"
	case ownedBy(tagsOf(request.Tags)) != "":
		return "Spot that " + ownedBy(tagsOf(request.Tags))
	}
	return ""
}

// stoppedByEC2 says of a stopped Spot instance that EC2 itself stopped it and will start it again
// when there is capacity at its price, which nobody else can do or prevent
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interruption-behavior.html).
func stoppedByEC2(request ec2types.SpotInstanceRequest) string {
	if request.Status == nil {
		return ""
	}
	switch code := aws.ToString(request.Status.Code); code {
	case "instance-stopped-by-price", "instance-stopped-no-capacity",
		"marked-for-stop", "instance-stopped-capacity-oversubscribed":
		return fmt.Sprintf("stopped by EC2 itself (%s): EC2 alone starts it again", code)
	}
	return ""
}

// sizeWeight is roughly what a type costs in dollars an hour, by its size and, for the families
// with accelerators, by what those cost: good enough to stop the dear ones first. Types of RDS may
// be given too ("db.r6g.xlarge").
func sizeWeight(instanceType string) float64 {
	family, size := "", instanceType
	if dot := strings.LastIndex(instanceType, "."); dot >= 0 {
		family, size = strings.TrimPrefix(instanceType[:dot], "db."), instanceType[dot+1:]
	}
	const dollarsPerCPU = 0.05
	weight := virtualCPUs(size) * dollarsPerCPU
	letters := family[:len(family)-len(strings.TrimLeft(family, "abcdefghijklmnopqrstuvwxyz"))]
	switch letters {
	case "p", "trn", "dl":
		weight *= 8
	case "g", "gr", "inf", "vt", "f":
		weight *= 2
	}
	return weight
}

// virtualCPUs are those that the size of a type stands for; of the burstable small ones the share
// that they are billed for.
func virtualCPUs(size string) float64 {
	small := map[string]float64{
		"nano": 0.125, "micro": 0.25, "small": 0.5, "medium": 1, "large": 2, "xlarge": 4, "metal": 96,
	}
	if n, ok := small[size]; ok {
		return n
	}
	size = strings.TrimPrefix(size, "metal-")
	size, _ = strings.CutSuffix(size, "xlarge")
	size, _ = strings.CutSuffix(size, "xl")
	if n, err := strconv.Atoi(size); err == nil {
		return 4 * float64(n)
	}
	return 2
}
