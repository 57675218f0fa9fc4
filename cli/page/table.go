package page

import (
	"slices"
	"strconv"

	"golang.org/x/net/html"

	"aws-hit-breaks/pkg/report"
)

// table is rows of cells under columns. The script lets it be sorted by them.
type table struct {
	columns []column
	rows    [][]cell
}

type column struct {
	name string
	is   string // its class: "number", "short" for what is not to be wrapped, "id", or none
}

const number, short = "number", "short"

type cell struct {
	text  string
	more  string // below the text
	phase bool
	why   string // told where the mouse stays, and to who cannot see
	value string // what a number is sorted by
}

// dollars is an amount, or that it is not known.
func dollars(amount *float64) cell {
	if amount == nil {
		return cell{text: report.Unknown}
	}
	return cell{text: report.Dollars(*amount), value: strconv.FormatFloat(*amount, 'g', -1, 64)}
}

// counted is a number of things; none is nothing to be said.
func counted(n int) cell {
	if n == 0 {
		return cell{}
	}
	return cell{text: strconv.Itoa(n), value: strconv.Itoa(n)}
}

func because(c cell, why string) cell {
	c.why = why
	return c
}

// node leaves out the columns in which nothing stands.
func (t table) node() *html.Node {
	head, body := element("tr", nil), element("tbody", nil)
	empty := func(i int) bool {
		return !slices.ContainsFunc(t.rows, func(cells []cell) bool { return cells[i].text+cells[i].more != "" })
	}
	for i, c := range t.columns {
		with := attributes{"scope": "col", "class": c.is}
		if c.is == number {
			with["data-sort"] = number
		}
		if !empty(i) {
			head.AppendChild(element("th", with, c.name))
		}
	}
	for _, cells := range t.rows {
		row := element("tr", nil)
		for i, c := range cells {
			if empty(i) {
				continue
			}
			with := attributes{"class": t.columns[i].is}
			if t.columns[i].is == number {
				with["data-value"] = c.value
			}
			if c.why != "" {
				with["title"] = c.why
			}
			content := []any{c.text}
			switch {
			case c.phase:
				content = []any{element("span", attributes{"class": "phase " + c.text}, c.text)}
			case c.more != "" && c.more != c.text:
				content = append(content, element("small", nil, c.more))
			}
			row.AppendChild(element("td", with, content...))
		}
		body.AppendChild(row)
	}
	return element("div", attributes{"class": "wide"}, element("table", nil, element("thead", nil, head), body))
}
