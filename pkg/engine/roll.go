package engine

import (
	"container/heap"
	"slices"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// roll keeps what a turn of the loop asks of all items: which are to be acted on, which to be looked
// at, which wave is not over, when the next needs the loop. An item that changed is touched, and placed
// anew before the turn goes on, so that a turn costs what has changed and not what there is.
type roll struct {
	touched []*item
	ready   map[string]*pile                   // to be acted on, by kind, step and whether it waits for its wave: what costs most is on top
	looks   map[killswitch.Kind]map[*item]bool // to be looked at
	wakes   *pile                              // the soonest is on top
	holding map[killswitch.Want]*[lastWave + 2]int
	awaited int     // how many this run should stay for
	changed []*item // states to be written, which wait for company
	arrived int     // how many of them have come to an end
	asleep  []*item // to be looked at when their wave comes
	woken   int     // the wave of a resume that has come
}

// place is where an item stands in the roll.
type place struct {
	ready    string // its pile; empty: it is not to be acted on
	due      bool   // to be looked at
	sleep    bool   // until its wave comes
	holds    int    // the wave of its want that is not over because of it, plus one; 0: none
	want     killswitch.Want
	worth    float64   // where in its pile
	doubtful bool      // AWS may well refuse it, and every other in its call
	open     bool      // something is under way, or to be waited for
	wake     time.Time // when it stands elsewhere though nothing happens to it; zero: never
}

func newRoll() roll {
	return roll{
		ready: map[string]*pile{}, looks: map[killswitch.Kind]map[*item]bool{}, wakes: &pile{
			before: func(a, b *item) bool { return a.place.wake.Before(b.place.wake) },
			at:     func(it *item) *int { return &it.inWakes },
		},
		holding: map[killswitch.Want]*[lastWave + 2]int{
			killswitch.WantPaused: {}, killswitch.WantResumed: {}, killswitch.WantGivenUp: {},
		},
	}
}

// touch notes that an item changed, which those above and beneath it go by.
func (s *shard) touch(it *item) {
	s.touchOne(it)
	for _, above := range s.above[it.Resource.Ref] {
		s.touchOne(above)
	}
	for _, ref := range it.beneath {
		if below := s.byRef[ref]; below != nil {
			s.touchOne(below)
		}
	}
}

func (s *shard) touchOne(it *item) {
	if !it.touched {
		it.touched = true
		s.touched = append(s.touched, it)
	}
}

// touchBuilt is for what is known of kinds that others are built on: the state of a listing.
func (s *shard) touchBuilt() {
	for _, it := range s.built {
		s.touchOne(it)
	}
}

// settle settles what was touched, and wakes what sleeps when its wave has come.
func (s *shard) settle() {
	for {
		s.settleTouched()
		lowest := s.lowestResuming()
		if lowest == s.woken {
			return
		}
		s.woken = lowest
		for _, it := range s.asleep {
			it.place.sleep = false
			s.touchOne(it)
		}
		s.asleep = nil
	}
}

// sleeps says whether nothing has to be known of an item yet: a resume looks at it when its wave comes, and
// by then what was seen before would be long ago.
func (s *shard) sleeps(it *item) bool {
	return it.Want == killswitch.WantResumed && !it.decided && !it.fresh && it.steps[it.State.Step].Want != killswitch.WantResumed &&
		firstWave(it.service.Declaration(), it.Want) > s.woken
}

// settleTouched judges what was seen anew and places what has changed, until nothing changes.
func (s *shard) settleTouched() {
	now := s.now()
	for len(s.wakes.items) > 0 && !s.wakes.items[0].place.wake.After(now) {
		it := heap.Pop(s.wakes).(*item)
		it.place.wake = time.Time{}
		s.touchOne(it)
	}
	for len(s.touched) > 0 {
		touched := s.touched
		s.touched = nil
		slices.SortFunc(touched, func(a, b *item) int { return a.Resource.Ref.Compare(b.Resource.Ref) })
		touched = slices.DeleteFunc(touched, func(it *item) bool {
			it.touched = false
			return s.byRef[it.Resource.Ref] != it // it gave way to a newer one
		})
		for _, it := range touched {
			s.giveUp(it)
		}
		for _, it := range touched {
			if it.fresh && !it.busy && !it.looking && !it.State.Phase.Closed() {
				s.judge(it)
			}
		}
		for _, it := range touched {
			s.settleBeneath(it)
		}
		for _, it := range touched {
			s.put(it, s.placeOf(it))
		}
	}
}

// placeOf says where the item belongs now.
func (s *shard) placeOf(it *item) place {
	if it.State.Phase.Closed() {
		return place{}
	}
	now := s.now()
	p := place{want: it.Want, open: s.unfinished(it), due: s.lookDue(it), sleep: s.sleeps(it)}
	p.due = p.due && !p.sleep
	if wave, holds := s.holds(it); holds {
		p.holds = wave + 1
	}
	if s.may(it.Want) && it.actable() && !it.retryAt.After(now) && !s.awaits(it) {
		p.ready = string(it.Resource.Ref.Kind) + " " + it.decision.Step
		if it.decision.Apart {
			p.ready += " apart"
		}
		p.worth, p.doubtful = it.weight/float64(max(1, it.decision.Units)), it.decision.Doubtful
	}
	soonest := func(t time.Time) {
		if t.After(now) {
			p.wake = sooner(p.wake, t)
		}
	}
	if it.State.Wait != nil {
		soonest(it.State.Wait.Deadline)
	}
	switch {
	case it.vetoed() || it.busy || it.looking:
	case it.decided && it.decision.Do == killswitch.TakeAct:
		soonest(it.retryAt)
	default:
		soonest(it.State.LookAt)
	}
	return p
}

// put moves the item to a place.
func (s *shard) put(it *item, p place) {
	was := it.place
	it.place = p
	if was.ready != p.ready || was.worth != p.worth || was.doubtful != p.doubtful {
		if was.ready != "" {
			s.ready[was.ready].remove(it)
		}
		if p.ready != "" {
			if s.ready[p.ready] == nil {
				s.ready[p.ready] = &pile{before: dearer, at: func(it *item) *int { return &it.inReady }}
			}
			heap.Push(s.ready[p.ready], it)
		}
	}
	if was.due != p.due {
		kind := it.Resource.Ref.Kind
		if s.looks[kind] == nil {
			s.looks[kind] = map[*item]bool{}
		}
		if p.due {
			s.looks[kind][it] = true
		} else {
			delete(s.looks[kind], it)
		}
	}
	if p.sleep && !was.sleep {
		s.asleep = append(s.asleep, it)
	}
	if was.holds > 0 {
		s.holding[was.want][was.holds-1]--
	}
	if p.holds > 0 {
		s.holding[p.want][p.holds-1]++
	}
	if was.open {
		s.awaited--
	}
	if p.open {
		s.awaited++
	}
	if !was.wake.Equal(p.wake) {
		if !was.wake.IsZero() {
			s.wakes.remove(it)
		}
		if !p.wake.IsZero() {
			heap.Push(s.wakes, it)
		}
	}
}

// forget takes an item out of the roll that gives way to another.
func (s *shard) forget(it *item) {
	s.put(it, place{})
	it.unsaved = false
}

// dearer says whether a step for a stops more than one for b, by the token that it takes, or as much and
// comes first. What AWS may well refuse stands together.
func dearer(a, b *item) bool {
	if a.place.worth != b.place.worth {
		return a.place.worth > b.place.worth
	}
	if a.place.doubtful != b.place.doubtful {
		return b.place.doubtful
	}
	return a.Resource.Ref.Compare(b.Resource.Ref) < 0
}

// pile is a heap whose items know where in it they are.
type pile struct {
	items  []*item
	before func(a, b *item) bool
	at     func(*item) *int
}

func (p *pile) remove(it *item) { heap.Remove(p, *p.at(it)) }

// Len, Less, Swap, Push and Pop are for container/heap.
func (p *pile) Len() int { return len(p.items) }

func (p *pile) Less(i, j int) bool { return p.before(p.items[i], p.items[j]) }

func (p *pile) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	*p.at(p.items[i]), *p.at(p.items[j]) = i, j
}

func (p *pile) Push(x any) {
	it := x.(*item)
	*p.at(it) = len(p.items)
	p.items = append(p.items, it)
}

func (p *pile) Pop() any {
	last := len(p.items) - 1
	it := p.items[last]
	p.items[last] = nil
	p.items = p.items[:last]
	return it
}
