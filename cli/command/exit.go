package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/bolt"
)

// The codes that commands exit with; they are documented in every command's help.
const (
	codeOK          = 0
	codeError       = 1
	codeUsage       = 2
	codePartial     = 3 // report.ExitCode
	codeDeclined    = 4
	codeNoSnapshot  = 10
	codeLocked      = 11
	codeDenied      = 12
	codeInterrupted = 130
)

// ended is an error that knows the code to exit with. Without a cause it ends the command silently.
type ended struct {
	code int
	err  error
}

func (e *ended) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *ended) Unwrap() error { return e.err }

// usage is an error in what was asked for: nothing was looked at, and nothing changed.
func usage(format string, args ...any) error {
	return &ended{codeUsage, fmt.Errorf(format, args...)}
}

// exitOf ends a command as the report says.
func exitOf(r report.Report) error {
	if code := r.ExitCode(); code != codeOK {
		return &ended{code: code}
	}
	return nil
}

// judge says in one line what an error means, and with which code it ends the command.
func (c *cli) judge(err error) ui.Failure {
	f := ui.Failure{Error: line(err), Code: codeError}
	own, absent := (*ended)(nil), trigger.NoSnapshot{}
	switch {
	case errors.As(err, &own):
		f.Code = own.code
	case errors.Is(err, context.Canceled):
		f.Code, f.Error = codeInterrupted, "interrupted"
	case errors.Is(err, engine.ErrNothingLive):
		f.Code = codeNoSnapshot
	case errors.Is(err, snapshots.ErrNoSnapshot):
		f.Code = codeNoSnapshot
		f.Error += ": `aws-hit-breaks snapshots list` lists what there is"
	case errors.As(err, &absent):
		f.Code = codeNoSnapshot
	case errors.Is(err, bolt.ErrLocked):
		f.Code = codeLocked
	case awserr.Of(err) == awserr.Denied:
		f.Code = codeDenied
	}
	return f
}

// line is an error on one line, with what an answer of AWS means in the place of what AWS wrote.
func line(err error) string {
	text := err.Error()
	call := (*smithy.OperationError)(nil)
	if errors.As(err, &call) {
		doing, _, _ := strings.Cut(text, call.Error())
		text = doing + strings.Replace(awserr.Explain(err), "it is tried again", "check the network and try again", 1)
	}
	return strings.Join(strings.Fields(text), " ")
}
