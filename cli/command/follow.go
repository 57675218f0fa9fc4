package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
)

// invoke asks the function of the act, once: whether an order that got no answer was given is seen
// in the table.
func (s *session) invoke(ctx context.Context, act killswitch.Act, in trigger.Invocation) (trigger.Answer, error) {
	name := s.settings.Prefix + "-" + string(functionOf(act))
	payload, err := json.Marshal(in)
	if err != nil {
		return trigger.Answer{}, fmt.Errorf("encode the invocation of %s: %w", name, err)
	}
	client := lambda.NewFromConfig(s.config, func(o *lambda.Options) { o.Retryer = aws.NopRetryer{} })
	out, err := client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &name, InvocationType: types.InvocationTypeRequestResponse, Payload: payload,
	})
	missing := (*types.ResourceNotFoundException)(nil)
	if errors.As(err, &missing) {
		return trigger.Answer{}, fmt.Errorf("there is no function %s in %s: deploy the brake, set AWS_REGION to where it is, or use --local",
			name, s.config.Region)
	}
	if err != nil {
		return trigger.Answer{}, fmt.Errorf("invoke function %s: %w", name, err)
	}
	if out.FunctionError != nil {
		return trigger.Answer{}, functionError(name, out.Payload)
	}
	answer, err := trigger.DecodeAnswer(out.Payload)
	if err != nil {
		return answer, fmt.Errorf("the answer of function %s cannot be read: is it of another version than this command? %w", name, err)
	}
	return answer, nil
}

// functionError is what a function ended with
// (https://docs.aws.amazon.com/lambda/latest/dg/go-exceptions.html).
func functionError(name string, payload []byte) error {
	var e struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if json.Unmarshal(payload, &e) != nil || e.Message == "" {
		e.Message = "it ended without saying why: its log does"
	}
	err := fmt.Errorf("function %s: %s", name, e.Message)
	switch e.Type {
	case "NothingLive", "NoSnapshot":
		return &ended{codeNoSnapshot, err}
	case "BadEvent":
		return &ended{codeUsage, err}
	}
	return err
}

// How a run of a function is followed, on a real account.
const (
	// longest is how long an invocation may last: the longest of Lambda, and a little.
	longest = 16 * time.Minute
	// reading is how often the table is read.
	reading = 2 * time.Second
	// patience is how long nothing may move before it is not waited for any more: longer than any
	// one wait of a run with the default settings.
	patience = 25 * time.Minute
)

// functionOf is the function that carries the act out.
func functionOf(act killswitch.Act) settings.Function {
	if act == killswitch.Pause {
		return settings.PauseFunction
	}
	return settings.ResumeFunction
}

// asking is the request as a function is asked for it. r is how the live snapshot stands.
func asking(request engine.Request, r report.Report) trigger.Invocation {
	in := trigger.Invocation{Scope: request.Scope, Actor: request.Actor, Force: request.Force}
	if request.Act == killswitch.GiveUp {
		in.Snapshot = &trigger.Keeping{Do: trigger.DoGiveUp, ID: r.Snapshot}
	}
	return in
}

// follow lets the function carry out the request and reads in the table how far it is, until what
// is wanted is observed. What the function leaves unfinished its guard carries on. before is how the
// live snapshot stood.
func (s *session) follow(ctx context.Context, request engine.Request, before report.Report, progress *ui.Progress) (report.Report, error) {
	f := &following{session: s, progress: progress, movedAt: time.Now()}
	type answered struct {
		answer trigger.Answer
		err    error
	}
	done := make(chan answered, 1)
	go func() {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
		defer cancel()
		answer, err := s.invoke(call, request.Act, asking(request, before))
		done <- answered{answer, err}
	}()
	for {
		wait, cancel := context.WithTimeout(ctx, f.pause())
		select {
		case a := <-done:
			done = nil
			f.take(a.answer)
			if a.err != nil && !f.given(ctx, len(before.Orders), a.err) {
				cancel()
				return report.Report{}, a.err
			}
		case <-wait.Done():
		}
		cancel()
		if ctx.Err() != nil {
			return f.report, interrupted("the function goes on all the same: `aws-hit-breaks status` says how far it is")
		}
		if err := f.look(ctx); err != nil {
			return f.report, err
		}
		if done == nil && f.settled() {
			return f.report, nil
		}
	}
}

// following is a run of a function as it is seen in the table.
type following struct {
	*session
	progress *ui.Progress
	id       string // of the snapshot
	report   report.Report
	answered report.Report // by the function
	took     time.Duration // to read it
	failures int           // of reading it, in a row
	stands   string
	movedAt  time.Time
}

// pause is how long to wait until the next look: longer where a look is expensive.
func (f *following) pause() time.Duration { return max(f.paced(reading), 4*f.took) }

// take notes what the function answered.
func (f *following) take(answer trigger.Answer) {
	if answer.Ignored != "" {
		f.progress.Note("%s", answer.Ignored)
	}
	for _, notice := range answer.Notice {
		f.progress.Note("%s", notice)
	}
	if answer.Snapshot != "" {
		f.id, f.report, f.answered = answer.Snapshot, answer.Report, answer.Report
	}
}

// given says whether the order was given although the invocation ended in an error: its answer may
// have been lost on the way.
func (f *following) given(ctx context.Context, before int, err error) bool {
	if class := awserr.Of(err); class != awserr.Transient {
		return false
	}
	if f.look(ctx) != nil || len(f.report.Orders) <= before {
		return false
	}
	f.progress.Note("the answer of the function was lost, its order was not: %s", line(err))
	return true
}

// look reads how things stand. A few failures in a row are no reason to end.
func (f *following) look(ctx context.Context) error {
	began := time.Now()
	r, err := f.now(ctx)
	f.took = time.Since(began)
	if err != nil {
		f.failures++
		if f.failures > 5 || f.id == "" || ctx.Err() != nil {
			return err
		}
		f.progress.Note("%s", line(err))
		return nil
	}
	f.failures = 0
	if r.Snapshot == "" {
		return nil
	}
	if len(f.answered.Residuals)+len(f.answered.UnlistedResiduals) > 0 { // which no store has
		r.KeepsAs(f.answered)
	}
	f.report = r
	f.progress.Report(r)
	if stands := fmt.Sprint(report.Tally(r.Summary.Phases), len(r.NotInspected), len(r.Orders)); stands != f.stands {
		f.stands, f.movedAt = stands, time.Now()
	}
	return nil
}

func (f *following) now(ctx context.Context) (report.Report, error) {
	live, err := f.store.Live(ctx, f.account)
	if err != nil {
		return report.Report{}, err
	}
	if live != nil {
		f.id = live.Snapshot
	}
	if f.id == "" {
		return report.Report{}, nil
	}
	return f.read(ctx, f.id)
}

// settled says whether there is nothing more to wait for.
func (f *following) settled() bool {
	if f.report.Summary.Pending == 0 || !f.report.Closed.IsZero() {
		return true
	}
	if time.Since(f.movedAt) > f.paced(patience) {
		f.progress.Note("nothing has moved for %s: see in the logs whether the guard function runs", patience)
		return true
	}
	return false
}
