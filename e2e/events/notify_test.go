package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// told are the subjects of what humans were told, without the account that all begin with.
func (w *world) told() []string {
	var subjects []string
	for _, m := range w.account.Messages() {
		subjects = append(subjects, strings.TrimPrefix(m.Subject, "aws-hit-breaks "+ours+": "))
	}
	return subjects
}

// wantTold fails unless humans were told exactly this so far.
func (w *world) wantTold(when string, subjects ...string) {
	w.Helper()
	if diff := cmp.Diff(subjects, w.told()); diff != "" {
		w.Errorf("%s humans were told (-want +got):\n%s", when, diff)
	}
}

// inform makes the topic that humans are told by.
func (w *world) inform() { w.settings.Notify = w.account.AddTopic("us-east-1", "told") }

// beside runs a function that goes on while time passes, if it does not die.
func (w *world) beside(f function, event string) {
	run := w.next(f, event)
	go func() { _, _ = run() }()
}

// pass lets minutes pass, each with a tick.
func (w *world) pass(minutes int) {
	w.Helper()
	for range minutes {
		time.Sleep(time.Minute)
		w.must(guard, tick)
	}
}

const (
	toldBegun    = "pausing, so far paused 1 of 3 resources in 1 region"
	toldPaused   = "paused 3 of 3 resources in 1 region"
	toldResuming = "resuming, so far resumed 0 of 3 resources in 1 region"
	toldClosed   = "closed, resumed 3 of 3 resources in 1 region"
)

var unpublished = &smithy.GenericAPIError{Code: "AuthorizationError", Message: "User: x is not authorized to perform: SNS:Publish on resource: told", Fault: smithy.FaultClient}

// failing makes Publish fail until the returned function is called.
func (w *world) failing() (end func()) {
	failing := true
	w.fault = func(c awssim.Call) awssim.Fault {
		if failing && c.Action() == "sns:Publish" {
			return awssim.Fault{Before: unpublished}
		}
		return awssim.Fault{}
	}
	return func() { failing = false }
}

func TestHumansAreToldOnceOfEachStep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		w.beside(pause, w.fixture("budgets-actual-monthly"))
		w.pass(1)
		w.wantTold("a minute later", toldBegun)
		w.pass(60)
		w.want("stopped", "an hour later")
		w.wantTold("an hour later", toldBegun, toldPaused)
		w.must(pause, w.fixture("budgets-actual-monthly")) // the same message, once more
		w.beside(resume, `{"actor":"ann"}`)
		w.pass(60)
		w.want("running", "after the resume")
		w.wantTold("in the end", toldBegun, toldPaused, toldResuming, toldClosed)
		first := w.account.Messages()[0]
		for _, text := range []string{
			"To put everything back:\n  aws-hit-breaks resume\n", `- 1: pause by alarm at 2024-11-01T23:37:16Z: budget "My Monthly Cost Budget"`,
			"On their way (2)\n- rds:cluster ledger (eu-west-1), db.r6g.large ×1: pausing, it is stopping\n", "Paused (1)\n- ec2:instance i-",
		} {
			if !strings.Contains(first.Forms["default"], text) {
				t.Errorf("the first message does not say %q:\n%s", text, first.Forms["default"])
			}
		}
		if !strings.Contains(first.Forms["https"], `"source":"custom"`) {
			t.Errorf("chats are told %s", first.Forms["https"])
		}
		for _, m := range w.account.Messages() {
			if strings.Contains(fmt.Sprint(m.Forms), secret) {
				t.Errorf("the message spreads the value of a tag: %v", m.Forms)
			}
		}
		from := len(w.account.Trace())
		w.pass(1)
		if calls := w.calls(from); calls["dynamodb:GetItem"] != 1 || calls["dynamodb:Query"] != 1 || len(calls) != 2 {
			t.Errorf("with nothing live and nothing to tell a tick calls %v, want LIVE and the newest header read", calls)
		}
	})
}

func TestASettledAccountIsOneReadAlsoWhereHumansAreTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		w.settle(w.must(pause, w.fixture("budgets-actual-monthly")))
		from := len(w.account.Trace())
		w.pass(1)
		if calls := w.calls(from); calls["dynamodb:GetItem"] != 1 || len(calls) != 1 {
			t.Errorf("a tick calls %v, want one read", calls)
		}
	})
}

func TestATopicThatFailsHoldsBackNothingAndIsToldLater(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		end := w.failing()
		answer := w.must(pause, w.fixture("budgets-actual-monthly"))
		if len(answer.Notice) != 1 || !strings.Contains(answer.Notice[0], "SNS:Publish") && !strings.Contains(answer.Notice[0], "AuthorizationError") {
			t.Errorf("the answer's notice is %q, want that humans were not told, and why", answer.Notice)
		}
		if !strings.Contains(w.log.String(), "notification not sent") {
			t.Error("the log does not say that humans were not told")
		}
		w.pass(60)
		w.want("stopped", "an hour later")
		w.wantTold("while the topic failed")
		end()
		w.pass(1)
		w.wantTold("by the next guard", toldPaused)
		end = w.failing()
		w.must(resume, `{"actor":"ann"}`)
		w.pass(60)
		w.want("running", "after the resume")
		end()
		w.pass(2)
		w.wantTold("in the end", toldPaused, toldClosed)
	})
}

