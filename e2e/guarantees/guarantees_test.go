package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/e2e/chaos"
)

func root(t *testing.T) string {
	root, err := chaos.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// published are the counts in the repository.
func published(t *testing.T) (results []chaos.Result) {
	text, err := os.ReadFile(filepath.Join(root(t), counts))
	if err == nil {
		err = json.Unmarshal(text, &results)
	}
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// The page is what the table and the counts say, and all that it names is there.
func TestThePageIsTrue(t *testing.T) {
	files, err := product.verify(root(t))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root(t), page))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(document(product, published(t), files), string(text)); diff != "" {
		t.Errorf("%s (-want +got; make guarantees writes it):\n%s", page, diff)
	}
}

// Every family went to full depth, without a violation.
func TestTheCountsAreWhole(t *testing.T) {
	if err := product.complete(published(t)); err != nil {
		t.Errorf("%v\nmake chaos guarantees runs all of them and writes their counts", err)
	}
}

// The counts of make chaos are those of the page: the Makefile fuzzes for as long as it says.
func TestTheMakefileFuzzesForAsLong(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "go run ./e2e/fuzz -time "+fuzzed) {
		t.Errorf("make chaos does not fuzz for %s", fuzzed)
	}
}

func TestATableThatIsNotTrueIsFound(t *testing.T) {
	for name, broken := range map[string]struct {
		change func(*table)
		want   string
	}{
		"a promise that is missing":        {func(t *table) { t.promises = t.promises[:11] }, "there are 11 promises"},
		"promises in another order":        {func(t *table) { t.promises[0].id = "P2" }, "promise 1 is P2, not P1"},
		"a promise that nothing holds":     {func(t *table) { t.promises[3].tests = nil }, "P4 has 0 tests"},
		"a promise that is in no family":   {func(t *table) { t.promises[4].fire = nil }, "and 0 families"},
		"a test that is not there":         {func(t *table) { t.promises[5].tests = held("P6", test{sim, "TestNone", ""}) }, "no test TestNone"},
		"a part that is not there":         {func(t *table) { t.promises[6].tests = held("P13") }, `no part that begins with "P13"`},
		"a family that is not there":       {func(t *table) { t.promises[7].fire[0].family = "storm" }, `no family "storm"`},
		"a family that holds nothing":      {func(t *table) { t.families = append(t.families, family{name: "calm"}) }, "family calm holds no promise"},
		"a family whose test is not there": {func(t *table) { t.families[0].test = "TestChaosNone" }, "no test TestChaosNone"},
		"a test that is of no family":      {func(t *table) { t.families[1].test = "TestChaosCrash" }, "TestChaosRaces in e2e/sim is no family"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := table{slices.Clone(promises), slices.Clone(families)}
			for i := range changed.promises {
				changed.promises[i].fire = slices.Clone(changed.promises[i].fire)
			}
			broken.change(&changed)
			if _, err := changed.verify(root(t)); err == nil || !strings.Contains(err.Error(), broken.want) {
				t.Errorf("verify says %v, want %q", err, broken.want)
			}
		})
	}
}

func TestCountsThatAreNotWholeAreNotPublished(t *testing.T) {
	for name, broken := range map[string]struct {
		change func(results []chaos.Result) []chaos.Result
		want   string
	}{
		"a family that has not run": {func(r []chaos.Result) []chaos.Result { return r[1:] }, "family crash has 0 "},
		"a sample": {func(r []chaos.Result) []chaos.Result {
			r[1].Counts = chaos.Counts{{What: "histories", N: 120}}
			return r
		}, "family races has 120 histories, and not 10000"},
		"a violation": {func(r []chaos.Result) []chaos.Result {
			r[2].Violations = 1
			return r
		}, "family hostile has 1 violations"},
		"a family that nobody knows": {func(r []chaos.Result) []chaos.Result {
			return append(r, chaos.Result{Family: "storm"})
		}, `"storm", which is no family`},
	} {
		t.Run(name, func(t *testing.T) {
			var results []chaos.Result
			for _, f := range families {
				r := chaos.Result{Family: f.name}
				for what, least := range f.least {
					r.Counts = append(r.Counts, chaos.Count{What: what, N: least})
				}
				results = append(results, r)
			}
			if err := product.complete(results); err != nil {
				t.Fatalf("whole counts are refused: %v", err)
			}
			if err := product.complete(broken.change(results)); err == nil || !strings.Contains(err.Error(), broken.want) {
				t.Errorf("complete says %v, want %q", err, broken.want)
			}
		})
	}
}
