package trigger

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// TestPricesGiveWay: what follows them, telling humans and answering, has its time in Lambda first.
func TestPricesGiveWay(t *testing.T) {
	for name, tt := range map[string]struct{ left, want time.Duration }{
		"there is time":                      {10 * time.Minute, pricesWithin},
		"a little less than prices may take": {afterPrices + 4*time.Second, 4 * time.Second},
		"none at all":                        {20 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := false
				h := &Handler{Prices: func(ctx context.Context, _ snapshots.Snapshot, _ *report.Report, _ bool) error {
					asked = true
					end, ok := ctx.Deadline()
					if left := time.Until(end); !ok || max(left, 0) != tt.want {
						t.Errorf("prices have %s, want %s", left, tt.want)
					}
					return nil
				}}
				ctx, cancel := context.WithTimeout(t.Context(), tt.left)
				defer cancel()
				if h.price(ctx, snapshots.Snapshot{}, &report.Report{}, true, &Answer{}); !asked {
					t.Error("the report did not even learn that its dollars are unknown")
				}
			})
		})
	}
}
