package services

import (
	"context"
	"slices"
	"sync"
	"time"
)

// company is for how long a question waits for others like it. The engine looks at all kinds of a
// region at the same instant, and one call answers the looks of instances and of groups; so it does
// where it starts them.
const company = 5 * time.Millisecond

// together makes one question of those that are asked at the same time. An error is everybody's.
type together[T any] struct {
	ask  func(ctx context.Context, ids []string) (T, error)
	most int // ids of a question that several ask; 0 for any number

	mu   sync.Mutex
	open *question[T] // takes ids until it is asked
}

type question[T any] struct {
	ids    []string
	asked  chan struct{} // closed when the answer is there
	answer T
	err    error
}

// about asks for ids, and gets an answer that may be about more than those.
func (t *together[T]) about(ctx context.Context, ids []string) (answer T, err error) {
	if len(ids) == 0 {
		return answer, nil
	}
	t.mu.Lock()
	q := t.open
	if q == nil || t.most > 0 && len(q.ids)+len(ids) > t.most {
		q = &question[T]{asked: make(chan struct{})}
		t.open = q
		go t.answer(ctx, q)
	}
	q.ids = append(q.ids, ids...)
	t.mu.Unlock()
	select {
	case <-q.asked:
		return q.answer, q.err
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// answer asks for everybody: it does not end with who came first, only at the same deadline.
func (t *together[T]) answer(first context.Context, q *question[T]) {
	ctx := context.WithoutCancel(first)
	if deadline, ok := first.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	time.Sleep(company)
	t.mu.Lock()
	if t.open == q {
		t.open = nil
	}
	t.mu.Unlock()
	slices.Sort(q.ids)
	q.answer, q.err = t.ask(ctx, slices.Compact(q.ids))
	close(q.asked)
}
