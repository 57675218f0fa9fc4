package services_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

const here = "eu-west-1"

var protect = map[string]string{"aws-hit-breaks:protect": "true"}

func TestDiscoverDBInstances(t *testing.T) {
	fill := func(a *awssim.Account) {
		add := func(db awssim.DBInstance) { a.AddDBInstance(here, db) }
		add(awssim.DBInstance{ID: "plain", Tags: map[string]string{"env": "dev"}})
		add(awssim.DBInstance{ID: "stopped", Life: awssim.DBLife{Status: "stopped"}})
		add(awssim.DBInstance{ID: "stopping", Life: awssim.DBLife{Status: "stopping"}})
		add(awssim.DBInstance{ID: "starting", Life: awssim.DBLife{Status: "starting"}})
		add(awssim.DBInstance{ID: "backing-up", Life: awssim.DBLife{Status: "backing-up"}})
		add(awssim.DBInstance{ID: "no-network", Life: awssim.DBLife{Status: "incompatible-network"}})
		add(awssim.DBInstance{ID: "full", Life: awssim.DBLife{Status: "storage-full"}})
		add(awssim.DBInstance{ID: "main", Engine: "mysql"})
		add(awssim.DBInstance{ID: "replica", Engine: "mysql", ReplicaOf: "main"})
		add(awssim.DBInstance{ID: "mirror", Engine: "sqlserver-se", MultiAZ: true})
		add(awssim.DBInstance{ID: "custom", Engine: "custom-sqlserver-se"})
		a.AddDBCluster(here, awssim.DBCluster{ID: "aurora", Members: []awssim.DBMember{{ID: "member"}}})
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		want := map[string]string{
			"plain":      "available active original",
			"stopped":    "stopped",
			"stopping":   "stopping",
			"starting":   "starting active original",
			"backing-up": "backing-up active original",
			"no-network": "incompatible-network",
			"full":       "storage-full active original",
			"main":       "available active verdict: source of the read replica replica: AWS does not stop sources of replicas",
			"replica":    "available active verdict: read replica of main: AWS does not stop replicas",
			"mirror":     "available active verdict: SQL Server cannot be stopped while it is Multi-AZ",
			"custom":     "available active original may refuse: AWS's pages disagree whether RDS Custom can be stopped",
			"member":     "available active of aurora",
		}
		all := newBench(t, a, killswitch.RDSInstance, here).discover()
		if diff := cmp.Diff(want, summary(all)); diff != "" {
			t.Errorf("discovered (-want +got):\n%s", diff)
		}
		plain := all[slices.IndexFunc(all, func(f killswitch.Found) bool { return f.Resource.Ref.ID == "plain" })]
		wantResource := killswitch.Resource{
			Ref:  killswitch.Ref{Account: "111122223333", Region: here, Kind: killswitch.RDSInstance, ID: "plain"},
			Type: "db.m6g.large", Tags: map[string]string{"env": "dev"},
		}
		plain.Resource.Uses = nil // uses_test.go
		if diff := cmp.Diff(wantResource, plain.Resource); diff != "" {
			t.Errorf("resource (-want +got):\n%s", diff)
		}
	})
}

