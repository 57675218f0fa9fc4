package services

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

const instanceSchema = 1

// The steps of instances.
const (
	stopInstances  = "stop-instances"
	startInstances = "start-instances"
)

// fieldState is the one field that a pause of an instance sets.
const fieldState = "State"

// idsPerMutation keeps a refused batch cheap to halve; EC2 publishes no limit.
const idsPerMutation = 50

// startNeeds is what AWS asks of who starts instances. Without it a start with a volume that a customer's
// key encrypts is accepted and falls back to stopped
// (https://repost.aws/knowledge-center/kms-iam-ec2-permission).
var startNeeds = []string{"kms:CreateGrant"}

// ec2Instances are the instances that nothing else owns. They are paused by a plain stop: an
// instance that could hibernate is not asked to, since the time to write its memory is billed and
// may fail (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html).
func ec2Instances() Definition {
	declaration := killswitch.Declaration{
		Kind: killswitch.EC2Instance, Title: "EC2 instances", Schema: instanceSchema,
		Lists: []string{"ec2:DescribeInstanceTypes", "ec2:DescribeSpotInstanceRequests", "autoscaling:DescribeAutoScalingGroups"},
		Reads: []string{"ec2:DescribeInstances", "ec2:DescribeInstanceStatus"},
		Steps: []killswitch.Step{
			{
				Name: stopInstances, Want: killswitch.WantPaused, Wave: killswitch.PauseInstances,
				Calls: "ec2:StopInstances", Batch: idsPerMutation,
			},
			{
				Name: startInstances, Want: killswitch.WantResumed, Wave: killswitch.ResumeInstances,
				Calls: "ec2:StartInstances", Needs: startNeeds, Batch: idsPerMutation, Checked: true,
			},
		},
		ListedAfter: []killswitch.Kind{killswitch.ECSService},
		ByAWS:       instanceChanges(),
		ByHand:      instanceByHand,
		Check: func(original killswitch.Original, parts []killswitch.Part) error {
			if len(parts) > 0 {
				return fmt.Errorf("an instance has no parts, here are %d", len(parts))
			}
			o, err := decode[instanceOriginal](instanceSchema, original)
			if err == nil && o.State != string(ec2types.InstanceStateNameRunning) {
				err = fmt.Errorf("original state is %q, only running instances are paused", o.State)
			}
			return err
		},
	}
	return Definition{Declaration: declaration, New: func(env Env) killswitch.Service {
		return &instances{
			env: env, declaration: declaration, reads: env.ec2Reads(),
			groups: autoscaling.NewFromConfig(env.Config),
		}
	}}
}

// instanceChanges are the fields that EC2 sets at any stop and start.
func instanceChanges() []killswitch.ChangedByAWS {
	const stopStart = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html"
	const instance = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html"
	return []killswitch.ChangedByAWS{
		{Field: "LaunchTime", Source: instance},
		{Field: "PublicIpAddress", Source: stopStart},
		{Field: "PublicDnsName", Source: stopStart},
		{Field: "StateReason", Source: instance},
		{Field: "StateTransitionReason", Source: instance},
	}
}

// instanceOriginal is an instance as it was before its pause. EBS volumes, network interfaces,
// private addresses, Elastic IPs, the profile and user data stay with a stopped instance
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html), so
// what is put back is its state; the rest shows what AWS changed.
type instanceOriginal struct {
	State   string `json:"state"`   // running, also of one that was pending
	Healthy bool   `json:"healthy"` // both status checks were ok
	instanceTraits
}

// instanceTraits are the fields that AWS changes at a stop and start.
type instanceTraits struct {
	LaunchTime time.Time `json:"launchTime"`
	PublicIP   string    `json:"publicIp,omitempty"`
	PublicDNS  string    `json:"publicDns,omitempty"`
	Elastic    bool      `json:"elastic,omitempty"` // the public address is an Elastic IP and stays
}

// instanceSeen is one look at an instance.
type instanceSeen struct {
	instanceTraits
	Spot       bool // and not On-Demand
	State      string
	Status     string // of the status checks; statusUnknown where they were not read
	Reason     string // code of the state reason
	Said       string // its message
	Transition string // the state transition reason
}

func traitsOf(i *ec2types.Instance) instanceTraits {
	traits := instanceTraits{
		LaunchTime: aws.ToTime(i.LaunchTime).UTC(), PublicIP: aws.ToString(i.PublicIpAddress),
		PublicDNS: aws.ToString(i.PublicDnsName),
	}
	for _, card := range i.NetworkInterfaces {
		// An auto-assigned address belongs to Amazon, an Elastic IP to an account.
		if a := card.Association; a != nil && aws.ToString(a.PublicIp) == traits.PublicIP {
			traits.Elastic = aws.ToString(a.IpOwnerId) != "amazon"
		}
	}
	return traits
}

func seeInstance(i *ec2types.Instance, status string) instanceSeen {
	seen := instanceSeen{
		instanceTraits: traitsOf(i), State: stateOf(i), Status: status, Spot: i.InstanceLifecycle == ec2types.InstanceLifecycleTypeSpot,
		Transition: aws.ToString(i.StateTransitionReason),
	}
	if i.StateReason != nil {
		seen.Reason, seen.Said = aws.ToString(i.StateReason.Code), aws.ToString(i.StateReason.Message)
	}
	return seen
}

func stateOf(i *ec2types.Instance) string {
	if i.State == nil {
		return ""
	}
	return string(i.State.Name)
}

// upOrComing says whether an instance in this state costs by the hour and goes on to.
func upOrComing(state string) bool {
	return state == string(ec2types.InstanceStateNameRunning) || state == string(ec2types.InstanceStateNamePending)
}

