package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"aws-hit-breaks/e2e/chaos"
)

// document is docs/guarantees.md: the table, with what the families went through.
func document(t table, results []chaos.Result, files map[test]string) string {
	var b strings.Builder
	b.WriteString(`# Guarantees

What aws-hit-breaks promises, for each promise the tests that hold it, and what it has been through.
Generated from [the table](../e2e/guarantees/table.go) and [the counts](chaos.json) of the last
` + "`make chaos`" + `; a test in ` + "`make test`" + ` holds it to both, and to the tests that it names.

- ` + "`make test`" + ` runs every test below, and a sample of every family.
- ` + "`make chaos`" + ` runs every family at full depth, from a seed that can be given: ` + "`make chaos CHAOS_SEED=2`" + `. What fails prints the
  command that runs it again.
- ` + "`make guarantees`" + ` writes the counts of that run, and this page.

## Promises
`)
	for _, p := range t.promises {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\nHeld by\n\n", p.id, p.text)
		for _, held := range p.tests {
			fmt.Fprintf(&b, "- [%s](../%s): `%s`\n", held, files[held], held.command())
		}
		b.WriteString("\nUnder fire\n\n")
		for _, f := range p.fire {
			fmt.Fprintf(&b, "- [%s](#%s), %s: %s\n", f.family, anchor(f.family), short(result(results, f.family)), f.holds)
		}
	}
	b.WriteString("\n## Families\n")
	for _, f := range t.families {
		r := result(results, f.name)
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", f.name, f.does)
		if len(r.Counts) == 0 {
			fmt.Fprintf(&b, "It has not been run at full depth yet:\n\n```sh\n%s\n```\n", f.command(r.Seed))
			continue
		}
		var names, rule, figures []string
		for _, c := range append(slices.Clone(r.Counts), chaos.Count{What: "violations", N: r.Violations}) {
			names, rule, figures = append(names, c.What), append(rule, "---:"), append(figures, grouped(c.N))
		}
		for _, row := range [][]string{names, rule, figures} {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
		fmt.Fprintf(&b, "\n```sh\n%s\n```\n", f.command(r.Seed))
	}
	return b.String()
}

// result is that of a family; none where it has not run.
func result(results []chaos.Result, family string) chaos.Result {
	i := slices.IndexFunc(results, func(r chaos.Result) bool { return r.Family == family })
	if i < 0 {
		return chaos.Result{Family: family, Seed: 1}
	}
	return results[i]
}

// short is the one count that says how much a family is.
func short(r chaos.Result) string {
	for _, what := range []string{"histories", "resumed after", "executions"} {
		if n := r.Counts.Of(what); n > 0 {
			return grouped(n) + " " + cmp.Or(map[string]string{"resumed after": "damages resumed after"}[what], what)
		}
	}
	return "not run at full depth yet"
}

// command runs the family at full depth.
func (f family) command(seed uint64) string {
	if f.test == "" {
		return "CHAOS=full go run ./e2e/fuzz -time " + fuzzed
	}
	return fmt.Sprintf("CHAOS=full CHAOS_SEED=%d CI=1 go test ./%s -run '%s' -v -count=1 -timeout 60m", seed, f.pkg, chaos.Pattern(f.test))
}

func (t test) String() string {
	if t.part == "" {
		return t.name
	}
	return t.name + "/" + t.part
}

// command runs the test.
func (t test) command() string {
	pattern := "^" + t.name + "$"
	if t.part != "" {
		pattern += "/^" + t.part + "_"
	}
	return fmt.Sprintf("go test ./%s -run '%s'", t.pkg, pattern)
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string { return strings.ReplaceAll(heading, " ", "-") }

// grouped writes a number with a comma before every three digits.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
