// Package reporttest draws reports for property tests: every field of them, and texts as somebody
// writes them who wants to be harmful to whoever reads the report.
package reporttest

import (
	"time"

	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// Text is a name, a tag or a message, mostly a harmful one.
func Text() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{
		"", "web", "i-0abc", `=HYPERLINK("http://evil.example","x")`, "=1+1", "+1", "-1", "@SUM(1+1)", "\t=1", "\r=1", "\n=1", "'", "'=1",
		"a,b", `say "so"`, "two\r\nlines", "one\rtwo", " around ", "a;=1",
		`</td><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `<svg/onload=alert(1)>`,
		"</style><script>1</script>", "</title><b>", "<!--", "-->", "]]>", "&lt;b&gt;", "&amp;", "&#60;b>", "javascript:alert(1)",
		"{{.}}", "\x00", "a\x00b", "\xff", "\u202e", "\u2028", "→", "\U0001f4b8", "<plaintext>", "<textarea>", "<template>",
	}), rapid.String())
}

// Phases are all there are.
var Phases = []killswitch.Phase{
	killswitch.Running, killswitch.Recorded, killswitch.Pausing, killswitch.Paused, killswitch.Resuming, killswitch.Resumed,
	killswitch.Drifted, killswitch.Failed, killswitch.Untouched, killswitch.Gone, killswitch.GivenUp, killswitch.Unpausable,
	killswitch.Protected, killswitch.NotInspected, killswitch.Unreadable, killswitch.WouldPause, killswitch.WouldResume,
}

// Report draws a report, with prices or without.
func Report() *rapid.Generator[report.Report] {
	return rapid.Custom(func(t *rapid.T) report.Report {
		r := report.Empty(Text().Draw(t, "account"))
		r.Snapshot, r.Opened, r.Closed, r.LookAt = Text().Draw(t, "snapshot"), moment(t), moment(t), moment(t)
		r.Orders = append(r.Orders, rapid.SliceOfN(rapid.Custom(order), 0, 3).Draw(t, "orders")...)
		r.Waves = rapid.SliceOfN(rapid.Custom(wave), 0, 3).Draw(t, "waves")
		r.Resources = append(r.Resources, rapid.SliceOfN(rapid.Custom(resource), 0, 6).Draw(t, "resources")...)
		r.NotInspected = append(r.NotInspected, rapid.SliceOfN(rapid.Custom(notInspected), 0, 2).Draw(t, "not inspected")...)
		r.Problems = append(r.Problems, rapid.SliceOfN(rapid.Custom(problem), 0, 2).Draw(t, "problems")...)
		r.Keeps(rapid.SliceOfN(rapid.Custom(residual), 0, 4).Draw(t, "residuals"), rapid.SliceOfN(rapid.Custom(unlisted), 0, 2).Draw(t, "unlisted"))
		if rapid.Bool().Draw(t, "priced") {
			prices := map[string]float64{}
			r.Priced(func(p killswitch.Product) (float64, bool) {
				key := p.String()
				if _, drawn := prices[key]; !drawn {
					prices[key] = rapid.OneOf(rapid.Just(-1.0), rapid.Float64Range(0, 500)).Draw(t, "price")
				}
				return prices[key], prices[key] >= 0
			}, nil)
			if rapid.Bool().Draw(t, "shortened") {
				r.Shorten(rapid.IntRange(1, 2).Draw(t, "most"))
			}
		}
		return r
	})
}

// List draws a list of snapshots.
func List() *rapid.Generator[report.List] {
	return rapid.Custom(func(t *rapid.T) report.List {
		l := report.List{Snapshots: []report.Listed{}}
		for range rapid.IntRange(0, 4).Draw(t, "snapshots") {
			h := snapshots.Header{
				Account: Text().Draw(t, "account"), Snapshot: Text().Draw(t, "snapshot"), Opened: moment(t), Closed: moment(t),
				ToolVersion: Text().Draw(t, "version"), Counts: rapid.MapOfN(Text(), rapid.IntRange(1, 99), 0, 2).Draw(t, "counts"),
			}
			one := report.ListedAs(h)
			if rapid.Bool().Draw(t, "read") {
				one = one.With(Report().Draw(t, "report"), rapid.Bool().Draw(t, "live"))
			}
			l.Snapshots = append(l.Snapshots, one)
		}
		return l
	})
}

func unlisted(t *rapid.T) report.UnlistedResidual {
	return report.UnlistedResidual{Region: Text().Draw(t, "region"), What: Text().Draw(t, "what"), Reason: Text().Draw(t, "reason")}
}

func moment(t *rapid.T) time.Time {
	seconds := rapid.Int64Range(-1, 4e9).Draw(t, "time")
	if seconds < 0 {
		return time.Time{}
	}
	return time.Unix(seconds, rapid.Int64Range(0, 1e9-1).Draw(t, "nanoseconds")).UTC()
}

func order(t *rapid.T) report.Order {
	return report.Order{
		Seq: rapid.IntRange(1, 99).Draw(t, "seq"), Act: rapid.SampledFrom([]killswitch.Act{killswitch.Pause, killswitch.Resume, killswitch.GiveUp}).Draw(t, "act"),
		Actor: Text().Draw(t, "actor"), At: moment(t), Alarm: Text().Draw(t, "alarm"), Scope: Text().Draw(t, "scope"),
		Force: rapid.Bool().Draw(t, "force"),
	}
}

func kind(t *rapid.T) killswitch.Kind {
	return rapid.SampledFrom([]killswitch.Kind{killswitch.EC2Instance, killswitch.RDSCluster, killswitch.Volume, "<b>:=1"}).Draw(t, "kind")
}

func resource(t *rapid.T) report.Resource {
	return report.Resource{
		Region: Text().Draw(t, "region"), Kind: kind(t), ID: Text().Draw(t, "id"), Name: Text().Draw(t, "name"), Type: Text().Draw(t, "type"),
		Phase: rapid.SampledFrom(Phases).Draw(t, "phase"), Reason: Text().Draw(t, "reason"),
		Want: rapid.SampledFrom([]killswitch.Want{"", killswitch.WantPaused, killswitch.WantResumed, killswitch.WantGivenUp}).Draw(t, "want"),
		Step: Text().Draw(t, "step"), Wave: rapid.IntRange(0, 5).Draw(t, "wave"), Pending: rapid.Bool().Draw(t, "pending"),
		Since: moment(t), Deadline: moment(t), LookAt: moment(t), WakesAt: moment(t),
		ChangedByAWS: rapid.MapOfN(Text(), Text(), 0, 2).Draw(t, "changed by AWS"),
		ByHand:       rapid.SliceOfN(Text(), 0, 2).Draw(t, "by hand"),
		Uses:         rapid.SliceOfN(rapid.Custom(usage), 0, 3).Draw(t, "uses"),
	}
}

func wave(t *rapid.T) report.Wave {
	return report.Wave{
		Want:   rapid.SampledFrom([]killswitch.Want{killswitch.WantPaused, killswitch.WantResumed}).Draw(t, "want"),
		Number: rapid.IntRange(1, 5).Draw(t, "wave"), Step: Text().Draw(t, "step"), Kind: kind(t), Count: rapid.IntRange(1, 9999).Draw(t, "count"),
	}
}

func usage(t *rapid.T) killswitch.Usage {
	return killswitch.Usage{
		Product: killswitch.Product{
			Service: "AmazonEC2", Region: Text().Draw(t, "region"),
			Attributes: map[string]string{"instanceType": rapid.SampledFrom([]string{"m5.large", "<b>"}).Draw(t, "type")},
		},
		Quantity: rapid.Float64Range(0, 1000).Draw(t, "quantity"), Kept: rapid.Bool().Draw(t, "kept"),
		Why: rapid.SampledFrom([]string{"", "", "", "its size is <b>not</b> listed"}).Draw(t, "why"),
	}
}

func residual(t *rapid.T) killswitch.Residual {
	return killswitch.Residual{
		Ref:  killswitch.Ref{Region: Text().Draw(t, "region"), Kind: kind(t), ID: Text().Draw(t, "id")},
		Name: Text().Draw(t, "name"), Type: Text().Draw(t, "type"), Uses: rapid.SliceOfN(rapid.Custom(usage), 0, 2).Draw(t, "uses"),
	}
}

func notInspected(t *rapid.T) report.NotInspected {
	return report.NotInspected{
		Region: Text().Draw(t, "region"), Kind: kind(t), Reason: Text().Draw(t, "reason"), Pending: rapid.Bool().Draw(t, "pending"),
	}
}

func problem(t *rapid.T) report.Problem {
	return report.Problem{Item: Text().Draw(t, "item"), Why: Text().Draw(t, "why"), Hint: Text().Draw(t, "hint")}
}
