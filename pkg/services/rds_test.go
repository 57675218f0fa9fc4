package services

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
)

var (
	dbNow      = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	dbBefore   = dbNow.Add(-time.Hour)
	dbTomorrow = dbNow.Add(24 * time.Hour)
)

// dbItem is a database that was running when it was recorded for order 1.
func dbItem(t *testing.T, state killswitch.State) killswitch.Item {
	t.Helper()
	original, err := encode(rdsInstanceSchema, dbOriginal{
		dbIdentity: dbIdentity{ARN: "arn:aws:rds:eu-west-1:111122223333:db:shop", ResourceID: "db-SHOP"},
		Changes:    killswitch.Fields{fieldEngineVersion: "16.4", fieldParameterStatus: "pending-reboot"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return killswitch.Item{Original: original, State: state}
}

// dbIn is a look at that database.
func dbIn(status string) dbSeen {
	return dbSeen{
		dbIdentity: dbIdentity{ARN: "arn:aws:rds:eu-west-1:111122223333:db:shop", ResourceID: "db-SHOP"}, Status: status,
		Changes: killswitch.Fields{fieldEngineVersion: "16.4", fieldParameterStatus: "pending-reboot"},
	}
}

func with(seen dbSeen, change func(*dbSeen)) dbSeen {
	change(&seen)
	return seen
}

// TestDecideDatabase is the table of both kinds: want × what was done so far × what is seen.
func TestDecideDatabase(t *testing.T) {
	const status = "DBInstanceStatus"
	stop := killswitch.Decision{Do: killswitch.TakeAct, Step: stopDBInstance, Leaves: killswitch.Fields{status: dbStopped}}
	start := killswitch.Decision{Do: killswitch.TakeAct, Step: startDBInstance, Leaves: killswitch.Fields{status: dbAvailable}}
	hold := func(wave int, reason string) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.Hold, Wave: wave, Reason: reason}
	}
	refuse := func(reason string) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.Refuse, Reason: reason}
	}
	drift := func(reason string) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.Drift, Reason: reason}
	}
	done := killswitch.Decision{Do: killswitch.Done}
	waking := func(d killswitch.Decision, at time.Time) killswitch.Decision {
		d.WakesAt = at
		return d
	}
	var (
		recorded = killswitch.State{Order: 1}
		stopping = killswitch.State{Order: 1, Step: stopDBInstance, AttemptedAt: dbBefore, Left: killswitch.Fields{status: dbStopped}}
		paused   = killswitch.State{Order: 1, Reached: 1, Step: stopDBInstance, AttemptedAt: dbBefore,
			Left: killswitch.Fields{status: dbStopped}, WakesAt: dbTomorrow}
		overdue = killswitch.State{Order: 1, Reached: 1, Step: stopDBInstance, AttemptedAt: dbBefore,
			Left: killswitch.Fields{status: dbStopped}, WakesAt: dbNow}
		untouched = killswitch.State{Order: 2}
		toResume  = killswitch.State{Order: 2, Reached: 1, Step: stopDBInstance, Left: killswitch.Fields{status: dbStopped}}
		starting  = killswitch.State{Order: 2, Reached: 1, Step: startDBInstance, Left: killswitch.Fields{status: dbAvailable}}
		resumed   = killswitch.State{Order: 2, Reached: 2, Step: startDBInstance, Left: killswitch.Fields{status: dbAvailable}}
	)
	tests := map[string]struct {
		want  killswitch.Want
		state killswitch.State
		force bool
		seen  dbSeen
		is    killswitch.Decision
	}{
		// Towards paused.
		"running and never touched: stop it": {
			killswitch.WantPaused, recorded, false, dbIn(dbAvailable), stop,
		},
		"a stop was begun and it still runs, since the call was lost: stop it": {
			killswitch.WantPaused, stopping, false, dbIn(dbAvailable), stop,
		},
		"an order turns a resume round while it is available: stop it": {
			killswitch.WantPaused, killswitch.State{Order: 3, Reached: 1, Step: startDBInstance, Left: killswitch.Fields{status: dbAvailable}},
			false, dbIn(dbAvailable), stop,
		},
		"an order turns a resume round while it starts: wait": {
			killswitch.WantPaused, starting, false, dbIn(dbStarting), hold(killswitch.PauseDatabases, "it is starting"),
		},
		"its stop is under way: wait": {
			killswitch.WantPaused, stopping, false, dbIn(dbStopping), hold(killswitch.PauseDatabases, "it is stopping"),
		},
		"it is backed up: wait": {
			killswitch.WantPaused, recorded, false, dbIn("backing-up"), hold(killswitch.PauseDatabases, "it is backing-up"),
		},
		"it is modified: wait": {
			killswitch.WantPaused, recorded, false, dbIn("modifying"), hold(killswitch.PauseDatabases, "it is modifying"),
		},
		"a status that nobody knows passes": {
			killswitch.WantPaused, recorded, false, dbIn("configuring-something-new"),
			hold(killswitch.PauseDatabases, "it is configuring-something-new"),
		},
		"its storage is optimized, which AWS does not interrupt: wait": {
			killswitch.WantPaused, recorded, false, dbIn(dbOptimizing), hold(killswitch.PauseDatabases, "it is storage-optimization"),
		},
		"it is deleted by somebody: nobody waits for it": {
			killswitch.WantPaused, recorded, false, dbIn(dbDeleting), hold(0, "it is being deleted"),
		},
		"stopped, and AWS says when it starts it again": {
			killswitch.WantPaused, stopping, false, with(dbIn(dbStopped), func(s *dbSeen) { s.Restart = dbTomorrow }),
			killswitch.Decision{Do: killswitch.Done, WakesAt: dbTomorrow},
		},
		"stopped, and AWS does not say when it starts it again, as for DocumentDB": {
			killswitch.WantPaused, stopping, false, dbIn(dbStopped),
			killswitch.Decision{Do: killswitch.Done, WakesAt: dbBefore.Add(7 * 24 * time.Hour)},
		},
		"stopped by somebody else before our stop": {
			killswitch.WantPaused, recorded, false, dbIn(dbStopped), done,
		},
		"paused, and AWS has started it after seven days: stop it": {
			killswitch.WantPaused, overdue, false, dbIn(dbAvailable), waking(stop, dbNow),
		},
		"paused, and AWS is starting it: wait": {
			killswitch.WantPaused, overdue, false, dbIn(dbStarting), waking(hold(killswitch.PauseDatabases, "it is starting"), dbNow),
		},
		"paused, and AWS has started it and backs it up: wait": {
			killswitch.WantPaused, overdue, false, dbIn("backing-up"), waking(hold(killswitch.PauseDatabases, "it is backing-up"), dbNow),
		},
		"paused, and AWS has started it into a state that needs help": {
			killswitch.WantPaused, overdue, false, dbIn("storage-full"), waking(refuse("it is in state storage-full: enlarge its storage"), dbNow),
		},
		"paused, and somebody is starting it: wait until it is known who": {
			killswitch.WantPaused, paused, false, dbIn(dbStarting), waking(hold(killswitch.PauseDatabases, "it is starting"), dbTomorrow),
		},
		"paused, and somebody has started it: leave it": {
			killswitch.WantPaused, paused, false, dbIn(dbAvailable), drift("somebody has started it since it was paused"),
		},
		"paused, and somebody has started it, but the order was given again: stop it": {
			killswitch.WantPaused, killswitch.State{Order: 2, Reached: 1, Left: killswitch.Fields{status: dbStopped}}, false, dbIn(dbAvailable), stop,
		},
		"a reason that stays came up since it was listed": {
			killswitch.WantPaused, recorded, false, with(dbIn(dbAvailable), func(s *dbSeen) { s.Verdict = "read replica of x" }),
			refuse("read replica of x"),
		},
		"such a reason does not matter once it is stopped": {
			killswitch.WantPaused, stopping, false, with(dbIn(dbStopped), func(s *dbSeen) { s.Verdict, s.Restart = "read replica of x", dbTomorrow }),
			killswitch.Decision{Do: killswitch.Done, WakesAt: dbTomorrow},
		},
		"its storage is full: it cannot be stopped": {
			killswitch.WantPaused, recorded, false, dbIn("storage-full"), refuse("it is in state storage-full: enlarge its storage"),
		},
		"another database of the same name": {
			killswitch.WantPaused, recorded, false, with(dbIn(dbAvailable), func(s *dbSeen) { s.ResourceID = "db-NEW" }),
			drift("another database of this name: db-NEW instead of db-SHOP, which was deleted or renamed"),
		},

		// Towards resumed.
		"stopped by us: start it": {
			killswitch.WantResumed, toResume, false, dbIn(dbStopped), start,
		},
		"a start was begun and it is still stopped, since the call was lost or fell back: start it": {
			killswitch.WantResumed, starting, false, dbIn(dbStopped), start,
		},
		"a stop was begun, its call was lost and it runs": {
			killswitch.WantResumed, toResume, false, dbIn(dbAvailable), done,
		},
		"its start is under way: wait, and others with it": {
			killswitch.WantResumed, starting, false, dbIn(dbStarting), hold(killswitch.ResumeDatabases, "it is starting"),
		},
		"our stop is still under way: wait, and others with it": {
			killswitch.WantResumed, toResume, false, dbIn(dbStopping), hold(killswitch.ResumeDatabases, "it is stopping"),
		},
		"it is backed up right after its start: wait": {
			killswitch.WantResumed, starting, false, dbIn("backing-up"), hold(killswitch.ResumeDatabases, "it is backing-up"),
		},
		"it is available": {
			killswitch.WantResumed, starting, false, dbIn(dbAvailable), done,
		},
		"it serves while its storage is optimized": {
			killswitch.WantResumed, starting, false, dbIn(dbOptimizing), done,
		},
		"its start has changed what was waiting for one": {
			killswitch.WantResumed, starting, false, with(dbIn(dbAvailable), func(s *dbSeen) {
				s.Changes = killswitch.Fields{fieldEngineVersion: "16.6", fieldParameterStatus: "in-sync"}
			}),
			killswitch.Decision{Do: killswitch.Done, ByAWS: killswitch.Fields{
				fieldEngineVersion: "16.4 → 16.6", fieldParameterStatus: "pending-reboot → in-sync",
			}},
		},
		"its start ended in a state that needs help": {
			killswitch.WantResumed, starting, false, dbIn("incompatible-network"),
			refuse("it is in state incompatible-network: repair its subnet group, VPC and addresses, then start it"),
		},
		"its key is gone": {
			killswitch.WantResumed, starting, false, dbIn("inaccessible-encryption-credentials-recoverable"),
			refuse("it is in state inaccessible-encryption-credentials-recoverable: enable its KMS key, then start it"),
		},
		"never touched and running": {
			killswitch.WantResumed, untouched, false, dbIn(dbAvailable), done,
		},
		"never touched and busy: nobody waits for it": {
			killswitch.WantResumed, untouched, false, dbIn("modifying"), hold(0, "it is modifying"),
		},
		"never touched and stopped by somebody: leave it": {
			killswitch.WantResumed, untouched, false, dbIn(dbStopped), drift("somebody stopped it before the brake did"),
		},
		"never touched and stopped by somebody, by force: start it": {
			killswitch.WantResumed, untouched, true, dbIn(dbStopped), start,
		},
		"resumed, and somebody has stopped it: leave it": {
			killswitch.WantResumed, resumed, false, dbIn(dbStopped), drift("somebody has stopped it since it was resumed"),
		},
		"paused, and somebody has started it": {
			killswitch.WantResumed, toResume, false, dbIn(dbAvailable), done,
		},
		"another database of the same name is not started": {
			killswitch.WantResumed, toResume, false, with(dbIn(dbStopped), func(s *dbSeen) { s.ResourceID = "db-NEW" }),
			drift("another database of this name: db-NEW instead of db-SHOP, which was deleted or renamed"),
		},
		"nor by force": {
			killswitch.WantResumed, toResume, true, with(dbIn(dbStopped), func(s *dbSeen) { s.ResourceID = "db-NEW" }),
			drift("another database of this name: db-NEW instead of db-SHOP, which was deleted or renamed"),
		},
		"it is deleted by somebody": {
			killswitch.WantResumed, toResume, false, dbIn(dbDeleting), hold(0, "it is being deleted"),
		},

		// Clusters: their members count.
		"a cluster with a member that is not ready yet cannot be stopped: wait": {
			killswitch.WantPaused, recorded, false, with(dbIn(dbAvailable), func(s *dbSeen) { s.Unready = []dbMember{{"b", "rebooting"}} }),
			hold(killswitch.PauseDatabases, "member b is rebooting"),
		},
		"a cluster with a member that needs help cannot be stopped": {
			killswitch.WantPaused, recorded, false, with(dbIn(dbAvailable), func(s *dbSeen) {
				s.Unready = []dbMember{{"b", "rebooting"}, {"c", "incompatible-parameters"}, {"d", "rebooting"}}
			}),
			refuse("member c is in state incompatible-parameters: reset the parameters that do not fit, then reboot it"),
		},
		"a stopped cluster is paused whatever its members say": {
			killswitch.WantPaused, stopping, false, with(dbIn(dbStopped), func(s *dbSeen) {
				s.Unready, s.Restart = []dbMember{{"b", dbStopping}}, dbTomorrow
			}),
			killswitch.Decision{Do: killswitch.Done, WakesAt: dbTomorrow},
		},
		"an available cluster is not resumed before its members are": {
			killswitch.WantResumed, starting, false, with(dbIn(dbAvailable), func(s *dbSeen) { s.Unready = []dbMember{{"b", dbStarting}} }),
			hold(killswitch.ResumeDatabases, "member b is starting"),
		},
		"nor when a listing still shows a member as stopped": {
			killswitch.WantResumed, starting, false, with(dbIn(dbAvailable), func(s *dbSeen) { s.Unready = []dbMember{{"b", dbStopped}} }),
			hold(killswitch.ResumeDatabases, "member b is stopped"),
		},
		"a member whose storage is optimized serves": {
			killswitch.WantResumed, starting, false, with(dbIn(dbAvailable), func(s *dbSeen) { s.Unready = []dbMember{{"b", dbOptimizing}} }), done,
		},
	}
	service := &rdsInstance{}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			it := dbItem(t, test.state)
			it.Force = test.force
			got := service.Decide(test.want, it, dbObserved(dbNow, test.seen), dbNow)
			if diff := cmp.Diff(test.is, got); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecideDatabaseThatNeededHelp: what could not be stopped is as it was for as long as that lasts.
