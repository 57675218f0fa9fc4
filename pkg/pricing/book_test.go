package pricing_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/pricing"
)

// asked counts the calls of an action that were made.
func asked(a *awssim.Account, action string) (n int) {
	for _, call := range a.Trace() {
		if call.Action() == action {
			n++
		}
	}
	return n
}

// sizes are many products that the price list has.
func sizes() []killswitch.Product {
	var all []killswitch.Product
	for _, size := range []string{"t3.micro", "t3.small", "t3.medium", "m5.large", "m5.xlarge", "m5.2xlarge", "c5.large", "c5.xlarge", "r5.large", "r5.xlarge"} {
		all = append(all, instance(size, "RunInstances"))
	}
	return all
}

func TestAProductIsAskedForOnceHoweverManyAsk(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
		book := pricing.New(cfg, nil)
		var askers sync.WaitGroup
		for range 20 {
			askers.Go(func() {
				book.Ask(t.Context(), append(sizes(), sizes()...)...)
				for _, p := range sizes() {
					if dollars, ok := book.Of(p); !ok || dollars <= 0 {
						t.Errorf("%s: $%v, known: %t, after its price was asked for", p, dollars, ok)
					}
				}
			})
		}
		askers.Wait()
		book.Ask(t.Context(), sizes()...)
		if n := asked(a, "pricing:GetProducts"); n != len(sizes()) {
			t.Errorf("%d calls for %d products", n, len(sizes()))
		}
	})
}

func TestTheRateIsThatOfThePriceList(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
		var many []killswitch.Product
		for _, region := range []string{"us-east-1", "eu-west-1", "ap-south-1", "sa-east-1", "us-west-2", "ca-central-1"} {
			for _, p := range sizes() {
				many = append(many, in(region, p))
			}
		}
		began := time.Now()
		pricing.New(cfg, nil).Ask(t.Context(), many...)
		for _, call := range a.Trace() {
			if call.Err != "" {
				t.Fatalf("AWS throttled us: %s", call)
			}
		}
		// Eight at once and four a second after them: the whole account shares the ten and five of AWS.
		if took, least := time.Since(began), time.Duration(len(many)-8)*time.Second/4; took < least || took > least+2*time.Second {
			t.Errorf("%d products took %s, the rate allows them in %s", len(many), took, least)
		}
	})
}

func TestWhatHasNotBeenAskedIsUnknown(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, _ *awssim.Account, cfg aws.Config) {
		book := pricing.New(cfg, nil)
		p := instance("m5.large", "RunInstances")
		if dollars, ok := book.Of(p); ok || dollars != 0 || book.Why(p) != "its price was not asked for in time" {
			t.Errorf("$%v, known: %t, %q", dollars, ok, book.Why(p))
		}
	})
}

// TestOneWhoGoesAwayTakesNobodyWithIt has one asker that ends in the middle of a call and another that
// waits for the same product.
func TestOneWhoGoesAwayTakesNobodyWithIt(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
		book := pricing.New(cfg, nil)
		p := instance("m5.large", "RunInstances")
		hasty, leave := context.WithCancel(t.Context())
		var askers sync.WaitGroup
		askers.Go(func() { book.Ask(hasty, p) })
		time.Sleep(time.Millisecond)
		askers.Go(func() { book.Ask(t.Context(), p) })
		time.Sleep(time.Millisecond)
		leave()
		askers.Wait()
		if dollars, ok := book.Of(p); !ok || dollars != 0.096 {
			t.Errorf("$%v, known: %t, %q", dollars, ok, book.Why(p))
		}
	})
}

func TestACallerWithoutTimeDoesNotWaitForItsTurn(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, _ *awssim.Account, cfg aws.Config) {
		book := pricing.New(cfg, nil)
		var many []killswitch.Product
		for _, region := range []string{"us-east-1", "eu-west-1", "ap-south-1"} {
			for _, p := range sizes() {
				many = append(many, in(region, p))
			}
		}
		began := time.Now()
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		book.Ask(ctx, many...)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s of one second", took)
		}
		if got := book.Unknown(); len(got) > 1 || len(got) == 1 && got[0].Why != "AWS's price list has no such product" {
			t.Errorf("what was not asked for in time counts as an answer: %+v", got)
		}
		book.Ask(t.Context(), many...) // somebody else has the time
		if dollars, ok := book.Of(many[len(many)-1]); ok || dollars != 0 || book.Why(many[len(many)-1]) != "AWS's price list has no such product" {
			t.Errorf("$%v, known: %t, %q", dollars, ok, book.Why(many[len(many)-1]))
		}
	})
}

