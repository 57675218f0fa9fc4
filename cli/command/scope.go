package command

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
)

// scopeFlags adds the flags that say which resources a command is about.
func scopeFlags(cmd *cobra.Command, s *killswitch.Scope) {
	flags := cmd.Flags()
	flags.StringSliceVar(&s.Regions, "region", nil, `only in this region; a pattern such as "eu-*" will do (repeatable)`)
	flags.StringSliceVar(&s.Services, "service", nil, `only this service or kind: "rds", "ec2:instance" (repeatable)`)
	flags.StringArrayVar(&s.Tags, "tag", nil, `only what carries this tag: "key" or "key=value" (repeatable)`)
	flags.StringArrayVar(&s.IDs, "id", nil, "only the resource of this id (repeatable)")
}

// checkScope refuses a scope that cannot mean what it says. It asks nobody.
func checkScope(s killswitch.Scope) error {
	if err := filter.Validate(s, nil, kinds()); err != nil {
		return &ended{codeUsage, err}
	}
	return nil
}

// checkRegions refuses a region that the account does not have. Who may not list regions is not
// held up where a function does the work: there a region that does not exist holds nothing.
func (s *session) checkRegions(ctx context.Context, scope killswitch.Scope) error {
	if len(scope.Regions) == 0 {
		return nil
	}
	regions, err := services.EnabledRegions(ctx, s.config)
	switch {
	case err != nil && !s.local && awserr.Of(err) == awserr.Denied:
		s.screen.Say("the regions are not checked: %s", awserr.Explain(err))
		return nil
	case err != nil:
		return fmt.Errorf("check the regions asked for: %w", err)
	}
	if err := filter.Validate(scope, regions, kinds()); err != nil {
		return &ended{codeUsage, err}
	}
	return nil
}

// kinds are the words for kinds, sorted.
func kinds() []string {
	var all []string
	for kind := range maps.Keys(boot.Declared()) {
		all = append(all, string(kind))
	}
	slices.Sort(all)
	return all
}

// scopeArgs writes a scope as the flags that say it.
func scopeArgs(s killswitch.Scope) string {
	var args strings.Builder
	for _, list := range []struct {
		flag   string
		values []string
	}{{"region", s.Regions}, {"service", s.Services}, {"tag", s.Tags}, {"id", s.IDs}} {
		for _, value := range list.values {
			fmt.Fprintf(&args, " --%s %s", list.flag, quoted(value))
		}
	}
	return args.String()
}

// quoted is a value as a shell takes it.
func quoted(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// plain is what means nothing to a shell.
var plain = regexp.MustCompile(`^[\w./:=@-]+$`)
