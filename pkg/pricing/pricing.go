// Package pricing says what a product costs in dollars an hour, by AWS's price list: list prices,
// without Savings Plans, reservations, credits and the free tier. A price that is not known is said
// to be unknown, with the reason, and never is a number. Nothing that stops a resource waits for one.
package pricing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
)

// Reads are the IAM actions that prices take.
var Reads = []string{"pricing:GetProducts", "ec2:DescribeSpotPriceHistory"}

// HoursPerMonth is how AWS itself makes hours of what it lists by the month
// (https://aws.amazon.com/ebs/pricing/ and the calculator at https://calculator.aws).
const HoursPerMonth = 730

// fresh is how long a price is believed. The list changes a few times a month.
const fresh = 24 * time.Hour

// atOnce is how many products are asked for side by side; the limiter below spaces the calls.
const atOnce = 8

// answer is what is known of the price of one product.
type answer struct {
	Dollars float64   `json:"usd,omitempty"` // an hour, of one unit
	Why     string    `json:"why,omitempty"` // it is not known
	At      time.Time `json:"at"`
}

// Book holds the prices that one run has asked for. It is safe for concurrent use.
type Book struct {
	cfg     aws.Config
	caches  []Cache
	unread  chan struct{} // holds one turn, for the one who reads the caches; then it is closed
	limiter *rate.Limiter // of GetProducts
	spots   *rate.Limiter // of DescribeSpotPriceHistory

	mu      sync.Mutex
	pages   map[string]*page // by product
	refused map[string]error // by region of the endpoint: it denied us or did not answer, so it is not asked again
	kept    map[string]answer
	unkept  bool // something was learnt since the cache was read
}

// page is where the answer for one product will stand.
type page struct {
	product killswitch.Product
	done    chan struct{} // closed when there is an answer, or nobody waits for one any more
	left    bool          // the one who asked went away without an answer
	failed  bool          // the answer is that AWS gave none
	answer
}

// New makes a book for the caller's account. All caches are read, and the first is written to; one that
// is nil is none. The rate is a little below that of the price list, which the whole account shares
// (10 calls, 5 more a second: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-pelong.html),
// and for Spot prices a part of EC2's, which the owner needs too.
func New(cfg aws.Config, caches ...Cache) *Book {
	b := &Book{
		cfg: cfg, caches: slices.DeleteFunc(caches, func(c Cache) bool { return c == nil }), unread: make(chan struct{}, 1),
		limiter: rate.NewLimiter(4, 8), spots: rate.NewLimiter(5, 10),
		pages: map[string]*page{}, refused: map[string]error{},
	}
	b.unread <- struct{}{}
	return b
}

// Faster makes the book ask n times as fast, of an account that is simulated.
func (b *Book) Faster(n float64) *Book {
	b.limiter.SetLimit(b.limiter.Limit() * rate.Limit(n))
	b.spots.SetLimit(b.spots.Limit() * rate.Limit(n))
	return b
}

// Ask learns the prices of products, each once in the life of the book however many ask for it, and
// returns when all are known or known to be unknown, or when ctx ends.
func (b *Book) Ask(ctx context.Context, products ...killswitch.Product) {
	if _, first := <-b.unread; first { // no sync.Once: the caches are beyond a call, for which no lock is held
		b.read(ctx)
		close(b.unread)
	}
	distinct := map[string]killswitch.Product{}
	for _, p := range products {
		distinct[p.String()] = p
	}
	var asks errgroup.Group
	asks.SetLimit(atOnce)
	for _, key := range slices.Sorted(maps.Keys(distinct)) {
		asks.Go(func() error {
			b.ask(ctx, distinct[key])
			return nil
		})
	}
	_ = asks.Wait() // there are no errors: what is not known says why
}

// ask waits for the one who asks for the product, or is that one.
func (b *Book) ask(ctx context.Context, p killswitch.Product) {
	for ctx.Err() == nil {
		b.mu.Lock()
		key := p.String()
		there, asked := b.pages[key]
		if !asked {
			there = &page{product: p, done: make(chan struct{})}
			b.pages[key] = there
		}
		b.mu.Unlock()
		if !asked {
			b.fill(ctx, there)
			return
		}
		select {
		case <-there.done:
		case <-ctx.Done():
			return
		}
		if !there.left {
			return
		}
	}
}

