//go:build linux

package command

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/creack/pty"
	"github.com/spf13/cobra"

	"aws-hit-breaks/pkg/awssim"
)

// walk is a story that every command has a part in. ID is that of the snapshot, FILE one of the story's own.
var walk = []struct {
	command, args string
	code          int
}{
	{"services", "", 0}, {"version", "", 0}, {"demo", "--speed 400", 0},
	{"setup", "--template", 0}, {"setup", "--console", 0}, {"setup", "--no-role", 0}, {"setup", "--deploy --yes", 0},
	{"setup", "--role arn:aws:iam::111122223333:role/nobody", 12}, {"setup", "--no-role", 0}, {"setup", "--alias", 0},
	{"discover", "", 0}, {"doctor", "", 3}, {"", "--dry-run --local", 0}, {"pause", "--local --dry-run", 0}, {"pause", "--local --yes", 0},
	{"", "--status --local", 0}, {"status", "--local", 0}, {"status", "", 1},
	{"snapshots list", "--local", 0}, {"snapshots show", "ID --local", 0}, {"snapshots check", "ID --local", 0},
	{"snapshots export", "ID --local", 0}, {"snapshots delete", "ID --local --yes", 1},
	{"snapshots give-up", "ID --local --yes --id orders", 0}, {"resume", "--local --dry-run", 0}, {"resume", "--local --service ecs", 0},
	{"snapshots resume", "ID --local", 0}, {"resume", "--local", 10},
	{"snapshots export", "ID --local --file FILE", 0}, {"snapshots delete", "ID --local --yes", 0}, {"snapshots import", "--local --file FILE", 0},
}

// excepted print help, or code for a shell, and no data.
var excepted = regexp.MustCompile(`^(help|completion.*|snapshots)$`)

// teller plays the walk in one way.
type teller struct {
	t       *testing.T
	account *awssim.Account
	folder  string
	id      string
}

func newTeller(t *testing.T) *teller {
	account := awssim.New(awssim.Options{Seed: 1, Speed: 2000, Regions: []string{"us-east-1", "eu-west-1"}})
	t.Cleanup(account.Shutdown)
	account.AddInstance("eu-west-1", awssim.Instance{ID: "i-0web", Type: "m5.xlarge"})
	account.AddDBInstance("us-east-1", awssim.DBInstance{ID: "orders", Class: "db.r6g.large"})
	account.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "main"})
	account.AddECSService("us-east-1", awssim.ECSService{Cluster: "main", Name: "api", Desired: 2})
	return &teller{t: t, account: account, folder: t.TempDir()}
}

func (w *teller) path(name string) string { return filepath.Join(w.folder, name) }

// run gives a command line to the program.
func (w *teller) run(in io.Reader, out, err io.Writer, line ...string) int {
	return Main(w.t.Context(), line, World{
		In: in, Out: out, Err: err, Speed: 2000,
		Getenv:        func(name string) string { return map[string]string{"HOME": w.folder}[name] },
		Config:        func(context.Context) (aws.Config, error) { return w.account.Process("walk").Config(), nil },
		File:          func() (string, error) { return w.path("snapshots.db"), nil },
		Configuration: func() (string, error) { return w.path("config.json"), nil },
	})
}

// line is the command line of one part of the story.
func (w *teller) line(command, args string) []string {
	line := strings.Fields(command + " " + args)
	for i, word := range line {
		switch word {
		case "ID":
			line[i] = w.snapshot()
		case "FILE":
			line[i] = w.path("kept.json")
		}
	}
	return line
}

// snapshot is the id of the story's snapshot.
func (w *teller) snapshot() string {
	if w.id == "" {
		var list bytes.Buffer
		w.run(strings.NewReader(""), &list, io.Discard, "snapshots", "list", "--local", "--json")
		w.id = regexp.MustCompile(`[0-9]{8}T[0-9]{6}Z-[0-9a-f]+`).FindString(list.String())
	}
	return w.id
}

// TestTheWalkHasEveryCommand: what is added to the root has to be added to the walk.
func TestTheWalkHasEveryCommand(t *testing.T) {
	root := newRoot(&cli{})
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	known := map[string]bool{}
	for _, part := range walk {
		known[part.command] = true
	}
	var see func(*cobra.Command)
	see = func(cmd *cobra.Command) {
		name := strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), root.Name()))
		if cmd.Runnable() && !excepted.MatchString(name) && !known[name] {
			t.Errorf("the walk has no part for %q: add one", name)
		}
		delete(known, name)
		for _, sub := range cmd.Commands() {
			see(sub)
		}
	}
	see(root)
	for name := range known {
		t.Errorf("the walk has a part for %q, which is no command", name)
	}
}

