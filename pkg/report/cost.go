package report

import (
	"cmp"
	"math"
	"slices"

	"aws-hit-breaks/pkg/killswitch"
)

// A day and a month in hours. AWS's own calculators count a month as 730 hours.
const (
	HoursOfDay   = 24
	HoursOfMonth = 730
)

// Rate is what something costs in US dollars at list prices: no Savings Plans, no credits and no free
// tier. What is not known is absent and never 0.
type Rate struct {
	Hourly  *float64 `json:"hourly,omitempty"`  // while it runs
	Daily   *float64 `json:"daily,omitempty"`   // 24 times hourly
	Monthly *float64 `json:"monthly,omitempty"` // 730 times hourly
	Why     string   `json:"unknown,omitempty"` // why it is not known
}

// Cost is what a resource costs.
type Cost struct {
	Rate
	Residual *float64 `json:"residual,omitempty"` // of the hourly figure, what it goes on to cost while it is paused
}

// Residual is something that costs by the hour and has no pause.
type Residual struct {
	Region string          `json:"region"`         // the AWS region
	Kind   killswitch.Kind `json:"kind"`           // "ec2:volume", "ec2:nat-gateway", …
	ID     string          `json:"id"`             // as AWS knows it in the account and region
	Name   string          `json:"name,omitempty"` // for humans, where it differs from the id
	Type   string          `json:"type,omitempty"` // what it is, as AWS names it
	Rate
	Uses []killswitch.Usage `json:"-"` // what its dollars are computed from
}

// Totals are sums of the known figures.
type Totals struct {
	Running float64 `json:"running"` // of the resources that run
	Saved   float64 `json:"saved"`   // what the pause saves; of a plan or a discovery, what it would save
	// Kept is what goes on to cost whatever is paused: what is left alone, what the paused resources
	// keep, and what has no pause.
	Kept float64 `json:"kept"`
}

// CostSummary is the cost of everything in the report, in US dollars an hour at list prices.
type CostSummary struct {
	Totals
	Daily   Totals `json:"daily"`   // 24 times the figures of an hour
	Monthly Totals `json:"monthly"` // 730 times the figures of an hour
	Unknown int    `json:"unknown"` // how much, of what costs, has no known figure and is in no sum
}

// UnlistedResidual is a sort of what has no pause which could not be listed in a region.
type UnlistedResidual struct {
	Region string `json:"region"` // the AWS region
	What   string `json:"what"`   // "NAT gateways", …
	Reason string `json:"reason"` // why not
}

// Keeps adds what costs by the hour and has no pause, and what of it could not be listed. Its dollars
// are not known before Priced. The disk of a stopped database that is a resource of the report is in
// the cost of that.
func (r *Report) Keeps(residuals []killswitch.Residual, unlisted []UnlistedResidual) {
	own := map[killswitch.Ref]bool{}
	for _, resource := range r.Resources {
		own[resource.Ref("")] = true
	}
	r.Residuals, r.LeftOut = []Residual{}, LeftOut{}
	for _, k := range residuals {
		if own[killswitch.Ref{Region: k.Ref.Region, Kind: k.Ref.Kind, ID: k.Ref.ID}] {
			continue
		}
		r.Residuals = append(r.Residuals, Residual{
			Region: k.Ref.Region, Kind: k.Ref.Kind, ID: k.Ref.ID, Name: k.Name, Type: k.Type,
			Rate: Rate{Why: notPriced}, Uses: k.Uses,
		})
	}
	slices.SortStableFunc(r.Residuals, func(a, b Residual) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	r.UnlistedResiduals = slices.SortedFunc(slices.Values(unlisted), func(a, b UnlistedResidual) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.What, b.What))
	})
	r.count()
}

// LeftOut are residuals that are counted and not listed.
type LeftOut struct {
	Count   int     `json:"count"`   // how many
	Hourly  float64 `json:"hourly"`  // of those whose price is known, in US dollars an hour
	Unknown int     `json:"unknown"` // how many of them have no known price
}

// KeepsAs takes over what another report of the same account knows of what has no pause.
func (r *Report) KeepsAs(of Report) {
	r.Residuals, r.LeftOut, r.UnlistedResiduals = of.Residuals, of.LeftOut, of.UnlistedResiduals
	r.count()
}

// Shorten leaves the dearest so many of what has no pause, in their order, and says how many it took out.
// They stay in the sums, however often those are made again.
func (r *Report) Shorten(most int) (out int) {
	if len(r.Residuals) <= most {
		return 0
	}
	dearest := slices.Clone(r.Residuals)
	amount := func(x Residual) float64 {
		if x.Hourly == nil {
			return 0
		}
		return *x.Hourly
	}
	slices.SortStableFunc(dearest, func(a, b Residual) int { return cmp.Compare(amount(b), amount(a)) })
	least := amount(dearest[most-1])
	spare := most - slices.IndexFunc(dearest, func(x Residual) bool { return amount(x) == least }) // of those that cost the least
	kept := make([]Residual, 0, most)
	for _, x := range r.Residuals {
		switch {
		case amount(x) > least:
		case amount(x) == least && spare > 0:
			spare--
		default:
			r.LeftOut.Count++
			r.LeftOut.Hourly += amount(x)
			if x.Hourly == nil {
				r.LeftOut.Unknown++
			}
			continue
		}
		kept = append(kept, x)
	}
	out = len(r.Residuals) - len(kept)
	r.Residuals = kept
	r.count()
	return out
}

