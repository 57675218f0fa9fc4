package awssim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"
)

const here = "us-east-1"

// user is a person with the AWS CLI.
func user(a *Account) aws.Config { return a.Process("user").Config() }

// databases asks RDS for statuses and tells it to stop and start, by identifier.
type databases struct {
	t *testing.T
	*rds.Client
}

func databasesOf(t *testing.T, a *Account) databases { return databases{t, rds.NewFromConfig(user(a))} }

func (d databases) do(verb, id string) error {
	var err error
	switch verb {
	case "stop instance":
		_, err = d.StopDBInstance(d.t.Context(), &rds.StopDBInstanceInput{DBInstanceIdentifier: &id})
	case "start instance":
		_, err = d.StartDBInstance(d.t.Context(), &rds.StartDBInstanceInput{DBInstanceIdentifier: &id})
	case "stop cluster":
		_, err = d.StopDBCluster(d.t.Context(), &rds.StopDBClusterInput{DBClusterIdentifier: &id})
	case "start cluster":
		_, err = d.StartDBCluster(d.t.Context(), &rds.StartDBClusterInput{DBClusterIdentifier: &id})
	default:
		d.t.Fatalf("no verb %q", verb)
	}
	return err
}

func (d databases) must(verb, id string) {
	d.t.Helper()
	if err := d.do(verb, id); err != nil {
		d.t.Fatalf("%s %s: %v", verb, id, err)
	}
}

func (d databases) instance(id string) types.DBInstance {
	d.t.Helper()
	out, err := d.DescribeDBInstances(d.t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.DBInstances[0]
}

func (d databases) cluster(id string) types.DBCluster {
	d.t.Helper()
	out, err := d.DescribeDBClusters(d.t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: &id})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.DBClusters[0]
}

// statuses are what one database goes through until it is in the last of them, looked at every ten
// seconds.
func statuses(t *testing.T, last string, look func() string) (seen []string, took time.Duration) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 8*24*time.Hour; time.Sleep(10 * time.Second) {
		if status := look(); len(seen) == 0 || seen[len(seen)-1] != status {
			seen = append(seen, status)
		}
		if seen[len(seen)-1] == last {
			return seen, time.Since(began)
		}
	}
	t.Fatalf("never %s, but %v", last, seen)
	return nil, 0
}

func TestDatabaseTakesMinutesToStopAndToStart(t *testing.T) {
	inBubble(t, Options{Seed: 2}, func(t *testing.T, a *Account) {
		a.AddDBInstance(here, DBInstance{ID: "db"})
		before, d := a.State(), databasesOf(t, a)
		status := func() string { return aws.ToString(d.instance("db").DBInstanceStatus) }

		d.must("stop instance", "db")
		time.Sleep(maxDBLag)
		seen, took := statuses(t, "stopped", status)
		if diff := cmp.Diff([]string{"stopping", "stopped"}, seen); diff != "" || took < time.Minute || took > 10*time.Minute {
			t.Errorf("stopped after %v by way of %v", took, seen)
		}
		restart := aws.ToTime(d.instance("db").AutomaticRestartTime)
		if in := time.Until(restart); in < maxDBStopped-time.Minute || in > maxDBStopped {
			t.Errorf("AWS starts it in %v, want seven days", in)
		}

		d.must("start instance", "db")
		time.Sleep(maxDBLag)
		seen, took = statuses(t, "available", status)
		if diff := cmp.Diff([]string{"starting", "available"}, seen); diff != "" || took < 2*time.Minute || took > 13*time.Minute {
			t.Errorf("available after %v by way of %v", took, seen)
		}
		different, byAWS := Compare(before, a.State())
		if len(different)+len(byAWS) > 0 {
			t.Errorf("not as before: %v %v", different, byAWS)
		}
	})
}

func TestListingLagsBehindAStop(t *testing.T) {
	lagged := 0
	for seed := range uint64(20) {
		inBubble(t, Options{Seed: seed}, func(t *testing.T, a *Account) {
			a.AddDBInstance(here, DBInstance{ID: "db"})
			d := databasesOf(t, a)
			d.must("stop instance", "db")
			if aws.ToString(d.instance("db").DBInstanceStatus) == "available" {
				lagged++
			}
		})
	}
	if lagged < 10 {
		t.Errorf("in %d of 20 accounts the listing still said available, want most", lagged)
	}
}

