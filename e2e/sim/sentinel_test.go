package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// sentinel sees every call at the moment it is made. It knows the account as it truly is then, so
// it can say whether the call was of any use, and what the trace does not keep of the store's leases.
type sentinel struct {
	account *awssim.Account
	fault   func(awssim.Call) awssim.Fault // asked after the sentinel has looked; may be nil

	needless []string // calls for what had long been reached
	leases   []leaseWrite
	records  []record

	before   awssim.State // what every original must be of; nil: not looked at
	untimely []untimely   // originals that are of another state
}

// watches builds the account and gives it to the sentinel.
func (s *sentinel) watches(build func(*awssim.Account)) func(*awssim.Account) {
	return func(a *awssim.Account) {
		s.account = a
		build(a)
	}
}

// sees is the account's fault function.
func (s *sentinel) sees(c awssim.Call) awssim.Fault {
	if s.account != nil {
		s.noteWrites(c)
		s.judge(c)
	}
	if s.fault == nil {
		return awssim.Fault{}
	}
	return s.fault(c)
}

// pace is what the brake itself goes by.
var pace = killswitch.StandardPace()

// judge notes a call for what reads had been showing for some time. The SDK's own retries do not
// look at the account in between, and are not judged. Nor is a suspension: how long ago it took
// effect can only be counted from an answer, so that one whose answer was lost is asked for again.
func (s *sentinel) judge(c awssim.Call) {
	if !c.Mutating || c.Service == "dynamodb" || c.Attempt > 1 || c.Operation == "SuspendProcesses" {
		return
	}
	for _, name := range s.alreadySo(c) {
		since := s.reachedAt(c, name)
		if since.IsZero() || c.Sent.Sub(since) > pace.Lag {
			s.needless = append(s.needless, fmt.Sprintf("needless: %s, though %s has been so since %s", c, name, since.Format(time.TimeOnly)))
		}
	}
}

// reachedAt is when the latest call of the same kind for the resource took effect; zero if none did.
func (s *sentinel) reachedAt(c awssim.Call, name string) time.Time {
	var at time.Time
	for _, earlier := range s.account.Trace() {
		if earlier.Landed && earlier.Region == c.Region && earlier.Action() == c.Action() &&
			slices.ContainsFunc(earlier.Targets, func(target string) bool { return strings.HasSuffix(name, target) }) {
			at = earlier.At
		}
	}
	return at
}

// alreadySo names the resources of a call that are what it asks for, or on the way there.
func (s *sentinel) alreadySo(c awssim.Call) (names []string) {
	var state awssim.State
	if c.Service != "ec2" { // it takes a while to put together
		state = s.account.State()
	}
	has := func(kind, id, field string, values ...string) {
		name := c.Region + " " + kind + " " + id
		if slices.Contains(values, state[name][field]) {
			names = append(names, name)
		}
	}
	switch in := c.Input.(type) {
	case *ec2.StopInstancesInput: // members of groups are not in the state under their own name
		names = s.inState(c.Region, in.InstanceIds, "stopped", "stopping")
	case *ec2.StartInstancesInput:
		names = s.inState(c.Region, in.InstanceIds, "running", "pending")
	case *rds.StopDBInstanceInput:
		has("rds:instance", aws.ToString(in.DBInstanceIdentifier), "Status", "stopped", "stopping")
	case *rds.StartDBInstanceInput:
		has("rds:instance", aws.ToString(in.DBInstanceIdentifier), "Status", "available", "starting")
	case *rds.StopDBClusterInput:
		has("rds:cluster", aws.ToString(in.DBClusterIdentifier), "Status", "stopped", "stopping")
	case *rds.StartDBClusterInput:
		has("rds:cluster", aws.ToString(in.DBClusterIdentifier), "Status", "available", "starting")
	case *ecs.UpdateServiceInput:
		id := last(aws.ToString(in.Cluster)) + "/" + last(aws.ToString(in.Service))
		has("ecs:service", id, "DesiredCount", fmt.Sprint(aws.ToInt32(in.DesiredCount)))
	case *applicationautoscaling.RegisterScalableTargetInput:
		names = sameTarget(c.Region, state, in)
	case *autoscaling.UpdateAutoScalingGroupInput:
		names = sameSizes(c.Region, state, in)
	case *autoscaling.ResumeProcessesInput:
		name := c.Region + " autoscaling:group " + aws.ToString(in.AutoScalingGroupName)
		if !slices.ContainsFunc(in.ScalingProcesses, func(process string) bool {
			_, suspended := state[name]["SuspendedProcesses."+process]
			return suspended
		}) {
			names = append(names, name)
		}
	}
	return names
}

// inState names the instances that are in one of the states.
func (s *sentinel) inState(region string, ids []string, states ...string) (names []string) {
	for _, id := range ids {
		if slices.Contains(states, s.account.InstanceState(region, id)) {
			names = append(names, region+" ec2:instance "+id)
		}
	}
	return names
}

// sameTarget names a scalable target that is registered as it already is.
func sameTarget(region string, state awssim.State, in *applicationautoscaling.RegisterScalableTargetInput) []string {
	for name, is := range state {
		if !strings.HasPrefix(name, region+" application-autoscaling:target ") || !strings.Contains(name, aws.ToString(in.ResourceId)) {
			continue
		}
		same := in.MinCapacity == nil || is["MinCapacity"] == fmt.Sprint(*in.MinCapacity)
		if suspended := in.SuspendedState; suspended != nil {
			for field, wanted := range map[string]*bool{
				"DynamicScalingInSuspended":  suspended.DynamicScalingInSuspended,
				"DynamicScalingOutSuspended": suspended.DynamicScalingOutSuspended,
				"ScheduledScalingSuspended":  suspended.ScheduledScalingSuspended,
			} {
				same = same && (wanted == nil || is[field] == fmt.Sprint(*wanted))
			}
		}
		if same {
			return []string{name}
		}
	}
	return nil
}

// sameSizes names a group whose sizes are set as they already are.
func sameSizes(region string, state awssim.State, in *autoscaling.UpdateAutoScalingGroupInput) []string {
	name := region + " autoscaling:group " + aws.ToString(in.AutoScalingGroupName)
	for field, size := range map[string]*int32{"MinSize": in.MinSize, "MaxSize": in.MaxSize, "DesiredCapacity": in.DesiredCapacity} {
		if size != nil && state[name][field] != fmt.Sprint(*size) {
			return nil
		}
	}
	return []string{name}
}
