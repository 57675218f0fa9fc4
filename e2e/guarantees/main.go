// Command guarantees writes docs/guarantees.md, and docs/chaos.json with the counts of the last
// `make chaos`, from build/chaos.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"aws-hit-breaks/e2e/chaos"
)

const (
	page   = "docs/guarantees.md"
	counts = "docs/chaos.json"
)

// fuzzed is for how long make chaos fuzzes each target: for so many executions, since on a machine that
// is busy elsewhere a time can be over before anything was tried.
const fuzzed = "30000x"

var product = table{promises, families}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "guarantees:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := chaos.Root()
	if err != nil {
		return err
	}
	results, err := collect(root)
	if err != nil {
		return err
	}
	if err := product.complete(results); err != nil {
		return fmt.Errorf("%w\nmake chaos runs all of them", err)
	}
	files, err := product.verify(root)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, "docs"), 0o755); err != nil { //nolint:gosec // documents are for everybody
		return err
	}
	for name, content := range map[string]string{counts: string(text) + "\n", page: document(product, results, files)} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}

// collect reads what the families kept, in the order of the table.
func collect(root string) ([]chaos.Result, error) {
	kept, err := filepath.Glob(filepath.Join(root, chaos.Kept, "*.json"))
	if err != nil {
		return nil, err
	}
	var found, results []chaos.Result
	for _, file := range kept {
		var r chaos.Result
		text, err := os.ReadFile(file) //nolint:gosec // a file that a family wrote
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		found = append(found, r)
	}
	for _, f := range product.families {
		for _, r := range found {
			if r.Family == f.name {
				results = append(results, r)
			}
		}
	}
	return results, nil
}
