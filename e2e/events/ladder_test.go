package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

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