// instances is the service of EC2 instances in one region.
type instances struct {
	env         Env
	declaration killswitch.Declaration
	reads       *ec2Reads
	groups      *autoscaling.Client
}

func (s *instances) Declaration() killswitch.Declaration { return s.declaration }

// Discover lists every instance that is not on its way to its end. What a page does not tell is
// read side by side after it: status checks, instance store, Spot requests, and once the members of
// groups.
func (s *instances) Discover(ctx context.Context) iter.Seq2[killswitch.Found, error] {
	return func(yield func(killswitch.Found, error) bool) {
		pages := ec2.NewDescribeInstancesPaginator(s.reads.client, &ec2.DescribeInstancesInput{
			MaxResults: aws.Int32(perPage), IncludeManagedResources: aws.Bool(true),
			Filters: []ec2types.Filter{{
				Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"},
			}},
		})
		var known around
		for pages.HasMorePages() {
			at := time.Now()
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(killswitch.Found{}, fmt.Errorf("list instances: %w", err))
				return
			}
			listed := instancesOf(page)
			if known, err = s.lookAround(ctx, known, listed); err != nil {
				yield(killswitch.Found{}, err)
				return
			}
			for _, i := range listed {
				found, err := s.found(i, known, at)
				if !yield(found, err) || err != nil {
					return
				}
			}
		}
	}
}

// around is what a page of instances does not tell about them.
type around struct {
	members map[string]string // instance → group; nil: not read
	checks  map[string]check
	whole   bool // checks are those of the whole region
	local   map[ec2types.InstanceType]bool
	spot    map[string]ec2types.SpotInstanceRequest
}

// lookAround reads what is missing of around for one page. Nothing is read for a page on which
// nothing runs.
func (s *instances) lookAround(ctx context.Context, known around, page []*ec2types.Instance) (around, error) {
	var running, requests []string
	var sizes []ec2types.InstanceType
	unowned := false
	for _, i := range page {
		if request := aws.ToString(i.SpotInstanceRequestId); request != "" && groupOf(i, known.members) == "" {
			requests = append(requests, request)
		}
		if !upOrComing(stateOf(i)) {
			continue
		}
		if stateOf(i) == string(ec2types.InstanceStateNameRunning) {
			running = append(running, aws.ToString(i.InstanceId))
		}
		sizes = append(sizes, i.InstanceType)
		unowned = unowned || groupOf(i, nil) == ""
	}
	next := around{members: known.members, checks: known.checks, whole: known.whole}
	var reads errgroup.Group
	reads.Go(func() (err error) {
		if unowned && known.members == nil {
			next.members, err = s.members(ctx)
		}
		return err
	})
	reads.Go(func() (err error) {
		switch {
		case known.whole:
		case len(running) > idsPerStatus:
			next.checks, err = s.reads.allChecks(ctx, false)
			next.whole = true
		default:
			next.checks, err = s.reads.checksOf(ctx, running)
		}
		return err
	})
	reads.Go(func() (err error) {
		next.local, err = s.reads.instanceStore(ctx, sizes)
		return err
	})
	reads.Go(func() (err error) {
		next.spot, err = s.reads.spotRequests(ctx, requests)
		return err
	})
	return next, reads.Wait()
}

// members says which group each member belongs to. The groups' own lists are the authority
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html), and hold a
// hundred groups a page where DescribeAutoScalingInstances has fifty instances.
func (s *instances) members(ctx context.Context) (map[string]string, error) {
	members := map[string]string{}
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(s.groups, &autoscaling.DescribeAutoScalingGroupsInput{
		MaxRecords: aws.Int32(groupsPerPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list which instances belong to groups: %w", err)
		}
		for _, group := range page.AutoScalingGroups {
			for _, member := range group.Instances {
				members[aws.ToString(member.InstanceId)] = aws.ToString(group.AutoScalingGroupName)
			}
		}
	}
	return members, nil
}

// found is one instance of the listing.
func (s *instances) found(i *ec2types.Instance, known around, at time.Time) (killswitch.Found, error) {
	id, tags := aws.ToString(i.InstanceId), tagsOf(i.Tags)
	seen := seeInstance(i, known.checks[id].Status)
	found := killswitch.Found{
		Resource: killswitch.Resource{
			Ref: s.env.ref(killswitch.EC2Instance, id), Name: tags["Name"], Type: string(i.InstanceType), Tags: tags,
			Uses: instanceUses(s.env.Config.Region, i),
		},
		State: seen.State, Active: upOrComing(seen.State), Weight: sizeWeight(string(i.InstanceType)),
		Seen: killswitch.Observation{Presence: killswitch.Present, At: at, State: seen.State, Resource: seen},
	}
	if group := groupOf(i, known.members); group != "" {
		owner := s.env.ref(killswitch.AutoScalingGroup, group)
		found.Owner = &owner
		return found, nil
	}
	if request, ok := known.spot[aws.ToString(i.SpotInstanceRequestId)]; ok && !found.Active {
		found.Verdict = stoppedByEC2(request)
	}
	if !found.Active {
		return found, nil
	}
	allowed := s.env.Settings.InstanceStore == settings.InstanceStoreAllow
	if found.Verdict = instanceVerdict(i, known, allowed); found.Verdict != "" {
		return found, nil
	}
	found.MayRefuse = "stop protection is only known by trying"
	if seen.Spot {
		found.MayRefuse = "whether it belongs to a fleet, of which EC2 stops nothing, is only known by trying"
	}
	var err error
	found.Original, err = encode(instanceSchema, instanceOriginal{
		State: string(ec2types.InstanceStateNameRunning), Healthy: seen.Status == statusOK, instanceTraits: seen.instanceTraits,
	})
	if err != nil {
		return killswitch.Found{}, fmt.Errorf("%s: %w", found.Resource.Ref, err)
	}
	return found, nil
}
