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
// Alarms that only notify, and messages that cannot be understood, are logged with their whole text
// for a human to read; the setting unparsed decides whether the latter pause too. An alarm that
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
		if err != nil {
			return nil, nil, err
		}
		return nil, &in, nil
	}
	alarms, err := alarm.Parse(event, alarm.Expect{Account: h.Account, Topics: h.Settings.TopicARNs()})
	if err != nil {
		return nil, nil, BadEvent{err.Error()}
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

// alarmed gives the orders of the alarms and carries them out.
func (h *Handler) alarmed(ctx context.Context, alarms []alarm.Alarm) (Answer, error) {
	answer := Answer{Report: report.Empty(h.Account)}
	var errs []error
	e := h.Engine(h.events())
	carry := false
	for _, a := range alarms {
		h.logAlarm(ctx, a)
		switch {
		case a.Verdict == alarm.Refused:
			errs = append(errs, badEvent("refused: %s", a.Why))
		case a.Verdict == alarm.Pauses, a.Verdict == alarm.Unparsed && h.Settings.Unparsed != settings.UnparsedNotify:
			carry = true
			if err := h.order(ctx, e, request(a), &answer); err != nil {
				errs = append(errs, err)
			}
		}
		if a.Verdict == alarm.Notifies || a.Verdict == alarm.Unparsed {
			answer.notice("%s: %s", a, a.Why)
		}
	}
	if carry {
		errs = append(errs, h.carry(ctx, e, engine.Attention{}, &answer))
	}
	return answer, oneLine(errs)
}

// request is the order that an alarm asks for: everything, as of when it was raised.
func request(a alarm.Alarm) engine.Request {
	ref := a.Ref()
	at := a.At
	if at.IsZero() {
		at = time.Now()
	}
	return engine.Request{Act: killswitch.Pause, Actor: "alarm", Alarm: &ref, At: at.UTC()}
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
