package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// settle is called when nothing is under way. It looks once more for orders, since one that came
// while we still held a lease was left to us by whoever gave it, and then notes when the guard is
// to look again, or closes the snapshot. True means there is more to do.
func (r *run) settle(ctx context.Context) (bool, error) {
	if r.gone {
		return false, nil
	}
	store := context.WithoutCancel(ctx)
	orders, regions := len(r.live.Orders), len(r.live.Regions)
	live, err := r.Store.Live(store, r.Account)
	r.liveRead(live, err)
	if err != nil {
		return false, fmt.Errorf("read live snapshot of account %s: %w", r.Account, err)
	}
	if r.gone || r.stopping && len(r.live.Orders) > orders {
		return false, nil
	}
	if len(r.live.Orders) > orders || len(r.live.Regions) > regions && !r.stopping {
		return true, nil
	}
	if r.attention.Stay && !r.stopping && len(r.busy()) > 0 {
		for _, region := range r.busy() {
			delete(r.ends, region)
		}
		receive(r.mail, r.now().Add(r.Pace.Look), ctx.Done())
		return true, nil
	}
	if counts, done := r.finished(); done {
		closed, again, err := r.close(ctx, counts)
		if closed || again || err != nil {
			return again, err
		}
	}
	at := r.lookAt()
	if at.Equal(r.live.LookAt) {
		return false, nil
	}
	err = r.Store.SetLookAt(store, r.live, at)
	if errors.Is(err, snapshots.ErrOrders) {
		return !r.stopping, nil
	}
	if err != nil {
		return false, fmt.Errorf("note when to look next at account %s: %w", r.Account, err)
	}
	r.live.LookAt = at
	return false, nil
}

// close closes the snapshot. Where another run has begun to work on a region after our look at it, or
// an order was added, there is more to do: now if this run stays for it, or for the guard.
func (r *run) close(ctx context.Context, counts map[string]int) (closed, again bool, err error) {
	err = r.Store.Close(context.WithoutCancel(ctx), r.live, r.now(), counts)
	switch {
	case err == nil:
		r.closedID = r.live.Snapshot
		r.tell(Event{What: SnapshotClosed, Reason: r.live.Snapshot})
		return true, false, nil
	case errors.Is(err, snapshots.ErrLeaseHeld):
		clear(r.ends) // to be looked at again, soon
		if r.attention.Stay && !r.stopping {
			receive(r.mail, r.now().Add(r.Pace.Look), ctx.Done())
			return false, true, nil
		}
		return false, false, nil
	case errors.Is(err, snapshots.ErrOrders):
		return false, !r.stopping, nil
	}
	return false, false, fmt.Errorf("close snapshot %s: %w", r.live.Snapshot, err)
}

// finished says whether every item of every region is closed, and counts them by phase.
func (r *run) finished() (map[string]int, bool) {
	if r.unlisted != "" || r.stopping || r.newestPause() > 0 {
		return nil, false
	}
	counts := map[string]int{}
	for _, region := range r.live.Regions {
		end, ok := r.ends[region]
		if !ok || end.busy || end.again || end.open > 0 || end.unsure || end.err != nil {
			return nil, false
		}
		for phase, n := range end.closed {
			counts[phase] += n
		}
	}
	return counts, true
}

// lookAt is when the first region is due again.
func (r *run) lookAt() time.Time {
	now := r.now()
	at := now.Add(r.Pace.Idle)
	for _, region := range r.live.Regions {
		end, ok := r.ends[region]
		switch {
		case !ok || end.busy || end.again || end.err != nil:
			at = earlier(at, now.Add(r.Pace.Look))
		case !end.lookAt.IsZero():
			at = earlier(at, end.lookAt)
		}
	}
	if r.unlisted != "" {
		at = earlier(at, now.Add(4*r.Pace.Look))
	}
	if !r.may(killswitch.WantPaused) && r.newestPause() > 0 { // somebody else has to list the regions
		at = earlier(at, now.Add(r.Pace.Look))
	}
	return at
}

func (r *run) busy() []string {
	var regions []string
	for _, region := range slices.Sorted(maps.Keys(r.ends)) {
		if r.ends[region].busy {
			regions = append(regions, region)
		}
	}
	return regions
}

func (r *run) outcome() Outcome {
	o := Outcome{Live: r.live, Busy: r.busy(), Unlisted: r.unlisted, Closed: r.closedID, LookAt: r.live.LookAt}
	if r.closedID != "" || r.gone {
		o.Live, o.LookAt = nil, time.Time{}
	}
	return o
}
