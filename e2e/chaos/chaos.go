// Package chaos is what the families of fault tests share: how deep they go, from which seed, the one
// line each prints, and what is kept of it for docs/guarantees.md. The families themselves are tests,
// beside the world that they break.
package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Full says whether the families run at full depth (make chaos) or as a sample (make test).
func Full() bool { return os.Getenv("CHAOS") == "full" }

// Depth is how many histories a family runs.
func Depth(sample, full int) int {
	if Full() {
		return full
	}
	return sample
}

// Seed is what every random choice of a family begins with: CHAOS_SEED, or 1.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, err := seed()
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func seed() (uint64, error) {
	text := os.Getenv("CHAOS_SEED")
	if text == "" {
		return 1, nil
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil || seed == 0 {
		return 0, fmt.Errorf("CHAOS_SEED=%q is not a whole number from 1 on", text)
	}
	return seed, nil
}

// Counts are what a family has been through, in the order in which they are printed.
type Counts []Count

// Count is one figure, named in the plural.
type Count struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// Of is the count that is named so; 0 where there is none.
func (c Counts) Of(what string) int {
	for _, count := range c {
		if count.What == what {
			return count.N
		}
	}
	return 0
}

// Result is a family after its last history. It says nothing of when: the same run again is the same result.
type Result struct {
	Family     string `json:"family"`
	Seed       uint64 `json:"seed"`
	Counts     Counts `json:"counts"`
	Violations int    `json:"violations"` // assertions that failed; where there are any the test fails as well
}

// Report prints the family's line, and keeps it where the family went to full depth.
func Report(family string, counts Counts, violations int) error {
	r := Result{Family: family, Counts: counts, Violations: violations}
	fmt.Println(r)
	if !Full() {
		return nil
	}
	var err error
	if r.Seed, err = seed(); err != nil {
		return err
	}
	if err := r.keep(); err != nil {
		return fmt.Errorf("keep the counts of the family %s: %w", family, err)
	}
	return nil
}

// String is the line.
func (r Result) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "chaos %s:", r.Family)
	for _, c := range r.Counts {
		fmt.Fprintf(&line, " %s %d,", c.What, c.N)
	}
	return fmt.Sprintf("%s violations %d", line.String(), r.Violations)
}

// Kept is the folder with a file for each family that went to full depth, below the root of the repository.
const Kept = "build/chaos"

func (r Result) keep() error {
	root, err := Root()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	file := filepath.Join(root, Kept, strings.ReplaceAll(r.Family, " ", "_")+".json")
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// Root is the root of the repository, at or above the working directory.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", fmt.Errorf("no go.mod at or above the working directory")
		}
		folder = above
	}
}

// Replay is the command that runs one history of a test again.
func Replay(pkg, test string, seed uint64) string {
	return fmt.Sprintf("CHAOS_SEED=%d go test %s -run '%s' -v -count=1", seed, pkg, Pattern(test))
}

// Pattern matches the test of that name, and no other. It takes a pattern for each level of a name.
func Pattern(test string) string {
	return "^" + strings.ReplaceAll(test, "/", "$/^") + "$"
}
