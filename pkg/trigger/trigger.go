// Package trigger is what the three functions do with an event: an alarm or an operator's
// invocation becomes an order, a tick or an event of RDS becomes a look, and the account is moved
// towards its orders. The functions call it with what Lambda gives them; the CLI calls it too where
// it runs the engine itself, so that both go the same way. It knows no AWS API and no Lambda runtime.
//
// An error means that the invocation should be made again: an order could not be given, the store
// could not be read, or the event is none that the function understands. What goes wrong with a
// single resource is never an error but stands in the report. An invocation may be repeated at any
// time: a message counts once, and a run that died is carried on.
package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots"
)

// Handler answers events for one account. boot.Handler makes one.
type Handler struct {
	// Engine makes the engine of one invocation, which tells on of everything that happens.
	Engine   func(on func(engine.Event)) *engine.Engine
	Store    snapshots.Store
	Declared map[killswitch.Kind]killswitch.Declaration // every kind of the brake
	Account  string
	Settings settings.Settings
	// Prices fills the dollars into a report of the snapshot, as far as it learns them before the end of
	// the context, and with keep writes them down for the next run; nil where there are none. Its error is
	// that they could not be kept.
	Prices func(ctx context.Context, s snapshots.Snapshot, r *report.Report, keep bool) error
	// Notify tells humans; nil where the owner has named no topic for that.
	Notify func(context.Context, report.Notification) error
	// Command is how an operator's shell begins a command of the CLI for this account.
	Command string
	Log     *slog.Logger       // nil means no log
	On      func(engine.Event) // told besides the log; may be nil
}

// Answer is what a function answers.
type Answer struct {
	// Report is of the live snapshot, or of the one that this run has closed. It has no resources
	// where there was nothing to look at.
	Report   report.Report `json:"report"`
	Snapshot string        `json:"snapshot,omitempty"` // the id of the report's snapshot
	Order    int           `json:"order,omitempty"`    // the number of the last order that was given now
	DryRun   bool          `json:"dryRun,omitempty"`   // the report is a plan, and nothing was changed
	Idle     bool          `json:"idle,omitempty"`     // nothing was live, or nothing due
	Closed   bool          `json:"closed,omitempty"`   // everything is back, the snapshot is closed
	Ignored  string        `json:"ignored,omitempty"`  // why an alarm gave no order
	Notice   []string      `json:"notice,omitempty"`   // what a human has to read, a line each
	// Short: the report lacks its resources and problems, which are more than Lambda lets a function answer. Its
	// summary is that of all.
	Short bool `json:"short,omitempty"`
	// LookAt is when the guard looks next; zero where nothing is live.
	LookAt time.Time `json:"lookAt,omitzero"`
	// Export is the portion of a snapshot that was asked for.
	Export *snapshots.Portion `json:"export,omitempty"`
}

// BadEvent is an event that a function cannot understand. Nothing was changed.
type BadEvent struct{ Why string }

func (e BadEvent) Error() string { return e.Why }

func badEvent(format string, args ...any) error { return BadEvent{fmt.Sprintf(format, args...)} }

// NothingLive is the answer to a resume when nothing is paused. It is engine.ErrNothingLive under
// a name of its own, since over the Invoke API an error is known by the name of its type.
type NothingLive struct{ Account string }

func (e NothingLive) Error() string {
	return fmt.Sprintf("%v in account %s; `aws-hit-breaks snapshots` lists what there was", engine.ErrNothingLive, e.Account)
}

// Unwrap gives engine.ErrNothingLive.
func (e NothingLive) Unwrap() error { return engine.ErrNothingLive }

// MaxInvocation is the size of the largest invocation of an operator or of EventBridge, in bytes:
// as much as an event of EventBridge may have
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html). Messages of SNS
// are held to their own limit one by one.
const MaxInvocation = 256 << 10

// carry moves the account towards its orders and adds how that went to the answer.
func (h *Handler) carry(ctx context.Context, e *engine.Engine, a engine.Attention, answer *Answer) error {
	answer.Report = report.Empty(h.Account)
	outcome, err := e.Reconcile(ctx, a)
	if err != nil {
		return explained(err)
	}
	// Where another run works on every region, it tells of what comes of that.
	answer.Idle = outcome.Idle || a.Due && outcome.Live != nil && len(outcome.Busy) > 0 && len(outcome.Busy) == len(outcome.Live.Regions)
	answer.Closed = outcome.Closed != ""
	answer.LookAt = outcome.LookAt
	for _, region := range outcome.Busy {
		answer.notice("another run works on %s; it or the guard carries this on", region)
	}
	answer.Snapshot = outcome.Closed
	if outcome.Live != nil {
		answer.Snapshot = outcome.Live.Snapshot
	}
	if outcome.Idle {
		h.catchUp(ctx, outcome, answer)
	}
	if answer.Snapshot == "" || answer.Idle {
		return nil
	}
	snapshot, r, err := h.report(ctx, answer.Snapshot)
	if err != nil {
		return explained(fmt.Errorf("read snapshot %s for the report: %w", answer.Snapshot, err))
	}
	answer.Report = r
	answer.Report.Unlisted(outcome.Unlisted)
	h.tellOf(ctx, snapshot, &answer.Report, outcome, !a.Due, answer)
	return nil
}

// report reads a snapshot, without its shards, and makes its report while it reads these.
func (h *Handler) report(ctx context.Context, id string) (snapshots.Snapshot, report.Report, error) {
	snapshot, shards, err := h.Store.Shards(ctx, h.Account, id)
	if err != nil {
		return snapshot, report.Report{}, err
	}
	r, err := report.Read(snapshot, shards, h.Declared)
	return snapshot, r, err
}

// notice adds a line for a human.
func (a *Answer) notice(format string, args ...any) {
	a.Notice = append(a.Notice, fmt.Sprintf(format, args...))
}

// plan answers a dry run.
func (h *Handler) plan(ctx context.Context, e *engine.Engine, request engine.Request) (Answer, error) {
	snapshot, err := e.Plan(ctx, request)
	if err != nil {
		return Answer{}, h.named(err)
	}
	answer := Answer{Report: report.Of(snapshot, h.Declared), Snapshot: snapshot.Header.Snapshot, DryRun: true}
	h.price(ctx, snapshot, &answer.Report, false, &answer) // a dry run writes nothing
	return answer, nil
}

// order gives one order.
func (h *Handler) order(ctx context.Context, e *engine.Engine, request engine.Request, answer *Answer) (engine.Ordered, error) {
	ordered, err := e.Order(ctx, request)
	if err != nil {
		return ordered, h.named(err)
	}
	if ordered.Ignored != "" {
		answer.Ignored = ordered.Ignored
		return ordered, nil
	}
	answer.Order = ordered.Order.Seq
	return ordered, nil
}

// invoked does what an operator asked for.
func (h *Handler) invoked(ctx context.Context, act killswitch.Act, in Invocation) (Answer, error) {
	e := h.Engine(h.events())
	request := engine.Request{Act: act, Scope: in.Scope, Actor: in.Actor, Force: in.Force, At: time.Now().UTC()}
	if in.DryRun {
		return h.plan(ctx, e, request)
	}
	var answer Answer
	if _, err := h.order(ctx, e, request, &answer); err != nil {
		return answer, err
	}
	return answer, h.carry(ctx, e, engine.Attention{}, &answer)
}

// named gives an error the type it is known by.
func (h *Handler) named(err error) error {
	if errors.Is(err, engine.ErrNothingLive) {
		return NothingLive{h.Account}
	}
	return explained(err)
}
