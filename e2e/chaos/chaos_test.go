package chaos

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repository is an empty one, with the working directory deep in it.
func repository(t *testing.T) (root string) {
	root = t.TempDir()
	deep := filepath.Join(root, "e2e", "sim")
	if err := os.MkdirAll(deep, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	return root
}

func TestWhatAFamilyWentThroughIsKeptAtFullDepthOnly(t *testing.T) {
	root := repository(t)
	file := filepath.Join(root, Kept, "kill_-9.json")
	counts := Counts{{"histories", 100}, {"kills", 97}}

	t.Setenv("CHAOS", "")
	t.Setenv("CHAOS_SEED", "")
	if err := Report("kill -9", counts, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Fatalf("a sample is kept: %v", err)
	}

	t.Setenv("CHAOS", "full")
	t.Setenv("CHAOS_SEED", "7")
	if err := Report("kill -9", counts, 2); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	var got Result
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Result{"kill -9", 7, counts, 2}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if line, want := got.String(), "chaos kill -9: histories 100, kills 97, violations 2"; line != want {
		t.Errorf("the line is %q, want %q", line, want)
	}
}

// Rapid takes the seed 0 for any, which could not be run again.
func TestSeedsThatAreNone(t *testing.T) {
	for _, text := range []string{"0", "-1", "one", "1.5"} {
		t.Setenv("CHAOS_SEED", text)
		if _, err := seed(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("CHAOS_SEED=%s: %v", text, err)
		}
	}
}

func TestReplayNamesOneHistory(t *testing.T) {
	want := `CHAOS_SEED=9 go test ./e2e/sim -run '^TestChaosRaces$/^seed$/^9$' -v -count=1`
	if got := Replay("./e2e/sim", "TestChaosRaces/seed/9", 9); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
