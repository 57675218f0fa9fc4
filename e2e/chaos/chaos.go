// Package chaos is what the families of fault tests share: how deep they go, from which seed, and the
// one line each prints. The families themselves are tests, beside the world that they break.
package chaos

import (
	"fmt"
	"os"
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
	text := os.Getenv("CHAOS_SEED")
	if text == "" {
		return 1
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("CHAOS_SEED=%q is not a whole number", text)
	}
	return seed
}

// Counts are what a family has been through, in the order in which they are printed.
type Counts []Count

// Count is one figure, named in the plural.
type Count struct {
	What string
	N    int
}

// Report prints the family's line. Violations are the assertions that failed; where there are any the
// test fails as well.
func Report(family string, counts Counts, violations int) {
	var line strings.Builder
	fmt.Fprintf(&line, "chaos %s:", family)
	for _, c := range counts {
		fmt.Fprintf(&line, " %s %d,", c.What, c.N)
	}
	fmt.Printf("%s violations %d\n", line.String(), violations)
}

// Replay is the command that runs one history of a test again.
func Replay(pkg, test string, seed uint64) string {
	return fmt.Sprintf("CHAOS_SEED=%d go test %s -run '^%s$' -v -count=1", seed, pkg, test)
}