func TestAnEndThatNobodyCouldBeToldOfForADayIsLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		end := w.failing()
		w.settle(w.must(pause, w.fixture("budgets-actual-monthly")))
		w.must(resume, `{"actor":"ann"}`)
		w.pass(60)
		time.Sleep(24 * time.Hour)
		end()
		w.pass(2)
		w.wantTold("in the end")
	})
}

// A process dies before its message is published, or after that and before it is noted.
func TestAProcessThatDiesWhileItTellsIsFollowedByOneThatTells(t *testing.T) {
	tests := map[string]struct {
		dies func(published bool) awssim.Fault
		told []string
	}{
		"before": {func(published bool) awssim.Fault { return awssim.Fault{KillBefore: published} }, []string{toldPaused, toldClosed}},
		"after": {
			func(published bool) awssim.Fault { return awssim.Fault{KillAfter: published} },
			[]string{toldPaused, toldPaused, toldClosed, toldClosed},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.inform()
				for _, f := range []struct {
					function function
					event    string
					stands   string
				}{{pause, w.fixture("budgets-actual-monthly"), "stopped"}, {resume, `{"actor":"ann"}`, "running"}} {
					died := 0
					w.fault = func(c awssim.Call) awssim.Fault {
						f := tt.dies(c.Action() == "sns:Publish" && died == 0)
						if f != (awssim.Fault{}) {
							died++
						}
						return f
					}
					w.beside(f.function, f.event) // alone, until it tells
					time.Sleep(20 * time.Minute)
					if died != 1 {
						t.Fatalf("%d processes died: the test does not test what it says", died)
					}
					w.pass(20)
					w.want(f.stands, "after a process that died")
				}
				w.wantTold("in the end", tt.told...)
			})
		})
	}
}

var dev = killswitch.Scope{Tags: []string{"env=dev"}}

const rungs = "arn:aws:sns:us-east-1:" + ours + ":rung-"

// ladder is one topic a rung: 80 % notifies, 100 % pauses what is in development, 120 % everything.
func (w *world) ladder() {
	w.inform()
	w.settings.Topics = []settings.Topic{
		{ARN: rungs + "1", Action: settings.ActionNotify},
		{ARN: rungs + "2", Scope: dev},
		{ARN: rungs + "3", Action: settings.ActionPause},
	}
	w.account.AddInstance(region, awssim.Instance{Tags: map[string]string{"env": "dev"}})
	time.Sleep(time.Hour)
}

// rung is an alarm of a rung as Budgets writes it, raised now.
func rung(id string, n int, percent int) string {
	text := fmt.Sprintf("AWS Budget Notification\n\nBudget Name: dev\nBudget Type: Cost\nBudgeted Amount: $100.00\n"+
		"Alert Type: ACTUAL\nAlert Threshold: > $%d.00\nACTUAL Amount: $%d.50\n", percent, percent)
	r := record(id, ours, text)
	r = strings.Replace(r, "arn:aws:sns:us-east-1:"+ours+":alarms", fmt.Sprintf("%s%d", rungs, n), 1)
	return event(strings.Replace(r, "2026-03-03T12:30:00.000Z", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), 1))
}

func TestALadder(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ladder()
		answer := w.must(pause, rung("one", 1, 80))
		if answer.Order != 0 || len(answer.Notice) != 1 || w.written() > 0 {
			t.Errorf("80 %% gave order %d, notices %q and %d items", answer.Order, answer.Notice, w.written())
		}
		w.want("running", "after 80 %")
		const only = "an alarm, and nothing is paused for it"
		w.wantTold("after 80 %", only)
		if text := w.account.Messages()[0].Forms["default"]; !strings.Contains(text, "alarms of "+rungs+"1 only notify, by the setting topics") ||
			!strings.Contains(text, "- Alert Threshold: > $80.00\n") {
			t.Errorf("80 %% is told as\n%s", text)
		}

		w.settle(w.must(pause, rung("two", 2, 100)))
		w.want("1 of 5 stopped", "after 100 %")
		w.settle(w.must(pause, rung("three", 3, 120)))
		w.want("stopped", "after 120 %")
		status := w.must(guard, `{"source":"aws.rds","account":"`+ours+`","region":"`+region+`","detail":{"SourceIdentifier":"orders","EventID":"RDS-EVENT-0154"}}`).Report
		if len(status.Orders) != 2 || status.Orders[0].Scope != "tag env=dev" || status.Orders[1].Scope != "" {
			t.Errorf("the orders are %+v, want one of development and one of everything", status.Orders)
		}

		w.must(resume, `{"actor":"ann"}`)
		w.pass(60)
		w.want("running", "after the resume")
		before := len(w.told())
		// The budget's limit has moved since: the prose names another threshold, the topic is the same.
		again := w.must(pause, rung("four", 2, 110))
		if again.Order != 0 || !strings.Contains(again.Ignored, "the operator has decided") {
			t.Errorf("100 %% after the operator's resume: %+v", again)
		}
		w.pass(5)
		w.want("running", "after 100 % came again")
		if told := w.told()[before:]; len(told) != 1 || told[0] != only {
			t.Errorf("humans were told %q of what came again, want %q", told, only)
		}
	})
}

