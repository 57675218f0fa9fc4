// Package page writes a report as one HTML page that stands for itself: no network, no other file. It
// is written node by node: package html/template would link text/template, which keeps every method
// of every SDK client in the program.
package page

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/net/html"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

//go:embed page.css
var css string

//go:embed page.js
var script string

// Write writes the page of a report, with its headline, as of a time.
func Write(w io.Writer, r report.Report, headline string, at time.Time) error {
	plots, err := savings(r)
	if err != nil {
		return err
	}
	title := "aws-hit-breaks: account " + r.Account
	document := &html.Node{Type: html.DocumentNode}
	document.AppendChild(&html.Node{Type: html.DoctypeNode, Data: "html"})
	document.AppendChild(element("html", attributes{"lang": "en"},
		element("head", nil,
			element("meta", attributes{"charset": "utf-8"}),
			element("meta", attributes{"http-equiv": "Content-Security-Policy", "content": policy()}),
			element("meta", attributes{"name": "viewport", "content": "width=device-width, initial-scale=1"}),
			element("meta", attributes{"name": "color-scheme", "content": "light dark"}),
			element("title", nil, title),
			element("style", nil, css),
		),
		element("body", nil,
			element("header", nil,
				element("p", attributes{"class": "kicker"}, title),
				element("h1", nil, headline),
				element("p", attributes{"class": "facts"}, facts(r, at)),
			),
			element("main", nil, bills(r), orders(r), plots, lists(r)),
			element("script", nil, script),
		),
	))
	if err := html.Render(w, document); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// policy lets the browser load nothing, and run nothing but the page's own script.
func policy() string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(css) + "; script-src " + hash(script) + "; base-uri 'none'; form-action 'none'"
}

