package page

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/wcharczuk/go-chart/v2"
	"golang.org/x/net/html"

	"aws-hit-breaks/pkg/report"
)

// The measures of a plot, in its own units.
const (
	width, names, top   = 640, 150, 4
	barHeight, barSpace = 20, 12
	room                = 1.3 // of the longest bar: what is written behind it needs the rest
)

// plot draws shares as bars, the largest first. It has classes and no colours: these are the page's.
func plot(id, title string, shares []report.Share) (*html.Node, error) {
	shares = slices.Clone(shares)
	slices.SortStableFunc(shares, func(a, b report.Share) int {
		switch {
		case a.Saved > b.Saved:
			return -1
		case a.Saved < b.Saved:
			return 1
		}
		return 0
	})
	whole := shares[0].Saved * room
	bars := chart.StackedBarChart{
		Width: width, Height: top + len(shares)*(barHeight+barSpace) + top,
		BarSpacing: barSpace, IsHorizontal: true,
		Background: chart.Style{ClassName: "ground", Padding: chart.Box{Top: top, Left: names, Right: 1, Bottom: top}},
		Canvas:     chart.Style{ClassName: "ground"},
		XAxis:      chart.Style{Hidden: true},
		YAxis:      chart.Style{Hidden: true}, // it would centre the names, and wrap them
	}
	for _, s := range shares {
		bars.Bars = append(bars.Bars, chart.StackedBar{Name: s.Name, Width: barHeight, Values: []chart.Value{
			// A bar is drawn from the left to where the parts before it begin.
			{Value: whole - s.Saved, Style: chart.Style{ClassName: "rest"}},
			{Value: s.Saved, Style: chart.Style{ClassName: "bar"}},
		}})
	}
	bars.Elements = []chart.Renderable{func(r chart.Renderer, canvas chart.Box, defaults chart.Style) {
		write := func(class, text string, x, row int) { // the page aligns the text at the point
			chart.Style{ClassName: class, Font: defaults.Font}.WriteToRenderer(r)
			r.Text(html.EscapeString(visible(text)), x, canvas.Top+row*(barHeight+barSpace)+(barHeight+barSpace)/2) // the library does not escape
		}
		for i, s := range shares {
			write("name", shortened(s.Name), canvas.Left-8, i)
			end := canvas.Left + int(math.Ceil(s.Saved/whole*float64(canvas.Width())))
			write("amount", report.Dollars(s.Saved*report.HoursOfMonth), end+8, i)
		}
	}}
	var drawn bytes.Buffer
	if err := bars.Render(chart.SVGWithCSS("", ""), &drawn); err != nil {
		return nil, fmt.Errorf("draw %q: %w", title, err)
	}
	// As it is drawn: to parse it, only to say what it is called, takes a parser of HTML into the program.
	tag, content, found := strings.Cut(drawn.String(), ">")
	if !found || !strings.HasPrefix(tag, "<svg ") {
		return nil, fmt.Errorf("draw %q: what was drawn begins with %.40q and not as a plot", title, tag)
	}
	return &html.Node{Type: html.RawNode, Data: fmt.Sprintf(`%s role="img" aria-labelledby="%[2]s"><title id="%[2]s">%[3]s</title>%[4]s`,
		tag, html.EscapeString(id), html.EscapeString(visible(title)), content)}, nil
}

// longestName is how many letters there is room for.
const longestName = 22

func shortened(name string) string {
	letters := []rune(strings.Join(strings.Fields(name), " "))
	if len(letters) <= longestName {
		return string(letters)
	}
	return string(letters[:longestName-1]) + "…"
}