func TestDecideDatabaseThatNeededHelp(t *testing.T) {
	full := dbIn("storage-full")
	original, err := encode(rdsInstanceSchema, full.original())
	if err != nil {
		t.Fatal(err)
	}
	refused := killswitch.State{Order: 2, Step: stopDBInstance, Left: killswitch.Fields{"DBInstanceStatus": dbStopped}}
	for name, test := range map[string]struct {
		state killswitch.State
		seen  dbSeen
		want  killswitch.Do
	}{
		"never touched, and as it was":            {killswitch.State{Order: 2}, full, killswitch.Done},
		"never touched, and repaired":             {killswitch.State{Order: 2}, dbIn(dbAvailable), killswitch.Done},
		"a stop was refused, and it is as it was": {refused, full, killswitch.Done},
		"it needs other help now":                 {refused, dbIn("failed"), killswitch.Refuse},
		"a member needs help besides":             {refused, with(full, func(s *dbSeen) { s.Unready = []dbMember{{"b", "failed"}} }), killswitch.Refuse},
	} {
		t.Run(name, func(t *testing.T) {
			it := killswitch.Item{Original: original, State: test.state}
			if got := (&rdsInstance{}).Decide(killswitch.WantResumed, it, dbObserved(dbNow, test.seen), dbNow); got.Do != test.want {
				t.Errorf("got %+v, want %d", got, test.want)
			}
		})
	}
}

