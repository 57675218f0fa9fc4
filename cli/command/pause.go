package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// how are the flags of pause and resume.
type how struct {
	scope              killswitch.Scope
	local, yes, dryRun bool
	force              bool   // resume only
	snapshot           string // that must be the live one; empty for whichever is
}

func (h *how) flags(cmd *cobra.Command) {
	scopeFlags(cmd, &h.scope)
	flags := cmd.Flags()
	flags.BoolVar(&h.local, "local", false, "run here, "+rights+", instead of in the deployed function")
	flags.BoolVar(&h.yes, "yes", false, "do not ask")
	flags.BoolVar(&h.dryRun, "dry-run", false, "say what would be done, and do none of it")
}

func newPause(c *cli) *cobra.Command {
	var h how
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Pause everything that costs by the hour",
		Long: `Pause everything that costs by the hour, or what the flags name, and remember how it was.

Values of one flag are alternatives, different flags must all match. What carries the tag
aws-hit-breaks:protect is never touched. Pausing again adds what is newly running.` + exits,
		Example: `  aws-hit-breaks pause --dry-run
  aws-hit-breaks pause --region 'eu-*' --tag env=dev
  aws-hit-breaks pause --local --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.pause(cmd.Context(), h) },
	}
	h.flags(cmd)
	outputFlags(cmd, c)
	return cmd
}

func (c *cli) pause(ctx context.Context, h how) error {
	if err := checkScope(h.scope); err != nil {
		return err
	}
	if !h.yes && !h.dryRun && !c.screen.CanAsk() {
		return usage("pause asks for the account's id, and there is no terminal to ask at: " +
			"add --yes to pause without a question, or --dry-run to see what it would do")
	}
	s, err := c.open(ctx, h.local)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.checkRegions(ctx, h.scope); err != nil {
		return err
	}
	return s.pause(ctx, h)
}

// pause asks where it has to, pauses, and says how to put it back.
func (s *session) pause(ctx context.Context, h how) error {
	request := s.request(killswitch.Pause, h)
	if h.dryRun {
		return s.dryRun(ctx, request)
	}
	if !h.yes {
		if more, err := s.confirmPause(ctx, request); err != nil || !more {
			return err
		}
	}
	r, err := s.carryOut(ctx, request)
	if r.Snapshot != "" {
		s.priceRun(ctx, &r)
		if err := s.show(r, r.Headline()); err != nil {
			return err
		}
		if r.Closed.IsZero() {
			s.screen.Say("to put it back: %s", s.resumeCommand(h.scope))
		}
	}
	if err != nil {
		return err
	}
	return s.finish(r)
}

// finish ends a command that has carried out an order as far as it could.
func (s *session) finish(r report.Report) error {
	err := exitOf(r)
	if r.Summary.Pending > 0 && err == nil {
		s.screen.Say("not everything is done yet: the same command again goes on")
		return &ended{code: codePartial}
	}
	return err
}

func (s *session) request(act killswitch.Act, h how) engine.Request {
	return engine.Request{Act: act, Scope: h.scope, Actor: s.caller, At: time.Now().UTC(), Force: h.force}
}

// dryRun shows what a request would do.
func (s *session) dryRun(ctx context.Context, request engine.Request) error {
	r, err := s.plan(ctx, request, nil)
	if err != nil {
		return err
	}
	if err := s.show(r, r.Headline()); err != nil {
		return err
	}
	s.screen.Waves(r.Waves)
	s.screen.Say("a dry run: nothing was changed")
	return exitOf(r)
}

// confirmPause shows what would be paused and asks for the account's alias or id. False without an error
// means that there is nothing to do.
func (s *session) confirmPause(ctx context.Context, request engine.Request) (bool, error) {
	r, err := s.survey(ctx, request)
	if err != nil {
		return false, err
	}
	s.screen.Survey(r)
	s.screen.Say("%s", r.Headline())
	s.screen.Costs(r)
	if r.Summary.Phases[killswitch.WouldPause] == 0 && len(r.NotInspected) == 0 {
		s.screen.Say("there is nothing to pause: nothing was changed")
		return false, exitOf(r)
	}
	s.screen.Waves(r.Waves)
	return true, s.confirm(ctx, "pause")
}
