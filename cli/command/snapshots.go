package command

import (
	"context"

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
		newSnapshotsList(c),
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
