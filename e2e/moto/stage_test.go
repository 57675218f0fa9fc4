// Package moto_test runs what is built, the three functions and the CLI, against moto and DynamoDB
// Local, and compares what moto then describes, field by field, before, paused and resumed.
//
// moto shows that the wiring works: real binaries, the real SDK, the real wire. Its transitions are
// instant and it refuses little, so what AWS does in between is for pkg/awssim.
package moto_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-hit-breaks/e2e/chaos"
	"aws-hit-breaks/snapshots/storetest/dynamolocal"
)

// Where `make tools` puts what the tests need, from the root of the module; and the variables that
// name other places.
const (
	root           = "../.."
	pythonVariable = "MOTO_PYTHON"
	pythonDefault  = root + "/.venv/bin/python"
	jarsVariable   = "DYNAMODB_LOCAL_JARS"
	jarsDefault    = root + "/" + dynamolocal.Folder
)

// account is that of the alarms in pkg/alarm/testdata.
const account = "111122223333"

// stage is what all tests share. Worlds on it are told apart by their account.
type stage struct {
	*proxy
	moto, dynamodb string // URLs
	binaries       string // the folder of pause, resume and guard
}

// stops are what ends what runs, and removes what was built.
var stops []func() error

func TestMain(m *testing.M) {
	// The tests mostly wait for what the engine waits for, so there may be more of them than cores.
	if err := flag.Set("test.parallel", strconv.Itoa(chaos.Depth(16, 200))); err != nil {
		panic(err)
	}
	code := m.Run()
	for _, stop := range stops {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// onStage is the stage, set up by the first test that needs it. Where moto or DynamoDB Local is not
// installed the test is skipped, or fails where everything has to run.
func onStage(t *testing.T) stage {
	t.Helper()
	for _, needed := range []struct{ what, path, variable string }{
		{"moto", python(), pythonVariable}, {"DynamoDB Local", jars(), jarsVariable},
	} {
		if _, err := os.Stat(needed.path); err != nil {
			missing := fmt.Sprintf("%s is not installed in %s: `make tools` installs it; or set %s to where it is",
				needed.what, needed.path, needed.variable)
			if os.Getenv("CI") == "1" || os.Getenv("AWS_HIT_BREAKS_ALL") == "1" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	s, err := setUp()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func python() string { return cmp.Or(os.Getenv(pythonVariable), pythonDefault) }
func jars() string   { return cmp.Or(os.Getenv(jarsVariable), jarsDefault) }

var setUp = sync.OnceValues(func() (stage, error) {
	var s stage
	var motoErr, dynamoErr, buildErr error
	var stopMoto, stopDynamo, remove func() error
	var all sync.WaitGroup
	all.Go(func() { s.moto, stopMoto, motoErr = startMoto() })
	all.Go(func() { s.dynamodb, stopDynamo, dynamoErr = dynamolocal.Start(context.Background(), jars()) })
	all.Go(func() {
		s.binaries, remove, buildErr = build("./functions/pause", "./functions/resume", "./functions/guard")
	})
	all.Wait()
	for _, stop := range []func() error{stopMoto, stopDynamo, remove} {
		if stop != nil {
			stops = append(stops, stop)
		}
	}
	if err := errors.Join(motoErr, dynamoErr, buildErr); err != nil {
		return s, err
	}
	return s, s.proxied()
})

// proxied puts a proxy before moto and one before DynamoDB Local, whose calls are counted together.
func (s *stage) proxied() error {
	blows := &strikes{all: map[string]*strike{}}
	var err error
	if s.proxy, err = newProxy(s.moto, blows); err != nil {
		return err
	}
	store, err := newProxy(s.dynamodb, blows)
	if err != nil {
		return err
	}
	s.moto, s.dynamodb = s.server.URL, store.server.URL
	for _, p := range []*proxy{s.proxy, store} {
		stops = append(stops, func() error { p.server.Close(); return nil })
	}
	return nil
}

// builtCLI is the path of the command.
var builtCLI = sync.OnceValues(func() (string, error) {
	folder, remove, err := build("./cli/aws-hit-breaks")
	if err != nil {
		return "", err
	}
	stops = append(stops, remove)
	return filepath.Join(folder, "aws-hit-breaks"), nil
})

// build makes binaries as the Makefile does, but for this machine, in a folder of their own.
func build(packages ...string) (folder string, remove func() error, err error) {
	folder, err = os.MkdirTemp("", "aws-hit-breaks-e2e-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for the binaries: %w", err)
	}
	remove = func() error { return os.RemoveAll(folder) }
	compile := exec.Command("go", append([]string{"build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", folder + "/"}, packages...)...)
	compile.Dir = root
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := compile.CombinedOutput(); err != nil {
		return "", remove, fmt.Errorf("build %s: %w\n%s", strings.Join(packages, ", "), err, out)
	}
	return folder, remove, nil
}

// startMoto runs moto until stop.
func startMoto() (url string, stop func() error, err error) {
	port, err := freePort()
	if err != nil {
		return "", nil, fmt.Errorf("start moto: %w", err)
	}
	log, err := os.CreateTemp("", "aws-hit-breaks-moto-*.log")
	if err != nil {
		return "", nil, fmt.Errorf("start moto: %w", err)
	}
	server := exec.Command(python(), "-m", "moto.server", "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	server.Env = append(os.Environ(), "MOTO_EC2_LOAD_DEFAULT_AMIS=false") // hundreds in each account and region
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("start moto: %w", err), log.Close(), os.Remove(log.Name()))
	}
	ended := make(chan struct{})
	go func() {
		_ = server.Wait() // it is ended by its signal
		close(ended)
	}()
	stop = func() error {
		if err := server.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop moto: %w", err)
		}
		<-ended
		return errors.Join(log.Close(), os.Remove(log.Name()))
	}
	url = "http://127.0.0.1:" + strconv.Itoa(port)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if answer, err := http.Get(url + "/moto-api/config"); err == nil {
			if err := answer.Body.Close(); err == nil && answer.StatusCode < 300 { // it says 201
				return url, stop, nil
			}
		}
	}
	said, _ := os.ReadFile(log.Name()) // only to tell more
	return "", nil, errors.Join(fmt.Errorf("moto does not answer at %s: %s", url, said[max(0, len(said)-400):]), stop())
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
