//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"

	"aws-hit-breaks/cli/config"
)

// terminal runs the command line with a terminal on all three of its streams.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) > 1, "terminal CODE FILE [ARGS...]")
	typed := ts.ReadFile(args[1])
	screen, code, err := onTerminal(typed, args[2:], []string{
		"HOME=/no-home", "TERM=xterm-256color", "WORK=" + ts.Getenv("WORK"), "PATH=" + ts.Getenv("PATH"),
		simulate + "=" + ts.Getenv(simulate), config.PathVariable + "=" + ts.Getenv(config.PathVariable),
	})
	if err != nil {
		ts.Fatalf("%v", err)
	}
	_, _ = io.WriteString(ts.Stdout(), screen)
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("aws-hit-breaks %s: exit code %d, want %s; the terminal shows:\n%s", strings.Join(args[2:], " "), code, args[0], screen)
	}
}

// onTerminal gives what the terminal was sent, and the exit code.
func onTerminal(typed string, args, env []string) (string, int, error) {
	ours, theirs, err := openTerminal()
	if err != nil {
		return "", 0, err
	}
	defer ours.Close()
	program, err := os.Executable()
	if err != nil {
		return "", 0, err
	}
	cmd := exec.Command(program, args...)
	cmd.Args[0] = "aws-hit-breaks"
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return "", 0, fmt.Errorf("start on a terminal: %w", err)
	}
	_ = theirs.Close()
	if _, err := io.WriteString(ours, typed); err != nil {
		return "", 0, fmt.Errorf("type: %w", err)
	}
	kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	var shown bytes.Buffer
	_, _ = io.Copy(&shown, ours) // ends with an error when the last of theirs is closed
	ended := (*exec.ExitError)(nil)
	if err := cmd.Wait(); errors.As(err, &ended) {
		return shown.String(), ended.ExitCode(), nil
	}
	return shown.String(), 0, nil
}

// openTerminal opens the two ends of a pseudo-terminal of 100 columns and 30 lines
// (https://man7.org/linux/man-pages/man4/pts.4.html).
func openTerminal() (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var number, locked uint32
	size := [4]uint16{30, 100}
	for _, c := range []struct {
		request uintptr
		value   unsafe.Pointer
	}{
		{syscall.TIOCGPTN, unsafe.Pointer(&number)},
		{syscall.TIOCSPTLCK, unsafe.Pointer(&locked)},
		{syscall.TIOCSWINSZ, unsafe.Pointer(&size)},
	} {
		if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, ours.Fd(), c.request, uintptr(c.value)); failed != 0 {
			return nil, nil, fmt.Errorf("set up a terminal: %w", failed)
		}
	}
	theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	return ours, theirs, err
}
