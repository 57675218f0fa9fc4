// Package ui is the only code of the CLI that prints. What a command found out (data) goes to
// standard output, what it says about it (talk) to standard error. On a terminal data are tables and
// what happens is one live view; elsewhere tables are tab-separated lines without a header and each
// thing that happens is a line.
package ui

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"
)

// Screen is where a command prints and asks.
type Screen struct {
	in       *bufio.Reader
	inFile   *os.File // standard input where it is a terminal
	out, err stream
}

// stream is one of the two ways out.
type stream struct {
	w    io.Writer
	file *os.File // where it is a terminal
	lost *error   // the first write that failed, where somebody has to know
}

// New makes a screen of a command's standard streams.
func New(in io.Reader, out, err io.Writer) *Screen {
	return &Screen{in: bufio.NewReader(in), inFile: terminal(in), out: stream{out, terminal(out), new(error)}, err: stream{w: err, file: terminal(err)}}
}

// Lost says why data did not reach standard output. That nobody reads it any more is no reason: whoever
// has closed a pipe has seen enough.
func (s *Screen) Lost() error {
	if s.out.lost == nil || *s.out.lost == nil {
		return nil
	}
	return fmt.Errorf("write to standard output: %w", *s.out.lost)
}

// keep remembers the first write that failed.
func (s stream) keep(err error) {
	if s.lost != nil && *s.lost == nil && !errors.Is(err, syscall.EPIPE) {
		*s.lost = err
	}
}

// Story is the same screen for a command whose talk is its data: all of it goes to standard output.
func (s *Screen) Story() *Screen {
	told := *s
	told.err = told.out
	return &told
}

// Into is the same screen with its data going elsewhere than to standard output.
func (s *Screen) Into(w io.Writer) *Screen {
	told := *s
	told.out = stream{w: w, lost: new(error)}
	return &told
}

// terminal is the file behind a stream if that is a terminal that can be painted on.
func terminal(stream any) *os.File {
	if file, ok := stream.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		return file
	}
	return nil
}

// size is the width and height of a terminal.
func (s stream) size() (width, height int) {
	if s.file != nil {
		if w, h, err := term.GetSize(int(s.file.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return 80, 24
}

// print writes styled text; colours go where the stream is no terminal, and with bold where NO_COLOR has
// any value (https://no-color.org), which lipgloss wants to be true or 1, and which goes before
// CLICOLOR_FORCE.
func (s stream) print(text string) {
	if os.Getenv("NO_COLOR") != "" {
		text = styles.ReplaceAllString(text, "")
	}
	_, err := lipgloss.Fprint(s.w, text)
	s.keep(err)
}

// styles are the control sequences of colours and bold.
var styles = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// Say is talk: one line.
func (s *Screen) Say(format string, args ...any) { s.err.say(fmt.Sprintf(format, args...)) }

// say prints one line, on a terminal in as many as it takes.
func (s stream) say(line string) {
	if s.file != nil {
		width, _ := s.size()
		line = fold(line, width)
	}
	s.print(line + "\n")
}

// Title is talk that begins something new.
func (s *Screen) Title(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.err.file != nil {
		text = lipgloss.NewStyle().Bold(true).Render(text)
	}
	s.err.print("\n")
	s.err.say(text)
}

// Line is data: one line.
func (s *Screen) Line(format string, args ...any) {
	s.out.print(fmt.Sprintf(format, args...) + "\n")
}

// JSON is data: one value, indented.
func (s *Screen) JSON(value any) error {
	encoder := json.NewEncoder(s.out.w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	s.out.keep(encoder.Encode(value))
	return s.Lost()
}

// CSV is data: a table for spreadsheets.
func (s *Screen) CSV(of interface{ CSV(w io.Writer) error }) error {
	s.out.keep(of.CSV(s.out.w))
	return s.Lost()
}

// Failure is how a command that failed says so: one line, or one line of JSON.
type Failure struct {
	Error string `json:"error"`
	Code  int    `json:"code"` // that the command exits with
}

// Fail says what is wrong, in one line.
func (s *Screen) Fail(f Failure, asJSON bool) {
	if asJSON {
		encoder := json.NewEncoder(s.err.w)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(f) // nobody is left to tell when this fails
		return
	}
	name := "aws-hit-breaks:"
	if s.err.file != nil {
		name = lipgloss.NewStyle().Foreground(red).Bold(true).Render(name)
	}
	s.err.say(name + " " + f.Error)
}

// CanAsk says whether somebody is there to answer.
func (s *Screen) CanAsk() bool { return s.inFile != nil }

// Ask asks for one line, until the context ends, where the one who answers can see it. The end of
// the input is an empty answer.
func (s *Screen) Ask(ctx context.Context, question string) (string, error) {
	to := s.err
	if to.file == nil && s.inFile != nil {
		to = stream{w: s.inFile, file: s.inFile} // talk goes elsewhere, the terminal can be written to as well
	}
	to.print(question + " ")
	type line struct {
		text string
		err  error
	}
	answered := make(chan line, 1)
	go func() {
		text, err := s.in.ReadString('\n')
		answered <- line{text, err}
	}()
	select {
	case a := <-answered:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return "", fmt.Errorf("read the answer: %w", a.err)
		}
		return strings.TrimSpace(a.text), nil
	case <-ctx.Done():
		to.print("\n")
		return "", fmt.Errorf("wait for the answer: %w", ctx.Err())
	}
}
