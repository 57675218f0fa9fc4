package services

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"aws-hit-breaks/pkg/settings"
)

// judge says how an active group is paused, or why it cannot be. One member decides for the group:
// the two ways are never mixed.
func (s *groups) judge(group asgtypes.AutoScalingGroup, look groupSeen, members membership) (strategy, verdict string) {
	if verdict := s.notOurs(group, look, members); verdict != "" {
		return "", verdict
	}
	var cannotStop string
	for _, m := range look.Members {
		if m.Unstoppable != "" && !m.down() {
			cannotStop = fmt.Sprintf("member %s %s", m.ID, m.Unstoppable)
			break
		}
	}
	scales := scalesByTag(group) || cannotStop != "" && s.env.Settings.ScaleToZero == settings.ScaleUnpausable
	switch {
	case !scales && cannotStop == "":
		return byStopping, ""
	case !scales:
		return "", fmt.Sprintf("%s; the tag %s=%s on the group lets a pause terminate its members",
			cannotStop, settings.PauseTag, settings.PauseByScaling)
	}
	return byScaling, cannotScale(look)
}

// notOurs says why a group may not be touched, or why stopping its members would save nothing.
func (s *groups) notOurs(group asgtypes.AutoScalingGroup, look groupSeen, members membership) string {
	if look.Deleting {
		return "it is being deleted"
	}
	if group.Operator != nil {
		// Only the operator may change such a group
		// (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operator.html).
		return fmt.Sprintf("managed by %s: pause it there", aws.ToString(group.Operator.Principal))
	}
	if verdict := groupOwnedBy(groupTags(group)); verdict != "" {
		return verdict
	}
	for _, m := range look.Members {
		i, ok := members.instances[m.ID]
		if !ok || m.down() {
			continue
		}
		if i.Operator != nil && aws.ToBool(i.Operator.Managed) {
			return fmt.Sprintf("member %s is managed by %s: pause it there", m.ID, aws.ToString(i.Operator.Principal))
		}
		if verdict := groupOwnedBy(tagsOf(i.Tags)); verdict != "" {
			return fmt.Sprintf("member %s %s", m.ID, verdict)
		}
		if verdict := savesNothing(i); verdict != "" {
			return fmt.Sprintf("member %s %s", m.ID, verdict)
		}
	}
	return ""
}

// cannotScale says why scaling to zero would not end all members, or could not be undone.
func cannotScale(look groupSeen) string {
	for _, process := range []string{"Launch", "Terminate"} {
		if len(both(look.Suspended, []string{process})) > 0 {
			return fmt.Sprintf("it is to be scaled to zero, and its process %s is suspended: resume that first", process)
		}
	}
	for _, m := range look.Members {
		switch {
		case m.down():
		case m.Protected:
			// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
			return fmt.Sprintf("it is to be scaled to zero, and member %s is protected from scale-in", m.ID)
		case m.Lifecycle == string(asgtypes.LifecycleStateStandby):
			return fmt.Sprintf("it is to be scaled to zero, and member %s is in standby, which stays", m.ID)
		}
	}
	if look.Warm {
		return "it is to be scaled to zero, and has a warm pool, which would stay"
	}
	return ""
}
