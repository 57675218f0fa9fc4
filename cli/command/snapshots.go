package command

import (
	"cmp"
	"context"
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
		Short: "List, show and check what is recorded",
		Long: `List, show and check what is recorded: one snapshot for each emergency, with its orders and how
everything was before.` + exits,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	show := newSnapshot(c, "show ID", "Show how everything in a snapshot stands", cobra.ExactArgs(1), (*session).showSnapshot)
	outputFlags(show, c)
	cmd.AddCommand(
		newSnapshot(c, "list", "List the snapshots, newest first", cobra.NoArgs, (*session).listSnapshots),
		show,
		newSnapshot(c, "check ID", "Read a whole snapshot and name everything wrong with it", cobra.ExactArgs(1), (*session).checkSnapshot),
	)
	return cmd
}

// newSnapshot makes a command that reads the store.
func newSnapshot(
	c *cli, use, short string, args cobra.PositionalArgs, run func(*session, context.Context, []string) error,
) *cobra.Command {
	local := false
	cmd := &cobra.Command{
		Use: use, Short: short, Long: short + "." + exits, Args: args,
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
	if s.json {
		return s.screen.JSON(struct {
			Snapshots []snapshots.Header `json:"snapshots"`
		}{append([]snapshots.Header{}, headers...)})
	}
	t := ui.Table{Header: []string{"SNAPSHOT", "OPENED", "CLOSED", "FIRST ORDER", "RESOURCES AT THE CLOSING"}}
	for _, h := range headers {
		t.Rows = append(t.Rows, []string{h.Snapshot, moment(h.Opened), cmp.Or(moment(h.Closed), "live"), firstOrder(h), tally(h)})
	}
	s.screen.Table(t)
	s.screen.Say("%s in %s", report.Count(len(headers), "snapshot"), s.store.Where())
	return nil
}

// moment is a time to the second; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func firstOrder(h snapshots.Header) string {
	if len(h.Orders) == 0 {
		return "unreadable: see aws-hit-breaks snapshots check " + h.Snapshot
	}
	o := h.Orders[0]
	if o.Alarm != nil {
		return string(o.Act) + " by " + o.Actor + ": " + o.Alarm.Text
	}
	return string(o.Act) + " by " + o.Actor
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
}

func (s *session) checkSnapshot(ctx context.Context, args []string) error {
	snapshot, err := s.store.Snapshot(ctx, s.account, args[0])
	if err != nil {
		return err
	}
	found := checked{Snapshot: args[0], Problems: []report.Problem{}}
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
		return &ended{code: codePartial}
	}
	s.screen.Say("snapshot %s is whole", args[0])
	return nil
}
