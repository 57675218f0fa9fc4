package command

import (
	"github.com/spf13/cobra"
)

// short are the short forms: what stands behind the program's name without a command.
type short struct {
	how
	pause, resume, status bool
}

// shortForms lets the root command do what flags say in the place of a command, by the very functions
// of those commands; without any of them it leads through a pause.
func shortForms(root *cobra.Command, c *cli) {
	var f short
	f.how.flags(root)
	flags := root.Flags()
	flags.BoolVar(&f.force, "force", false, "with --resume: put back also what somebody changed since the pause")
	flags.BoolVar(&f.pause, "pause", false, "the same as the command pause")
	flags.BoolVar(&f.resume, "resume", false, "the same as the command resume")
	flags.BoolVar(&f.status, "status", false, "the same as the command status")
	outputFlags(root, c)
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		switch {
		case f.pause && f.resume, f.pause && f.status, f.resume && f.status:
			return usage("--pause, --resume and --status contradict each other: leave one")
		case f.force && !f.resume:
			return usage("--force is for a resume: add --resume, or leave it out")
		case f.status && (f.yes || f.dryRun || f.force || scopeArgs(f.scope) != ""):
			return usage("--status reads what is recorded, of everything: leave the other flags out, or use --dry-run without it")
		case f.status:
			return c.status(ctx, f.local)
		case f.resume:
			return c.resume(ctx, f.how)
		case f.pause, f.dryRun:
			return c.pause(ctx, f.how)
		case f.yes:
			return usage("--yes answers a question that nobody has asked: say what to do with --pause or --resume")
		}
		return c.guided(ctx, f.how)
	}
}
