package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/rogpeppe/go-internal/testscript"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/pkg/awssim"
)

// simulate is the environment variable that puts a simulated account behind the program when it
// runs as a child of the tests. The shipped program knows nothing of it.
const simulate = "AWS_HIT_BREAKS_SIMULATE"

// TestMain lets the test binary be the program itself for exec in scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"aws-hit-breaks": program})
}

// program is main, or main on an account of its own.
func program() {
	if os.Getenv(simulate) == "" {
		main()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // as main does
	account := awssim.New(awssim.Options{Seed: 1, Speed: speed, Regions: regions})
	fleets[os.Getenv(simulate)](account)
	os.Exit(command.Main(ctx, os.Args[1:], command.World{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Speed: speed,
		Config: func(context.Context) (aws.Config, error) { return account.Process("aws-hit-breaks").Config(), nil },
		File:   func() (string, error) { return filepath.Join(os.Getenv("WORK"), "snapshots.db"), nil }, Configuration: configuration(os.Getenv),
	}))
}

// TestScripts plays the transcripts in testdata/script. Besides the commands of testscript they have
//
//	account FLEET          the account that everything below works on: small, awkward, empty or startup
//	cli CODE ARGS...       runs the command line on it, and wants it to end with the code
//	table [NAME]           adds a snapshot table to it, in us-east-1
//	functions [lost]       deploys the Lambda functions pause and resume to it; their answers are lost
//	deploy [keyless]       deploys all that doctor looks at, with a role that may use no key
//	broken WHAT            breaks one thing of that: see broken
//	answer CODE ACTION...  makes AWS answer calls of these IAM actions with the error code
//	answer                 lifts that
//	role NAME [...]        adds a role that the account's people may assume: see role
//	through SESSION        wants the calls of the last command to be those of a role's session
//	person ACT REGION ID   starts, stops or terminates an instance, or scales an ECS service to one
//	same, changed          wants the account to be, or not to be, as it was at the beginning
//	exits CODE PROGRAM...  runs a program, and wants it to end with the code
//	terminal CODE FILE ARGS...  runs the command line on a terminal of its own, where somebody types
//	                       what is in the file, on an account of its own
//	hold                   opens the snapshot file, as another command would
//	snapshot NAME          puts the id of the newest snapshot in the table into the environment
//	damage TEXT            alters an item in the table whose key contains the text
//	lose                   takes everything out of the table
//	setenv FILE            puts NAME=VALUE of the file into the environment
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(env *testscript.Env) error { env.Values[worldKey{}] = &world{}; return nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"account": account, "cli": cli, "table": table, "functions": functions, "answer": answer, "role": role, "through": through, "person": person,
			"same": same, "changed": changed, "exits": exits, "terminal": terminal, "hold": hold, "snapshot": snapshot, "damage": damage, "lose": lose, "setenv": setenv,
			"deploy": deploy, "broken": broken,
		},
		RequireExplicitExec: true,
	})
}
