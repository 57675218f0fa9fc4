package moto_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// command is the CLI with the world's credentials, and more of the environment.
func (w *world) command(env []string, args ...string) *exec.Cmd {
	w.Helper()
	path, err := builtCLI()
	if err != nil {
		w.Fatal(err)
	}
	cmd := exec.CommandContext(w.Context(), path, args...)
	cmd.Env = append(append(w.env[:len(w.env):len(w.env)], "AWS_HIT_BREAKS_SETTINGS="+ours), env...)
	cmd.Dir = w.TempDir()
	return cmd
}

// said is what a command wrote, and how it ended.
type said struct {
	out, talk string
	code      int
}

// run runs the CLI to its end.
func (w *world) run(env []string, args ...string) said {
	w.Helper()
	cmd := w.command(env, args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	w.Logf("%v took %.1f s", args, time.Since(began).Seconds())
	return said{out.String(), talk.String(), cmd.ProcessState.ExitCode()}
}

// report runs a command that has to end well, and reads the report it prints.
func (w *world) report(env []string, args ...string) report {
	w.Helper()
	s := w.run(env, append(args, "--json")...)
	if s.code != 0 {
		w.Fatalf("%v ended with code %d:\n%s%s", args, s.code, s.out, s.talk)
	}
	var r report
	if err := json.Unmarshal([]byte(s.out), &r); err != nil {
		w.Fatalf("%v prints no report: %v\n%s", args, err, s.out)
	}
	return r
}

// fails runs a command that has to end in one line of error.
func (w *world) fails(env []string, code int, says string, args ...string) {
	w.Helper()
	s := w.run(env, args...)
	if s.code != code || s.out != "" || strings.Count(s.talk, "\n") != 1 || !strings.Contains(s.talk, says) {
		w.Errorf("%v ended with code %d, want %d and one line with %q:\n%s%s", args, s.code, code, says, s.out, s.talk)
	}
}

// ticking invokes the guard every few seconds, as its schedule does, until the test ends.
func (w *world) ticking() {
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for every := time.NewTicker(5 * time.Second); ; {
			select {
			case <-every.C:
				_, _ = w.host.Invoke(ctx, "aws-hit-breaks-guard", []byte(w.tick())) // it is in the log
			case <-ctx.Done():
				return
			}
		}
	}()
	w.Cleanup(func() { stop(); <-ended })
}

// TestCommand pauses and resumes through the deployed functions.
func TestCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "222233334444")
	w.seed()
	before := w.describe()
	w.ticking()
	env := []string{"AWS_ENDPOINT_URL_LAMBDA=" + w.host.URL, "AWS_HIT_BREAKS_TABLE=" + table}
	w.changes(w.account)

	w.fails(env, 2, "--yes", "pause")
	w.fails(env, 2, "mars-north-1", "pause", "--yes", "--region", "mars-north-1")
	w.fails(env, 10, "nothing is paused", "resume", "--yes")
	w.fails([]string{env[0], "AWS_HIT_BREAKS_TABLE=no-such-table"}, 1, "no-such-table", "pause", "--yes")
	r := w.report(env, "pause", "--dry-run")
	w.equal("phases of the dry run", and(phases("would-pause"), refusing, "would-pause"), r.phases())
	w.unchanged("what is refused, and a dry run")

	r = w.report(env, "pause", "--yes")
	w.equal("phases after the pause", and(phases("paused"), refusing, "cannot-pause"), r.phases())
	w.equal("what the pause changed", paused(), changed(before, w.describe()))
	w.changes(w.account)
	r = w.report(env, "status")
	w.equal("phases of the status", and(phases("paused"), refusing, "cannot-pause"), r.phases())
	w.unchanged("status")

	r = w.report(env, "resume", "--yes")
	w.equal("phases after the resume", and(phases("resumed"), refusing, "untouched"), r.phases())
	w.equal("what differs from before the pause", map[string]string{}, changed(before, w.describe()))
}

// TestLocalCommand pauses and resumes an account in which nothing is deployed, from a file; the
// first run is interrupted and the second goes on.
func TestLocalCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "333344445555")
	w.seed()
	before := w.describe()
	w.changes(w.account)
	w.fails(nil, 10, "nothing is paused", "resume", "--local", "--yes")
	w.unchanged("a resume of what is not paused")

	w.interrupt("pause", "--local", "--yes")
	r := w.report(nil, "pause", "--local", "--yes")
	w.equal("phases after the pause", and(phases("paused"), refusing, "cannot-pause"), r.phases())
	w.equal("what the pause changed", paused(), changed(before, w.describe()))
	home, _ := strings.CutPrefix(w.env[0], "HOME=")
	if _, err := os.Stat(filepath.Join(home, ".aws-hit-breaks", "snapshots.db")); err != nil {
		t.Error(err)
	}

	r = w.report(nil, "resume", "--local", "--yes")
	w.equal("phases after the resume", and(phases("resumed"), refusing, "untouched"), r.phases())
	w.equal("what differs from before the pause", map[string]string{}, changed(before, w.describe()))
	if items := w.items(""); len(items) > 0 {
		t.Errorf("%d items were written into the table", len(items))
	}
}

// interrupt runs the CLI and presses Ctrl-C once it has changed something.
func (w *world) interrupt(args ...string) {
	w.Helper()
	cmd := w.command(nil, args...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); len(w.changes(w.account)) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Errorf("%v changed nothing for a minute", args)
			break
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		w.Error(err)
	}
	_ = cmd.Wait() // the code tells
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(talk.String(), "interrupted") {
		w.Errorf("interrupted, %v ends with code %d:\n%s", args, code, &talk)
	}
}
