package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots"
)

// guided leads through a pause: what runs, what a pause would do, the question, and how it goes. Where
// something is paused already it says so and does only what is then asked for by a word.
func (c *cli) guided(ctx context.Context, h how) error {
	if err := checkScope(h.scope); err != nil {
		return err
	}
	if !c.screen.CanAsk() {
		return usage("there is no terminal to ask at: say what to do with --pause --yes, --resume, --status or --dry-run, or see aws-hit-breaks --help")
	}
	if done, err := c.leadThroughSetup(ctx); done || err != nil {
		return err
	}
	s, err := c.open(ctx, h.local)
	if errors.Is(err, snapshots.ErrNoTable) && !h.local && c.Getenv(settings.TableVariable) == "" {
		c.screen.Say("The brake is not deployed in this account and region: it works from here, on this machine.")
		s, err = c.open(ctx, true)
	}
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.checkRegions(ctx, h.scope); err != nil {
		return err
	}
	s.screen.Say("account %s, as %s", s.called(ctx), s.caller)
	live, err := s.store.Live(ctx, s.account)
	switch {
	case err != nil:
		return err
	case live == nil:
		return s.pause(ctx, h)
	}
	return s.whatNow(ctx, h, live.Snapshot)
}

// leadThroughSetup asks which rights commands are to have, where nobody has decided that yet. Done means
// that it goes on elsewhere, in the console.
func (c *cli) leadThroughSetup(ctx context.Context) (done bool, err error) {
	kept, err := c.remembered()
	if err != nil || kept.Role != "" {
		return false, err
	}
	path, err := c.configPath()
	if err != nil {
		return false, err
	}
	if err := c.askSetup(ctx, path, setup{kept: kept}); err != nil {
		return false, err
	}
	kept, err = c.remembered()
	return kept.Role == "", err
}

// whatNow says what is paused, and does what it is told by a whole word. Anything else changes nothing.
func (s *session) whatNow(ctx context.Context, h how, id string) error {
	r, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	s.price(ctx, &r, nil)
	s.tell(r)
	s.screen.Plan(r)
	s.screen.Say("%s", r.Headline())
	s.screen.Costs(r)
	s.screen.Say("  resume  puts it back\n  pause   shows what runs besides, and asks before it pauses that too\n  Enter   leaves everything as it is")
	answer, err := s.screen.Ask(ctx, "What now?")
	if err != nil {
		return err
	}
	switch answer {
	case "resume":
		return s.resume(ctx, h)
	case "pause":
		return s.pause(ctx, h)
	case "":
		s.screen.Say("nothing was changed; to put it back: %s", s.resumeCommand(h.scope))
		return nil
	}
	return &ended{codeDeclined, fmt.Errorf("%q is neither resume nor pause: nothing was changed", answer)}
}

// called is how the owner knows the account: by its id, and by its alias where it has one.
func (s *session) called(ctx context.Context) string {
	if alias := s.alias(ctx); alias != "" {
		return alias + " (" + s.account + ")"
	}
	return s.account
}

// alias asks once for the account's alias. Who may not ask does without.
func (s *session) alias(ctx context.Context) string {
	if s.known {
		return s.aliased
	}
	s.known = true
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := iam.NewFromConfig(s.config).ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
	if err == nil && len(out.AccountAliases) > 0 {
		s.aliased = out.AccountAliases[0]
	}
	return s.aliased
}

// confirm asks before something is done to the account.
func (s *session) confirm(ctx context.Context, doing string) error {
	return s.confirmed(ctx, doing+" it")
}

// confirmed asks for the account's alias or id before something is done.
func (s *session) confirmed(ctx context.Context, deed string) error {
	alias, name := s.alias(ctx), "id "+s.account
	if alias != "" {
		name = "alias " + alias + " or its id " + s.account
	}
	answer, err := s.screen.Ask(ctx, fmt.Sprintf("Type the account's %s to %s:", name, deed))
	switch {
	case err != nil:
		return err
	case answer == s.account, alias != "" && answer == alias:
		return nil
	case alias != "":
		return &ended{codeDeclined, fmt.Errorf("%q is neither %s nor %s: declined, nothing was changed", answer, alias, s.account)}
	}
	return &ended{codeDeclined, fmt.Errorf("%q is not %s: declined, nothing was changed", answer, s.account)}
}
