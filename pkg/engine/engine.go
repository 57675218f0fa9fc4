// Package engine moves an account towards its orders. Order appends what is wanted to the live
// snapshot; Reconcile takes one shard (account and region) after the other under its lease and
// observes, decides, records and acts until what is wanted is observed. It may run at any time, any
// number of times, twice at once, and be killed at any instruction.
//
// The engine knows no AWS API: it works on killswitch.Service values and a snapshots.Store.
package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots"
)

// Options is what an engine works with.
type Options struct {
	Account string
	Owner   string // names this run in leases: unique among runs
	Store   snapshots.Store
	// Regions lists the regions that are enabled for the account.
	Regions func(context.Context) ([]string, error)
	// Services are the services of a region, in the order of services.All. It is called once a
	// run and region.
	Services func(region string) []killswitch.Service
	Rates    map[string]killswitch.Rate // by IAM action of a step
	Settings settings.Settings
	// Wants are what a run of this engine takes steps towards; empty means everything. What is to be
	// done towards another want is left to whoever may: its shard is given back at once, and looked
	// at again at the guard's next tick.
	Wants []killswitch.Want
	Pace  killswitch.Pace
	On    func(Event) // told of everything that happens, one at a time; may be nil
}

// Engine carries orders out for one account.
type Engine struct {
	Options
	allowed []string // regions the owner limits the brake to; empty means all
	telling sync.Mutex
}

// New returns an engine. It makes no call.
func New(o Options) *Engine {
	if o.On == nil {
		o.On = func(Event) {}
	}
	return &Engine{Options: o, allowed: o.Settings.Regions}
}

// Event is something that happened in a run, for logs and live views.
type Event struct {
	At     time.Time
	What   What
	Region string
	Kind   killswitch.Kind
	Ref    killswitch.Ref   // of Changed and Stepped
	Name   string           // of the resource
	Phase  killswitch.Phase // of Changed
	Step   string
	Count  int    // resources of Listed
	Reason string // why, or what AWS said
	Err    error
}

// What names an event.
type What string

// The events of a run.
const (
	RegionsListed  What = "regions-listed"
	Listed         What = "listed"          // a kind was listed in a region
	ListingFailed  What = "listing-failed"  // so it is not inspected
	Left           What = "left-alone"      // a verdict or a protection
	Changed        What = "phase"           // a resource reached another phase
	Stepped        What = "step"            // a mutating call was answered
	LookFailed     What = "look-failed"     // an observation failed
	StoreFailed    What = "store-failed"    // a write failed; it is tried again
	ShardBusy      What = "shard-busy"      // another run works on the region
	ShardEnded     What = "shard-ended"     // this run is done with the region for now
	OrdersChanged  What = "orders-changed"  // a newer order was found while working
	SnapshotClosed What = "snapshot-closed" // everything is back
)

// everything says whether the scope leaves nothing out.
func everything(s killswitch.Scope) bool {
	return len(s.Regions)+len(s.Services)+len(s.Tags)+len(s.IDs) == 0 && s.Exclude == nil
}

// may says whether this engine takes steps towards the want. To give something up takes none.
func (e *Engine) may(want killswitch.Want) bool {
	return len(e.Wants) == 0 || want == killswitch.WantGivenUp || slices.Contains(e.Wants, want)
}

func (e *Engine) now() time.Time { return time.Now().UTC() }

func (e *Engine) tell(ev Event) {
	e.telling.Lock()
	defer e.telling.Unlock()
	ev.At = e.now()
	e.On(ev)
}
