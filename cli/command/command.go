// Package command is the command line, one file a command. Commands parse, ask and build; what they
// find goes to the screen of package ui, and how they ended is an exit code. They may not reach the
// Lambda runtime nor the CDK, and set no template of cobra's: text/template would keep every method
// of every SDK client in the binary.
package command

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/ui"
)

// World is what the command line finds around it. Tests have one of their own, with a simulated
// account in it.
type World struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	// Config loads the caller's AWS configuration.
	Config func(context.Context) (aws.Config, error)
	// File is the path of the snapshot file for accounts without a table.
	File func() (string, error)
	// Configuration is the path of what was decided for this machine, the role among it. Nil: there is
	// none, and Config has the credentials that are meant.
	Configuration func() (string, error)
	// Speed divides every duration of the engine; 1 for real accounts.
	Speed float64
}

// cli is one invocation of the command line.
type cli struct {
	World
	screen  *ui.Screen
	json    bool
	noRole  bool
	output  output
	debug   bool
	log     *slog.Logger // of AWS calls; made at the first
	closing []io.Closer  // when the command has ended
}

// Main runs the command line and returns the code to exit with.
func Main(ctx context.Context, args []string, world World) int {
	c := &cli{World: world, screen: ui.New(world.In, world.Out, world.Err)}
	defer c.output.discard()
	defer func() {
		for _, file := range c.closing {
			_ = file.Close() // of a log nobody waits for the last line
		}
	}()
	root := newRoot(c)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = c.screen.Lost()
	}
	if err == nil {
		return codeOK
	}
	failure := c.judge(err)
	if failure.Error != "" {
		c.screen.Fail(failure, c.json)
	}
	return failure.Code
}

// rights are those that a command works with where it works here.
const rights = "with the rights of the configured role (with --no-role, your own)"

func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:   "aws-hit-breaks",
		Short: "An emergency brake for an AWS account",
		Long: `An emergency brake for an AWS account: it pauses everything that costs by the hour
and puts it back exactly as it was.

Alone, on a terminal, it shows what runs and what a pause would save, and asks before it pauses
anything. --pause, --resume, --status and --dry-run are short for the commands.

Try it without an AWS account: aws-hit-breaks demo`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON on standard output")
	root.PersistentFlags().BoolVar(&c.debug, "debug", false, "tell every AWS call on standard error, as the log file does")
	root.PersistentFlags().BoolVar(&c.noRole, "no-role", false, "work with your own credentials, and through no role")
	root.AddCommand(
		newDemo(c), newDiscover(c), newPause(c), newResume(c), newStatus(c), newSnapshots(c), newServices(c), newSetup(c), newDoctor(c), newVersion(c),
	)
	root.AddCommand(newTopics()...)
	shortForms(root, c)
	root.SetOut(c.Out) // which cobra's own commands take when they are made
	root.SetErr(c.Err)
	mistakes(root)
	return root
}

// exits ends the help of every command.
const exits = `

Exit status: 0 done · 1 error · 2 usage · 3 partial: something failed, drifted or was not
inspected · 4 declined · 10 no such snapshot, nothing is paused · 11 the snapshot file is in use ·
12 no permission or no credentials · 130 interrupted. What is protected or cannot be paused, by
verdict, is as it should be: 0.`
