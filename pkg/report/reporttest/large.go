package reporttest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// Paused is the report of an account with so many instances that are paused, whose ids are as random as those
// of AWS.
func Paused(instances int) report.Report {
	draw := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // nobody has to guess an id
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	r := report.Empty("111122223333")
	r.Snapshot, r.Opened = "20260303T120000Z-3f9a0c", at
	for i := range instances {
		dollars := float64(draw.IntN(5000)) / 10000
		daily, monthly, kept := dollars*report.HoursOfDay, dollars*report.HoursOfMonth, 0.0
		r.Resources = append(r.Resources, report.Resource{
			Region: "eu-west-1", Kind: killswitch.EC2Instance, ID: fmt.Sprintf("i-0%016x", draw.Uint64()), Name: fmt.Sprintf("server-%d", i),
			Type: "m5.large", Phase: killswitch.Paused, Want: killswitch.WantPaused, Step: "stop-instances",
			Since: at.Add(time.Duration(draw.Int64N(int64(time.Hour)))), LookAt: at.Add(time.Hour),
			Cost: &report.Cost{Rate: report.Rate{Hourly: &dollars, Daily: &daily, Monthly: &monthly}, Residual: &kept},
		})
	}
	r.Keeps(nil, nil) // which counts
	return r
}
