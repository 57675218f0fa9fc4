package trigger

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"aws-hit-breaks/pkg/awserr"
)

// explainedError is an error in one line that says what it means and what to do.
type explainedError struct {
	line string
	err  error
}

func (e *explainedError) Error() string { return e.line }
func (e *explainedError) Unwrap() error { return e.err }

// explained puts what an answer of AWS means in the place of what AWS wrote, and keeps what we were
// about to do. Other errors are ours and say it themselves.
func explained(err error) error {
	var call *smithy.OperationError
	if err == nil || !errors.As(err, &call) {
		return err
	}
	doing, _, _ := strings.Cut(err.Error(), call.Error())
	return &explainedError{line: doing + awserr.Explain(err), err: err}
}
