package ui

import (
	"cmp"
	"strconv"
	"strings"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// Report is data: on a terminal what there is by region and kind, then what a human has to see to
// and what is left alone; elsewhere one line a resource (region, kind, id, phase, reason), and one
// for each kind that was not inspected, without an id.
func (s *Screen) Report(r report.Report) {
	if s.out.file == nil {
		s.out.resources("", r.Resources)
		s.out.table(notInspected(r))
	} else {
		s.summary(s.out, r)
	}
	s.problems(r)
}

// Plan is talk: what would be done, before a human is asked.
func (s *Screen) Plan(r report.Report) {
	s.summary(s.err, r)
	s.problems(r)
}

func (s *Screen) summary(to stream, r report.Report) {
	to.section("", Groups(r))
	to.resources("To be seen to:", r.Amiss())
	to.resources("Left alone:", r.LeftAlone())
	if more := r.Summary.LeftAlone - len(r.LeftAlone()); more > 0 {
		to.print("and " + strconv.Itoa(more) + " more that the store does not list one by one\n")
	}
	to.section("Not inspected:", notInspected(r))
	to.residuals(r)
}

// LeftAlone is talk: what stays as it is, each with its reason.
func (s *Screen) LeftAlone(r report.Report) { s.err.resources("", r.LeftAlone()) }

// Found is talk: how much there is, by region and kind.
func (s *Screen) Found(r report.Report) { s.err.table(Groups(r)) }

func (s *Screen) problems(r report.Report) {
	for _, p := range r.Problems {
		line := "problem in the store: " + p.Item + ": " + p.Why
		if p.Hint != "" {
			line += " (" + p.Hint + ")"
		}
		s.Say("%s", oneLine(line))
	}
	s.ByHand(r)
}

// ByHand is talk: how what the brake does not put back is put back without it.
func (s *Screen) ByHand(r report.Report) {
	for _, resource := range r.Resources {
		for i, command := range resource.ByHand {
			if i == 0 {
				s.Say("by hand, where it is still down: %s", resource.Ref(r.Account))
			}
			s.Say("  %s", oneLine(command))
		}
	}
}

// section is a table under a line that says what it is.
func (s stream) section(title string, t Table) {
	if len(t.Rows) == 0 {
		return
	}
	if title != "" {
		s.print("\n" + title + "\n")
	}
	s.table(t)
}

// Groups is a report by region and kind. With prices the counts are in the last column alone, so that
// 80 columns are enough.
func Groups(r report.Report) Table {
	if r.HasPrices() {
		t := Table{Header: []string{"REGION", "KIND", "$/HOUR", "$/MONTH", "HOW THEY STAND"}}
		for _, g := range r.Groups() {
			t.Rows = append(t.Rows, append(append([]string{g.Region, string(g.Kind)}, figures(g.Hourly)...), report.Tally(g.Phases)))
		}
		return t
	}
	t := Table{Header: []string{"REGION", "KIND", "FOUND", "HOW THEY STAND"}}
	for _, g := range r.Groups() {
		t.Rows = append(t.Rows, []string{g.Region, string(g.Kind), strconv.Itoa(g.Count), report.Tally(g.Phases)})
	}
	return t
}

// figures are what an hour costs, and a month.
func figures(hourly *float64) []string {
	if hourly == nil {
		return []string{report.Unknown, report.Unknown}
	}
	return []string{report.Dollars(*hourly), report.Dollars(*hourly * report.HoursOfMonth)}
}

func (s stream) residuals(r report.Report) {
	s.section("No pause, and costs:", residuals(r))
	if more := r.MoreResiduals(); more != "" {
		s.print(more + "\n")
	}
}

func residuals(r report.Report) Table {
	t := Table{Header: []string{"REGION", "$/HOUR", "$/MONTH", "WHAT"}}
	for _, x := range r.Residuals {
		what := string(x.Kind) + " " + named(report.Resource{ID: x.ID, Name: x.Name})
		t.Rows = append(t.Rows, append(append([]string{x.Region}, figures(x.Hourly)...), what))
	}
	return t
}

// Costs is talk: the sums, where prices were looked up.
func (s *Screen) Costs(r report.Report) {
	if !r.HasPrices() {
		return
	}
	for _, b := range r.Bills() {
		if b.Unknown {
			s.Say("%s: %s", b.What, report.Unknown)
			continue
		}
		of := b.Figures()
		s.Say("%s: %s an hour, %s a day, %s a month", b.What, of[0], of[1], of[2])
	}
	for _, sentence := range r.Terms() {
		s.Say("%s", sentence)
	}
}

// resources are told in a line each where the terminal is wide enough to leave room for a reason, and
// in two where it is not.
func (s stream) resources(title string, list []report.Resource) {
	wide := Table{Header: []string{"REGION", "KIND", "ID", "PHASE", "REASON"}, Phase: 4}
	narrow := Table{Header: []string{"REGION", "RESOURCE", "WHY"}}
	for _, r := range list {
		wide.Rows = append(wide.Rows, []string{r.Region, string(r.Kind), named(r), string(r.Phase), r.Reason})
		narrow.Rows = append(narrow.Rows, []string{
			r.Region, string(r.Kind) + "\n" + shortened(named(r)), strings.TrimSuffix(string(r.Phase)+": "+r.Reason, ": "),
		})
	}
	if width, _ := s.size(); s.file != nil && wide.last(width) > 0 && wide.last(width) < enough {
		s.section(title, narrow)
		return
	}
	s.section(title, wide)
}

// enough is how wide a column is in which a reason can be read, and longest how long an id may be in
// a narrow table: its beginning and its end tell it from others.
const enough, longest = 48, 36

func shortened(id string) string { return within(id, longest) }

// within is the beginning and the end of what is longer than so many characters.
func within(id string, room int) string {
	runes := []rune(id)
	if len(runes) <= room {
		return id
	}
	return string(runes[:room/2]) + "…" + string(runes[len(runes)-(room-room/2-1):])
}

// named is the id, with the name where a human knows it by that.
func named(r report.Resource) string {
	if r.Name == "" || r.Name == r.ID {
		return r.ID
	}
	return r.ID + " (" + r.Name + ")"
}

func notInspected(r report.Report) Table {
	t := Table{Header: []string{"REGION", "KIND", "", "PHASE", "REASON"}, Phase: 4}
	for _, n := range r.NotInspected {
		kind := cmp.Or(string(n.Kind), "every kind")
		t.Rows = append(t.Rows, []string{n.Region, kind, "", string(killswitch.NotInspected), n.Reason})
	}
	return t
}

// Resources is talk: a line each.
func (s *Screen) Resources(list []report.Resource) { s.err.resources("", list) }
