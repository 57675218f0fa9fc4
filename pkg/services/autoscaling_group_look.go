package services

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// see puts one look together. also are ids that are looked at although the group does not have them.
func (s *groups) see(
	group asgtypes.AutoScalingGroup, members []asgtypes.Instance, also []string,
	instances map[string]*ec2types.Instance, local map[ec2types.InstanceType]bool,
) groupSeen {
	look := groupSeen{
		ARN: aws.ToString(group.AutoScalingGroupARN),
		sizes: sizes{
			Min: aws.ToInt32(group.MinSize), Max: aws.ToInt32(group.MaxSize), Desired: aws.ToInt32(group.DesiredCapacity),
		},
		Deleting: aws.ToString(group.Status) != "", Warm: group.WarmPoolConfiguration != nil, Checks: aws.ToString(group.HealthCheckType),
	}
	for _, suspended := range group.SuspendedProcesses {
		if name := aws.ToString(suspended.ProcessName); slices.Contains(processes, name) {
			look.Suspended = append(look.Suspended, name)
		}
	}
	slices.Sort(look.Suspended)
	look.Members = make([]memberSeen, 0, len(members)+len(also))
	for _, member := range members {
		seen := memberSeen{
			ID: aws.ToString(member.InstanceId), Lifecycle: string(member.LifecycleState),
			Health: aws.ToString(member.HealthStatus), Protected: aws.ToBool(member.ProtectedFromScaleIn), Capacity: 1,
		}
		if weight, err := strconv.Atoi(aws.ToString(member.WeightedCapacity)); err == nil {
			seen.Capacity = weight
		}
		look.Members = append(look.Members, seen)
	}
	for _, id := range also {
		look.Members = append(look.Members, memberSeen{ID: id})
	}
	slices.SortStableFunc(look.Members, func(a, b memberSeen) int { return strings.Compare(a.ID, b.ID) })
	look.Members = slices.CompactFunc(look.Members, func(a, b memberSeen) bool { return a.ID == b.ID })
	for n, m := range look.Members {
		i, ok := instances[m.ID]
		if !ok {
			continue
		}
		look.Members[n].instanceSeen = seeInstance(i, statusUnknown)
		look.Members[n].Unstoppable = s.cannotStop(i, local)
	}
	return look
}

// cannotStop says why a member cannot be stopped.
func (s *groups) cannotStop(i *ec2types.Instance, local map[ec2types.InstanceType]bool) string {
	if i.InstanceLifecycle == ec2types.InstanceLifecycleTypeSpot {
		// https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-spot-instances.html
		return "is Spot, which a group requests one time only: EC2 can only terminate it"
	}
	return losesDisks(i, local, s.env.Settings.InstanceStore == settings.InstanceStoreAllow)
}

// Observe looks at groups by name, and by id at their members and at those that were recorded.
func (s *groups) Observe(ctx context.Context, items []killswitch.Item) (map[killswitch.Ref]killswitch.Observation, error) {
	at := time.Now()
	seen := make(map[killswitch.Ref]killswitch.Observation, len(items))
	members, present, err := s.membersAndGroups(ctx, items)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(slices.Clone(items), func(it killswitch.Item) bool {
		look, moves := stillMoving(it, members)
		if moves {
			seen[it.Resource.Ref] = *observation(at, look)
		}
		return moves
	})
	if present == nil {
		if present, err = s.named.about(ctx, namesOf(items)); err != nil {
			return nil, err
		}
	}
	var page []asgtypes.AutoScalingGroup
	var missing []killswitch.Item
	for _, it := range items {
		if group, ok := present[it.Resource.Ref.ID]; ok {
			page = append(page, group)
		} else {
			missing = append(missing, it)
		}
	}
	var absent map[killswitch.Ref]string
	var looks map[string]groupSeen
	var reads errgroup.Group
	reads.Go(func() error { absent = s.confirmGone(ctx, missing); return nil })
	reads.Go(func() (err error) {
		looks, err = s.lookAt(ctx, items, page, members)
		return err
	})
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	for _, it := range items {
		look := killswitch.Observation{Presence: killswitch.Unknown, At: at}
		if group, ok := looks[it.Resource.Ref.ID]; ok {
			look.Presence, look.State, look.Resource = killswitch.Present, group.String(), group
		} else if evidence, ok := absent[it.Resource.Ref]; ok {
			look.Presence, look.Evidence = killswitch.Absent, evidence
		}
		seen[it.Resource.Ref] = look
	}
	return seen, nil
}

// membersAndGroups looks at the members that are recorded, and at the groups beside them where none of these
// was seen before: then none is known to be moving still.
func (s *groups) membersAndGroups(ctx context.Context, items []killswitch.Item) (
	members map[string]instanceLook, present map[string]asgtypes.AutoScalingGroup, err error,
) {
	var reads errgroup.Group
	reads.Go(func() (err error) {
		members, err = s.recordedMembers(ctx, items)
		return err
	})
	if !slices.ContainsFunc(items, func(it killswitch.Item) bool { return it.Seen.Resource != nil }) {
		reads.Go(func() (err error) {
			present, err = s.named.about(ctx, namesOf(items))
			return err
		})
	}
	err = reads.Wait()
	return members, present, err
}

func namesOf(items []killswitch.Item) []string {
	names := make([]string, len(items))
	for n, it := range items {
		names[n] = it.Resource.Ref.ID
	}
	return names
}

// recordedMembers looks at the members that are recorded.
func (s *groups) recordedMembers(ctx context.Context, items []killswitch.Item) (map[string]instanceLook, error) {
	var ids []string
	started := map[string]bool{}
	for _, it := range items {
		before, _ := recorded(it.Parts) // a part that cannot be read makes Decide refuse
		for _, m := range before {
			ids = append(ids, m.ID)
			if it.State.Step == startMembers {
				started[m.ID] = m.Healthy
			}
		}
	}
	return s.reads.look(ctx, ids, started)
}

