// Package lambdahost runs compiled Lambda functions on this machine, for end-to-end tests: it starts
// their bootstrap as Lambda does, serves it the Runtime API
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), and serves the Invoke API
// (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html) to whoever calls the functions, so
// that what is tested is the binary that is deployed. It is for tests only.
//
// Two invocations of one function at the same time get two processes, as on Lambda. Not like Lambda:
// a process is not frozen between invocations, and what was invoked as an event and failed is not
// tried again.
package lambdahost

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Function is what is deployed under one name.
type Function struct {
	Account   string        // in which it is deployed
	Bootstrap string        // the executable
	Env       []string      // "KEY=value": all that the process gets besides what Lambda sets
	Timeout   time.Duration // of one invocation; at most 15 minutes on Lambda
	Log       io.Writer     // takes the lines that the processes write, from one goroutine at a time; nil discards them
}

// Result is how one invocation ended.
type Result struct {
	// FunctionError is "Unhandled" where the function answered with an error, ended or took too
	// long; the payload then has errorMessage and errorType.
	FunctionError string
	Payload       []byte
}

// ErrNoFunction is an invocation of what is not deployed.
var ErrNoFunction = errors.New("function not found")

// Host runs functions and serves the Invoke API until it is closed.
type Host struct {
	URL string // of the Invoke API: the value of AWS_ENDPOINT_URL_LAMBDA

	functions map[string]*function
	server    *http.Server
	events    sync.WaitGroup // invocations that nobody waits for
	stop      context.CancelFunc
	running   context.Context
}

// Start deploys functions by name and serves them on a free port of this machine.
func Start(functions map[string]Function) (*Host, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the Invoke API: %w", err)
	}
	h := &Host{URL: "http://" + listener.Addr().String(), functions: map[string]*function{}}
	h.running, h.stop = context.WithCancel(context.Background())
	for name, f := range functions {
		if f.Log == nil {
			f.Log = io.Discard
		}
		h.functions[name] = &function{Function: f, name: name, log: &shared{to: f.Log}, busy: map[*environment]bool{}}
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	h.server = &http.Server{Handler: routes}
	go func() { _ = h.server.Serve(listener) }() // ends with Close
	return h, nil
}

// Close ends every process and waits for it; then everything that they wrote is in the log. What is
// being invoked ends with an error. Closing again does nothing.
func (h *Host) Close() error {
	h.stop()
	h.events.Wait()
	err := h.server.Close()
	for _, f := range h.functions {
		f.close()
	}
	if err != nil {
		return fmt.Errorf("end the Invoke API: %w", err)
	}
	return nil
}

// Invoke runs a function for one event and waits for its end. An error means that no function ran to
// an end of its own: there is none of that name, or the context was done.
func (h *Host) Invoke(ctx context.Context, name string, event []byte) (Result, error) {
	f, ok := h.functions[name]
	if !ok {
		return Result{}, fmt.Errorf("%w: %s", ErrNoFunction, name)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.running, cancel)()
	return f.invoke(ctx, &invocation{id: requestID(), event: event, answered: make(chan Result, 1)})
}

// Kill ends the processes of a function that are at work, without a warning, and says how many there
// were. Their invocations end as Lambda ends them when a process dies; the next gets a new process.
func (h *Host) Kill(name string) int {
	f, ok := h.functions[name]
	if !ok {
		return 0
	}
	return f.kill()
}

// Processes are the ids of the processes of a function.
func (h *Host) Processes(name string) []int {
	f, ok := h.functions[name]
	if !ok {
		return nil
	}
	return f.processes()
}

// The largest payloads of an invocation, in bytes
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). Of an answer Lambda takes 100 bytes
// more than what is documented.
const (
	largestRequest = 6 << 20
	largestEvent   = 1 << 20
	largestAnswer  = 6<<20 + 100
)

// Answered is what whoever invoked a function gets for its answer: one that is too large is an error.
func Answered(payload []byte) Result {
	if len(payload) > largestAnswer {
		return failed("Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", largestAnswer))
	}
	return Result{Payload: payload}
}

// serveInvoke answers the Invoke API.
func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	name, kind := r.PathValue("name"), r.Header.Get("X-Amz-Invocation-Type")
	w.Header().Set("X-Amzn-Requestid", requestID())
	if _, ok := h.functions[name]; !ok {
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+name)
		return
	}
	limit := largestRequest
	if kind == "Event" {
		limit = largestEvent
	}
	event, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case err != nil:
		return // the caller has gone
	case len(event) > limit:
		refuse(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException",
			fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit))
		return
	case len(event) == 0:
		event = []byte("{}") // what a function sees of an invocation without a payload
	case !json.Valid(event):
		refuse(w, http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json")
		return
	}
	switch kind {
	case "", "RequestResponse":
		h.answer(w, r, name, event)
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	case "Event":
		h.events.Go(func() { _, _ = h.Invoke(h.running, name, event) }) // how it went is in the log
		w.WriteHeader(http.StatusAccepted)
	default:
		refuse(w, http.StatusBadRequest, "InvalidParameterValueException", "Invocation type "+kind+" is unknown")
	}
}

// answer invokes and answers with the function's result.
func (h *Host) answer(w http.ResponseWriter, r *http.Request, name string, event []byte) {
	result, err := h.Invoke(r.Context(), name, event)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "ServiceException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	if result.FunctionError != "" {
		w.Header().Set("X-Amz-Function-Error", result.FunctionError)
	}
	_, _ = w.Write(result.Payload) // a caller that has gone is not told
}

// refuse answers with an error of the API itself.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": message})
}

// requestID is a new UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// shared is a writer that several processes write to.
type shared struct {
	mu sync.Mutex
	to io.Writer
}

// lines passes on what one process writes line by line, so that the lines of several stay whole.
type lines struct {
	to   *shared
	rest []byte // the beginning of a line
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	err := l.flush(end)
	return len(p), err
}

// flush passes on the first n bytes.
func (l *lines) flush(n int) error {
	if n == 0 {
		return nil
	}
	l.to.mu.Lock()
	defer l.to.mu.Unlock()
	_, err := l.to.to.Write(l.rest[:n])
	l.rest = append(l.rest[:0], l.rest[n:]...)
	return err
}
