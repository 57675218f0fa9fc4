package engine

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// shard is one run's turn at one region. Everything below runs in its loop; what takes time (calls,
// writes, listings) runs beside it and comes back through the mail as a function to run in the loop.
type shard struct {
	*Engine
	attention Attention
	live      snapshots.Live // of it only what does not change, and orders as this shard knows them
	told      int            // the run's: how many orders the shard has been told of
	region    string
	mail      chan func()

	services []killswitch.Service
	listings []*listing // one a service, same order
	items    []*item
	byRef    map[killswitch.Ref]*item
	built    []*item                    // those with something beneath them
	empty    map[killswitch.Ref]bool    // listed, without members
	above    map[killswitch.Ref][]*item // what AWS ends once the item is down → the items
	roll
	limits  map[string]*limit
	damaged map[killswitch.Ref]snapshots.Fault // of the newest order, where several are
	faults  []snapshots.Fault                  // all that is damaged

	lease   snapshots.Lease
	endsAt  atomic.Int64 // of the lease, in Unix nanoseconds: read by calls under way
	opened  bool
	unread  bool      // it must be read before it is opened: a run before this one may have been here
	adding  *addition // what its lease waits for; nil: the region is durable
	waiting []func()

	ticked   time.Time // when the looks of the region began: they keep step with it
	settling time.Time // until when the first of a pause was waited for that has to settle
	jobs     []*job
	writing  bool
	wroteAt  time.Time
	retryAt  time.Time // after a failed write
	out      int       // pieces of work under way
	timed    []timed   // calls that are recorded, and wait for their tokens
	roundEnd time.Time // until when calls are recorded ahead
	draining bool      // take no new work
	lost     bool      // the lease is gone: write nothing more
	end      shardEnd
}

// errBusy ends the opening of a shard that another run works on.
var errBusy = errors.New("another run works on this region")

func newShard(r *run, region string) *shard {
	s := &shard{
		Engine: r.Engine, attention: r.attention, region: region, mail: make(chan func(), 256),
		live: *r.live, byRef: map[killswitch.Ref]*item{},
		empty: map[killswitch.Ref]bool{}, above: map[killswitch.Ref][]*item{},
		roll: newRoll(), limits: map[string]*limit{}, damaged: map[killswitch.Ref]snapshots.Fault{},
		end:    shardEnd{region: region, closed: map[string]int{}},
		unread: slices.Contains(r.stored, region), adding: r.adding[region],
	}
	s.live.Orders = slices.Clone(r.live.Orders)
	s.told = len(s.live.Orders)
	s.services = r.Services(region)
	for _, service := range s.services {
		s.listings = append(s.listings, newListing(service))
	}
	return s
}

// tell runs do in the shard's loop, and says whether it will: a full mailbox means a busy shard, which
// has to be told again. It is the only method another goroutine may call.
func (s *shard) tell(do func(*shard)) bool {
	select {
	case s.mail <- func() { do(s) }:
		return true
	default:
		return false
	}
}

func (s *shard) emit(ev Event) {
	ev.Region = s.region
	s.Engine.tell(ev)
}

// spawn runs do beside the loop and what it returns in the loop.
func (s *shard) spawn(do func() func()) {
	s.out++
	go func() {
		then := do()
		s.mail <- func() {
			s.out--
			then()
		}
	}()
}

// work takes the shard's turn: it opens the shard under its lease, works until nothing can be done
// soon, and gives the lease back.
func (s *shard) work(ctx context.Context) shardEnd {
	s.open(ctx)
	for {
		if ctx.Err() != nil {
			s.draining = true
		}
		s.advance()
		if s.done() {
			break
		}
		var stop <-chan struct{}
		if !s.draining {
			stop = ctx.Done()
		}
		receive(s.mail, s.wake(), stop)
	}
	s.release()
	return s.conclude()
}

