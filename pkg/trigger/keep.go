package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// Keeping is what an operator wants done with a stored snapshot, in the place of a resume. It is the
// resume function that does it: who may put things back may end what cannot be.
type Keeping struct {
	Do Deed   `json:"do"`
	ID string `json:"id"` // of the snapshot
	// From is for an export where it goes on, as the last answer said.
	From string `json:"from,omitempty"`
	// Records are a portion of what is imported, and Whole comes with the last.
	Records []snapshots.Exported `json:"records,omitempty"`
	Whole   *snapshots.Whole     `json:"whole,omitempty"`
}

// Deed is something that is done with a snapshot.
type Deed string

// The deeds.
const (
	DoGiveUp Deed = "give-up" // what the scope of the invocation names
	DoExport Deed = "export"
	DoImport Deed = "import"
	DoDelete Deed = "delete"
)

// MaxImport is the size of the largest invocation that imports, in bytes: the 6 MB of Lambda
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const MaxImport = 6 << 20

// NoSnapshot is the answer where the snapshot does not exist, or is not the one that is live, under a
// name that is told over the Invoke API.
type NoSnapshot struct{ Err error }

func (e NoSnapshot) Error() string { return e.Err.Error() }

// Unwrap gives the store's error.
func (e NoSnapshot) Unwrap() error { return e.Err }

// check refuses what cannot be meant.
func (in Invocation) checkKeeping() error {
	k := in.Snapshot
	if k.ID == "" {
		return badEvent("the invocation does not say which snapshot: add its id")
	}
	if in.DryRun || in.Force {
		return badEvent("%s knows neither dryRun nor force: leave them out", k.Do)
	}
	if k.From != "" && k.Do != DoExport || (len(k.Records) > 0 || k.Whole != nil) && k.Do != DoImport {
		return badEvent("from is of an export, records and whole are of an import: leave them out to %s", k.Do)
	}
	switch k.Do {
	case DoGiveUp:
		if err := CheckGiveUp(in.Scope); err != nil {
			return badEvent("%v", err)
		}
		return nil
	case DoExport, DoImport, DoDelete:
		if report.ScopeText(in.Scope) != "" {
			return badEvent("%s is of a whole snapshot: leave the scope out", k.Do)
		}
		return nil
	}
	return badEvent("nobody knows how to %.40q a snapshot: it is give-up, export, import or delete", string(k.Do))
}

// CheckGiveUp refuses a scope that does not name what is given up: each by its id, or, for what has lost
// its name, a kind in a region.
func CheckGiveUp(s killswitch.Scope) error {
	switch {
	case len(s.Tags) > 0 || s.Exclude != nil:
		return errors.New("what is given up is named by its id, not by tags or exclusions")
	case len(s.IDs) == 0 && (len(s.Regions) == 0 || len(s.Services) == 0):
		return errors.New("what is given up has to be named: by ids; or by a region and a kind, for what is lost in the store without a name")
	}
	return nil
}

// keep does what is wanted with a stored snapshot.
func (h *Handler) keep(ctx context.Context, in Invocation) (Answer, error) {
	k := *in.Snapshot
	h.log().InfoContext(ctx, "snapshot", slog.String("do", string(k.Do)), slog.String("id", k.ID), slog.String("actor", in.Actor))
	if k.Do != DoGiveUp {
		return Keep(ctx, h.Store, h.Account, k)
	}
	if err := WantLive(ctx, h.Store, h.Account, k.ID); err != nil {
		return Answer{}, h.named(err)
	}
	e := h.Engine(h.events())
	var answer Answer
	request := engine.Request{Act: killswitch.GiveUp, Scope: in.Scope, Actor: in.Actor, At: time.Now().UTC()}
	if _, err := h.order(ctx, e, request, &answer); err != nil {
		return answer, err
	}
	return answer, h.carry(ctx, e, engine.Attention{}, &answer)
}

// Keep exports, imports or deletes a snapshot, in a function or wherever else a store is at hand.
func Keep(ctx context.Context, store snapshots.Store, account string, k Keeping) (Answer, error) {
	answer := Answer{Report: report.Empty(account), Snapshot: k.ID}
	var err error
	switch k.Do {
	case DoExport:
		var portion snapshots.Portion
		portion, err = store.Export(ctx, account, k.ID, k.From)
		answer.Export = &portion
	case DoImport:
		err = store.Import(ctx, account, k.ID, k.Records, k.Whole)
	case DoDelete:
		err = store.Delete(ctx, account, k.ID)
	case DoGiveUp: // an order, and not the store's
		err = fmt.Errorf("snapshot %s: to give up is an order", k.ID)
	}
	if errors.Is(err, snapshots.ErrNoSnapshot) {
		err = NoSnapshot{err}
	}
	return answer, explained(err)
}

// WantLive fails unless the snapshot of that id is the live one.
func WantLive(ctx context.Context, store snapshots.Store, account, id string) error {
	live, err := store.Live(ctx, account)
	if err != nil {
		return err
	}
	if live != nil && live.Snapshot == id {
		return nil
	}
	headers, err := store.Headers(ctx, account, 0)
	if err != nil {
		return err
	}
	for _, h := range headers {
		switch {
		case h.Snapshot != id:
		case h.Opened.IsZero():
			return fmt.Errorf("the header of snapshot %s cannot be read, and it is not live: `aws-hit-breaks snapshots check %s` says more", id, id)
		case h.Closed.IsZero():
			return engine.NothingLive(ctx, store, account)
		default:
			return NoSnapshot{fmt.Errorf("snapshot %s was closed at %s: nothing of it is paused any more", id, h.Closed.UTC().Format(time.RFC3339))}
		}
	}
	return NoSnapshot{fmt.Errorf("%s of account %s in %s: %w", id, account, store.Where(), snapshots.ErrNoSnapshot)}
}

// MayGiveUp says whether a resource of a report is one that giving up the scope is about.
func MayGiveUp(s killswitch.Scope, account string, r report.Resource) bool {
	return !r.Phase.Closed() && !r.IsLeftAlone() && filter.Match(s, killswitch.Resource{Ref: r.Ref(account)})
}
