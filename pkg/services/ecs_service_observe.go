package services

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
)

// Observe looks at services by name, ten of a cluster to a call, and at the scalable targets of
// those that had one.
func (s *ecsService) Observe(ctx context.Context, items []killswitch.Item) (map[killswitch.Ref]killswitch.Observation, error) {
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	looks := byCluster(items)
	for _, look := range looks {
		reads.Go(func() error { return s.look(ctx, look) })
	}
	var targets []*map[string]ecsTarget
	for ids := range slices.Chunk(withTarget(items), targetsPerRead) {
		slot := new(map[string]ecsTarget)
		targets = append(targets, slot)
		reads.Go(func() (err error) {
			*slot, err = s.targets(ctx, ids)
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	known := map[string]ecsTarget{}
	for _, slot := range targets {
		for id, target := range *slot {
			known[id] = target
		}
	}
	observations := make(map[killswitch.Ref]killswitch.Observation, len(items))
	for _, look := range looks {
		for _, it := range look.items {
			observations[it.Resource.Ref] = look.of(it.Resource.Ref, known)
		}
	}
	return observations, nil
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

// withTarget are the ids of the scalable targets that originals have.
func withTarget(items []killswitch.Item) []string {
	var ids []string
	for _, it := range items {
		if was, err := decode[ecsOriginal](ecsServiceSchema, it.Original); err == nil && was.Target != nil {
			ids = append(ids, targetID(it.Resource.Ref))
		}
	}
	return ids
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
func (l *ecsLook) of(ref killswitch.Ref, targets map[string]ecsTarget) killswitch.Observation {
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
		return killswitch.Observation{Presence: killswitch.Present, At: l.at, State: seen.Status, Resource: seen}
	case l.missing[name] != "":
		return gone(l.missing[name])
	}
	return killswitch.Observation{Presence: killswitch.Unknown, At: l.at}
}
