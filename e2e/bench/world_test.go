// Package bench measures the real engine, services and store on simulated fleets, against the floor.
package bench

import (
	"context"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"aws-hit-breaks/e2e/floor"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots/dynamo"
)

const seed = 1

// fleets are what is measured.
var fleets = []struct {
	name  string
	build func(*awssim.Account)
}{
	{"startup", awssim.Startup},
	{"scaleup", awssim.Scaleup},
}

// measured pauses and resumes a fleet. With sampling, the account is looked at every second and the
// runs know when each resource truly reached its goal; without, what the brake itself costs in CPU and
// heap is not mixed with what looking costs.
func measured(t *testing.T, build func(*awssim.Account), sampling bool) (runs []floor.Run) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)))
		account := awssim.New(awssim.Options{Seed: seed, Idle: synctest.Wait})
		defer account.Shutdown()
		account.AddTable("us-east-1", settings.DefaultTable)
		build(account)
		time.Sleep(10 * time.Minute) // whatever the fleet set in motion has come to rest
		original := account.State()
		for _, act := range []killswitch.Act{killswitch.Pause, killswitch.Resume} {
			run := floor.Run{Act: string(act), Began: time.Now(), Before: original}
			first := len(account.Trace())
			w := watch{original: original, pause: act == killswitch.Pause, since: map[string]floor.Span{}}
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for sampling && w.sample(account, stop) {
				}
			}()
			order(t, account, act)
			run.Ended = time.Now()
			close(stop)
			<-stopped
			run.Calls, run.Since = account.Trace()[first:], w.since
			runs = append(runs, run)
		}
		if unmodelled := account.Unmodelled(); len(unmodelled) > 0 {
			t.Errorf("the simulated account does not know what was asked of it: %q", unmodelled)
		}
	})
	return runs
}

// order gives an order and stays until all is done.
func order(t *testing.T, account *awssim.Account, act killswitch.Act) {
	t.Helper()
	cfg := boot.Fenced(account.Process(string(act)).Config())
	e := boot.Engine(boot.Options{
		Config: cfg, Account: account.ID(), Store: dynamo.Open(cfg, settings.DefaultTable),
		Settings: settings.Default(), Owner: string(act), On: func(engine.Event) {},
	})
	ctx := context.Background()
	if _, err := e.Order(ctx, engine.Request{Act: act, Actor: "operator", At: time.Now()}); err != nil {
		t.Fatalf("give the %s order: %v", act, err)
	}
	if _, err := e.Reconcile(ctx, engine.Attention{Stay: true}); err != nil {
		t.Fatalf("%s: %v", act, err)
	}
}

// watch notes since when each resource is where the act wants it.
type watch struct {
	original awssim.State
	pause    bool
	since    map[string]floor.Span
	last     time.Time
}

// sample looks once, and waits for a second; false when it is told to stop.
func (w *watch) sample(account *awssim.Account, stop <-chan struct{}) bool {
	now, state := time.Now(), account.State()
	for name, original := range w.original {
		_, was := w.since[name]
		switch is := w.reached(name, original, state[name]); {
		case is && !was:
			w.since[name] = floor.Span{After: w.last, By: now}
		case !is:
			delete(w.since, name)
		}
	}
	w.last = now
	select {
	case <-stop:
		return false
	case <-time.After(time.Second - 37*time.Microsecond): // never at the instant at which a call lands
		return true
	}
}

// reached says whether the resource is where the act wants it.
func (w *watch) reached(name string, original, is map[string]string) bool {
	kind := strings.Fields(name)[1]
	want := func(field, paused string) bool {
		if w.pause {
			return is[field] == paused
		}
		return is[field] == original[field]
	}
	switch kind {
	case "ec2:instance":
		return want("State", "stopped")
	case "rds:instance", "rds:cluster":
		return want("Status", "stopped")
	case "ecs:service":
		return want("RunningCount", "0") && is["PendingCount"] == original["PendingCount"]
	case "autoscaling:group":
		for field, value := range original {
			if strings.HasPrefix(field, "Instances.") && is[field] != value {
				return w.pause
			}
		}
	}
	return true
}

// cost is what this process has used.
type cost struct {
	cpu  time.Duration
	heap uint64
}

// spent measures do: CPU time, and the most that the heap grew by, looked at every few milliseconds.
func spent(do func()) cost {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	peak, done, ended := before.HeapAlloc, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapAlloc)
			}
		}
	}()
	began := cpu()
	do()
	used := cpu() - began
	close(done)
	<-ended
	return cost{used, peak - before.HeapAlloc}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
