package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"aws-hit-breaks/pkg/alarm"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
)

// Pause pauses the account: for each alarm that the event carries, or for an operator's Invocation.
//
// An alarm pauses what the setting topics gives its topic, or only notifies, as that says. Alarms that
// only notify are logged with their whole text and told to humans, as are messages that cannot be
// understood; the setting unparsed decides whether the latter pause too. An alarm that
// gives no order, since its message has been seen before or the operator has decided, still carries
// on what is unfinished: its first delivery may have died. A refused message changes nothing and is
// an error, so that its sender notices; the others of the same event are carried out all the same.
func (h *Handler) Pause(ctx context.Context, event json.RawMessage) (Answer, error) {
	alarms, in, err := h.read(event)
	switch {
	case err != nil:
		return Answer{}, err
	case in != nil:
		return h.invoked(ctx, killswitch.Pause, *in)
	}
	return h.alarmed(ctx, alarms)
}

// read makes alarms or an invocation of the event.
func (h *Handler) read(event []byte) ([]alarm.Alarm, *Invocation, error) {
	if !carriesAlarms(event) {
		in, err := h.invocation(event)
		if err == nil && in.Snapshot != nil {
			err = badEvent("the pause function pauses: it is the resume function that does something with a snapshot")
		}
		if err != nil {
			return nil, nil, err
		}
		return nil, &in, nil
	}
	alarms, err := alarm.Parse(event, alarm.Expect{Account: h.Account, Topics: h.Settings.TopicARNs()})
	if err != nil {
		return nil, nil, BadEvent{err.Error()}
	}
	for i, a := range alarms {
		alarms[i] = h.judged(a)
	}
	return alarms, nil, nil
}

// carriesAlarms tells the event of a topic, a queue or EventBridge from an operator's invocation,
// which has none of their keys. What is neither is left to the invocation to complain about.
func carriesAlarms(event []byte) bool {
	event = bytes.TrimSpace(bytes.TrimPrefix(event, []byte("\ufeff")))
	if bytes.HasPrefix(event, []byte("[")) {
		return !isEmpty(event)
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(event, &top) != nil {
		return false
	}
	for key := range top {
		switch strings.ToLower(key) {
		case "records", "topicarn", "detail-type", "source":
			return true
		}
	}
	return false
}

// judged is the alarm with what the owner has decided about its topic, and about what cannot be
// understood: a verdict that lets it pause only stands where they agree.
func (h *Handler) judged(a alarm.Alarm) alarm.Alarm {
	if a.Verdict != alarm.Pauses && a.Verdict != alarm.Unparsed {
		return a
	}
	var verdict alarm.Verdict
	var why string
	topic, _ := h.Settings.Topic(a.Topic) // an event of EventBridge has none
	switch {
	case a.Topic != "" && a.Topic == h.Settings.Notify:
		verdict, why = alarm.Refused, "what the brake itself tells is no alarm: unsubscribe the function from "+a.Topic
	case topic.Action == settings.ActionNotify:
		verdict, why = alarm.Notifies, "alarms of "+a.Topic+" only notify, by the setting topics"
	case a.Verdict == alarm.Unparsed && h.Settings.Unparsed == settings.UnparsedNotify:
		verdict, why = alarm.Notifies, "it only notifies, by the setting unparsed"
	default:
		return a
	}
	if a.Why != "" {
		why = a.Why + "; " + why
	}
	a.Verdict, a.Why = verdict, why
	return a
}

// alarmed gives the orders of the alarms, carries them out, and then tells humans of those that
// pause nothing.
func (h *Handler) alarmed(ctx context.Context, alarms []alarm.Alarm) (Answer, error) {
	answer := Answer{Report: report.Empty(h.Account)}
	var errs []error
	e := h.Engine(h.events())
	carry := false
	untold := map[int]string{} // why, by alarm
	for i, a := range alarms {
		h.logAlarm(ctx, a)
		switch a.Verdict {
		case alarm.Refused:
			errs = append(errs, badEvent("refused: %s", a.Why))
			continue
		case alarm.Notifies:
			answer.notice("%s: %s", a, a.Why)
			untold[i] = a.Why
			continue
		case alarm.Unparsed:
			answer.notice("%s: %s", a, a.Why)
		case alarm.Pauses:
		}
		carry = true
		ordered, err := h.order(ctx, e, h.request(a), &answer)
		if err != nil {
			errs = append(errs, err)
		}
		if ordered.Ignored != "" && !ordered.Seen {
			untold[i] = ordered.Ignored
		}
	}
	if carry {
		errs = append(errs, h.carry(ctx, e, engine.Attention{}, &answer))
	}
	for i, a := range alarms {
		if why, ok := untold[i]; ok {
			errs = append(errs, h.tellAlarm(ctx, a, why, &answer))
		}
	}
	return answer, oneLine(errs)
}

// request is the order that an alarm asks for, as of when it was raised: the scope that its topic was
// given, or everything.
func (h *Handler) request(a alarm.Alarm) engine.Request {
	ref := a.Ref()
	at := a.At
	if at.IsZero() {
		at = time.Now()
	}
	topic, _ := h.Settings.Topic(a.Topic) // an event of EventBridge has none, and pauses everything
	return engine.Request{Act: killswitch.Pause, Scope: topic.Scope, Actor: "alarm", Alarm: &ref, At: at.UTC()}
}

// lines are several errors on one line: what ends an invocation is one line of a log.
type lines struct{ error }

func (l lines) Error() string { return strings.ReplaceAll(l.error.Error(), "\n", "; ") }
func (l lines) Unwrap() error { return l.error }

// oneLine joins errors, or gives the only one as it is.
func oneLine(errs []error) error {
	var some []error
	for _, err := range errs {
		if err != nil {
			some = append(some, err)
		}
	}
	switch len(some) {
	case 0:
		return nil
	case 1:
		return some[0]
	}
	return lines{errors.Join(some...)}
}
