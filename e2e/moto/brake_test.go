package moto_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// paused are the fields that a pause changes in the seeded account, and no others.
func paused() map[string]string {
	all := map[string]string{
		"us-east-1 database orders.DBInstanceStatus":                                     "available → stopped",
		"eu-west-1 cluster ledger.Status":                                                "available → stopped",
		"eu-west-1 service plain.DesiredCount":                                           "2 → 0",
		"eu-west-1 service plain.RunningCount":                                           "2 → 0",
		"eu-west-1 service scaled.DesiredCount":                                          "2 → 0",
		"eu-west-1 service scaled.RunningCount":                                          "2 → 0",
		"eu-west-1 target service/shop/scaled.MinCapacity":                               "1 → 0",
		"eu-west-1 target service/shop/scaled.SuspendedState.DynamicScalingInSuspended":  "false → true",
		"eu-west-1 target service/shop/scaled.SuspendedState.DynamicScalingOutSuspended": "false → true",
		"eu-west-1 target service/shop/scaled.SuspendedState.ScheduledScalingSuspended":  "false → true",
	}
	// AZRebalance was suspended before.
	for process := range strings.FieldsSeq("AddToLoadBalancer AlarmNotification HealthCheck InstanceRefresh Launch ReplaceUnhealthy ScheduledActions Terminate") {
		all["us-east-1 group workers.SuspendedProcesses["+process+"].ProcessName"] = " → " + process
	}
	for _, instance := range []string{"us-east-1 instance web", "us-east-1 instance workers#1", "us-east-1 instance workers#2", "eu-west-1 instance web"} {
		maps.Copy(all, stopped(instance))
	}
	return all
}

// stopped are the fields that a stop changes in an instance.
func stopped(instance string) map[string]string {
	return map[string]string{instance + ".State.Name": "running → stopped", instance + ".State.Code": "16 → 80"}
}

// phases of the seeded account: what is paused by an order is in the phase of that name.
func phases(phase string) map[string]string {
	return map[string]string{
		"us-east-1 ec2:instance web":          phase,
		"us-east-1 ec2:instance vault":        "protected",
		"us-east-1 autoscaling:group workers": phase,
		"us-east-1 rds:instance orders":       phase,
		"eu-west-1 ec2:instance web":          phase,
		"eu-west-1 rds:cluster ledger":        phase,
		"eu-west-1 ecs:service shop/plain":    phase,
		"eu-west-1 ecs:service shop/scaled":   phase,
	}
}

// and is a map with one more entry.
func and(all map[string]string, name, value string) map[string]string {
	all[name] = value
	return all
}

// refusing is the instance that is protected from stops, which only a refused stop tells.
const refusing = "us-east-1 ec2:instance ledger-host"

func TestAlarmToResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account)
	w.seed()
	before := w.describe()
	w.changes(w.account)
	w.dryRun(before)
	w.sameMessageTwiceAtOnce(before)
	withLate := w.laterAlarms()

	w.idleTick()
	w.wokenDatabase()

	a := w.settle(w.must("aws-hit-breaks-resume", `{"actor":"ann"}`))
	w.equal("phases after the resume", and(and(phases("resumed"), refusing, "untouched"),
		"us-east-1 ec2:instance late", "resumed"), a.Report.phases())
	if !a.Closed {
		t.Error("everything is back, and the snapshot is not closed")
	}
	for path, value := range withLate {
		if strings.HasPrefix(path, "us-east-1 instance late") {
			before[path] = value
		}
	}
	w.equal("what differs from before the pause", map[string]string{}, changed(before, w.describe()))
	w.changes(w.account)

	w.afterwards()
	w.checkLogs()
}

// dryRun asks for a pause that is none.
func (w *world) dryRun(before described) {
	w.Helper()
	a := w.must("aws-hit-breaks-pause", `{"actor":"ann","dryRun":true}`)
	w.equal("phases of the dry run", and(phases("would-pause"), refusing, "would-pause"), a.Report.phases())
	w.unchanged("a dry run")
	w.equal("what a dry run changed", map[string]string{}, changed(before, w.describe()))
	if items := w.items(""); len(items) > 0 {
		w.Errorf("a dry run wrote %d items", len(items))
	}
}

// sameMessageTwiceAtOnce delivers one alarm twice at the same time, as SNS may, and once more when
// the account is paused.
func (w *world) sameMessageTwiceAtOnce(before described) {
	w.Helper()
	alarm := w.fixture("budgets-actual-monthly")
	answers := make([]answer, 2)
	var both sync.WaitGroup
	for i := range answers {
		both.Go(func() { answers[i] = w.invoke("aws-hit-breaks-pause", alarm) })
	}
	both.Wait()
	orders := 0
	for _, a := range answers {
		if a.Failure != "" {
			w.Fatalf("an alarm of two ended in an error: %s", a.Failure)
		}
		orders += a.Order
	}
	if orders != 1 {
		w.Errorf("two deliveries of one message gave orders %d and %d, want one order 1", answers[0].Order, answers[1].Order)
	}
	// One of them found the other at work and left it to that; its report is of then.
	slices.SortFunc(answers, func(a, b answer) int { return a.Report.Summary.Phases["paused"] - b.Report.Summary.Phases["paused"] })
	w.settle(answers[1])
	w.changes(w.account)
	w.equal("what the pause changed", paused(), changed(before, w.describe()))
	originals := w.items("ORIGINAL#")

	a := w.settle(w.must("aws-hit-breaks-pause", alarm))
	if a.Order != 0 || a.Ignored == "" {
		w.Errorf("the same message once more gives order %d and says %q", a.Order, a.Ignored)
	}
	w.equal("phases when paused", and(phases("paused"), refusing, "cannot-pause"), a.Report.phases())
	w.unchanged("the same message once more")
	w.equal("originals", originals, w.items("ORIGINAL#"))
}

