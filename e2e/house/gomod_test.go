package house

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A required names the modules of go.mod by what they are there for.
type required struct {
	Programs []string // imported by what the programs are made of
	Tests    []string // imported by tests, and by packages that only tests import
	Indirect []string // imported by other modules alone
}

// What go mod tidy would say of the first and the last block, without a network, and what it
// knows nothing of: which modules no user of the programs has to trust.
func TestGoMod(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(moduleRoot(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	got := readGoMod(string(content))
	all := slices.Concat(got.Programs, got.Tests, got.Indirect)
	moduleOf := func(path string) (string, bool) { // the longest one wins
		found := ""
		for _, m := range all {
			if within(path, m) && len(m) > len(found) {
				found = m
			}
		}
		return found, found != ""
	}

	packages := packages(t)
	ofPrograms := ofPrograms(packages)
	programs, direct := map[string]bool{}, map[string]bool{}
	for path, p := range packages {
		if !within(path, module) {
			continue
		}
		for _, i := range p.Imports {
			if m, ok := moduleOf(i); ok && ofPrograms[path] {
				programs[m] = true
			}
		}
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if m, ok := moduleOf(i); ok {
				direct[m] = true
			}
		}
	}

	var want required
	for _, m := range slices.Sorted(slices.Values(all)) {
		switch {
		case programs[m]:
			want.Programs = append(want.Programs, m)
		case direct[m]:
			want.Tests = append(want.Tests, m)
		default:
			want.Indirect = append(want.Indirect, m)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the blocks of go.mod are not for what they say (- as imported, + as written; "+
			"the second begins with %q, the third has // indirect):\n%s", testBlock, diff)
	}
}

const testBlock = "// Test dependencies"

// readGoMod reads the require blocks of a go.mod as go mod edit -fmt writes it.
func readGoMod(content string) required {
	var r required
	tests := false
	for line := range strings.Lines(content) {
		line = strings.TrimSpace(line)
		path, version, _ := strings.Cut(line, " ")
		switch {
		case line == testBlock:
			tests = true
		case line == ")":
			tests = false
		case !strings.HasPrefix(version, "v"):
		case strings.HasSuffix(line, "// indirect"):
			r.Indirect = append(r.Indirect, path)
		case tests:
			r.Tests = append(r.Tests, path)
		default:
			r.Programs = append(r.Programs, path)
		}
	}
	return r
}

// ofPrograms are the packages that the CLI, the functions and what deploys them are made of.
func ofPrograms(g graph) map[string]bool {
	reached := map[string]bool{}
	var reach func(path string)
	reach = func(path string) {
		if reached[path] {
			return
		}
		reached[path] = true
		for _, next := range g[path].Imports {
			reach(next)
		}
	}
	for path, p := range g {
		if p.Name == "main" && (within(path, module+"/cli") || within(path, module+"/functions") || within(path, infra)) {
			reach(path)
		}
	}
	return reached
}