const notPriced = "no price was looked up"

// Priced fills in the dollars of everything that says what it uses; what came with its dollars, as JSON,
// keeps them. price gives dollars for an hour of one unit of a product, and whether it is known; why
// says why it is not, and may be nil.
func (r *Report) Priced(price func(killswitch.Product) (dollars float64, ok bool), why func(killswitch.Product) string) {
	sane := func(p killswitch.Product) (float64, bool) {
		dollars, ok := price(p)
		return dollars, ok && dollars >= 0 && !math.IsInf(dollars, 0) // also NaN
	}
	reason := func(unknown *killswitch.Usage) string {
		switch {
		case unknown == nil:
			return ""
		case unknown.Why == "" && why != nil && why(unknown.Product) != "":
			return why(unknown.Product)
		}
		return cmp.Or(unknown.Why, "no list price is known for "+unknown.Product.String())
	}
	for i, resource := range r.Resources {
		if len(resource.Uses) == 0 && resource.Cost != nil {
			continue
		}
		running, kept, unknown := killswitch.Dollars(resource.Uses, sane)
		r.Resources[i].Cost = &Cost{Rate: rate(running, reason(unknown)), Residual: kept}
	}
	for i, residual := range r.Residuals {
		if len(residual.Uses) == 0 {
			continue
		}
		running, _, unknown := killswitch.Dollars(residual.Uses, sane)
		r.Residuals[i].Rate = rate(running, reason(unknown))
	}
	r.count()
}

// rate makes the figures of a day and a month, which are exact multiples.
func rate(hourly *float64, why string) Rate {
	if hourly == nil {
		return Rate{Why: why}
	}
	daily, monthly := *hourly*HoursOfDay, *hourly*HoursOfMonth
	return Rate{Hourly: hourly, Daily: &daily, Monthly: &monthly}
}

// sum adds a cost to an amount, where both are known.
func sum(amount *float64, c *Cost) *float64 {
	if amount == nil || c == nil || c.Hourly == nil {
		return nil
	}
	whole := *amount + *c.Hourly
	return &whole
}

func (t Totals) times(hours float64) Totals {
	return Totals{Running: t.Running * hours, Saved: t.Saved * hours, Kept: t.Kept * hours}
}

// HasPrices says whether prices were looked up at all.
func (r Report) HasPrices() bool {
	return slices.ContainsFunc(r.Resources, func(x Resource) bool { return x.Cost != nil }) ||
		slices.ContainsFunc(r.Residuals, func(x Residual) bool { return x.Why != notPriced })
}

// costs adds up.
func costs(resources []Resource, residuals []Residual, more LeftOut) CostSummary {
	var s CostSummary
	for _, r := range resources {
		bill := bills(r)
		if bill == nothing {
			continue
		}
		if r.Cost == nil || r.Cost.Hourly == nil || bill == anything {
			s.Unknown++
			continue
		}
		kept := *r.Cost.Residual // known where the whole is
		switch bill {
		case nothing, anything: // as above
		case pausable:
			s.Running += *r.Cost.Hourly
			s.Saved += *r.Cost.Hourly - kept
			s.Kept += kept
		case paused:
			s.Saved += *r.Cost.Hourly - kept
			s.Kept += kept
		case leftAlone:
			s.Running += *r.Cost.Hourly
			s.Kept += *r.Cost.Hourly
		case onItsWay:
			s.Running += *r.Cost.Hourly
		}
	}
	for _, r := range residuals {
		if r.Hourly == nil {
			s.Unknown++
			continue
		}
		s.Kept += *r.Hourly
	}
	s.Kept += more.Hourly
	s.Unknown += more.Unknown
	s.Daily, s.Monthly = s.times(HoursOfDay), s.times(HoursOfMonth)
	return s
}

// A bill is the part that a resource has in the sums.
type bill int

const (
	nothing   bill = iota // it is gone
	anything              // whether it runs is not known
	pausable              // it runs, and a pause would save
	paused                // it is paused
	leftAlone             // it runs, and goes on
	onItsWay              // it runs: on its way to be paused, or put back
)

func bills(r Resource) bill {
	switch r.Phase {
	case killswitch.Gone:
		return nothing
	case killswitch.Running, killswitch.WouldPause:
		return pausable
	case killswitch.Paused, killswitch.WouldResume:
		return paused
	case killswitch.Unpausable, killswitch.Protected, killswitch.Untouched, killswitch.NotInspected:
		return leftAlone
	case killswitch.Recorded, killswitch.Pausing, killswitch.Resuming, killswitch.Resumed:
		return onItsWay
	case killswitch.Failed: // it was refused what it is wanted to be
		if r.Want == killswitch.WantResumed {
			return paused
		}
		return leftAlone
	default: // Drifted, GivenUp, Unreadable
		return anything
	}
}
