package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
)

const (
	ours, foreign = "111122223333", "999988887777"
	spent         = "AWS Budget Notification\n\nBudget Name: dev\nBudget Type: Cost\nBudgeted Amount: $4.00\n" +
		"Alert Type: ACTUAL\nAlert Threshold: > $4.00\nACTUAL Amount: $5.00\n"
)

func TestAnAlarmPausesAndAnOperatorResumes(t *testing.T) {
	inWorld(t, func(w *world) {
		before := w.account.State()
		answer := w.must(pause, w.fixture("budgets-actual-monthly"))
		if answer.Order != 1 || answer.Snapshot == "" || answer.Ignored != "" {
			t.Errorf("the alarm gave order %d in snapshot %q: %s", answer.Order, answer.Snapshot, answer.Ignored)
		}
		answer = w.settle(answer)
		w.want("stopped", "after the alarm")
		if got := answer.Report.Summary.Phases[killswitch.Paused]; got != 3 {
			t.Errorf("the report has %d paused resources, want 3: %+v", got, answer.Report.Resources)
		}

		answer = w.settle(w.must(resume, `{"actor":"ann"}`))
		w.want("running", "after the resume")
		if !answer.Closed || !answer.LookAt.IsZero() {
			t.Errorf("all is back, and the answer says closed %v, next look %s", answer.Closed, answer.LookAt)
		}
		if different, _ := awssim.Compare(before, w.account.State()); len(different) > 0 {
			t.Errorf("not restored exactly: %+v", different)
		}
		again := w.must(pause, w.fixture("budgets-actual-monthly"))
		if !strings.Contains(again.Ignored, "history") || again.Order != 0 {
			t.Errorf("an alarm of before the resume gave order %d, ignored for %q", again.Order, again.Ignored)
		}
		w.want("running", "after a message that came late")
	})
}

func TestAMessageCountsOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		alarm := event(record("one", ours, spent))
		var answers [2]trigger.Answer
		var errs [2]error
		var both sync.WaitGroup
		for i := range answers {
			run := w.next(pause, alarm)
			both.Go(func() { answers[i], errs[i] = run() })
		}
		both.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		if answers[0].Order+answers[1].Order != 1 {
			t.Errorf("delivered twice at once it gave the orders %d and %d, want 1 and none", answers[0].Order, answers[1].Order)
		}
		w.settle(answers[0])
		w.want("stopped", "after the alarm")
		if answer := w.must(pause, alarm); answer.Ignored == "" || len(answer.Report.Orders) != 1 {
			t.Errorf("delivered once more it was not ignored: %+v", answer)
		}
	})
}

// A function that dies right after the order has been given leaves a message that counts as seen.
// AWS delivers it again.
func TestAMessageWhoseFirstDeliveryDiedIsCarriedOut(t *testing.T) {
	inWorld(t, func(w *world) {
		alarm := event(record("one", ours, spent))
		w.fault = func(c awssim.Call) awssim.Fault {
			return awssim.Fault{KillBefore: c.Process == "pause-1" && c.Action() == "ec2:DescribeRegions"}
		}
		run := w.next(pause, alarm)
		go func() { _, _ = run() }() // until the end of the simulation
		time.Sleep(10 * time.Minute)
		w.want("running", "after a function that died")
		if w.written() == 0 {
			t.Fatal("it died before it gave its order: the test does not test what it says")
		}
		answer := w.must(pause, alarm)
		if answer.Ignored == "" {
			t.Error("the message was not seen before: the test does not test what it says")
		}
		w.settle(answer)
		w.want("stopped", "after the second delivery")
	})
}

func TestMessages(t *testing.T) {
	const text = "somebody wrote this by hand: \"stop\"\nplease"
	anomaly := func(w *world) string { return w.fixture("cost-anomaly") }
	of := func(account, message string) func(*world) string {
		return func(*world) string { return event(record("one", account, message)) }
	}
	tests := map[string]struct {
		event    func(*world) string
		unparsed string
		stands   string
		wrong    string // part of the error
		logged   string // the text, as JSON
		notices  int
	}{
		"what is not understood pauses, and is kept for a human": {
			event: of(ours, text), unparsed: settings.UnparsedPause, stands: "stopped", logged: text, notices: 1,
		},
		"what is not understood only notifies, where the owner says so": {
			event: of(ours, text), unparsed: settings.UnparsedNotify, stands: "running", logged: text, notices: 1,
		},
		"a cost anomaly only notifies": {event: anomaly, stands: "running", notices: 1},
		"another account's topic is refused, and kept for a human": {
			event: of(foreign, text), stands: "running", wrong: "another account", logged: text,
		},
		"a message longer than SNS has is refused": {
			event: of(ours, strings.Repeat("x", 256<<10+1)), stands: "running", wrong: "262145 bytes",
		},
		"the good one of two is carried out, the other an error": {
			event: func(*world) string {
				return event(record("one", foreign, spent), record("two", ours, spent))
			},
			stands: "stopped", wrong: "another account",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				if tt.unparsed != "" {
					w.settings.Unparsed = tt.unparsed
				}
				answer, err := w.invoke(pause, tt.event(w))
				if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
					t.Errorf("the error is %v, want %q", err, tt.wrong)
				}
				if len(answer.Notice) != tt.notices || strings.Contains(strings.Join(answer.Notice, ""), "\n") {
					t.Errorf("notices %q, want %d of one line", answer.Notice, tt.notices)
				}
				for range 40 {
					time.Sleep(time.Minute)
					w.must(guard, tick)
				}
				w.want(tt.stands, "in the end")
				if tt.logged != "" && !w.logged(tt.logged) {
					t.Errorf("the log does not have the text %q", tt.logged)
				}
				if tt.stands == "running" && w.written() > 0 {
					t.Errorf("%d items were written", w.written())
				}
			})
		})
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		from := len(w.account.Trace())
		answer := w.must(pause, `{"actor":"ann","dryRun":true}`)
		if got := answer.Report.Summary.Phases[killswitch.WouldPause]; !answer.DryRun || got != 3 {
			t.Errorf("a dry run (%v) would pause %d, want 3", answer.DryRun, got)
		}
		for _, c := range w.account.Trace()[from:] {
			if c.Mutating {
				t.Errorf("a dry run called %s", c)
			}
		}
		if w.written() > 0 {
			t.Errorf("%d items were written", w.written())
		}
	})
}

