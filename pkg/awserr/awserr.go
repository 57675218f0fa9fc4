// Package awserr says what an error of AWS means: whether to wait, to go on without the resource,
// or to tell the owner. It goes by error codes and types, never by AWS's English, but for the few
// cases at the end of explain.go that have neither. It imports smithy-go and no service package, so
// that the engine may use it.
package awserr

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/aws/smithy-go"
)

// Class is what an error means for the one who made the call.
type Class int

// The classes of errors.
const (
	// None is the class of nil.
	None Class = iota
	// Throttled: AWS asks for fewer calls. It counts as no attempt.
	Throttled
	// Transient: AWS or the way to it failed (5xx, timeout, connection). Whether the call took
	// effect is unknown.
	Transient
	// Denied: permissions, policies, credentials, a region that is not enabled.
	Denied
	// Gone: the very resource that was named does not exist any more.
	Gone
	// Busy: the resource is in a state that passes by itself.
	Busy
	// Refused: the same call will be refused again; a batch may be refused for one member.
	Refused
	// NoCapacity: AWS has no room now, or a quota is used up. It may succeed much later.
	NoCapacity
	// Cancelled: our own context ended the call. Whether the call took effect is unknown.
	Cancelled
	// Unknown: nothing is known about this error.
	Unknown
)

// String is the class in a word, for logs.
func (c Class) String() string {
	names := [...]string{
		"none", "throttled", "transient", "denied", "gone", "busy", "refused", "no capacity", "cancelled", "unknown",
	}
	if c < 0 || int(c) >= len(names) {
		return "unknown"
	}
	return names[c]
}

// Of says what err means. What AWS answered counts more than what happened around it: a call whose
// retries were cancelled after a refusal is a refusal. The end of a call's own deadline
// (context.DeadlineExceeded) is Transient, since the engine gives every call one; only a context
// that was cancelled is Cancelled.
func Of(err error) Class {
	if err == nil {
		return None
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return ofAnswer(err, api)
	}
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) {
		if class := ofStatus(status.HTTPStatusCode()); class != Unknown {
			return class
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Cancelled
	case withoutCredentials(err):
		return Denied
	case withoutEndpoint(err):
		return Unknown
	case errors.Is(err, context.DeadlineExceeded), broken(err):
		return Transient
	}
	return Unknown
}

// Code is AWS's code for err as AWS wrote it ("InvalidDBClusterStateFault"), or empty where AWS
// gave none.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// ofAnswer is the class of an answer that carries a code. The code goes first, since EC2 answers
// missing capacity and throttling with 500 and 503.
func ofAnswer(err error, api smithy.APIError) Class {
	if groupNotFound(api) {
		return Gone
	}
	if class, ok := classes[plain(api.ErrorCode())]; ok {
		return class
	}
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) {
		return ofStatus(status.HTTPStatusCode())
	}
	if api.ErrorFault() == smithy.FaultServer {
		return Transient
	}
	return Unknown
}

// ofStatus is the class of an answer by its HTTP status alone.
func ofStatus(status int) Class {
	switch {
	case status == 429:
		return Throttled
	case status == 401 || status == 403:
		return Denied
	case status >= 500:
		return Transient
	}
	return Unknown
}

// broken says whether the connection failed, timed out or was cut.
func broken(err error) bool {
	var connection interface{ ConnectionError() bool }
	if errors.As(err, &connection) && connection.ConnectionError() {
		return true
	}
	var network net.Error
	if errors.As(err, &network) {
		return true
	}
	var cut *smithy.DeserializationError
	return errors.As(err, &cut) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// withoutEndpoint says whether the name of the endpoint is not known: a region that does not
// exist, or no network at all.
func withoutEndpoint(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// plain is a code without the suffix of its protocol: "ThrottlingException" and "Throttling",
// "InvalidDBInstanceState" and "InvalidDBClusterStateFault" are one family each. The wire code of
// RDS has no "Fault" where the Go type has one.
func plain(code string) string {
	code = strings.TrimSuffix(code, "Exception")
	return strings.TrimSuffix(code, "Fault")
}
