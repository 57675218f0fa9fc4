package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/trigger"
)

// plan says what a request would do: here, telling on what is found, or in the function, which tells
// nobody.
func (s *session) plan(ctx context.Context, request engine.Request, on func(engine.Event)) (report.Report, error) {
	if !s.local {
		answer, err := s.invoke(ctx, request.Act, trigger.Invocation{
			Scope: request.Scope, Actor: request.Actor, Force: request.Force, DryRun: true,
		})
		if err == nil && answer.Short {
			err = errors.New("the plan is more than Lambda lets a function answer: narrow it, by --region for one, or add --local")
		}
		return answer.Report, err
	}
	snapshot, err := s.engine(on).Plan(ctx, request)
	if err != nil {
		return report.Report{}, err
	}
	r := report.Of(snapshot, boot.Declared())
	s.price(ctx, &r, boot.ResidualRegions(snapshot))
	return r, nil
}

// carryOut gives the order and stays until what is wanted is observed, or nothing more can be done
// soon. The report says how things stand, also where it returns an error.
func (s *session) carryOut(ctx context.Context, request engine.Request) (report.Report, error) {
	live, err := s.store.Live(ctx, s.account)
	if err != nil {
		return report.Report{}, err
	}
	var before report.Report
	switch {
	case live != nil:
		if before, err = s.read(ctx, live.Snapshot); err != nil {
			return report.Report{}, err
		}
	case request.Act != killswitch.Pause:
		return report.Report{}, engine.NothingLive(ctx, s.store, s.account)
	}
	s.screen.Say("account %s, recorded in %s", s.account, s.store.Where())
	progress := s.screen.Progress(doing[request.Act] + " account " + s.account)
	defer progress.End()
	progress.From(before)
	if !s.local {
		return s.follow(ctx, request, before, progress)
	}
	e := s.engine(progress.On)
	ordered, err := e.Order(ctx, request)
	if err != nil {
		return report.Report{}, err
	}
	return s.reconcile(ctx, e, ordered.Live.Snapshot, progress)
}

// doing is an act under way.
var doing = map[killswitch.Act]string{killswitch.Pause: "pausing", killswitch.Resume: "resuming", killswitch.GiveUp: "giving up in"}

// soon is how long a run here waits for what is due next, on a real account.
const soon = 2 * time.Minute

// reconcile works until nothing more can be done soon.
func (s *session) reconcile(ctx context.Context, e *engine.Engine, id string, progress *ui.Progress) (report.Report, error) {
	for {
		outcome, err := e.Reconcile(ctx, engine.Attention{Stay: true})
		if err != nil {
			return report.Report{}, err
		}
		r, err := s.read(context.WithoutCancel(ctx), id)
		if err != nil {
			return r, err
		}
		r.Unlisted(outcome.Unlisted)
		if ctx.Err() != nil && r.Closed.IsZero() {
			return r, interrupted("what was under way is recorded: the same command again goes on")
		}
		wait := time.Until(outcome.LookAt)
		if r.Summary.Pending == 0 || outcome.Live == nil || wait > s.paced(soon) {
			return r, nil
		}
		progress.Note("the next look is at %s", outcome.LookAt.Local().Format(time.TimeOnly))
		if err := sleep(ctx, max(wait, s.paced(time.Second))); err != nil {
			return r, interrupted("what was under way is recorded: the same command again goes on")
		}
	}
}

// interrupted ends a command after Ctrl-C.
func interrupted(what string) error {
	return &ended{codeInterrupted, errors.New("interrupted: " + what)}
}

// paced is a duration of a real account at the pace of this one.
func (c *cli) paced(d time.Duration) time.Duration { return time.Duration(float64(d) / c.Speed) }

// sleep waits, or returns the error of the context.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	}
}
