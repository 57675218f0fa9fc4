package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	megabyte = 1_000_000
	mebibyte = 1 << 20 // what ls -h calls an M
)

// The limits leave room for the services that are still to come, and none for a package that makes
// the linker keep every method of every SDK client, which is fourfold: see keepsEveryMethod.
const (
	largestFunction = 16 * mebibyte // stripped, for arm64
	largestZip      = 6 * megabyte  // what every cold start carries
	// make release-snapshot holds it to 24 MiB on every system, of which darwin and Windows need half a megabyte more.
	largestCLI = 24*mebibyte - 6*megabyte/10
)

func TestSizes(t *testing.T) {
	root := moduleRoot(t)
	built := t.TempDir()
	for _, name := range []string{"pause", "resume", "guard"} {
		t.Run("function "+name, func(t *testing.T) {
			program, packed := filepath.Join(built, name), filepath.Join(built, name+".zip")
			run(t, root, []string{"GOOS=linux", "GOARCH=arm64"}, "build", "-ldflags=-s -w", "-o", program, "./functions/"+name)
			run(t, root, nil, "run", "./e2e/pack", program, packed)
			checkSize(t, program, largestFunction)
			checkSize(t, packed, largestZip)
		})
	}
	t.Run("CLI", func(t *testing.T) {
		program := filepath.Join(built, "aws-hit-breaks")
		run(t, root, nil, "build", "-ldflags=-s -w", "-o", program, "./cli/aws-hit-breaks")
		checkSize(t, program, largestCLI)
		for _, args := range [][]string{{"--help"}, {"pause", "--help"}} {
			checkTime(t, program, args...)
		}
	})
}

// mostHelp is what it may take to be told how to pause: of CPU, since the machine may be busy.
const mostHelp = 50 * time.Millisecond

// checkTime wants the program to be quick at the best of some runs: what else the machine does makes a run
// longer, and nothing makes it shorter.
func checkTime(t *testing.T, program string, args ...string) {
	t.Helper()
	least := time.Hour
	for range 10 {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = []string{"HOME=" + t.TempDir()}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Usage:") {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		least = min(least, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	t.Logf("%q takes %.1f ms of CPU", args, least.Seconds()*1000)
	if least > mostHelp {
		t.Errorf("%q takes %.1f ms of CPU, and may take %.0f: GODEBUG=inittrace=1 says what is done before main",
			args, least.Seconds()*1000, mostHelp.Seconds()*1000)
	}
}

func checkSize(t *testing.T, path string, largest int64) {
	t.Helper()
	file, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if file.Size() > largest {
		t.Errorf("%s has %.1f MB, and may have %.1f: `go tool nm -size -sort size` on it without -s -w says what grew",
			filepath.Base(path), float64(file.Size())/megabyte, float64(largest)/megabyte)
	}
}

// run is the go command as the Makefile calls it, so that its build cache serves here too.
func run(t *testing.T, root string, environment []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=-trimpath -tags=lambda.norpc", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}
