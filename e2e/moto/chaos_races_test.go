package moto_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/pkg/killswitch"
)

// The counts of the family.
const (
	deliveries = "deliveries of messages"
	ticks      = "ticks of the guard"
	resumes    = "resumes in between"
	commands   = "commands beside them"
	orders     = "orders"
)

// TestChaosRealRaces has several processes at work on one account at once: each message of SNS is
// delivered to several pause functions, the guard ticks beside them, a resume comes in between, and an
// operator pauses or resumes from a machine of his own. They act as one: one order a message, and the
// account ends where the last order wants it.
func TestChaosRealRaces(t *testing.T) {
	t.Parallel()
	f := newFamily(t, "real races", deliveries, ticks, resumes, commands, orders)
	for n := range chaos.Depth(3, 16) {
		f.history("races", "7", n, race)
	}
}

func race(h *history) {
	h.store = h.inTable()
	h.begin()
	r := &rivals{history: h, began: time.Now(), given: map[string]int{}}
	r.message("budgets-actual-monthly", 0, 0, 0, r.soon(4000))
	if h.drawn.IntN(3) > 0 {
		raised := r.soon(5000)
		r.message("cloudwatch-billing-alarm", raised, raised, raised+r.soon(200))
	}
	if h.drawn.IntN(4) > 0 {
		r.at(300*time.Millisecond+r.soon(4000), r.resume)
	}
	switch h.drawn.IntN(4) {
	case 0:
		r.at(r.soon(4000), func() { r.command("pause") })
	case 1:
		r.at(300*time.Millisecond+r.soon(4000), func() { r.command("resume") })
	}
	r.run()

	h.converge()
	r.oneOrderEach()
	originals := h.items("ORIGINAL#")
	if s, _ := h.newest(); s.Live != nil && s.Live.Last().Act == killswitch.Pause {
		h.isPaused()
		h.must("aws-hit-breaks-resume", `{"actor":"ann"}`)
		h.converge()
	}
	h.isBack()
	h.kept(originals, h.items("ORIGINAL#"))
}

// rivals are the runs of one history, each of which begins at its time.
type rivals struct {
	*history
	began time.Time
	all   []func()

	mu    sync.Mutex
	given map[string]int // orders by message, as the answers tell
}

// soon is a time within so many milliseconds.
func (r *rivals) soon(milliseconds int) time.Duration {
	return time.Duration(r.drawn.IntN(milliseconds)) * time.Millisecond
}

func (r *rivals) at(after time.Duration, do func()) {
	r.all = append(r.all, func() {
		time.Sleep(time.Until(r.began.Add(after)))
		do()
	})
}

// run lets all of them run, and the guard tick meanwhile, and returns when they have ended.
func (r *rivals) run() {
	var all, guard sync.WaitGroup
	r.began = time.Now()
	for _, do := range r.all {
		all.Go(do)
	}
	ended := make(chan bool)
	for range 2 {
		every := 500*time.Millisecond + r.soon(4000)
		guard.Go(func() {
			for {
				select {
				case <-time.After(every):
					r.ask(ticks, "aws-hit-breaks-guard", r.tick())
				case <-ended:
					return
				}
			}
		})
	}
	all.Wait()
	close(ended)
	guard.Wait()
}

// ask invokes a function, which has to answer.
func (r *rivals) ask(what, function, event string) answer {
	r.family.count(what, 1)
	a := r.invoke(function, event)
	if a.Failure != "" && a.Type != "NothingLive" {
		r.Errorf("%s: %s (%s)", function, a.Failure, a.Type)
	}
	return a
}

var (
	messageID = regexp.MustCompile(`"MessageId": "[^"]*"`)
	timestamp = regexp.MustCompile(`"Timestamp": "[^"]*"`)
)

// message delivers an alarm several times that was raised at some time, all of them after the beginning.
func (r *rivals) message(fixture string, raised time.Duration, deliveredAt ...time.Duration) {
	text := strings.ReplaceAll(r.fixture(fixture), account, r.account)
	text = messageID.ReplaceAllString(text, `"MessageId": "`+fixture+`"`)
	for _, after := range deliveredAt {
		r.at(after, func() {
			at := r.began.Add(raised).UTC().Format("2006-01-02T15:04:05.000Z")
			a := r.ask(deliveries, "aws-hit-breaks-pause", timestamp.ReplaceAllString(text, `"Timestamp": "`+at+`"`))
			r.mu.Lock()
			defer r.mu.Unlock()
			r.Logf("%v: %s: order %d, %s", time.Since(r.began), fixture, a.Order, a.Ignored)
			if a.Order > 0 {
				r.given[fixture]++
			} else if a.Ignored == "" {
				r.Errorf("a delivery of %s gave no order and does not say why", fixture)
			}
		})
	}
}

func (r *rivals) resume() {
	a := r.ask(resumes, "aws-hit-breaks-resume", `{"actor":"ann"}`)
	r.Logf("%v: resume: order %d, %s", time.Since(r.began), a.Order, a.Type)
}

// command runs the engine on the machine of an operator, beside the functions.
func (r *rivals) command(act string) {
	r.family.count(commands, 1)
	s := r.history.world.run(r.variables, act, "--local", "--yes")
	r.Logf("%v: %s --local ends with code %d: %s", time.Since(r.began), act, s.code, s.talk)
	if s.code != 0 && (act != "resume" || s.code != 10) {
		r.Errorf("%s --local ended with code %d:\n%s%s", act, s.code, s.out, s.talk)
	}
}

// oneOrderEach says that each message gave one order, or none where a resume had overtaken it, and
// that whoever was told of an order was told the truth.
func (r *rivals) oneOrderEach() {
	r.Helper()
	stored := map[string]int{}
	for _, o := range r.ordered() {
		r.family.count(orders, 1)
		if o.Alarm != nil {
			stored[o.Alarm.ID]++
		}
	}
	for message, n := range stored {
		if n != 1 {
			r.Errorf("message %s gave %d orders", message, n)
		}
	}
	if diff := cmp.Diff(r.given, stored); diff != "" {
		r.Errorf("orders by message (-answered +stored):\n%s", diff)
	}
}

// ordered are all orders that were ever given in the account.
func (w *world) ordered() []killswitch.Order {
	w.Helper()
	headers, err := w.openTable().Headers(w.Context(), w.account, 0)
	if err != nil {
		w.Fatal(err)
	}
	var all []killswitch.Order
	for _, header := range headers {
		s, err := w.openTable().Snapshot(w.Context(), w.account, header.Snapshot)
		if err != nil {
			w.Fatal(err)
		}
		if s.Live != nil {
			s.Header.Orders = s.Live.Orders
		}
		for i, o := range s.Header.Orders {
			if o.Seq != i+1 {
				w.Errorf("order %d of snapshot %s has the number %d", i+1, header.Snapshot, o.Seq)
			}
		}
		all = append(all, s.Header.Orders...)
	}
	return all
}
