//go:build linux

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"pgregory.net/rapid"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/report"
)

// watched is a terminal that somebody looks at.
type watched struct {
	ours *os.File
	mu   sync.Mutex
	vt   *vt.Emulator
	raw  strings.Builder
	end  chan struct{} // the terminal was closed at the other end
}

func watch(ours *os.File, columns int) *watched {
	w := &watched{ours: ours, vt: vt.NewEmulator(columns, 50), end: make(chan struct{})}
	go func() {
		defer close(w.end)
		_, _ = io.Copy(w, ours) // ends with an error when the last of theirs is closed
	}()
	return w
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.raw.Write(b)
	return w.vt.Write(b)
}

// screen is what the terminal shows.
func (w *watched) screen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for line := range strings.SplitSeq(w.vt.String(), "\n") {
		lines = append(lines, strings.TrimRight(line, " \r"))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// until waits for a text on the screen, and gives the screen.
func (w *watched) until(t interface {
	Fatalf(string, ...any)
}, text string) string {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s := w.screen(); strings.Contains(s, text) {
			return s
		}
		select {
		case <-w.end:
			if s := w.screen(); !strings.Contains(s, text) {
				t.Fatalf("it ended, and never showed %q:\n%s", text, s)
			}
		default:
		}
	}
	t.Fatalf("the screen never shows %q:\n%s", text, w.screen())
	return ""
}

func (w *watched) typed(text string) { _, _ = io.WriteString(w.ours, text+"\r") }

// starting runs the program itself on a terminal, with a simulated account behind it.
func starting(t *testing.T, columns int, env ...string) (*watched, func() int) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Args[0] = "aws-hit-breaks"
	cmd.Env = append([]string{"HOME=/no-home", "TERM=xterm-256color", "WORK=" + t.TempDir(), simulate + "=named"}, env...)
	ours, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
	if err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	w := watch(ours, columns)
	return w, func() int {
		defer kill.Stop()
		<-w.end
		if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode()
	}
}

// steady is a screen without what differs from run to run.
func steady(screen string) string {
	screen = regexp.MustCompile(`, [0-9.]+m?s: `).ReplaceAllString(screen, ", 0s: ")
	return regexp.MustCompile(`recorded in .*`).ReplaceAllString(screen, "recorded in …")
}

// The guided way, as somebody sees it who has just seen a bill.
func TestGuidedWay(t *testing.T) {
	for name, tt := range map[string]struct {
		columns int
		env     []string
		answer  string
		code    int
		shows   []string
		without string
	}{
		"the alias":                  {100, nil, "acme-dev", 0, []string{"paused 3 of 3 resources in 2 regions; 1 left alone; nothing not inspected", "to put it back: aws-hit-breaks resume --local"}, ""},
		"the id, in a narrow window": {60, nil, "111122223333", 0, []string{"to put it back: aws-hit-breaks resume --local"}, ""},
		"without colours":            {80, []string{"NO_COLOR=yes", "CLICOLOR_FORCE=1"}, "acme-dev", 0, []string{"to put it back: aws-hit-breaks resume --local"}, `\x1b\[[0-9;:]*m`},
		"another account's":          {80, nil, "acme-prod", 4, []string{`"acme-prod" is neither acme-dev nor 111122223333`}, "pausing"},
		"nothing":                    {80, nil, "", 4, []string{"declined"}, "pausing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, wait := starting(t, tt.columns, tt.env...)
			screen := steady(w.until(t, "pause it:"))
			for _, row := range []string{
				`(?m)^SERVICE +REGION +RESOURCE +STATE( +\$/HOUR)? +\$/MONTH$`,
				`(?m)^ec2:instance +eu-west-1 +i-0web \(web\) +would-pause( +\$0.2140)? +\$156.22$`,
				`(?m)^ec2:instance +eu-west-1 +i-0kept +protected +\$`, `(?m)^rds:instance +us-east-1 +orders +would-pause +\$`,
				`(?m)^saved by a pause: \$0.5377 an hour`, `(?m)^eu-west-1 +\$0.0060 +\$4.40 +ec2:volume vol-0web$`,
				`would pause 3 resources in 2 regions`, `3 of 3 regions\s+answe`,
				`4\. stop-db-instance`, `Type the account's alias acme-dev or its id`,
			} {
				if !regexp.MustCompile(row).MatchString(screen) {
					t.Errorf("before the question the screen does not show %s:\n%s", row, screen)
				}
			}
			for line := range strings.SplitSeq(screen, "\n") {
				if len([]rune(line)) > tt.columns {
					t.Errorf("a line is wider than the window: %s", line)
				}
			}
			w.typed(tt.answer)
			if code := wait(); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			shown := strings.Join(strings.Fields(w.screen()), " ")
			for _, text := range tt.shows {
				if !strings.Contains(shown, text) {
					t.Errorf("the screen does not show %q:\n%s", text, w.screen())
				}
			}
			if tt.without != "" && regexp.MustCompile(tt.without).MatchString(w.raw.String()) {
				t.Errorf("the terminal was sent %q:\n%q", tt.without, w.raw.String())
			}
		})
	}
}

