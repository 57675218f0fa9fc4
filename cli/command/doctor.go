package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/report"
)

// finding is how a check ended.
type finding string

const (
	fine    finding = "ok"
	warning finding = "warning" // the brake works, and something should be seen to
	failing finding = "failing" // it does not, or nobody can say so
)

// check is one of a checkup.
type check struct {
	Check string  `json:"check"`
	State finding `json:"state"`
	What  string  `json:"what"`
	Do    string  `json:"do"` // empty where all is well
}

// checkup is everything that was looked at.
type checkup struct {
	Account string  `json:"account"`
	Region  string  `json:"region"`
	Checks  []check `json:"checks"`
}

func newDoctor(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "See whether the brake is armed, and what to do where it is not",
		Long: `See whether the brake is armed, and what to do where it is not: your credentials and what
the role may do, the table, the functions and their settings, the topics and who is subscribed to
them, the budget, and whether what is paused could be started where its volumes are encrypted. It
changes nothing, and alarms nobody.

It does not look at the schedule of the guard, which the alarm guard-silent watches: who is told of
that says the line notification. Nor does it read the policies of KMS keys themselves.

Exit status: 0 nothing fails, or warnings only · 3 something fails · 12 no permission or no
credentials · 1, 2 and 130 as of every command.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd.Context()) },
	}
}

// doctor looks at the switch, link after link. Where one is broken the later ones are looked at all
// the same, as far as they can be found.
func (c *cli) doctor(ctx context.Context) error {
	s, err := c.identify(ctx)
	if err != nil {
		return c.stranger(ctx, err)
	}
	d := &doctor{session: s}
	d.add(fine, "credentials", fmt.Sprintf("%s, account %s, region %s", s.caller, s.account, s.config.Region), "")
	d.rights(ctx)
	d.memory(ctx)
	d.functions(ctx)
	d.alarms(ctx)
	d.keys(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	code := codeOK
	for _, one := range d.checks {
		switch {
		case one.State == failing && one.Check == "role":
			code = codeDenied
		case one.State == failing && code == codeOK:
			code = codePartial
		}
	}
	return c.diagnosis(checkup{s.account, s.config.Region, d.checks}, code)
}

// stranger is the checkup of who could not even say who they are. What cannot be meant is an error as
// it is of every command.
func (c *cli) stranger(ctx context.Context, err error) error {
	code := c.judge(err).Code
	if code == codeUsage || ctx.Err() != nil {
		return err
	}
	if code == codeError {
		code = codePartial
	}
	return c.diagnosis(checkup{Checks: []check{unseen("credentials", err)}}, code)
}

// diagnosis prints a checkup.
func (c *cli) diagnosis(up checkup, code int) error {
	t := ui.Table{Header: []string{"CHECK", "STATE", "WHAT"}}
	n := map[finding]int{}
	for _, one := range up.Checks {
		n[one.State]++
		what := one.What
		if one.Do != "" {
			what += ": " + one.Do
		}
		t.Rows = append(t.Rows, []string{one.Check, string(one.State), what})
	}
	if c.json {
		if err := c.screen.JSON(up); err != nil {
			return err
		}
	} else {
		c.screen.Table(t)
	}
	switch {
	case n[failing] == 0 && n[warning] == 0:
		c.screen.Say("the brake is armed: all %d checks are ok", n[fine])
	case n[failing] == 0:
		c.screen.Say("the brake is armed: %d ok, %s", n[fine], report.Count(n[warning], "warning"))
	default:
		c.screen.Say("the brake may not work: %d failing, %s, %d ok", n[failing], report.Count(n[warning], "warning"), n[fine])
	}
	if code != codeOK {
		return &ended{code: code}
	}
	return nil
}

// doctor is a checkup that is being made.
type doctor struct {
	*session
	checks        []check
	pause, resume deployed
}

func (d *doctor) add(state finding, name, what, do string) {
	d.checks = append(d.checks, check{name, state, what, do})
}

// unseen is what could not be looked at. That nobody can say whether it works counts as if it did not.
func unseen(name string, err error) check {
	what, do, found := strings.Cut(line(err), "; ")
	if !found {
		do = "see to that, and ask again"
	}
	return check{name, failing, what, do}
}

// rights says whether the role may do what commands need.
func (d *doctor) rights(ctx context.Context) {
	if d.kept.Role == config.NoRole {
		d.add(fine, "role", "your own credentials are used as they are, and no role", "")
		return
	}
	of := d.kept
	of.Table, of.Prefix = d.table, d.settings.Prefix
	lacking, how, err := d.lacking(ctx, d.config, d.config, of)
	switch {
	case err != nil:
		d.checks = append(d.checks, unseen("role", err))
	case len(lacking) > 0:
		d.add(failing, "role", fmt.Sprintf("%s may not call %s (%s)", of.Role, strings.Join(lacking, ", "), how),
			"allow that, or have `aws-hit-breaks setup --deploy` make one that may")
	default:
		d.add(fine, "role", fmt.Sprintf("%s may do what commands need (%s)", of.Role, how), "")
	}
}

// absent says whether an error says that something is not there, with the type that its service has for that.
func absent[E error](err error) bool {
	var missing E
	return errors.As(err, &missing)
}

// refusedLook says whether an error is the refusal of a look.
func refusedLook(err error) bool { return awserr.Of(err) == awserr.Denied }
