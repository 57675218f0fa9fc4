package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/e2e/chaos"
)

func TestFind(t *testing.T) {
	root, err := chaos.Root()
	if err != nil {
		t.Fatal(err)
	}
	targets, err := find(root, "cli", "e2e", "functions", "infra", "pkg", "snapshots")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []target{
		{"./pkg/alarm", "FuzzParse"}, {"./pkg/alarm", "FuzzWording"}, {"./pkg/settings", "FuzzParse"},
		{"./pkg/filter", "FuzzScope"}, {"./pkg/trigger", "FuzzEvent"}, {"./snapshots", "FuzzRecord"}, {"./snapshots", "FuzzShard"},
	} {
		if !slices.Contains(targets, want) {
			t.Errorf("%v is not found among %v", want, targets)
		}
	}
	if found, err := find(root, "e2e/fuzz/testdata"); err == nil {
		t.Errorf("found where there is nothing: %v", found)
	}
}

// What go test says: in the second the target failed.
func TestWhatGoTestSays(t *testing.T) {
	passed := `fuzz: elapsed: 0s, gathering baseline coverage: 0/64 completed
fuzz: elapsed: 0s, gathering baseline coverage: 64/64 completed, now fuzzing with 2 workers
fuzz: elapsed: 3s, execs: 41503 (13834/sec), new interesting: 12 (total: 76)
fuzz: elapsed: 5s, execs: 66820 (12533/sec), new interesting: 15 (total: 79)
PASS
`
	failed := `fuzz: elapsed: 0s, execs: 17 (0/sec), new interesting: 0 (total: 4)
--- FAIL: FuzzParse (0.03s)
    --- FAIL: FuzzParse (0.00s)
        parse_test.go:190: boom

    Failing input written to testdata/fuzz/FuzzParse/771e938e4458e983
    To re-run:
    go test -run=FuzzParse/771e938e4458e983
FAIL
`
	timeIsUp := `fuzz: elapsed: 5s, execs: 53994 (15178/sec), new interesting: 15 (total: 235)
--- FAIL: FuzzRecord (5.11s)
    context deadline exceeded
FAIL
exit status 1
`
	late := `--- FAIL: FuzzRecord (5.11s)
    --- FAIL: FuzzRecord (0.00s)
        record_test.go:12: context deadline exceeded

    Failing input written to testdata/fuzz/FuzzRecord/771e938e4458e983
FAIL
`
	for said, want := range map[string]bool{passed: false, failed: false, late: false, timeIsUp: true} {
		if got := onlyTheTimeIsUp.MatchString(said); got != want {
			t.Errorf("that the time is up is all that is wrong: %v, want %v, of\n%s", got, want, said)
		}
	}
	settings := target{"./pkg/settings", "FuzzParse"}
	got := []any{executed(passed), executed(failed), executed("ok"), settings.replay(failed), settings.replay("panic: before any input")}
	want := []any{
		66820, 17, 0,
		"go test ./pkg/settings -run '^FuzzParse$/^771e938e4458e983$' -count=1",
		"go test ./pkg/settings -run '^FuzzParse$' -count=1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
