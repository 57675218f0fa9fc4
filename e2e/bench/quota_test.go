package bench

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/e2e/floor"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// bucket is a quota of the account in a region, which the brake shares with its owner.
type bucket struct {
	name             string
	burst, perSecond float64
	of               string // where AWS publishes it
	takes            func(awssim.Call) int
}

const (
	ec2Quotas     = "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html"
	ecsQuotas     = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/request-throttling.html"
	pricingQuotas = "https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-pelong.html"
)

// actions takes a token for each of the actions.
func actions(names ...string) func(awssim.Call) int {
	return func(c awssim.Call) int {
		if slices.Contains(names, c.Action()) {
			return 1
		}
		return 0
	}
}

// named takes a token for each resource that the action names.
func named(action string) func(awssim.Call) int {
	return func(c awssim.Call) int { return actions(action)(c) * len(c.Targets) }
}

// buckets are those that AWS publishes. Of RDS, EC2 Auto Scaling and Application Auto Scaling it
// publishes none. Each action of EC2 that describes has a bucket of its own; here they are taken for one.
var buckets = []bucket{
	{"EC2, what describes", 100, 20, ec2Quotas, func(c awssim.Call) int {
		if c.Service == "ec2" && !c.Mutating {
			return 1
		}
		return 0
	}},
	{"EC2 StopInstances, requests", 50, 5, ec2Quotas, actions("ec2:StopInstances")},
	{"EC2 StopInstances, instances", 1000, 20, ec2Quotas, named("ec2:StopInstances")},
	{"EC2 StartInstances, requests", 5, 2, ec2Quotas, actions("ec2:StartInstances")},
	{"EC2 StartInstances, instances", 1000, 2, ec2Quotas, named("ec2:StartInstances")},
	{"ECS, services changed", 50, 5, ecsQuotas, actions("ecs:UpdateService")},
	{"ECS, services read", 100, 20, ecsQuotas, actions("ecs:DescribeServices", "ecs:ListServices")},
	{"ECS, clusters read", 50, 20, ecsQuotas, actions("ecs:ListClusters", "ecs:DescribeClusters", "ecs:DescribeCapacityProviders")},
	{"ECS, tasks and hosts read", 100, 20, ecsQuotas, actions("ecs:ListTasks", "ecs:DescribeTasks", "ecs:ListContainerInstances", "ecs:DescribeContainerInstances")},
	{"Price list, GetProducts", 10, 5, pricingQuotas, actions("pricing:GetProducts")},
}

// share is the most that calls took of a bucket in a region, of what it held and got in the time.
func (b bucket) share(calls []awssim.Call, within time.Duration) float64 {
	taken := map[string]int{}
	for _, c := range calls {
		taken[c.Region] += b.takes(c)
	}
	most := 0
	for _, n := range taken {
		most = max(most, n)
	}
	return float64(most) / (b.burst + b.perSecond*within.Seconds())
}

const (
	settledFor = 24 * time.Hour
	quarter    = 15 * time.Minute
	// mostSweeps is how often all that was paused may be looked at in a quarter of an hour.
	mostSweeps = 1
)

// settled is a day on which everything is paused and nobody does anything.
type settled struct {
	paused  floor.Run
	resumed floor.Run
	calls   []awssim.Call // of the day
	busiest int           // calls to AWS, but for the store, in a quarter of an hour
}

// settledDay pauses a fleet, lets the guard tick for a day, and resumes.
func settledDay(t *testing.T, fill func(*awssim.Account)) (s settled) {
	inWorld(t, fill, true, func(w *world) {
		w.alone = true
		original := w.account.State()
		s.paused = w.carry(killswitch.Pause, original)
		first, began := len(w.account.Trace()), time.Now()
		for range int(settledFor / time.Minute) {
			time.Sleep(time.Minute)
			w.invoke(guard, tick)
		}
		s.calls = w.account.Trace()[first:]
		quarters := map[int]int{}
		for _, c := range s.calls {
			if c.Service != "dynamodb" {
				quarters[int(c.Sent.Sub(began)/quarter)]++
			}
		}
		for _, n := range quarters {
			s.busiest = max(s.busiest, n)
		}
		s.resumed = w.carry(killswitch.Resume, original)
	})
	return s
}

// String is a table in Markdown.
func (s settled) String() string {
	var out strings.Builder
	out.WriteString("| Bucket, for each region | holds | a second | a pause takes | a resume takes | a settled day takes |\n|---|--:|--:|--:|--:|--:|\n")
	whole := func(r floor.Run) []awssim.Call { return slices.Concat(r.Calls, r.Reporting) }
	for _, b := range buckets {
		fmt.Fprintf(&out, "| [%s](%s) | %g | %g | %.1f %% | %.1f %% | %.2f %% |\n", b.name, b.of, b.burst, b.perSecond,
			100*b.share(whole(s.paused), s.paused.Ended.Sub(s.paused.Began)), 100*b.share(whole(s.resumed), s.resumed.Ended.Sub(s.resumed.Began)),
			100*b.share(s.calls, settledFor))
	}
	return out.String()
}

// byService counts the calls of the day to each API.
func (s settled) byService() string {
	n := map[string]int{}
	for _, c := range s.calls {
		n[c.Service]++
	}
	var parts []string
	for _, service := range slices.SortedFunc(maps.Keys(n), func(x, y string) int { return cmp.Or(n[y]-n[x], strings.Compare(x, y)) }) {
		parts = append(parts, fmt.Sprintf("%s %d", service, n[service]))
	}
	return strings.Join(parts, ", ")
}

// While everything is paused the owner's quota is not ours to spend: at most one look at all that was
// paused in a quarter of an hour.
func TestSettledDay(t *testing.T) {
	name, fill := "startup", awssim.Startup
	if full() {
		name, fill = "scaleup", awssim.Scaleup
	}
	s := settledDay(t, fill)
	sweep := s.paused.Sweep()
	looked := fmt.Sprintf("Settled, the guard makes at most %d calls to AWS in a quarter of an hour on *%s*, where one look at all that was paused takes %d; "+
		"in the whole day, with the store: %s.", s.busiest, name, sweep, s.byService())
	fmt.Printf("%s\n%s", looked, s)
	if float64(s.busiest) > mostSweeps*float64(sweep) {
		t.Errorf("%d calls in a quarter of an hour, more than %d times the %d of one look at all that was paused", s.busiest, mostSweeps, sweep)
	}
	if s.busiest == 0 {
		t.Error("the guard never looked")
	}
	document(t, "quotas", looked+"\n\n"+s.String())
}
