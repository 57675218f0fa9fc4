package ui

import (
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"

	"aws-hit-breaks/pkg/killswitch"
)

// Table is rows under a header. Phase is the column, counted from 1, that holds a phase and is
// coloured by it; 0 for none.
type Table struct {
	Header []string
	Rows   [][]string
	Phase  int
	Narrow *Table // what is drawn on a terminal that is too narrow for it
}

// Colours by their ANSI numbers, so that the terminal's own palette decides what they look like.
var (
	red    = lipgloss.Color("1")
	green  = lipgloss.Color("2")
	yellow = lipgloss.Color("3")
	blue   = lipgloss.Color("4")
	grey   = lipgloss.Color("8")
)

// style is how a phase looks.
func style(phase killswitch.Phase) lipgloss.Style {
	plain := lipgloss.NewStyle()
	switch phase {
	case killswitch.Paused:
		return plain.Foreground(blue)
	case killswitch.Resumed, killswitch.Running:
		return plain.Foreground(green)
	case killswitch.Recorded, killswitch.Pausing, killswitch.Resuming, killswitch.WouldPause, killswitch.WouldResume:
		return plain.Foreground(yellow)
	case killswitch.Failed, killswitch.Drifted, killswitch.NotInspected, killswitch.Unreadable:
		return plain.Foreground(red)
	case killswitch.Unpausable, killswitch.Protected, killswitch.Untouched, killswitch.Gone, killswitch.GivenUp:
		return plain.Foreground(grey)
	default:
		return plain
	}
}

// Table is data.
func (s *Screen) Table(t Table) { s.out.table(t) }

// Side is talk in a table.
func (s *Screen) Side(t Table) { s.err.table(t) }

// table prints nothing where there are no rows.
func (s stream) table(t Table) {
	if len(t.Rows) == 0 {
		return
	}
	if s.file == nil {
		for _, row := range t.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = oneLine(cell)
			}
			s.print(strings.Join(cells, "\t") + "\n")
		}
		return
	}
	width, _ := s.size()
	last := t.last(width)
	switch {
	case last > 0 && t.Narrow != nil:
		s.table(*t.Narrow)
		return
	case last > 0 && t.others()+last > width:
		s.print(t.folded(width) + "\n")
		return
	}
	drawn := table.New().Headers(t.Header...).Rows(t.Rows...).
		Border(lipgloss.NormalBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false).
		BorderStyle(lipgloss.NewStyle().Foreground(grey)).
		StyleFunc(func(row, column int) lipgloss.Style {
			cell := lipgloss.NewStyle()
			switch {
			case row == table.HeaderRow:
				cell = cell.Bold(true)
			case t.Phase > 0 && column == t.Phase-1:
				cell = style(killswitch.Phase(t.Rows[row][column]))
			}
			if last > 0 && column == len(t.Header)-1 {
				return cell.Width(last)
			}
			return cell.PaddingRight(gap)
		})
	s.print(drawn.Render() + "\n")
}

// gap is between two columns, and narrowest what the last column has at least.
const gap, narrowest = 2, 24

// last is the width of the last column where a table does not fit the terminal: what the others
// leave, so that ids stay whole and reasons are wrapped. It is 0 where the table fits.
func (t Table) last(width int) int {
	whole := t.widths()
	if t.others()+whole[len(whole)-1]+gap <= width {
		return 0
	}
	return max(width-t.others(), narrowest)
}

// others are the columns but for the last, together.
func (t Table) others() int {
	sum := 0
	for _, w := range t.widths()[:len(t.Header)-1] {
		sum += w + gap
	}
	return sum
}

func (t Table) widths() []int {
	whole := make([]int, len(t.Header))
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		for i, cell := range row {
			whole[i] = max(whole[i], lipgloss.Width(cell))
		}
	}
	return whole
}

// folded is what is drawn where not even a narrow last column fits: each row as a line that is broken
// between words.
func (t Table) folded(width int) string {
	var lines []string
	for i, row := range append([][]string{t.Header}, t.Rows...) {
		cells := make([]string, len(row))
		for j, cell := range row {
			look := lipgloss.NewStyle()
			switch {
			case i == 0:
				look = look.Bold(true)
			case j == t.Phase-1:
				look = style(killswitch.Phase(cell))
			}
			cells[j] = look.Render(oneLine(cell))
		}
		lines = append(lines, fold(strings.Join(cells, strings.Repeat(" ", gap)), width))
	}
	return strings.Join(lines, "\n")
}

// oneLine is text without what would break a line or a column.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