func TestAnOperatorPausesWhatIsInScope(t *testing.T) {
	inWorld(t, func(w *world) {
		w.settle(w.must(pause, `{"actor":"ann","scope":{"services":["ec2"]}}`))
		w.want("1 of 4 stopped", "after the pause of EC2")
	})
}

func TestResumeOfNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, event := range []string{`{"actor":"ann"}`, `{"actor":"ann","dryRun":true}`} {
			_, err := w.invoke(resume, event)
			var nothing trigger.NothingLive
			if !errors.As(err, &nothing) || !errors.Is(err, engine.ErrNothingLive) || !strings.Contains(err.Error(), ours) {
				t.Errorf("%s: the error is %T %v, want NothingLive of the account", event, err, err)
			}
		}
		if w.written() > 0 {
			t.Errorf("%d items were written", w.written())
		}
	})
}

func TestATickIsOneReadWhereNothingIsDue(t *testing.T) {
	inWorld(t, func(w *world) {
		oneRead := func(when string) {
			t.Helper()
			from := len(w.account.Trace())
			if answer := w.must(guard, tick); !answer.Idle {
				t.Errorf("%s the tick was not idle: %+v", when, answer)
			}
			if calls := w.calls(from); len(calls) != 1 || calls["dynamodb:GetItem"] != 1 {
				t.Errorf("%s a tick calls %v, want one read", when, calls)
			}
		}
		oneRead("with nothing live")
		w.settle(w.must(pause, w.fixture("budgets-actual-monthly")))
		w.want("stopped", "after the alarm")
		oneRead("with all settled")
	})
}

// RDS starts a database that has been stopped for seven days, and says so.
func TestWhatRDSStartsIsStoppedAgain(t *testing.T) {
	for id, kind := range map[string]string{"orders": "RDS DB Instance Event", "ledger": "RDS DB Cluster Event"} {
		t.Run(id, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.settle(w.must(pause, w.fixture("budgets-actual-monthly")))
				w.account.WakeDatabase(region, id)
				time.Sleep(30 * time.Second) // until EventBridge delivers it, reads have caught up
				told := w.account.DatabaseEvents()
				if len(told) == 0 {
					t.Fatal("RDS told nothing")
				}
				e := told[len(told)-1]
				detail, err := json.Marshal(map[string]string{"EventID": e.EventID, "SourceIdentifier": e.ID, "SourceArn": e.SourceARN, "Message": e.Message})
				if err != nil {
					t.Fatal(err)
				}
				answer := w.must(guard, fmt.Sprintf(`{"source":"aws.rds","detail-type":%q,"account":%q,"region":%q,"detail":%s}`, kind, ours, region, detail))
				if answer.Idle {
					t.Error("the guard did not look")
				}
				for range 40 {
					time.Sleep(time.Minute)
					w.must(guard, tick)
				}
				w.want("stopped", "after the database was started by RDS")
			})
		})
	}
}

func TestWhatIsWrongAtTheStoreIsOneLine(t *testing.T) {
	denied := &smithy.GenericAPIError{
		Code: "AccessDeniedException", Message: "User: arn:aws:sts::111122223333:assumed-role/pause/x is not authorized to perform: dynamodb:GetItem on resource: t",
	}
	tests := map[string]struct {
		set  func(*world)
		says []string
	}{
		"no table": {func(w *world) { w.account.RemoveTable("us-east-1", table) }, []string{table, "us-east-1", settings.TableVariable}},
		"no permission": {func(w *world) {
			w.fault = func(c awssim.Call) awssim.Fault {
				if c.Service == "dynamodb" {
					return awssim.Fault{Before: denied}
				}
				return awssim.Fault{}
			}
		}, []string{"AccessDenied", "dynamodb:GetItem", "allow it in the policy"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				tt.set(w)
				for what, err := range map[string]error{
					"alarm":  second(w.invoke(pause, w.fixture("budgets-actual-monthly"))),
					"pause":  second(w.invoke(pause, `{"actor":"ann"}`)),
					"plan":   second(w.invoke(pause, `{"actor":"ann","dryRun":true}`)),
					"resume": second(w.invoke(resume, `{"actor":"ann"}`)),
					"tick":   second(w.invoke(guard, tick)),
				} {
					if err == nil {
						t.Errorf("%s: no error", what)
						continue
					}
					line := err.Error()
					if strings.Contains(line, "\n") || len(line) > 600 {
						t.Errorf("%s: not one line that can be read: %q", what, line)
					}
					for _, part := range tt.says {
						if !strings.Contains(line, part) {
							t.Errorf("%s: the error does not say %q: %s", what, part, line)
						}
					}
				}
				w.want("running", "without a store")
			})
		})
	}
}

func second(_ trigger.Answer, err error) error { return err }