func TestAWSStartsWhatHasBeenStoppedForSevenDays(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddDBInstance(here, DBInstance{ID: "db"})
		a.AddDBCluster(here, DBCluster{ID: "cluster", Members: []DBMember{{ID: "m1"}}})
		a.AddDBInstance(here, DBInstance{ID: "long-stopped", Life: DBLife{Status: "stopped", RestartsIn: 24 * time.Hour}})
		d := databasesOf(t, a)
		d.must("stop instance", "db")
		d.must("stop cluster", "cluster")
		a.Jump(maxDBStopped + time.Hour) // nobody looks meanwhile
		for _, id := range []string{"db", "m1", "long-stopped"} {
			if got := aws.ToString(d.instance(id).DBInstanceStatus); got != "available" {
				t.Errorf("%s is %s, want available again", id, got)
			}
		}
		if cluster := d.cluster("cluster"); aws.ToString(cluster.Status) != "available" || cluster.AutomaticRestartTime != nil {
			t.Errorf("cluster is %s, restarts at %v", aws.ToString(cluster.Status), cluster.AutomaticRestartTime)
		}
		var events []string
		for _, e := range a.DatabaseEvents() {
			events = append(events, e.ID+" "+strings.TrimPrefix(e.EventID, "RDS-EVENT-"))
		}
		slices.Sort(events)
		want := []string{
			"cluster 0150", "cluster 0151", "cluster 0153", "db 0087", "db 0088", "db 0154", "long-stopped 0088", "long-stopped 0154",
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("events:\n%s", diff)
		}
	})
}

func TestWokenDatabaseMayBeBackedUpBeforeItCanBeStopped(t *testing.T) {
	busy := 0
	for seed := range uint64(30) {
		inBubble(t, Options{Seed: seed}, func(t *testing.T, a *Account) {
			a.AddDBInstance(here, DBInstance{ID: "db", Life: DBLife{Status: "stopped"}})
			d := databasesOf(t, a)
			a.WakeDatabase(here, "db")
			seen, _ := statuses(t, "available", func() string {
				status := aws.ToString(d.instance("db").DBInstanceStatus)
				if status == "backing-up" && code(d.do("stop instance", "db")) != "InvalidDBInstanceState" {
					t.Error("stopped while backing-up")
				}
				return status
			})
			if slices.Contains(seen, "backing-up") {
				busy++
			}
		})
	}
	if busy < 3 || busy > 20 {
		t.Errorf("%d of 30 were backed up at once, want about a third", busy)
	}
}

func TestClusterAndMembersFollowEachOther(t *testing.T) {
	inBubble(t, Options{Seed: 5}, func(t *testing.T, a *Account) {
		a.AddDBCluster(here, DBCluster{ID: "c", Members: []DBMember{{ID: "writer"}, {ID: "reader-1"}, {ID: "reader-2"}}})
		before, d := a.State(), databasesOf(t, a)
		at := func(last string) map[string]time.Duration {
			began, reached := time.Now(), map[string]time.Duration{}
			for ; len(reached) < 4 && time.Since(began) < time.Hour; time.Sleep(4 * time.Second) {
				status := map[string]string{"c": aws.ToString(d.cluster("c").Status)}
				for _, id := range []string{"writer", "reader-1", "reader-2"} {
					status[id] = aws.ToString(d.instance(id).DBInstanceStatus)
				}
				for id, s := range status {
					if _, done := reached[id]; !done && s == last {
						reached[id] = time.Since(began)
					}
				}
			}
			return reached
		}
		d.must("stop cluster", "c")
		stopped := at("stopped")
		if len(stopped) != 4 || stopped["reader-1"] >= stopped["writer"] || stopped["reader-2"] >= stopped["writer"] || stopped["c"] < stopped["writer"] {
			t.Errorf("stopped at %v, want readers, writer, cluster", stopped)
		}
		d.must("start cluster", "c")
		time.Sleep(maxDBLag)
		up := at("available")
		if len(up) != 4 || up["reader-1"] <= up["c"] || up["reader-2"] <= up["reader-1"] {
			t.Errorf("available at %v, want the cluster with its writer, then one reader after another", up)
		}
		if different, _ := Compare(before, a.State()); len(different) > 0 {
			t.Errorf("not as before: %v", different)
		}
	})
}

