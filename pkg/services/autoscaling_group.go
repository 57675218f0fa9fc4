package services

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

const groupSchema = 1

// The steps of groups.
const (
	suspendProcesses = "suspend-processes"
	stopMembers      = "stop-members"
	scaleToZero      = "scale-to-zero"
	startMembers     = "start-members"
	setHealthy       = "set-healthy"
	restoreSize      = "restore-size"
	resumeLaunch     = "resume-launch"
	resumeRest       = "resume-rest"
	suspendOriginal  = "suspend-original"
)

// The fields that a pause of a group sets. fieldChanged is none of AWS's: it keeps what somebody
// else had changed during the pause, since a group that scales again changes itself.
const (
	fieldProcesses       = "SuspendedProcesses"
	fieldMembers         = "Members"
	fieldMinSize         = "MinSize"
	fieldMaxSize         = "MaxSize"
	fieldDesiredCapacity = "DesiredCapacity"
	fieldChanged         = "Changed"
)

// The two ways of pausing a group. Stopping its members brings back the same instances; scaling to
// zero terminates them and is done only where the owner has said so.
const (
	byStopping = "stop-members"
	byScaling  = "scale-to-zero"
)

// How much goes into one call or item. Names of groups: see DescribeAutoScalingGroups; 500 members
// make a stored part of about 150 KB.
const (
	groupsPerPage    = 100
	groupsPerCall    = 10
	membersPerPart   = 500
	warmPerPage      = 50
	terminatingToEnd = "Terminating:Retained" // stays until somebody ends it
)

// processes are the nine of a group, in the order in which AWS documents them
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html). A
// RemoveFromLoadBalancerLowPriority, which old groups may show, is none of them and left alone.
var processes = []string{
	"Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance",
	"HealthCheck", "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions",
}

// launching are the processes that a resume lets go first: they bring members back into service and
// end none.
var launching = []string{"AddToLoadBalancer", "HealthCheck", "Launch"}

// scaling are the processes that would fill a group that was scaled to zero.
var scaling = []string{"AlarmNotification", "Launch", "ScheduledActions"}

// autoScalingGroups are the groups of EC2 Auto Scaling with all their members.
func autoScalingGroups() Definition {
	step := func(name string, want killswitch.Want, wave int, calls string, batch int, needs ...string) killswitch.Step {
		return killswitch.Step{Name: name, Want: want, Wave: wave, Calls: calls, Needs: needs, Batch: batch}
	}
	const paused, resumed = killswitch.WantPaused, killswitch.WantResumed
	start := step(startMembers, resumed, killswitch.ResumeInstances, "ec2:StartInstances", groupsPerCall, startNeeds...)
	start.Checked = true
	declaration := killswitch.Declaration{
		Kind: killswitch.AutoScalingGroup, Title: "EC2 Auto Scaling groups", Schema: groupSchema,
		Reads: []string{
			"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeWarmPool",
			"ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeInstanceTypes",
		},
		Steps: []killswitch.Step{
			step(suspendProcesses, paused, killswitch.PauseScalers, "autoscaling:SuspendProcesses", 1),
			step(stopMembers, paused, killswitch.PauseInstances, "ec2:StopInstances", groupsPerCall),
			step(scaleToZero, paused, killswitch.PauseInstances, "autoscaling:UpdateAutoScalingGroup", 1),
			start,
			step(setHealthy, resumed, killswitch.ResumeInstances, "autoscaling:SetInstanceHealth", 1),
			step(restoreSize, resumed, killswitch.ResumeInstances, "autoscaling:UpdateAutoScalingGroup", 1),
			step(resumeLaunch, resumed, killswitch.ResumeInstances, "autoscaling:ResumeProcesses", 1),
			step(suspendOriginal, resumed, killswitch.ResumeScalers, "autoscaling:SuspendProcesses", 1),
			step(resumeRest, resumed, killswitch.ResumeScalers, "autoscaling:ResumeProcesses", 1),
		},
		ListedAfter: []killswitch.Kind{killswitch.ECSService},
		ByAWS:       instanceChanges(),
		ByHand:      groupByHand,
		Check:       checkGroup,
	}
	return Definition{Declaration: declaration, New: func(env Env) killswitch.Service {
		s := &groups{
			env: env, declaration: declaration, reads: env.ec2Reads(),
			client: autoscaling.NewFromConfig(env.Config),
		}
		s.named.ask = s.byName
		return s
	}}
}

