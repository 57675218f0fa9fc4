package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// open reads the shard and takes its lease, beside the listings, which need neither. A region that
// no run has seen before holds nothing, so it is not read.
func (s *shard) open(ctx context.Context) {
	s.spawn(func() func() {
		stored, lease, err := s.take(ctx)
		return func() { s.takenOver(stored, lease, err) }
	})
}

// take reads the shard, unless it is known to be empty, and acquires its lease. What was read
// before the lease was ours still holds if nobody had it then, nor in between.
func (s *shard) take(ctx context.Context) (snapshots.Shard, snapshots.Lease, error) {
	var stored snapshots.Shard
	call := context.WithoutCancel(ctx)
	if s.unread {
		var err error
		if stored, err = s.Store.Shard(call, s.Account, s.live.Snapshot, s.region); err != nil {
			return stored, snapshots.Lease{}, err
		}
		if !s.due(stored) && !abandoned(stored) {
			return stored, snapshots.Lease{}, nil
		}
	}
	if s.adding != nil {
		if <-s.adding.ended; s.adding.err != nil {
			return stored, snapshots.Lease{}, s.adding.err
		}
	}
	lease, err := s.acquire(ctx, stored.Lease)
	if err != nil {
		return stored, lease, err
	}
	if stored.Lease.Owner != "" || lease.Generation != stored.Lease.Generation+1 {
		stored, err = s.Store.Shard(call, s.Account, s.live.Snapshot, s.region)
	}
	return stored, lease, err
}

// acquire takes the lease, or watches the holder: when the lease has stood still for as long as a
// lease and its longest call last, by our own watch, the holder is dead; when it moves, it is not.
func (s *shard) acquire(ctx context.Context, stored snapshots.Lease) (snapshots.Lease, error) {
	call := context.WithoutCancel(ctx)
	var previous *snapshots.Lease
	if stored.Generation > 0 && stored.Owner == "" { // given back: nobody has to be watched
		previous = &stored
	}
	lease, err := s.Store.Acquire(call, &s.live, s.region, s.Owner, s.Pace.Lease, previous)
	seen, since := lease, s.now()
	for errors.Is(err, snapshots.ErrLeaseHeld) {
		if ctx.Err() != nil || lease.Generation != seen.Generation || lease.Beat != seen.Beat {
			return lease, errBusy
		}
		timer := time.NewTimer(s.Pace.Beat + s.Pace.Lag)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		previous = nil
		if s.now().Sub(since) >= s.Pace.Lease+s.Pace.Call {
			previous = &seen
		}
		lease, err = s.Store.Acquire(call, &s.live, s.region, s.Owner, s.Pace.Lease, previous)
	}
	return lease, err
}

// due says whether a stored shard has anything to do now.
func (s *shard) due(stored snapshots.Shard) bool {
	for _, l := range s.listings {
		l.note(stored.Coverage)
	}
	if slices.ContainsFunc(s.listings, func(l *listing) bool { return s.wanting(l) > 0 }) {
		return true
	}
	now := s.now()
	due := false
	for _, it := range stored.Items {
		if it.State.Phase.Closed() {
			continue
		}
		veto := veto(it.State.Phase)
		order, governed := filter.Govern(s.live.Orders, it.Resource)
		due = due || !veto && !now.Before(it.State.LookAt) || governed && order.Seq != it.State.Order ||
			s.attention.woken(it.Resource.Ref) || s.attention.Stay && !it.Settled() && !veto
	}
	return due
}

// abandoned says whether nothing is left to do in the shard while somebody holds its lease. It keeps
// the snapshot from being closed: either the holder is at work and will add to what is stored, or it
// is dead and the lease has to be taken from it.
func abandoned(stored snapshots.Shard) bool {
	return stored.Lease.Owner != "" && !slices.ContainsFunc(stored.Items, func(it killswitch.Item) bool {
		return !it.State.Phase.Closed()
	})
}

// takenOver brings the stored items to life.
func (s *shard) takenOver(stored snapshots.Shard, lease snapshots.Lease, err error) {
	if err != nil {
		s.draining, s.lost = true, true
		s.end.busy = errors.Is(err, errBusy) || errors.Is(err, snapshots.ErrOrders) // closed: the run's next look at the orders shows it
		if !s.end.busy {
			s.end.err = fmt.Errorf("take up %s: %w", s.region, err)
		}
		return
	}
	s.lease = lease
	s.opened = true
	s.wroteAt = s.now()
	s.endsAt.Store(lease.End.UnixNano())
	s.damage(stored.Faults)
	for _, l := range s.listings {
		l.note(stored.Coverage)
	}
	for i := range stored.Items {
		s.revive(&stored.Items[i])
	}
	if lease.Generation == 0 { // nothing is due: only the count is wanted
		s.draining, s.lost = true, true
		return
	}
	for _, do := range s.waiting {
		do()
	}
	s.waiting = nil
}

// damage notes which resources have stored items that cannot be used.
func (s *shard) damage(faults []snapshots.Fault) {
	s.faults = faults
	for _, f := range faults {
		if f.Ref.ID != "" && f.Order >= s.damaged[f.Ref].Order {
			s.damaged[f.Ref] = f
		}
	}
}
