package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"aws-hit-breaks/cli/config"
)

// addAlias lets the AWS CLI run this program as `aws hit breaks`
// (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-alias.html).
func (c *cli) addAlias() error {
	if runtime.GOOS == "windows" {
		return errors.New("the AWS CLI gives aliases to cmd.exe on Windows, which cannot pass on what follows them: call aws-hit-breaks itself")
	}
	home := c.Getenv("HOME")
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return fmt.Errorf("there is no home folder for .aws/cli/alias: %w", err)
		}
	}
	program, err := programName()
	if err != nil {
		return err
	}
	path := filepath.Join(home, ".aws", "cli", "alias")
	mode := fs.FileMode(0o600)
	if there, err := os.Stat(path); err == nil {
		mode = there.Mode().Perm()
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the aliases of the AWS CLI: %w", err)
	}
	after, err := withAlias(before, program)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err == nil && bytes.Equal(before, after) {
		c.screen.Say("`aws hit breaks` is in %s already", path)
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the aliases: %w", err)
	}
	if err := config.Replace(path, after, mode); err != nil {
		return fmt.Errorf("write the aliases of the AWS CLI: %w", err)
	}
	c.screen.Say("`aws hit breaks` runs %s: it is in %s", program, path)
	return nil
}

// programName is how a shell finds this program: by its name, or else by where it is.
func programName() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find where this program is: %w", err)
	}
	if found, err := exec.LookPath("aws-hit-breaks"); err == nil {
		if a, err := os.Stat(found); err == nil {
			if b, err := os.Stat(self); err == nil && os.SameFile(a, b) {
				return "aws-hit-breaks", nil
			}
		}
	}
	return self, nil
}

// The lines of an alias file that matter here. Names are in any case there, as in every file of its kind.
var (
	topLevel = regexp.MustCompile(`^\[toplevel\]\s*$`)
	section  = regexp.MustCompile(`^\[`)
	hitAlias = regexp.MustCompile(`(?i)^hit\s*[=:]`)
)

// withAlias adds the alias to the file, every other byte of which stays as it is.
func withAlias(file []byte, program string) ([]byte, error) {
	ours := `hit = !f() { if [ "$1" = breaks ]; then shift; ` + quoted(program) +
		` "$@"; else echo "aws hit: the only command is: aws hit breaks" >&2; return 252; fi; }; f`
	lines := strings.SplitAfter(string(file), "\n")
	end := "\n"
	if strings.Contains(string(file), "\r\n") {
		end = "\r\n"
	}
	header, inside := -1, false
	for i, line := range lines {
		text := strings.TrimRight(line, "\r\n")
		switch {
		case section.MatchString(text):
			inside = topLevel.MatchString(text)
			if inside && header < 0 {
				header = i
			}
		case !inside || !hitAlias.MatchString(text):
		case text == ours:
			return file, nil
		case !strings.Contains(text, "aws-hit-breaks"):
			return nil, fmt.Errorf("there is another alias hit, which is not ours to change: %.80s", text)
		default: // ours, of a program that was elsewhere
			lines[i] = ours + line[len(text):]
			return []byte(strings.Join(lines, "")), nil
		}
	}
	text := string(file)
	switch {
	case header >= 0:
		if !strings.HasSuffix(lines[header], "\n") {
			lines[header] += end
		}
		lines[header] += ours + end
		return []byte(strings.Join(lines, "")), nil
	case text != "" && !strings.HasSuffix(text, "\n"):
		text += end
	}
	return []byte(text + "[toplevel]" + end + ours + end), nil
}
