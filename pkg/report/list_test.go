package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

func TestListed(t *testing.T) {
	both := []killswitch.Order{alarmed, resumed}
	open := snapshots.Header{Account: account, Snapshot: "s1", Opened: morning, Orders: both[:1]}
	closed := open
	closed.Closed, closed.Orders, closed.Counts = morning.Add(time.Hour), both, map[string]int{"resumed": 2, "gone": 1}
	costing := func(phase killswitch.Phase, id string, uses ...string) killswitch.Item {
		return using(at(1, phase, id), uses...)
	}
	for name, tt := range map[string]struct {
		header  snapshots.Header
		read    *snapshots.Snapshot // none: there was no time for it
		phase   report.SnapshotPhase
		counts  report.Counts
		hourly  *float64
		unknown int
	}{
		"a closed one tells what it saved, also of what is gone": {
			closed, read(live(both, nil, costing(killswitch.Resumed, "i-1", "machine", "disk"), costing(killswitch.Gone, "i-2", "machine")), false),
			report.SnapshotClosed, report.Counts{killswitch.Resumed: 2, killswitch.Gone: 1}, dollarsOf(2), 0,
		},
		"what is left alone saves nothing, and what is of unknown cost is counted": {
			open, read(live(both[:1], listed(1, protected("i-9")), costing(killswitch.Paused, "i-1", "machine"), costing(killswitch.Paused, "i-2", "odd"),
				costing(killswitch.Unpausable, "i-3", "machine")), true),
			report.SnapshotLive, report.Counts{killswitch.Paused: 2}, dollarsOf(1), 1,
		},
		"nothing is known": {
			open, read(live(both[:1], nil, costing(killswitch.Paused, "i-2", "odd")), true), report.SnapshotLive, report.Counts{killswitch.Paused: 1}, nil, 1,
		},
		"it holds nothing": {open, read(live(both[:1], nil), true), report.SnapshotLive, report.Counts{}, dollarsOf(0), 0},
		"it was never closed and is not the live one": {
			open, read(live(both[:1], nil, costing(killswitch.Paused, "i-1", "machine")), false), report.SnapshotNotLive, report.Counts{}, dollarsOf(1), 0,
		},
		"there was no time to read it": {closed, nil, report.SnapshotClosed, report.Counts{killswitch.Resumed: 2, killswitch.Gone: 1}, nil, 0},
		"its header cannot be read": {
			snapshots.Header{Account: account, Snapshot: "s1"}, nil, report.SnapshotUnreadable, report.Counts{}, nil, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := report.ListedAs(tt.header)
			if tt.read != nil {
				r := report.Of(*tt.read, declared)
				r.Priced(priceOf, nil)
				l = l.With(r, tt.read.Live != nil)
			}
			if l.Phase != tt.phase || l.Saving.Unknown != tt.unknown {
				t.Errorf("it is %s, and %d are unknown", l.Phase, l.Saving.Unknown)
			}
			if diff := cmp.Diff(tt.counts, l.Counts); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.hourly, l.Saving.Hourly); diff != "" {
				t.Errorf("it saves (-want +got)\n%s", diff)
			}
			if l.Saving.Hourly != nil && *l.Saving.Monthly != 730**l.Saving.Hourly || l.Saving.Hourly == nil && l.Saving.Why == "" {
				t.Errorf("%+v", l.Saving)
			}
			if len(tt.header.Orders) > 0 && (l.Actor != "alarm" || l.Alarm != alarmed.Alarm.Text) {
				t.Errorf("by %q for %q", l.Actor, l.Alarm)
			}
		})
	}
}

// read is a snapshot as the store has it.
func read(s snapshots.Snapshot, live bool) *snapshots.Snapshot {
	if !live {
		s.Live = nil
	}
	return &s
}

func dollarsOf(amount float64) *float64 { return &amount }
