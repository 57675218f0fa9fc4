// Package report says how things stand: a snapshot, a plan or a discovery (which have the shape of
// a snapshot) becomes one list of resources with their phases, what was not inspected, and what is
// wrong in the store. It is what the functions answer, what the CLI prints as JSON and what its
// tables are made of. It is pure: the same snapshot gives the same report, byte for byte. It imports
// neither the AWS SDK nor the engine.
package report

import (
	"iter"
	"slices"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// Schema is the version of the JSON that a Report is written as. A field may be added under the same
// version; one that changes its meaning or goes makes a new one.
const Schema = 1

// Report is how an account stands, or stood, or would stand.
type Report struct {
	Schema   int       `json:"schema"`             // the version of this schema
	Account  string    `json:"account"`            // the AWS account's id
	Snapshot string    `json:"snapshot,omitempty"` // absent where nothing is recorded: a plan of a first pause, a discovery
	Opened   time.Time `json:"opened,omitzero"`    // when the snapshot's first order was given
	Closed   time.Time `json:"closed,omitzero"`    // absent while the snapshot is live
	LookAt   time.Time `json:"lookAt,omitzero"`    // when the guard looks next
	Orders   []Order   `json:"orders"`             // oldest first; of a plan, the last is the one that was not given

	Summary Summary `json:"summary"` // counts and sums
	// Waves are the order in which a plan would be carried out, by what is wanted, wave and kind. It is absent
	// where nothing would be done, and from what is no plan.
	Waves        []Wave         `json:"waves,omitempty"`
	Resources    []Resource     `json:"resources"`    // by region, kind and id
	NotInspected []NotInspected `json:"notInspected"` // by region and kind
	Problems     []Problem      `json:"problems"`     // what is wrong in the store
	Residuals    []Residual     `json:"residuals"`    // what costs by the hour and has no pause, by region, kind and id
	// LeftOut is what has no pause and is in the sums, and in no list: an answer of a function holds the dearest alone.
	LeftOut LeftOut `json:"residualsLeftOut,omitzero"`
	// UnlistedResiduals is what has no pause and could not be listed: it costs, and is in no sum.
	UnlistedResiduals []UnlistedResidual `json:"unlistedResiduals,omitempty"`
}

// Order is one order, for humans and scripts.
type Order struct {
	Seq   int            `json:"seq"`             // counted from 1 in its snapshot
	Act   killswitch.Act `json:"act"`             // what it orders
	Actor string         `json:"actor"`           // "alarm", or who the operator is
	At    time.Time      `json:"at"`              // when it was given; of an alarm, when it was raised
	Alarm string         `json:"alarm,omitempty"` // the alarm that gave it, in one line
	Scope string         `json:"scope,omitempty"` // what it is about; absent: everything
	Force bool           `json:"force,omitempty"` // a resume also of what somebody changed since the pause
}

// Summary counts.
type Summary struct {
	Total   int                      `json:"total"`   // all resources
	Phases  map[killswitch.Phase]int `json:"phases"`  // how many of the listed resources are in each phase
	Regions int                      `json:"regions"` // how many hold resources which were, or would be, touched
	// Pending is how much is still on its way, listings among it: 0 once there is nothing to wait for.
	Pending      int `json:"pending"`
	NotInspected int `json:"notInspected"` // how much is listed as not inspected
	// ChangedByAWS counts the fields that AWS itself changed at the stop and start.
	ChangedByAWS int `json:"changedByAWS"`
	Problems     int `json:"problems"` // how many stored items cannot be used
	// LeftAlone are resources that stay as they are because they cannot be paused or are protected.
	// More of them than the store lists one by one are in this count and not in the resources.
	LeftAlone int `json:"leftAlone"`
	// Cost is of all resources and residuals, in US dollars an hour at list prices. It is absent where no
	// prices were looked up.
	Cost CostSummary `json:"cost,omitzero"`
}

// Resource is one resource and how it stands.
type Resource struct {
	Region string           `json:"region"`         // the AWS region
	Kind   killswitch.Kind  `json:"kind"`           // "ec2:instance", "rds:cluster", …
	ID     string           `json:"id"`             // as AWS knows it in the account and region
	Name   string           `json:"name,omitempty"` // for humans, where it differs from the id
	Type   string           `json:"type,omitempty"` // size, as AWS names it
	Phase  killswitch.Phase `json:"phase"`          // where it stands
	Reason string           `json:"reason"`         // why, where the phase does not speak for itself
	Want   killswitch.Want  `json:"want,omitempty"` // what the governing order wants; empty for what is left alone
	Step   string           `json:"step,omitempty"` // the last step taken; of a plan, the first that would be
	Wave   int              `json:"wave,omitempty"` // of a plan, the first of its waves that does something to it
	// Pending: a run is, or should be, on its way to bring it where it is wanted.
	Pending bool `json:"pending,omitempty"`

	Since    time.Time `json:"since,omitzero"`    // of the last step
	Deadline time.Time `json:"deadline,omitzero"` // when the wait for its goal is given up
	LookAt   time.Time `json:"lookAt,omitzero"`   // when it is looked at next
	WakesAt  time.Time `json:"wakesAt,omitzero"`  // when AWS itself starts it again
	// ChangedByAWS are the fields that AWS itself changed at the stop and start, "old → new".
	ChangedByAWS map[string]string `json:"changedByAWS,omitempty"`
	// ByHand are the commands, of the AWS CLI in a shell, that put it back without the brake: of what cannot
	// be read, was given up or was not put back. What is not known stands in <>.
	ByHand []string `json:"byHand,omitempty"`
	// Cost is absent where no prices were looked up; in US dollars at list prices.
	Cost *Cost `json:"cost,omitempty"`
	// Uses is what its dollars are computed from.
	Uses []killswitch.Usage `json:"-"`
}

// Ref is the resource's name in the world.
func (r Resource) Ref(account string) killswitch.Ref {
	return killswitch.Ref{Account: account, Region: r.Region, Kind: r.Kind, ID: r.ID}
}

// NotInspected is a region, or a kind in a region, of which nobody knows what is there.
type NotInspected struct {
	Region string          `json:"region"`         // "*" where the account's regions themselves are not known
	Kind   killswitch.Kind `json:"kind,omitempty"` // absent: every kind
	Reason string          `json:"reason"`         // why not
	// Pending: it has not been tried yet, so that the reason is only that it takes time.
	Pending bool `json:"pending,omitempty"`
}

// AllRegions stands where no region can be named.
const AllRegions = "*"

// Problem is a stored item that cannot be used.
type Problem struct {
	Item string `json:"item"`           // its key
	Why  string `json:"why"`            // what is wrong with it
	Hint string `json:"hint,omitempty"` // what can still be done
}

// Of makes the report of a snapshot. declared are the kinds that the brake knows.
func Of(s snapshots.Snapshot, declared map[killswitch.Kind]killswitch.Declaration) Report {
	r, _ := Read(s, func(yield func(snapshots.Shard, error) bool) { // none of them is an error
		for _, shard := range s.Shards {
			if !yield(shard, nil) {
				return
			}
		}
	}, declared)
	return r
}

// Read makes the report of a snapshot whose shards come one by one. An error among these is its own.
func Read(
	s snapshots.Snapshot, shards iter.Seq2[snapshots.Shard, error], declared map[killswitch.Kind]killswitch.Declaration,
) (Report, error) {
	s.Shards = nil
	w := &writer{snapshot: s, declared: declared, orders: s.Header.Orders, regions: s.Header.Regions, list: []Resource{}}
	r := Report{
		Schema: Schema, Account: s.Header.Account, Snapshot: s.Header.Snapshot,
		Opened: s.Header.Opened, Closed: s.Header.Closed,
	}
	if s.Live != nil { // the header may be damaged, and is not as new
		w.orders, w.regions = s.Live.Orders, s.Live.Regions
		r.Account, r.Snapshot, r.Opened, r.LookAt = s.Live.Account, s.Live.Snapshot, s.Live.Opened, s.Live.LookAt
	}
	for shard, err := range shards {
		if err != nil {
			return Report{}, err
		}
		w.take(shard)
	}
	r.Orders = []Order{}
	for _, o := range w.orders {
		r.Orders = append(r.Orders, orderOf(o))
	}
	r.Resources, r.NotInspected, r.Problems, r.Residuals = w.resources(), w.notInspected(), w.problems(), []Residual{}
	r.Waves = w.waves(r.Resources)
	r.count()
	for _, shard := range w.snapshot.Shards {
		for _, c := range shard.Coverage {
			r.Summary.Total += c.MoreVerdicts
			r.Summary.LeftAlone += c.MoreVerdicts
		}
	}
	return r, nil
}

// Empty is the report of an account of which nothing is recorded.
func Empty(account string) Report {
	r := Report{
		Schema: Schema, Account: account, Orders: []Order{}, Resources: []Resource{},
		NotInspected: []NotInspected{}, Problems: []Problem{}, Residuals: []Residual{},
	}
	r.count()
	return r
}

// Unlisted adds that a run could not learn which regions the account has. An empty reason adds
// nothing.
func (r *Report) Unlisted(why string) {
	if why == "" {
		return
	}
	r.NotInspected = slices.DeleteFunc(r.NotInspected, func(n NotInspected) bool { return n.Region == AllRegions })
	r.NotInspected = slices.Insert(r.NotInspected, 0, NotInspected{
		Region: AllRegions, Reason: "the account's regions could not be listed: " + why,
	})
	r.count()
}

// ExitCode is how a command ends that did, or would do, what the report says: 0, or 3 where
// something failed, drifted, was not inspected or cannot be read. What is left alone by a verdict or
// a protection is as it should be.
func (r Report) ExitCode() int {
	for _, phase := range []killswitch.Phase{
		killswitch.Failed, killswitch.Drifted, killswitch.NotInspected, killswitch.Unreadable,
	} {
		if r.Summary.Phases[phase] > 0 {
			return 3
		}
	}
	if len(r.NotInspected)+len(r.Problems) > 0 {
		return 3
	}
	return 0
}

// count fills in the summary from the lists. Verdicts that are not in a list are kept.
func (r *Report) count() {
	s := Summary{
		Phases: map[killswitch.Phase]int{}, NotInspected: len(r.NotInspected), Problems: len(r.Problems),
		Total: len(r.Resources),
	}
	if r.HasPrices() {
		s.Cost = costs(r.Resources, r.Residuals, r.LeftOut)
	}
	var regions []string
	for _, resource := range r.Resources {
		s.Phases[resource.Phase]++
		s.ChangedByAWS += len(resource.ChangedByAWS)
		if resource.Pending {
			s.Pending++
		}
		switch resource.Phase {
		case killswitch.Unpausable, killswitch.Protected, killswitch.Untouched:
			s.LeftAlone++
		case killswitch.NotInspected:
		default:
			regions = append(regions, resource.Region)
		}
	}
	for _, n := range r.NotInspected {
		if n.Pending {
			s.Pending++
		}
	}
	slices.Sort(regions)
	s.Regions = len(slices.Compact(regions))
	if more := r.Summary.LeftAlone - s.LeftAlone; more > 0 {
		s.Total += more
		s.LeftAlone += more
	}
	r.Summary = s
}
