package engine

import (
	"cmp"
	"math"
	"slices"
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

// take takes the tokens of a call.
func (b bucket) take(now time.Time, units int) {
	b.calls.ReserveN(now, 1)
	b.units.ReserveN(now, min(units, b.units.Burst()))
}

// missing is how long until the tokens of a call are surely there.
func (b bucket) missing(now time.Time, units int) time.Duration {
	return max(missing(b.calls, now, 1), missing(b.units, now, units))
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
// The next round begins when this one is all but over, or with a call that goes before those of this one.
func (s *shard) reserve(l *limit, units int, inRound, before bool) (time.Time, bool) {
	now := s.now()
	soon := s.Pace.Lag / 10
	if !now.Before(s.roundEnd.Add(-soon)) {
		s.roundEnd = now.Add(s.Pace.Beat)
	}
	at := now.Add(l.planned.missing(now, units))
	most := s.roundEnd
	if !inRound {
		most = now.Add(soon)
	}
	if at.After(most) && !before {
		l.freeAt = earlier(at, s.roundEnd).Add(-soon)
		return now, false
	}
	if at.Equal(now) && l.under >= callsAtOnce {
		return now, false
	}
	l.planned.take(now, units)
	return at, true
}

// timed is a call that is recorded.
type timed struct {
	b  batch
	l  *limit
	at time.Time // when its tokens are there; zero where others of its action go first
}

// goesBefore says whether a step of a pause that is not recorded yet stops more by the token than one that is, and
// waits for tokens.
func (s *shard) goesBefore(l *limit, it *item, step killswitch.Step) bool {
	return step.Want == killswitch.WantPaused && slices.ContainsFunc(s.timed, func(c timed) bool {
		return c.l == l && c.b.worth < it.place.worth
	})
}

// callTimed makes the calls whose tokens are there, of each action the dearest first. A turn that takes no new
// work lets all of them go.
func (s *shard) callTimed() {
	now := s.now()
	slices.SortStableFunc(s.timed, func(a, b timed) int { return cmp.Compare(b.b.worth, a.b.worth) })
	all, waits := s.timed, map[*limit]bool{}
	s.timed = nil
	for _, c := range all {
		c.at = time.Time{}
		if wait := c.l.made.missing(now, c.b.units); wait > 0 && !waits[c.l] {
			waits[c.l], c.at = true, now.Add(wait)
		}
		if waits[c.l] && !s.draining {
			s.timed = append(s.timed, c)
			continue
		}
		c.l.made.take(now, c.b.units)
		s.call(c.b, c.l)
	}
}

// most is the most that a batch may hold now, of so many that are ready: items, and their tokens. A batch
// that is refused for one of it has taken the tokens of all, and what is dearest in it waits for those of the
// others: where tokens are short, one that holds what a second brings loses little, and of what is doubtful
// few at once lose less. Where they are not short, any number may be taken.
func (l *limit) most(now time.Time, batch, ready int, doubtful bool) (items, tokens int) {
	units := l.planned.units
	second := int(units.Limit())
	if units.Limit() == rate.Inf || second < fewest || units.TokensAt(now) >= float64(max(ready, units.Burst()/2)) {
		return batch, math.MaxInt
	}
	if doubtful {
		return min(batch, second/4), second
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
