// Command fuzz runs every fuzz target of the tree, one after the other, and prints what they have
// been through. It is a family of make chaos, of which make test runs a little.
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"aws-hit-breaks/e2e/chaos"
)

func main() {
	every := flag.String("time", "5s", "for how long each target is fuzzed: 5s, or so many executions: 1000x")
	alarms := flag.String("alarms", "", "for how long the parser of alarms is, whose words come from outside; empty for as long as the others")
	flag.Parse()
	if err := run(*every, cmp.Or(*alarms, *every)); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(every, alarms string) error {
	targets, err := find(".", "cli", "e2e", "functions", "infra", "pkg", "snapshots")
	if err != nil {
		return err
	}
	executions, crashes := 0, 0
	for _, t := range targets {
		long := every
		if t == (target{"./pkg/alarm", "FuzzParse"}) {
			long = alarms
		}
		fmt.Printf("fuzz %s %s for %s\n", t.pkg, t.name, long)
		n, said, err := t.fuzz(long)
		executions += n
		if err != nil {
			crashes++
			fmt.Printf("%s\nreplay: %s\n", said, t.replay(string(said)))
		}
	}
	if err := chaos.Report("fuzz", chaos.Counts{
		{What: "targets", N: len(targets)}, {What: "executions", N: executions}, {What: "crashes", N: crashes},
	}, crashes); err != nil {
		return err
	}
	if crashes > 0 {
		return fmt.Errorf("%d of %d targets failed", crashes, len(targets))
	}
	return nil
}

// target is one fuzz target.
type target struct{ pkg, name string }

var declared = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)

// find names the fuzz targets of the folders below a root, in the order of their files.
func find(root string, folders ...string) (targets []target, err error) {
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path) //nolint:gosec // a file of this repository
			if err != nil {
				return err
			}
			pkg, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			for _, f := range declared.FindAllSubmatch(source, -1) {
				targets = append(targets, target{"./" + filepath.ToSlash(pkg), string(f[1])})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("no fuzz targets below %v", folders)
	}
	return targets, nil
}

// fuzz runs the target, and counts how often it was executed.
func (t target) fuzz(long string) (executions int, said []byte, err error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", long, //nolint:gosec // names of this repository
		"-fuzzminimizetime", "20x", t.pkg)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err = cmd.Run(); onlyTheTimeIsUp.Match(out.Bytes()) {
		err = nil
	}
	return executed(out.String()), out.Bytes(), err
}

// Now and then go test calls it a failure that the time is up, when nothing failed and no input was
// written: https://go.dev/issue/75804, mended in Go 1.27.
var onlyTheTimeIsUp = regexp.MustCompile(`(?m)^--- FAIL: Fuzz\w+ \([\d.]+s\)\n {4}context deadline exceeded\nFAIL$`)

var execs = regexp.MustCompile(`(?m)^fuzz: .*execs: (\d+)`)

// executed is the last count that go test tells.
func executed(said string) (n int) {
	for _, m := range execs.FindAllStringSubmatch(said, -1) {
		n, _ = strconv.Atoi(m[1]) // it is of digits
	}
	return n
}

var failing = regexp.MustCompile(`go test -run=(\S+)`)

// replay is the command that runs the input again that failed, which go test has written to a file.
func (t target) replay(said string) string {
	input := t.name
	if m := failing.FindStringSubmatch(said); m != nil {
		input = m[1]
	}
	return fmt.Sprintf("go test %s -run '%s' -count=1", t.pkg, chaos.Pattern(input))
}
