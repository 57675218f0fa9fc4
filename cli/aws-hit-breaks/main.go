// Command aws-hit-breaks is the command line of the emergency brake.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/snapshots/bolt"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)   // the second one ends the program at once
	signal.Ignore(syscall.SIGPIPE) // nobody reads any more (`| head`): a pause goes on to its end all the same
	os.Exit(command.Main(ctx, os.Args[1:], command.World{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Getenv: os.Getenv, Config: boot.Config, File: bolt.DefaultPath, Speed: 1,
		Configuration: func() (string, error) { return config.DefaultPath(os.Getenv) },
	}))
}
