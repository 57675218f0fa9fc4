package awssim

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// stopInstances stops all of the named instances or, when one may not be stopped, none.
func stopInstances(c *call, in *ec2.StopInstancesInput) (*ec2.StopInstancesOutput, error) {
	if aws.ToBool(in.Force) || aws.ToBool(in.SkipOsShutdown) {
		return nil, c.unmodelled("ec2:StopInstances Force and SkipOsShutdown")
	}
	found, err := c.region.ec2.named(in.InstanceIds, func(*instance) bool { return true })
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		if err := i.refuseStop(aws.ToBool(in.Hibernate)); err != nil {
			return nil, err
		}
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	if aws.ToBool(in.Hibernate) {
		return nil, c.unmodelled("ec2:StopInstances Hibernate")
	}
	out := &ec2.StopInstancesOutput{}
	for _, i := range found {
		before := i.truth.state
		if before == running {
			c.account.stop(i, c.now)
		}
		out.StoppingInstances = append(out.StoppingInstances, i.change(before))
	}
	return out, nil
}

// refuseStop says why an instance may not be stopped. To stop what is stopped or stopping is no
// error.
func (i *instance) refuseStop(hibernate bool) error {
	switch {
	case i.truth.state == pending || i.truth.state == shuttingDown || i.truth.state == terminated:
		return ec2Error("IncorrectInstanceState", "This instance '%s' is not in a state from which it can be stopped.", i.ID)
	case i.Operator != "":
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/amazon-ec2-managed-instances.html
		return ec2Error("OperationNotPermitted", "The instance '%s' is managed by %s and can't be stopped by you.", i.ID, i.Operator)
	case i.RootDevice == "instance-store":
		return ec2Error("UnsupportedOperation", "The instance '%s' does not have an 'ebs' root device type and cannot be stopped.", i.ID)
	case i.spot != nil:
		if err := i.refuseSpotStop(); err != nil {
			return err
		}
	}
	switch {
	case i.StopProtected:
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-stop-protection.html
		return ec2Error("OperationNotPermitted",
			"The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.ID)
	case hibernate && !i.Hibernates:
		return ec2Error("UnsupportedHibernationConfiguration", "The instance '%s' is not enabled for hibernation.", i.ID)
	}
	return nil
}

// refuseSpotStop keeps to
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html#stopping-a-spot-instance
func (i *instance) refuseSpotStop() error {
	switch {
	case !i.spot.persistent:
		return ec2Error("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a one-time "+
			"Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.", i.ID)
	case i.Spot.InFleet:
		return ec2Error("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is part of a fleet, launch group or "+
			"Availability Zone group.", i.ID)
	case i.truth.state == running && i.spot.state != "active":
		return ec2Error("IncorrectSpotRequestState", "The Spot Instance request '%s' of instance '%s' is %s.", i.spot.id, i.ID, i.spot.state)
	}
	return nil
}

// startInstances starts all of the named instances or, when one may not be started, none.
func startInstances(c *call, in *ec2.StartInstancesInput) (*ec2.StartInstancesOutput, error) {
	if in.AdditionalInfo != nil {
		return nil, c.unmodelled("ec2:StartInstances AdditionalInfo")
	}
	found, err := c.region.ec2.named(in.InstanceIds, func(*instance) bool { return true })
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		if err := i.refuseStart(); err != nil {
			return nil, err
		}
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	for _, i := range found {
		if i.truth.state == stopped && i.NoCapacity > 0 {
			i.NoCapacity--
			return nil, apiError(http.StatusInternalServerError, "InsufficientInstanceCapacity", "We currently do not have sufficient "+
				i.Type+" capacity in the Availability Zone you requested ("+i.Zone+").")
		}
	}
	out := &ec2.StartInstancesOutput{}
	for _, i := range found {
		before := i.truth.state
		if before == stopped {
			c.account.start(i, c.now)
		}
		out.StartingInstances = append(out.StartingInstances, i.change(before))
	}
	return out, nil
}

// refuseStart says why an instance may not be started. To start what runs or is about to is no
// error.
func (i *instance) refuseStart() error {
	switch {
	case i.truth.state == running || i.truth.state == pending:
		return nil
	case i.truth.state != stopped:
		return ec2Error("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", i.ID)
	case i.Operator != "":
		return ec2Error("OperationNotPermitted", "The instance '%s' is managed by %s and can't be started by you.", i.ID, i.Operator)
	case i.spot != nil && i.spot.state != "disabled":
		// Stopped by EC2, started by EC2 only:
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interruption-behavior.html
		return ec2Error("IncorrectSpotRequestState", "The Spot Instance request '%s' of instance '%s' is %s (%s); only a request that is "+
			"disabled because a user stopped the instance can be started.", i.spot.id, i.ID, i.spot.state, i.spot.status)
	}
	return nil
}

// change is an instance's line in the answer to a stop or start.
func (i *instance) change(before string) ec2types.InstanceStateChange {
	return ec2types.InstanceStateChange{
		InstanceId: aws.String(i.ID), PreviousState: instanceState(before), CurrentState: instanceState(i.truth.state),
	}
}

func instanceState(name string) *ec2types.InstanceState {
	return &ec2types.InstanceState{Name: ec2types.InstanceStateName(name), Code: aws.Int32(stateCodes[name])}
}
