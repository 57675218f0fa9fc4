package boot

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/pricing"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/snapshots"
)

// Prices fills the dollars into reports. It is made for one run, in which every product is asked for
// once, however many reports it is in.
type Prices struct {
	options Options
	book    *pricing.Book
}

// NewPrices makes Prices that ask with the configuration of the options. All caches are read, and the
// first is written to.
func NewPrices(o Options, caches ...pricing.Cache) *Prices {
	o.Config = Fenced(o.Config)
	book := pricing.New(o.Config, caches...)
	if o.Speed > 0 {
		book.Faster(o.Speed)
	}
	return &Prices{options: o, book: book}
}

// Into fills the dollars into a report, as far as they are learnt before ctx ends, and lists what has
// no pause in the regions. What is not known says why, and is no error; the error is that of prices
// which could not be kept for the next run.
func (p *Prices) Into(ctx context.Context, r *report.Report, regions []string) error {
	var asking sync.WaitGroup
	known := products(*r)
	asking.Go(func() { p.book.Ask(ctx, known...) }) // whatever the listings do
	if len(regions) > 0 {
		r.Keeps(p.residuals(ctx, regions))
	}
	p.book.Ask(ctx, products(*r)...)
	asking.Wait()
	r.Priced(p.book.Of, p.book.Why)
	keeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
	defer cancel()
	return p.book.Keep(keeping)
}

// keepWithin is how long it may take to keep prices, after the time for asking is over.
const keepWithin = 2 * time.Second

// products are those whose price makes a difference: of what is of no known quantity none does.
func products(r report.Report) []killswitch.Product {
	var all []killswitch.Product
	added := map[*killswitch.Usage]bool{} // equal uses are one list (killswitch.Uses), with few exceptions
	add := func(uses []killswitch.Usage) {
		if len(uses) == 0 || added[&uses[0]] {
			return
		}
		added[&uses[0]] = true
		for _, u := range uses {
			if u.Why == "" {
				all = append(all, u.Product)
			}
		}
	}
	for _, resource := range r.Resources {
		add(resource.Uses)
	}
	for _, residual := range r.Residuals {
		add(residual.Uses)
	}
	return all
}

// regionsAtOnce is in how many regions is listed side by side what has no pause.
const regionsAtOnce = 6

// residuals lists what has no pause, and says what of it could not be listed.
func (p *Prices) residuals(ctx context.Context, regions []string) ([]killswitch.Residual, []report.UnlistedResidual) {
	var mu sync.Mutex
	var all []killswitch.Residual
	var unlisted []report.UnlistedResidual
	var reads errgroup.Group
	reads.SetLimit(regionsAtOnce)
	for _, region := range regions {
		reads.Go(func() error {
			cfg := p.options.Config.Copy()
			cfg.Region = region
			found, missing := services.Residuals(ctx, services.Env{Config: cfg, Account: p.options.Account, Settings: p.options.Settings})
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found...)
			for _, m := range missing {
				why := awserr.Explain(m.Err)
				if ctx.Err() != nil {
					why = "there was no time for it"
				}
				unlisted = append(unlisted, report.UnlistedResidual{Region: region, What: m.What, Reason: why})
			}
			return nil
		})
	}
	_ = reads.Wait() // there are no errors: what is missing says why
	return all, unlisted
}

// ResidualRegions are those in which is listed what has no pause: the regions that the newest order of
// the snapshot may be about, where that pauses. An order that names kinds, tags or ids is about none of it.
func ResidualRegions(s snapshots.Snapshot) []string {
	orders, regions := s.Header.Orders, s.Header.Regions
	if s.Live != nil {
		orders, regions = s.Live.Orders, s.Live.Regions
	}
	if len(orders) == 0 || !s.Header.Closed.IsZero() {
		return nil
	}
	last := orders[len(orders)-1]
	if scope := last.Scope; last.Act != killswitch.Pause || len(scope.Services)+len(scope.Tags)+len(scope.IDs) > 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(regions), func(region string) bool { return !filter.MayMatchRegion(last.Scope, region) })
}

// InStore is a cache of prices in a store of snapshots.
type InStore struct {
	Store    snapshots.Store
	Account  string
	ReadOnly bool // nothing is written
}

// Load reads the prices.
func (c InStore) Load(ctx context.Context) ([]byte, error) { return c.Store.Prices(ctx, c.Account) }

// Save writes them.
func (c InStore) Save(ctx context.Context, text []byte) error {
	if c.ReadOnly {
		return nil
	}
	return c.Store.KeepPrices(ctx, c.Account, text, time.Now())
}
