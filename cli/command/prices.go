package command

import (
	"context"
	"path/filepath"
	"time"

	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/pricing"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// pricesWithin is how long a report waits for its dollars. What AWS has told by then is kept, so that
// the next report goes on from there.
const pricesWithin = 20 * time.Second

// price fills the dollars into a report, and lists what has no pause in the regions. Nothing that stops
// anything comes after it without a question to a human in between.
func (s *session) price(ctx context.Context, r *report.Report, regions []string) {
	ctx, cancel := context.WithTimeout(ctx, pricesWithin)
	defer cancel()
	if err := s.pricer().Into(ctx, r, regions); err != nil {
		s.screen.Say("%s", line(err))
	}
}

// pricer asks for prices, each once in this command.
func (s *session) pricer() *boot.Prices {
	if s.prices == nil {
		s.prices = boot.NewPrices(boot.Options{Config: s.config, Account: s.account, Settings: s.settings, Speed: s.Speed}, s.priceCaches()...)
	}
	return s.prices
}

// priceRun is price for the report of a run. Where a function has run it has told what has no pause.
func (s *session) priceRun(ctx context.Context, r *report.Report) {
	var regions []string
	if s.local && r.Closed.IsZero() {
		if live, err := s.store.Live(ctx, s.account); err == nil && live != nil && live.Snapshot == r.Snapshot {
			regions = boot.ResidualRegions(snapshots.Snapshot{Live: live})
		}
	}
	s.price(ctx, r, regions)
}

// priceCaches are the file on this machine and, where there is a table, what the functions keep there.
func (s *session) priceCaches() []pricing.Cache {
	var caches []pricing.Cache
	path := s.Getenv(config.PathVariable)
	if path == "" {
		path, _ = s.File() // without a home folder there is no file, and prices are asked for
	}
	if path != "" {
		caches = append(caches, pricing.File(filepath.Join(filepath.Dir(path), "prices.json")))
	}
	if s.store != nil {
		caches = append(caches, boot.InStore{Store: s.store, Account: s.account})
	}
	return caches
}
