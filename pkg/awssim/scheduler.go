package awssim

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// attempt is one call on its way through the account.
type attempt struct {
	call      Call
	process   *Process
	hash      string // of the input
	signer    string // access key
	key       string // process, region, operation, input and how often that was seen before
	requestID string
	fault     Fault
	due       time.Time // when the scheduler releases it

	traced  *Call         // its entry in the trace
	settled chan struct{} // closed when output and err are final
	left    bool          // the caller has gone
	output  any
	err     error
}

// errGone says that the caller's context ended.
var errGone = errors.New("awssim: the caller's context ended")

// queue is what the scheduler has before it.
type queue struct {
	arrived []*attempt // since it last looked
	waiting dues
	taken   map[int64]bool // the instants of waiting, in nanoseconds
}

// send makes one attempt and waits for its answer and the answer's request id.
func (a *Account) send(ctx context.Context, t *attempt) (output any, requestID string, err error) {
	if err := t.process.gate(); err != nil {
		return nil, "", err
	}
	if a.idle == nil {
		a.begin(t)
		go a.releaseInRealTime(t)
	} else {
		a.mu.Lock()
		a.queue.arrived = append(a.queue.arrived, t)
		a.mu.Unlock()
		select {
		case a.wake <- struct{}{}:
		default: // it has been told already
		}
	}
	return a.await(ctx, t)
}

// await waits for what comes first: the answer, the end of the context, the end of the simulation.
// A process that was killed or is frozen hears of neither of the first two.
func (a *Account) await(ctx context.Context, t *attempt) (output any, requestID string, err error) {
	select {
	case <-t.settled:
	case <-ctx.Done():
	case <-a.done:
		return nil, "", errShutdown
	}
	if err := t.process.gate(); err != nil {
		return nil, "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-t.settled:
		return t.output, t.requestID, t.err
	default:
	}
	t.left = true
	if t.traced != nil {
		t.traced.Err = "canceled"
	}
	return nil, "", errGone
}

// schedule is the one goroutine that decides what happens next. It acts only when all else in the
// bubble is blocked, so nothing it does depends on how the runtime orders goroutines.
func (a *Account) schedule() {
	for {
		a.idle()
		select {
		case <-a.done:
			return
		default:
		}
		a.collect()
		due, released := a.release()
		if released {
			continue
		}
		var alarm <-chan time.Time
		if !due.IsZero() {
			alarm = time.After(time.Until(due))
		}
		// Whichever comes first, the loop starts again with everything idle.
		select {
		case <-alarm:
		case <-a.wake:
		case <-a.done:
			return
		}
	}
}

// collect takes what has arrived since the last look, in an order that the seed decides, and gives
// each attempt an instant of its own.
func (a *Account) collect() {
	a.mu.Lock()
	arrived := a.queue.arrived
	a.queue.arrived = nil
	a.mu.Unlock()
	for _, t := range arrived {
		a.number(t)
	}
	slices.SortFunc(arrived, func(x, y *attempt) int {
		return cmp.Or(cmp.Compare(hash(a.seed, x.key), hash(a.seed, y.key)), cmp.Compare(x.key, y.key))
	})
	for i, t := range arrived {
		a.begin(t)
		a.mu.Lock()
		t.due = a.now().Add(latency + t.fault.Delay + t.fault.Late + time.Duration(i))
		for a.queue.taken[t.due.UnixNano()] {
			t.due = t.due.Add(1)
		}
		a.queue.taken[t.due.UnixNano()] = true
		heap.Push(&a.queue.waiting, t)
		a.mu.Unlock()
	}
}

// number gives an attempt its key: its content, and how often that was seen before. Equal attempts
// made at one instant are interchangeable.
func (a *Account) number(t *attempt) {
	t.key = fmt.Sprint(t.call.Process, " ", t.call.Region, " ", t.call.Action(), " ", t.hash)
	id := hash(0, t.key)
	a.occurrences[id]++
	t.key += " " + strconv.Itoa(a.occurrences[id])
	t.requestID = requestID(hash(a.seed, t.key))
}

func requestID(x uint64) string {
	y := hash(x)
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", x>>32, x>>16&0xffff, x&0xfff, y>>48, y&0xffffffffffff)
}

