package command

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

func newSnapshotsList(c *cli) *cobra.Command {
	cmd := newSnapshot(c, "list", "List the snapshots, newest first", (*session).listSnapshots)
	cmd.Long = `List the snapshots, newest first: who gave the first order and for which resources, how everything in it stands, and
what its pause saves, or saved until it was over.` + exits
	dataFlags(cmd, c, "list")
	return cmd
}

func (s *session) listSnapshots(ctx context.Context, _ []string) error {
	headers, err := s.store.Headers(ctx, s.account, 0)
	if err != nil {
		return err
	}
	costs, cancel := context.WithTimeout(ctx, pricesWithin)
	defer cancel()
	list, unread := report.List{Snapshots: []report.Listed{}}, 0
	for _, h := range headers {
		l := report.ListedAs(h)
		if l.Phase != report.SnapshotUnreadable {
			if l, err = s.withCosts(ctx, costs, h, l); err != nil {
				return err
			}
		}
		if l.Saving.Hourly == nil && costs.Err() != nil {
			unread++
		}
		list.Snapshots = append(list.Snapshots, l)
	}
	return s.data("list", list, func(screen *ui.Screen) { screen.Table(snapshotTable(list)) }, func() {
		s.screen.Say("%s in %s", report.Count(len(headers), "snapshot"), s.store.Where())
		if unread > 0 {
			s.screen.Say("what %s saved was not learnt within %s: snapshots show ID takes its time for one", report.Count(unread, "snapshot"), pricesWithin)
		}
	})
}

// withCosts reads a whole snapshot, for its dollars and, where it is live, for how it stands. A header has neither. What is
// closed is waited for no longer than for prices.
func (s *session) withCosts(ctx, costs context.Context, h snapshots.Header, l report.Listed) (report.Listed, error) {
	reading := costs
	if h.Closed.IsZero() {
		reading = ctx
	}
	stored, err := s.store.Snapshot(reading, s.account, h.Snapshot)
	switch {
	case err != nil && (h.Closed.IsZero() || costs.Err() == nil):
		return l, fmt.Errorf("read snapshot %s: %w", h.Snapshot, err)
	case err != nil:
		return l, nil //nolint:nilerr // there was no time for the dollars of what is closed
	}
	r := report.Of(stored, boot.Declared())
	if err := s.pricer().Into(costs, &r, nil); err != nil {
		s.screen.Say("%s", line(err))
	}
	return l.With(r, stored.Live != nil), nil
}

func snapshotTable(list report.List) ui.Table {
	wide := ui.Table{Header: []string{"SNAPSHOT", "OPENED", "CLOSED", "ORDERS", "BY", "ALARM", "FILTER", "SAVES $/HOUR", "$/MONTH", "RESOURCES"}}
	narrow := ui.Table{Header: []string{"SNAPSHOT", "OPENED, CLOSED", "FIRST ORDER, RESOURCES, SAVING"}}
	for _, l := range list.Snapshots {
		closed, by, first := cmp.Or(moment(l.Closed), string(l.Phase)), l.Actor, firstOrder(l)
		if len(l.Orders) == 0 {
			closed, by = string(l.Phase), first
		}
		hourly, monthly := report.Figure(l.Saving.Hourly), report.Figure(l.Saving.Monthly)
		if n := l.Saving.Unknown; n > 0 && l.Saving.Hourly != nil {
			hourly += " and " + strconv.Itoa(n) + " unknown"
		}
		counts := report.Tally(l.Counts)
		wide.Rows = append(wide.Rows, []string{
			l.Snapshot, moment(l.Opened), closed, strconv.Itoa(len(l.Orders)), by, l.Alarm, l.Scope, hourly, monthly, counts,
		})
		narrow.Rows = append(narrow.Rows, []string{
			l.Snapshot, moment(l.Opened) + "\n" + closed, first + "\n" + counts + "\nsaves an hour: " + hourly + "; a month: " + monthly,
		})
	}
	wide.Narrow = &narrow
	return wide
}

// firstOrder is how a snapshot began, in words.
func firstOrder(l report.Listed) string {
	if len(l.Orders) == 0 {
		return "unreadable: see aws-hit-breaks snapshots check " + l.Snapshot
	}
	text := string(l.Orders[0].Act) + " by " + l.Actor
	if l.Alarm != "" {
		text += ": " + l.Alarm
	}
	if l.Scope != "" {
		text += " (only " + l.Scope + ")"
	}
	if more := len(l.Orders) - 1; more > 0 {
		text += ", and " + report.Count(more, "later order")
	}
	return text
}

// moment is a time to the second; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
