package command

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/report"
)

func newStatus(c *cli) *cobra.Command {
	local := false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say what is paused, and what is on its way",
		Long: `Say what is paused, what is on its way, and what a human has to see to. It reads what is
recorded and asks AWS about no resource, only what things cost.` + exits,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.status(cmd.Context(), local) },
	}
	localFlag(cmd, &local)
	outputFlags(cmd, c)
	return cmd
}

// localFlag adds --local to a command that only reads what is recorded.
func localFlag(cmd *cobra.Command, local *bool) {
	cmd.Flags().BoolVar(local, "local", false, "read the file on this machine where no snapshot table is deployed")
}

func (c *cli) status(ctx context.Context, local bool) error {
	s, err := c.open(ctx, local)
	if err != nil {
		return err
	}
	defer s.close()
	live, err := s.store.Live(ctx, s.account)
	if err != nil {
		return err
	}
	r := report.Empty(s.account)
	if live != nil {
		r, err = s.read(ctx, live.Snapshot)
	} else if err = engine.NothingLive(ctx, s.store, s.account); errors.Is(err, engine.ErrNothingLive) {
		err = nil
	}
	if err != nil {
		return err
	}
	s.screen.Say("account %s, recorded in %s", s.account, s.store.Where())
	if live != nil {
		s.price(ctx, &r, nil)
		s.tell(r)
	}
	if err := s.show(r, r.Headline()); err != nil {
		return err
	}
	return exitOf(r)
}

// tell says what a snapshot is.
func (s *session) tell(r report.Report) {
	state := "live"
	if !r.Closed.IsZero() {
		state = "closed at " + r.Closed.UTC().Format(time.RFC3339)
	}
	s.screen.Say("snapshot %s, opened at %s, %s", r.Snapshot, r.Opened.UTC().Format(time.RFC3339), state)
	for _, o := range r.Orders {
		s.screen.Say("  %d. %s", o.Seq, o.Line())
	}
}
