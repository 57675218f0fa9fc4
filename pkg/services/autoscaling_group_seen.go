package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// groupSeen is one look at a group and its members.
type groupSeen struct {
	ARN string
	sizes
	Suspended []string // of the nine, sorted
	Deleting  bool
	Warm      bool         // it has a warm pool
	Checks    string       // HealthCheckType: "EC2", or with ELB, EBS, VPC_LATTICE
	Members   []memberSeen // sorted by id; also recorded ones that have left the group
}

// memberSeen is one look at a member.
type memberSeen struct {
	ID string
	instanceSeen
	Lifecycle   string // of the group; empty for one that is not in the group (any more)
	Health      string // as the group sees it
	Protected   bool   // from scale-in
	Capacity    int    // in the units of DesiredCapacity
	Unstoppable string // why it cannot be stopped
}

// sameWord compares AWS's words, whose case differs between operations (Healthy, HEALTHY).
func sameWord(a, b string) bool { return strings.EqualFold(a, b) }

func (g groupSeen) String() string {
	running := 0
	for _, m := range g.Members {
		if m.State == stateRunning {
			running++
		}
	}
	text := fmt.Sprintf("%d of %d members running", running, len(g.Members))
	if len(g.Suspended) > 0 {
		text += fmt.Sprintf(", %d processes suspended", len(g.Suspended))
	}
	if g.Deleting {
		text += ", being deleted"
	}
	return text
}

// typed is the size of the group as a report shows it.
func (g groupSeen) typed(instances map[string]*ec2types.Instance) string {
	kinds := map[string]bool{}
	for _, m := range g.Members {
		if i, ok := instances[m.ID]; ok {
			kinds[string(i.InstanceType)] = true
		}
	}
	names := slices.Sorted(maps.Keys(kinds))
	switch len(names) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%s ×%d", names[0], len(g.Members))
	}
	return fmt.Sprintf("%s and others ×%d", names[0], len(g.Members))
}

// active says whether the group costs by the hour now, or is about to: members run, or are wanted
// and will be launched.
func (g groupSeen) active() bool {
	for _, m := range g.Members {
		if upOrComing(m.State) || m.State == "" {
			return true
		}
	}
	return len(g.inGroup()) < int(g.Desired) && !slices.Contains(g.Suspended, "Launch")
}

// inGroup are the members that count towards the desired capacity, terminating ones included.
func (g groupSeen) inGroup() []memberSeen {
	return slices.DeleteFunc(slices.Clone(g.Members), func(m memberSeen) bool {
		return m.Lifecycle == "" || strings.HasPrefix(m.Lifecycle, "Warmed:")
	})
}

// inService is the capacity in service, in the units of the desired capacity.
func (g groupSeen) inService() int {
	capacity := 0
	for _, m := range g.Members {
		if m.Lifecycle == string(asgtypes.LifecycleStateInService) && upOrComing(m.State) {
			capacity += m.Capacity
		}
	}
	return capacity
}

// member is the member of this id.
func (g groupSeen) member(id string) (memberSeen, bool) {
	n, ok := slices.BinarySearchFunc(g.Members, id, func(m memberSeen, id string) int { return strings.Compare(m.ID, id) })
	if !ok {
		return memberSeen{}, false
	}
	return g.Members[n], true
}

// with is a copy in which members have other states.
func (g groupSeen) with(states map[string]string) groupSeen {
	g.Members = slices.Clone(g.Members)
	for n, m := range g.Members {
		if state, ok := states[m.ID]; ok {
			g.Members[n].State, g.Members[n].Status = state, statusUnknown
		}
	}
	return g
}

// passing names what a member is going through; empty where its state stays. A member in transition
// is not stopped: an instance that waits for a lifecycle hook would be lost.
func (m memberSeen) passing() string {
	if m.State == "" {
		return "EC2 does not show it yet"
	}
	if reason := passing(m.State); reason != "" {
		return reason
	}
	lifecycle := strings.TrimPrefix(m.Lifecycle, "Warmed:")
	switch {
	case lifecycle == string(asgtypes.LifecycleStateTerminatingRetained), lifecycle == "Pending:Retained":
		return ""
	case strings.HasPrefix(lifecycle, "Pending"), strings.HasPrefix(lifecycle, "Terminating"),
		strings.HasPrefix(lifecycle, "ReplacingRootVolume"), lifecycle == string(asgtypes.LifecycleStateRootVolumeReplaced),
		lifecycle == string(asgtypes.LifecycleStateDetaching), lifecycle == string(asgtypes.LifecycleStateEnteringStandby):
		return "the group has it in " + m.Lifecycle
	}
	return ""
}

// down says whether a member does not run and will not by itself.
func (m memberSeen) down() bool { return m.State == stateStopped || m.State == stateTerminated }