func TestDiscoverDBClusters(t *testing.T) {
	members := func(id string) []awssim.DBMember { return []awssim.DBMember{{ID: id + "-1"}, {ID: id + "-2"}} }
	fill := func(a *awssim.Account) {
		add := func(c awssim.DBCluster) {
			if c.Members == nil && c.Mode == "" {
				c.Members = members(c.ID)
			}
			a.AddDBCluster(here, c)
		}
		add(awssim.DBCluster{ID: "aurora"})
		add(awssim.DBCluster{ID: "docdb", Engine: "docdb"})
		add(awssim.DBCluster{ID: "neptune", Engine: "neptune"})
		add(awssim.DBCluster{ID: "stopped", Life: awssim.DBLife{Status: "stopped"}})
		add(awssim.DBCluster{ID: "empty", Members: []awssim.DBMember{}})
		add(awssim.DBCluster{ID: "v1", Engine: "aurora-mysql", Mode: "serverless"})
		add(awssim.DBCluster{ID: "multi-az", Engine: "postgres"})
		add(awssim.DBCluster{ID: "world", Global: "world"})
		a.AddDBCluster("us-east-1", awssim.DBCluster{ID: "world-2", Global: "world"})
		add(awssim.DBCluster{ID: "alone", Global: "alone"})
		add(awssim.DBCluster{ID: "blue"})
		add(awssim.DBCluster{ID: "green"})
		a.AddBlueGreenDeployment(here, "release", "blue", "green")
		add(awssim.DBCluster{ID: "guarded", Members: []awssim.DBMember{{ID: "g-1"}, {ID: "g-2", Tags: protect}}})
	}
	parts := func(id string) string { return " part " + id + "-1 map[] part " + id + "-2 map[]" }
	global := "the global database world has 2 clusters: AWS stops none of them"
	green := "it is part of the blue/green deployment release: AWS does not stop it"
	want := map[string]string{
		"aurora":   "available active original" + parts("aurora"),
		"docdb":    "available active original" + parts("docdb"),
		"neptune":  "available active original" + parts("neptune"),
		"stopped":  "stopped" + parts("stopped"),
		"empty":    "available",
		"v1":       "available active verdict: Aurora Serverless v1 cannot be stopped; it pauses itself where that is configured",
		"multi-az": "available active verdict: Multi-AZ DB cluster of postgres: AWS stops clusters of Aurora, DocumentDB and Neptune only" + parts("multi-az"),
		"world":    "available active verdict: " + global + parts("world"),
		"alone":    "available active original" + parts("alone"),
		"blue":     "available active verdict: " + green + parts("blue"),
		"green":    "available active verdict: " + green + parts("green"),
		"guarded":  "available active original part g-1 map[] part g-2 map[aws-hit-breaks:protect:true]",
	}
	t.Run("with every permission", func(t *testing.T) {
		onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
			if diff := cmp.Diff(want, summary(newBench(t, a, killswitch.RDSCluster, here).discover())); diff != "" {
				t.Errorf("discovered (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("without those for global databases and blue/green deployments", func(t *testing.T) {
		denied := awssim.Fault{Before: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}}
		o := awssim.Options{Fault: func(c awssim.Call) awssim.Fault {
			if c.Operation == "DescribeGlobalClusters" || c.Operation == "DescribeBlueGreenDeployments" {
				return denied
			}
			return awssim.Fault{}
		}}
		onBench(t, o, fill, func(t *testing.T, a *awssim.Account) {
			lines := summary(newBench(t, a, killswitch.RDSCluster, here).discover())
			greenDoubt := "it may be in a blue/green deployment, which cannot be read here: " +
				"AccessDenied: not allowed to call RDS DescribeBlueGreenDeployments; allow it in the policy of the role"
			globalDoubt := "it may be in a global database, which cannot be read here: " +
				"AccessDenied: not allowed to call RDS DescribeGlobalClusters; allow it in the policy of the role"
			for id, doubt := range map[string]string{
				"blue": greenDoubt, "aurora": greenDoubt, "world": globalDoubt + "; " + greenDoubt, "alone": globalDoubt + "; " + greenDoubt,
			} {
				if want := "available active original may refuse: " + doubt + parts(id); lines[id] != want {
					t.Errorf("%s:\n got %s\nwant %s", id, lines[id], want)
				}
			}
			if want := "available active original" + parts("neptune"); lines["neptune"] != want {
				t.Errorf("neptune:\n got %s\nwant %s", lines["neptune"], want)
			}
		})
	})
}

// TestDatabaseListingsCost counts calls: one for each full page, and none that nothing needs.
func TestDatabaseListingsCost(t *testing.T) {
	for name, test := range map[string]struct {
		kind killswitch.Kind
		fill func(*awssim.Account)
		want map[string]int
	}{
		"an empty region, instances": {
			killswitch.RDSInstance, func(*awssim.Account) {}, map[string]int{"rds:DescribeDBInstances": 1},
		},
		"an empty region, clusters": {
			killswitch.RDSCluster, func(*awssim.Account) {}, map[string]int{"rds:DescribeDBClusters": 1},
		},
		"250 instances": {
			killswitch.RDSInstance, func(a *awssim.Account) {
				for i := range 250 {
					a.AddDBInstance(here, awssim.DBInstance{ID: fmt.Sprintf("db-%03d", i)})
				}
			}, map[string]int{"rds:DescribeDBInstances": 3},
		},
		"60 clusters of two members": {
			killswitch.RDSCluster, func(a *awssim.Account) {
				for i := range 60 {
					id := fmt.Sprintf("c-%03d", i)
					a.AddDBCluster(here, awssim.DBCluster{ID: id, Members: []awssim.DBMember{{ID: id + "-1"}, {ID: id + "-2"}}})
				}
			}, map[string]int{"rds:DescribeDBClusters": 1, "rds:DescribeDBInstances": 2, "rds:DescribeBlueGreenDeployments": 1},
		},
		"a cluster of Neptune can be in neither bond": {
			killswitch.RDSCluster, func(a *awssim.Account) {
				a.AddDBCluster(here, awssim.DBCluster{ID: "n", Engine: "neptune", Members: []awssim.DBMember{{ID: "n-1"}}})
			}, map[string]int{"rds:DescribeDBClusters": 1, "rds:DescribeDBInstances": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, awssim.Options{}, test.fill, func(t *testing.T, a *awssim.Account) {
				b := newBench(t, a, test.kind, here)
				b.discover()
				if diff := cmp.Diff(test.want, b.calls()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestListingThatBreaksOff: half a list never looks whole.
func TestListingThatBreaksOff(t *testing.T) {
	for name, test := range map[string]struct {
		kind  killswitch.Kind
		fails func(calls map[string]int, c awssim.Call) bool
	}{
		"the second page of instances": {killswitch.RDSInstance, func(calls map[string]int, c awssim.Call) bool {
			return c.Operation == "DescribeDBInstances" && calls[c.Operation] > 1
		}},
		"the members of clusters": {killswitch.RDSCluster, func(_ map[string]int, c awssim.Call) bool {
			return c.Operation == "DescribeDBInstances"
		}},
		"the tasks of ECS": {killswitch.ECSService, func(_ map[string]int, c awssim.Call) bool { return c.Operation == "DescribeTasks" }},
		"a batch of services of ECS": {killswitch.ECSService, func(calls map[string]int, c awssim.Call) bool {
			return c.Operation == "DescribeServices" && calls[c.Operation] == 2
		}},
		"the scalable targets of ECS": {killswitch.ECSService, func(_ map[string]int, c awssim.Call) bool {
			return c.Operation == "DescribeScalableTargets"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			calls := map[string]int{}
			o := awssim.Options{Fault: func(c awssim.Call) awssim.Fault {
				if calls[c.Operation]++; test.fails(calls, c) {
					return awssim.Fault{Before: &smithy.GenericAPIError{Code: "AccessDenied"}}
				}
				return awssim.Fault{}
			}}
			fill := func(a *awssim.Account) {
				for i := range 120 {
					a.AddDBInstance(here, awssim.DBInstance{ID: fmt.Sprintf("db-%03d", i)})
				}
				a.AddDBCluster(here, awssim.DBCluster{ID: "c", Members: []awssim.DBMember{{ID: "c-1"}}})
				for i := range 25 {
					a.AddECSService(here, awssim.ECSService{Cluster: "shop", Name: fmt.Sprintf("s-%02d", i), Desired: 1})
				}
			}
			onBench(t, o, fill, func(t *testing.T, a *awssim.Account) {
				var last error
				for found, err := range newBench(t, a, test.kind, here).service.Discover(t.Context()) {
					if last != nil {
						t.Fatalf("after its error the listing went on with %v, %v", found.Resource.Ref, err)
					}
					last = err
				}
				if last == nil {
					t.Error("the listing looks whole")
				}
			})
		})
	}
}

func TestObserveDatabases(t *testing.T) {
	fill := func(a *awssim.Account) {
		for i := range 150 {
			a.AddDBInstance(here, awssim.DBInstance{ID: fmt.Sprintf("db-%03d", i)})
		}
		a.AddDBCluster(here, awssim.DBCluster{ID: "up", Members: []awssim.DBMember{{ID: "up-1"}}})
		a.AddDBCluster(here, awssim.DBCluster{ID: "down", Members: []awssim.DBMember{{ID: "down-1"}}, Life: awssim.DBLife{Status: "stopped"}})
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.RDSInstance, here)
		items := b.items()
		missing := *items[0]
		missing.Resource.Ref.ID = "db-deleted"
		before := b.calls()["rds:DescribeDBInstances"]
		b.look(append(slices.Clone(items), &missing))
		if got := b.calls()["rds:DescribeDBInstances"] - before; got != 3 {
			t.Errorf("%d calls for 150 instances and one that is missing, want 2 and 1 for it", got)
		}
		for _, it := range items {
			if it.Seen.Presence != killswitch.Present || it.Seen.State != "available" || it.Seen.At.IsZero() {
				t.Fatalf("%s: %+v", it.Resource.Ref, it.Seen)
			}
		}
		if o := missing.Seen; o.Presence != killswitch.Absent || o.Evidence != "DBInstanceNotFound" {
			t.Errorf("missing instance: %+v", o)
		}
	})
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.RDSCluster, here)
		ref := func(id string) *killswitch.Item {
			return &killswitch.Item{Resource: killswitch.Resource{Ref: killswitch.Ref{Account: a.ID(), Region: here, Kind: killswitch.RDSCluster, ID: id}}}
		}
		up, down, gone := ref("up"), ref("down"), ref("gone")
		b.look([]*killswitch.Item{down})
		if diff := cmp.Diff(map[string]int{"rds:DescribeDBClusters": 1}, b.calls()); diff != "" {
			t.Errorf("a stopped cluster needs no members (-want +got):\n%s", diff)
		}
		b.look([]*killswitch.Item{up, down, gone})
		if up.Seen.State != "available" || down.Seen.State != "stopped" || gone.Seen.Presence != killswitch.Absent || gone.Seen.Evidence != "DBClusterNotFoundFault" {
			t.Errorf("up %+v\ndown %+v\ngone %+v", up.Seen, down.Seen, gone.Seen)
		}
	})
}

// TestDatabasesThatWake pauses one instance and one cluster for a month: AWS starts each after
// seven days, and each is stopped again; what a person starts is left alone.
func TestDatabasesThatWake(t *testing.T) {
	fill := func(a *awssim.Account) {
		a.AddDBInstance(here, awssim.DBInstance{ID: "shop"})
		a.AddDBCluster(here, awssim.DBCluster{ID: "docs", Engine: "docdb", Members: []awssim.DBMember{{ID: "docs-1"}}}) // does not say when
	}
	for kind, id := range map[killswitch.Kind]string{killswitch.RDSInstance: "shop", killswitch.RDSCluster: "docs"} {
		t.Run(string(kind), func(t *testing.T) {
			onBench(t, awssim.Options{Seed: 3}, fill, func(t *testing.T, a *awssim.Account) {
				b := newBench(t, a, kind, here)
				items := b.items()
				b.drive(killswitch.WantPaused, items)
				for week := range 4 {
					if wakes := items[0].State.WakesAt; wakes.Before(time.Now().Add(6*24*time.Hour)) || wakes.After(time.Now().Add(8*24*time.Hour)) {
						t.Fatalf("week %d: wakes at %v, now is %v", week, wakes, time.Now())
					}
					time.Sleep(7*24*time.Hour + time.Hour)
					b.look(items)
					if items[0].Seen.State == "stopped" {
						t.Fatalf("week %d: AWS has not started it", week)
					}
					if end := b.drive(killswitch.WantPaused, items)[id]; end.Do != killswitch.Done {
						t.Fatalf("week %d: %+v", week, end)
					}
				}
				a.WakeDatabase(here, id) // not due: it stands for a person here
				time.Sleep(time.Hour)
				if end := b.drive(killswitch.WantPaused, items)[id]; end.Do != killswitch.Drift {
					t.Errorf("started by a person: %+v, want it left alone", end)
				}
			})
		})
	}
}

// TestDatabaseRefusals: what AWS says when it does not obey arrives as its own error.
func TestDatabaseRefusals(t *testing.T) {
	fill := func(a *awssim.Account) {
		a.AddDBInstance(here, awssim.DBInstance{ID: "shop", Life: awssim.DBLife{StartRefused: "InsufficientDBInstanceCapacity", StartRefusals: 2}})
		a.AddDBInstance(here, awssim.DBInstance{ID: "net", Life: awssim.DBLife{StartEnds: "incompatible-network"}})
	}
	onBench(t, awssim.Options{}, fill, func(t *testing.T, a *awssim.Account) {
		b := newBench(t, a, killswitch.RDSInstance, here)
		items := b.items()
		b.drive(killswitch.WantPaused, items)
		for _, it := range items {
			it.State.Order = 2
		}
		ends := map[string][]string{}
		for range 3 {
			for id, end := range b.drive(killswitch.WantResumed, items) {
				ends[id] = append(ends[id], end.Reason)
			}
		}
		capacity := "InsufficientDBInstanceCapacity: AWS has no capacity for it now, or a quota is used up; free some, raise the quota or wait " +
			"(AWS: Cannot start shop now)"
		network := "it is in state incompatible-network: repair its subnet group, VPC and addresses, then start it"
		want := map[string][]string{"shop": {capacity, capacity, ""}, "net": {network, network, network}}
		if diff := cmp.Diff(want, ends); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
	})
}

func TestUnknownSteps(t *testing.T) {
	for _, kind := range []killswitch.Kind{killswitch.RDSInstance, killswitch.RDSCluster, killswitch.ECSService} {
		onBench(t, awssim.Options{}, func(*awssim.Account) {}, func(t *testing.T, a *awssim.Account) {
			b := newBench(t, a, kind, here)
			results := b.service.Act(t.Context(), "delete-everything", make([]killswitch.Item, 2))
			if len(results) != 2 || results[0].Err == nil || results[1].Err == nil {
				t.Errorf("%s: %+v", kind, results)
			}
			if calls := b.calls(); len(calls) > 0 {
				t.Errorf("%s has called %v", kind, calls)
			}
		})
	}
}
