package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/dynamo"
)

// process is one running program: a Lambda, or the CLI.
type process struct {
	*awssim.Process
	w      *world
	name   string
	engine *engine.Engine
	store  snapshots.Store
	faints faint
}

// start makes a new process.
func (w *world) start(what string) *process {
	w.runs++
	name := fmt.Sprintf("%s-%d", what, w.runs)
	p := &process{Process: w.account.Process(name), w: w, name: name}
	cfg := p.Held(boot.Fenced(p.Config()))
	p.store = dynamo.Open(cfg, table)
	p.engine = boot.Engine(boot.Options{
		Config: cfg, Account: w.account.ID(), Store: p.store, Settings: w.settings, Owner: name,
		On: func(ev engine.Event) {
			w.telling.Lock()
			defer w.telling.Unlock()
			w.events = append(w.events, ev)
			w.note(name, ev)
			if w.on != nil {
				w.on(ev)
			}
		},
	})
	services := p.engine.Services
	p.engine.Services = func(region string) []killswitch.Service {
		thoughts := &thoughts{process: p, region: region}
		all := services(region)
		for i, service := range all {
			all[i] = thinking{service, thoughts}
		}
		return all
	}
	return p
}

// faint is a freeze that catches the loop of a region in the middle of its turn: at its so-many-th
// decision, or the first after that while a write is under way. A freeze that comes at some time catches
// calls alone, since the loop takes no time.
type faint struct {
	region string // of the loop
	at     int    // 0: never
	writes bool
	frozen time.Duration
	done   bool
}

// thoughts counts the decisions of a process about a region.
type thoughts struct {
	process *process
	region  string
	n       int
}

// thinking is a service whose decisions may be the last for a while.
type thinking struct {
	killswitch.Service
	thoughts *thoughts
}

func (s thinking) Decide(want killswitch.Want, it killswitch.Item, seen killswitch.Observation, now time.Time) killswitch.Decision {
	d := s.Service.Decide(want, it, seen, now)
	s.thoughts.n++
	if p := s.thoughts.process; p.faints.now(s.thoughts, p) {
		// All else a nanosecond later: at this very instant nobody says what would be the first to stop.
		time.AfterFunc(1, p.Freeze)
		time.AfterFunc(1+p.faints.frozen, p.Thaw)
		time.Sleep(1 + p.faints.frozen)
	}
	return d
}

// now says whether this is the decision. Loops of other regions ask too.
func (f *faint) now(t *thoughts, p *process) bool {
	if f.at == 0 || f.region != t.region || f.done || t.n < f.at || f.writes && !p.writes(f.region) {
		return false
	}
	f.done = true
	return true
}

// writes says whether a write of the process about a region is under way.
func (p *process) writes(region string) bool {
	return slices.ContainsFunc(p.w.account.Trace(), func(c awssim.Call) bool {
		return c.Process == p.name && c.Service == "dynamodb" && c.Mutating && c.At.IsZero() && c.Err == "" &&
			strings.Contains(strings.Join(c.Targets, " "), "#"+region+" LEASE")
	})
}
