package command

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

func newSnapshots(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshots",
		Short: "List, show, check and keep what is recorded",
		Long: `List, show, check and keep what is recorded: one snapshot for each emergency, with its orders and
how everything was before.` + exits,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	show := newSnapshot(c, "show ID", "Show how everything in a snapshot stands", (*session).showSnapshot)
	outputFlags(show, c)
	cmd.AddCommand(
		newSnapshot(c, "list", "List the snapshots, newest first", (*session).listSnapshots),
		show,
		newSnapshotResume(c), newGiveUp(c), newExport(c), newImport(c), newDelete(c),
		newSnapshot(c, "check ID", "Read a whole snapshot and name everything wrong with it", (*session).checkSnapshot),
	)
	return cmd
}

// newSnapshot makes a command that reads the store.
func newSnapshot(c *cli, use, short string, run func(*session, context.Context, []string) error) *cobra.Command {
	local := false
	cmd := &cobra.Command{
		Use: use, Short: short, Long: short + "." + exits,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := c.open(cmd.Context(), local)
			if err != nil {
				return err
			}
			defer s.close()
			return run(s, cmd.Context(), args)
		},
	}
	localFlag(cmd, &local)
	return cmd
}

func (s *session) listSnapshots(ctx context.Context, _ []string) error {
	headers, err := s.store.Headers(ctx, s.account, 0)
	if err != nil {
		return err
	}
	for i, h := range headers {
		if h.Opened.IsZero() || !h.Closed.IsZero() {
			continue
		}
		if headers[i], err = s.asItStands(ctx, h); err != nil {
			return err
		}
	}
	if s.json {
		return s.screen.JSON(struct {
			Snapshots []snapshots.Header `json:"snapshots"`
		}{append([]snapshots.Header{}, headers...)})
	}
	wide := ui.Table{Header: []string{"SNAPSHOT", "OPENED", "CLOSED", "ORDERS", "BY", "ALARM", "FILTER", "RESOURCES"}}
	narrow := ui.Table{Header: []string{"SNAPSHOT", "OPENED, CLOSED", "FIRST ORDER, RESOURCES"}}
	for _, h := range headers {
		l := listed(h)
		wide.Rows = append(wide.Rows, []string{h.Snapshot, l.opened, l.closed, l.orders, l.by, l.alarm, l.filter, l.resources})
		narrow.Rows = append(narrow.Rows, []string{h.Snapshot, l.opened + "\n" + l.closed, l.first + "\n" + l.resources})
	}
	wide.Narrow = &narrow
	s.screen.Table(wide)
	s.screen.Say("%s in %s", report.Count(len(headers), "snapshot"), s.store.Where())
	return nil
}

// asItStands is the header of a snapshot that was not closed, with the orders and the counts that a
// header has only once it is.
func (s *session) asItStands(ctx context.Context, h snapshots.Header) (snapshots.Header, error) {
	stored, err := s.store.Snapshot(ctx, s.account, h.Snapshot)
	if err != nil || stored.Live == nil {
		return h, err
	}
	h.Orders, h.Regions, h.Counts = stored.Live.Orders, stored.Live.Regions, map[string]int{}
	for _, resource := range report.Of(stored, boot.Declared()).Resources {
		if !resource.IsLeftAlone() {
			h.Counts[string(resource.Phase)]++
		}
	}
	return h, nil
}

// snapshotLine is a snapshot in a list.
type snapshotLine struct{ opened, closed, orders, by, alarm, filter, first, resources string }

func listed(h snapshots.Header) snapshotLine {
	l := snapshotLine{
		opened: moment(h.Opened), closed: cmp.Or(moment(h.Closed), "live"), orders: strconv.Itoa(len(h.Orders)), resources: tally(h),
	}
	if len(h.Orders) == 0 {
		l.first = "unreadable: see aws-hit-breaks snapshots check " + h.Snapshot
		l.closed, l.by = "", l.first
		return l
	}
	o := h.Orders[0]
	l.by, l.filter = o.Actor, report.ScopeText(o.Scope)
	l.first = string(o.Act) + " by " + o.Actor
	if o.Alarm != nil {
		l.alarm = o.Alarm.Text
		l.first += ": " + l.alarm
	}
	if l.filter != "" {
		l.first += " (only " + l.filter + ")"
	}
	if more := len(h.Orders) - 1; more > 0 {
		l.first += ", and " + report.Count(more, "later order")
	}
	return l
}

// moment is a time to the second; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func tally(h snapshots.Header) string {
	phases := map[killswitch.Phase]int{}
	for phase, n := range h.Counts {
		phases[killswitch.Phase(phase)] = n
	}
	return report.Tally(phases)
}

func (s *session) showSnapshot(ctx context.Context, args []string) error {
	r, err := s.read(ctx, args[0])
	if err != nil {
		return err
	}
	s.price(ctx, &r, nil)
	s.tell(r)
	if err := s.show(r, r.Headline()); err != nil {
		return err
	}
	return exitOf(r)
}

// checked is what a check found, as JSON.
type checked struct {
	Snapshot string           `json:"snapshot"`
	Problems []report.Problem `json:"problems"`
	// ByHand are the resources that the brake cannot put back for it, with the commands that do.
	ByHand []byHand `json:"byHand"`
}

// byHand is how a resource is put back without the brake.
type byHand struct {
	Resource killswitch.Ref `json:"resource"`
	Commands []string       `json:"commands"`
}

func (s *session) checkSnapshot(ctx context.Context, args []string) error {
	snapshot, err := s.store.Snapshot(ctx, s.account, args[0])
	if err != nil {
		return err
	}
	found := checked{Snapshot: args[0], Problems: []report.Problem{}, ByHand: []byHand{}}
	r := report.Of(snapshot, boot.Declared())
	unreadable := r.In(killswitch.Unreadable)
	for _, resource := range unreadable {
		found.ByHand = append(found.ByHand, byHand{resource.Ref(s.account), resource.ByHand})
	}
	for _, f := range snapshots.Check(snapshot, boot.Declared()) {
		found.Problems = append(found.Problems, report.Problem{Item: f.PK + " " + f.SK, Why: f.Why, Hint: f.Hint})
	}
	if s.json {
		if err := s.screen.JSON(found); err != nil {
			return err
		}
	} else {
		t := ui.Table{Header: []string{"ITEM", "WHAT IS WRONG", "WHAT CAN BE DONE"}}
		for _, p := range found.Problems {
			t.Rows = append(t.Rows, []string{p.Item, p.Why, p.Hint})
		}
		s.screen.Table(t)
	}
	if len(found.Problems) > 0 {
		s.screen.Say("%s in snapshot %s", report.Count(len(found.Problems), "problem"), args[0])
		s.restorable(r, len(unreadable))
		return &ended{code: codePartial}
	}
	s.screen.Say("snapshot %s is whole", args[0])
	return nil
}

// restorable says what can still be put back of a damaged snapshot, and how the rest is.
func (s *session) restorable(r report.Report, unreadable int) {
	whole := 0
	for _, resource := range r.Resources {
		if !resource.Phase.Closed() && !resource.IsLeftAlone() && resource.Phase != killswitch.Unreadable {
			whole++
		}
	}
	if r.Closed.IsZero() && whole > 0 {
		s.screen.Say("a resume puts %s back all the same", report.Count(whole, "resource"))
	}
	if unreadable > 0 {
		s.screen.Say("%s cannot be read", report.Count(unreadable, "resource"))
	}
	s.screen.ByHand(r)
}