// After the resume of a lower rung a higher one pauses.
func TestAHigherRungPausesAfterTheResume(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ladder()
		w.settle(w.must(pause, rung("one", 2, 100)))
		w.must(resume, `{"actor":"ann"}`)
		w.pass(60)
		w.want("running", "after the resume")
		w.settle(w.must(pause, rung("two", 3, 120)))
		w.want("stopped", "after 120 %")
	})
}

func TestWhatTopicsDo(t *testing.T) {
	tests := map[string]struct {
		text   string
		topic  string
		stands string
		wrong  string
		told   int
	}{
		"what is not understood only notifies where its topic does": {text: "stop!", topic: rungs + "1", stands: "running", told: 1},
		"what is not understood pauses what its topic pauses":       {text: "stop!", topic: rungs + "2", stands: "1 of 5 stopped", told: 1},
		"a topic that is not configured is refused":                 {text: spent, topic: rungs + "9", stands: "running", wrong: "not among the configured topics"},
		"an absurd amount pauses, and is said to be one": {
			text: strings.Replace(spent, "ACTUAL Amount: $5.00", "ACTUAL Amount: $5,000,000,000.00", 1), topic: rungs + "3", stands: "stopped", told: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.ladder()
				e := event(strings.Replace(record("one", ours, tt.text), "arn:aws:sns:us-east-1:"+ours+":alarms", tt.topic, 1))
				_, err := w.invoke(pause, e)
				if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
					t.Errorf("the error is %v, want %q", err, tt.wrong)
				}
				w.pass(40)
				w.want(tt.stands, "in the end")
				if told := w.told(); len(told) != tt.told {
					t.Errorf("humans were told %q, want %d messages", told, tt.told)
				}
				if strings.Contains(tt.text, "000,000") && !strings.Contains(w.account.Messages()[0].Forms["default"], "AWS's billing data has been wrong before") {
					t.Errorf("nobody is told to doubt the amount:\n%s", w.account.Messages()[0].Forms["default"])
				}
			})
		})
	}
}

// What the brake tells must not come back to it as an alarm, whoever subscribed it.
func TestWhatTheBrakeTellsIsNoAlarmToIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		e := event(strings.Replace(record("one", ours, "aws-hit-breaks: paused"), "arn:aws:sns:us-east-1:"+ours+":alarms", w.settings.Notify, 1))
		if _, err := w.invoke(pause, e); err == nil || !strings.Contains(err.Error(), "what the brake itself tells is no alarm") {
			t.Errorf("the error is %v", err)
		}
		w.want("running", "after what the brake told itself")
		w.wantTold("after what the brake told itself")
	})
}

// An alarm that nobody remembers must not be lost where humans cannot be told: AWS is to invoke again.
func TestAnAlarmThatHumansCannotBeToldOfFailsTheInvocation(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		end := w.failing()
		both := event(record("one", ours, spent))
		both = strings.Replace(both, `{"Records":[`, `{"Records":[`+record("two", ours, "")+",", 1)
		w.settings.Unparsed = settings.UnparsedNotify
		answer, err := w.invoke(pause, both)
		if err == nil || !strings.Contains(err.Error(), "humans were not told") || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error is %v", err)
		}
		if answer.Order != 1 {
			t.Errorf("the alarm beside it gave order %d, want 1", answer.Order)
		}
		end()
		w.must(pause, both)
		w.pass(40)
		w.want("stopped", "in the end")
		only := 0
		for _, subject := range w.told() {
			if strings.HasPrefix(subject, "an alarm") {
				only++
			}
		}
		if only != 1 {
			t.Errorf("humans were told %q, want the alarm once", w.told())
		}
	})
}

// The owner's own tag protects in the place of the default.
func TestTheTagOfTheOwnerProtects(t *testing.T) {
	inWorld(t, func(w *world) {
		w.settings.ProtectTag = "critical"
		w.account.AddInstance(region, awssim.Instance{Tags: map[string]string{"Critical": "yes"}})
		w.account.AddInstance(region, awssim.Instance{Tags: map[string]string{settings.ProtectTag: "yes"}})
		time.Sleep(time.Hour)
		w.settle(w.must(pause, w.fixture("budgets-actual-monthly")))
		w.want("5 of 6 stopped", "after the pause")
	})
}
