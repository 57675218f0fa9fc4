package command

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aws-hit-breaks/pkg/filter"
)

// mistakes has every command say in the same way what was written wrongly: nothing is called, and the
// code is that of usage.
func mistakes(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SetFlagErrorFunc(wrongFlag)
	var each func(*cobra.Command)
	each = func(cmd *cobra.Command) {
		switch {
		case cmd.Name() == "help":
			cmd.Run, cmd.RunE = nil, help
			return
		case cmd.HasSubCommands() && cmd.RunE == nil: // of cobra's own: a word that is no command has to be refused
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
		cmd.Args = wrongArgs
		for _, sub := range cmd.Commands() {
			each(sub)
		}
	}
	each(root)
}

// wrongFlag says what is wrong with a flag, and which is likely to be meant.
func wrongFlag(cmd *cobra.Command, err error) error {
	if name, found := strings.CutPrefix(err.Error(), "unknown flag: --"); found {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if best := filter.Nearest(name, known); best != "" {
			return usage("there is no flag --%s: did you mean --%s?", name, best)
		}
		return usage("there is no flag --%s: `%s --help` lists those there are", name, cmd.CommandPath())
	}
	if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
		return usage("%w: flags begin with two dashes, and `%s --help` lists them", err, cmd.CommandPath())
	}
	return usage("%w: see `%s --help`", err, cmd.CommandPath())
}

// wrongArgs holds a command to what it is used with: the id of a snapshot, or nothing.
func wrongArgs(cmd *cobra.Command, args []string) error {
	wanted := 0
	if strings.Contains(cmd.Use, " ID") {
		wanted = 1
	}
	switch {
	case len(args) < wanted:
		return usage("`%s` wants the id of a snapshot: `aws-hit-breaks snapshots list` lists them", cmd.CommandPath())
	case len(args) == wanted:
		return nil
	case cmd.HasSubCommands():
		return unknownCommand(cmd, args[0])
	case wanted == 0:
		return usage("`%s` takes flags only: leave out %q, or see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return usage("`%s` is about one snapshot: leave out %q", cmd.CommandPath(), args[wanted])
}

// unknownCommand says that there is no such command under another, and which is likely to be meant.
func unknownCommand(under *cobra.Command, name string) error {
	var known []string
	for _, sub := range under.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			known = append(known, sub.Name())
		}
	}
	if best := filter.Nearest(name, known); best != "" {
		return usage("there is no command %q: did you mean `%s %s`?", name, under.CommandPath(), best)
	}
	return usage("there is no command %q: `%s --help` lists those there are", name, under.CommandPath())
}

// help tells about a command or a topic.
func help(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return unknownCommand(about, rest[0])
	}
	about.InitDefaultHelpFlag() // so that it is listed
	return about.Help()
}