// TestDecideDatabaseKinds: the two kinds share the rule, but not the steps, fields and originals.
func TestDecideDatabaseKinds(t *testing.T) {
	cluster := func(t *testing.T, writer string) dbOriginal {
		t.Helper()
		return dbOriginal{dbIdentity: dbIdentity{ARN: "arn:c", ResourceID: "cluster-C"}, Changes: killswitch.Fields{fieldWriter: writer}}
	}
	original, err := encode(rdsClusterSchema, cluster(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	it := killswitch.Item{Original: original, State: killswitch.State{Order: 1}}
	seen := func(status, writer string) killswitch.Observation {
		return dbObserved(dbNow, dbSeen{dbIdentity: cluster(t, "").dbIdentity, Status: status, Changes: killswitch.Fields{fieldWriter: writer}})
	}
	service := &rdsCluster{}
	got := service.Decide(killswitch.WantPaused, it, seen(dbAvailable, "a"), dbNow)
	want := killswitch.Decision{Do: killswitch.TakeAct, Step: stopDBCluster, Leaves: killswitch.Fields{"Status": dbStopped}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("running cluster (-want +got):\n%s", diff)
	}
	it.State = killswitch.State{Order: 2, Left: got.Leaves}
	got = service.Decide(killswitch.WantResumed, it, seen(dbStopped, "a"), dbNow)
	want = killswitch.Decision{Do: killswitch.TakeAct, Step: startDBCluster, Leaves: killswitch.Fields{"Status": dbAvailable}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stopped cluster (-want +got):\n%s", diff)
	}
	got = service.Decide(killswitch.WantResumed, it, seen(dbAvailable, "b"), dbNow)
	want = killswitch.Decision{Do: killswitch.Done, ByAWS: killswitch.Fields{fieldWriter: "a → b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cluster with another writer (-want +got):\n%s", diff)
	}
}

// TestDecideWithoutKnowledge: what cannot be read is never guessed at.
func TestDecideWithoutKnowledge(t *testing.T) {
	deciders := map[string]killswitch.Service{"instance": &rdsInstance{}, "cluster": &rdsCluster{}, "service": &ecsService{}}
	for name, service := range deciders {
		t.Run(name, func(t *testing.T) {
			for _, damaged := range []killswitch.Original{{}, {Schema: 1, Data: []byte(`{`)}, {Schema: 1, Data: []byte(`{"new":1}`)}, {Schema: 9, Data: []byte(`{}`)}} {
				got := service.Decide(killswitch.WantPaused, killswitch.Item{Original: damaged}, killswitch.Observation{}, dbNow)
				if got.Do != killswitch.Refuse || got.Reason == "" {
					t.Errorf("original %d %s: got %+v, want a refusal", damaged.Schema, damaged.Data, got)
				}
			}
			whole := `{"arn":"a","resourceId":"r"}`
			if name == "service" {
				whole = `{"arn":"a","desired":1,"running":1,"steady":true}`
			}
			got := service.Decide(killswitch.WantPaused, killswitch.Item{Original: killswitch.Original{Schema: 1, Data: []byte(whole)}}, killswitch.Observation{}, dbNow)
			if got.Do != killswitch.Hold {
				t.Errorf("without an observation: got %+v, want to wait", got)
			}
		})
	}
}

func TestDatabaseChecks(t *testing.T) {
	for name, test := range map[string]struct {
		schema int
		data   string
		parts  []killswitch.Part
		fault  string // "" for none
	}{
		"whole":                     {1, `{"arn":"a","resourceId":"r","changes":{"EngineVersion":"1"}}`, nil, ""},
		"without a resource id":     {1, `{"arn":"a","resourceId":""}`, nil, "resource id"},
		"with a field missing":      {1, `{"arn":"a"}`, nil, "a field is missing"},
		"without an ARN":            {1, `{"arn":"","resourceId":"r"}`, nil, "ARN"},
		"of a schema that is newer": {2, `{"arn":"a","resourceId":"r"}`, nil, "schema 2"},
		"with an unknown field":     {1, `{"arn":"a","resourceId":"r","more":1}`, nil, "more"},
		"cut off":                   {1, `{"arn":"a"`, nil, "decode"},
		"with a part":               {1, `{"arn":"a","resourceId":"r"}`, []killswitch.Part{{Name: "x"}}, "no parts"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range []Definition{rdsInstances(), rdsClusters()} {
				err := d.Check(killswitch.Original{Schema: test.schema, Data: []byte(test.data)}, test.parts)
				if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
					t.Errorf("%s: Check says %v, want %q", d.Kind, err, test.fault)
				}
			}
		})
	}
}