// refusal is an error as the SDK reads it from an answer.
func refusal(status int, code string) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{}}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "no"},
	}}
}

func TestWhoIsDeniedDoesNotAskAgain(t *testing.T) {
	denied := func(awssim.Call) awssim.Fault { return awssim.Fault{Before: refusal(400, "AccessDeniedException")} }
	inAccount(t, awssim.Options{Fault: denied}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
		book := pricing.New(cfg, nil)
		book.Ask(t.Context(), sizes()[:1]...)
		book.Ask(t.Context(), sizes()...)
		if n := asked(a, "pricing:GetProducts"); n != 1 {
			t.Errorf("%d calls after one was denied", n-1)
		}
		got := book.Unknown()
		if len(got) != 1 || len(got[0].Products) != len(sizes()) || got[0].Why == "" {
			t.Errorf("unknown prices by reason: %+v", got)
		}
		for _, p := range sizes() {
			if _, ok := book.Of(p); ok {
				t.Errorf("%s has a price", p)
			}
		}
	})
}

func TestAFailureIsTrueOfItsProductAlone(t *testing.T) {
	broken := func(c awssim.Call) awssim.Fault {
		if c.Seq <= 3 { // one call and the SDK's repetitions
			return awssim.Fault{Before: refusal(500, "InternalErrorException")}
		}
		return awssim.Fault{}
	}
	inAccount(t, awssim.Options{Fault: broken}, func(t *testing.T, _ *awssim.Account, cfg aws.Config) {
		book := pricing.New(cfg, nil)
		book.Ask(t.Context(), sizes()[0])
		book.Ask(t.Context(), sizes()...)
		for i, p := range sizes() {
			if _, ok := book.Of(p); ok == (i == 0) {
				t.Errorf("%s: known: %t, %q", p, ok, book.Why(p))
			}
		}
	})
}

// memory is a cache that fails when it is told to.
type memory struct {
	text  []byte
	fails error
	saved int
}

func (m *memory) Load(context.Context) ([]byte, error) { return m.text, m.fails }
func (m *memory) Save(_ context.Context, text []byte) error {
	if m.fails != nil {
		return m.fails
	}
	m.saved++
	m.text = text
	return nil
}

func TestPricesAreKeptForADay(t *testing.T) {
	for name, tt := range map[string]struct {
		later  time.Duration
		damage func(*memory)
		again  int // products that are asked for again
	}{
		"an hour later nothing is asked":      {time.Hour, nil, 0},
		"two days later everything is":        {48 * time.Hour, nil, 2},
		"what cannot be read is no cache":     {time.Hour, func(m *memory) { m.text = m.text[:len(m.text)/2] }, 2},
		"what is of another version is none":  {time.Hour, func(m *memory) { m.text = replaced(m.text, `"version":1`, `"version":2`) }, 2},
		"a price that was altered is none":    {time.Hour, func(m *memory) { m.text = replaced(m.text, "0.096", "0.095") }, 2},
		"a cache that fails is none":          {time.Hour, func(m *memory) { m.fails = errors.New("no disk") }, 2},
		"what is from a time to come is none": {-time.Hour, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
				cache := &memory{}
				known, none := instance("m5.large", "RunInstances"), instance("m5.large", "RunInstances:0010")
				first := pricing.New(cfg, cache)
				time.Sleep(2 * time.Hour)
				first.Ask(t.Context(), known, none)
				if err := first.Keep(t.Context()); err != nil {
					t.Fatal(err)
				}
				if tt.later < 0 {
					cache.text = pricing.Aged(cache.text, tt.later)
				} else {
					time.Sleep(tt.later)
				}
				if tt.damage != nil {
					tt.damage(cache)
				}
				before := asked(a, "pricing:GetProducts")
				second := pricing.New(cfg, cache)
				second.Ask(t.Context(), known, none)
				if again := asked(a, "pricing:GetProducts") - before; again != tt.again {
					t.Errorf("%d products were asked for again, want %d", again, tt.again)
				}
				if dollars, ok := second.Of(known); !ok || math.Abs(dollars-0.096) > 1e-12 {
					t.Errorf("$%v, known: %t", dollars, ok)
				}
				if _, ok := second.Of(none); ok || second.Why(none) != "AWS's price list has no such product" {
					t.Errorf("known: %t, %q", ok, second.Why(none))
				}
			})
		})
	}
}

