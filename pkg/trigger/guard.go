package trigger

import (
	"context"
	"encoding/json"
	"strings"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// The events of RDS that say it has started a database again because it had been stopped for as
// long as RDS allows
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html and
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html).
var woken = map[string]killswitch.Kind{
	"RDS-EVENT-0153": killswitch.RDSCluster,
	"RDS-EVENT-0154": killswitch.RDSInstance,
}

// bridged is an event of EventBridge, as far as the guard reads it
// (https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html).
type bridged struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Account    string          `json:"account"`
	Region     string          `json:"region"`
	Detail     json.RawMessage `json:"detail"` // an object; EventBridge Scheduler sends it as a string
}

// database is the detail of an event of RDS.
type database struct {
	EventID          string `json:"EventID"`
	SourceIdentifier string `json:"SourceIdentifier"`
	SourceARN        string `json:"SourceArn"`
}

const whatGuardTakes = "the guard takes scheduled events and the RDS events 0153 and 0154"

// Guard carries on what is unfinished and due: on a tick of a schedule, which ends after one read
// where nothing is (and a second, where humans are told of runs: of what the last one left untold), and when RDS says that it started a database again.
func (h *Handler) Guard(ctx context.Context, event json.RawMessage) (Answer, error) {
	attention, err := h.attention(event)
	if err != nil {
		return Answer{}, err
	}
	var answer Answer
	return answer, h.carry(ctx, h.Engine(h.events()), attention, &answer)
}

// attention reads an event of EventBridge.
func (h *Handler) attention(event []byte) (engine.Attention, error) {
	due := engine.Attention{Due: true}
	if len(event) > MaxInvocation {
		return due, badEvent("the event has %d bytes, more than the %d of an event of EventBridge: %s", len(event), MaxInvocation, whatGuardTakes)
	}
	if isEmpty(event) {
		return due, badEvent("the event is empty: %s", whatGuardTakes)
	}
	var b bridged
	if err := json.Unmarshal(event, &b); err != nil {
		return due, badEvent("the event is no event of EventBridge (%s): %s", said(err), whatGuardTakes)
	}
	if b.Account != "" && b.Account != h.Account {
		return due, badEvent("the event is of account %.20q, not of %s: a guard serves its own account", b.Account, h.Account)
	}
	switch {
	case b.DetailType == "Scheduled Event" && (b.Source == "aws.events" || b.Source == "aws.scheduler"):
		return due, nil
	case b.Source == "aws.rds":
		ref, err := h.wokenBy(b)
		due.Woken = []killswitch.Ref{ref}
		return due, err
	}
	return due, badEvent("the event %.60q of source %.60q is none for the guard: %s", b.DetailType, b.Source, whatGuardTakes)
}

// wokenBy is the database that an event of RDS is about.
func (h *Handler) wokenBy(b bridged) (killswitch.Ref, error) {
	var d database
	if err := json.Unmarshal(b.Detail, &d); err != nil {
		return killswitch.Ref{}, badEvent("the event of RDS has no readable detail (%s): %s", said(err), whatGuardTakes)
	}
	kind, ok := woken[d.EventID]
	if !ok {
		return killswitch.Ref{}, badEvent("the event %.60q of RDS does not say that a database was started: %s", d.EventID, whatGuardTakes)
	}
	ref := killswitch.Ref{Account: h.Account, Region: b.Region, Kind: kind, ID: d.SourceIdentifier}
	// arn:aws:rds:region:account:db:name, or cluster: for a cluster
	if part := strings.Split(d.SourceARN, ":"); len(part) == 7 {
		if ref.Region == "" {
			ref.Region = part[3]
		}
		if ref.ID == "" {
			ref.ID = part[6]
		}
	}
	if ref.ID == "" || ref.Region == "" {
		return killswitch.Ref{}, badEvent("the event %s of RDS does not name its database and region: %s", d.EventID, whatGuardTakes)
	}
	return ref, nil
}
