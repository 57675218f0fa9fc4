package trigger

import (
	"context"
	"log/slog"

	"aws-hit-breaks/pkg/alarm"
	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// events is what the engine tells of everything that happens: the log, and whoever else listens.
func (h *Handler) events() func(engine.Event) {
	return func(ev engine.Event) {
		h.logEvent(ev)
		if h.On != nil {
			h.On(ev)
		}
	}
}

func (h *Handler) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}

// logEvent writes one line. Values of tags are not ours to spread, the Name among them, and an
// error of AWS is explained and not quoted: it may carry what a log should not.
func (h *Handler) logEvent(ev engine.Event) {
	attrs := []slog.Attr{}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	kind := ev.Kind
	if ev.Ref.Kind != "" {
		kind = ev.Ref.Kind
	}
	add("region", ev.Region)
	add("kind", string(kind))
	add("id", ev.Ref.ID)
	add("phase", string(ev.Phase))
	add("step", ev.Step)
	if ev.Count != 0 {
		attrs = append(attrs, slog.Int("count", ev.Count))
	}
	if ev.Err == nil || ev.Reason != ev.Err.Error() {
		add("reason", ev.Reason)
	}
	add("error", awserr.Explain(ev.Err))
	h.log().LogAttrs(context.Background(), level(ev), string(ev.What), attrs...)
}

// level is Warn for what a human may have to see to.
func level(ev engine.Event) slog.Level {
	switch {
	case ev.Err != nil, ev.What == engine.ListingFailed, ev.What == engine.LookFailed, ev.What == engine.StoreFailed:
		return slog.LevelWarn
	case ev.Phase == killswitch.Failed, ev.Phase == killswitch.Drifted, ev.Phase == killswitch.Unreadable:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// logAlarm writes down an alarm. What does not pause, or was not understood, is for a human: it
// keeps its whole text.
func (h *Handler) logAlarm(ctx context.Context, a alarm.Alarm) {
	attrs := []slog.Attr{
		slog.String("verdict", string(a.Verdict)), slog.String("source", string(a.Source)), slog.String("account", a.Account),
		slog.String("topic", a.Topic), slog.String("message", a.ID()), slog.String("alarm", a.String()),
	}
	if !a.At.IsZero() {
		attrs = append(attrs, slog.Time("raised", a.At))
	}
	if a.Why != "" {
		attrs = append(attrs, slog.String("reason", a.Why))
	}
	level := slog.LevelInfo
	if a.Verdict != alarm.Pauses {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("subject", a.Subject), slog.String("text", a.Text))
	}
	h.log().LogAttrs(ctx, level, "alarm", attrs...)
}