// TestStandardOutputIsData: where a command prints anything on standard output, with --json it prints one
// value of JSON there and nothing else; the end and whether there is data is the same. An error is on
// standard error, with --json as JSON. Where there is no terminal, there is no control sequence anywhere.
func TestStandardOutputIsData(t *testing.T) {
	t.Setenv("NO_COLOR", "yes")
	t.Setenv("CLICOLOR_FORCE", "1")
	plain, asJSON := newTeller(t), newTeller(t)
	for _, part := range walk {
		var out, talk, data, told bytes.Buffer
		line := plain.line(part.command, part.args)
		code := plain.run(strings.NewReader(""), &out, &talk, line...)
		if code != part.code {
			t.Fatalf("%q: exit code %d, want %d: %s%s", line, code, part.code, &out, &talk)
		}
		if all := out.String() + talk.String(); strings.Contains(all, "\x1b") {
			t.Errorf("%q prints control sequences: %q", line, all)
		}
		line = append(asJSON.line(part.command, part.args), "--json")
		if code := asJSON.run(strings.NewReader(""), &data, &told, line...); code != part.code {
			t.Fatalf("%q: exit code %d, want %d: %s%s", line, code, part.code, &data, &told)
		}
		if out.Len() > 0 && data.Len() == 0 {
			t.Errorf("%q prints data without --json alone:\n%s", line, &out)
		}
		if data.Len() > 0 && !json.Valid(data.Bytes()) {
			t.Errorf("%q prints what is not one value of JSON:\n%s", line, &data)
		}
		if last := told.String(); code != codeOK && code != codePartial {
			last = last[strings.LastIndexByte(strings.TrimSuffix(last, "\n"), '\n')+1:]
			if failure := (struct{ Code int }{}); json.Unmarshal([]byte(last), &failure) != nil || failure.Code != code {
				t.Errorf("%q ends with %d and says %q", line, code, last)
			}
		}
	}
}

// TestNoColourOnATerminal: NO_COLOR with any value takes colours and bold away. Without it there are some.
func TestNoColourOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	for _, value := range []string{"", "yes"} {
		t.Setenv("NO_COLOR", value)
		w := newTeller(t)
		coloured := 0
		for _, part := range walk {
			line := w.line(part.command, part.args)
			ours, theirs, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			shown := make(chan []byte)
			go func() {
				all, _ := io.ReadAll(ours) // ends with an error when the last of theirs is closed
				shown <- all
			}()
			code := w.run(theirs, theirs, theirs, line...)
			_ = theirs.Close()
			text := <-shown
			_ = ours.Close()
			if code != part.code {
				t.Errorf("%q on a terminal: exit code %d, want %d: %s", line, code, part.code, text)
			}
			if regexp.MustCompile(`\x1b\[[0-9;:]*m`).Match(text) {
				coloured++
				if value != "" {
					t.Errorf("%q has colours: %q", line, text)
				}
			}
		}
		if value == "" && coloured < 10 {
			t.Errorf("%d of %d have colours without NO_COLOR: the test says nothing", coloured, len(walk))
		}
	}
}

// Whose rights a command has is said in one way.
func TestTheHelpSaysWhoseRightsACommandHas(t *testing.T) {
	said := 0
	var see func(*cobra.Command)
	see = func(cmd *cobra.Command) {
		text := cmd.Long + cmd.LocalFlags().FlagUsages()
		if strings.Contains(strings.ReplaceAll(text, rights, ""), "with your credentials") {
			t.Errorf("the help of %s names other rights than %q", cmd.CommandPath(), rights)
		}
		if here := regexp.MustCompile(`(run|runs|do it) here\b`); here.MatchString(text) {
			said++
			if !strings.Contains(text, "here, "+rights) {
				t.Errorf("the help of %s does not say %q", cmd.CommandPath(), rights)
			}
		}
		for _, of := range cmd.Commands() {
			see(of)
		}
	}
	see(newRoot(&cli{}))
	if said < 7 {
		t.Errorf("%d commands say what rights they have here", said)
	}
}
