// Package iam_test proves that each role of a deployed switch is allowed what its part of a story
// needs, and nothing that deletes, terminates, touches what is protected, or changes IAM. The story is
// told by the real functions on a simulated account; what AWS checks for each of its calls stands in a
// table that was written from AWS's documentation; and what the policies say to that is decided by an
// IAM simulator in a process of its own.
package iam_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/dynamo"
)

// place is where the story plays.
var place = roles.Place{
	Partition: "aws", Account: "111122223333", Region: "us-east-1", Table: settings.DefaultTable, Prefix: "aws-hit-breaks",
	Notify: "arn:aws:sns:us-east-1:111122223333:aws-hit-breaks-notify",
	Queue:  "arn:aws:sqs:us-east-1:111122223333:aws-hit-breaks-failed",
	Key:    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}

// policies are those of every role.
var policies = map[string]func(roles.Place) []roles.Statement{
	"pause": roles.Pause, "resume": roles.Resume, "guard": roles.Guard,
	"operator": roles.Operator, "inspector": roles.Inspector,
}

// call is one attempt of the story: who made it, and how the account stood.
type call struct {
	awssim.Call
	state awssim.State
}

// story is what was called, by role: the startup fleet is paused and put back exactly, once by what an
// alarm and an operator invoke, and once by the guard alone, since those died. Beside it somebody looks at
// all there is to see. It is told once, for the first test that asks.
func story(t *testing.T) map[string][]call {
	t.Helper()
	if told == nil {
		told = map[string][]call{}
		synctest.Test(t, func(t *testing.T) { tell(t, byFunctions, nil) })
		synctest.Test(t, func(t *testing.T) { tell(t, byGuard, dying) })
	}
	return told
}

var told map[string][]call

// byFunctions is the story as it goes when nothing goes wrong. A resume takes longer than a function may,
// so that the operator asks again; the guard has the time between.
func byFunctions(s *stage) {
	s.inspect()
	if !s.must(settings.PauseFunction, (*trigger.Handler).Pause, `{"actor":"ann","scope":{"ids":["nothing"]}}`).Closed {
		s.Error("a pause of nothing left its snapshot live: the test does not test what it says")
	}
	for range 3 {
		s.must(settings.PauseFunction, (*trigger.Handler).Pause, alarm)
	}
	s.guard(30 * time.Minute)
	s.read()
	s.meddle()
	time.Sleep(25 * time.Hour) // what the price list said is forgotten
	for range 8 {
		if s.must(settings.ResumeFunction, (*trigger.Handler).Resume, force).Closed {
			s.read()
			return
		}
	}
	s.Error("after two hours of resuming the snapshot is not closed")
}

// byGuard is the story in which both functions die before they have done anything.
func byGuard(s *stage) {
	s.dies(settings.PauseFunction, (*trigger.Handler).Pause, alarm)
	s.guard(time.Hour)
	s.meddle()
	s.dies(settings.ResumeFunction, (*trigger.Handler).Resume, force)
	if last := s.guard(3 * time.Hour); !last.Closed {
		s.Errorf("three hours after the resume the snapshot is not closed: %+v", last.Report.Summary)
	}
}

// dying is the death of a function at its first call that is not of the store.
func dying(c awssim.Call) awssim.Fault {
	ours := strings.HasPrefix(c.Process, string(settings.PauseFunction)) || strings.HasPrefix(c.Process, string(settings.ResumeFunction))
	return awssim.Fault{KillBefore: ours && c.Service != "dynamodb" && c.Service != "sts"}
}

// tell tells a story in a bubble.
func tell(t *testing.T, of func(*stage), fault func(awssim.Call) awssim.Fault) {
	time.Sleep(time.Until(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)))
	s := &stage{T: t}
	var mu sync.Mutex
	s.account = awssim.New(awssim.Options{ID: place.Account, Seed: 1, Idle: synctest.Wait, Fault: func(c awssim.Call) awssim.Fault {
		one := call{Call: c}
		if c.Mutating && c.Service != "dynamodb" {
			one.state = s.account.State()
		}
		role, _, _ := strings.Cut(c.Process, "-")
		mu.Lock()
		told[role] = append(told[role], one)
		mu.Unlock()
		if fault == nil {
			return awssim.Fault{}
		}
		return fault(c)
	}})
	defer func() {
		s.account.Shutdown()
		time.Sleep(2 * time.Hour) // time stands still in a bubble whose test has ended: let killed runs end too
	}()
	deployed(s.account)
	awssim.Startup(s.account)
	s.account.AddGroup(nightly, awssim.Group{Name: "nightly", Max: 3, Desired: 2, Suspended: []string{meddled}})
	time.Sleep(10 * time.Minute)
	before := s.account.State()
	of(s)
	different, _ := awssim.Compare(before, s.account.State())
	for _, d := range different {
		if d.Field == "SuspendedProcesses."+meddled && d.After != "" {
			continue // suspended again, at another time
		}
		t.Errorf("not restored: %s %s was %q, is %q", d.Resource, d.Field, d.Before, d.After)
	}
	if unmodelled := s.account.Unmodelled(); len(unmodelled) > 0 {
		t.Errorf("the simulated account does not know what was asked of it: %q", unmodelled)
	}
}

// nightly is the region of the group that somebody meddles with, and meddled the process.
const (
	nightly = "eu-west-1"
	meddled = "ScheduledActions"
)

// alarm is an event of the topic of a rung.
const alarm = `{"Records":[{"EventSource":"aws:sns","Sns":{"Type":"Notification","MessageId":"one",` +
	`"TopicArn":"arn:aws:sns:us-east-1:111122223333:aws-hit-breaks-rung-1","Subject":"budget","Timestamp":"2026-03-03T12:05:00.000Z",` +
	`"Message":"AWS Budgets: everything has exceeded your alert threshold"}}]}`

