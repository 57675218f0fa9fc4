package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// Attention says how a run is to go about it.
type Attention struct {
	// Due makes it a tick: where nothing is due yet it ends after one read.
	Due bool
	// Stay keeps the run until everything is observed done, or nothing more can be done soon;
	// also where another run holds a shard. Without it the run leaves such shards to the other.
	Stay bool
	// Woken names what AWS has said it started again (RDS events 0153 and 0154).
	Woken []killswitch.Ref
}

// Outcome is how a run ended.
type Outcome struct {
	Live   *snapshots.Live // as last read; nil when nothing is live (any more)
	Idle   bool            // nothing was due
	Closed string          // id of the snapshot that this run closed
	Busy   []string        // regions that another run works on
	// Unlisted says why the account's regions are not all known; empty where they are.
	Unlisted string
	// LookAt is when the guard should look next; zero means nothing is live.
	LookAt time.Time
}

// shardEnd is how a shard's turn ended.
type shardEnd struct {
	region string
	busy   bool // another run holds it
	again  bool // it has to be taken up once more
	orders int  // that the turn knew of
	open   int  // items that are not closed
	closed map[string]int
	unsure bool      // listings are missing or stored items damaged: the snapshot must stay live
	lookAt time.Time // when it is due again; zero: never
	err    error
}

// run is one Reconcile: its loop owns every field.
type run struct {
	*Engine
	attention Attention
	live      *snapshots.Live
	stored    []string             // regions that a run before this one has found
	adding    map[string]*addition // regions that this run has found, until they are durable
	mail      chan func()
	shards    map[string]*shard
	ends      map[string]shardEnd
	regioned  int // the order for which regions are known, or were tried for
	unlisted  string
	reading   bool
	listing   bool
	readAt    time.Time
	stopping  bool
	closedID  string
	gone      bool // the snapshot was closed by somebody else
}

// addition is a write of regions to LIVE. Nobody takes the lease of a region before that is durable:
// neither a resume nor the closing of the snapshot would know that there may be something.
type addition struct {
	ended chan struct{}
	err   error // when it has ended
}

// Reconcile moves the account towards its orders until there is nothing to do soon, the context is
// done, or its deadline is near. It returns an error only when the store or the regions could not
// be read at all; what went wrong with single resources is in the snapshot.
func (e *Engine) Reconcile(ctx context.Context, a Attention) (Outcome, error) {
	live, err := e.Store.Live(ctx, e.Account)
	if err != nil {
		return Outcome{}, fmt.Errorf("read live snapshot of account %s: %w", e.Account, err)
	}
	if live == nil {
		return Outcome{Idle: true}, nil
	}
	if a.Due && len(a.Woken) == 0 && e.now().Before(live.LookAt) {
		return Outcome{Live: live, Idle: true, LookAt: live.LookAt}, nil
	}
	r := &run{
		Engine: e, attention: a, live: live, stored: slices.Clone(live.Regions), mail: make(chan func(), 64),
		shards: map[string]*shard{}, ends: map[string]shardEnd{}, adding: map[string]*addition{},
	}
	r.readAt = e.now().Add(e.Pace.Lag - e.Pace.Live) // a tick must not come before anybody has said that this run works
	return r.loop(ctx)
}

// loop starts a shard for each region, follows the orders, and ends when all shards have.
func (r *run) loop(ctx context.Context) (Outcome, error) {
	stop := ctx.Done()
	var stopAt time.Time
	if deadline, ok := ctx.Deadline(); ok {
		stopAt = deadline.Add(-r.Pace.Spare)
	}
	for {
		if ctx.Err() != nil || (!stopAt.IsZero() && !r.now().Before(stopAt)) {
			r.stopping = true
		}
		r.begin(ctx)
		if r.idle() {
			again, err := r.settle(ctx)
			if err != nil || !again {
				return r.outcome(), err
			}
			continue
		}
		wake := r.readAt.Add(r.Pace.Live)
		if r.reading || !wake.After(r.now()) {
			wake = r.now().Add(r.Pace.Live)
		}
		if !stopAt.IsZero() && !r.stopping && stopAt.Before(wake) {
			wake = stopAt
		}
		if r.stopping {
			stop = nil
			wake = r.now().Add(r.Pace.Live)
		}
		receive(r.mail, wake, stop)
	}
}

