package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
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
	toldBegun    = "pausing, so far paused 0 of 3 resources in 1 region"
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
			"On their way (3)\n- ec2:instance i-", "- rds:cluster ledger (eu-west-1), db.r6g.large ×1: pausing, it is stopping\n",
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

// Before it is known what there is there is nothing to tell.
func TestHumansAreToldOnceItIsKnownWhatThereIs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		first := "" // the process that lists slowly
		w.fault = func(c awssim.Call) awssim.Fault {
			if first == "" {
				first = c.Process
			}
			if c.Process == first && c.Region == region && c.Action() == "rds:DescribeDBInstances" {
				return awssim.Fault{Delay: 50 * time.Second}
			}
			return awssim.Fault{}
		}
		w.beside(pause, w.fixture("budgets-actual-monthly"))
		time.Sleep(5 * time.Second)
		if answer := w.must(guard, tick); answer.Report.Summary.NotInspected == 0 {
			t.Error("everything was listed: the test does not test what it says")
		}
		w.wantTold("while it is listed")
		w.pass(2)
		if told := w.told(); len(told) != 1 || !strings.HasPrefix(told[0], "pausing, so far paused ") {
			t.Errorf("later humans were told %q", told)
		}
	})
}

func TestAPauseOfRegionsThatAreNotKnownIsNotDone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inform()
		denied := true
		w.fault = func(c awssim.Call) awssim.Fault {
			if denied && c.Action() == "ec2:DescribeRegions" {
				return awssim.Fault{Before: unpublished}
			}
			return awssim.Fault{}
		}
		w.must(pause, w.fixture("budgets-actual-monthly"))
		w.pass(20)
		const known = "pausing, so far nothing to pause"
		w.wantTold("while the regions are not known", known)
		if text := w.account.Messages()[0].Forms["default"]; !strings.Contains(text, "(1)\n- all regions: the account's regions could not be listed: ") {
			t.Errorf("it does not say what is not inspected:\n%s", text)
		}
		denied = false
		w.pass(60)
		w.wantTold("in the end", known, toldPaused)
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
		for range 2 {
			w.account.AddInstance(region, awssim.Instance{Tags: map[string]string{settings.ProtectTag: "yes"}})
		}
		time.Sleep(time.Hour)
		w.settle(w.must(pause, w.fixture("budgets-actual-monthly")))
		w.want("6 of 7 stopped", "after the pause")
	})
}