// force is an operator's order to put back also what somebody changed since.
const force = `{"actor":"ann","force":true}`

// stage runs what is deployed.
type stage struct {
	*testing.T
	account *awssim.Account
	runs    int
}

// options are those of a process of the role.
func (s *stage) options(role string) boot.Options {
	s.runs++
	name := fmt.Sprintf("%s-%d", role, s.runs)
	config := boot.Fenced(s.account.Process(name).Config())
	decided := settings.Default()
	decided.Notify = place.Notify
	return boot.Options{
		Config: config, Account: place.Account, Store: dynamo.Open(config, place.Table), Settings: decided, Owner: name,
	}
}

// must runs a function as Lambda does.
func (s *stage) must(f settings.Function, answer func(*trigger.Handler, context.Context, json.RawMessage) (trigger.Answer, error), event string) trigger.Answer {
	s.Helper()
	o := s.options(string(f))
	o.Wants = f.Wants()
	ctx, cancel := context.WithTimeout(s.Context(), 15*time.Minute)
	defer cancel()
	got, err := answer(boot.Handler(o, nil), ctx, json.RawMessage(event))
	if err != nil {
		s.Fatalf("%s: %v", f, err)
	}
	return got
}

// guard ticks every minute for a while, or until the snapshot is closed.
func (s *stage) guard(during time.Duration) (last trigger.Answer) {
	s.Helper()
	for end := time.Now().Add(during); time.Now().Before(end) && !last.Closed; time.Sleep(time.Minute) {
		tick := `{"source":"aws.events","detail-type":"Scheduled Event","account":"` + place.Account + `","detail":{}}`
		if answer := s.must(settings.GuardFunction, (*trigger.Handler).Guard, tick); !answer.Idle {
			last = answer
		}
	}
	return last
}

// dies runs a function that is killed.
func (s *stage) dies(f settings.Function, answer func(*trigger.Handler, context.Context, json.RawMessage) (trigger.Answer, error), event string) {
	s.Helper()
	o := s.options(string(f))
	o.Wants = f.Wants()
	process := s.account.Process(o.Owner)
	go func() { _, _ = answer(boot.Handler(o, nil), context.Background(), json.RawMessage(event)) }()
	select {
	case <-process.Killed():
	case <-time.After(time.Hour):
		s.Fatalf("%s did not die", f)
	}
}

// meddle is what people do to the paused group: they mark a member as unhealthy, and let a process go
// that had been suspended before.
func (s *stage) meddle() {
	s.Helper()
	config := s.account.Process("person-1").Config()
	config.Region = nightly
	client := autoscaling.NewFromConfig(config)
	name := []string{"nightly"}
	out, err := client.DescribeAutoScalingGroups(s.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: name})
	if err != nil || len(out.AutoScalingGroups) != 1 || len(out.AutoScalingGroups[0].Instances) == 0 {
		s.Fatalf("look at the group: %+v: %v", out, err)
	}
	member := out.AutoScalingGroups[0].Instances[0].InstanceId
	if _, err := client.SetInstanceHealth(s.Context(), &autoscaling.SetInstanceHealthInput{
		InstanceId: member, HealthStatus: aws.String("Unhealthy"), ShouldRespectGracePeriod: aws.Bool(false),
	}); err != nil {
		s.Fatalf("mark a member: %v", err)
	}
	if _, err := client.ResumeProcesses(s.Context(), &autoscaling.ResumeProcessesInput{
		AutoScalingGroupName: &name[0], ScalingProcesses: []string{meddled},
	}); err != nil {
		s.Fatalf("resume a process: %v", err)
	}
}

// inspect looks at everything that runs.
func (s *stage) inspect() {
	s.Helper()
	found, err := boot.Engine(s.options("inspector")).Discover(s.Context(), killswitch.Scope{})
	if err != nil {
		s.Fatalf("discover: %v", err)
	}
	s.price("inspector", found)
	s.doctor()
}

// price asks what everything costs, as the CLI does where neither disk nor table have it.
func (s *stage) price(role string, of snapshots.Snapshot) {
	s.Helper()
	r := report.Of(of, boot.Declared())
	if err := boot.NewPrices(s.options(role)).Into(s.Context(), &r, boot.ResidualRegions(of)); err != nil {
		s.Fatalf("%s: %v", role, err)
	}
	if r.Summary.Cost.Running == 0 {
		s.Errorf("%s: nothing has a price: %v", role, r.Terms())
	}
}

// read reads what the switch remembers, as the CLI does for operators and inspectors, and plans.
func (s *stage) read() {
	s.Helper()
	for _, role := range []string{"operator", "inspector"} {
		store := s.options(role).Store
		headers, err := store.Headers(s.Context(), place.Account, 0)
		if err != nil || len(headers) == 0 {
			s.Fatalf("%s: %d snapshots: %v", role, len(headers), err)
		}
		if _, err := store.Live(s.Context(), place.Account); err != nil {
			s.Fatalf("%s: read what is live: %v", role, err)
		}
		snapshot, err := store.Snapshot(s.Context(), place.Account, headers[0].Snapshot)
		if err != nil {
			s.Fatalf("%s: read the snapshot: %v", role, err)
		}
		if role == "operator" {
			snapshot.Header.Orders, snapshot.Live = nil, nil // what has no pause, the function has told
			s.price(role, snapshot)
		}
	}
	if _, err := boot.Engine(s.options("inspector")).Plan(s.Context(), engine.Request{Act: killswitch.Pause, Actor: "ann", At: time.Now()}); err != nil {
		s.Fatalf("plan: %v", err)
	}
}