// moment is how far apart may be what counts as one instant. It is far less than a round trip.
const moment = 100 * time.Microsecond

// receive runs everything in the mail, after waiting for mail, the time or stop. What is ready at
// the same instant is handled in the same turn, so that the order among them decides nothing.
func receive(mail chan func(), wake time.Time, stop <-chan struct{}) {
	timer := time.NewTimer(time.Until(wake))
	defer timer.Stop()
	select {
	case do := <-mail:
		do()
	case <-timer.C:
	case <-stop:
	}
	time.Sleep(moment)
	for {
		select {
		case do := <-mail:
			do()
		default:
			return
		}
	}
}

// begin starts what can be started: the list of regions, shards, a look for new orders.
func (r *run) begin(ctx context.Context) {
	if r.stopping || r.gone {
		for _, region := range slices.Sorted(maps.Keys(r.shards)) {
			r.shards[region].tell(func(s *shard) { s.draining = true })
		}
		return
	}
	r.tellOrders()
	if !r.listing && r.may(killswitch.WantPaused) && r.regioned < r.newestPause() {
		r.listRegions(ctx)
	}
	for _, region := range r.live.Regions {
		if _, running := r.shards[region]; running {
			continue
		}
		if _, ended := r.ends[region]; !ended {
			r.start(ctx, region)
		}
	}
	if !r.reading && len(r.shards) > 0 && !r.now().Before(r.readAt.Add(r.Pace.Live)) {
		r.keepLive(ctx)
	}
}

// idle says whether nothing is under way.
func (r *run) idle() bool { return len(r.shards) == 0 && !r.listing && !r.reading }

// newestPause is the newest pause order, for which regions must be listed; 0 where there is none,
// regions have been listed for it or everything was resumed later.
func (r *run) newestPause() int {
	for _, o := range slices.Backward(r.live.Orders) {
		switch {
		case o.Act == killswitch.Resume && everything(o.Scope):
			return 0
		case o.Act == killswitch.Pause && o.Seq > r.live.RegionsOrder:
			return o.Seq
		}
	}
	return 0
}

func (r *run) listRegions(ctx context.Context) {
	r.listing, r.regioned = true, r.live.Last().Seq
	live := *r.live
	live.Regions = slices.Clone(live.Regions)
	r.spawn(func() func() {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Pace.Lease)
		defer cancel()
		regions, err := r.Regions(call)
		return func() { r.regionsListed(ctx, &live, regions, err) }
	})
}

// regionsListed starts the shards before the list is durable: they may list, which needs neither
// lease nor record, and wait for it with their lease.
func (r *run) regionsListed(ctx context.Context, live *snapshots.Live, regions []string, err error) {
	if err != nil {
		r.listing = false
		r.unlisted = err.Error()
		r.tell(Event{What: RegionsListed, Err: err, Reason: err.Error()})
		return
	}
	regions = slices.DeleteFunc(slices.Sorted(slices.Values(regions)), func(region string) bool {
		return !r.wanted(region)
	})
	r.unlisted = ""
	r.tell(Event{What: RegionsListed, Count: len(regions)})
	added := &addition{ended: make(chan struct{})}
	for _, region := range regions {
		if !slices.Contains(r.live.Regions, region) {
			r.live.Regions = append(r.live.Regions, region)
			r.adding[region] = added
		}
	}
	slices.Sort(r.live.Regions)
	r.spawn(func() func() {
		err := r.Store.AddRegions(context.WithoutCancel(ctx), live, regions)
		added.err = err
		close(added.ended)
		return func() {
			r.listing = false
			if errors.Is(err, snapshots.ErrOrders) {
				r.gone = true // a resume that found nothing to do has closed it meanwhile
				return
			}
			if err != nil {
				r.unlisted = err.Error()
				r.tell(Event{What: StoreFailed, Err: err, Reason: err.Error()})
				return
			}
			r.live.RegionsOrder = max(r.live.RegionsOrder, live.RegionsOrder)
		}
	})
}

