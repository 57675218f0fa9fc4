package floor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
)

// history is a run made by hand: everything is in us-east-1, and a call is accepted at the second that it
// is given.
type history struct {
	Run
}

func began() time.Time { return time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC) }

func begin(act string) *history {
	return &history{Run{Act: act, Began: began(), Before: awssim.State{}, Since: map[string]time.Time{}}}
}

// there puts n resources of a kind into the account, and names them kind-1, kind-2, …
func (h *history) there(kind, name string, n int) (ids []string) {
	for i := range n {
		id := fmt.Sprint(name, "-", i+1)
		h.Before["us-east-1 "+kind+" "+id] = map[string]string{"State": "running"}
		ids = append(ids, id)
	}
	return ids
}

// member puts instances into a group.
func (h *history) member(group string, ids ...string) {
	fields := map[string]string{}
	for _, id := range ids {
		fields["Instances."+id] = "InService"
	}
	h.Before["us-east-1 autoscaling:group "+group] = fields
}

// call adds a call; what it changes is where it is wanted the given seconds later.
func (h *history) call(action string, at, took float64, err string, ids ...string) {
	service, operation, _ := strings.Cut(action, ":")
	c := awssim.Call{
		At: began().Add(seconds(at)), Region: "us-east-1", Service: service, Operation: operation, Targets: ids, Err: err,
		Mutating: !strings.HasPrefix(operation, "Describe") && !strings.HasPrefix(operation, "List"),
	}
	h.Calls = append(h.Calls, c)
	if c.Mutating && err == "" && service != "dynamodb" {
		for _, resource := range resources(c) {
			h.Since[resource] = c.At.Add(seconds(took))
		}
	}
}

