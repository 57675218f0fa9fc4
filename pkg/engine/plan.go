package engine

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// Plan says what an order would do, in the shape of a snapshot, and does none of it: it makes no
// mutating call and writes nothing. The judgements are those of a real run.
func (e *Engine) Plan(ctx context.Context, request Request) (snapshots.Snapshot, error) {
	live, err := e.Store.Live(ctx, e.Account)
	if err != nil {
		return snapshots.Snapshot{}, fmt.Errorf("read live snapshot of account %s: %w", e.Account, err)
	}
	if live == nil {
		if request.Act == killswitch.Resume {
			return snapshots.Snapshot{}, NothingLive(ctx, e.Store, e.Account)
		}
		live = &snapshots.Live{Account: e.Account, Opened: e.now()}
	}
	return e.plan(ctx, *live, request)
}

// Discover says what runs, without looking at the store.
func (e *Engine) Discover(ctx context.Context, scope killswitch.Scope) (snapshots.Snapshot, error) {
	live := snapshots.Live{Account: e.Account, Opened: e.now()}
	found, err := e.plan(ctx, live, Request{Act: killswitch.Pause, Scope: scope, At: e.now()})
	for _, shard := range found.Shards {
		for i := range shard.Items {
			if shard.Items[i].State.Phase == killswitch.WouldPause {
				shard.Items[i].State.Phase = killswitch.Running
			}
		}
	}
	return found, err
}

func (e *Engine) plan(ctx context.Context, live snapshots.Live, request Request) (snapshots.Snapshot, error) {
	stored := live.Regions
	seq := len(live.Orders) + 1
	live.Orders = append(slices.Clone(live.Orders), killswitch.Order{
		Seq: seq, Act: request.Act, Scope: request.Scope, Actor: request.Actor, At: request.At, Force: request.Force,
	})
	regions := slices.Clone(stored)
	if request.Act == killswitch.Pause {
		all, err := e.Regions(ctx)
		if err != nil {
			return snapshots.Snapshot{}, fmt.Errorf("list the regions of account %s: %w", e.Account, err)
		}
		for _, region := range all {
			if e.allowsRegion(region) && filter.MayMatchRegion(request.Scope, region) && !slices.Contains(regions, region) {
				regions = append(regions, region)
			}
		}
	}
	slices.Sort(regions)
	shards := make([]snapshots.Shard, len(regions))
	errs := make([]error, len(regions))
	var group errgroup.Group
	for i, region := range regions {
		group.Go(func() error {
			shards[i], errs[i] = e.planShard(ctx, live, region, slices.Contains(stored, region), seq)
			e.tell(Event{What: Planned, Region: region, Count: len(regions), Shard: shards[i], Err: errs[i]})
			return nil
		})
	}
	_ = group.Wait() // each reports in errs
	for i, err := range errs {
		if err != nil {
			return snapshots.Snapshot{}, fmt.Errorf("plan %s: %w", regions[i], err)
		}
	}
	live.Regions = regions
	return snapshots.Snapshot{
		Header: snapshots.Header{Account: e.Account, Snapshot: live.Snapshot, Opened: live.Opened, Orders: live.Orders, Regions: regions},
		Live:   &live, Shards: shards,
	}, nil
}

// planShard goes the way of a shard's turn, up to its first call.
func (e *Engine) planShard(ctx context.Context, live snapshots.Live, region string, known bool, seq int) (snapshots.Shard, error) {
	quiet := &Engine{Options: e.Options, allowed: e.allowed}
	quiet.On = func(Event) {}
	s := newShard(&run{Engine: quiet, live: &live}, region)
	var stored snapshots.Shard
	if known {
		var err error
		if stored, err = e.Store.Shard(ctx, e.Account, live.Snapshot, region); err != nil {
			return stored, err
		}
	}
	s.opened = true
	s.damage(stored.Faults)
	for _, l := range s.listings {
		l.note(stored.Coverage)
	}
	for i := range stored.Items {
		s.revive(&stored.Items[i])
	}
	s.planListings(ctx)
	if err := s.planLook(ctx); err != nil {
		return stored, err
	}
	shard := snapshots.Shard{Region: region, Faults: stored.Faults}
	for _, l := range s.listings {
		if l.coverage.Order > 0 {
			shard.Coverage = append(shard.Coverage, l.coverage)
		}
	}
	for _, it := range s.items {
		if it.State.Order == seq || !it.State.Phase.Closed() {
			shard.Items = append(shard.Items, s.planned(it))
		}
	}
	slices.SortFunc(shard.Items, func(a, b killswitch.Item) int { return a.Resource.Ref.Compare(b.Resource.Ref) })
	return shard, nil
}

// planListings lists every kind that the order needs listed, side by side.
func (s *shard) planListings(ctx context.Context) {
	type listed struct {
		l     *listing
		found page
		err   error
	}
	var all []*listed
	var group errgroup.Group
	for _, l := range s.listings {
		order := s.wanting(l)
		if order == 0 {
			continue
		}
		l.order = order
		one := &listed{l: l}
		all = append(all, one)
		group.Go(func() error {
			defer recovered(&one.err)
			for found, err := range l.service.Discover(ctx) {
				if err != nil {
					one.err = err
					return nil
				}
				one.found = append(one.found, found)
			}
			return nil
		})
	}
	_ = group.Wait() // each reports in its err
	for _, one := range all {
		s.receivePage(one.l, one.found)
	}
	for _, one := range all {
		s.listed(one.l, one.err)
	}
}

// planLook decides about every item, after a look at those that no listing has shown.
func (s *shard) planLook(ctx context.Context) error {
	for _, l := range s.listings {
		var batch []killswitch.Item
		for _, it := range s.items {
			if it.Resource.Ref.Kind == l.declaration.Kind && !it.fresh && !it.State.Phase.Closed() {
				batch = append(batch, *it.Item)
			}
		}
		if len(batch) == 0 {
			continue
		}
		seen, err := l.service.Observe(ctx, batch)
		if err != nil {
			return fmt.Errorf("look at %s: %w", l.declaration.Title, err)
		}
		for _, it := range batch {
			s.see(s.byRef[it.Resource.Ref], seen[it.Resource.Ref])
		}
	}
	s.settleTouched()
	return nil
}

// planned is an item as the plan shows it.
func (s *shard) planned(it *item) killswitch.Item {
	shown := *it.Item
	if !it.decided {
		if it.vetoed() || it.Settled() || it.State.Phase.Closed() {
			return shown
		}
		it.decision = killswitch.Decision{Do: killswitch.Hold, Reason: "what was last done to it may still take effect"}
	}
	switch {
	case it.Seen.Presence == killswitch.Absent:
		shown.State.Phase, shown.State.Reason = killswitch.Gone, "AWS says "+it.Seen.Evidence
	case it.decision.Do == killswitch.TakeAct, it.decision.Do == killswitch.Hold && !it.Settled():
		shown.State.Phase = killswitch.WouldPause
		if it.Want == killswitch.WantResumed {
			shown.State.Phase = killswitch.WouldResume
		}
		shown.State.Step, shown.State.Reason = it.decision.Step, it.decision.Reason
		if shown.State.Reason == "" && it.refuse != "" {
			shown.State.Reason = "may be refused: " + it.refuse
		}
	}
	return shown
}