// wanted says whether settings and any pause order leave room for the region.
func (r *run) wanted(region string) bool {
	if len(r.allowed) > 0 && !filter.MayMatchRegion(killswitch.Scope{Regions: r.allowed}, region) {
		return false
	}
	return slices.ContainsFunc(r.live.Orders, func(o killswitch.Order) bool {
		return o.Act == killswitch.Pause && filter.MayMatchRegion(o.Scope, region)
	})
}

func (r *run) start(ctx context.Context, region string) {
	s := newShard(r, region)
	r.shards[region] = s
	r.stored = append(r.stored, region) // whoever takes it up again has to read it
	r.spawn(func() func() {
		end := s.work(ctx)
		return func() { r.ended(end) }
	})
}

func (r *run) ended(end shardEnd) {
	delete(r.shards, end.region)
	if (end.again || end.orders < len(r.live.Orders)) && !r.stopping && !r.gone {
		return // begin starts it again
	}
	r.ends[end.region] = end
	what := ShardEnded
	if end.busy {
		what = ShardBusy
	}
	ev := Event{What: what, Region: end.region, Err: end.err}
	if end.err != nil {
		ev.Reason = end.err.Error()
	}
	r.tell(ev)
}

// keepLive says that somebody works here, so that the guard's ticks end after one read, and learns
// whether orders were given. Should this run die, a tick finds it out when a lease would have ended.
func (r *run) keepLive(ctx context.Context) {
	r.reading = true
	live := *r.live
	live.Regions, live.Orders = slices.Clone(live.Regions), slices.Clone(live.Orders)
	at := r.now().Add(r.Pace.Lease)
	r.spawn(func() func() {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Pace.Call) // of a frozen run it would come too late
		defer cancel()
		now, err := &live, r.Store.SetLookAt(call, &live, at)
		if errors.Is(err, snapshots.ErrOrders) {
			now, err = r.Store.Live(call, r.Account)
		}
		return func() { r.liveRead(now, err) }
	})
}

// liveRead takes in orders that were given while the run works: running shards are told, ended ones
// are taken up again.
func (r *run) liveRead(live *snapshots.Live, err error) {
	r.reading, r.readAt = false, r.now()
	switch {
	case err != nil:
		r.tell(Event{What: StoreFailed, Err: err, Reason: err.Error()})
	case live == nil || live.Snapshot != r.live.Snapshot:
		r.gone = true // somebody else saw the end of it
	case len(live.Orders) > len(r.live.Orders):
		r.tell(Event{What: OrdersChanged, Count: len(live.Orders)})
		regions := r.live.Regions
		r.live = live
		r.addRegions(regions)
		clear(r.ends)
		r.tellOrders()
	default:
		regions, listed := r.live.Regions, r.live.RegionsOrder
		r.live = live
		r.live.RegionsOrder = max(r.live.RegionsOrder, listed)
		r.addRegions(regions) // another run may have found some
	}
}

// tellOrders tells running shards of orders that they have not been told of.
func (r *run) tellOrders() {
	for _, region := range slices.Sorted(maps.Keys(r.shards)) {
		s, orders := r.shards[region], slices.Clone(r.live.Orders)
		if s.told < len(orders) && s.tell(func(s *shard) { s.reorder(orders) }) {
			s.told = len(orders)
		}
	}
}

func (r *run) addRegions(regions []string) {
	for _, region := range regions {
		if !slices.Contains(r.live.Regions, region) {
			r.live.Regions = append(r.live.Regions, region)
		}
	}
	slices.Sort(r.live.Regions)
}

// spawn runs do beside the loop and what it returns in the loop.
func (r *run) spawn(do func() func()) {
	go func() { r.mail <- do() }()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// woken says whether AWS said that it started the resource again.
func (a Attention) woken(ref killswitch.Ref) bool {
	return slices.ContainsFunc(a.Woken, func(w killswitch.Ref) bool {
		return w.Region == ref.Region && w.Kind == ref.Kind && strings.EqualFold(w.ID, ref.ID)
	})
}