// begin writes an attempt into the trace and asks for its fault.
func (a *Account) begin(t *attempt) {
	a.mu.Lock()
	if t.key == "" {
		a.number(t)
	}
	op, known := a.operations[t.call.Action()]
	t.call.Mutating = known && op.mutating
	t.call.Seq = len(a.trace) + 1
	t.call.Sent = a.now()
	if s := a.sessions[t.signer]; s != nil {
		t.call.By = s.arn
	}
	traced := t.call
	traced.Input = nil
	if t.left {
		traced.Err = "canceled"
	}
	t.traced = &traced
	a.trace = append(a.trace, t.traced)
	a.mu.Unlock()
	if a.fault != nil {
		t.fault = a.fault(t.call) // without the mutex: it may look at the account
	}
}

// release settles the attempt that is due, if one is, or says when the next one will be.
func (a *Account) release() (due time.Time, released bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue.waiting) == 0 {
		return time.Time{}, false
	}
	if next := a.queue.waiting[0].due; next.After(a.now()) {
		return next, false
	}
	t := heap.Pop(&a.queue.waiting).(*attempt)
	delete(a.queue.taken, t.due.UnixNano())
	a.settle(t)
	return time.Time{}, true
}

// releaseInRealTime is the scheduler's work for one attempt where time is real.
func (a *Account) releaseInRealTime(t *attempt) {
	timer := time.NewTimer(a.real(latency + t.fault.Delay + t.fault.Late))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.done:
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle(t)
}

// real is how long a duration of the account takes in the time that timers know.
func (a *Account) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / a.speed)
}

// settle lets an attempt take effect, or fail, and answers it. The caller holds the mutex.
func (a *Account) settle(t *attempt) {
	hangs := t.fault.Late > 0
	// Of what a killed process had under way, half had left the machine.
	lost := t.process.isKilled() && !hangs && hash(a.seed, "lost", t.key)&1 == 0
	if lost || t.left && !hangs || t.fault.KillBefore {
		if t.fault.KillBefore {
			t.process.Kill()
		}
		if t.process.isKilled() {
			t.traced.Err = "killed"
		}
		close(t.settled)
		return
	}
	now := a.now()
	a.advance(now)
	t.traced.At = now
	t.output, t.err = a.perform(t, now)
	if t.fault.KillAfter {
		t.process.Kill()
	}
	switch {
	case t.process.isKilled():
		t.traced.Err = "killed"
	case t.left:
	case t.err != nil:
		t.traced.Err = cmp.Or(code(t.err), t.err.Error())
	}
	if !hangs {
		close(t.settled)
	}
}

// perform carries the attempt out and says what the caller hears.
func (a *Account) perform(t *attempt, now time.Time) (any, error) {
	output, err := a.effect(t, now)
	if t.fault.After != nil {
		output, err = nil, t.fault.After
	}
	if response := (*awshttp.ResponseError)(nil); errors.As(err, &response) {
		answer := *response // errors of faults are shared
		answer.RequestID = t.requestID
		err = &answer
	}
	return output, err
}

func (a *Account) effect(t *attempt, now time.Time) (any, error) {
	if t.fault.Before != nil {
		return nil, t.fault.Before
	}
	c := &call{account: a, region: a.region(t.call.Region), sentTo: t.call.Region, process: t.process, now: now, sent: t.traced.Sent, key: t.key, hash: t.hash}
	if c.region == nil && t.call.Service != "pricing" { // whose endpoints are the same for all accounts
		// An opt-in region that is not enabled knows no credentials of the account:
		// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
		return nil, apiError(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	}
	op, known := a.operations[t.call.Action()]
	if !known {
		return nil, c.unmodelled(t.call.Action())
	}
	var err error
	if c.by, err = a.sessionOf(t.signer, now); err != nil {
		return nil, err
	}
	if err := c.by.permit(t.call); err != nil {
		return nil, err
	}
	if err := a.throttle(t, now); err != nil {
		return nil, err
	}
	output, err := op.handle(c, t.call.Input)
	t.traced.Landed = err == nil
	return output, err
}

// dues is a heap of attempts by the instant they are due.
type dues []*attempt

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].due.Before(d[j].due) }
func (d dues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(x any)        { *d = append(*d, x.(*attempt)) }
func (d *dues) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}
