package services

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/awserr"
)

// described is what an answer about instances by id tells.
type described struct {
	found map[string]*ec2types.Instance
	gone  map[string]string // AWS's word for it
}

// check is what the status of an instance tells: its state, and one word for both checks.
type check struct{ State, Status string }

// instanceLook is one look at an instance.
type instanceLook struct {
	check
	full *ec2types.Instance // nil for one that is on its way up, and for what was not found
	gone string             // AWS's word for it
}

// seen is what the look adds to an earlier one, whose other fields an instance on its way keeps.
func (l instanceLook) seen(before instanceSeen) instanceSeen {
	if l.full != nil {
		return seeInstance(l.full, l.Status)
	}
	before.State, before.Status = l.State, l.Status
	return before
}

// onItsWay says whether the instance is in a state that ends by itself, or was started and its
// checks are not yet what they are waited for.
func (l instanceLook) onItsWay() bool {
	return l.gone == "" && l.State != "" && (l.full == nil || passing(l.State) != "")
}

// look looks at instances. Those that were started, by whether their checks have to be ok, are first
// asked for their checks alone, which tell the state too; in full only when they have arrived, or
// are anything but on their way. The checks of others are read where they run.
func (r *ec2Reads) look(ctx context.Context, ids []string, started map[string]bool) (map[string]instanceLook, error) {
	checks, err := r.checks.about(ctx, slices.Sorted(maps.Keys(started)))
	if err != nil {
		return nil, err
	}
	looks := make(map[string]instanceLook, len(ids))
	var rest []string
	for _, id := range ids {
		healthy, was := started[id]
		now := checks[id]
		if was && (now.State == statePending || now.State == stateRunning && healthy && now.Status != statusOK) {
			looks[id] = instanceLook{check: now}
		} else {
			rest = append(rest, id)
		}
	}
	answer, err := r.instances.about(ctx, rest)
	if err != nil {
		return nil, err
	}
	var unchecked []string
	for _, id := range rest {
		i, ok := answer.found[id]
		if !ok {
			looks[id] = instanceLook{gone: answer.gone[id]}
			continue
		}
		looks[id] = instanceLook{check: check{stateOf(i), checks[id].Status}, full: i}
		if looks[id].State == stateRunning && looks[id].Status == statusUnknown {
			unchecked = append(unchecked, id)
		}
	}
	if checks, err = r.checks.about(ctx, unchecked); err != nil {
		return nil, err
	}
	for _, id := range unchecked {
		seen := looks[id]
		seen.Status = checks[id].Status
		looks[id] = seen
	}
	return looks, nil
}

// byID looks at instances by id. Every id is a key of one of the answers: found, or gone with AWS's
// word for it. AWS refuses the whole call for one id that does not exist, so a refused list is
// halved until the missing id stands alone: then the refusal is about it.
func (r *ec2Reads) byID(ctx context.Context, ids []string) (described, error) {
	all := described{found: map[string]*ec2types.Instance{}, gone: map[string]string{}}
	chunks := slices.Collect(slices.Chunk(ids, idsPerLook))
	answers := make([]described, len(chunks))
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for n, chunk := range chunks {
		reads.Go(func() (err error) {
			answers[n], err = r.halving(ctx, chunk)
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return described{}, err
	}
	for _, answer := range answers {
		maps.Copy(all.found, answer.found)
		maps.Copy(all.gone, answer.gone)
	}
	return all, nil
}

func (r *ec2Reads) halving(ctx context.Context, ids []string) (described, error) {
	instances, err := r.describe(ctx, &ec2.DescribeInstancesInput{
		InstanceIds: ids, IncludeManagedResources: aws.Bool(true),
	})
	all := described{found: map[string]*ec2types.Instance{}, gone: map[string]string{}}
	switch {
	case err == nil:
		for _, i := range instances {
			all.found[aws.ToString(i.InstanceId)] = i
		}
		return all, nil
	case awserr.Of(err) != awserr.Gone:
		return all, fmt.Errorf("look at %d instances by id: %w", len(ids), err)
	case len(ids) == 1:
		all.gone[ids[0]] = awserr.Code(err)
		return all, nil
	}
	for half := range slices.Chunk(ids, (len(ids)+1)/2) {
		answer, err := r.halving(ctx, half)
		if err != nil {
			return all, err
		}
		maps.Copy(all.found, answer.found)
		maps.Copy(all.gone, answer.gone)
	}
	return all, nil
}

// checksOf are the states and checks of instances by id. They are asked for by id, a hundred a call,
// unless the pages of the region's list are fewer calls; these also answer where one has been deleted.
// Such an answer holds more than was asked for.
func (r *ec2Reads) checksOf(ctx context.Context, ids []string) (map[string]check, error) {
	chunks := slices.Collect(slices.Chunk(ids, idsPerStatus))
	if int64(len(chunks)) > max(1, r.statusPages.Load()) {
		return r.allChecks(ctx, true)
	}
	all := map[string]check{}
	for _, chunk := range chunks {
		checks, _, err := r.readChecks(ctx, &ec2.DescribeInstanceStatusInput{
			InstanceIds: chunk, IncludeAllInstances: aws.Bool(true), IncludeManagedResources: aws.Bool(true),
		})
		if awserr.Of(err) == awserr.Gone {
			return r.allChecks(ctx, true)
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, checks)
	}
	return all, nil
}

// allChecks are those of the whole region; with stopped, also of instances that do not run.
func (r *ec2Reads) allChecks(ctx context.Context, stopped bool) (map[string]check, error) {
	checks, pages, err := r.readChecks(ctx, &ec2.DescribeInstanceStatusInput{
		MaxResults: aws.Int32(perPage), IncludeAllInstances: aws.Bool(stopped), IncludeManagedResources: aws.Bool(true),
	})
	r.statusPages.Store(pages)
	return checks, err
}

func (r *ec2Reads) readChecks(ctx context.Context, in *ec2.DescribeInstanceStatusInput) (checks map[string]check, n int64, err error) {
	checks = map[string]check{}
	pages := ec2.NewDescribeInstanceStatusPaginator(r.client, in)
	for ; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, n, fmt.Errorf("read status checks: %w", err)
		}
		for _, status := range page.InstanceStatuses {
			state := ""
			if status.InstanceState != nil {
				state = string(status.InstanceState.Name)
			}
			checks[aws.ToString(status.InstanceId)] = check{state, summary(status)}
		}
	}
	return checks, n, nil
}

// summary is one word for both checks of a running instance.
func summary(status ec2types.InstanceStatus) string {
	for _, check := range []*ec2types.InstanceStatusSummary{status.InstanceStatus, status.SystemStatus} {
		switch {
		case check == nil:
			return string(ec2types.SummaryStatusInsufficientData)
		case check.Status != ec2types.SummaryStatusOk:
			return string(check.Status)
		}
	}
	return statusOK
}