// each makes a call for each.
func (h *history) each(action string, at, took float64, ids ...string) {
	for _, id := range ids {
		h.call(action, at, took, "", id)
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// A trip is 0.05 s. Every pause begins with four: LIVE, the order, the regions, and a page of each kind;
// every region is asked at least for instances, groups, DB instances, DB clusters and ECS clusters, which
// is 5 calls, and us-east-1 for the regions: 6.
func TestFloorIsWhatOneComputesByHand(t *testing.T) {
	type figures struct {
		Accepted, Observed float64
		Region, Account    Calls // fewest
	}
	for name, tt := range map[string]struct {
		run  func() *history
		want figures
	}{
		"1,100 instances are stopped with the 1,000 tokens that there are and 100 at 20 a second": {
			func() *history {
				h := begin("pause")
				ids := h.there("ec2:instance", "i", 1100)
				h.call("ec2:StopInstances", 1, 30, "", ids[:1000]...)
				h.call("ec2:StopInstances", 7, 30, "", ids[1000:]...)
				return h
			},
			figures{
				// LIVE, order, regions, 2 pages: 0.25; write, call: 0.1; tokens: 100 / 20 = 5.
				Accepted: 5.35,
				// The transitions, and look, write, release.
				Observed: 5.35 + 30 + 0.15,
				Region: Calls{
					// 6, another page, the sizes, 2 pages of status checks; 2 batches.
					Discover: 6 + 1 + 1 + 2 + 2,
					// At 0 s the 1,000; at 15 s these and the others, 2 pages; at 30 s the others alone.
					Observe: 1 + 2 + 1,
					// Lease, release; originals and steps 2,200 / 99; results 1,100 / 99; renewals at 15 and 30 s.
					Store: 2 + 23 + 12 + 2,
				},
				// LIVE, order, regions; LIVE at 15 and 30 s.
				Account: Calls{Store: 3 + 2},
			},
		},
		"members are stopped a minute after their group was suspended, and no other waits for that": {
			func() *history {
				h := begin("pause")
				h.there("ec2:instance", "i", 3)
				h.member("g", "i-1", "i-2")
				h.call("autoscaling:SuspendProcesses", 0.3, 0, "", "g")
				h.call("ec2:StopInstances", 0.4, 20, "", "i-3")
				h.call("ec2:StopInstances", 61, 20, "", "i-1", "i-2")
				return h
			},
			figures{
				// LIVE, order, regions, page, write, call: 0.3; a minute; list the members, write, call.
				Accepted: 0.3 + 60 + 0.15,
				// The transition of the first began at 0.4; look, write, release.
				Observed: 60.45 + 0.15,
				Region: Calls{
					Discover: 6 + 2 + 1 + 2, // 6, the sizes and checks; the processes; the instance, the members
					Observe:  2,             // all three at 0 s and at 15 s, in one page
					// Lease, release; a write for the group, one for the instances, one of the results; 15 s.
					Store: 2 + 1 + 1 + 1 + 1,
				},
				Account: Calls{Store: 3 + 4}, // at 15, 30, 45 and 60 s
			},
		},
		"where only members are stopped one call stops them": {
			func() *history {
				h := begin("pause")
				h.there("ec2:instance", "i", 2)
				h.member("g", "i-1", "i-2")
				h.call("autoscaling:SuspendProcesses", 0.3, 0, "", "g")
				h.call("ec2:StopInstances", 61, 20, "", "i-1", "i-2")
				return h
			},
			figures{
				Accepted: 60.45, Observed: 60.6,
				Region:  Calls{Discover: 6 + 2 + 1 + 1, Observe: 2, Store: 2 + 1 + 1 + 1 + 1},
				Account: Calls{Store: 3 + 4},
			},
		},
		"ten databases are stopped at 2 a second after the first four": {
			func() *history {
				h := begin("pause")
				h.each("rds:StopDBInstance", 4, 300, h.there("rds:instance", "db", 10)...)
				return h
			},
			figures{
				Accepted: 0.2 + 0.1 + 3, // (10 - 4) / 2
				Observed: 3.3 + 300 + 0.15,
				Region: Calls{
					Discover: 6 + 1 + 10, // 6, blue/green deployments; one each
					// Four are in flight from 0 s, six from 0.5 to 3 s on: looks at 0, 15, … 285 s, and at 300 s for the six.
					Observe: 20 + 1,
					Store:   2 + 1 + 1 + 20, // 20 originals and steps, 10 results; renewals up to 300 s
				},
				Account: Calls{Store: 3 + 20},
			},
		},
		"what is refused is tried once, whether or not it is named in one batch with others": {
			func() *history {
				h := begin("pause")
				ids := h.there("ec2:instance", "i", 3)
				h.call("ec2:StopInstances", 1, 0, "OperationNotPermitted", ids...)
				h.call("ec2:StopInstances", 1.1, 0, "OperationNotPermitted", ids[2])
				h.call("ec2:StopInstances", 1.1, 10, "", ids[:2]...)
				return h
			},
			figures{
				Accepted: 0.3, Observed: 0.3 + 10 + 0.15,
				Region:  Calls{Discover: 6 + 2 + 1 + 1, Observe: 1, Store: 2 + 1 + 1},
				Account: Calls{Store: 3},
			},
		},
		"services are described by ten, and looked at by the cluster": {
			func() *history {
				h := begin("pause")
				for _, cluster := range []string{"a", "b"} {
					for _, id := range h.there("ecs:service", cluster+"/s", 11) {
						h.call("ecs:UpdateService", 1, 20, "", strings.Split(id, "/")...)
					}
				}
				h.Before["us-east-1 ecs:service a/s-1"]["RunningCount"] = "100"
				h.there("ecs:task", "a/t", 1)
				return h
			},
			figures{
				// ListClusters, ListServices, DescribeServices: two trips more than a page.
				Accepted: 0.3 + 0.1, Observed: 0.4 + 20 + 0.15,
				Region: Calls{
					// 6; in each cluster 1 list, 2 descriptions; the tasks, of which a has 101, listed and described, and b none,
					// listed; the targets; the providers of the clusters; 22 calls.
					Discover: 6 + 2*3 + 2 + 2 + 1 + 1 + 1 + 22,
					Observe:  2 * 2 * 2,     // 11 of each cluster are two calls, at 0 and at 15 s
					Store:    2 + 1 + 1 + 1, // 44 originals and steps; at 15 s
				},
				Account: Calls{Store: 3 + 1},
			},
		},
		"a resume waits for each wave to be up": {
			func() *history {
				h := begin("resume")
				h.call("rds:StartDBInstance", 1, 120, "", "db")
				h.call("ec2:StartInstances", 125, 80, "", "i-1", "i-2") // 20 s, and 60 s to its status checks
				h.call("ecs:UpdateService", 210, 40, "", "a", "s")
				h.Ticks = 5
				return h
			},
			figures{
				// LIVE, order, shard: 0.15; write, call, 120, look; write, call, 80, look; write, call.
				Accepted: 0.15 + 120.15 + 80.15 + 0.1,
				Observed: 0.15 + 120.15 + 80.15 + 40.15 + 0.1,
				Region: Calls{
					Discover: 3 + 3, // one look before each wave, one call each
					// At 0, 15, … 105 s the database; … 75 s the instances; … 30 s the service.
					Observe: 8 + 6 + 3,
					// Lease, release, shard; a write before each wave, one of the results; 240 s.
					Store: 3 + 3 + 1 + 16,
				},
				Account: Calls{Store: 3 + 16 + 5}, // 240.7 s, and the ticks
			},
		},
		"a resume of 3,000 instances takes 1,000 s of tokens, and so two invocations": {
			func() *history {
				h := begin("resume")
				h.call("ec2:StartInstances", 1, 80, "", h.there("ec2:instance", "i", 3000)...)
				return h
			},
			figures{
				Accepted: 0.15 + 0.1 + 1000, Observed: 0.15 + 0.1 + 1080 + 0.05 + 0.1,
				Region: Calls{
					Discover: 3 + 3, // pages, batches
					// Looks at 0, 15, … 1065 s, until the last has been up for 80 s; at 15, 30, … 75 s the first 1,000
					// are there and 30 more every time: two pages.
					Observe: 72 + 5,
					// Lease, release, shard; 3,000 / 99 steps, as many results; 1,080 / 15 renewals; the second
					// invocation's lease, shard and release.
					Store: 3 + 31 + 31 + 72 + 3,
				},
				Account: Calls{Store: 3 + 72},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := tt.run()
			bound, fewest := h.Time(), h.Fewest()
			got := figures{bound.Accepted.Seconds(), bound.Observed.Seconds(), fewest["us-east-1"], fewest["account"]}
			near := cmp.Comparer(func(x, y float64) bool { return x-y < 1e-6 && y-x < 1e-6 })
			if diff := cmp.Diff(tt.want, got, near); diff != "" {
				t.Errorf("(-by hand +computed)\n%s", diff)
			}
		})
	}
}

func TestRegionsDoNotWaitForEachOther(t *testing.T) {
	h := begin("pause")
	h.each("rds:StopDBInstance", 4, 300, h.there("rds:instance", "db", 10)...)
	h.call("ec2:StopInstances", 1, 400, "", "i")
	h.Calls[10].Region = "eu-west-1"
	h.Since["eu-west-1 ec2:instance i"] = h.Calls[10].At.Add(400 * time.Second)
	// In eu-west-1 accepted at 0.3 s and stopped 400 s later; in us-east-1 accepted at 3.3 s.
	want := Bound{Accepted: seconds(3.3), Slowest: "us-east-1", Observed: seconds(0.3 + 400 + 0.15), Region: "eu-west-1"}
	if diff := cmp.Diff(want, h.Time()); diff != "" {
		t.Errorf("(-by hand +computed)\n%s", diff)
	}
}

func TestCallsAreSortedIntoColumns(t *testing.T) {
	h := begin("pause")
	for _, action := range []string{
		"ec2:DescribeInstances", "rds:DescribeDBInstances", "ec2:StopInstances", "ec2:DescribeInstances", // the last is a look
		"rds:DescribeDBInstances", // nothing of RDS was changed
		"ec2:StopInstances",
	} {
		h.call(action, 1, 0, "", "x")
	}
	h.call("dynamodb:TransactWriteItems", 1, 0, "", "SNAPSHOT#1#eu-west-1 LEASE")
	h.call("dynamodb:GetItem", 1, 0, "", "ACCOUNT#111122223333 LIVE")
	want := map[string]Calls{"us-east-1": {Discover: 5, Observe: 1}, "eu-west-1": {Store: 1}, "account": {Store: 1}}
	if diff := cmp.Diff(want, h.Made()); diff != "" {
		t.Errorf("(-by hand +sorted)\n%s", diff)
	}
}

func TestSweepIsOneCallPerFullPage(t *testing.T) {
	h := begin("pause")
	h.call("ec2:StopInstances", 1, 0, "", h.there("ec2:instance", "i", 1001)...) // 2 pages
	h.call("ec2:StopInstances", 2, 0, "", "i-1")                                 // once more, but one instance
	h.each("rds:StopDBInstance", 1, 0, h.there("rds:instance", "db", 100)...)    // 1
	for _, cluster := range []string{"a", "b"} {
		for _, id := range h.there("ecs:service", cluster+"/s", 11) { // 2 of each cluster
			h.call("ecs:UpdateService", 1, 20, "", strings.Split(id, "/")...)
		}
	}
	h.each("application-autoscaling:RegisterScalableTarget", 1, 0, h.there(target, "t", 51)...) // 2
	h.Before["us-east-1 autoscaling:group g"] = map[string]string{"Instances.i-1": "Warmed:Running Healthy protected=false"}
	h.call("autoscaling:SuspendProcesses", 1, 0, "", "g") // 1, and its warm pool
	if got, want := h.Sweep(), 2+1+2*2+2+2; got != want {
		t.Errorf("%d calls, want %d", got, want)
	}
}
