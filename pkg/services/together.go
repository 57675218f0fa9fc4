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
	open []*asking // who waits for company
}

// asking is somebody who asks.
type asking struct {
	ids    []string
	asked  chan struct{} // closed when the answer is there
	answer any
	err    error
}

// about asks for ids, and gets an answer that may be about more than those.
func (t *together[T]) about(ctx context.Context, ids []string) (answer T, err error) {
	if len(ids) == 0 {
		return answer, nil
	}
	a := &asking{ids: ids, asked: make(chan struct{})}
	t.mu.Lock()
	t.open = append(t.open, a)
	if len(t.open) == 1 {
		go t.answer(ctx)
	}
	t.mu.Unlock()
	select {
	case <-a.asked:
		answer, _ = a.answer.(T)
		return answer, a.err
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// answer asks for everybody: it does not end with who came first, only at the same deadline.
func (t *together[T]) answer(first context.Context) {
	ctx := context.WithoutCancel(first)
	if deadline, ok := first.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	time.Sleep(company)
	t.mu.Lock()
	all := t.open
	t.open = nil
	t.mu.Unlock()
	answerAll(questions(all, t.most), func(ids []string) (any, error) { return t.ask(ctx, ids) })
}

// questions are who asks together. Who came first at one instant is anybody, and so has no say in that.
func questions(all []*asking, most int) (each [][]*asking) {
	slices.SortFunc(all, func(a, b *asking) int { return slices.Compare(a.ids, b.ids) })
	n := 0
	for _, a := range all {
		if len(each) == 0 || most > 0 && n+len(a.ids) > most {
			each, n = append(each, nil), 0
		}
		each[len(each)-1] = append(each[len(each)-1], a)
		n += len(a.ids)
	}
	return each
}

func answerAll(questions [][]*asking, ask func(ids []string) (any, error)) {
	var under sync.WaitGroup
	for _, question := range questions {
		under.Go(func() {
			var ids []string
			for _, a := range question {
				ids = append(ids, a.ids...)
			}
			slices.Sort(ids)
			answer, err := ask(slices.Compact(ids))
			for _, a := range question {
				a.answer, a.err = answer, err
				close(a.asked)
			}
		})
	}
	under.Wait()
}
