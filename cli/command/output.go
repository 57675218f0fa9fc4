package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/page"
	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/report"
)

// output is how a command writes its report, and where to.
type output struct {
	format         string // empty: a table
	file, html     string
	toFile, toHTML *target
}

// The formats of a report.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatCSV   = "csv"
)

// outputFlags adds the flags that say how a command writes its report. Before it runs they are
// checked, so that nothing is done whose report cannot be written.
func outputFlags(cmd *cobra.Command, c *cli) {
	dataFlags(cmd, c, "report")
	cmd.Flags().StringVar(&c.output.html, "html", "", "besides, write it into this file as a page for a browser")
}

// dataFlags are outputFlags for what is no page.
func dataFlags(cmd *cobra.Command, c *cli, what string) {
	flags := cmd.Flags()
	flags.StringVar(&c.output.format, "output", "", "how to write the "+what+": table, json or csv (default table)")
	flags.StringVar(&c.output.file, "file", "", "write the "+what+" into this file, in the place of standard output")
	// It fails for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(
		[]string{formatTable, formatJSON, formatCSV}, cobra.ShellCompDirectiveNoFileComp))
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.prepareOutput() }
}

func (c *cli) prepareOutput() error {
	o := &c.output
	switch o.format {
	case "", formatTable, formatJSON, formatCSV:
	default:
		return usage("--output %s: it is table, json or csv", o.format)
	}
	if c.json && o.format != "" && o.format != formatJSON {
		return usage("--json and --output %s contradict each other: leave one out", o.format)
	}
	c.json = c.json || o.format == formatJSON
	var err error
	if o.file != "" {
		if o.toFile, err = reserve(o.file); err != nil {
			return usage("--file %s: %w", o.file, cause(err))
		}
	}
	if o.html != "" {
		if o.toHTML, err = reserve(o.html); err != nil {
			return usage("--html %s: %w", o.html, cause(err))
		}
	}
	return nil
}

// show prints a report as data, and tells it in a sentence.
func (s *session) show(r report.Report, headline string) error {
	err := s.data("report", r, func(screen *ui.Screen) { screen.Report(r) }, func() {
		s.screen.Say("%s", headline)
		s.screen.Costs(r)
	})
	if err != nil {
		return err
	}
	if s.output.toHTML != nil {
		if err := s.output.toHTML.write(func(w io.Writer) error { return page.Write(w, r, headline, time.Now()) }); err != nil {
			return fmt.Errorf("write the page into %s: %w", s.output.html, err)
		}
		s.screen.Say("the page is in %s", s.output.html)
	}
	return nil
}

// data prints what a command found as the flags say, tells of it, and says which file it is in.
func (s *session) data(what string, of interface{ CSV(w io.Writer) error }, table func(*ui.Screen), tell func()) error {
	screen, text := s.screen, bytes.Buffer{}
	if s.output.toFile != nil {
		screen = screen.Into(&text)
	}
	var err error
	switch {
	case s.json:
		err = screen.JSON(of)
	case s.output.format == formatCSV:
		err = screen.CSV(of)
	default:
		table(screen)
	}
	if err != nil {
		return err
	}
	tell()
	if s.output.toFile == nil {
		return nil
	}
	if err := s.output.toFile.write(func(w io.Writer) error { _, err := text.WriteTo(w); return err }); err != nil {
		return fmt.Errorf("write the %s into %s: %w", what, s.output.file, err)
	}
	s.screen.Say("the %s is in %s", what, s.output.file)
	return nil
}

// A target is a file that will be there as a whole or, where nothing is written, be left as it was.
type target struct {
	path string
	file *os.File
	own  bool // the file is one of ours beside the path, and takes its place
}

// reserve makes sure that a file can be written.
func reserve(path string) (*target, error) {
	there, err := os.Stat(path)
	switch {
	case err == nil && there.IsDir():
		return nil, errors.New("this is a folder: name a file in it")
	case err == nil && !there.Mode().IsRegular(): // a device or a pipe stays one
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &target{path: path, file: file}, err
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // for its owner's eyes
	if err != nil {
		return nil, err
	}
	return &target{path: path, file: file, own: true}, nil
}

// cause is an error without the name of a file that nobody has asked for.
func cause(err error) error {
	if of := (*os.PathError)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

// write writes the file, once.
func (t *target) write(content func(io.Writer) error) error {
	err := content(t.file)
	if closed := t.file.Close(); err == nil {
		err = closed
	}
	if t.own && err == nil {
		err = os.Rename(t.file.Name(), t.path)
	}
	if t.own && err != nil {
		os.Remove(t.file.Name())
	}
	t.file = nil
	return err
}

// discard leaves what was not written as it was before.
func (o *output) discard() {
	for _, t := range []*target{o.toFile, o.toHTML} {
		if t != nil && t.file != nil {
			t.file.Close()
			if t.own {
				os.Remove(t.file.Name())
			}
		}
	}
}
