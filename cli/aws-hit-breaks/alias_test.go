package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// With the alias the real AWS CLI runs the command line, with its arguments, its streams and its exit code.
func TestTheAWSCLIRunsTheAlias(t *testing.T) {
	t.Parallel()
	aws, err := filepath.Abs("../../.venv/bin/aws")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(aws); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("make tools installs the AWS CLI: %v", err)
		}
		t.Skip("make tools installs the AWS CLI")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, home := t.TempDir(), t.TempDir()
	program := filepath.Join(bin, "aws-hit-breaks") // by whose name the test binary is the program
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":" + os.Getenv("PATH"), simulate + "=small", "WORK=" + home}
		said, err := cmd.CombinedOutput()
		ended := (*exec.ExitError)(nil)
		if err != nil && !errors.As(err, &ended) {
			t.Fatal(err)
		}
		return string(said), cmd.ProcessState.ExitCode()
	}
	others := "[toplevel]\n# mine\nwhoami = sts get-caller-identity\ngreet = !echo hello\n"
	file := filepath.Join(home, ".aws", "cli", "alias")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(others), 0o640); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if said, code := run(program, "setup", "--alias"); code != 0 {
			t.Fatalf("setup --alias: exit code %d\n%s", code, said)
		}
	}
	for _, tt := range []struct {
		args []string
		says string
		code int
	}{
		{[]string{"hit", "breaks", "discover", "--region", "eu-*"}, "i-0web", 0},
		{[]string{"hit", "breaks", "discover", "--id", "a b; c"}, "", 0},
		{[]string{"hit", "breaks", "version"}, "aws-hit-breaks ", 0},
		{[]string{"hit", "breaks", "puase"}, "there is no command", 2},
		{[]string{"hit", "breaks", "resume"}, "no snapshot table", 1},
		{[]string{"hit", "me"}, "aws hit breaks", 252},
		{[]string{"greet"}, "hello", 0},
	} {
		if said, code := run(aws, tt.args...); code != tt.code || !strings.Contains(said, tt.says) {
			t.Errorf("aws %q: exit code %d, want %d and %q:\n%s", tt.args, code, tt.code, tt.says, said)
		}
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(after), "\n")
	if got := lines[0] + strings.Join(lines[2:], ""); got != others {
		t.Errorf("the other aliases were %q, and are %q", others, got)
	}
	if there, err := os.Stat(file); err != nil || there.Mode().Perm() != 0o640 {
		t.Errorf("the file has mode %v, %v, want 640", there.Mode(), err)
	}
}
