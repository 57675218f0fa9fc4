// Package events_test gives the handlers of the three functions events on a simulated account, in
// virtual time: the real engine, services and store behind what Lambda calls.
package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots/dynamo"
)

const (
	region = "eu-west-1"
	table  = settings.DefaultTable
	// secret is the value of a tag and the name of an instance, which no log may spread.
	secret = "codename-nightjar"
)

// day is when a world begins: after the alarms in pkg/alarm/testdata were raised. A bubble begins in 2000.
var day = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// world is one account in which the brake is deployed.
type world struct {
	*testing.T
	account  *awssim.Account
	settings settings.Settings
	log      *log
	names    []string // of the processes
	fault    func(awssim.Call) awssim.Fault
}

// inWorld runs do with a new account that has an instance, a database and a cluster of databases.
func inWorld(t *testing.T, do func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day))
		w := &world{T: t, settings: settings.Default(), log: &log{}}
		w.account = awssim.New(awssim.Options{Seed: 1, Idle: synctest.Wait, Fault: func(c awssim.Call) awssim.Fault {
			if name, _, ok := strings.Cut(c.Process, "-"); ok && !allows(settings.Function(name), c) {
				return awssim.Fault{Before: accessDenied}
			}
			if w.fault == nil {
				return awssim.Fault{}
			}
			return w.fault(c)
		}})
		defer func() {
			w.account.Shutdown()
			time.Sleep(time.Hour) // time stands still in a bubble whose test has ended: let killed functions end too
		}()
		w.account.AddTable("us-east-1", table)
		w.account.AddInstance(region, awssim.Instance{Tags: map[string]string{"Name": secret, "team": secret}})
		w.account.AddDBInstance(region, awssim.DBInstance{ID: "orders"})
		w.account.AddDBCluster(region, awssim.DBCluster{ID: "ledger", Members: []awssim.DBMember{{ID: "ledger-1"}}})
		time.Sleep(time.Hour)
		do(w)
		w.checkLog()
	})
}

// function is one of a handler's methods, and what it is deployed as.
type function struct {
	name   settings.Function
	answer func(*trigger.Handler, context.Context, json.RawMessage) (trigger.Answer, error)
}

// The three functions.
var (
	pause  = function{settings.PauseFunction, (*trigger.Handler).Pause}
	resume = function{settings.ResumeFunction, (*trigger.Handler).Resume}
	guard  = function{settings.GuardFunction, (*trigger.Handler).Guard}
)

// accessDenied is what AWS answers to who may not.
var accessDenied = &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized: no identity-based policy allows it"}

// allows says whether the role of the function has the action of the call. A transaction is
// authorised by its members (e2e/iam).
func allows(f settings.Function, c awssim.Call) bool {
	return c.Service == "dynamodb" || slices.ContainsFunc(roles.Function(roles.Place{Notify: "the topic"}, f), func(s roles.Statement) bool {
		return s.Effect == roles.Allow && slices.Contains(s.Actions, c.Action())
	})
}

// next is a function in a process of its own, which has the rights of its role and as much time as
// Lambda gives. Processes are named in the order of the calls of next: pause-1, guard-2.
func (w *world) next(f function, event string) func() (trigger.Answer, error) {
	name := fmt.Sprintf("%s-%d", f.name, len(w.names)+1)
	w.names = append(w.names, name)
	config := boot.Fenced(w.account.Process(name).Config())
	handler := boot.Handler(boot.Options{
		Config: config, Account: w.account.ID(), Store: dynamo.Open(config, table), Settings: w.settings, Owner: name,
		Wants: f.name.Wants(),
	}, slog.New(slog.NewJSONHandler(w.log, nil)))
	return func() (trigger.Answer, error) {
		ctx, cancel := context.WithTimeout(w.Context(), 15*time.Minute)
		defer cancel()
		return f.answer(handler, ctx, json.RawMessage(event))
	}
}

