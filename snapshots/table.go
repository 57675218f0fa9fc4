package snapshots

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Table is where records are kept: the little that a store has to do itself. A Book makes the
// contract of a Store of it. Methods are single attempts and safe for concurrent use; an error that
// wraps ErrBusy or ErrUnsure is tried again by the Book, any other is final.
type Table interface {
	// Get reads one record, strongly consistent; nil where there is none.
	Get(ctx context.Context, key Key) (*Record, error)
	// Query reads the records of a partition whose SK begins with prefix, strongly consistent and
	// to the last page, in ascending order of SK; with newest > 0 only the last so many, descending.
	// It gives each to take, also where it ends with an error after that.
	Query(ctx context.Context, pk, prefix string, newest int, take func(Record)) error
	// Commit makes all swaps or none. Where conditions do not hold the error is a *Mismatch. No two
	// swaps are of one key. What the table repeats below this call counts once.
	Commit(ctx context.Context, swaps []Swap) error
	// Where names the table for humans.
	Where() string
}

// Swap replaces a record if what is stored is what the writer believes.
type Swap struct {
	Key Key
	If  Condition
	Put *Record // nil removes the record
}

// Condition is what must be stored for a swap to be made. The zero value is met by anything.
type Condition struct {
	Absent   bool   // nothing
	Checksum string // a record with this checksum, unless empty
}

// Mismatch says which conditions did not hold, and what is stored instead. Nothing was written.
type Mismatch struct {
	Stored map[int]*Record // by index of the swap; nil where nothing is stored
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("%d stored items are not what they were believed to be", len(m.Stored))
}

// found says whether the condition of a swap failed, and what is stored there.
func (m *Mismatch) found(swap int) (*Record, bool) {
	r, failed := m.Stored[swap]
	return r, failed
}

// What a Table says of attempts that may be made again.
var (
	// ErrBusy: throttled, or another transaction is under way on the item. Nothing was written.
	ErrBusy = errors.New("store busy")
	// ErrUnsure: no answer, or a failure of the store itself. Of a Commit all or nothing was
	// written; since every swap is conditional, making it again does no harm.
	ErrUnsure = errors.New("no answer from the store")
)

// unsureTries is how often an attempt is made again whose fate is unknown. The SDK has tried three
// times below each.
const unsureTries = 3

// again makes attempts until one is not busy, within ctx.
func again(ctx context.Context, seed string, attempt func() error) error {
	unsure := 0
	for n := 0; ; n++ {
		if err := killswitch.Fence(ctx); err != nil {
			return err
		}
		err := attempt()
		switch {
		case errors.Is(err, ErrUnsure) && unsure < unsureTries:
			unsure++
		case !errors.Is(err, ErrBusy):
			return err
		}
		if over := pause(ctx, seed, n); over != nil {
			return fmt.Errorf("%w; last: %w", over, err)
		}
	}
}

// The back-off between attempts doubles from the first to the last of these.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// pause waits the back-off number n: half of it, and a part of the other half that depends on the
// seed, so that rivals drift apart and one seed still gives one history. With n < 0 it does not wait.
func pause(ctx context.Context, seed string, n int) error {
	if n < 0 {
		return ctx.Err()
	}
	hash := fnv.New32a()
	hash.Write([]byte(seed + strconv.Itoa(n)))
	half := min(firstPause<<min(n, 10), lastPause) / 2
	timer := time.NewTimer(half + time.Duration(float64(half)*float64(hash.Sum32())/(1<<32)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// The limits of DynamoDB, which hold for every store:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxItem = 400 << 10
	// MaxBytes is how many bytes, by Size, the changes of one Write may take together: the 4 MB of
	// a transaction less the lease.
	MaxBytes = 4<<20 - 4<<10
)

func tooLarge(r Record) error {
	if r.Size() > maxItem {
		return fmt.Errorf("store %s: it takes %d bytes; an item may take %d", r.Key, r.Size(), maxItem)
	}
	return nil
}
