package command

import (
	"context"
	"sync"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// survey says what a request would do. On a terminal what is found is shown while regions answer: by
// the engine that is asked here, or, where a function is asked, by one here that looks meanwhile. Who
// may only invoke the function then sees nothing before it answers.
func (s *session) survey(ctx context.Context, request engine.Request) (report.Report, error) {
	view := s.screen.Progress("looking at account " + s.account)
	defer view.End()
	seen := s.watch(ctx, request, view)
	defer seen.end()
	if s.local {
		return s.plan(ctx, request, seen.on)
	}
	looking, stop := context.WithCancel(ctx)
	var looked sync.WaitGroup
	looked.Go(func() {
		if _, err := s.engine(seen.on).Discover(looking, request.Scope); err != nil && looking.Err() == nil {
			view.Note("what runs is not shown while the function looks: %s", line(err))
		}
	})
	r, err := s.plan(ctx, request, nil)
	stop()
	looked.Wait()
	return r, err
}

// sighting is what was found so far. Its dollars are asked for beside the engine, which nothing holds up.
type sighting struct {
	mu    sync.Mutex
	found snapshots.Snapshot
	of    int           // regions
	news  chan struct{} // something was found since
	stop  context.CancelFunc
	shown sync.WaitGroup
}

// watch shows what is found until the end.
func (s *session) watch(ctx context.Context, request engine.Request, view *ui.Progress) *sighting {
	ctx, stop := context.WithTimeout(ctx, pricesWithin)
	seen := &sighting{
		found: snapshots.Snapshot{Header: snapshots.Header{Account: s.account, Orders: []killswitch.Order{{
			Seq: 1, Act: request.Act, Scope: request.Scope, Actor: request.Actor, At: request.At,
		}}}},
		news: make(chan struct{}, 1), stop: stop,
	}
	prices := s.pricer()
	seen.shown.Go(func() {
		for range seen.news {
			r, done, of := seen.report()
			view.Found(r, done, of)
			_ = prices.Into(ctx, &r, nil) // that they were not kept is said at the end
			view.Found(r, done, of)
		}
	})
	return seen
}

// on takes in what the engine tells, one event at a time.
func (seen *sighting) on(ev engine.Event) {
	if ev.What != engine.Planned {
		return
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	seen.found.Shards = append(seen.found.Shards, ev.Shard)
	seen.found.Header.Regions = append(seen.found.Header.Regions, ev.Region)
	seen.of = ev.Count
	select {
	case seen.news <- struct{}{}:
	default:
	}
}

func (seen *sighting) report() (r report.Report, done, of int) {
	seen.mu.Lock()
	defer seen.mu.Unlock()
	return report.Of(seen.found, boot.Declared()), len(seen.found.Shards), seen.of
}

// end waits until nothing is shown any more. Nothing is told after it.
func (seen *sighting) end() {
	seen.stop()
	close(seen.news)
	seen.shown.Wait()
}
