//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// terminal opens terminals as on Linux only.
func terminal(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("terminals are opened as on Linux")
}