// stillMoving is the earlier look at a group with its members as they are now, where our last step
// has stopped or started them and any is on its way: until all have arrived, nothing else about the
// group matters.
func stillMoving(it killswitch.Item, members map[string]instanceLook) (look groupSeen, moves bool) {
	look, seen := it.Seen.Resource.(groupSeen)
	if !seen || it.State.Step != stopMembers && it.State.Step != startMembers {
		return look, false
	}
	look.Members = slices.Clone(look.Members)
	for n, m := range look.Members {
		if now, ok := members[m.ID]; ok && now.State != "" {
			moves = moves || now.onItsWay()
			look.Members[n].instanceSeen = now.seen(m.instanceSeen)
		}
	}
	return look, moves
}

// byName describes groups.
func (s *groups) byName(ctx context.Context, names []string) (map[string]asgtypes.AutoScalingGroup, error) {
	chunks := slices.Collect(slices.Chunk(names, groupsPerPage))
	answers := make([][]asgtypes.AutoScalingGroup, len(chunks))
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for n, chunk := range chunks {
		reads.Go(func() error {
			pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(s.client, &autoscaling.DescribeAutoScalingGroupsInput{
				AutoScalingGroupNames: chunk, MaxRecords: aws.Int32(groupsPerPage),
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return fmt.Errorf("look at %d groups by name: %w", len(chunk), err)
				}
				answers[n] = append(answers[n], page.AutoScalingGroups...)
			}
			return nil
		})
	}
	err := reads.Wait()
	present := map[string]asgtypes.AutoScalingGroup{}
	for _, group := range slices.Concat(answers...) {
		present[aws.ToString(group.AutoScalingGroupName)] = group
	}
	return present, err
}

// confirmGone asks for AWS's own word about groups that an answer by name left out. The list of
// groups leaves out what does not exist without a word, but the warm pool of such a group is refused.
func (s *groups) confirmGone(ctx context.Context, missing []killswitch.Item) map[killswitch.Ref]string {
	evidence := map[killswitch.Ref]string{}
	var mu sync.Mutex
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for _, it := range missing {
		reads.Go(func() error {
			_, err := s.client.DescribeWarmPool(ctx, &autoscaling.DescribeWarmPoolInput{
				AutoScalingGroupName: aws.String(it.Resource.Ref.ID),
			})
			if awserr.Of(err) == awserr.Gone {
				mu.Lock()
				evidence[it.Resource.Ref] = awserr.Code(err) + ": AutoScalingGroup name not found"
				mu.Unlock()
			}
			return nil // without that word it stays unknown
		})
	}
	_ = reads.Wait() // never an error
	return evidence
}

// lookAt looks at groups and at their members, but for those that were looked at in full just now.
func (s *groups) lookAt(
	ctx context.Context, items []killswitch.Item, page []asgtypes.AutoScalingGroup, just map[string]instanceLook,
) (map[string]groupSeen, error) {
	pools, err := s.warmPools(ctx, page)
	if err != nil {
		return nil, err
	}
	members := membership{warm: pools}
	known, also := map[string]bool{}, map[string][]string{}
	for _, it := range items {
		// A part that cannot be read makes Decide refuse: here it only adds no ids.
		before, _ := recorded(it.Parts)
		for _, m := range before {
			known[m.ID] = true
			also[it.Resource.Ref.ID] = append(also[it.Resource.Ref.ID], m.ID)
		}
	}
	var ids []string
	for _, group := range page {
		ids = append(ids, also[aws.ToString(group.AutoScalingGroupName)]...)
		for _, member := range members.of(group) {
			if id := aws.ToString(member.InstanceId); !known[id] {
				ids = append(ids, id)
			}
		}
	}
	machines, err := s.machines(ctx, ids, just)
	if err != nil {
		return nil, err
	}
	if members.instances, members.local, err = s.judged(ctx, machines, known); err != nil {
		return nil, err
	}
	looks := make(map[string]groupSeen, len(page))
	for _, group := range page {
		name := aws.ToString(group.AutoScalingGroupName)
		look := s.see(group, members.of(group), also[name], members.instances, members.local)
		for n, m := range look.Members {
			look.Members[n].Status = machines[m.ID].Status
			if machines[m.ID].gone != "" {
				look.Members[n].State = stateTerminated
			}
		}
		looks[name] = look
	}
	return looks, nil
}

// machines are looks at instances; what was looked at in full just now is not asked for again.
func (s *groups) machines(ctx context.Context, ids []string, just map[string]instanceLook) (map[string]instanceLook, error) {
	looks := map[string]instanceLook{}
	var unseen []string
	for _, id := range ids {
		if now := just[id]; now.full != nil {
			looks[id] = now
		} else {
			unseen = append(unseen, id)
		}
	}
	more, err := s.reads.look(ctx, unseen, nil)
	maps.Copy(looks, more)
	return looks, err
}

// judged are the instances that were found, and the instance store of those types that run and that
// no pause has judged yet.
func (s *groups) judged(ctx context.Context, machines map[string]instanceLook, known map[string]bool) (
	instances map[string]*ec2types.Instance, local map[ec2types.InstanceType]bool, err error,
) {
	instances = map[string]*ec2types.Instance{}
	var sizes []ec2types.InstanceType
	for id, look := range machines {
		if look.full == nil {
			continue
		}
		instances[id] = look.full
		if look.State == stateRunning && !known[id] {
			sizes = append(sizes, look.full.InstanceType)
		}
	}
	local, err = s.reads.instanceStore(ctx, sizes)
	return instances, local, err
}
