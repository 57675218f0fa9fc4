// Package killswitch holds the words of the product: what an order, a resource, an original and a
// service are. Everything else is written in these words, so the package imports the standard
// library only and knows neither AWS nor the store.
package killswitch

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is one type of resource, spelt service:type, for instance "ec2:instance".
type Kind string

// The kinds the brake knows. A kind exists when a service for it is in services.All.
const (
	EC2Instance      Kind = "ec2:instance"
	AutoScalingGroup Kind = "autoscaling:group"
	RDSInstance      Kind = "rds:instance"
	RDSCluster       Kind = "rds:cluster"
	ECSService       Kind = "ecs:service"
)

// Service is the part of the kind before the colon.
func (k Kind) Service() string {
	service, _, _ := strings.Cut(string(k), ":")
	return service
}

// Ref names one resource in the world: account, region, kind and the id AWS knows it by in that
// account and region (instance id, group name, DB identifier, "cluster/service" for ECS).
type Ref struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Kind    Kind   `json:"kind"`
	ID      string `json:"id"`
}

// String is how a resource is named in messages: "ec2:instance i-0abc (eu-west-1)".
func (r Ref) String() string { return fmt.Sprintf("%s %s (%s)", r.Kind, r.ID, r.Region) }

// Compare orders refs by region, kind and id, so that nothing depends on map order.
func (r Ref) Compare(o Ref) int {
	for _, c := range []int{
		strings.Compare(r.Account, o.Account), strings.Compare(r.Region, o.Region),
		strings.Compare(string(r.Kind), string(o.Kind)), strings.Compare(r.ID, o.ID),
	} {
		if c != 0 {
			return c
		}
	}
	return 0
}

// Act is what an order asks for.
type Act string

// The two acts, and the end of one that cannot be finished: what an operator gives up is left as it is,
// and holds the snapshot open no longer.
const (
	Pause  Act = "pause"
	Resume Act = "resume"
	GiveUp Act = "give-up"
)

// Known says whether there is such an act.
func (a Act) Known() bool { return a == Pause || a == Resume || a == GiveUp }

// Want is the state an order wants of a resource.
type Want string

// What orders want: of what is given up nothing is wanted any more.
const (
	WantPaused  Want = "paused"
	WantResumed Want = "resumed"
	WantGivenUp Want = "given-up"
)

// Wants is the state that the act leads to.
func (a Act) Wants() Want {
	switch a {
	case Pause:
		return WantPaused
	case GiveUp:
		return WantGivenUp
	default:
		return WantResumed
	}
}

// Order asks for an act on a scope. Orders are only ever appended to the live
// snapshot; what is wanted of a resource is what the last order says whose scope contains it.
type Order struct {
	Seq   int       `json:"seq"` // 1 for the first order of a snapshot
	Act   Act       `json:"act"`
	Scope Scope     `json:"scope"`
	Actor string    `json:"actor"` // "alarm", or who the operator is
	Alarm *AlarmRef `json:"alarm,omitempty"`
	At    time.Time `json:"at"` // of an alarm: when it was raised, not when it arrived
	// Force puts back also what somebody changed since the pause (resume only).
	Force bool `json:"force,omitempty"`
}

// AlarmRef is what an order remembers of the alarm that gave it.
type AlarmRef struct {
	ID     string `json:"id"`     // of the message; a message counts once
	Key    string `json:"key"`    // budget, rung and period: equal for repeats of the same alarm
	Source string `json:"source"` // budgets, cloudwatch, …
	Text   string `json:"text"`   // one line for a human
}

// Scope says which resources an order is about. Within one list values are alternatives, and
// different lists must all match; an empty list matches everything. Exclude wins over include.
// Protection is not part of a scope: protected resources never are in any.
type Scope struct {
	Regions  []string `json:"regions,omitempty"`  // globs: "eu-*"
	Services []string `json:"services,omitempty"` // "rds" or a kind "rds:cluster"
	Tags     []string `json:"tags,omitempty"`     // "key" or "key=value"
	IDs      []string `json:"ids,omitempty"`
	Exclude  *Scope   `json:"exclude,omitempty"` // what matches any list of it is out
}

// Resource is one thing in the account as a listing shows it.
type Resource struct {
	Ref  Ref               `json:"ref"`
	Name string            `json:"name,omitempty"` // for humans, where it differs from the id
	Type string            `json:"type,omitempty"` // size as AWS names it: "m5.large", "db.r6g.xlarge ×2"
	Tags map[string]string `json:"tags,omitempty"`
	// Above are the resources that were paused with it and that it lies beneath (Declaration.Beneath).
	Above []Ref `json:"above,omitempty"`
	// Uses is what it consumes while it runs, as the listing tells: what its dollars are computed
	// from. None means that it costs nothing of its own by the hour.
	Uses Uses `json:"uses,omitempty"`
}

