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

// scopeLists are the lists of a scope by the flag that fills them. Those of an exclusion have flags
// of the same names behind "exclude-".
var scopeLists = []struct {
	flag, in string // what it is for; "only" or "not" goes before it
	of       func(*killswitch.Scope) *[]string
	commas   bool // may stand between values
}{
	{"region", `in this region; a pattern such as "eu-*" will do`, func(s *killswitch.Scope) *[]string { return &s.Regions }, true},
	{"service", `this service or kind: "rds", "ec2:instance"`, func(s *killswitch.Scope) *[]string { return &s.Services }, true},
	{"tag", `what carries this tag: "key" or "key=value"`, func(s *killswitch.Scope) *[]string { return &s.Tags }, false},
	{"id", "the resource of this id", func(s *killswitch.Scope) *[]string { return &s.IDs }, false},
}

// exclude begins the flags of what is taken out of a scope.
const exclude = "exclude-"

// scopeFlags adds the flags that say which resources a command is about.
func scopeFlags(cmd *cobra.Command, s *killswitch.Scope) {
	for _, list := range scopeLists {
		cmd.Flags().Var(listFlag{func() *[]string { return list.of(s) }, list.commas}, list.flag, "only "+list.in+" (repeatable)")
		out := func() *[]string {
			if s.Exclude == nil {
				s.Exclude = &killswitch.Scope{}
			}
			return list.of(s.Exclude)
		}
		if complete := completions[list.flag]; complete != nil { // it fails for a flag that does not exist
			defer func() {
				_ = cmd.RegisterFlagCompletionFunc(list.flag, complete)
				_ = cmd.RegisterFlagCompletionFunc(exclude+list.flag, complete)
			}()
		}
		cmd.Flags().Var(listFlag{out, list.commas}, exclude+list.flag, "not "+list.in+" (repeatable)")
	}
}

// completions are what a shell offers for the value of a flag. None of it asks AWS.
var completions = map[string]cobra.CompletionFunc{
	"region": cobra.FixedCompletions(filter.Regions, cobra.ShellCompDirectiveNoFileComp),
	"service": func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		words := kinds()
		for _, kind := range kinds() {
			words = append(words, killswitch.Kind(kind).Service())
		}
		slices.Sort(words)
		return slices.Compact(words), cobra.ShellCompDirectiveNoFileComp
	},
}

// listFlag is a flag that adds to a list each time that it is given.
type listFlag struct {
	list   func() *[]string
	commas bool
}

// Set adds a value.
func (f listFlag) Set(text string) error {
	values := []string{text}
	if f.commas {
		values = strings.Split(text, ",")
	}
	*f.list() = append(*f.list(), values...)
	return nil
}

// String is the default in a help: none.
func (listFlag) String() string { return "" }

// Type is what a help calls the value.
func (f listFlag) Type() string {
	if f.commas {
		return "strings"
	}
	return "string"
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
	if len(scope.Regions) == 0 && (scope.Exclude == nil || len(scope.Exclude.Regions) == 0) {
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
	write := func(prefix string, s *killswitch.Scope) {
		for _, list := range scopeLists {
			for _, value := range *list.of(s) {
				fmt.Fprintf(&args, " --%s%s %s", prefix, list.flag, quoted(value))
			}
		}
	}
	write("", &s)
	if s.Exclude != nil {
		write(exclude, s.Exclude)
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
