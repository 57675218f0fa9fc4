package awssim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
)

// inBubble runs do with an account in a bubble of its own.
func inBubble(t *testing.T, o Options, do func(t *testing.T, a *Account)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Idle = synctest.Wait
		a := New(o)
		defer a.Shutdown()
		do(t, a)
	})
}

// crowd makes thirty goroutines of three processes make twenty calls each, and returns the trace.
func crowd(t *testing.T, seed uint64) []Call {
	t.Helper()
	var trace []Call
	o := Options{Seed: seed, Fault: func(c Call) Fault {
		switch {
		case c.Seq%17 == 0:
			return Fault{Before: apiError(500, "InternalFailure", "try again")}
		case c.Seq%23 == 0:
			return Fault{Delay: time.Second}
		}
		return Fault{}
	}}
	inBubble(t, o, func(t *testing.T, a *Account) {
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				cfg := a.Process(fmt.Sprint("p", i%3)).Config()
				cfg.Region = a.names[i%5]
				client := sts.NewFromConfig(cfg)
				for j := range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(40+j*30)*time.Millisecond)
					_, _ = client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}) // some time out
					cancel()
				}
			})
		}
		all.Wait()
		trace = a.Trace()
	})
	return trace
}

func TestOneSeedIsOneHistory(t *testing.T) {
	want := crowd(t, 1)
	if len(want) < 600 {
		t.Fatalf("%d attempts, want at least one for each of 600 calls", len(want))
	}
	seen := map[string]int{}
	for _, c := range want {
		seen[c.Err]++
	}
	for _, outcome := range []string{"", "canceled", "InternalFailure"} {
		if seen[outcome] == 0 {
			t.Errorf("no call ended with %q: %v", outcome, seen)
		}
	}
	for i := range 50 {
		if diff := cmp.Diff(want, crowd(t, 1)); diff != "" {
			t.Fatalf("run %d of the same seed differs:\n%s", i, diff)
		}
	}
}

func TestTheSeedDecidesTheOrderOfSimultaneousCalls(t *testing.T) {
	orders := map[string]bool{}
	for seed := range uint64(5) {
		inBubble(t, Options{Seed: seed}, func(t *testing.T, a *Account) {
			var all sync.WaitGroup
			for i := range 10 {
				all.Go(func() {
					if err := whoAmI(t.Context(), a.Process(fmt.Sprint("p", i))); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			var order []string
			for _, c := range a.Trace() {
				order = append(order, c.Process)
			}
			if sorted := slices.Sorted(slices.Values(order)); len(slices.Compact(sorted)) != 10 || slices.Equal(order, sorted) {
				t.Errorf("seed %d: the calls came in the order %v", seed, order)
			}
			orders[strings.Join(order, " ")] = true
		})
	}
	if len(orders) != 5 {
		t.Errorf("five seeds gave %d orders", len(orders))
	}
}

func TestNoTwoCallsTakeEffectAtOneInstant(t *testing.T) {
	at := map[time.Time]Call{}
	for _, c := range crowd(t, 3) {
		if other, taken := at[c.At]; taken && !c.At.IsZero() {
			t.Errorf("%v and %v share an instant", other, c)
		}
		at[c.At] = c
	}
}

func whoAmI(ctx context.Context, p *Process) error {
	_, err := sts.NewFromConfig(p.Config()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return err
}

func TestCallTakesOneRoundTripAndSaysWhoCalls(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		began := time.Now()
		out, err := sts.NewFromConfig(a.Process("pause").Config()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToString(out.Account) != "111122223333" || !strings.HasSuffix(*out.Arn, "/pause") {
			t.Errorf("got account %v, arn %v", *out.Account, *out.Arn)
		}
		if took := time.Since(began); took != latency {
			t.Errorf("took %v, want %v", took, latency)
		}
	})
}

func TestFaults(t *testing.T) {
	broken := apiError(400, "Broken", "no")
	for name, tt := range map[string]struct {
		fault   Fault
		want    string // code of what the caller hears; "" for success
		landed  bool
		took    time.Duration
		attempt int
	}{
		"an error before the effect leaves no effect":      {Fault{Before: broken}, "Broken", false, latency, 1},
		"an error after the effect hides an effect":        {Fault{After: broken}, "Broken", true, latency, 1},
		"a delay is added to the latency":                  {Fault{Delay: time.Second}, "", true, time.Second + latency, 1},
		"a late call times out and lands all the same":     {Fault{Late: 20 * time.Second}, "canceled", true, 10 * time.Second, 1},
		"a call slower than its context has no effect":     {Fault{Delay: 20 * time.Second}, "canceled", false, 10 * time.Second, 1},
		"a server error is retried by the SDK, thrice":     {Fault{Before: apiError(500, "Oops", "")}, "Oops", false, 0, 3},
		"a call that lands before the timeout is a normal": {Fault{}, "", true, latency, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Fault: func(Call) Fault { return tt.fault }}
			inBubble(t, o, func(t *testing.T, a *Account) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				began := time.Now()
				err := whoAmI(ctx, a.Process("p"))
				if took := time.Since(began); tt.took != 0 && took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				time.Sleep(time.Minute)
				trace := a.Trace()
				last := trace[len(trace)-1]
				if last.Err != tt.want || last.Landed != tt.landed || last.Attempt != tt.attempt {
					t.Errorf("last call %v landed %v, want error %q, landed %v, attempt %d", last, last.Landed, tt.want, tt.landed, tt.attempt)
				}
				if (err == nil) != (tt.want == "") {
					t.Errorf("the caller got %v", err)
				}
				if canceled := errors.Is(err, context.DeadlineExceeded); canceled != (tt.want == "canceled") {
					t.Errorf("the caller got %v", err)
				}
			})
		})
	}
}

