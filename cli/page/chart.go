package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"aws-hit-breaks/pkg/report"
)

// The measures of a plot, in its own units.
const (
	width, names, top   = 640, 150, 4
	barHeight, barSpace = 20, 12
	room                = 1.3 // of the longest bar: what is written behind it needs the rest
)

// plot draws shares as bars, the largest first. It has classes and no colours: these are the page's,
// which also aligns the texts at their points.
func plot(id, title string, shares []report.Share) *html.Node {
	shares = slices.Clone(shares)
	slices.SortStableFunc(shares, func(a, b report.Share) int { return cmp.Compare(b.Saved, a.Saved) })
	svg := element("svg", attributes{
		"viewBox": fmt.Sprintf("0 0 %d %d", width, top+len(shares)*(barHeight+barSpace)+top), "role": "img", "aria-labelledby": id,
	}, element("title", attributes{"id": id}, title))
	for i, s := range shares {
		y := top + i*(barHeight+barSpace) + barSpace/2
		long := int(s.Saved / shares[0].Saved * (width - names) / room)
		text := func(class, text string, x int) *html.Node {
			return element("text", attributes{"class": class, "x": strconv.Itoa(x), "y": strconv.Itoa(y + barHeight/2)}, text)
		}
		svg.AppendChild(text("name", shortened(s.Name), names-8))
		svg.AppendChild(element("rect", attributes{
			"class": "bar", "x": strconv.Itoa(names), "y": strconv.Itoa(y), "width": strconv.Itoa(long), "height": strconv.Itoa(barHeight),
		}))
		svg.AppendChild(text("amount", report.Dollars(s.Saved*report.HoursOfMonth), names+long+8))
	}
	return svg
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
