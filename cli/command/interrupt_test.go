package command_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/settings"
)

// pressing is a standard error at which somebody presses Ctrl-C when a text appears.
type pressing struct {
	mu    sync.Mutex
	seen  bytes.Buffer
	text  string
	press func()
}

func (p *pressing) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Write(b)
	if strings.Contains(p.seen.String(), p.text) {
		p.press()
	}
	return len(b), nil
}

func (p *pressing) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// Ctrl-C in the middle of a run ends it cleanly, and the same command again goes on from there.
func TestCtrlCIsSafe(t *testing.T) {
	account := awssim.New(awssim.Options{Seed: 1, Speed: 200, Regions: awssim.StartupRegions})
	awssim.Startup(account)
	account.AddTable(awssim.StartupRegions[0], settings.DefaultTable)
	before := account.State()
	run := func(pressAt string, args ...string) (int, string) {
		ctx, press := context.WithCancel(t.Context())
		defer press()
		talk := &pressing{text: pressAt, press: press}
		if pressAt == "" {
			talk.press = func() {}
		}
		code := command.Main(ctx, args, command.World{
			In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: talk, Getenv: func(string) string { return "" }, Speed: 200,
			Config: func(context.Context) (aws.Config, error) {
				return account.Process(strings.Join(args, " ")).Config(), nil
			},
			File: func() (string, error) { return filepath.Join(t.TempDir(), "snapshots.db"), nil },
		})
		return code, talk.String()
	}
	for _, test := range []struct {
		pressAt string
		args    []string
		code    int
		says    string
	}{
		{": pausing", []string{"pause", "--local", "--yes"}, 130, "interrupted: what was under way is recorded: the same command again goes on"},
		{"", []string{"pause", "--local", "--yes"}, 0, "paused "},
		{": resuming", []string{"resume", "--local"}, 130, "interrupted: what was under way is recorded: the same command again goes on"},
		{"", []string{"resume", "--local"}, 0, "resumed "},
	} {
		code, talk := run(test.pressAt, test.args...)
		if code != test.code || !strings.Contains(talk, test.says) {
			t.Fatalf("%v: exit code %d, want %d and %q; it said:\n%s", test.args, code, test.code, test.says, talk)
		}
	}
	if different, _ := awssim.Compare(before, account.State()); len(different) > 0 {
		t.Errorf("the account is not as it was: %+v", different)
	}
}