func TestDocumentDBTellsNoRestartTime(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		for _, engine := range []string{"docdb", "neptune"} {
			a.AddDBCluster(here, DBCluster{ID: engine, Engine: engine, Members: []DBMember{{ID: engine + "-1"}}})
			databasesOf(t, a).must("stop cluster", engine)
		}
		time.Sleep(time.Hour)
		d := databasesOf(t, a)
		if got := d.cluster("docdb").AutomaticRestartTime; got != nil {
			t.Errorf("DocumentDB restarts at %v, want nothing", got)
		}
		if d.cluster("neptune").AutomaticRestartTime == nil {
			t.Error("Neptune does not tell when it restarts")
		}
	})
}

func TestDatabaseRefusals(t *testing.T) {
	member := []DBMember{{ID: "m"}}
	for name, tt := range map[string]struct {
		add  func(a *Account)
		verb string
		id   string
		want string
	}{
		"an unknown instance":            {func(*Account) {}, "stop instance", "db", "DBInstanceNotFound"},
		"an unknown cluster":             {func(*Account) {}, "start cluster", "c", "DBClusterNotFoundFault"},
		"a stopped instance, to stop":    {addDB(DBInstance{Life: DBLife{Status: "stopped"}}), "stop instance", "db", "InvalidDBInstanceState"},
		"a running instance, to start":   {addDB(DBInstance{}), "start instance", "db", "InvalidDBInstanceState"},
		"an instance that is backing up": {addDB(DBInstance{Life: DBLife{Status: "backing-up", For: time.Hour}}), "stop instance", "db", "InvalidDBInstanceState"},
		"a read replica":                 {addDB(DBInstance{ReplicaOf: "source"}), "stop instance", "db", "InvalidDBInstanceState"},
		"the source of a read replica": {func(a *Account) {
			a.AddDBInstance(here, DBInstance{ID: "replica", ReplicaOf: "db"})
			a.AddDBInstance(here, DBInstance{ID: "db"})
		}, "stop instance", "db", "InvalidDBInstanceState"},
		"the source of a replica in another region": {func(a *Account) {
			a.AddDBInstance(here, DBInstance{ID: "db"})
			a.AddDBInstance("eu-west-1", DBInstance{ID: "db", ReplicaOf: "arn:aws:rds:us-east-1:111122223333:db:db"})
		}, "stop instance", "db", "InvalidDBInstanceState"},
		"SQL Server in Multi-AZ":               {addDB(DBInstance{Engine: "sqlserver-ee", MultiAZ: true}), "stop instance", "db", "InvalidDBInstanceState"},
		"RDS Custom for Oracle":                {addDB(DBInstance{Engine: "custom-oracle-ee"}), "stop instance", "db", "InvalidDBInstanceState"},
		"RDS Custom for SQL Server, Multi-AZ":  {addDB(DBInstance{Engine: "custom-sqlserver-se", MultiAZ: true}), "stop instance", "db", "InvalidDBInstanceState"},
		"a member of a cluster":                {addCluster(DBCluster{Members: member}), "stop instance", "m", "InvalidParameterCombination"},
		"a member of a stopped cluster":        {addCluster(DBCluster{Members: member, Life: DBLife{Status: "stopped"}}), "start instance", "m", "InvalidParameterCombination"},
		"a stopped cluster, to stop":           {addCluster(DBCluster{Members: member, Life: DBLife{Status: "stopped"}}), "stop cluster", "c", "InvalidDBClusterStateFault"},
		"a running cluster, to start":          {addCluster(DBCluster{Members: member}), "start cluster", "c", "InvalidDBClusterStateFault"},
		"a cluster with a member being busy":   {addCluster(DBCluster{Members: []DBMember{{ID: "m", Status: "rebooting"}}}), "stop cluster", "c", "InvalidDBInstanceState"},
		"Aurora Serverless v1":                 {addCluster(DBCluster{Mode: "serverless"}), "stop cluster", "c", "InvalidDBClusterStateFault"},
		"a Multi-AZ DB cluster":                {addCluster(DBCluster{Engine: "mysql", Members: member}), "stop cluster", "c", "InvalidDBClusterStateFault"},
		"Aurora Limitless":                     {addCluster(DBCluster{Limitless: true, Members: member}), "stop cluster", "c", "InvalidParameterCombination"},
		"a DocumentDB cluster without members": {addCluster(DBCluster{Engine: "docdb"}), "stop cluster", "c", "InvalidDBClusterStateFault"},
		"a global database of two regions": {func(a *Account) {
			addCluster(DBCluster{Members: member, Global: "g"})(a)
			a.AddDBCluster("eu-west-1", DBCluster{ID: "c", Global: "g"})
		}, "stop cluster", "c", "InvalidDBClusterStateFault"},
		"a cross-Region replica": {func(a *Account) {
			addCluster(DBCluster{Members: member, ReplicaOf: "arn:aws:rds:eu-west-1:111122223333:cluster:far"})(a)
		}, "stop cluster", "c", "InvalidDBClusterStateFault"},
		"the source of a cross-Region replica": {func(a *Account) {
			addCluster(DBCluster{Members: member})(a)
			a.AddDBCluster("eu-west-1", DBCluster{ID: "r", ReplicaOf: "arn:aws:rds:us-east-1:111122223333:cluster:c"})
		}, "stop cluster", "c", "InvalidDBClusterStateFault"},
		"a side of a blue/green deployment": {func(a *Account) {
			addCluster(DBCluster{Members: member})(a)
			a.AddDBCluster(here, DBCluster{ID: "green"})
			a.AddBlueGreenDeployment(here, "bgd", "c", "green")
		}, "stop cluster", "c", "InvalidDBClusterStateFault"},
		"a start without capacity": {addDB(DBInstance{Life: DBLife{Status: "stopped", StartRefused: "InsufficientDBInstanceCapacity"}}), "start instance", "db", "InsufficientDBInstanceCapacity"},
		"a start without the key":  {addDB(DBInstance{Life: DBLife{Status: "stopped", StartRefused: "KMSKeyNotAccessibleFault"}}), "start instance", "db", "KMSKeyNotAccessibleFault"},
		"a cluster's start without the key": {addCluster(DBCluster{Members: member, Life: DBLife{Status: "stopped", StartRefused: "KMSKeyNotAccessibleFault"}}),
			"start cluster", "c", "KMSKeyNotAccessibleFault"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				tt.add(a)
				before := a.State()
				if err := databasesOf(t, a).do(tt.verb, tt.id); code(err) != tt.want {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				if different, byAWS := Compare(before, a.State()); len(different)+len(byAWS) > 0 {
					t.Errorf("a refused call changed %v %v", different, byAWS)
				}
			})
		})
	}
}