func TestKilledProcessHearsNothingMore(t *testing.T) {
	for name, fault := range map[string]Fault{
		"killed before the effect": {KillBefore: true},
		"killed after the effect":  {KillAfter: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Fault: func(c Call) Fault {
				if c.Process == "victim" {
					return fault
				}
				return Fault{}
			}}
			inBubble(t, o, func(t *testing.T, a *Account) {
				victim := a.Process("victim")
				returned := make(chan error, 2)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				go func() { returned <- whoAmI(ctx, victim) }()
				<-victim.Killed()
				go func() { returned <- whoAmI(ctx, victim) }()
				time.Sleep(time.Hour)
				if len(returned) > 0 {
					t.Fatalf("a call of a killed process returned %v", <-returned)
				}
				if err := whoAmI(t.Context(), a.Process("other")); err != nil {
					t.Errorf("another process is hurt: %v", err)
				}
				first := a.Trace()[0]
				if first.Err != "killed" || first.Landed != fault.KillAfter {
					t.Errorf("got %v, landed %v", first, first.Landed)
				}
				a.Shutdown()
				for range 2 {
					if err := <-returned; !errors.Is(err, errShutdown) {
						t.Errorf("after the shutdown the call returned %v", err)
					}
				}
			})
		})
	}
}

func TestSomeCallsOfAKilledProcessStillLand(t *testing.T) {
	inBubble(t, Options{Seed: 4}, func(t *testing.T, a *Account) {
		p := a.Process("p")
		for range 40 {
			go func() { _ = whoAmI(context.Background(), p) }()
		}
		time.Sleep(latency / 2)
		p.Kill()
		time.Sleep(time.Second)
		landed := 0
		for _, c := range a.Trace() {
			if c.Landed {
				landed++
			}
		}
		if landed == 0 || landed == 40 {
			t.Errorf("%d of 40 calls under way landed, want some", landed)
		}
	})
}

