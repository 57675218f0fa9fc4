package ui

import (
	"cmp"
	"strconv"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// Report is data: on a terminal what there is by region and kind, then what a human has to see to
// and what is left alone; elsewhere one line a resource (region, kind, id, phase, reason), and one
// for each kind that was not inspected, without an id.
func (s *Screen) Report(r report.Report) {
	if s.out.file == nil {
		s.out.table(resources(r.Resources))
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
	to.section("To be seen to:", resources(r.Amiss()))
	to.section("Left alone:", resources(r.LeftAlone()))
	if more := r.Summary.LeftAlone - len(r.LeftAlone()); more > 0 {
		to.print("and " + strconv.Itoa(more) + " more that the store does not list one by one\n")
	}
	to.section("Not inspected:", notInspected(r))
}

// LeftAlone is talk: what stays as it is, each with its reason.
func (s *Screen) LeftAlone(r report.Report) { s.err.table(resources(r.LeftAlone())) }

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

// Groups is a report by region and kind.
func Groups(r report.Report) Table {
	t := Table{Header: []string{"REGION", "KIND", "FOUND", "HOW THEY STAND"}}
	for _, g := range r.Groups() {
		t.Rows = append(t.Rows, []string{g.Region, string(g.Kind), strconv.Itoa(g.Count), report.Tally(g.Phases)})
	}
	return t
}

func resources(list []report.Resource) Table {
	t := Table{Header: []string{"REGION", "KIND", "ID", "PHASE", "REASON"}, Phase: 4}
	for _, r := range list {
		t.Rows = append(t.Rows, []string{r.Region, string(r.Kind), named(r), string(r.Phase), r.Reason})
	}
	return t
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