// fill writes the answer for a product. An answer that AWS gave is worth keeping, also one that says
// that there is no price; that a call failed is only true of this run.
func (b *Book) fill(ctx context.Context, there *page) {
	found, err := b.lookUp(ctx, there.product)
	b.mu.Lock()
	defer b.mu.Unlock()
	defer close(there.done)
	if err != nil && (ctx.Err() != nil || errors.Is(err, errLate)) {
		there.left = true
		delete(b.pages, there.product.String())
		return
	}
	if err != nil {
		there.answer, there.failed = answer{Why: "AWS was asked for its price in vain: " + explain(err), At: time.Now()}, true
		return
	}
	there.answer = found
	if _, known := b.kept[there.product.String()]; !known {
		b.unkept = true
	}
}

// explain says what an error means.
func explain(err error) string {
	if errors.Is(err, errSilent) {
		return errSilent.Error()
	}
	return strings.Replace(awserr.Explain(err), ": it is tried again", "", 1) // not in this run
}

// notPriced is the reason why AWS's own answer gives no price.
type notPriced string

func (e notPriced) Error() string { return string(e) }

func (b *Book) lookUp(ctx context.Context, p killswitch.Product) (answer, error) {
	if known, ok := b.kept[p.String()]; ok { // written once, before anything is looked up
		return known, nil
	}
	var dollars float64
	var err error
	if p.Attributes["marketoption"] == spotMarket {
		dollars, err = b.spotPrice(ctx, p)
	} else {
		dollars, err = b.listPrice(ctx, p)
	}
	if why := notPriced(""); errors.As(err, &why) {
		return answer{Why: string(why), At: time.Now()}, nil
	}
	return answer{Dollars: dollars, At: time.Now()}, err
}

// errLate says that the caller's time does not suffice for the call.
var errLate = errors.New("no time left")

// patience is how long one call may take, the SDK's own retries among it. Where a network lets nothing
// out, a connection alone is waited for much longer.
const patience = 5 * time.Second

// call makes one call, unless its endpoint has denied one before, or given no answer, which it would
// again.
func (b *Book) call(ctx context.Context, limiter *rate.Limiter, endpoint string, do func(context.Context) error) error {
	b.mu.Lock()
	err := b.refused[endpoint]
	b.mu.Unlock()
	if err != nil {
		return err
	}
	if limiter.Wait(ctx) != nil { // ctx has ended, or will before it is our turn
		return errLate
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = do(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = errSilent
	}
	if unheard := (*smithyhttp.RequestSendError)(nil); awserr.Of(err) == awserr.Denied || errors.As(err, &unheard) || errors.Is(err, errSilent) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.refused[endpoint] = err
	}
	return err
}

// errSilent says that an endpoint took too long.
var errSilent = fmt.Errorf("it did not answer within %s", patience)

// Of is what one unit of the product costs in an hour, as far as this book has learnt. It never waits.
func (b *Book) Of(p killswitch.Product) (dollars float64, ok bool) {
	found, ok := b.known(p)
	return found.Dollars, ok && found.Why == ""
}

// Why says why the price of a product is not known; it is empty where it is.
func (b *Book) Why(p killswitch.Product) string {
	found, ok := b.known(p)
	if !ok {
		return "its price was not asked for in time"
	}
	return found.Why
}

func (b *Book) known(p killswitch.Product) (answer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	there := b.pages[p.String()]
	if there == nil {
		return answer{}, false
	}
	select {
	case <-there.done:
		return there.answer, true
	default:
		return answer{}, false
	}
}

// Unknown is a reason, and the products whose price is not known for it.
type Unknown struct {
	Why      string
	Products []killswitch.Product
}

// Unknown are the products that were asked for and have no price, by reason, the most frequent first.
func (b *Book) Unknown() []Unknown {
	b.mu.Lock()
	defer b.mu.Unlock()
	by := map[string]*Unknown{}
	for _, key := range slices.Sorted(maps.Keys(b.pages)) {
		there := b.pages[key]
		select {
		case <-there.done:
		default:
			continue
		}
		if there.Why == "" {
			continue
		}
		if by[there.Why] == nil {
			by[there.Why] = &Unknown{Why: there.Why}
		}
		by[there.Why].Products = append(by[there.Why].Products, there.product)
	}
	var all []Unknown
	for _, why := range slices.Sorted(maps.Keys(by)) {
		all = append(all, *by[why])
	}
	slices.SortStableFunc(all, func(x, y Unknown) int { return cmp.Compare(len(y.Products), len(x.Products)) })
	return all
}
