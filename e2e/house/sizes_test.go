package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	megabyte = 1_000_000
	mebibyte = 1 << 20 // what ls -h calls an M
)

// The limits leave room for the services that are still to come, and none for a package that makes
// the linker keep every method of every SDK client, which is fourfold: see keepsEveryMethod.
const (
	largestFunction = 16 * megabyte // stripped, for arm64
	largestZip      = 6 * megabyte  // what every cold start carries
	largestCLI      = 24 * mebibyte // Windows has half of one more than linux, and has to fit too
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
	})
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
