package sim

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/pkg/awssim"
)

// weather is what goes wrong with calls, until it changes.
type weather struct {
	rules []*rule
	pages map[string]int // how far a listing is, by process, region and action
	blown map[string]int // faults so far, by what they were
	turn  int            // begins with the seed of the account
}

// rule is one thing that goes wrong, with every so-many-th call that it is about.
type rule struct {
	what    string
	service string // empty for any but the store, which is dynamodb
	region  string // empty for any
	writes  bool   // about calls that change something; else about reads
	every   int
	page    int           // of listings broken late: from which page
	lasts   time.Duration // of what is late or slow
	met     int
	since   time.Time // of an outage of the store: when it began
}

func (r *rule) String() string {
	return fmt.Sprintf("%s: every %d of %q in %q, writes %v, page %d, %s", r.what, r.every, r.service, r.region, r.writes, r.page, r.lasts)
}

// The ways in which calls fail. What is late lands before the engine may trust a look again; what is
// belated, when it has long been given up: as if somebody else had done it.
var (
	readWeathers  = []string{"page", "denied", "page", "throttled", "broken", "slow", "page"}
	writeWeathers = []string{"late", "lost", "belated", "denied", "throttled", "late", "broken", "slow"}
	storeReads    = []string{"store throttled", "store broken", "store slow"}
	storeWrites   = []string{"store throttled", "store conflict", "store broken", "store lost", "store slow"}
)

// weathers are all of them.
func weathers() []string {
	all := slices.Concat(readWeathers, writeWeathers, storeReads, storeWrites)
	slices.Sort(all)
	return slices.Compact(all)
}

// thin are the weathers that a whole run must have been through and was not. A sample must have met what
// is most often got wrong: a run with another seed, or of one history, need not.
func thin(blown map[string]int) []string {
	musts := weathers()
	if !chaos.Full() {
		musts = []string{"denied", "late", "lost", "page"}
	}
	return slices.DeleteFunc(musts, func(what string) bool { return blown[what] > 0 })
}

// draw draws up to three rules that hold at once.
func (w *weather) draw(rt *rapid.T, least int) {
	w.rules = nil
	for range rapid.IntRange(least, 3).Draw(rt, "rules") {
		w.rules = append(w.rules, w.drawRule(rt, hostileRegions))
	}
}

// any draws one of several, each as often: rapid prefers what is small, and here the seed says what that
// is.
func (w *weather) any(rt *rapid.T, of []string, label string) string {
	w.turn += 7
	return of[(w.turn+rapid.IntRange(0, len(of)-1).Draw(rt, label))%len(of)]
}

// drawRule draws one rule. All regions, and every call, are the smallest draws.
func (w *weather) drawRule(rt *rapid.T, regions []string) *rule {
	r := &rule{
		service: w.any(rt, []string{
			"", "dynamodb", "", "ec2", "", "autoscaling", "", "dynamodb", "", "rds", "", "ecs", "application-autoscaling",
		}, "service"),
		region: rapid.SampledFrom(append([]string{""}, regions...)).Draw(rt, "in region"),
		every:  rapid.SampledFrom([]int{1, 2, 3, 5}).Draw(rt, "every"),
		writes: rapid.Bool().Draw(rt, "writes"),
	}
	whats := readWeathers
	switch {
	case r.service == "dynamodb" && r.writes:
		whats, r.region = storeWrites, ""
	case r.service == "dynamodb":
		whats, r.region = storeReads, ""
	case r.writes:
		whats = writeWeathers
	}
	r.what = w.any(rt, whats, "fault")
	r.page = rapid.IntRange(2, 4).Draw(rt, "from page")
	r.lasts = time.Duration(rapid.IntRange(1, 19).Draw(rt, "seconds")) * time.Second
	return r
}

// of is the fault of one attempt.
func (w *weather) of(c awssim.Call) awssim.Fault {
	page := w.pageOf(c)
	for _, r := range w.rules {
		if r.writes != c.Mutating || r.service != c.Service && (r.service != "" || c.Service == "dynamodb") ||
			r.region != "" && r.region != c.Region {
			continue
		}
		if r.what == "page" && page < r.page {
			continue
		}
		if r.met++; r.met%r.every == 0 && !r.over(c) {
			w.blown[r.what]++
			return r.fault(c)
		}
	}
	return awssim.Fault{}
}

