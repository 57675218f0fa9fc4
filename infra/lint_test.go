package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// ignored are the findings of cfn-lint that are none, each with its reason.
var ignored = []struct{ rule, message, because string }{
	{"W3037", `^'\*?[a-z]+\*' is not one of`, "a Deny of every deletion names also what a service cannot do today; that each Allow is real is proven by the tests of infra/roles"},
}

// CloudFormation finds a mistake in the middle of a deployment; cfn-lint knows its schemas beforehand.
func TestLint(t *testing.T) {
	lint := filepath.Join(root, ".venv", "bin", "cfn-lint")
	needs(t, lint)
	args := []string{"--format", "json"}
	folder := t.TempDir()
	for name, text := range map[string]string{"least": least, "full": full} {
		for stack, template := range synth(t, text).templates {
			written, err := json.Marshal(*template.ToJSON())
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, name+"-"+stack+".json")
			if err := os.WriteFile(path, written, 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, "--template", path)
		}
	}
	said, err := exec.CommandContext(t.Context(), lint, args...).Output() // an exit code says that there are findings
	var findings []struct {
		Filename, Message string
		Rule              struct {
			ID string `json:"Id"`
		}
		Location struct{ Path []any }
	}
	if json.Unmarshal(said, &findings) != nil {
		t.Fatalf("cfn-lint says %.300q, %v", said, err)
	}
	used := make([]bool, len(ignored))
findings:
	for _, f := range findings {
		for i, ignore := range ignored {
			if f.Rule.ID == ignore.rule && regexp.MustCompile(ignore.message).MatchString(f.Message) {
				used[i] = true
				continue findings
			}
		}
		t.Errorf("%s %s of %s: %.300s", f.Rule.ID, filepath.Base(f.Filename), f.Location.Path, f.Message)
	}
	for i, ignore := range ignored {
		if !used[i] {
			t.Errorf("%s is ignored, and never found: take it out of the list", ignore.rule)
		}
	}
}