// last is the name of the newest process.
func (w *world) last() string { return w.names[len(w.names)-1] }

// invoke runs a function.
func (w *world) invoke(f function, event string) (trigger.Answer, error) { return w.next(f, event)() }

// must is invoke for what has to succeed.
func (w *world) must(f function, event string) trigger.Answer {
	w.Helper()
	answer, err := w.invoke(f, event)
	if err != nil {
		w.Fatalf("%.200s: %v", event, err)
	}
	return answer
}

// tick is what a schedule sends to the guard.
const tick = `{"source":"aws.events","detail-type":"Scheduled Event","account":"111122223333","detail":{}}`

// settle ticks the guard every minute until nothing is pending, and gives its last answer.
func (w *world) settle(answer trigger.Answer) trigger.Answer {
	w.Helper()
	for range 120 {
		if answer.Report.Summary.Pending == 0 {
			return answer
		}
		time.Sleep(time.Minute)
		if next := w.must(guard, tick); !next.Idle {
			answer = next
		}
	}
	w.Fatalf("two hours later there is still something pending: %+v", answer.Report.Resources)
	return answer
}

// fixture is an event of pkg/alarm/testdata.
func (w *world) fixture(name string) string {
	w.Helper()
	event, err := os.ReadFile("../../pkg/alarm/testdata/" + name + ".json")
	if err != nil {
		w.Fatal(err)
	}
	return string(event)
}

// record is a record of SNS with a message.
func record(id, account, message string) string {
	text, _ := json.Marshal(message) // of a string: never fails
	return fmt.Sprintf(`{"EventSource":"aws:sns","Sns":{"Type":"Notification","MessageId":%q,"TopicArn":"arn:aws:sns:us-east-1:%s:alarms",`+
		`"Subject":"budget","Timestamp":"2026-03-03T12:30:00.000Z","Message":%s}}`, id, account, text)
}

// event is an event of SNS.
func event(records ...string) string { return `{"Records":[` + strings.Join(records, ",") + `]}` }

// stands says in a word how all that was made stands: running, stopped, or partly so.
func (w *world) stands() string {
	total, stopped := 0, 0
	for name, fields := range w.account.State() {
		if strings.HasPrefix(name, region+" ec2:instance ") || strings.HasPrefix(name, region+" rds:") {
			total++
			if fields["State"] == "stopped" || fields["Status"] == "stopped" {
				stopped++
			}
		}
	}
	switch stopped {
	case 0:
		return "running"
	case total:
		return "stopped"
	}
	return fmt.Sprintf("%d of %d stopped", stopped, total)
}

// want fails unless all stands as wanted.
func (w *world) want(stands, when string) {
	w.Helper()
	if got := w.stands(); got != stands {
		w.Fatalf("%s the account is %s, want %s", when, got, stands)
	}
}

// calls are the attempts from a length of the trace on, by action.
func (w *world) calls(from int) map[string]int {
	all := map[string]int{}
	for _, c := range w.account.Trace()[from:] {
		all[c.Action()]++
	}
	return all
}

// written counts the items of the table.
func (w *world) written() int { return len(w.account.Items("us-east-1", table)) }

// checkLog holds every line to what all may read: JSON, and without the values of tags.
func (w *world) checkLog() {
	w.Helper()
	for line := range strings.Lines(w.log.String()) {
		if !json.Valid([]byte(line)) {
			w.Errorf("this line of the log is no JSON: %.300q", line)
		}
		if strings.Contains(line, secret) {
			w.Errorf("the log spreads the value of a tag: %.300q", line)
		}
	}
}

// logged says whether a line of the log has the text of a message, whole.
func (w *world) logged(text string) bool {
	for line := range strings.Lines(w.log.String()) {
		var fields struct{ Text string }
		if json.Unmarshal([]byte(line), &fields) == nil && fields.Text == text {
			return true
		}
	}
	return false
}

// log is what all functions write to.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
