package events_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// asks says whether a call is made for dollars alone.
func asks(c awssim.Call) bool {
	return c.Service == "pricing" || slices.Contains([]string{"DescribeSpotPriceHistory", "DescribeVolumes", "DescribeNatGateways", "DescribeAddresses", "DescribeLoadBalancers"}, c.Operation)
}

// stops says whether a call stops something.
func stops(c awssim.Call) bool { return c.Mutating && c.Service != "dynamodb" && c.Service != "sns" }

// costly adds what the price list of the simulated account has in the world's region.
func (w *world) costly() {
	w.account.AddInstance(region, awssim.Instance{ID: "i-0big", Type: "m5.xlarge"})
	w.account.AddVolume(region, awssim.Volume{ID: "vol-0big", Size: 100})
	time.Sleep(time.Hour)
}

// TestNoStopWaitsForAPrice: every call that stops comes before the first that asks for dollars, and a
// price list that hangs holds up the answer for some seconds and nothing else.
func TestNoStopWaitsForAPrice(t *testing.T) {
	for name, hangs := range map[string]time.Duration{"it answers": 0, "it hangs": time.Hour} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.costly()
				w.inform()
				w.fault = func(c awssim.Call) awssim.Fault {
					if asks(c) {
						return awssim.Fault{Late: hangs}
					}
					return awssim.Fault{}
				}
				answer := w.must(pause, `{"actor":"ann"}`)
				if got := answer.Report.Summary.Phases[killswitch.Paused]; got != 4 {
					t.Errorf("%d are paused, want 4", got)
				}
				lastStop, firstAsk, lastAsk := awssim.Call{}, awssim.Call{}, awssim.Call{}
				for _, c := range w.account.Trace() {
					switch {
					case stops(c) && c.Seq > lastStop.Seq:
						lastStop = c
					case asks(c):
						if firstAsk.Seq == 0 {
							firstAsk = c
						}
						lastAsk = c
					}
				}
				if lastStop.Seq == 0 || firstAsk.Seq < lastStop.Seq {
					t.Errorf("asked for dollars before the last stop:\n%s\n%s", firstAsk, lastStop)
				}
				if hangs > 0 && !strings.HasPrefix(answer.Report.Bills()[1].Figures()[0], "unknown") {
					t.Errorf("a price list that says nothing, and saved are %+v", answer.Report.Bills()[1])
				}
				if messages := w.account.Messages(); len(messages) != 1 || messages[0].At.Sub(firstAsk.Sent) > 11*time.Second {
					t.Errorf("humans were told %d times, at %s; the calls for dollars were from %s to %s", len(messages), messages[0].At, firstAsk, lastAsk)
				}
			})
		})
	}
}

// TestAFunctionAnswersDollars: each distinct product is asked for once, what is known stands in the
// answer and in what humans are told, and the next function finds it in the table.
func TestAFunctionAnswersDollars(t *testing.T) {
	inWorld(t, func(w *world) {
		w.costly()
		w.inform()
		asked := map[string]int{}
		var mu sync.Mutex
		w.fault = func(c awssim.Call) awssim.Fault {
			in, ok := c.Input.(*pricing.GetProductsInput)
			if !ok {
				return awssim.Fault{}
			}
			var filters []string
			for _, f := range in.Filters {
				filters = append(filters, fmt.Sprint(*f.Field, "=", *f.Value))
			}
			mu.Lock()
			defer mu.Unlock()
			asked[fmt.Sprint(*in.ServiceCode, filters)]++
			return awssim.Fault{}
		}
		answer := w.must(pause, `{"actor":"ann"}`)
		if saved := answer.Report.Summary.Cost.Saved; saved < 0.32099 || saved > 0.32101 {
			t.Errorf("$%v an hour are saved, want those of m5.xlarge and m5.large in eu-west-1", saved)
		}
		// 100 GiB of gp3 in eu-west-1 at $0.088 a month
		if kept := answer.Report.Summary.Cost.Kept; kept < 0.01205 || kept > 0.01206 || len(answer.Report.Residuals) != 1 {
			t.Errorf("$%v an hour are kept, by %+v", kept, answer.Report.Residuals)
		}
		if text := w.account.Messages()[0].Forms["default"]; !strings.Contains(text, "saved by the pause: $0.3210 an hour") {
			t.Errorf("humans were told %s", text)
		}
		for product, n := range asked {
			if n > 1 {
				t.Errorf("asked %d times for %s", n, product)
			}
		}
		if len(asked) < 3 {
			t.Errorf("only %d products were asked for", len(asked))
		}
		from := len(w.account.Trace())
		again := w.must(pause, `{"actor":"ann"}`)
		for _, c := range w.account.Trace()[from:] {
			if c.Service == "pricing" {
				t.Errorf("a price of the same day was asked for again: %s", c)
			}
		}
		if diff := cmp.Diff(answer.Report.Summary.Cost, again.Report.Summary.Cost); diff != "" {
			t.Errorf("the second time: %s", diff)
		}
	})
}

// TestWhoMayNotAskForPricesLosesDollarsAlone compares what is done, in the order of resources.
func TestWhoMayNotAskForPricesLosesDollarsAlone(t *testing.T) {
	done := func(denied bool) (calls []string, phases map[killswitch.Phase]int, unknown int) {
		inWorld(t, func(w *world) {
			w.costly()
			w.fault = func(c awssim.Call) awssim.Fault {
				if denied && asks(c) {
					return awssim.Fault{Before: accessDenied}
				}
				return awssim.Fault{}
			}
			answer := w.must(pause, `{"actor":"ann"}`)
			for _, c := range w.account.Trace() {
				if stops(c) {
					calls = append(calls, c.Action()+" "+strings.Join(c.Targets, " "))
				}
			}
			slices.Sort(calls)
			phases, unknown = answer.Report.Summary.Phases, answer.Report.Summary.Cost.Unknown
			if denied != strings.Contains(fmt.Sprint(answer.Report.Terms()), "allow it in the policy") {
				t.Errorf("denied: %v, and it says %q", denied, answer.Report.Terms())
			}
		})
		return calls, phases, unknown
	}
	calls, phases, some := done(false)
	deniedCalls, deniedPhases, all := done(true)
	if diff := cmp.Diff(calls, deniedCalls) + cmp.Diff(phases, deniedPhases); diff != "" || len(calls) == 0 {
		t.Errorf("%d calls; with prices denied (-want +got):\n%s", len(calls), diff)
	}
	if all <= some {
		t.Errorf("%d of unknown cost with prices, %d without", some, all)
	}
}
