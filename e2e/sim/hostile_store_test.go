package sim

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// ticks lets the guard tick every minute for a while, or until nothing is live. Where something is wrong
// with the store a tick may fail.
func (h *hostile) ticks(during time.Duration) engine.Outcome {
	var last engine.Outcome
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Minute) {
		outcome, err := h.start("guard").engine.Reconcile(context.Background(), engine.Attention{Due: true})
		switch {
		case err != nil && h.weather.ofStore():
			continue
		case err != nil:
			h.tell()
			h.t.Fatalf("guard: %v", err)
		}
		if last = outcome; outcome.Live == nil {
			break
		}
	}
	return last
}

// noteBacks remembers which resources a write would say to be back, or gone.
func (h *hostile) noteBacks(c awssim.Call) {
	in, ok := c.Input.(*dynamodb.TransactWriteItemsInput)
	if !ok {
		return
	}
	for _, member := range in.TransactItems {
		if member.Put == nil {
			continue
		}
		kind, id, isState := strings.Cut(strings.TrimPrefix(text(member.Put.Item["SK"]), "STATE#"), "#")
		if !isState || !strings.HasPrefix(text(member.Put.Item["SK"]), "STATE#") {
			continue
		}
		if phase := readBody(text(member.Put.Item["body"])).State.Phase; phase.Back() || phase == killswitch.Gone {
			pk := text(member.Put.Item["PK"])
			h.backs[c.Seq] = append(h.backs[c.Seq], pk[strings.LastIndex(pk, "#")+1:]+" "+kind+" "+id)
		}
	}
}

// belated makes the effect of a call that comes when it has been given up a deed of somebody else.
func (h *hostile) belated(c awssim.Call, f awssim.Fault) awssim.Fault {
	if f.Late <= pace.Call {
		return f
	}
	for _, id := range named(c) {
		name := c.Region + " " + kindChanged(c) + " " + id
		time.AfterFunc(f.Late, func() { h.disturb(name, true) })
	}
	return f
}
