package page_test

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"aws-hit-breaks/cli/page"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/report/reporttest"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// written is the page of a report, read as a browser reads it.
func written(t interface{ Fatal(...any) }, r report.Report, headline string) (*html.Node, string) {
	var text bytes.Buffer
	if err := page.Write(&text, r, headline, noon); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return root, text.String()
}

// find are the elements of a name, in their order.
func find(root *html.Node, name string) (found []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	}
	return found
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for inner := range n.Descendants() {
		if inner.Type == html.TextNode {
			b.WriteString(inner.Data)
		}
	}
	return b.String()
}

// visible is what a page can contain of a text: a mark stands for the rest.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && r != '\r' && (r < 0x20 || r == 0x7f) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// Whatever things are called, a page shows it as it is called, and consists of its own elements.
func TestHostileTextsStayTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := reporttest.Report().Draw(t, "report")
		headline := reporttest.Text().Draw(t, "headline")
		root, _ := written(t, r, headline)
		ownAlone(t, root)
		if got := textOf(find(root, "h1")[0]); got != visible(headline) {
			t.Fatalf("headline %q reads %q", headline, got)
		}
		if got, want := textOf(find(root, "title")[0]), visible("aws-hit-breaks: account "+r.Account); got != want {
			t.Fatalf("title %q, want %q", got, want)
		}
		if diff := cmp.Diff(rowsWanted(r), rowsOf(root)); diff != "" {
			t.Fatalf("rows (-report +page)\n%s", diff)
		}
	})
}

// A plot has room for 22 letters of a name.
func TestHostileTextsInPlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, region := priced(), reporttest.Text().Draw(t, "region")
		for i := range r.Resources {
			r.Resources[i].Region = region
		}
		root, _ := written(t, r, "")
		ownAlone(t, root)
		plots := find(root, "svg")
		if len(plots) != 2 {
			t.Fatalf("%d plots", len(plots))
		}
		want := []rune(visible(strings.Join(strings.Fields(region), " ")))
		if len(want) > 22 {
			want = append(want[:21], '…')
		}
		if got := textOf(find(plots[1], "text")[0]); got != string(want) {
			t.Fatalf("region %q is called %q", region, got)
		}
	})
}

var (
	elements = strings.Fields("html head meta title style body header main section h1 h2 p ol li dl div dt dd small figure figcaption " +
		"svg path text details summary table thead tbody tr th td span script")
	attributes = strings.Fields("lang charset http-equiv name content class aria-label scope title data-sort data-value " +
		"xmlns xmlns:xlink viewBox role aria-labelledby id d x y")
)

// ownAlone wants a page to have no element and no attribute that package page does not write.
func ownAlone(t *rapid.T, root *html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.CommentNode || n.Type == html.ElementNode && !slices.Contains(elements, n.Data) {
			t.Fatalf("a node %q", n.Data)
		}
		for _, a := range n.Attr {
			if name := strings.TrimPrefix(a.Namespace+":"+a.Key, ":"); !slices.Contains(attributes, name) {
				t.Fatalf("an attribute %s=%q", name, a.Val)
			}
		}
	}
	for _, name := range []string{"script", "style", "h1", "header", "main"} {
		if n := len(find(root, name)); n != 1 {
			t.Fatalf("%d elements %s", n, name)
		}
	}
}

// rowsWanted counts what the tables have to show, a line for each row: region or key, what it is, and
// why.
func rowsWanted(r report.Report) map[string]int {
	rows := map[string]int{}
	add := func(cells ...string) { rows[visible(strings.Join(cells, "|"))]++ }
	name := func(id, name string) string {
		if name == id {
			return id
		}
		return id + name
	}
	for _, x := range r.Waves {
		add(string(x.Want), strconv.Itoa(x.Number), x.Step, string(x.Kind), strconv.Itoa(x.Count))
	}
	for _, x := range r.Resources {
		wave := ""
		if x.Wave > 0 {
			wave = strconv.Itoa(x.Wave)
		}
		add(x.Region, string(x.Kind), name(x.ID, x.Name), x.Type, string(x.Phase), wave, x.Reason)
	}
	for _, x := range r.Residuals {
		add(x.Region, string(x.Kind), name(x.ID, x.Name), x.Type, "", "", "")
	}
	for _, x := range r.NotInspected {
		add(x.Region, string(x.Kind), "", "", "", "", x.Reason)
	}
	for _, x := range r.Problems {
		add(x.Item, x.Why, x.Hint)
	}
	return rows
}

