package command

import (
	"context"

	"github.com/spf13/cobra"

	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

func newDiscover(c *cli) *cobra.Command {
	var scope killswitch.Scope
	cmd := &cobra.Command{
		Use:   "discover",
		Short: "List what costs by the hour, and what of it can be paused",
		Long: `List what costs by the hour, and what of it can be paused.
It runs here, ` + rights + `.
It reads only, and needs nothing deployed.` + exits,
		Example: `  aws-hit-breaks discover
  aws-hit-breaks discover --html account.html
  aws-hit-breaks discover --region 'eu-*' --output csv --file account.csv`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.discover(cmd.Context(), scope) },
	}
	scopeFlags(cmd, &scope)
	outputFlags(cmd, c)
	return cmd
}

func (c *cli) discover(ctx context.Context, scope killswitch.Scope) error {
	if err := checkScope(scope); err != nil {
		return err
	}
	s, err := c.identify(ctx)
	if err != nil {
		return err
	}
	s.local = true
	if err := s.checkRegions(ctx, scope); err != nil {
		return err
	}
	found, err := s.engine(nil).Discover(ctx, scope)
	if err != nil {
		return err
	}
	r := report.Of(found, boot.Declared())
	s.price(ctx, &r, boot.ResidualRegions(found))
	headline := r.Headline()
	r.Orders = []report.Order{} // none was given
	if err := s.show(r, headline); err != nil {
		return err
	}
	return exitOf(r)
}
