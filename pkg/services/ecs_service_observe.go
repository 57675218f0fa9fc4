package services

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
)

// Observe looks at services by name, ten of a cluster to a call, and then at the scalable targets of
// those that had one and are not waiting for their tasks: until these have come or gone, nothing is
// done about a target, and the earlier look at it serves. When a resume's have come, it serves until it is
// the target's turn.
func (s *ecsService) Observe(ctx context.Context, items []killswitch.Item) (map[killswitch.Ref]killswitch.Observation, error) {
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	looks := byCluster(items)
	for _, look := range looks {
		reads.Go(func() error { return s.look(ctx, look) })
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	known, earlier, wanted := map[string]ecsTarget{}, map[string]bool{}, []string(nil)
	for _, look := range looks {
		for _, it := range look.items {
			was, err := decode[ecsOriginal](ecsServiceSchema, it.Original)
			if err != nil || was.Target == nil {
				continue // an original that cannot be read makes Decide refuse
			}
			id := targetID(it.Resource.Ref)
			before, ok := it.Seen.Resource.(ecsSeen)
			switch {
			case !ok || before.Target == nil:
				wanted = append(wanted, id)
			case s.awaitsTasks(it, look):
				known[id] = *before.Target
			case it.State.Step == restoreDesired && !before.Earlier:
				known[id], earlier[id] = *before.Target, true
			default:
				wanted = append(wanted, id)
			}
		}
	}
	if err := s.lookAtTargets(ctx, wanted, known); err != nil {
		return nil, err
	}
	observations := make(map[killswitch.Ref]killswitch.Observation, len(items))
	for _, look := range looks {
		for _, it := range look.items {
			observations[it.Resource.Ref] = look.of(it.Resource.Ref, known, earlier)
		}
	}
	return observations, nil
}

// awaitsTasks says whether our last step was to change the number of tasks, and they are still
// coming or going.
func (s *ecsService) awaitsTasks(it killswitch.Item, look *ecsLook) bool {
	_, name := ecsNames(it.Resource.Ref)
	service, found := look.found[name]
	return found && (it.State.Step == setDesiredZero || it.State.Step == restoreDesired) &&
		look.at.Before(it.State.AttemptedAt.Add(s.patience)) && !seeECSService(service, nil).steady()
}

// lookAtTargets adds scalable targets, by id, to those that are known.
func (s *ecsService) lookAtTargets(ctx context.Context, ids []string, known map[string]ecsTarget) error {
	chunks := slices.Collect(slices.Chunk(ids, targetsPerRead))
	answers := make([]map[string]ecsTarget, len(chunks))
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for n, chunk := range chunks {
		reads.Go(func() (err error) {
			answers[n], err = s.targets(ctx, chunk)
			return err
		})
	}
	err := reads.Wait()
	for _, answer := range answers {
		maps.Copy(known, answer)
	}
	return err
}

// ecsLook is one call for up to ten services of a cluster, and its answer.
type ecsLook struct {
	cluster string
	items   []killswitch.Item
	at      time.Time
	found   map[string]ecstypes.Service // by name
	missing map[string]string           // name → AWS's word for it
	noMore  string                      // AWS's word that the whole cluster is gone
}

// byCluster divides items into looks, in their order.
func byCluster(items []killswitch.Item) []*ecsLook {
	var looks []*ecsLook
	open := map[string]*ecsLook{}
	for _, it := range items {
		cluster, _ := ecsNames(it.Resource.Ref)
		look := open[cluster]
		if look == nil || len(look.items) == servicesPerRead {
			look = &ecsLook{cluster: cluster}
			open[cluster] = look
			looks = append(looks, look)
		}
		look.items = append(look.items, it)
	}
	return looks
}

func (s *ecsService) look(ctx context.Context, look *ecsLook) error {
	look.at = time.Now()
	names := make([]string, len(look.items))
	for i, it := range look.items {
		_, names[i] = ecsNames(it.Resource.Ref)
	}
	services, missing, err := s.describeServices(ctx, look.cluster, names)
	if awserr.Of(err) == awserr.Gone {
		look.noMore = awserr.Code(err)
		return nil
	}
	if err != nil {
		return err
	}
	look.missing, look.found = missing, map[string]ecstypes.Service{}
	for _, service := range services {
		look.found[aws.ToString(service.ServiceName)] = service
	}
	return nil
}

// of is what the look says of one service. AWS shows a deleted service as inactive for a while.
func (l *ecsLook) of(ref killswitch.Ref, targets map[string]ecsTarget, earlier map[string]bool) killswitch.Observation {
	_, name := ecsNames(ref)
	gone := func(evidence string) killswitch.Observation {
		return killswitch.Observation{Presence: killswitch.Absent, At: l.at, Evidence: evidence}
	}
	service, ok := l.found[name]
	switch {
	case l.noMore != "":
		return gone(l.noMore)
	case ok && aws.ToString(service.Status) == ecsInactive:
		return gone(ecsInactive)
	case ok:
		var target *ecsTarget
		if t, ok := targets[targetID(ref)]; ok {
			target = &t
		}
		seen := seeECSService(service, target)
		seen.Earlier = earlier[targetID(ref)]
		return killswitch.Observation{Presence: killswitch.Present, At: l.at, State: seen.Status, Resource: seen}
	case l.missing[name] != "":
		return gone(l.missing[name])
	}
	return killswitch.Observation{Presence: killswitch.Unknown, At: l.at}
}
