package lambdahost

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// function is a deployed function and those of its processes that wait for work.
type function struct {
	Function
	name string
	log  *shared

	mu     sync.Mutex
	idle   []*environment
	busy   map[*environment]bool // those that have an invocation
	closed bool
}

// invocation is one event on its way through a function.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	answered chan Result // takes one
}

// invoke hands the invocation to a process and waits for what it says, for its end or for the
// timeout. A process that did not answer is ended: the next invocation gets a new one.
func (f *function) invoke(ctx context.Context, in *invocation) (Result, error) {
	e, err := f.take()
	if err != nil {
		return Result{}, err
	}
	in.deadline = time.Now().Add(f.Timeout)
	timeout := time.NewTimer(f.Timeout)
	defer timeout.Stop()
	e.work <- in
	select {
	case result := <-in.answered:
		f.give(e)
		return result, nil
	case <-e.ended:
	case <-timeout.C:
	case <-ctx.Done():
	}
	e.close()
	f.forget(e)
	select {
	case result := <-in.answered: // it answered and then ended
		return result, nil
	default:
	}
	switch {
	case ctx.Err() != nil:
		return Result{}, fmt.Errorf("invoke %s: %w", f.name, ctx.Err())
	case !time.Now().Before(in.deadline):
		return failed("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", in.id, f.Timeout.Seconds())), nil
	}
	return e.exit(in.id), nil
}

// take gives a process that waits for work, or a new one.
func (f *function) take() (*environment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fmt.Errorf("invoke %s: the host is closed", f.name)
	}
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		select {
		case <-e.ended:
			e.close()
		default:
			f.busy[e] = true
			return e, nil
		}
	}
	e, err := f.start()
	if err == nil {
		f.busy[e] = true
	}
	return e, err
}

// forget is for a process that has ended.
func (f *function) forget(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, e)
}

// kill ends the processes that have an invocation, as a machine that fails does, and says how many
// those were.
func (f *function) kill() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	killed := 0
	for e := range f.busy {
		if e.process.Process.Kill() == nil {
			killed++
		}
		<-e.ended
	}
	return killed
}

// processes are the ids of those that wait and of those that are at work.
func (f *function) processes() (ids []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.idle {
		ids = append(ids, e.process.Process.Pid)
	}
	for e := range f.busy {
		ids = append(ids, e.process.Process.Pid)
	}
	return ids
}

// give takes a process back.
func (f *function) give(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, e)
	if f.closed {
		e.close()
		return
	}
	f.idle = append(f.idle, e)
}

func (f *function) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, e := range f.idle {
		e.close()
	}
}

// environment is one process of a function and the Runtime API that it alone is served.
type environment struct {
	process *exec.Cmd
	server  *http.Server
	work    chan *invocation // takes one
	ended   chan struct{}    // closed when the process has
	account string
	name    string

	mu      sync.Mutex
	current *invocation
	broken  *Result // what it ends with: what it said of its initialization, or an answer that was not taken
}

// start makes an environment.
func (f *function) start() (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the Runtime API to %s: %w", f.name, err)
	}
	e := &environment{
		process: exec.Command(f.Bootstrap), work: make(chan *invocation, 1), ended: make(chan struct{}),
		account: f.Account, name: f.name,
	}
	folder := filepath.Dir(f.Bootstrap)
	e.process.Dir = folder
	log := &lines{to: f.log}
	e.process.Stdout, e.process.Stderr = log, log // one writer, so one goroutine writes to it
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
	e.process.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + f.name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "LAMBDA_TASK_ROOT=" + folder, "_HANDLER=bootstrap", "TZ=:UTC",
	}, f.Env...)
	const api = "/2018-06-01/runtime"
	routes := http.NewServeMux()
	routes.HandleFunc("GET "+api+"/invocation/next", e.serveNext)
	routes.HandleFunc("POST "+api+"/invocation/{id}/response", e.serveResponse)
	routes.HandleFunc("POST "+api+"/invocation/{id}/error", e.serveError)
	routes.HandleFunc("POST "+api+"/init/error", e.serveInitError)
	e.server = &http.Server{Handler: routes}
	go func() { _ = e.server.Serve(listener) }() // ends with close
	if err := e.process.Start(); err != nil {
		_ = e.server.Close()
		return nil, fmt.Errorf("start %s: %w", f.name, err)
	}
	go func() {
		_ = e.process.Wait()         // how it ended is in its state
		_ = log.flush(len(log.rest)) // a line that it did not end
		close(e.ended)
	}()
	return e, nil
}

// close ends the process and waits for it.
func (e *environment) close() {
	_ = e.process.Process.Kill() // it may have ended by itself
	<-e.ended
	_ = e.server.Close()
}

// serveNext gives the process the next event, which may take as long as there is none.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case in := <-e.work:
		e.mu.Lock()
		e.current = in
		e.mu.Unlock()
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:"+e.account+":function:"+e.name)
		_, _ = w.Write(in.event) // a process that has ended is noticed by invoke
	case <-r.Context().Done():
	}
}

func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	in, body := e.take(w, r)
	if in == nil {
		return
	}
	result := Answered(body)
	if result.FunctionError != "" { // the process is told so, and ends with that
		e.mu.Lock()
		e.broken = &result
		e.mu.Unlock()
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
		return
	}
	w.WriteHeader(http.StatusAccepted)
	in.answered <- result
}

func (e *environment) serveError(w http.ResponseWriter, r *http.Request) {
	if in, body := e.take(w, r); in != nil {
		w.WriteHeader(http.StatusAccepted)
		in.answered <- Result{FunctionError: "Unhandled", Payload: body}
	}
}

// take reads what the process says about the event that it was given; nil where there is nothing to take.
func (e *environment) take(w http.ResponseWriter, r *http.Request) (*invocation, []byte) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil // the process has ended
	}
	e.mu.Lock()
	in := e.current
	mine := in != nil && in.id == r.PathValue("id")
	if mine {
		e.current = nil
	}
	e.mu.Unlock()
	if !mine {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "no invocation "+r.PathValue("id")+" is under way")
		return nil, nil
	}
	return in, body
}

func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the process has ended
	}
	e.mu.Lock()
	e.broken = &Result{FunctionError: "Unhandled", Payload: body}
	e.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// exit is the result of an invocation whose process has ended without an answer.
func (e *environment) exit(id string) Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil {
		return *e.broken
	}
	return failed("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with %s", id, e.process.ProcessState))
}

// failed is an error as Lambda itself reports it.
func failed(kind, message string) Result {
	payload, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // of strings: never fails
	return Result{FunctionError: "Unhandled", Payload: payload}
}