func TestFrozenProcessGoesOnWhereItWas(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		p := a.Process("p")
		type answer struct {
			err error
			at  time.Duration
		}
		began := time.Now()
		inFlight, later := make(chan answer, 1), make(chan answer, 1)
		go func() { err := whoAmI(t.Context(), p); inFlight <- answer{err, time.Since(began)} }()
		time.Sleep(latency / 2)
		p.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { err := whoAmI(ctx, p); later <- answer{err, time.Since(began)} }()
		time.Sleep(time.Hour)
		if n := len(a.Trace()); n != 1 || !a.Trace()[0].Landed {
			t.Errorf("while frozen the account saw %d calls, first %v: want the one under way to land and no other", n, a.Trace()[0])
		}
		p.Thaw()
		thawed := time.Hour + latency/2
		if got := <-inFlight; got.err != nil || got.at != thawed {
			t.Errorf("the call under way returned %v after %v, want its answer at the thaw, %v", got.err, got.at, thawed)
		}
		if got := <-later; !errors.Is(got.err, context.DeadlineExceeded) || got.at != thawed {
			t.Errorf("the call made while frozen returned %v after %v, want its deadline's error at the thaw", got.err, got.at)
		}
	})
}

func TestWhatIsHeldAsksItsFenceAtTheThaw(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		p := a.Process("p")
		began, asked := time.Now(), time.Duration(-1)
		closed := errors.New("the fence is closed")
		cfg := p.Config()
		cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Fence", func(
				context.Context, middleware.FinalizeInput, middleware.FinalizeHandler,
			) (middleware.FinalizeOutput, middleware.Metadata, error) {
				asked = time.Since(began)
				return middleware.FinalizeOutput{}, middleware.Metadata{}, closed
			}), "Retry", middleware.After)
		})
		p.Freeze()
		time.AfterFunc(time.Hour, p.Thaw)
		_, err := sts.NewFromConfig(p.Held(cfg)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if !errors.Is(err, closed) || asked != time.Hour || len(a.Trace()) > 0 {
			t.Errorf("asked after %s, and got %v; %d calls were made", asked, err, len(a.Trace()))
		}
	})
}

func TestUnmodelledIsAnErrorAndNamed(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		client := ec2.NewFromConfig(a.Process("p").Config())
		for range 2 {
			_, err := client.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
			if api := smithy.APIError(nil); !errors.As(err, &api) {
				t.Errorf("an unmodelled operation answered %v", err)
			}
		}
		if got, want := a.Unmodelled(), []string{"ec2:DescribeVpcs"}; !slices.Equal(got, want) {
			t.Errorf("unmodelled %v, want %v", got, want)
		}
	})
}

func TestRegionThatIsNotEnabledKnowsNoCredentials(t *testing.T) {
	inBubble(t, Options{Regions: []string{"eu-west-1"}}, func(t *testing.T, a *Account) {
		if err := whoAmI(t.Context(), a.Process("p")); code(err) != "AuthFailure" {
			t.Errorf("us-east-1 answered %v", err)
		}
	})
}

func TestRealTimeIsDividedBySpeed(t *testing.T) {
	a := New(Options{Speed: 100})
	defer a.Shutdown()
	began, account := time.Now(), a.Now()
	for range 20 {
		if err := whoAmI(t.Context(), a.Process("p")); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 20*latency/100 || took > 20*latency {
		t.Errorf("20 calls took %v", took)
	}
	if passed := a.Now().Sub(account); passed < 20*latency {
		t.Errorf("%v of account time passed, want at least %v", passed, 20*latency)
	}
	a.Jump(7 * 24 * time.Hour)
	if passed := a.Now().Sub(account); passed < 7*24*time.Hour {
		t.Errorf("after a jump of a week only %v passed", passed)
	}
}

func TestTransitionsRunInOrderWhenLookedAt(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		var got []string
		began := time.Now()
		note := func(what string) func(time.Time) {
			return func(now time.Time) { got = append(got, fmt.Sprint(what, " ", now.Sub(began))) }
		}
		a.look(func(now time.Time) {
			a.at(now.Add(2*time.Second), "b", note("b"))
			a.at(now.Add(2*time.Second), "a", func(now time.Time) {
				note("a")(now)
				a.at(now.Add(time.Second), "c", note("c"))
			})
			a.at(now.Add(time.Second), "z", note("z"))
			a.at(now.Add(time.Hour), "never", note("never"))
		})
		time.Sleep(10 * time.Second)
		a.look(func(time.Time) {})
		if diff := cmp.Diff([]string{"z 1s", "a 2s", "b 2s", "c 3s"}, got); diff != "" {
			t.Error(diff)
		}
	})
}
