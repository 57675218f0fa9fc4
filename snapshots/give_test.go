package snapshots_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/storetest"
)

// DynamoDB forgets days after the time to live, and a file never does.
func TestAMessageIsForgottenAfterThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := snapshots.NewBook(&storetest.Memory{})
		give := func(seq int, appended bool) {
			t.Helper()
			order := killswitch.Order{Act: killswitch.Pause, Actor: "alarm", At: time.Now()}
			given, err := book.Give(t.Context(), account, order, "m-1")
			if err != nil || given.Appended != appended || given.Order.Seq != seq {
				t.Errorf("after %s: given %+v, %v; want order %d", time.Since(day2000), given, err, seq)
			}
		}
		give(1, true)
		time.Sleep(30*24*time.Hour - time.Second)
		give(1, false)
		time.Sleep(2 * time.Second)
		give(2, true)
		give(2, false)
		time.Sleep(29 * 24 * time.Hour)
		give(2, false)
	})
}

// day2000 is when every bubble begins.
var day2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// throttled is a table that refuses everything, and counts.
type throttled struct {
	storetest.Memory
	attempts int
}

func (b *throttled) Get(context.Context, snapshots.Key) (*snapshots.Record, error) {
	b.attempts++
	return nil, snapshots.ErrBusy
}

func TestAStoreThatIsBusyIsAskedMoreSlowlyUntilTheCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &throttled{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := snapshots.NewBook(table).Live(ctx, account)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, snapshots.ErrBusy) {
			t.Errorf("got error %v, want the deadline and what was in the way", err)
		}
		if elapsed := time.Since(day2000); elapsed != time.Minute {
			t.Errorf("it took %s", elapsed)
		}
		if table.attempts < 60 || table.attempts > 140 {
			t.Errorf("%d attempts in a minute", table.attempts)
		}
	})
}