// groupOriginal is a group as it was before its pause. Its members are recorded in parts, once the
// group can no longer change them.
type groupOriginal struct {
	// ARN has an id in it that is new for a group that was created again under the name. Originals of
	// earlier versions have none.
	ARN       string   `json:"arn,omitempty"`
	Strategy  string   `json:"strategy"`
	Suspended []string `json:"suspended,omitempty"` // of the nine, sorted; they stay suspended
	sizes
	// Capacity is what was in service, in the units of DesiredCapacity.
	Capacity int `json:"capacity,omitempty"`
}

// sizes are the three numbers of a group.
type sizes struct {
	Min     int32 `json:"min"`
	Max     int32 `json:"max"`
	Desired int32 `json:"desired"`
}

// memberOriginal is a member as it was before it was stopped.
type memberOriginal struct {
	ID        string `json:"id"`
	Lifecycle string `json:"lifecycle"` // of the group: InService, Standby, Warmed:Running …
	Health    string `json:"health"`    // as the group saw it
	Protected bool   `json:"protected,omitempty"`
	Healthy   bool   `json:"healthy"` // both status checks were ok
	instanceTraits
}

// membersPart is a part: members that were found together.
type membersPart struct {
	Members []memberOriginal `json:"members"`
}

func checkGroup(original killswitch.Original, parts []killswitch.Part) error {
	o, err := decode[groupOriginal](groupSchema, original)
	if err != nil {
		return err
	}
	if o.Strategy != byStopping && o.Strategy != byScaling {
		return fmt.Errorf("original has the strategy %q", o.Strategy)
	}
	if unknown := without(o.Suspended, processes); len(unknown) > 0 {
		return fmt.Errorf("original names processes that do not exist: %q", unknown)
	}
	_, err = recorded(parts)
	return err
}

// recorded are all members of all parts, in the order they were recorded.
func recorded(parts []killswitch.Part) ([]memberOriginal, error) {
	var members []memberOriginal
	for _, part := range parts {
		var p membersPart
		if err := decodeStrictly(part.Data, &p); err != nil {
			return nil, fmt.Errorf("decode part %s: %w", part.Name, err)
		}
		members = append(members, p.Members...)
	}
	return members, nil
}

// partsOf are new parts for members that no part has yet.
func partsOf(members []memberSeen, have int) ([]killswitch.Part, error) {
	var parts []killswitch.Part
	for chunk := range slices.Chunk(members, membersPerPart) {
		var p membersPart
		for _, m := range chunk {
			p.Members = append(p.Members, memberOriginal{
				ID: m.ID, Lifecycle: m.Lifecycle, Health: m.Health, Protected: m.Protected,
				Healthy: m.Status == statusOK, instanceTraits: m.instanceTraits,
			})
		}
		data, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode members: %w", err)
		}
		parts = append(parts, killswitch.Part{Name: fmt.Sprintf("members-%d", have+len(parts)+1), Data: data})
	}
	return parts, nil
}

// groups is the service of Auto Scaling groups in one region.
type groups struct {
	env         Env
	declaration killswitch.Declaration
	reads       *ec2Reads
	named       together[map[string]asgtypes.AutoScalingGroup]
	client      *autoscaling.Client
}

func (s *groups) Declaration() killswitch.Declaration { return s.declaration }

// settle is how long a group is left alone after its processes were suspended: the suspension takes
// effect late, and a member found stopped before that is marked Unhealthy and terminated at resume
// (https://github.com/cloud-custodian/cloud-custodian/issues/8660).
func (s *groups) settle() time.Duration { return time.Duration(s.env.Settings.Settle) }

// Discover lists every group with its members. EC2 is asked for the members of a page side by side.
func (s *groups) Discover(ctx context.Context) iter.Seq2[killswitch.Found, error] {
	return func(yield func(killswitch.Found, error) bool) {
		pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(s.client, &autoscaling.DescribeAutoScalingGroupsInput{
			MaxRecords: aws.Int32(groupsPerPage),
		})
		for pages.HasMorePages() {
			at := time.Now()
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(killswitch.Found{}, fmt.Errorf("list groups: %w", err))
				return
			}
			members, err := s.membersOf(ctx, page.AutoScalingGroups)
			if err != nil {
				yield(killswitch.Found{}, err)
				return
			}
			for _, group := range page.AutoScalingGroups {
				found, err := s.found(group, members, at)
				if !yield(found, err) || err != nil {
					return
				}
			}
		}
	}
}

// membership is what EC2 and the warm pools tell about the members of some groups.
type membership struct {
	warm      map[string][]asgtypes.Instance // by group
	instances map[string]*ec2types.Instance
	local     map[ec2types.InstanceType]bool
}

// of are the members of a group, those of its warm pool included.
func (m membership) of(group asgtypes.AutoScalingGroup) []asgtypes.Instance {
	return slices.Concat(group.Instances, m.warm[aws.ToString(group.AutoScalingGroupName)])
}

