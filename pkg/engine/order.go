package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// ErrNothingLive is the answer to a resume, and to giving something up, when nothing is paused.
var ErrNothingLive = errors.New("nothing is paused: there is no live snapshot")

// NothingLive is the error of an account without a LIVE item: ErrNothingLive, or, where a snapshot was
// opened and never closed, that its LIVE item is lost.
func NothingLive(ctx context.Context, store snapshots.Store, account string) error {
	headers, err := store.Headers(ctx, account, 10)
	if err != nil {
		return fmt.Errorf("list snapshots of account %s: %w", account, err)
	}
	for _, h := range headers {
		if h.Opened.IsZero() || !h.Closed.IsZero() {
			continue
		}
		if live, err := store.Live(ctx, account); live != nil || err != nil { // opened just now
			return errors.Join(err, ErrNothingLive)
		}
		return fmt.Errorf("snapshot %s of account %s was opened and never closed, but the item LIVE of account %s is missing in %s: "+
			"restore that item from a point-in-time recovery of the table or a backup of the file, or import an export of the snapshot "+
			"(aws-hit-breaks snapshots import); what was paused stays so until then",
			h.Snapshot, account, account, store.Where())
	}
	return ErrNothingLive
}

// Request asks for an order.
type Request struct {
	Act   killswitch.Act
	Scope killswitch.Scope
	Actor string // who the operator is; "alarm" for an alarm
	Alarm *killswitch.AlarmRef
	At    time.Time // when the alarm was raised, or now
	Force bool
}

// Ordered is what became of a request.
type Ordered struct {
	Live     *snapshots.Live // nil when nothing is live
	Order    killswitch.Order
	Appended bool
	Ignored  string // why no order was given now, for a human
	Seen     bool   // since the message had been seen before, and what it asks for has been decided then
}

// Order appends an order to the account's live snapshot, opening one for a pause. It changes
// nothing in the account: Reconcile does. An alarm that is older than the last resume is history;
// one that repeats after an operator's resume only notifies, since the operator has decided.
func (e *Engine) Order(ctx context.Context, r Request) (Ordered, error) {
	live, err := e.Store.Live(ctx, e.Account)
	if err != nil {
		return Ordered{}, fmt.Errorf("read live snapshot of account %s: %w", e.Account, err)
	}
	if r.Act != killswitch.Pause && live == nil {
		return Ordered{}, NothingLive(ctx, e.Store, e.Account)
	}
	message := ""
	if r.Alarm != nil {
		message = r.Alarm.ID
		past, err := e.orders(ctx, live)
		if err != nil {
			return Ordered{}, err
		}
		if why := decided(past, r); why != "" {
			return Ordered{Live: live, Ignored: why}, nil
		}
	}
	order := killswitch.Order{
		Act: r.Act, Scope: r.Scope, Actor: r.Actor, Alarm: r.Alarm, At: r.At.UTC(), Force: r.Force,
	}
	given, err := e.Store.Give(ctx, e.Account, order, message)
	if err != nil {
		return Ordered{}, fmt.Errorf("give the %s order for account %s: %w", r.Act, e.Account, err)
	}
	ordered := Ordered{Live: given.Live, Order: given.Order, Appended: given.Appended}
	if !given.Appended {
		ordered.Ignored, ordered.Seen = "this message has been seen before", true
	}
	return ordered, nil
}

// orders are those that a new alarm is judged by: of the live snapshot, or of the last closed ones.
func (e *Engine) orders(ctx context.Context, live *snapshots.Live) ([]killswitch.Order, error) {
	headers, err := e.Store.Headers(ctx, e.Account, 10)
	if err != nil {
		return nil, fmt.Errorf("list snapshots of account %s: %w", e.Account, err)
	}
	var past []killswitch.Order
	for i := len(headers) - 1; i >= 0; i-- {
		if live == nil || headers[i].Snapshot != live.Snapshot {
			past = append(past, headers[i].Orders...)
		}
	}
	if live != nil {
		past = append(past, live.Orders...)
	}
	return past, nil
}

// decided says why an alarm gives no order, given the orders before it, oldest first.
func decided(past []killswitch.Order, r Request) string {
	paused := false
	for _, o := range past {
		switch {
		case o.Act == killswitch.Pause && o.Alarm != nil && o.Alarm.Key == r.Alarm.Key:
			paused = true
		case o.Act == killswitch.Resume && r.At.Before(o.At):
			return fmt.Sprintf("the alarm was raised at %s, before the resume of %s: it is history",
				r.At.UTC().Format(time.RFC3339), o.At.UTC().Format(time.RFC3339))
		case o.Act == killswitch.Resume && paused:
			return fmt.Sprintf("%s resumed at %s after this same alarm: the operator has decided, so it only notifies",
				o.Actor, o.At.UTC().Format(time.RFC3339))
		}
	}
	return ""
}
