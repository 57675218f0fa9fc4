package sim

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/awssim"
)

// weather is what goes wrong with calls, until it changes.
type weather struct {
	rules []*rule
	pages map[string]int // how far a listing is, by process, region and action
	blown map[string]int // faults so far, by what they were
}

// rule is one thing that goes wrong, with every so-many-th call that it is about.
type rule struct {
	what    string
	service string // empty for any but the store
	region  string // empty for any
	writes  bool   // about calls that change something; else about reads
	every   int
	page    int           // of listings broken late: from which page
	lasts   time.Duration // of what is late or slow
	met     int
}

func (r *rule) String() string {
	return fmt.Sprintf("%s: every %d of %q in %q, writes %v, page %d, %s", r.what, r.every, r.service, r.region, r.writes, r.page, r.lasts)
}

// The ways in which calls fail. A call that hangs for longer than the engine waits for it (20 s) lands
// after the engine has given it up, but before the engine may trust a look again.
var (
	readWeathers  = []string{"throttled", "broken", "denied", "page", "slow"}
	writeWeathers = []string{"throttled", "broken", "denied", "lost", "late", "slow"}
)

// drawRules draws up to three rules that hold at once.
func drawRules(rt *rapid.T, least int) (rules []*rule) {
	for range rapid.IntRange(least, 3).Draw(rt, "rules") {
		rules = append(rules, drawRule(rt, hostileRegions))
	}
	return rules
}

// drawRule draws one rule. All services and regions, and every call, are the smallest draws.
func drawRule(rt *rapid.T, regions []string) *rule {
	r := &rule{
		service: rapid.SampledFrom([]string{"", "ec2", "autoscaling", "rds", "ecs", "application-autoscaling"}).Draw(rt, "service"),
		region:  rapid.SampledFrom(append([]string{""}, regions...)).Draw(rt, "in region"),
		every:   rapid.SampledFrom([]int{1, 2, 3, 5}).Draw(rt, "every"),
		writes:  rapid.Bool().Draw(rt, "writes"),
	}
	if r.writes {
		r.what = rapid.SampledFrom(writeWeathers).Draw(rt, "fault")
	} else {
		r.what = rapid.SampledFrom(readWeathers).Draw(rt, "fault")
	}
	r.page = rapid.IntRange(2, 4).Draw(rt, "from page")
	r.lasts = time.Duration(rapid.IntRange(1, 19).Draw(rt, "seconds")) * time.Second
	return r
}

// of is the fault of one attempt.
func (w *weather) of(c awssim.Call) awssim.Fault {
	if c.Service == "dynamodb" {
		return awssim.Fault{}
	}
	page := w.pageOf(c)
	for _, r := range w.rules {
		if r.writes != c.Mutating || r.service != "" && r.service != c.Service || r.region != "" && r.region != c.Region {
			continue
		}
		if r.what == "page" && page < r.page {
			continue
		}
		if r.met++; r.met%r.every == 0 {
			w.blown[r.what]++
			return r.fault(c)
		}
	}
	return awssim.Fault{}
}

func (r *rule) fault(c awssim.Call) awssim.Fault {
	switch r.what {
	case "throttled":
		return awssim.Fault{Before: throttledIn(c.Service)}
	case "denied":
		return awssim.Fault{Before: answer(http.StatusForbidden, deniedIn(c.Service))}
	case "lost":
		return awssim.Fault{After: answer(http.StatusInternalServerError, "InternalFailure")}
	case "late":
		return awssim.Fault{Late: r.lasts}
	case "slow":
		return awssim.Fault{Delay: r.lasts}
	}
	return awssim.Fault{Before: answer(http.StatusServiceUnavailable, "ServiceUnavailable")}
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
