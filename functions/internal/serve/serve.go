// Package serve is the part that the three functions share: one process of Lambda, which is wired
// once and answers one invocation after the other. It is for functions only.
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
)

// Answer is the method of a handler that a function answers with.
type Answer func(*trigger.Handler, context.Context, json.RawMessage) (trigger.Answer, error)

// Run answers the invocations of a function until Lambda ends the process. The log is JSON on standard
// error, one line an event; the line of a failed invocation is written by the runtime, through the same
// log.
func Run(name settings.Function, answer Answer) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(log)
	slog.SetLogLoggerLevel(slog.LevelError)
	f := &function{name: name, answer: answer, log: log}
	ctx, cancel := context.WithTimeout(context.Background(), initialization)
	defer cancel()
	_ = f.wire(ctx) // again at the invocation, which is what an error can be told to
	lambda.Start(f)
}

// Lambda gives ten seconds to what runs before the first invocation
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
const initialization = 8 * time.Second

// function is a lambda.Handler. It takes the event as bytes: an empty one is for the handler to
// complain about.
type function struct {
	name    settings.Function
	answer  Answer
	log     *slog.Logger
	handler func(account string) *trigger.Handler // nil until the wiring has succeeded
}

// wire is done once.
func (f *function) wire(ctx context.Context) (err error) {
	if f.handler == nil {
		f.handler, err = boot.Function(ctx, f.log, f.name)
	}
	return err
}

// Invoke answers one invocation. Lambda makes one at a time in a process, and says in each whose the
// function is, so that STS need not be asked: it may be out of reach when the brake is needed.
func (f *function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if err := f.wire(ctx); err != nil {
		return nil, err
	}
	invocation, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("this is no invocation by Lambda: its context is missing")
	}
	invoked, err := arn.Parse(invocation.InvokedFunctionArn)
	if err != nil {
		return nil, fmt.Errorf("learn the account from the ARN %q that was invoked: %w", invocation.InvokedFunctionArn, err)
	}
	handler := f.handler(invoked.AccountID)
	handler.Log = f.log.With("request", invocation.AwsRequestID)
	answer, err := f.answer(handler, ctx, event)
	if err != nil {
		return nil, err
	}
	return answer.Encode()
}
