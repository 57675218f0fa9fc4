package trigger

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"aws-hit-breaks/pkg/alarm"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// patience is how long a message to humans may hold up the end of an invocation. By then the run has
// ended and its leases are released.
const patience = 15 * time.Second

// late is how long after the end of a snapshot humans are still told of it.
const late = 24 * time.Hour

// tellOf tells humans how a snapshot stands, where that is due: once when an order is known to be
// under way, unless everything is done by then; once when everything is done that can be; once when it
// was closed. What was told is noted afterwards, so that a run that dies in between tells again,
// and one whose message could not be sent leaves it to the next that looks. The report gets its dollars
// where somebody is told, or reads it as the answer.
func (h *Handler) tellOf(ctx context.Context, s snapshots.Snapshot, r *report.Report, outcome engine.Outcome, read bool, answer *Answer) {
	moment, told := due(s, *r, outcome)
	tells := h.Notify != nil && moment != ""
	if tells || read {
		h.price(ctx, s, r, true, answer)
	}
	if !tells {
		return
	}
	if h.send(ctx, r.Notification(moment, h.Command), answer) != nil {
		return
	}
	if err := h.Store.Tell(ctx, h.Account, r.Snapshot, told); err != nil {
		h.log().WarnContext(ctx, "what was told is not noted, and is told again", slog.String("error", explained(err).Error()))
	}
}

// due says what humans have to be told of a snapshot, and what they then have been told.
func due(s snapshots.Snapshot, r report.Report, outcome engine.Outcome) (report.Moment, snapshots.Told) {
	if s.Live == nil {
		if s.Header.Told.Closed || s.Header.Closed.IsZero() {
			return "", snapshots.Told{}
		}
		return report.Closed, snapshots.Told{Closed: true}
	}
	last := s.Live.Last().Seq
	switch {
	case s.Live.Told.Settled < last && r.Summary.Pending == 0 && outcome.Unlisted == "":
		return report.Settled, snapshots.Told{Begun: last, Settled: last}
	case s.Live.Told.Begun < last && (listed(r) || len(outcome.Busy) == 0):
		return report.Begun, snapshots.Told{Begun: last}
	}
	return "", snapshots.Told{}
}

// listed says whether it is known what there is. A run works on for as long as something is on its way,
// up to a quarter of an hour, so that it is the guard, which finds the regions taken, that tells of it
// first; before everything is listed it leaves that to the run.
func listed(r report.Report) bool {
	return !slices.ContainsFunc(r.NotInspected, func(n report.NotInspected) bool { return n.Pending })
}

// catchUp tells what runs before have left untold, where this one had nothing to do.
func (h *Handler) catchUp(ctx context.Context, outcome engine.Outcome, answer *Answer) {
	if h.Notify == nil {
		return
	}
	untold := ""
	if live := outcome.Live; live != nil {
		if live.Told.Settled < live.Last().Seq {
			untold = live.Snapshot
		}
	} else if headers, err := h.Store.Headers(ctx, h.Account, 1); err != nil {
		h.log().WarnContext(ctx, "whether humans were told is not known", slog.String("error", explained(err).Error()))
	} else if len(headers) > 0 && !headers[0].Told.Closed && time.Since(headers[0].Closed) < late {
		untold = headers[0].Snapshot
	}
	if untold == "" {
		return
	}
	s, r, err := h.report(ctx, untold)
	if err != nil {
		h.log().WarnContext(ctx, "a snapshot cannot be told of", slog.String("error", explained(err).Error()))
		return
	}
	h.tellOf(ctx, s, &r, outcome, false, answer)
}

// tellAlarm tells humans of an alarm that pauses nothing. Nothing remembers such an alarm, so that
// where they cannot be told the invocation fails, which AWS repeats and then keeps in the queue of
// what failed.
func (h *Handler) tellAlarm(ctx context.Context, a alarm.Alarm, why string, answer *Answer) error {
	if h.Notify == nil {
		return nil
	}
	text := a.Text
	if a.Subject != "" {
		text = a.Subject + "\n" + text
	}
	return h.send(ctx, report.AlarmNotification(h.Account, a.String(), why, text, h.Command), answer)
}

// send sends a notification. Who cannot be told by the topic is by the log and the answer.
func (h *Handler) send(ctx context.Context, n report.Notification, answer *Answer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := h.Notify(ctx, n)
	if err != nil {
		err = fmt.Errorf("humans were not told %q: %w", n.Subject, err)
		h.log().WarnContext(ctx, "notification not sent", slog.String("subject", n.Subject), slog.String("error", err.Error()))
		answer.notice("%v", err)
		return err
	}
	h.log().InfoContext(ctx, "notification sent", slog.String("subject", n.Subject))
	return nil
}