func facts(r report.Report, at time.Time) string {
	text := "Written " + moment(at)
	if r.Snapshot != "" {
		text += " · snapshot " + r.Snapshot + ", opened " + moment(r.Opened)
		if r.Closed.IsZero() {
			text += ", live"
		} else {
			text += ", closed " + moment(r.Closed)
		}
	}
	return text
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// bills are the sums of the costs.
func bills(r report.Report) *html.Node {
	switch {
	case r.HasPrices():
	case len(r.Resources)+len(r.NotInspected)+len(r.Problems) == 0:
		return element("p", attributes{"class": "terms"}, "Nothing was found that costs by the hour.")
	default:
		return element("p", attributes{"class": "terms"}, "Costs: ", report.Unknown, ". No prices were looked up.")
	}
	cards := element("dl", attributes{"class": "bills"})
	for _, b := range r.Bills() {
		of := b.Figures()
		cards.AppendChild(element("div", nil,
			element("dt", nil, b.What),
			element("dd", attributes{"class": "month"}, of[2], element("small", nil, " a month")),
			element("dd", nil, of[1]+" a day · "+of[0]+" an hour"),
		))
	}
	return element("section", attributes{"aria-label": "Costs"}, cards, element("p", attributes{"class": "terms"}, strings.Join(r.Terms(), " ")))
}

func orders(r report.Report) *html.Node {
	if len(r.Orders) == 0 {
		return nil
	}
	list := element("ol", nil)
	for _, o := range r.Orders {
		list.AppendChild(element("li", nil, o.Line()))
	}
	return element("section", nil, element("h2", nil, "Orders"), list)
}

// savings are the plots, each with what it shows as a table for who cannot see it.
func savings(r report.Report) (*html.Node, error) {
	section := element("section", attributes{"class": "plots"})
	for _, by := range []struct {
		id, title, of string
		key           func(report.Resource) string
	}{
		{"by-service", "Saved by service", "Service", func(r report.Resource) string { return r.Kind.Service() }},
		{"by-region", "Saved by region", "Region", func(r report.Resource) string { return r.Region }},
	} {
		shares := r.SavedBy(by.key)
		if len(shares) == 0 {
			continue
		}
		svg, err := plot(by.id, by.title+", dollars a month", shares)
		if err != nil {
			return nil, err
		}
		t := table{columns: []column{{by.of, short}, {"$ an hour", number}, {"$ a month", number}}}
		for _, s := range shares {
			monthly := s.Saved * report.HoursOfMonth
			t.rows = append(t.rows, []cell{{text: s.Name}, dollars(&s.Saved), dollars(&monthly)})
		}
		section.AppendChild(element("figure", nil, element("figcaption", nil, by.title, element("small", nil, " dollars a month")),
			svg, element("details", nil, element("summary", nil, "As a table"), t.node())))
	}
	if section.FirstChild == nil {
		return nil, nil
	}
	return section, nil
}

// lists are the tables: what a human has to see to comes first.
func lists(r report.Report) []*html.Node {
	var nodes []*html.Node
	add := func(title, says string, t table) {
		if len(t.rows) > 0 {
			nodes = append(nodes, element("section", nil,
				element("h2", nil, title, element("small", nil, fmt.Sprintf(" %d", len(t.rows)))), element("p", nil, says), t.node()))
		}
	}
	add("In this order", "Each step as far as a resource needs it.", waves(r))
	add("To be seen to", "Something failed, was changed by somebody, or cannot be read.",
		resources(append(r.Amiss(), r.In(killswitch.GivenUp)...)))
	add("Not inspected", "What is there, nobody knows.", notInspected(r))
	add("Problems in the store", "Stored items that cannot be used.", problems(r))
	add("Paused", "", resources(r.In(killswitch.Paused, killswitch.WouldResume)))
	add("Running", "", resources(r.In(killswitch.Running, killswitch.WouldPause, killswitch.Recorded, killswitch.Pausing,
		killswitch.Resuming, killswitch.Resumed)))
	add("Left alone", "These stay as they are, and still cost.", resources(r.LeftAlone()))
	if more := r.Summary.LeftAlone - len(r.LeftAlone()); more > 0 {
		nodes = append(nodes, element("p", nil, fmt.Sprintf("And %d more that the store does not list one by one.", more)))
	}
	add("Still costs", "These cost by the hour and have no pause.", residuals(r))
	if more := r.MoreResiduals(); more != "" {
		nodes = append(nodes, element("p", nil, more))
	}
	return nodes
}

// waves are the order in which a plan would be carried out.
func waves(r report.Report) table {
	t := table{columns: []column{{"To be", short}, {"Wave", number}, {"Step", short}, {"Kind", short}, {"At most", number}}}
	for _, w := range r.Waves {
		t.rows = append(t.rows, []cell{
			{text: string(w.Want)}, counted(w.Number), {text: w.Step}, {text: string(w.Kind)}, counted(w.Count),
		})
	}
	return t
}

func resources(list []report.Resource) table {
	t := table{columns: []column{
		{"Region", short}, {"Kind", short}, {"Resource", "id"}, {"Type", short}, {"Phase", short}, {"Wave", number}, {"Why", ""},
		{"$ an hour", number}, {"$ a month", number}, {"$ kept", number},
	}}
	for _, r := range list {
		var cost report.Cost
		if r.Cost != nil {
			cost = *r.Cost
		}
		kept := cell{} // while it is paused; what is left alone keeps all
		if cost.Residual != nil && *cost.Residual > 0 && !r.IsLeftAlone() {
			kept = dollars(cost.Residual)
		}
		t.rows = append(t.rows, []cell{
			{text: r.Region}, {text: string(r.Kind)}, {text: r.ID, more: r.Name}, {text: r.Type}, {text: string(r.Phase), phase: true},
			counted(r.Wave), {text: r.Reason}, because(dollars(cost.Hourly), cost.Why), dollars(cost.Monthly), kept,
		})
	}
	return t
}

func residuals(r report.Report) table {
	t := table{columns: []column{
		{"Region", short}, {"Kind", short}, {"Resource", "id"}, {"Type", short}, {"$ an hour", number}, {"$ a day", number}, {"$ a month", number},
	}}
	for _, x := range r.Residuals {
		t.rows = append(t.rows, []cell{
			{text: x.Region}, {text: string(x.Kind)}, {text: x.ID, more: x.Name}, {text: x.Type},
			because(dollars(x.Hourly), x.Why), dollars(x.Daily), dollars(x.Monthly),
		})
	}
	return t
}

func notInspected(r report.Report) table {
	t := table{columns: []column{{"Region", short}, {"Kind", short}, {"Why", ""}}}
	for _, n := range r.NotInspected {
		t.rows = append(t.rows, []cell{{text: n.Region}, {text: cmp.Or(string(n.Kind), "every kind")}, {text: n.Reason}})
	}
	return t
}

func problems(r report.Report) table {
	t := table{columns: []column{{"Item", ""}, {"What is wrong", ""}, {"What can be done", ""}}}
	for _, p := range r.Problems {
		t.rows = append(t.rows, []cell{{text: p.Item}, {text: p.Why}, {text: p.Hint}})
	}
	return t
}
