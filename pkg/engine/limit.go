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
	freeAt        time.Time // when the next round may begin
	apartAt       time.Time // and when with what waits for no wave: that comes one by one, and is recorded together
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

// reserve takes the tokens of a call and says when it may begin, or notes when the next round may.
// A round is all that has its tokens within the lag of AWS's reads, so that one write records it:
// where AWS takes two calls a second, there would be a write for each. The next round begins when
// this one is all but over.
func (s *shard) reserve(l *limit, units int, inRound bool) (time.Time, bool) {
	now := s.now()
	wait := max(missing(l.planned.calls, now, 1), missing(l.planned.units, now, units))
	most, soon := s.Pace.Lag, s.Pace.Lag/10
	if !inRound {
		most = soon
	}
	if wait > most {
		l.freeAt = now.Add(wait - soon)
		return now, false
	}
	if wait == 0 && l.under >= callsAtOnce {
		return now, false
	}
	l.planned.take(now, units)
	return now.Add(wait), true
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

// fewest is how many a batch holds at least: calls have a bucket too.
const fewest = 10

// missing is how long until the bucket holds n tokens, or all it can hold.
func missing(l *rate.Limiter, now time.Time, n int) time.Duration {
	if l.Limit() == rate.Inf {
		return 0
	}
	short := float64(min(n, l.Burst())) - l.TokensAt(now)
	if short <= 0 {
		return 0
	}
	return time.Duration(short/float64(l.Limit())*float64(time.Second)) + rounding
}
