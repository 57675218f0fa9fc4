package trigger

import (
	"context"
	"log/slog"
	"time"

	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// Dollars are known soon or not at all: this long after the run they are asked for. Where Lambda ends
// sooner they give way to what follows, which is to tell humans and to answer.
const (
	pricesWithin = 10 * time.Second
	afterPrices  = patience + 10*time.Second
)

// mostResiduals is as much of what has no pause as an answer lists: a large account has more volumes than
// instances, nobody reads so many, and an answer that is too large for its resources still has room for these.
const mostResiduals = 2000

// price fills the dollars into the report of a run that has ended, of a plan, or of what humans are told.
// No step waits for it, and nothing that goes wrong with it is an error. What the report then leaves out is
// said in the answer.
func (h *Handler) price(ctx context.Context, s snapshots.Snapshot, r *report.Report, keep bool, answer *Answer) {
	if h.Prices == nil {
		return
	}
	within := pricesWithin
	if end, ok := ctx.Deadline(); ok {
		within = min(within, time.Until(end)-afterPrices)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := h.Prices(ctx, s, r, keep); err != nil {
		h.log().WarnContext(ctx, "prices are not kept for the next run", slog.String("error", explained(err).Error()))
	}
	if out := r.Shorten(mostResiduals); out > 0 {
		answer.notice("of what has no pause the dearest %d are listed here, and %d more are in this answer's sums alone", mostResiduals, out)
	}
}
