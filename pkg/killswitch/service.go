package killswitch

import (
	"context"
	"iter"
	"slices"
	"time"
)

// Service is one kind of resource in one region of one account. Implementations are stateless
// between calls, safe for concurrent use, and never sleep, but for the moment in which looks or
// starts that fall together become one call: waiting is the engine's.
//
// Every method passes ctx to the SDK. The SDK's standard retryer is below; an error that comes out
// of a call is final for that call.
type Service interface {
	Declaration() Declaration

	// Discover lists every resource of the kind, running or not, page by page in AWS's order. An
	// error ends the sequence: half a list never looks whole. It makes no mutating call.
	Discover(ctx context.Context) iter.Seq2[Found, error]

	// Observe looks at the given items by id, in as few calls as the API allows. Its answer has an
	// entry for every item. Absence from a listing is Unknown; Gone needs AWS's own word for that
	// id. An error means nothing was learnt about any.
	Observe(ctx context.Context, items []Item) (map[Ref]Observation, error)

	// Decide says what brings the item nearer to what is wanted. It is pure: the same arguments
	// give the same decision. It is called with an observation that is Present; Gone and Unknown
	// are the engine's. A state that passes by itself is a wait, a reason that stays is a verdict.
	Decide(want Want, it Item, seen Observation, now time.Time) Decision

	// Act takes one step for up to Step.Batch items with one mutating AWS call where the API has a
	// batch, and returns one Result per item in the same order. When AWS refuses the whole batch
	// for one member, the Results carry that error wrapped in BatchRefused and the engine tries
	// smaller batches; a member that AWS names as the reason carries the error itself. it.Seen holds the latest observation of each item.
	Act(ctx context.Context, step string, batch []Item) []Result
}

// Declaration is what a service says of itself. The IAM policy, the tables in the docs, the
// filter's vocabulary and the conformance suite are derived from it.
type Declaration struct {
	Kind   Kind
	Title  string   // plural, for humans: "EC2 instances"
	Schema int      // version of its Original
	Lists  []string // the IAM actions of Discover that nothing else needs
	Reads  []string // those of every other look
	Steps  []Step
	// ListedAfter names kinds that run on resources of this kind (the services on their hosts) and may
	// protect them: nothing of this kind is touched in a region before they are listed there.
	ListedAfter []Kind
	// Beneath names what AWS ends by itself once this resource is down: the groups of hosts that a
	// capacity provider scales in when no task runs on them. It is paused only when these hold still, and
	// their members only when it is down; they get back what ends their members only when it is back. Nil
	// where there are none.
	Beneath func(Ref, Original) []Ref
	// ByAWS lists the fields that AWS itself changes at any stop and start, with the page that
	// says so: these are outside "exactly".
	ByAWS []ChangedByAWS
	// ByHand says how a person puts a resource back without the brake: commands of the AWS CLI, each the
	// words after "aws". The original is nil where it cannot be read; what is not known then stands in <>.
	ByHand func(Ref, *Original, []Part) [][]string
	// Check reads an original and its parts and says what is wrong with them.
	Check func(Original, []Part) error
}

// ChangedByAWS is one field that AWS changes at any stop and start.
type ChangedByAWS struct{ Field, Source string }

// Step is one kind of call that brings a resource nearer to what is wanted.
type Step struct {
	Name  string // verb-noun: "stop-instances"
	Want  Want
	Wave  int    // order among the steps of one want; see design: pausing 1–4, resuming 1–5
	Calls string // the IAM action of its mutating call; also names its token bucket
	// Needs are the IAM actions that AWS asks of the caller besides: what it does in the caller's name
	// behind the call.
	Needs []string
	Batch int // most items in one call
	// Checked says that what the step starts is back when AWS has checked it: a look before that shows nothing.
	Checked bool
}

