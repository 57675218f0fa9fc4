package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"aws-hit-breaks/e2e/chaos"
)

// table is everything that the page says but the counts.
type table struct {
	promises []promise
	families []family
}

// suite are the tests of a package, as its source has them.
type suite struct {
	files map[string]string // of each test, below the root
	parts []string          // every text in a test that could be the name of a subtest
}

// read parses the tests of a package.
func read(root, pkg string) (suite, error) {
	s := suite{files: map[string]string{}}
	paths, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		return s, err
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return s, err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				s.files[f.Name.Name] = pkg + "/" + filepath.Base(path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				s.parts = append(s.parts, strings.Trim(text.Value, "\"`"))
			}
			return true
		})
	}
	return s, nil
}

// verify holds the table to the source: it gives the file of each test, or what the table names that
// is not there, and what is there that it does not name.
func (t table) verify(root string) (map[test]string, error) {
	suites := map[string]suite{}
	for _, pkg := range t.packages() {
		s, err := read(root, pkg)
		if err != nil {
			return nil, err
		}
		suites[pkg] = s
	}
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	files := map[test]string{}
	for i, p := range t.promises {
		if want := fmt.Sprintf("P%d", i+1); p.id != want {
			wrong("promise %d is %s, not %s", i+1, p.id, want)
		}
		if len(p.tests) == 0 || len(p.fire) == 0 {
			wrong("%s has %d tests and %d families", p.id, len(p.tests), len(p.fire))
		}
		for _, held := range p.tests {
			files[held] = suites[held.pkg].files[held.name]
			if files[held] == "" {
				wrong("%s: there is no test %s in %s", p.id, held.name, held.pkg)
			}
			if !slices.ContainsFunc(suites[held.pkg].parts, func(text string) bool {
				return held.part == "" || strings.HasPrefix(text, held.part+" ")
			}) {
				wrong("%s: %s has no part that begins with %q", p.id, held.name, held.part)
			}
		}
		for _, f := range p.fire {
			if !slices.ContainsFunc(t.families, func(known family) bool { return known.name == f.family }) {
				wrong("%s: there is no family %q", p.id, f.family)
			}
		}
	}
	if len(t.promises) != 12 {
		wrong("there are %d promises, not 12", len(t.promises))
	}
	for _, f := range t.families {
		if f.test != "" && suites[f.pkg].files[f.test] == "" {
			wrong("family %s: there is no test %s in %s", f.name, f.test, f.pkg)
		}
		if !slices.ContainsFunc(t.promises, func(p promise) bool {
			return slices.ContainsFunc(p.fire, func(u underFire) bool { return u.family == f.name })
		}) {
			wrong("family %s holds no promise", f.name)
		}
	}
	for _, pkg := range t.packages() {
		for name := range suites[pkg].files {
			if strings.HasPrefix(name, "TestChaos") && !slices.ContainsFunc(t.families, func(f family) bool { return f.test == name }) {
				wrong("%s in %s is no family of the table", name, pkg)
			}
		}
	}
	return files, errors.Join(problems...)
}

// packages are those that the table names tests of.
func (t table) packages() []string {
	var all []string
	for _, p := range t.promises {
		for _, held := range p.tests {
			all = append(all, held.pkg)
		}
	}
	for _, f := range t.families {
		if f.pkg != "" {
			all = append(all, f.pkg)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// complete says what keeps the counts from being published: a family that has not run, not to full
// depth, or not without violations.
func (t table) complete(results []chaos.Result) error {
	var problems []error
	for _, f := range t.families {
		r := result(results, f.name)
		for what, least := range f.least {
			if n := r.Counts.Of(what); n < least {
				problems = append(problems, fmt.Errorf("family %s has %d %s, and not %d: it has not run at full depth", f.name, n, what, least))
			}
		}
		if r.Violations > 0 {
			problems = append(problems, fmt.Errorf("family %s has %d violations", f.name, r.Violations))
		}
	}
	for _, r := range results {
		if !slices.ContainsFunc(t.families, func(f family) bool { return f.name == r.Family }) {
			problems = append(problems, fmt.Errorf("there are counts of %q, which is no family of the table", r.Family))
		}
	}
	return errors.Join(problems...)
}