// whenOpened runs do once the stored items are known.
func (s *shard) whenOpened(do func()) {
	if s.opened || s.lost {
		do()
		return
	}
	s.waiting = append(s.waiting, do)
}

// reorder takes in newer orders.
func (s *shard) reorder(orders []killswitch.Order) {
	if len(orders) <= len(s.live.Orders) {
		return
	}
	s.live.Orders = orders
	s.whenOpened(func() {
		for _, it := range s.items {
			s.govern(it)
		}
	})
}

// advance does everything that can be done at this instant.
func (s *shard) advance() {
	if !s.lost && s.opened && s.endsAt.Load() <= s.now().Round(0).UnixNano() {
		s.lost = true
	}
	if s.lost {
		s.draining = true
	}
	if !s.draining {
		s.list()
	}
	if s.opened {
		s.settle()
		if !s.draining {
			s.act()
		}
		s.callTimed()
		s.settle()
		if !s.draining {
			s.look()
			s.settle()
		}
		s.flush()
	}
}

// done says whether the turn is over: nothing under way, nothing unwritten, nothing to do soon.
func (s *shard) done() bool {
	if !s.idle() || !s.lost && (len(s.jobs) > 0 || s.unwritten()) {
		return false
	}
	return s.draining || s.opened && !s.soon()
}

// idle says whether nothing is under way.
func (s *shard) idle() bool { return s.out == 0 && len(s.timed) == 0 }

// soon says whether the shard has work that this run should stay for.
func (s *shard) soon() bool {
	for _, l := range s.listings {
		if s.wanting(l) > 0 || l.under {
			return true
		}
	}
	if s.awaited > 0 {
		return true
	}
	for _, due := range s.looks {
		if len(due) > 0 {
			return true
		}
	}
	return false
}

// wake is when the loop has to turn even without mail. A time that has passed needs no waking: what
// was due then is under way, or waits for something else.
func (s *shard) wake() time.Time {
	now := s.now()
	at := now.Add(s.Pace.Beat)
	sooner := func(t time.Time) {
		if t.After(now) {
			at = earlier(at, t)
		}
	}
	if s.opened && !s.lost {
		sooner(s.wroteAt.Add(s.Pace.Beat))
		sooner(time.Unix(0, s.endsAt.Load()))
	}
	sooner(s.retryAt)
	for _, j := range s.jobs {
		sooner(j.from)
	}
	for _, c := range s.timed {
		sooner(c.at)
	}
	if s.draining {
		return at
	}
	for _, l := range s.listings {
		sooner(l.retryAt)
	}
	if s.opened {
		at = s.nextItem(at)
	}
	return at
}

// release gives the lease back.
func (s *shard) release() {
	if s.lost || !s.opened {
		return
	}
	call, cancel := context.WithTimeout(context.Background(), s.Pace.Call)
	defer cancel()
	lease := s.lease
	if err := s.Store.Release(call, &lease); err != nil {
		s.emit(Event{What: StoreFailed, Err: err, Reason: err.Error()})
	}
}

// conclude says how the turn ended.
func (s *shard) conclude() shardEnd {
	end := s.end
	end.orders = len(s.live.Orders)
	end.unsure = end.unsure || s.faulty()
	if s.lost && s.opened && s.lease.Generation > 0 {
		end.again = true // whoever has the lease now may be dead before it is done
	}
	now := s.now()
	for _, l := range s.listings {
		if s.needed(l) > 0 {
			end.unsure = true
			end.lookAt = sooner(end.lookAt, l.againAt(now, s.Pace))
		}
	}
	for _, it := range s.items {
		if it.State.Phase.Closed() {
			end.closed[string(it.State.Phase)]++
			continue
		}
		end.open++
		if it.vetoed() {
			continue
		}
		at := it.State.LookAt
		if at.Before(now) {
			at = now.Add(s.Pace.Look)
		}
		end.lookAt = sooner(end.lookAt, at)
	}
	return end
}

// sooner is the earlier of two times, of which zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