func addDB(db DBInstance) func(*Account) {
	return func(a *Account) {
		db.ID = "db"
		a.AddDBInstance(here, db)
	}
}

func addCluster(cluster DBCluster) func(*Account) {
	return func(a *Account) {
		cluster.ID = "c"
		a.AddDBCluster(here, cluster)
	}
}

func TestStartsThatGoWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		life DBLife
		want []string
	}{
		"end in another status": {DBLife{Status: "stopped", StartEnds: "incompatible-network"}, []string{"starting", "incompatible-network"}},
		"are followed by a backup": {
			DBLife{Status: "stopped", StartBackup: 5 * time.Minute}, []string{"starting", "backing-up", "available"},
		},
		"are refused and succeed later": {
			DBLife{Status: "stopped", StartRefused: "InsufficientDBInstanceCapacity", StartRefusals: 2}, []string{"starting", "available"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				a.AddDBInstance(here, DBInstance{ID: "db", Life: tt.life})
				a.AddDBCluster(here, DBCluster{ID: "c", Members: []DBMember{{ID: "m"}}, Life: tt.life})
				d := databasesOf(t, a)
				for range tt.life.StartRefusals {
					if d.do("start instance", "db") == nil || d.do("start cluster", "c") == nil {
						t.Error("not refused")
					}
				}
				d.must("start instance", "db")
				d.must("start cluster", "c")
				var db, cluster []string
				for range 200 {
					time.Sleep(10 * time.Second)
					if s := aws.ToString(d.instance("db").DBInstanceStatus); !slices.Contains(db, s) {
						db = append(db, s)
					}
					if s := aws.ToString(d.cluster("c").Status); !slices.Contains(cluster, s) {
						cluster = append(cluster, s)
					}
				}
				without := func(all []string) []string {
					return slices.DeleteFunc(all, func(s string) bool { return s == "stopped" }) // the lag
				}
				slices.Sort(tt.want[1:])
				for what, seen := range map[string][]string{"instance": without(db), "cluster": without(cluster)} {
					slices.Sort(seen[1:])
					if diff := cmp.Diff(tt.want, seen); diff != "" {
						t.Errorf("%s went another way:\n%s", what, diff)
					}
				}
			})
		})
	}
}
