package ui

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// screen is a screen that is no terminal, and what it shows.
func screen() (s *Screen, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	return New(strings.NewReader("yes\n"), out, err), out, err
}

func ref(region string, kind killswitch.Kind, id string) killswitch.Ref {
	return killswitch.Ref{Account: "1", Region: region, Kind: kind, ID: id}
}

func TestElsewhereThanOnATerminalTablesAreLines(t *testing.T) {
	s, out, _ := screen()
	s.Table(Table{Header: []string{"A", "B"}, Rows: [][]string{{"one\ttab", "two\nlines"}, {"", "x"}}})
	if diff := cmp.Diff("one tab\ttwo lines\n\tx\n", out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestReportElsewhere(t *testing.T) {
	s, out, talk := screen()
	s.Report(report.Report{
		Resources: []report.Resource{
			{Region: "r", Kind: "k:k", ID: "i", Name: "n", Phase: killswitch.Failed, Reason: "because"},
			{Region: "r", Kind: "k:k", ID: "j", Name: "j", Phase: killswitch.Paused},
		},
		NotInspected: []report.NotInspected{{Region: "*", Reason: "denied"}},
		Problems:     []report.Problem{{Item: "LIVE", Why: "altered", Hint: "restore it"}},
	})
	if diff := cmp.Diff("r\tk:k\ti (n)\tfailed\tbecause\nr\tk:k\tj\tpaused\t\n*\tevery kind\t\tnot-inspected\tdenied\n", out.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("problem in the store: LIVE: altered (restore it)\n", talk.String()); diff != "" {
		t.Error(diff)
	}
}

func TestEventsElsewhereAreLines(t *testing.T) {
	s, out, talk := screen()
	p := s.Progress("pausing")
	web := ref("eu", killswitch.EC2Instance, "i-1")
	for _, ev := range []engine.Event{
		{What: engine.Listed, Region: "eu", Kind: killswitch.EC2Instance, Count: 2},
		{What: engine.Listed, Region: "eu", Kind: killswitch.RDSInstance},
		{What: engine.Left, Ref: ref("eu", killswitch.EC2Instance, "i-2"), Phase: killswitch.Protected, Reason: "tag"},
		{What: engine.Changed, Ref: web, Name: "web", Phase: killswitch.Recorded},
		{What: engine.Changed, Ref: web, Name: "web", Phase: killswitch.Pausing},
		{What: engine.Changed, Ref: web, Name: "web", Phase: killswitch.Pausing, Reason: "again"},
		{What: engine.Changed, Ref: web, Name: "web", Phase: killswitch.Failed, Reason: "no\nway"},
		{What: engine.StoreFailed, Region: "eu", Reason: "busy"},
		{What: engine.StoreFailed, Region: "eu", Reason: "busy"},
		{What: engine.ListingFailed, Region: "us", Kind: killswitch.RDSCluster, Reason: "denied"},
		{What: engine.RegionsListed, Err: errors.New("x"), Reason: "denied"},
		{What: engine.ShardBusy, Region: "us"},
		{What: engine.OrdersChanged, Count: 2},
	} {
		p.On(ev)
	}
	p.End()
	p.On(engine.Event{What: engine.Changed, Ref: web, Phase: killswitch.Paused})
	p.End()
	const want = `eu ec2:instance: 2 found
eu ec2:instance i-1 (web): pausing
eu ec2:instance i-1 (web): failed: no way
eu: the store: busy
us rds:cluster: could not be listed: denied
the account's regions could not be listed: denied
us: another run works on this region
a newer order was given: there are 2 now
`
	if diff := cmp.Diff(want, talk.String()); diff != "" {
		t.Error(diff)
	}
	if out.Len() > 0 {
		t.Errorf("standard output got %q", out)
	}
}

func TestReportsAreToldAsChanges(t *testing.T) {
	s, _, talk := screen()
	p := s.Progress("pausing")
	defer p.End()
	stands := func(phase killswitch.Phase) report.Report {
		return report.Report{Account: "1", Resources: []report.Resource{{Region: "eu", Kind: "k:k", ID: "i", Phase: phase}}}
	}
	p.From(stands(killswitch.Pausing))
	for _, phase := range []killswitch.Phase{killswitch.Pausing, killswitch.Paused, killswitch.Paused} {
		p.Report(stands(phase))
	}
	if diff := cmp.Diff("eu k:k i: paused\n", talk.String()); diff != "" {
		t.Error(diff)
	}
}

func TestViewKeepsToItsRoomAndShowsWhatMoves(t *testing.T) {
	s, _, _ := screen()
	p := s.Progress("pausing")
	if got := p.view(100, 10); len(got) != 1 || !strings.HasSuffix(got[0], ": looking") {
		t.Errorf("at first: %q", got)
	}
	for _, region := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		p.On(engine.Event{What: engine.Changed, Ref: ref(region, "k:k", "i"), Phase: killswitch.Paused})
	}
	p.On(engine.Event{What: engine.Changed, Ref: ref("h", "k:k", "j"), Phase: killswitch.Pausing})
	got := p.view(100, 5)
	if len(got) != 3 || !strings.HasSuffix(got[0], ": 8 paused, 1 pausing") || !strings.Contains(got[1], "h ") ||
		got[2] != "  and 7 more lines of kind and region" {
		t.Errorf("in 5 lines: %q", got)
	}
	if got := p.view(100, 20); len(got) != 9 {
		t.Errorf("in 20 lines: %q", got)
	}
	p.End()
	if got := p.view(100, 20); len(got) != 1 || !strings.HasPrefix(got[0], "· pausing") {
		t.Errorf("at the end: %q", got)
	}
}

func TestLastColumnTakesWhatIsLeft(t *testing.T) {
	table := Table{Header: []string{"ID", "WHY"}, Rows: [][]string{{"0123456789", strings.Repeat("x", 60)}}}
	for width, want := range map[int]int{100: 0, 74: 0, 73: 61, 60: 48, 20: narrowest} {
		if got := table.last(width); got != want {
			t.Errorf("on %d columns the last has %d, want %d", width, got, want)
		}
	}
}

func TestIdsAreShortenedInTheMiddle(t *testing.T) {
	for id, want := range map[string]string{
		"i-1": "i-1",
		"main/task/b351be88413b3a9826518259df89e680 (job)": "main/task/b351be88…259df89e680 (job)",
	} {
		if got := shortened(id); got != want {
			t.Errorf("%q becomes %q, want %q", id, got, want)
		}
	}
}

func TestAskingWithoutATerminal(t *testing.T) {
	s, _, talk := screen()
	if s.CanAsk() {
		t.Error("there is nobody to ask")
	}
	got, err := s.Ask(t.Context(), "Sure?")
	if got != "yes" || err != nil || talk.String() != "Sure? " {
		t.Errorf("%q, %v, it said %q", got, err, talk)
	}
	if got, err := s.Ask(t.Context(), "Still?"); got != "" || err != nil {
		t.Errorf("at the end of the input: %q, %v", got, err)
	}
}

func TestFailuresAreOneLine(t *testing.T) {
	for _, test := range []struct {
		json bool
		want string
	}{{false, "aws-hit-breaks: a <b>\n"}, {true, `{"error":"a <b>","code":3}` + "\n"}} {
		s, _, talk := screen()
		s.Fail(Failure{Error: "a <b>", Code: 3}, test.json)
		if diff := cmp.Diff(test.want, talk.String()); diff != "" {
			t.Error(diff)
		}
	}
}
