package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// survey is what was found so far.
type survey struct {
	report   report.Report
	done, of int // regions
}

// Found shows what the first regions have answered, of so many. Elsewhere than on a terminal nothing is
// told before all is known.
func (p *Progress) Found(r report.Report, done, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.survey = &survey{r, done, of}
}

// surveyed is the view while regions answer.
func (p *Progress) surveyed(turning string, width, room int) []string {
	s := p.survey
	lines := []string{fmt.Sprintf("%s %s, %s: %d of %s answered, %s", turning, p.title,
		time.Since(p.began).Round(time.Second), s.done, report.Count(s.of, "region"), report.Count(len(s.report.Resources), "resource"))}
	if p.ended || len(s.report.Resources) == 0 {
		return lines
	}
	rows := costliest(s.report)
	kept := rows[:min(len(rows), max(room-4, 1))]
	lines = append(lines, strings.Split(fitted(kept, s.report.HasPrices(), width), "\n")...)
	if more := len(rows) - len(kept); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// most is how many resources are shown one by one; more are counted by region and kind.
const most = 40

// Survey is talk: what a plan found, resource by resource where they are not too many, and the rest of
// what a human has to know before the question.
func (s *Screen) Survey(r report.Report) {
	if len(r.Resources) == 0 || len(r.Resources) > most || s.err.file == nil {
		s.Plan(r)
		return
	}
	width, _ := s.err.size()
	s.err.print("\n" + fitted(costliest(r), r.HasPrices(), width) + "\n")
	s.err.resources("To be seen to:", r.Amiss())
	s.err.resources("Left alone:", r.LeftAlone())
	s.err.section("Not inspected:", notInspected(r))
	s.err.residuals(r)
	s.problems(r)
}

// costliest are the resources, what costs most first.
func costliest(r report.Report) []report.Resource {
	rows := slices.Clone(r.Resources)
	cost := func(x report.Resource) float64 {
		if x.Cost == nil || x.Cost.Hourly == nil {
			return 0
		}
		return *x.Cost.Hourly
	}
	slices.SortStableFunc(rows, func(a, b report.Resource) int { return cmp.Compare(cost(b), cost(a)) })
	return rows
}

// fitted is a table of resources with a line for each. Where it is too wide ids give way, and then the
// dollars of an hour.
func fitted(rows []report.Resource, priced bool, width int) string {
	const resource, state, hour, legible, shortest = 2, 3, 4, 12, 8
	header := []string{"SERVICE", "REGION", "RESOURCE", "STATE"}
	if priced {
		header = append(header, "$/HOUR", "$/MONTH")
	}
	cells := [][]string{header}
	for _, r := range rows {
		row := []string{string(r.Kind), r.Region, oneLine(named(r)), string(r.Phase)}
		if priced {
			var hourly *float64
			if r.Cost != nil {
				hourly = r.Cost.Hourly
			}
			row = append(row, figures(hourly)...)
		}
		cells = append(cells, row)
	}
	widths, room := columns(cells, resource, width)
	if priced && room < min(widths[resource], legible) {
		for i, row := range cells {
			cells[i] = slices.Delete(row, hour, hour+1)
		}
		widths, room = columns(cells, resource, width)
	}
	if room < min(widths[resource], shortest) {
		return Table{Header: cells[0], Rows: cells[1:], Phase: state + 1}.folded(width)
	}
	widths[resource] = min(widths[resource], room)
	var lines []string
	for i, row := range cells {
		var b strings.Builder
		for j, cell := range row {
			style := lipgloss.NewStyle()
			switch {
			case i == 0:
				style = style.Bold(true)
			case j == state:
				style = colour(cell)
			}
			if j == resource {
				cell = within(cell, widths[j])
			}
			b.WriteString(style.Render(cell))
			if j < len(row)-1 {
				b.WriteString(strings.Repeat(" ", max(widths[j]-lipgloss.Width(cell), 0)+gap))
			}
		}
		lines = append(lines, b.String())
	}
	return strings.Join(lines, "\n")
}

// columns are the widths of all columns, and the room that a window has for one of them.
func columns(cells [][]string, flexible, width int) (widths []int, room int) {
	widths, room = make([]int, len(cells[0])), width-1
	for _, row := range cells {
		for i, cell := range row {
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	for i, w := range widths {
		if i != flexible {
			room -= w + gap
		}
	}
	return widths, room
}

func colour(phase string) lipgloss.Style { return style(killswitch.Phase(phase)) }

// Waves is talk: in which order a plan would be carried out.
func (s *Screen) Waves(waves []report.Wave) {
	if len(waves) == 0 {
		return
	}
	s.Say("in this order, each as far as a resource needs it:")
	for i := 0; i < len(waves); {
		first, steps := waves[i], []string{}
		for ; i < len(waves) && waves[i].Want == first.Want && waves[i].Number == first.Number; i++ {
			steps = append(steps, fmt.Sprintf("%s (%d %s)", oneLine(waves[i].Step), waves[i].Count, oneLine(string(waves[i].Kind))))
		}
		s.Say("  %d. %s", first.Number, strings.Join(steps, ", "))
	}
}
