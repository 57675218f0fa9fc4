package alarm

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// envelope is one message with what its carrier says of it. The carrier is trusted, the text is not.
type envelope struct {
	topic   string // ARN of the topic or, for raw delivery, of the queue
	queue   string // ARN of the queue, where one carried it
	account string // set where no topic tells it: EventBridge
	id      string
	kind    string // Notification, SubscriptionConfirmation, …
	subject string
	text    string
	at      time.Time
	fault   string // why this cannot be a message to the brake
}

const whatToSend = "invoke the function with the notification of an SNS topic, or subscribe it to one"

// open takes the envelopes out of a function's event.
func open(event []byte) ([]envelope, error) {
	if text := bytes.TrimSpace(event); len(text) == 0 || string(text) == "null" {
		return nil, errors.New("the event is empty: " + whatToSend)
	}
	v, ok := decode(event)
	if !ok {
		return nil, errors.New("the event is not JSON: " + whatToSend)
	}
	if list, ok := v.([]any); ok { // as EventBridge Pipes batches them
		return records(list, 0)
	}
	o := asObject(v)
	switch {
	case o == nil:
		return nil, errors.New("the event is not a JSON object: " + whatToSend)
	case o.has("records"):
		return records(o["records"], 0)
	case o.has("source", "detailtype"):
		return []envelope{eventBridge(o, event)}, nil
	case o.has("topicarn"):
		return []envelope{notification(o)}, nil
	}
	return nil, fmt.Errorf("the event has no records (its keys: %s): %s", keys(o), whatToSend)
}

// keys names some of the keys of an object, for a message.
func keys(o object) string {
	names := slices.Sorted(maps.Keys(o))
	if len(names) == 0 {
		return "none"
	}
	return oneLine(strings.Join(names, ", "))
}

// records opens each record of a list. One record is one envelope, but for a queue of failed
// invocations, whose messages are whole events again.
func records(v any, depth int) ([]envelope, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, errors.New("the event has no records: " + whatToSend)
	}
	var out []envelope
	for _, item := range list {
		r := asObject(item)
		arn := r.text("eventsourcearn")
		switch {
		case asObject(r["sns"]) != nil:
			out = append(out, notification(asObject(r["sns"])))
		case strings.EqualFold(r.text("eventsource"), "aws:sqs") || r["body"] != nil && strings.Contains(arn, ":sqs:"):
			out = append(out, queued(r, arn, depth)...)
		default:
			out = append(out, envelope{text: asText(item), fault: fmt.Sprintf("a record of %q carries no alarm: %s", oneLine(r.text("eventsource")), whatToSend)})
		}
	}
	return out, nil
}

// notification reads the envelope of SNS
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html).
func notification(o object) envelope {
	return envelope{
		topic: o.text("topicarn"), id: o.text("messageid"), kind: o.text("type"),
		subject: o.text("subject"), text: o.text("message"), at: parseTime(o.text("timestamp")),
	}
}

// queued reads an SQS record: the envelope of SNS in its body, or the bare message of a subscription
// with raw delivery, or the event of an invocation that failed.
func queued(r object, arn string, depth int) []envelope {
	body, inner := r.text("body"), r.child("body")
	if failed := inner.child("requestpayload"); failed != nil { // of an on-failure destination
		inner = failed
	}
	if depth == 0 && inner.has("records") {
		if found, err := records(inner["records"], depth+1); err == nil {
			for i := range found {
				found[i].queue = arn
			}
			return found
		}
	}
	if inner.has("topicarn", "message") {
		e := notification(inner)
		e.queue = arn
		return []envelope{e}
	}
	return []envelope{{topic: arn, queue: arn, id: r.text("messageid"), text: body, at: sent(r)}}
}

