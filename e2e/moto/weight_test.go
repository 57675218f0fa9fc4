//go:build linux

package moto_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/e2e/lambdahost"
	"aws-hit-breaks/pkg/awssim"
)

// What every function keeps to. A function in Python that only makes five clients of boto3 takes 560 ms.
const (
	mostToStart = 25 * time.Millisecond // of CPU, from the start of the process to its first poll for work
	mostMemory  = 64                    // MiB resident at the peak, for the fleet startup
)

// The functions are weighed as they are built for deployment, but for this machine.

// TestFiguresOfFunctionStart runs alone, before the tests that are parallel.
func TestFiguresOfFunctionStart(t *testing.T) {
	s := onStage(t)
	for _, name := range programs {
		starts := make([]time.Duration, 21)
		for i := range starts {
			starts[i] = start(t, filepath.Join(s.binaries, name))
		}
		slices.Sort(starts)
		least, median := starts[0], starts[len(starts)/2]
		fmt.Printf("function %-6s to the first poll  CPU least %4.1f ms, median %4.1f ms of %d starts\n", name, ms(least), ms(median), len(starts))
		if least > mostToStart { // what else the machine does makes it more, and nothing makes it less
			t.Errorf("%s takes %.1f ms of CPU to its first poll, and may take %.0f: GODEBUG=inittrace=1 says what it does before main",
				name, ms(least), ms(mostToStart))
		}
	}
}

func TestFiguresOfFunctionMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "246824682468")
	w.seedStartup()
	functions := map[string]lambdahost.Function{}
	for _, name := range programs {
		functions[name] = lambdahost.Function{
			Account: w.account, Bootstrap: filepath.Join(w.binaries, name), Timeout: 15 * time.Minute, Log: w.logs,
			Env: append(w.env[:len(w.env):len(w.env)], "AWS_HIT_BREAKS_TABLE="+w.table,
				`AWS_HIT_BREAKS_SETTINGS={"settle":"1s","regions":["`+strings.Join(awssim.StartupRegions, `","`)+`"]}`),
		}
	}
	w.hosted(lambdahost.Start(functions))
	for _, run := range []struct{ function, phase string }{{"pause", "paused"}, {"resume", "resumed"}} {
		report := w.must(run.function, `{"actor":"ann"}`).Report
		if n := report.Summary.Phases[run.phase]; n < 60 {
			t.Errorf("%s: %d resources are %s, and most of the fleet should be: %v", run.function, n, run.phase, report.Summary.Phases)
		}
		peak := w.peak(run.function)
		fmt.Printf("function %-6s the fleet startup    peak memory %4.1f MiB, %d resources\n", run.function, peak, report.Summary.Total)
		if peak > mostMemory {
			t.Errorf("%s takes %.1f MiB for the fleet startup, and may take %d", run.function, peak, mostMemory)
		}
	}
}

// start is what a function uses of CPU until it polls the Runtime API for work for the first time, where
// it is ended.
func start(t *testing.T, bootstrap string) time.Duration {
	t.Helper()
	polled := make(chan struct{}, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			polled <- struct{}{}
			<-r.Context().Done()
		}
	}))
	defer api.Close()
	process := exec.CommandContext(t.Context(), bootstrap)
	process.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "AWS_REGION=" + here, "TZ=:UTC",
		"AWS_ACCESS_KEY_ID=AKIA" + account, "AWS_SECRET_ACCESS_KEY=" + password, "AWS_SESSION_TOKEN=" + password,
		"AWS_HIT_BREAKS_TABLE=" + table, "AWS_HIT_BREAKS_SETTINGS=" + ours,
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-polled:
	case <-time.After(time.Minute):
		t.Errorf("%s does not poll for work", bootstrap)
	}
	_ = process.Process.Kill()
	_ = process.Wait() // killed
	return process.ProcessState.UserTime() + process.ProcessState.SystemTime()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// seedStartup makes as many resources of every kind in every region as the fleet startup has.
func (w *world) seedStartup() {
	w.Helper()
	fleet := awssim.New(awssim.Options{Seed: 1})
	defer fleet.Shutdown()
	awssim.Startup(fleet)
	count := map[string]int{}
	for name, fields := range fleet.State() {
		at := strings.Fields(name)
		count[at[0]+" "+at[1]]++
		for field := range fields {
			if at[1] == "autoscaling:group" && strings.HasPrefix(field, "Instances.") {
				count[at[0]+" ec2:instance"]-- // they come with their groups
			}
		}
	}
	for _, region := range awssim.StartupRegions {
		many := func(kind, name string, make func(region, name string)) {
			for i := range count[region+" "+kind] {
				make(region, fmt.Sprint(name, i))
			}
		}
		many("ec2:instance", "web", func(region, name string) { w.instance(region, name, nil) })
		many("autoscaling:group", "workers", w.group)
		many("rds:cluster", "ledger", w.cluster)
		count[region+" rds:instance"] -= count[region+" rds:cluster"] // each has a member
		many("rds:instance", "orders", func(region, name string) { w.database(region, name) })
		count[region+" ecs:service"] /= 2 // two in each cluster
		many("ecs:service", "shop", w.services)
	}
}

// peak is the most memory that a process of the function ever had, in MiB.
func (w *world) peak(function string) (peak float64) {
	w.Helper()
	for _, pid := range w.host.Processes(function) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		w.ok("weigh "+function, err)
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
		w.ok("weigh "+function, err)
		peak = max(peak, float64(kilobytes)/1024)
	}
	return peak
}
