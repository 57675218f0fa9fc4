// Package alarm reads what triggers the brake: the event of a Lambda function that an SNS topic, an
// SQS queue behind one, or EventBridge invokes, becomes alarms that say what they ask for. It is pure
// and imports the standard library and the words (pkg/killswitch) only.
//
// The messages are written for people. The wording of Budgets is documented nowhere and has changed
// over the years, so everything in a text is read with tolerance and may stay unknown; what is trusted
// is the topic it came from.
package alarm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Source is who raised an alarm.
type Source string

// The sources.
const (
	Budgets    Source = "budgets"    // AWS Budgets
	CloudWatch Source = "cloudwatch" // an alarm of CloudWatch, usually on AWS/Billing
	Anomaly    Source = "anomaly"    // Cost Anomaly Detection
	Unknown    Source = "unknown"
)

// Verdict is what an alarm asks for.
type Verdict string

// The verdicts. Alarm.Why explains all but Pauses.
const (
	Pauses   Verdict = "pauses"
	Notifies Verdict = "notifies" // to be told to a human, and no more
	Refused  Verdict = "refused"  // foreign, or impossible: it changes nothing and is an error to its sender
	Unparsed Verdict = "unparsed" // from a topic of ours, but not understood: the setting unparsed decides
)

// The types of a budget's alerts.
const (
	Actual     = "ACTUAL"
	Forecasted = "FORECASTED"
)

// The periods of a budget.
const (
	Daily     = "daily"
	Monthly   = "monthly"
	Quarterly = "quarterly"
	Annually  = "annually"
)

// Alarm is one message. Its account, source and verdict are always set; an empty or nil field is
// something that the message does not tell.
type Alarm struct {
	Source  Source
	Verdict Verdict

	Account   string // of the topic that carried it
	Topic     string // ARN; of the queue, where raw delivery hides the topic; empty for EventBridge
	MessageID string
	Rung      string // Topic, where the owner has configured topics: each is one rung

	Budget    string // or the name of the CloudWatch alarm or the anomaly monitor
	Type      string // Actual or Forecasted
	Amount    *Money // spent, or forecast
	Limit     *Money // what is budgeted
	Threshold *Money // what was crossed
	Period    string // Daily, Monthly, Quarterly, Annually

	At            time.Time // when it was raised, UTC; zero where nothing tells, and arrival has to do
	Subject, Text string    // as they came, whole
	Why           string    // one line for a human
}

// Expect is what an alarm has to come from.
type Expect struct {
	Account string   // the account that the brake guards; mandatory
	Topics  []string // ARNs of topics, or of queues with raw delivery, each a rung; empty means any of Account
}

// MaxMessage is the size of the largest message that SNS carries, in bytes
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
const MaxMessage = 256 << 10

// Parse reads the event that a function was invoked with: SNS records, SQS records with or without
// the envelope of SNS, an EventBridge event, or the envelope of SNS by itself. There is one alarm a
// record, in order, whatever is wrong with it. An error means that the event as a whole is not one
// that carries alarms.
func Parse(event []byte, expect Expect) ([]Alarm, error) {
	if expect.Account == "" {
		return nil, errors.New("no account to expect alarms of: set Expect.Account")
	}
	envelopes, err := open(bytes.TrimPrefix(event, []byte("\ufeff")))
	if err != nil {
		return nil, err
	}
	alarms := make([]Alarm, len(envelopes))
	for i, e := range envelopes {
		alarms[i] = e.alarm(expect)
	}
	return alarms, nil
}

// longest is how much of a name or an id goes into a stored one; those of AWS are shorter. An alarm
// may hold a quarter of a megabyte of anything, and an order has to fit into an item of the store.
const longest = 256

// ID names the message: two deliveries of one message have the same. Where the carrier gave none it
// is made from topic, text and time.
func (a Alarm) ID() string {
	if a.MessageID != "" && len(a.MessageID) <= longest {
		return a.MessageID
	}
	return "sha256-" + digest(a.MessageID, a.Topic, a.Subject, a.Text, a.At.Format(time.RFC3339Nano))
}

// Key is equal for repeats of one alarm: the same source and budget, the same rung and the same
// period. The rung is the topic where topics are configured, and else the type and threshold that the
// text tells; there a text that was not understood repeats only when it is the same.
func (a Alarm) Key() string {
	subject := a.Budget
	if len(subject) > longest || subject == "" && a.Rung == "" {
		subject = digest(a.Budget, a.Text)
	}
	rung := a.Rung
	if rung == "" {
		rung = a.Type + ">" + a.Threshold.rung()
	}
	return fmt.Sprintf("%s %q %s %s", a.Source, subject, rung, a.window())
}

// window names the period of the budget in which the alarm was raised, by the month where the
// period is not known.
func (a Alarm) window() string {
	if a.At.IsZero() {
		return "undated"
	}
	at := a.At.UTC()
	switch a.Period {
	case Daily:
		return at.Format("2006-01-02")
	case Quarterly:
		return fmt.Sprintf("%d-Q%d", at.Year(), (at.Month()+2)/3)
	case Annually:
		return at.Format("2006")
	}
	return at.Format("2006-01")
}

// Ref is what an order remembers of the alarm.
func (a Alarm) Ref() killswitch.AlarmRef {
	return killswitch.AlarmRef{ID: a.ID(), Key: a.Key(), Source: string(a.Source), Text: a.String()}
}

// String tells the alarm in one line.
func (a Alarm) String() string {
	if a.Budget == "" {
		for _, text := range []string{a.Subject, a.Text} {
			if text = oneLine(text); text != "" {
				return text
			}
		}
		return "an empty message"
	}
	line := map[Source]string{Budgets: "budget", CloudWatch: "CloudWatch alarm", Anomaly: "cost anomaly of", Unknown: "alarm"}[a.Source]
	line += fmt.Sprintf(" %q", oneLine(a.Budget))
	if a.Type != "" {
		line += " " + a.Type
	}
	if a.Amount != nil {
		line += " " + a.Amount.String()
	}
	if a.Threshold != nil {
		line += ", threshold " + a.Threshold.String()
	}
	if a.Limit != nil {
		line += ", budgeted " + a.Limit.String()
	}
	if a.Period != "" {
		line += ", " + a.Period
	}
	if a.Implausible() {
		line += fmt.Sprintf(" (more than %d times as much: see whether that can be true, AWS's billing data has been wrong before)", plausible)
	}
	return line
}

// plausible is how many times what was budgeted somebody may spend before it looks like a mistake of
// AWS. On 16 and 17 July 2026 an error of units in AWS's estimated bills set off alarms of up to
// trillions. A runaway can look the same on the day it begins, so such an alarm does what any other
// does, which an operator can take back, but says so.
const plausible = 20

// Implausible says whether the alarm reports more than anybody is likely to spend.
func (a Alarm) Implausible() bool {
	for _, base := range []*Money{a.Limit, a.Threshold} {
		if base != nil && a.Amount != nil && base.Currency == a.Amount.Currency {
			return a.Amount.exceeds(*base, plausible)
		}
	}
	return false
}

// oneLine is the beginning of a text, for messages.
func oneLine(text string) string {
	const enough = 160
	text = strings.Join(strings.Fields(text), " ")
	for i := range text {
		if i >= enough {
			return text[:i] + "…"
		}
	}
	return text
}

// digest is a short hash of texts, no two lists of which are taken for one another.
func digest(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d %s", len(t), t)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:12])
}
