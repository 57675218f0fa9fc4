package report

import (
	"io"
	"reflect"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// List is what is recorded of an account.
type List struct {
	Snapshots []Listed `json:"snapshots"` // newest first
}

// CSV writes the list as a table, as a report is written: a row for every snapshot.
func (l List) CSV(w io.Writer) error {
	return writeCSV(w, l, reflect.TypeFor[List](), reflect.TypeFor[Listed]())
}

// Listed is a snapshot in a list.
type Listed struct {
	Account  string        `json:"account"`         // the AWS account's id
	Snapshot string        `json:"snapshot"`        // its id
	Phase    SnapshotPhase `json:"phase"`           // how the snapshot as a whole stands
	Opened   time.Time     `json:"opened,omitzero"` // when its first order was given
	Closed   time.Time     `json:"closed,omitzero"` // when everything was back or given up
	Actor    string        `json:"actor,omitempty"` // of the first order: "alarm", or who the operator is
	Alarm    string        `json:"alarm,omitempty"` // the alarm that gave the first order, in one line
	Scope    string        `json:"scope,omitempty"` // what the first order is about; absent: everything
	Orders   []Order       `json:"orders"`          // all of them, oldest first
	Counts   Counts        `json:"counts"`          // how many resources are in each phase, but for what was left alone
	Saving   Saving        `json:"saving"`          // what its pause saves, or saved until it was over
	// ToolVersion is of the program that opened it.
	ToolVersion string `json:"toolVersion,omitempty"`
}

// Counts are how many there are, by phase.
type Counts map[killswitch.Phase]int

// SnapshotPhase is how a snapshot stands.
type SnapshotPhase string

// How snapshots stand.
const (
	SnapshotLive       SnapshotPhase = "live"
	SnapshotClosed     SnapshotPhase = "closed"
	SnapshotUnreadable SnapshotPhase = "unreadable" // its header cannot be read
	SnapshotNotLive    SnapshotPhase = "not-live"   // it was never closed, and is not the live one
)

// Saving is what it saves to pause what a snapshot holds, in US dollars at list prices, whether it is paused
// now or was put back.
type Saving struct {
	Rate
	Unknown int `json:"unknownCount"` // how many of its resources are of unknown cost, and in no sum
}

// ListedAs is a snapshot as its header tells of it: without dollars.
func ListedAs(h snapshots.Header) Listed {
	l := Listed{
		Account: h.Account, Snapshot: h.Snapshot, ToolVersion: h.ToolVersion, Phase: SnapshotClosed, Opened: h.Opened, Closed: h.Closed,
		Orders: []Order{}, Counts: Counts{}, Saving: Saving{Rate: Rate{Why: notPriced}},
	}
	switch {
	case h.Opened.IsZero():
		l.Phase = SnapshotUnreadable
	case h.Closed.IsZero():
		l.Phase = SnapshotNotLive
	}
	for _, o := range h.Orders {
		l.Orders = append(l.Orders, orderOf(o))
	}
	for phase, n := range h.Counts {
		l.Counts[killswitch.Phase(phase)] = n
	}
	return l.begun()
}

// begun tells of the first order.
func (l Listed) begun() Listed {
	if len(l.Orders) > 0 {
		l.Actor, l.Alarm, l.Scope = l.Orders[0].Actor, l.Orders[0].Alarm, l.Orders[0].Scope
	}
	return l
}

// With adds what a report of the snapshot knows: its dollars and, while it is live, its orders and counts as
// they stand.
func (l Listed) With(r Report, live bool) Listed {
	if live {
		l.Phase, l.Orders, l.Counts = SnapshotLive, r.Orders, Counts{}
		for _, resource := range r.Resources {
			if !resource.IsLeftAlone() {
				l.Counts[resource.Phase]++
			}
		}
	}
	l.Saving = r.saving()
	return l.begun()
}

// saving adds up what the pause of all that was not left alone saves.
func (r Report) saving() Saving {
	known, sum, s := 0, 0.0, Saving{}
	for _, resource := range r.Resources {
		switch c := resource.Cost; {
		case resource.IsLeftAlone():
		case c == nil || c.Hourly == nil:
			s.Unknown++
		default:
			known++
			sum += *c.Hourly - *c.Residual
		}
	}
	if known == 0 && s.Unknown > 0 {
		s.Rate = rate(nil, "nothing of it has a known price")
		return s
	}
	s.Rate = rate(&sum, "")
	return s
}