// laterAlarms sends a second and a third alarm to the paused account, in which somebody has launched
// another instance. It gives the account before the second.
func (w *world) laterAlarms() described {
	w.Helper()
	w.instance(here, "late", nil)
	withLate, originals := w.describe(), w.items("ORIGINAL#")
	w.changes(w.account)

	a := w.settle(w.must("aws-hit-breaks-pause", w.fixture("budgets-forecasted-monthly")))
	w.equal("what the second alarm changed", stopped("us-east-1 instance late"), changed(withLate, w.describe()))
	w.equal("phases after the second alarm", and(and(phases("paused"), refusing, "cannot-pause"),
		"us-east-1 ec2:instance late", "paused"), a.Report.phases())
	later := w.items("ORIGINAL#")
	for key, body := range originals {
		if later[key] != body {
			w.Errorf("the second alarm changed the original %s", key)
		}
	}
	quiet := w.describe()
	w.changes(w.account)

	a = w.settle(w.must("aws-hit-breaks-pause", w.fixture("cloudwatch-billing-alarm")))
	if orders := len(a.Report.Orders); orders != 3 {
		w.Errorf("after three alarms there are %d orders", orders)
	}
	for _, operation := range w.changes(w.account) {
		if operation != "StopInstances" { // of the one that refuses: an order is a reason to ask again
			w.Errorf("the third alarm made the call %s", operation)
		}
	}
	w.equal("what the third alarm changed", map[string]string{}, changed(quiet, w.describe()))
	w.equal("originals after the third alarm", later, w.items("ORIGINAL#"))
	return withLate
}

// idleTick ticks the guard when all is settled: it makes no call.
func (w *world) idleTick() {
	w.Helper()
	w.calls(w.account)
	if a := w.must("aws-hit-breaks-guard", w.tick()); !a.Idle {
		w.Errorf("the guard found something to do: %+v", a.Report)
	}
	for _, operation := range w.calls(w.account) {
		w.Errorf("a tick with nothing to do made the call %s", operation)
	}
}

// wokenDatabase starts the database as RDS does after seven days, and tells the guard what RDS says
// then: it is stopped again, from its first original.
func (w *world) wokenDatabase() {
	w.Helper()
	asleep, originals := w.describe(), w.items("ORIGINAL#")
	w.startDatabase(here, "orders")
	a := w.settle(w.must("aws-hit-breaks-guard", `{"source":"aws.rds","detail-type":"RDS DB Instance Event","account":"`+w.account+
		`","region":"us-east-1","detail":{"SourceType":"DB_INSTANCE","SourceIdentifier":"orders","EventID":"RDS-EVENT-0154"}}`))
	if phase := a.Report.phases()["us-east-1 rds:instance orders"]; phase != "paused" {
		w.Errorf("the database that RDS started is %q", phase)
	}
	w.equal("what differs from before RDS started the database", map[string]string{}, changed(asleep, w.describe()))
	w.equal("originals after RDS started the database", originals, w.items("ORIGINAL#"))
}

// afterwards is what an account answers that is back.
func (w *world) afterwards() {
	w.Helper()
	a := w.must("aws-hit-breaks-pause", w.fixture("budgets-actual-monthly"))
	if a.Order != 0 || a.Ignored == "" {
		w.Errorf("an alarm from before the resume gives order %d and says %q", a.Order, a.Ignored)
	}
	if a := w.must("aws-hit-breaks-guard", w.tick()); !a.Idle {
		w.Errorf("the guard found something to do: %+v", a.Report)
	}
	if a := w.invoke("aws-hit-breaks-resume", `{"actor":"ann"}`); a.Type != "NothingLive" {
		w.Errorf("a second resume answers %+v", a)
	}
	w.unchanged("an alarm from before the resume, a tick and a second resume")
}

// checkLogs reads what the functions logged: JSON, one line an event, no secrets.
func (w *world) checkLogs() {
	w.Helper()
	w.ok("close the host", w.host.Close())
	count := 0
	for lines := bufio.NewScanner(strings.NewReader(w.logs.String())); lines.Scan(); count++ {
		var line struct{ Time, Level, Msg string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Time == "" || line.Level == "" || line.Msg == "" {
			w.Errorf("no line of a log: %s", lines.Text())
		}
	}
	if count < 20 {
		w.Errorf("the functions logged %d lines", count)
	}
	for _, secret := range w.secrets {
		if strings.Contains(w.logs.String(), secret) {
			w.Errorf("%q is in the log", secret)
		}
	}
}

// unchanged says that no call has changed the account since the last time this was asked.
func (w *world) unchanged(after string) {
	w.Helper()
	if operations := w.changes(w.account); len(operations) > 0 {
		w.Errorf("%s made the calls %v", after, operations)
	}
}

func (w *world) equal(what string, want, got map[string]string) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