func replaced(text []byte, old, with string) []byte {
	return []byte(replaceOnce(string(text), old, with))
}

func TestNothingIsKeptThatWasNotLearnt(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, _ *awssim.Account, cfg aws.Config) {
		cache := &memory{}
		first := pricing.New(cfg, cache)
		if err := first.Keep(t.Context()); err != nil || cache.saved != 0 {
			t.Errorf("saved %d times, %v, before anything was asked", cache.saved, err)
		}
		first.Ask(t.Context(), sizes()...)
		if err := errors.Join(first.Keep(t.Context()), first.Keep(t.Context())); err != nil || cache.saved != 1 {
			t.Errorf("saved %d times, %v, want once", cache.saved, err)
		}
		second := pricing.New(cfg, cache)
		second.Ask(t.Context(), sizes()...)
		if err := second.Keep(t.Context()); err != nil || cache.saved != 1 {
			t.Errorf("saved %d times, %v: nothing was new", cache.saved, err)
		}
	})
	down := func(awssim.Call) awssim.Fault { return awssim.Fault{Before: refusal(400, "AccessDeniedException")} }
	inAccount(t, awssim.Options{Fault: down}, func(t *testing.T, _ *awssim.Account, cfg aws.Config) {
		cache := &memory{}
		book := pricing.New(cfg, cache)
		book.Ask(t.Context(), sizes()...)
		if err := book.Keep(t.Context()); err != nil || cache.saved != 0 {
			t.Errorf("saved %d times, %v: that a call failed is only true of this run", cache.saved, err)
		}
	})
}

// TestWhereNothingAnswersNobodyWaitsLong: of a network that lets nothing out, or an endpoint that hangs,
// the first calls tell; no later one waits again.
func TestWhereNothingAnswersNobodyWaitsLong(t *testing.T) {
	for name, tt := range map[string]struct {
		fault awssim.Fault
		most  time.Duration
	}{
		"there is no network": {awssim.Fault{Before: &smithyhttp.RequestSendError{Err: errors.New("no route to host")}}, 10 * time.Second},
		"the endpoint hangs":  {awssim.Fault{Late: time.Hour}, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, awssim.Options{Fault: func(awssim.Call) awssim.Fault { return tt.fault }}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
				book := pricing.New(cfg)
				began := time.Now()
				var many []killswitch.Product
				for _, region := range []string{"us-east-1", "eu-west-1", "ap-south-1", "sa-east-1"} {
					for _, p := range sizes() {
						many = append(many, in(region, p))
					}
				}
				book.Ask(t.Context(), many...)
				if took := time.Since(began); took > tt.most {
					t.Errorf("it took %s", took)
				}
				got := book.Unknown()
				if len(got) != 1 || len(got[0].Products) != len(many) {
					t.Errorf("unknown prices by reason: %+v", got)
				}
				before := len(a.Trace())
				book.Ask(t.Context(), in("us-west-2", sizes()[0]))
				if again := len(a.Trace()) - before; again > 0 {
					t.Errorf("%d calls more", again)
				}
			})
		})
	}
}

func TestSeveralCachesAreReadAndTheFirstIsWritten(t *testing.T) {
	inAccount(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, cfg aws.Config) {
		time.Sleep(2 * time.Hour)
		all := sizes()
		ofTable, ofFile := &memory{}, &memory{}
		function := pricing.New(cfg, ofTable)
		function.Ask(t.Context(), all[:5]...)
		if err := function.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := asked(a, "pricing:GetProducts")
		here := pricing.New(cfg, ofFile, ofTable, nil)
		here.Ask(t.Context(), all...)
		if n := asked(a, "pricing:GetProducts") - before; n != len(all)-5 {
			t.Errorf("%d products were asked for, want the %d that no cache has", n, len(all)-5)
		}
		if err := here.Keep(t.Context()); err != nil || ofFile.saved != 1 || ofTable.saved != 1 {
			t.Errorf("the file was written %d times, the table %d: %v", ofFile.saved, ofTable.saved, err)
		}
		before = asked(a, "pricing:GetProducts")
		pricing.New(cfg, ofFile).Ask(t.Context(), all...)
		if n := asked(a, "pricing:GetProducts") - before; n != 0 {
			t.Errorf("%d products were asked for again", n)
		}
	})
}
