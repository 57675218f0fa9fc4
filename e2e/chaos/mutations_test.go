package chaos

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// make mutations takes long, and is not run with every change. What it would trip over at once is found
// here: a patch to code that has changed since.
func TestMutationsApply(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	patches, err := filepath.Glob(filepath.Join(root, "e2e/chaos/mutations/*.patch"))
	if err != nil || len(patches) == 0 {
		t.Fatalf("no mutations: %v", err)
	}
	for _, patch := range patches {
		t.Run(filepath.Base(patch), func(t *testing.T) {
			check := exec.CommandContext(t.Context(), "git", "apply", "--check", patch) //nolint:gosec // a file of this tree
			check.Dir = root
			if said, err := check.CombinedOutput(); err != nil {
				t.Errorf("bring it up to date: %v\n%s", err, said)
			}
		})
	}
}