// largeCosts are an m5.large in each region of the account, from karpenter-provider-aws and SkyPilot's catalog (cli/command,
// cost_property_test.go names the files).
var largeCosts = map[string]float64{"us-east-1": 0.096, "eu-west-1": 0.107, "eu-central-1": 0.115}

// Property 14: whatever the account holds, the guided flow shows all of what a pause would touch with what it costs and
// asks, and nothing has been changed by then. Nothing is changed either where the answer is not the
// account's alias or id; where it is, what was shown is paused.
func TestProperty14GuidedFlowAsksFirst(t *testing.T) {
	test := t
	rapid.Check(t, func(t *rapid.T) {
		account := awssim.New(awssim.Options{Seed: rapid.Uint64Range(1, 1000).Draw(t, "seed"), Speed: 2000, Regions: regions})
		defer account.Shutdown()
		n, hourly := rapid.IntRange(1, 4).Draw(t, "instances"), 0.0
		for i := range n {
			region := rapid.SampledFrom(regions).Draw(t, "region")
			hourly += largeCosts[region]
			account.AddInstance(region, awssim.Instance{ID: "i-000" + string(rune('a'+i)), Type: "m5.large"})
		}
		unknown := rapid.Bool().Draw(t, "database")
		if unknown {
			account.AddDBInstance("us-east-1", awssim.DBInstance{ID: "orders", Class: "db.x9.huge"}) // which no list has
		}
		account.SetAlias("acme")
		before := account.State()
		answer := rapid.OneOf(rapid.SampledFrom([]string{"acme", account.ID(), "", "yes", "y", "ACME", "pause"}),
			rapid.StringMatching(`[a-z0-9]{1,12}`)).Draw(t, "answer")

		ours, theirs, err := pty.Open()
		if err != nil {
			t.Fatalf("%v", err)
		}
		defer ours.Close()
		_ = pty.Setsize(ours, &pty.Winsize{Rows: 50, Cols: 100})
		w := watch(ours, 100)
		folder := test.TempDir()
		ended := make(chan int, 1)
		go func() {
			defer theirs.Close()
			ended <- command.Main(context.Background(), nil, command.World{
				In: theirs, Out: theirs, Err: theirs, Getenv: func(string) string { return "" }, Speed: 2000,
				Config: func(context.Context) (aws.Config, error) { return account.Process("guided").Config(), nil },
				File:   func() (string, error) { return filepath.Join(folder, "snapshots.db"), nil },
			})
		}()
		mutated := func() (calls []string) {
			for _, c := range account.Trace() {
				if c.Mutating {
					calls = append(calls, c.String())
				}
			}
			return calls
		}
		screen := w.until(t, "pause it:")
		for i := range n {
			if id := "i-000" + string(rune('a'+i)); !regexp.MustCompile(id + ` +would-pause`).MatchString(screen) {
				t.Errorf("before the question %s is not shown:\n%s", id, screen)
			}
		}
		figures := regexp.QuoteMeta(report.Dollars(hourly) + " an hour, " + report.Dollars(24*hourly) + " a day, " + report.Dollars(730*hourly) + " a month")
		costs := []string{`(?m)^running: ` + figures, `(?m)^saved by a pause: ` + figures, `(?m)^goes on to cost: \S+`}
		if unknown {
			costs = append(costs, `(?m)^Not in the sums: 1 resource of unknown cost`, `(?m)^rds:instance +us-east-1 +orders +would-pause +unknown`)
		}
		for _, cost := range costs {
			if !regexp.MustCompile(cost).MatchString(screen) {
				t.Errorf("before the question the screen does not show %s:\n%s", cost, screen)
			}
		}
		if calls := mutated(); len(calls) > 0 {
			t.Fatalf("before the question was answered: %q", calls)
		}
		w.typed(answer)
		code := <-ended
		if answer == "acme" || answer == account.ID() {
			if code != 0 || len(mutated()) == 0 {
				t.Errorf("the answer %q: exit code %d after %q", answer, code, mutated())
			}
			return
		}
		different, _ := awssim.Compare(before, account.State())
		if code != 4 || len(mutated()) > 0 || len(different) > 0 {
			t.Errorf("the answer %q: exit code %d, changed %v by %q", answer, code, different, mutated())
		}
	})
}