// membersOf reads the members of a page of groups, as far as EC2 shows them.
func (s *groups) membersOf(ctx context.Context, page []asgtypes.AutoScalingGroup) (membership, error) {
	var m membership
	var err error
	if m.warm, err = s.warmPools(ctx, page); err != nil {
		return m, err
	}
	var ids []string
	for _, group := range page {
		for _, member := range m.of(group) {
			ids = append(ids, aws.ToString(member.InstanceId))
		}
	}
	if m.instances, err = s.reads.existing(ctx, ids); err != nil {
		return m, err
	}
	var sizes []ec2types.InstanceType
	for _, id := range ids {
		if i, ok := m.instances[id]; ok && upOrComing(stateOf(i)) {
			sizes = append(sizes, i.InstanceType)
		}
	}
	m.local, err = s.reads.instanceStore(ctx, sizes)
	return m, err
}

// warmPools reads the pools of those groups that have one: the members of a pool stand in no list of
// groups (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html).
func (s *groups) warmPools(ctx context.Context, page []asgtypes.AutoScalingGroup) (map[string][]asgtypes.Instance, error) {
	pools := make([][]asgtypes.Instance, len(page))
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for n, group := range page {
		if group.WarmPoolConfiguration == nil {
			continue
		}
		reads.Go(func() error {
			pages := autoscaling.NewDescribeWarmPoolPaginator(s.client, &autoscaling.DescribeWarmPoolInput{
				AutoScalingGroupName: group.AutoScalingGroupName, MaxRecords: aws.Int32(warmPerPage),
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return fmt.Errorf("list the warm pool of %s: %w", aws.ToString(group.AutoScalingGroupName), err)
				}
				pools[n] = append(pools[n], page.Instances...)
			}
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	warm := map[string][]asgtypes.Instance{}
	for n, group := range page {
		warm[aws.ToString(group.AutoScalingGroupName)] = pools[n]
	}
	return warm, nil
}

// found is one group of the listing.
func (s *groups) found(group asgtypes.AutoScalingGroup, members membership, at time.Time) (killswitch.Found, error) {
	name := aws.ToString(group.AutoScalingGroupName)
	look := s.see(group, members.of(group), nil, members.instances, members.local)
	found := killswitch.Found{
		Resource: killswitch.Resource{
			Ref: s.env.ref(killswitch.AutoScalingGroup, name), Type: look.typed(members.instances), Tags: groupTags(group),
		},
		State: look.String(), Active: look.active(),
		Seen: killswitch.Observation{Presence: killswitch.Present, At: at, State: look.String(), Resource: look},
	}
	var used []killswitch.Usage
	for _, m := range look.Members {
		i, ok := members.instances[m.ID]
		if !ok {
			continue
		}
		used = append(used, instanceUses(s.env.Config.Region, i)...)
		tags := tagsOf(i.Tags)
		found.Parts = append(found.Parts, killswitch.Resource{
			Ref: s.env.ref(killswitch.EC2Instance, m.ID), Name: tags["Name"], Type: string(i.InstanceType), Tags: tags,
		})
		if upOrComing(m.State) {
			found.Weight += sizeWeight(string(i.InstanceType))
		}
	}
	found.Resource.Uses = killswitch.Sum(used...)
	if !found.Active {
		return found, nil
	}
	strategy, verdict := s.judge(group, look, members)
	if verdict != "" {
		found.Verdict = verdict
		return found, nil
	}
	if strategy == byStopping {
		found.MayRefuse = "stop protection of a member is only known by trying"
	}
	var err error
	found.Original, err = encode(groupSchema, groupOriginal{
		ARN: look.ARN, Strategy: strategy, Suspended: look.Suspended, sizes: look.sizes, Capacity: look.inService(),
	})
	if err != nil {
		return killswitch.Found{}, fmt.Errorf("%s: %w", found.Resource.Ref, err)
	}
	return found, nil
}

func groupTags(group asgtypes.AutoScalingGroup) map[string]string {
	if len(group.Tags) == 0 {
		return nil
	}
	tags := make(map[string]string, len(group.Tags))
	for _, tag := range group.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

// scalesByTag says whether the owner has tagged the group to be scaled to zero.
func scalesByTag(group asgtypes.AutoScalingGroup) bool {
	return groupTags(group)[settings.PauseTag] == settings.PauseByScaling
}

// without are the values of a that are not in b, sorted.
func without(a, b []string) []string {
	var rest []string
	for _, value := range a {
		if !slices.Contains(b, value) {
			rest = append(rest, value)
		}
	}
	slices.Sort(rest)
	return rest
}

// both are the values of a that are also in b, sorted.
func both(a, b []string) []string { return without(a, without(a, b)) }