// rowsOf reads the tables, but for those of the plots.
func rowsOf(root *html.Node) map[string]int {
	rows := map[string]int{}
	for _, table := range find(find(root, "main")[0], "table") {
		if table.Parent.Parent.Data == "details" {
			continue
		}
		var columns []string
		for _, th := range find(table, "th") {
			columns = append(columns, textOf(th))
		}
		for _, tr := range find(find(table, "tbody")[0], "tr") {
			cells := map[string]string{}
			for i, td := range find(tr, "td") {
				cells[columns[i]] = textOf(td)
			}
			names := []string{"Region", "Kind", "Resource", "Type", "Phase", "Wave", "Why"}
			switch {
			case slices.Contains(columns, "At most"):
				names = []string{"To be", "Wave", "Step", "Kind", "At most"}
			case !slices.Contains(columns, "Phase") && !slices.Contains(columns, "Kind"):
				names = []string{"Item", "What is wrong", "What can be done"}
			}
			var of []string
			for _, name := range names {
				of = append(of, cells[name])
			}
			rows[strings.Join(of, "|")]++
		}
	}
	return rows
}

// priced is a small report with all that a page can show.
func priced() report.Report {
	r := report.Empty("111122223333")
	use := func(service string, kept bool) []killswitch.Usage {
		return []killswitch.Usage{{Product: killswitch.Product{Service: service}, Quantity: 1, Kept: kept}}
	}
	r.Resources = []report.Resource{
		{Region: "eu-west-1", Kind: killswitch.EC2Instance, ID: "i-1", Name: "web", Phase: killswitch.Paused, Uses: use("machine", false)},
		{Region: "us-east-1", Kind: killswitch.RDSInstance, ID: "db", Phase: killswitch.Paused, Uses: append(use("machine", false), use("disk", true)...)},
		{Region: "us-east-1", Kind: killswitch.EC2Instance, ID: "i-2", Phase: killswitch.Protected, Reason: "tag", Uses: use("odd", false)},
	}
	r.Keeps([]killswitch.Residual{{Ref: killswitch.Ref{Region: "eu-west-1", Kind: killswitch.Volume, ID: "vol-1"}, Uses: use("disk", true)}}, nil)
	r.Priced(func(p killswitch.Product) (float64, bool) {
		dollars, ok := map[string]float64{"machine": 0.5, "disk": 0.1}[p.Service]
		return dollars, ok
	}, nil)
	return r
}