// sent is when SQS took the message, in UTC.
func sent(r object) time.Time {
	ms, err := strconv.ParseInt(asObject(r["attributes"]).text("senttimestamp"), 10, 64)
	if err != nil || ms <= 0 || ms >= 1e14 { // the year 5138
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// eventBridge reads an event that a rule delivers itself
// (https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html).
func eventBridge(o object, event []byte) envelope {
	return envelope{account: o.text("account"), id: o.text("id"), text: string(event), at: parseTime(o.text("time"))}
}

// alarm reads the text and judges where it comes from.
func (e envelope) alarm(expect Expect) Alarm {
	a := Alarm{
		Source: Unknown, Verdict: Unparsed, Account: e.account, Topic: e.topic, MessageID: e.id,
		At: e.at, Subject: e.subject, Text: e.text,
	}
	if a.Account == "" {
		a.Account = accountOf(e.topic)
	}
	if slices.Contains(expect.Topics, e.topic) {
		a.Rung = e.topic
	}
	if len(e.text) > MaxMessage {
		a.Text = beginning(e.text)
		return a.refuse(fmt.Sprintf("a message of %d bytes is no message of SNS, which carries %d: send the alarm itself", len(e.text), MaxMessage))
	}
	if e.fault != "" {
		return a.refuse(e.fault)
	}
	e.read(&a)
	if why := e.foreign(expect); why != "" {
		return a.refuse(why)
	}
	if a.Verdict == Unparsed && e.topic == "" {
		// The default for what is not understood rests on the trust in the topic, and there is none.
		a.Verdict = Notifies
	}
	return a
}

// read fills in what the text tells.
func (e envelope) read(a *Alarm) {
	if e.kind != "" && e.kind != "Notification" {
		a.Verdict = Notifies
		a.Why = fmt.Sprintf("SNS sent a %s, not an alarm: confirm or remove the subscription in the SNS console", oneLine(e.kind))
		return
	}
	named := a.understand(e.text, 0)
	if !a.recognised() {
		a.prose("") // the subject alone
	}
	if a.Verdict == Unparsed && a.Why == "" {
		a.Why = "the message was not understood: read it and decide"
		if strings.TrimSpace(e.text) == "" {
			a.Why = "the message is empty: see what publishes to the topic"
		}
	}
	if isAccount(named) && named != a.Account {
		a.because(fmt.Sprintf("the text names account %s, the topic decides", named))
	}
}

// because adds a reason.
func (a *Alarm) because(why string) {
	if a.Why != "" {
		why = a.Why + "; " + why
	}
	a.Why = why
}

// refuse gives the alarm with the verdict Refused; what its text told stays in it.
func (a Alarm) refuse(why string) Alarm {
	a.Verdict, a.Why = Refused, why
	return a
}

// foreign says why the carrier is not one that may pause the account, or nothing.
func (e envelope) foreign(expect Expect) string {
	if e.topic == "" && e.account != "" { // EventBridge: the account's own rule invoked the function
		if e.account != expect.Account {
			return fmt.Sprintf("the event is of account %s, not of %s: only events of this account are alarms", oneLine(e.account), expect.Account)
		}
		return ""
	}
	if e.queue != "" && accountOf(e.queue) != expect.Account {
		return fmt.Sprintf("the queue %s is not of account %s: use a queue of this account", oneLine(e.queue), expect.Account)
	}
	switch account := accountOf(e.topic); {
	case account == "":
		return fmt.Sprintf("the message names no topic that it came from (%q): subscribe the function to an SNS topic", oneLine(e.topic))
	case account != expect.Account:
		return fmt.Sprintf("the topic %s is of another account than %s: use a topic of this account", oneLine(e.topic), expect.Account)
	case len(expect.Topics) > 0 && !slices.Contains(expect.Topics, e.topic):
		return fmt.Sprintf("%s is not among the configured topics: add it to the setting topics if it may pause", oneLine(e.topic))
	}
	return ""
}

// accountOf is the account in the ARN of a topic or a queue, or nothing where it is no such ARN.
func accountOf(arn string) string {
	part := strings.Split(arn, ":")
	if len(part) != 6 || part[0] != "arn" || part[2] != "sns" && part[2] != "sqs" || part[5] == "" || !isAccount(part[4]) {
		return ""
	}
	return part[4]
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// beginning is the first kilobyte of a text that is too long to keep.
func beginning(text string) string {
	cut := 1 << 10
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
