package lambdahost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"aws-hit-breaks/e2e/lambdahost"
)

// TestMain is the function as well: the test binary, started by a host, answers invocations.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("BROKEN") != "" {
		os.Exit(3)
	}
	lambda.Start(answer)
}

type event struct{ Do string }

type refused struct{ error }

func answer(ctx context.Context, e event) (map[string]any, error) {
	switch e.Do {
	case "write":
		fmt.Fprint(os.Stderr, "a line\nand a half")
	case "refuse":
		return nil, refused{errors.New("not today")}
	case "exit":
		os.Exit(2)
	case "sleep":
		time.Sleep(time.Minute)
	case "tell all":
		return map[string]any{"all": strings.Repeat("x", 6<<20+100)}, nil
	case "wait":
		time.Sleep(300 * time.Millisecond)
	}
	deadline, _ := ctx.Deadline()
	invocation, _ := lambdacontext.FromContext(ctx)
	return map[string]any{
		"did": e.Do, "left": time.Until(deadline).Seconds(), "request": invocation.AwsRequestID, "process": os.Getpid(),
		"function": invocation.InvokedFunctionArn,
	}, nil
}

// start deploys the test binary as "it", with a timeout of two seconds, and as "broken".
func start(t *testing.T) *lambdahost.Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host, err := lambdahost.Start(map[string]lambdahost.Function{
		"it":     {Account: "111122223333", Bootstrap: self, Timeout: 2 * time.Second},
		"broken": {Bootstrap: self, Timeout: 2 * time.Second, Env: []string{"BROKEN=yes"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return host
}

func TestInvoke(t *testing.T) {
	host := start(t)
	tests := map[string]struct {
		name, kind, event string
		status            int
		failed            bool   // the function did
		says              string // part of the answer
	}{
		"an answer":                           {"it", "RequestResponse", `{"Do":"nothing"}`, 200, false, `"did":"nothing"`},
		"an answer is the default":            {"it", "", `{"Do":"nothing"}`, 200, false, `"did":"nothing"`},
		"no payload is an empty object":       {"it", "", "", 200, false, `"did":""`},
		"an answer that is too large":         {"it", "", `{"Do":"tell all"}`, 200, true, `"errorType":"Function.ResponseSizeTooLarge"`},
		"an error has a type":                 {"it", "", `{"Do":"refuse"}`, 200, true, `"errorType":"refused"`},
		"a process that ends":                 {"it", "", `{"Do":"exit"}`, 200, true, "exit status 2"},
		"a process that ends before it began": {"broken", "", `{}`, 200, true, "exit status 3"},
		"a process that takes too long":       {"it", "", `{"Do":"sleep"}`, 200, true, "timed out after 2.00 seconds"},
		"an event is not waited for":          {"it", "Event", `{"Do":"sleep"}`, 202, false, ""},
		"a payload that is no JSON":           {"it", "", `{"Do":`, 400, false, "Could not parse request body"},
		"a payload that is too large":         {"it", "", `"` + strings.Repeat("x", 6<<20) + `"`, 413, false, "smaller than"},
		"an event that is too large":          {"it", "Event", `"` + strings.Repeat("x", 1<<20) + `"`, 413, false, "smaller than"},
		"a function that there is not":        {"other", "", `{}`, 404, false, "Function not found: other"},
		"an invocation of another type":       {"it", "Later", `{}`, 400, false, "Later"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, header, body := post(t, host.URL, tt.name, tt.kind, tt.event)
			if status != tt.status || (header.Get("X-Amz-Function-Error") == "Unhandled") != tt.failed || !strings.Contains(body, tt.says) {
				t.Errorf("%d %v %s", status, header, body)
			}
			if wrong := header.Get("X-Amzn-Errortype") != ""; wrong != (status >= 400) {
				t.Errorf("status %d comes with the error type %q", status, header.Get("X-Amzn-Errortype"))
			}
		})
	}
}

func TestAnswered(t *testing.T) {
	for name, tt := range map[string]struct {
		bytes int
		says  string // of an error
	}{
		"as much as is documented":  {6 << 20, ""},
		"as much as Lambda takes":   {6291556, ""},
		"one byte more is an error": {6291557, "Response payload size exceeded maximum allowed payload size (6291556 bytes)."},
	} {
		t.Run(name, func(t *testing.T) {
			r := lambdahost.Answered(bytes.Repeat([]byte("x"), tt.bytes))
			if failed := r.FunctionError == "Unhandled"; failed != (tt.says != "") || !strings.Contains(string(r.Payload), tt.says) {
				t.Errorf("%q %.200s", r.FunctionError, r.Payload)
			}
		})
	}
}

func TestProcesses(t *testing.T) {
	host := start(t)
	type said struct {
		Left     float64
		Request  string
		Process  int
		Function string
	}
	invoke := func(do string) said {
		t.Helper()
		result, err := host.Invoke(t.Context(), "it", []byte(`{"Do":"`+do+`"}`))
		var s said
		if err == nil {
			err = json.Unmarshal(result.Payload, &s)
		}
		if err != nil {
			t.Error(err)
		}
		return s
	}
	first := invoke("nothing")
	if first.Left <= 0 || first.Left > 2 {
		t.Errorf("the deadline is in %f s, the timeout is 2 s", first.Left)
	}
	if want := "arn:aws:lambda:us-east-1:111122223333:function:it"; first.Function != want {
		t.Errorf("the function is invoked as %q, want %q", first.Function, want)
	}
	second := invoke("nothing")
	if first.Process != second.Process {
		t.Error("a second invocation after the first has another process")
	}
	if got := host.Processes("it"); len(got) != 1 || got[0] != first.Process || len(host.Processes("other")) != 0 {
		t.Errorf("the processes are %d, want %d", got, first.Process)
	}
	if first.Request == second.Request || first.Request == "" {
		t.Errorf("both invocations have the id %q", first.Request)
	}
	beside := make(chan said)
	go func() { beside <- invoke("wait") }()
	if one, other := invoke("wait"), <-beside; one.Process == other.Process {
		t.Error("two invocations at once have one process")
	}
	if _, err := host.Invoke(t.Context(), "other", nil); !errors.Is(err, lambdahost.ErrNoFunction) {
		t.Errorf("got error %v, want %v", err, lambdahost.ErrNoFunction)
	}
}

func TestKill(t *testing.T) {
	host := start(t)
	if n := host.Kill("it"); n != 0 {
		t.Errorf("%d processes were at work before there was any", n)
	}
	dying := make(chan lambdahost.Result)
	for range 2 {
		go func() {
			result, err := host.Invoke(t.Context(), "it", []byte(`{"Do":"sleep"}`))
			if err != nil {
				t.Error(err)
			}
			dying <- result
		}()
	}
	killed := 0
	for began := time.Now(); killed < 2 && time.Since(began) < time.Second; time.Sleep(10 * time.Millisecond) {
		killed += host.Kill("it")
	}
	for range 2 {
		if r := <-dying; r.FunctionError != "Unhandled" || !strings.Contains(string(r.Payload), "signal: killed") {
			t.Errorf("killed, it ends with %q and %s", r.FunctionError, r.Payload)
		}
	}
	result, err := host.Invoke(t.Context(), "it", []byte(`{"Do":"nothing"}`))
	if err != nil || result.FunctionError != "" {
		t.Errorf("the next invocation ends with %v and %s", err, result.Payload)
	}
	if n := host.Kill("it") + host.Kill("other"); killed != 2 || n != 0 {
		t.Errorf("%d processes were killed at work, want 2, and %d that were not", killed, n)
	}
}

func TestLog(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	host, err := lambdahost.Start(map[string]lambdahost.Function{"it": {Bootstrap: self, Timeout: 2 * time.Second, Log: &log}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.Invoke(t.Context(), "it", []byte(`{"Do":"write"}`)); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	}
	if log.String() != "a line\nand a half" {
		t.Errorf("the log is %q", log.String())
	}
	if _, err := host.Invoke(t.Context(), "it", []byte(`{}`)); err == nil {
		t.Error("a closed host invokes")
	}
}

func post(t *testing.T, url, name, kind, event string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		url+"/2015-03-31/functions/"+name+"/invocations", bytes.NewReader([]byte(event)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Invocation-Type", kind)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}