func TestWhatAPageShows(t *testing.T) {
	root, text := written(t, priced(), "paused 2 of 2")
	for _, want := range []string{
		"saved by the pause", "$730.00", "$1.00 an hour", "$24.00 a day", "Not in the sums: 1 resource of unknown cost: ",
		"no list price is known for odd//", "Written 2026-11-27 12:00:00 UTC", ">unknown<",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	var titles []string
	for _, h := range find(root, "h2") {
		titles = append(titles, textOf(h))
	}
	if diff := cmp.Diff([]string{"Paused 2", "Left alone 1", "Still costs 1"}, titles); diff != "" {
		t.Error(diff)
	}
	plots := map[string]string{}
	for _, svg := range find(root, "svg") {
		var says []string
		for _, text := range find(svg, "text") {
			says = append(says, textOf(text))
		}
		plots[textOf(find(svg, "title")[0])] = strings.Join(says, " ")
	}
	want := map[string]string{
		"Saved by service, dollars a month": "ec2 $365.00 rds $365.00",
		"Saved by region, dollars a month":  "eu-west-1 $365.00 us-east-1 $365.00",
	}
	if diff := cmp.Diff(want, plots); diff != "" {
		t.Error(diff)
	}
}

// Bars are as long as what they stand for.
func TestBarsAreInProportion(t *testing.T) {
	r := priced()
	r.Resources = append(r.Resources, r.Resources[0])
	r.Resources[3].Region = "us-east-1" // two there, one here
	root, _ := written(t, r, "")
	lengths := map[string][]int{}
	for _, svg := range find(root, "svg") {
		for _, path := range find(svg, "path") {
			if strings.HasPrefix(attribute(path, "class"), "bar ") {
				points := strings.Fields(strings.NewReplacer("M", "", "L", "").Replace(attribute(path, "d")))
				lengths[textOf(find(svg, "title")[0])] = append(lengths[textOf(find(svg, "title")[0])], number(t, points[2])-number(t, points[0]))
			}
		}
	}
	byRegion := lengths["Saved by region, dollars a month"]
	if len(byRegion) != 2 || byRegion[1] < 100 || byRegion[0]-2*byRegion[1] > 3 || 2*byRegion[1]-byRegion[0] > 3 {
		t.Errorf("bars of %v for $730 and $365", byRegion)
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func number(t *testing.T, text string) (n int) {
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			t.Fatalf("%q is no number", text)
		}
		n = 10*n + int(digit-'0')
	}
	return n
}

func TestOfNothingAPageSaysSo(t *testing.T) {
	if _, text := written(t, report.Empty("111122223333"), "nothing to pause"); !strings.Contains(text, "Nothing was found that costs by the hour.") ||
		strings.Contains(text, report.Unknown) {
		t.Errorf("the page says: %s", text)
	}
	r := report.Empty("111122223333")
	r.NotInspected = []report.NotInspected{{Region: "eu-west-1", Reason: "denied"}}
	if _, text := written(t, r, "nothing to pause"); strings.Contains(text, "Nothing was found") {
		t.Error("what was not inspected may cost, and the page says that nothing was found")
	}
}

func TestWithoutPricesAPageSaysSo(t *testing.T) {
	r := report.Empty("111122223333")
	r.Resources = []report.Resource{{Region: "eu-west-1", Kind: killswitch.EC2Instance, ID: "i-1", Phase: killswitch.Running}}
	root, text := written(t, r, "1 resource running")
	if !strings.Contains(text, "Costs: unknown. No prices were looked up.") || strings.Contains(text, "$0") || len(find(root, "svg")) > 0 {
		t.Error(text)
	}
}

// A page needs nothing but itself, names what its columns and plots are, and lets no script run but
// its own.
func TestAPageStandsForItself(t *testing.T) {
	root, text := written(t, priced(), "")
	for _, reference := range []string{" src=", " href=", "url(", "@import", " style=", "http://", "https://"} {
		if at := strings.Index(strings.ReplaceAll(text, "http://www.w3.org/", ""), reference); at >= 0 {
			t.Errorf("the page has %q", reference)
		}
	}
	names := map[string]int{}
	for _, table := range find(root, "table") {
		for _, th := range find(table, "th") {
			names[attribute(th, "scope")]++
		}
	}
	if diff := cmp.Diff([]string{"col"}, slices.Collect(maps.Keys(names))); diff != "" {
		t.Errorf("the scope of column heads: %s", diff)
	}
	for _, svg := range find(root, "svg") {
		if attribute(svg, "role") != "img" || attribute(svg, "aria-labelledby") != attribute(find(svg, "title")[0], "id") {
			t.Error("a plot without a name")
		}
	}
	policy := ""
	for _, meta := range find(root, "meta") {
		if attribute(meta, "http-equiv") == "Content-Security-Policy" {
			policy = attribute(meta, "content")
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}
