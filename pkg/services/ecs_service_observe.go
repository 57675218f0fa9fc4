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
// those that had one and whose turn it is: until tasks have come or gone, nothing is done about a target.
// A pause keeps to the earlier look at it, a resume has none.
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
	known, unread, wanted := map[string]ecsTarget{}, map[string]bool{}, []string(nil)
	for _, look := range looks {
		for _, it := range look.items {
			was, err := decode[ecsOriginal](ecsServiceSchema, it.Original)
			if err != nil || was.Target == nil {
				continue // an original that cannot be read makes Decide refuse
			}
			id := targetID(it.Resource.Ref)
			before, _ := it.Seen.Resource.(ecsSeen)
			switch is, found := look.service(it.Resource.Ref); {
			case found && it.Want == killswitch.WantResumed && !s.turnOfTarget(it, was, before, is, look.at):
				unread[id] = true
			case found && before.Target != nil && it.State.Step == setDesiredZero && !is.steady() && s.patient(it, look.at):
				known[id] = *before.Target
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
			observations[it.Resource.Ref] = look.of(it.Resource.Ref, known, unread)
		}
	}
	return observations, nil
}

// turnOfTarget says whether a resume has to know the scalable target now: when the earlier look showed
// already that nothing is to be done about the tasks, and the target's turn has come since.
func (s *ecsService) turnOfTarget(it killswitch.Item, was ecsOriginal, before, is ecsSeen, at time.Time) bool {
	_, _, now := s.resumeTasks(it, was, is, at)
	_, _, then := s.resumeTasks(it, was, before, at)
	return it.State.Step == restoreScaling || before.Unread && !then && !now
}

// patient says whether the time of the item's last step is not over.
func (s *ecsService) patient(it killswitch.Item, at time.Time) bool {
	return at.Before(it.State.AttemptedAt.Add(s.patience))
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

// service is one that the look has found.
func (l *ecsLook) service(ref killswitch.Ref) (is ecsSeen, found bool) {
	_, name := ecsNames(ref)
	service, found := l.found[name]
	return seeECSService(service, nil), found
}

// of is what the look says of one service. AWS shows a deleted service as inactive for a while.
func (l *ecsLook) of(ref killswitch.Ref, targets map[string]ecsTarget, unread map[string]bool) killswitch.Observation {
	_, name := ecsNames(ref)
	gone := func(evidence string) killswitch.Observation {
		return killswitch.Observation{Presence: killswitch.Absent, At: l.at, Evidence: evidence}
	}
	seen, ok := l.service(ref)
	switch {
	case l.noMore != "":
		return gone(l.noMore)
	case ok && seen.Status == ecsInactive:
		return gone(ecsInactive)
	case ok:
		if t, ok := targets[targetID(ref)]; ok {
			seen.Target = &t
		}
		seen.Unread = unread[targetID(ref)]
		return killswitch.Observation{Presence: killswitch.Present, At: l.at, State: seen.Status, Resource: seen}
	case l.missing[name] != "":
		return gone(l.missing[name])
	}
	return killswitch.Observation{Presence: killswitch.Unknown, At: l.at}
}
