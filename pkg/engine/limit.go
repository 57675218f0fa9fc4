package engine

import (
	"math"
	"time"

	"golang.org/x/time/rate"

	"aws-hit-breaks/pkg/killswitch"
)

// limit is the token bucket of one action in one region, and how many of its calls are under way. Calls
// are planned with it before they are recorded, and made with it after that: a record may take long, and
// AWS's bucket goes by when it is asked.
type limit struct {
	planned, made bucket
	under         int
	freeAt        time.Time // when to ask it again
	apartAt       time.Time // and when with what waits for no wave: that comes one by one, and is recorded together
	againAt       time.Time // when the next may be looked at once more before their turn
}

// bucket holds the tokens of calls, and of the resources that they name.
type bucket struct{ calls, units *rate.Limiter }

func newBucket(r killswitch.Rate) bucket {
	return bucket{calls: limiter(r.PerSecond, r.Burst), units: limiter(r.UnitsPerSecond, r.UnitBurst)}
}

// take takes the tokens of a call, and says how long after now they are surely there.
func (b bucket) take(now time.Time, units int) time.Duration {
	wait := max(b.calls.ReserveN(now, 1).DelayFrom(now), b.units.ReserveN(now, min(units, b.units.Burst())).DelayFrom(now))
	if wait > 0 {
		wait += rounding
	}
	return wait
}

// rounding is by how much two clocks may differ over when a token is there. Who asks for it too early
// gets none, and asks again much later.
const rounding = time.Millisecond

// limitOf makes the bucket of an action. Who made the calls before this turn is not known, so the
// bucket is taken to have been empty at the last attempt that is on record.
func (s *shard) limitOf(action string) *limit {
	if l := s.limits[action]; l != nil {
		return l
	}
	l := &limit{planned: newBucket(s.Rates[action]), made: newBucket(s.Rates[action])}
	var last time.Time
	for _, it := range s.items {
		if at := it.State.AttemptedAt; at.After(last) && it.steps[it.State.Step].Calls == action && !it.busy {
			last = at
		}
	}
	if !last.IsZero() {
		for _, b := range []bucket{l.planned, l.made} {
			b.calls.AllowN(last, b.calls.Burst())
			b.units.AllowN(last, b.units.Burst())
		}
	}
	s.limits[action] = l
	return l
}

func limiter(perSecond float64, burst int) *rate.Limiter {
	if perSecond == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst)
}

// reserve takes the tokens of a call and says when it may begin, or notes when to ask again.
// Where AWS takes two calls a second there would be a write for each: so a round is recorded ahead. It
// is all that has its tokens until its end, which is the same for all actions of the region and comes
// before the lease has to be renewed: one write then holds the calls of all actions, and is the renewal.
// The next round begins when this one is all but over.
func (s *shard) reserve(l *limit, units int, inRound bool) (time.Time, bool) {
	now := s.now()
	soon := s.Pace.Lag / 10
	if !now.Before(s.roundEnd.Add(-soon)) {
		s.roundEnd = now.Add(s.Pace.Beat)
	}
	at := now.Add(max(missing(l.planned.calls, now, 1), missing(l.planned.units, now, units)))
	most := s.roundEnd
	if !inRound {
		most = now.Add(soon)
	}
	if at.After(most) {
		l.freeAt = earlier(at, s.roundEnd).Add(-soon)
		return now, false
	}
	if at.Equal(now) && l.under >= callsAtOnce {
		return now, false
	}
	l.planned.take(now, units)
	return at, true
}

// timed is a call that is recorded, and when its tokens are there.
type timed struct {
	at time.Time
	b  batch
	l  *limit
}

// callAt has a step taken when its tokens are there.
func (s *shard) callAt(b batch, l *limit, at time.Time) {
	if now := s.now(); at.Before(now) {
		at = now
	}
	s.timed = append(s.timed, timed{at.Add(l.made.take(at, b.units)), b, l})
}

// callTimed makes the calls whose tokens are there. A turn that takes no new work lets all of them go.
func (s *shard) callTimed() {
	now := s.now()
	all := s.timed
	s.timed = nil
	for _, c := range all {
		if c.at.After(now) && !s.draining {
			s.timed = append(s.timed, c)
			continue
		}
		s.call(c.b, c.l)
	}
}

// most is the most that a batch may hold now, of so many that are ready: items, and their tokens. A batch
// that is refused for one of it has taken the tokens of all, and what is dearest in it waits for those of the
// others: where tokens are short, one that holds what a second brings loses little.
func (l *limit) most(now time.Time, batch, ready int) (items, tokens int) {
	units := l.planned.units
	second := int(units.Limit())
	if units.Limit() == rate.Inf || second < fewest || units.TokensAt(now) >= float64(max(ready, units.Burst()/2)) {
		return batch, math.MaxInt
	}
	return min(batch, second), second
}

// gives is how many resources at most, and one at least, have their turn within a time.
func (l *limit) gives(now time.Time, during time.Duration, batch int) int {
	tokens := func(l *rate.Limiter) float64 {
		if l.Limit() == rate.Inf {
			return math.MaxInt32
		}
		return l.TokensAt(now) + float64(l.Limit())*during.Seconds()
	}
	return max(1, int(min(tokens(l.planned.calls)*float64(batch), tokens(l.planned.units))))
}

// within is how long it takes until n tokens have been taken one by one.
func within(l *rate.Limiter, now time.Time, n int) time.Duration {
	if l.Limit() == rate.Inf {
		return 0
	}
	return max(0, time.Duration((float64(n)-l.TokensAt(now))/float64(l.Limit())*float64(time.Second)))
}

// fewest is how many a batch holds at least: calls have a bucket too.
const fewest = 10

// missing is how long until the bucket holds n tokens, or all it can hold.
func missing(l *rate.Limiter, now time.Time, n int) time.Duration {
	wait := within(l, now, min(n, l.Burst()))
	if wait > 0 {
		wait += rounding
	}
	return wait
}