// Original is what has to be known to put a resource back: a service's own type as JSON with the
// version of its schema. It is immutable once stored.
type Original struct {
	Schema int    `json:"schema"`
	Data   []byte `json:"data"` // JSON
}

// Part is an original learnt after the first step, such as the members of a group that were found
// after its processes had been suspended. Parts are put once under their name and never updated.
type Part struct {
	Name string `json:"name"`
	Data []byte `json:"data"` // JSON
}

// Fields are touched fields and their values, as AWS names and writes them. What is in a State is shared
// and not changed.
type Fields map[string]string

// Wait is something an item waits for. Its deadline is durable, so that a wait ends even when
// every run that began it is dead.
type Wait struct {
	For      string    `json:"for"`
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
}

// Phase is where a resource stands, in the words of the report.
type Phase string

// The phases of a resource.
const (
	Running      Phase = "running"       // found running, not (yet) ours
	Recorded     Phase = "recorded"      // original durable, nothing changed
	Pausing      Phase = "pausing"       // a step towards paused was taken
	Paused       Phase = "paused"        // observed paused
	Resuming     Phase = "resuming"      // a step towards resumed was taken
	Resumed      Phase = "resumed"       // observed resumed: exactly the original
	Drifted      Phase = "drifted"       // somebody changed it since; left alone
	Failed       Phase = "failed"        // AWS refused, or a deadline passed
	Untouched    Phase = "untouched"     // given back as it was: no call of ours changed it
	Gone         Phase = "gone"          // deleted by somebody, by AWS's own evidence
	GivenUp      Phase = "given-up"      // an operator said so
	Unpausable   Phase = "cannot-pause"  // a verdict: it has no pause, or may not be paused
	Protected    Phase = "protected"     // by tag, its own or one of its parts
	NotInspected Phase = "not-inspected" // a region or kind that could not be listed
	Unreadable   Phase = "unreadable"    // its stored item is missing or damaged
	WouldPause   Phase = "would-pause"   // dry run
	WouldResume  Phase = "would-resume"  // dry run
)

// Closed says whether nothing more will ever be done for an item in this phase, so that the
// snapshot need not stay live for it.
func (p Phase) Closed() bool { return p.Back() || p == Gone || p == GivenUp }

// Back says whether the resource was observed as its original says, by an order to resume it.
func (p Phase) Back() bool { return p == Resumed || p == Untouched }

// Passing says whether an item in this phase is on its way to what is wanted.
func (p Phase) Passing() bool { return p == Running || p == Recorded || p == Pausing || p == Resuming }

// Stored says whether an item can be in this phase: the others are of reports alone.
func (p Phase) Stored() bool {
	return slices.Contains([]Phase{
		Running, Recorded, Pausing, Paused, Resuming, Resumed, Untouched, Drifted, Failed, Gone, GivenUp, Unpausable, Protected,
	}, p)
}

// State is how far the engine has brought a resource. One run at a time writes it, under the
// lease of the resource's shard.
type State struct {
	Phase   Phase  `json:"phase"`
	Order   int    `json:"order"`             // the order that governs it
	Reached int    `json:"reached,omitempty"` // the last order whose goal was observed
	Reason  string `json:"reason,omitempty"`  // for Failed, Drifted, Gone and verdicts after a step

	Step        string    `json:"step,omitempty"` // last step begun
	AttemptedAt time.Time `json:"attemptedAt,omitzero"`
	AnsweredAt  time.Time `json:"answeredAt,omitzero"` // zero while the call's fate is unknown
	Attempts    int       `json:"attempts,omitempty"`  // refused tries of Step in a row; throttles do not count
	Left        Fields    `json:"left,omitempty"`      // what our steps set since the original was taken

	Wait      *Wait     `json:"wait,omitempty"`
	LookAt    time.Time `json:"lookAt,omitzero"`    // when to look again
	WakesAt   time.Time `json:"wakesAt,omitzero"`   // when AWS itself will start it again
	GoneSince time.Time `json:"goneSince,omitzero"` // first look at which AWS said it does not exist
	ByAWS     Fields    `json:"byAWS,omitempty"`    // fields AWS changed at stop and start: old → new
}

// Item is a resource with an original in the snapshot.
type Item struct {
	Resource Resource `json:"resource"`
	Order    int      `json:"order"` // the order that paused it: part of the original's key
	Original Original `json:"original"`
	Parts    []Part   `json:"parts,omitempty"` // in the order they were recorded
	State    State    `json:"state"`

	// Seen is the latest observation of this run; it is not stored.
	Seen Observation `json:"-"`
	// Want is what the governing order wants. It is not stored.
	Want Want `json:"-"`
	// Force says that the governing order puts back also what somebody changed since the pause:
	// Decide then treats a drifted field as if we had left it so. It is not stored.
	Force bool `json:"-"`
}

// Settled says whether the goal of the order that governs the item has been observed.
func (it Item) Settled() bool { return it.State.Order != 0 && it.State.Reached == it.State.Order }
