package moto_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// moment is one at which a run is struck: at one of the calls that it makes of AWS or of its table.
type moment struct {
	call  int // its number, from 1
	how   instant
	later time.Duration // with afterwards
}

// instant is where in a call the blow falls.
type instant string

const (
	unsent     instant = "and never reaches AWS" // the call
	unheard    instant = "and its answer is lost"
	afterwards instant = "has begun for"
)

func (m moment) String() string {
	if m.how == afterwards {
		return fmt.Sprintf("when call %d %s %v", m.call, m.how, m.later)
	}
	return fmt.Sprintf("when call %d is made, %s", m.call, m.how)
}

// drawMoment draws one in a run that makes about so many calls, of which almost all are in its first
// seconds, and then waits to see what came of them. One in six falls into that wait.
func drawMoment(r *rand.Rand, calls int) moment {
	m := moment{call: 1 + r.IntN(calls), how: afterwards}
	switch r.IntN(6) {
	case 0:
		m.later = time.Duration(r.IntN(12_000)) * time.Millisecond
	case 1:
		m.how = unsent
	case 2:
		m.how = unheard
	default:
		m.later = time.Duration(r.IntN(60)) * time.Millisecond
	}
	return m
}

// strikes are the blows that are to fall, by account.
type strikes struct {
	mu  sync.Mutex
	all map[string]*strike
}

type strike struct {
	moment
	fall  func()
	calls int // that were made
	timer *time.Timer
}

// at has fall called at the moment, until it is called off. That says how many calls were made.
func (s *strikes) at(account string, m moment, fall func()) (off func() (calls int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blow := &strike{moment: m, fall: fall}
	s.all[account] = blow
	return func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.all, account)
		if blow.timer != nil {
			blow.timer.Stop()
		}
		return blow.calls
	}
}

// call counts a call, and gives what has to fall while it is made.
func (s *strikes) call(account string) *strike {
	s.mu.Lock()
	defer s.mu.Unlock()
	blow := s.all[account]
	if blow == nil {
		return nil
	}
	blow.calls++
	if blow.calls != blow.call {
		return nil
	}
	if blow.how == afterwards {
		blow.timer = time.AfterFunc(blow.later, blow.fall)
		return nil
	}
	return blow
}
