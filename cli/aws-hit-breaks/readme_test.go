package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
)

var update = flag.Bool("update", false, "write what is generated into the README")

const readmePath = "../../README.md"

func readme(t *testing.T) string {
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is generated in the README is what the code says. -update writes it.
func TestReadmeSections(t *testing.T) {
	text := readme(t)
	for _, s := range []struct {
		name     string
		generate func(*testing.T) string
	}{{"services", serviceTable}, {"promises", promiseList}, {"exit codes", exitTable}} {
		want := "\n" + s.generate(t) + "\n"
		found := regexp.MustCompile(`(?s)<!-- ` + s.name + `: [^\n]* -->\n(.*?)<!-- end -->`).FindStringSubmatchIndex(text)
		switch {
		case found == nil:
			t.Errorf("the README has no section %q", s.name)
		case *update:
			text = text[:found[2]] + want + text[found[3]:]
		default:
			if diff := cmp.Diff(want, text[found[2]:found[3]]); diff != "" {
				t.Errorf("section %q: go test ./cli/aws-hit-breaks -run Readme -update writes it (-want +got):\n%s", s.name, diff)
			}
		}
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(readmePath, []byte(text), 0o644); err != nil { //nolint:gosec // a README is for everybody
			t.Fatal(err)
		}
	}
}

// serviceTable is what the services declare.
func serviceTable(*testing.T) string {
	var b strings.Builder
	b.WriteString("| kind | what | paused with | put back with | what AWS itself changes |\n|---|---|---|---|---|\n")
	for _, d := range services.All() {
		var byAWS []string
		for _, field := range d.ByAWS {
			byAWS = append(byAWS, fmt.Sprintf("[%s](%s)", field.Field, field.Source))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.Kind, d.Title,
			calls(d.Declaration, killswitch.WantPaused), calls(d.Declaration, killswitch.WantResumed), strings.Join(byAWS, ", "))
	}
	return b.String()
}

// calls are the IAM actions of the steps towards what is wanted, in their order.
func calls(d killswitch.Declaration, want killswitch.Want) string {
	steps := slices.DeleteFunc(slices.Clone(d.Steps), func(s killswitch.Step) bool { return s.Want != want })
	slices.SortStableFunc(steps, func(a, b killswitch.Step) int { return a.Wave - b.Wave })
	var all []string
	for _, s := range steps {
		if name := "`" + s.Calls + "`"; !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}

// promiseList are the names of the tests of the promises.
func promiseList(t *testing.T) string {
	source, err := os.ReadFile("../../e2e/sim/promises_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range regexp.MustCompile(`(?m)^\t\t\{"(P\d+) (.*?)",`).FindAllStringSubmatch(string(source), -1) {
		fmt.Fprintf(&b, "- **%s** %s\n", p[1], p[2])
	}
	if n := strings.Count(b.String(), "\n"); n != 12 {
		t.Errorf("TestPromises has %d promises, want 12", n)
	}
	return b.String()
}

// exitTable is what every command's help says.
func exitTable(t *testing.T) string {
	help := strings.Join(played(t, nil, "status", "--help"), " ")
	_, help, _ = strings.Cut(help, "Exit status: ")
	codes, rest, found := strings.Cut(help, ". ")
	if !found {
		t.Fatalf("the help does not tell the exit codes: %s", help)
	}
	var b strings.Builder
	b.WriteString("| code | |\n|---|---|\n")
	for code := range strings.SplitSeq(codes, " · ") {
		number, meaning, _ := strings.Cut(code, " ")
		fmt.Fprintf(&b, "| %s | %s |\n", number, meaning)
	}
	rest, _, _ = strings.Cut(rest, " Usage:")
	return b.String() + "\n" + strings.TrimSpace(rest) + "\n"
}

// The settings in the README are all there are, with their defaults.
func TestReadmeSettings(t *testing.T) {
	var names, want []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-zA-Z]+)` \\| `([^`]*)` \\|").FindAllStringSubmatch(readme(t), -1) {
		names = append(names, row[1])
		got, err := settings.Parse(fmt.Sprintf("{%q: %s}", row[1], row[2]))
		if err != nil {
			t.Errorf("the default of %s: %v", row[1], err)
			continue
		}
		if diff := cmp.Diff(settings.Default(), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the default of %s is another (-want +got):\n%s", row[1], diff)
		}
	}
	for field := range reflect.TypeFor[settings.Settings]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		want = append(want, name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the settings in the README (-want +got):\n%s", diff)
	}
}

// The transcripts in the README are what the commands print: every line under a command, spaces
// apart, and "…" for any number of lines. The commands of one transcript work on one small account, in which
// the brake is deployed.
func TestReadmeTranscripts(t *testing.T) {
	t.Parallel()
	transcripts := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	if len(transcripts) == 0 {
		t.Fatal("the README has no transcript")
	}
	for _, transcript := range transcripts {
		deployed := &world{account: awssim.New(awssim.Options{Seed: 1, Speed: speed, Regions: regions}), deployed: true}
		fleets["small"](deployed.account)
		deployed.account.AddTable("us-east-1", settings.DefaultTable)
		w := &command.World{
			Speed: speed, Getenv: func(string) string { return "" },
			Config: func(context.Context) (aws.Config, error) {
				return deployed.withLambda(deployed.account.Process("aws-hit-breaks").Config()), nil
			},
		}
		file := filepath.Join(t.TempDir(), "snapshots.db")
		w.File = func() (string, error) { return file, nil }
		w.Configuration = func() (string, error) { return filepath.Join(filepath.Dir(file), "config.json"), nil }
		follow(t, w, strings.Split(strings.TrimSpace(transcript[1]), "\n"))
	}
}

// follow plays a transcript to its end, or to the first line that is not printed.
func follow(t *testing.T, w *command.World, transcript []string) {
	var printed []string
	skips := false
	for _, line := range append(transcript, "$") {
		if asked, ok := strings.CutPrefix(line, "$"); ok {
			if len(printed) > 0 && !skips {
				t.Errorf("the README does not show what is printed before %q:\n\t%s", line, strings.Join(printed, "\n\t"))
				return
			}
			asked = strings.TrimPrefix(strings.TrimSpace(strings.Replace(asked, "make demo", "aws-hit-breaks demo", 1)), "aws-hit-breaks ")
			if printed, skips = nil, false; asked != "" {
				printed = played(t, w, strings.Fields(asked)...)
			}
			continue
		}
		if line == "…" {
			skips = true
			continue
		}
		at := slices.IndexFunc(printed, func(p string) bool { return slices.Equal(strings.Fields(p), strings.Fields(line)) })
		if at < 0 || at > 0 && !skips {
			t.Errorf("the README has the line\n\t%s\nwhere this is printed:\n\t%s", line, strings.Join(printed, "\n\t"))
			return
		}
		printed, skips = printed[at+1:], false
	}
}

// played are the lines that a command prints, but for the empty ones.
func played(t *testing.T, w *command.World, args ...string) []string {
	if w == nil {
		w = &command.World{}
	}
	var screen bytes.Buffer
	w.In, w.Out, w.Err = strings.NewReader(""), &screen, &screen
	if code := command.Main(t.Context(), args, *w); code != 0 {
		t.Errorf("aws-hit-breaks %s: exit code %d", strings.Join(args, " "), code)
	}
	return slices.DeleteFunc(strings.Split(screen.String(), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
}
