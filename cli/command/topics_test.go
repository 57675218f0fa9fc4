package command_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/pkg/settings"
)

// Every variable of our own that any package of the command line reads is in the help of the environment.
func TestTheHelpNamesEveryVariable(t *testing.T) {
	var help bytes.Buffer
	world := command.World{In: strings.NewReader(""), Out: &help, Err: &help}
	if code := command.Main(t.Context(), []string{"help", "environment"}, world); code != 0 {
		t.Fatalf("exit code %d: %s", code, &help)
	}
	named := map[string]bool{}
	for _, root := range []string{"..", "../../pkg/boot", "../../pkg/settings", "../../snapshots/bolt"} {
		if err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, name := range regexp.MustCompile(`"(AWS_HIT_BREAKS_[A-Z]+|NO_COLOR|TERM)"`).FindAllSubmatch(source, -1) {
				named[string(name[1])] = true
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	delete(named, settings.BudgetVariable) // of the functions' environment, in which doctor reads it
	for name := range named {
		if !strings.Contains(help.String(), name) {
			t.Errorf("the help does not name %s", name)
		}
	}
	if len(named) < 5 {
		t.Errorf("only %d variables were found in the sources: the test says nothing", len(named))
	}
}
