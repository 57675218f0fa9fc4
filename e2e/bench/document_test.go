package bench

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"aws-hit-breaks/e2e/floor"
)

// full says whether everything is measured, for as long as that takes, and docs/performance.md is written.
func full() bool { return os.Getenv("BENCH") == "full" }

const performance = "../../docs/performance.md"

// part is what stands between two lines of the document: <!-- name --> and <!-- /name -->.
func part(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)(<!-- ` + name + ` -->\n).*(<!-- /` + name + ` -->)`)
}

// document writes a part of the document.
func document(t *testing.T, name, text string) {
	t.Helper()
	if !full() {
		return
	}
	old, err := os.ReadFile(performance)
	if err != nil {
		t.Fatal(err)
	}
	if !part(name).Match(old) {
		t.Fatalf("%s has no part %q to write", performance, name)
	}
	text = strings.ReplaceAll("${1}"+strings.ReplaceAll(strings.TrimSpace(text), "$", "$$")+"\n${2}", "\n\n\n", "\n\n")
	if err := os.WriteFile(performance, part(name).ReplaceAll(old, []byte(text)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table is the figures of all fleets in Markdown.
func table(fleets []string, all map[string][]figures) string {
	var out strings.Builder
	out.WriteString("| Fleet | | Last acceptance | All observed |")
	for _, column := range floor.Column {
		out.WriteString(" Calls: " + column + " |")
	}
	out.WriteString(" First stop | Dollars burnt |\n|---|---|---|---|---|---|---|--:|---|\n")
	for _, fleet := range fleets {
		for _, f := range all[fleet] {
			accepted, observed := f.timeRatios()
			fmt.Fprintf(&out, "| *%s* | %s | %.0f s / %.0f s = %.2f | %.0f s / %.0f s = %.2f |", fleet, f.run.Act,
				f.accepted.Seconds(), f.least.Accepted.Seconds(), accepted, f.observed.Seconds(), f.least.Observed.Seconds(), observed)
			for i := range floor.Column {
				fmt.Fprintf(&out, " %d / %d = %.2f |", f.made[i], f.fewest[i], ratio(f.made[i], f.fewest[i]))
			}
			if f.run.Act != "pause" {
				out.WriteString(" | |\n")
				continue
			}
			fmt.Fprintf(&out, " %.2f s | $%.2f / $%.2f = %.2f |\n", f.first.Seconds(), f.dollars.Burnt, f.dollars.Least,
				f.dollars.Burnt/f.dollars.Least)
		}
	}
	return out.String()
}

// What make bench writes has a place in the document, and there is something in it.
func TestDocumentHasEveryPart(t *testing.T) {
	text, err := os.ReadFile(performance)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"figures", "growth", "quotas"} {
		found := part(name).Find(text)
		if found == nil {
			t.Errorf("%s has no part %q", performance, name)
		} else if !strings.Contains(string(found), "|") {
			t.Errorf("the part %q of %s is empty: run make bench", name, performance)
		}
	}
}