func (r *rule) fault(c awssim.Call) awssim.Fault {
	if c.Service == "dynamodb" {
		return r.ofStore(c)
	}
	switch r.what {
	case "throttled":
		return awssim.Fault{Before: throttledIn(c.Service)}
	case "denied":
		return awssim.Fault{Before: answer(http.StatusForbidden, deniedIn(c.Service))}
	case "lost":
		return awssim.Fault{After: answer(http.StatusInternalServerError, "InternalFailure")}
	case "late":
		return awssim.Fault{Late: r.lasts}
	case "belated":
		return awssim.Fault{Late: pace.Call + 5*r.lasts}
	case "slow":
		return awssim.Fault{Delay: r.lasts}
	}
	return awssim.Fault{Before: answer(http.StatusServiceUnavailable, "ServiceUnavailable")}
}

// over says whether an outage of the store has ended. While everything fails nothing can be given up: a
// run goes on trying.
func (r *rule) over(c awssim.Call) bool {
	if c.Service != "dynamodb" || r.every > 1 {
		return false
	}
	if r.since.IsZero() {
		r.since = c.Sent
	}
	return c.Sent.After(r.since.Add(10 * r.lasts))
}

// ofStore is the same for the store. What is slow may fail after its effect besides, every other time.
func (r *rule) ofStore(c awssim.Call) awssim.Fault {
	broken := answer(http.StatusInternalServerError, "InternalServerError")
	in, transaction := c.Input.(*dynamodb.TransactWriteItemsInput)
	switch {
	case r.what == "store conflict" && transaction:
		return awssim.Fault{Before: cancelled(len(in.TransactItems), c.Seq%len(in.TransactItems), "TransactionConflict")}
	case r.what == "store throttled" && transaction && c.Seq%2 == 0:
		return awssim.Fault{Before: cancelled(len(in.TransactItems), c.Seq/2%len(in.TransactItems), "ThrottlingError")}
	case r.what == "store throttled":
		return awssim.Fault{Before: answer(http.StatusBadRequest, "ProvisionedThroughputExceededException")}
	case r.what == "store slow" && r.met%2 == 0:
		return awssim.Fault{Delay: r.lasts}
	case r.what == "store slow":
		return awssim.Fault{Delay: r.lasts, After: broken}
	case r.what == "store lost":
		return awssim.Fault{After: broken}
	}
	return awssim.Fault{Before: broken}
}

// ofStore says whether anything is wrong with the store.
func (w *weather) ofStore() bool {
	return slices.ContainsFunc(w.rules, func(r *rule) bool { return r.service == "dynamodb" })
}

// mendStore ends what is wrong with the store.
func (w *weather) mendStore() {
	w.rules = slices.DeleteFunc(w.rules, func(r *rule) bool { return r.service == "dynamodb" })
}

// throttledIn is how a service asks for fewer calls.
func throttledIn(service string) error {
	switch service {
	case "ec2":
		return answer(http.StatusServiceUnavailable, "RequestLimitExceeded")
	case "ecs", "application-autoscaling":
		return answer(http.StatusBadRequest, "ThrottlingException")
	}
	return answer(http.StatusBadRequest, "Throttling")
}

// deniedIn is how a service says that a policy does not allow a call.
func deniedIn(service string) string {
	switch service {
	case "ec2":
		return "UnauthorizedOperation"
	case "ecs", "application-autoscaling":
		return "AccessDeniedException"
	}
	return "AccessDenied"
}

// pageOf is which page of its listing a call asks for: a token makes it one more than the last.
func (w *weather) pageOf(c awssim.Call) int {
	key := strings.Join([]string{c.Process, c.Region, c.Action()}, " ")
	if !asksOn(c.Input) {
		w.pages[key] = 1
	} else if c.Attempt == 1 {
		w.pages[key]++
	}
	return w.pages[key]
}

func asksOn(input any) bool {
	v := reflect.Indirect(reflect.ValueOf(input))
	for _, name := range []string{"NextToken", "Marker"} {
		if f := v.FieldByName(name); f.IsValid() {
			token, _ := f.Interface().(*string)
			return aws.ToString(token) != ""
		}
	}
	return false
}
