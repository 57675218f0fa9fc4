package command

import (
	"context"

	"github.com/spf13/cobra"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/trigger"
)

func newResume(c *cli) *cobra.Command {
	var h how
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Put everything back exactly as it was",
		Long: `Put everything back exactly as it was before it was paused, or what the flags name.

What somebody changed since the pause is reported and left alone; --force puts it back all the
same, after a question that --yes skips.` + exits,
		Example: `  aws-hit-breaks resume
  aws-hit-breaks resume --region eu-west-1 --local
  aws-hit-breaks resume --dry-run`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.resume(cmd.Context(), h) },
	}
	h.flags(cmd)
	outputFlags(cmd, c)
	cmd.Flags().BoolVar(&h.force, "force", false, "put back also what somebody changed since the pause")
	return cmd
}

func (c *cli) resume(ctx context.Context, h how) error {
	if err := checkScope(h.scope); err != nil {
		return err
	}
	if h.force && !h.yes && !h.dryRun && !c.screen.CanAsk() {
		return usage("resume --force asks before it overwrites what somebody changed, and there is no terminal to ask at: " +
			"add --yes, or --dry-run to see what it would do")
	}
	s, err := c.open(ctx, h.local)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.checkRegions(ctx, h.scope); err != nil {
		return err
	}
	if h.snapshot != "" {
		if err := trigger.WantLive(ctx, s.store, s.account, h.snapshot); err != nil {
			return err
		}
	}
	return s.resume(ctx, h)
}

// resume puts everything back; before it overwrites what somebody changed it asks.
func (s *session) resume(ctx context.Context, h how) error {
	ask := h.force && !h.yes && !h.dryRun
	request := s.request(killswitch.Resume, h)
	if h.dryRun {
		return s.dryRun(ctx, request)
	}
	if ask {
		r, err := s.plan(ctx, request, nil)
		if err != nil {
			return err
		}
		s.screen.Plan(r)
		s.screen.Say("%s", r.Headline())
		s.screen.Costs(r)
		if err := s.confirm(ctx, "overwrite what was changed in"); err != nil {
			return err
		}
	}
	r, err := s.carryOut(ctx, request)
	if r.Snapshot != "" {
		s.priceRun(ctx, &r)
		if err := s.show(r, r.Headline()); err != nil {
			return err
		}
		if n := r.Summary.ChangedByAWS; n > 0 {
			s.screen.Say("changed by AWS at the stop and start: %s", report.Count(n, "field"))
		}
		if r.Summary.Phases[killswitch.Drifted] > 0 {
			s.screen.Say("to put back also what was changed since: %s --force", s.resumeCommand(h.scope))
		}
	}
	if err != nil {
		return err
	}
	return s.finish(r)
}