// Actions are the IAM actions that it takes to bring resources to one of the wants, sorted: the looks,
// and what the steps call and need. Only a pause has to find resources; what is resumed is known.
// Without a want these are all the looks there are.
func (d Declaration) Actions(wants ...Want) []string {
	all := slices.Clone(d.Reads)
	if len(wants) == 0 || slices.Contains(wants, WantPaused) {
		all = append(all, d.Lists...)
	}
	for _, step := range d.Steps {
		if slices.Contains(wants, step.Want) {
			all = append(append(all, step.Calls), step.Needs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Waves of pausing and resuming. A wave of a pause is over when its calls are accepted, a wave of
// a resume when its goals are observed.
const (
	PauseScalers   = 1 // what would fight back: scaling targets, group processes
	PauseServices  = 2 // ECS services
	PauseInstances = 3 // instances and group members
	PauseDatabases = 4 // last, so that writers have drained

	ResumeDatabases = 1
	ResumeInstances = 2 // members and instances, then Launch, HealthCheck, AddToLoadBalancer
	ResumeServices  = 3 // ECS desired counts
	ResumeScalers   = 4 // the processes that act on what they see
	ResumeTargets   = 5 // scaling targets
)

// Found is one resource of a listing, with its original where it could be paused.
type Found struct {
	Resource Resource
	State    string // AWS's own word
	Active   bool   // costs money by the hour now, so a pause has something to do
	// Seen is the observation that the listing amounts to, so that no second look is needed.
	Seen Observation
	// Original is set where Active and neither Verdict nor Owner is.
	Original Original
	// Verdict says why it cannot be paused; empty where it can.
	Verdict string
	// Owner is the resource through which it is paused (the group of a member). It then is not
	// a resource of its own and only protects its owner.
	Owner *Ref
	// Parts are resources inside it, by ref and tags: protection of a part protects the whole.
	Parts []Resource
	// Hosts are resources it runs on: instances, or the groups whose members these are. A protected
	// resource protects its hosts. Others are paused after it, so that what is never paused need not name them.
	Hosts []Ref
	// Beneath is what Declaration.Beneath names, as long as it runs. Where it is not paused, neither is that.
	Beneath []Ref
	// Weight orders what goes first: roughly dollars per hour, by size until prices are known.
	Weight float64
	// MayRefuse says what only AWS can tell and may make the pause impossible; dry run shows it.
	MayRefuse string
}

// Presence is whether a resource was seen.
type Presence int

// What an observation can say about existence.
const (
	Unknown Presence = iota // not in an answer that could have been incomplete
	Present
	Absent // AWS said NotFound or terminated for this very id
)

// Observation is one look at one resource.
type Observation struct {
	Presence Presence
	Evidence string    // of Absent: AWS's code or state
	At       time.Time // when the look began
	State    string    // AWS's own word, for humans
	Resource any       // the service's own type
}

// Do is what a decision asks for.
type Do int

// The decisions.
const (
	Done     Do = iota + 1 // observed as wanted
	TakeAct                // take Step
	Hold                   // wait; look again at Until
	Refuse                 // a verdict: Reason stays
	Drift                  // somebody changed it: leave it alone, tell
	Replaced               // it is gone, and another has its name: Reason is how AWS shows it
)

// Decision is what Decide says about one item.
type Decision struct {
	Do     Do
	Step   string    // TakeAct
	Leaves Fields    // TakeAct: touched fields as they will be after the step
	Record []Part    // TakeAct: originals of parts that must be durable before the step
	Units  int       // TakeAct: resource tokens the call takes (instances); 0 means 1
	Until  time.Time // Hold: not before; zero means the engine's usual cadence
	Reason string    // Hold: what for; Refuse, Drift and Replaced: why
	// Wave is, for Hold, the wave whose goal is being waited for: resuming, later waves wait too.
	Wave int
	// Apart says that the step waits for no other resource's: nothing that is still to be paused acts on
	// this one, nor loses by its pause. Later waves wait for it as for any other (TakeAct).
	Apart bool
	// Doubtful says that AWS may well refuse the step, and with it every other in its call (TakeAct).
	Doubtful bool
	// SeenAt is when that was seen from which the step was decided, where it must not be long ago by its
	// turn: the resource is then looked at once more, together with those whose turn comes next (TakeAct).
	SeenAt time.Time
	// WakesAt is when AWS itself will start the resource again, where known.
	WakesAt time.Time
	// ByAWS are fields that AWS changed at the stop and start, "old → new" (Done after a resume).
	ByAWS Fields
}

// Result is what became of one item of a batch.
type Result struct {
	Err error
	// Seen is the state after the step where the answer tells it, so that Decide may go on without
	// another look. Nil: look first.
	Seen *Observation
	// Further is how many units of the step's bucket (Decision.Units) calls after the first have taken.
	Further int
}

// BatchRefused wraps the error of a call that AWS refused as a whole, possibly for one member.
type BatchRefused struct {
	Err error
	// Named says that AWS's answer names something of this very item, which is tried alone next.
	Named bool
}

func (e BatchRefused) Error() string { return e.Err.Error() }

// Unwrap gives AWS's own error.
func (e BatchRefused) Unwrap() error { return e.Err }
