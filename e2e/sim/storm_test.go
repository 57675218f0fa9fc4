package sim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"aws-hit-breaks/pkg/awssim"
)

// storm is what AWS and the store do to the calls of one history.
type storm struct {
	draw  *rand.Rand
	tally *tally
	until time.Time // it is calm after; zero: not begun

	store, services, late int // in a hundred calls
}

func newStorm(seed uint64, tally *tally) *storm {
	s := &storm{draw: rand.New(rand.NewPCG(seed, 2)), tally: tally}
	s.store = []int{0, 2, 10}[s.draw.IntN(3)]
	s.services = []int{0, 0, 3}[s.draw.IntN(3)]
	s.late = []int{0, 5, 20}[s.draw.IntN(3)]
	return s
}

// fault draws what happens to an attempt. Draws are made in the order of attempts, which the seed of
// the account decides, so that one seed stays one history.
func (s *storm) fault(c awssim.Call) awssim.Fault {
	if s.until.IsZero() || !c.Sent.Before(s.until) {
		return awssim.Fault{}
	}
	hit := s.draw.IntN(100)
	switch {
	case c.Service == "dynamodb" && hit < s.store:
		s.tally.faults.Add(1)
		return s.ofStore(c)
	case c.Service == "dynamodb":
		return awssim.Fault{}
	case c.Mutating && c.Attempt == 1 && hit < s.late:
		// As late as the call's own deadline: what the engine counts on (Pace.Call). A retry of the
		// SDK begins later than the attempt that the engine knows of, and is not late besides.
		s.tally.late.Add(1)
		return awssim.Fault{Late: time.Duration(1+s.draw.IntN(19_000)) * time.Millisecond}
	case hit >= 100-s.services:
		s.tally.faults.Add(1)
		return s.ofService()
	}
	return awssim.Fault{}
}

// ofStore: busy, throttled, slow, failed before the write, or failed after it.
func (s *storm) ofStore(c awssim.Call) awssim.Fault {
	kind := s.draw.IntN(5)
	in, transaction := c.Input.(*dynamodb.TransactWriteItemsInput)
	switch {
	case kind == 0 && transaction:
		return awssim.Fault{Before: cancelled(len(in.TransactItems), s.draw.IntN(len(in.TransactItems)), "TransactionConflict")}
	case kind == 1 && transaction:
		return awssim.Fault{Before: cancelled(len(in.TransactItems), s.draw.IntN(len(in.TransactItems)), "ThrottlingError")}
	case kind <= 1:
		return awssim.Fault{Before: answer(http.StatusBadRequest, "ProvisionedThroughputExceededException")}
	case kind == 4:
		return awssim.Fault{Delay: time.Duration(1+s.draw.IntN(5_000)) * time.Millisecond}
	case kind == 2:
		return awssim.Fault{Before: answer(http.StatusInternalServerError, "InternalServerError")}
	}
	return awssim.Fault{After: answer(http.StatusInternalServerError, "InternalServerError")}
}

// ofService: throttled, failed before the effect, or failed after it.
func (s *storm) ofService() awssim.Fault {
	switch s.draw.IntN(3) {
	case 0:
		return awssim.Fault{Before: answer(http.StatusBadRequest, "Throttling")}
	case 1:
		return awssim.Fault{Before: answer(http.StatusInternalServerError, "InternalFailure")}
	}
	return awssim.Fault{After: answer(http.StatusInternalServerError, "InternalFailure")}
}

// cancelled is the answer to a transaction of n members of which one was in the way.
func cancelled(n, which int, code string) error {
	reasons := make([]ddbtypes.CancellationReason, n)
	codes := make([]string, n)
	for i := range reasons {
		codes[i] = "None"
		if i == which {
			codes[i] = code
		}
		reasons[i] = ddbtypes.CancellationReason{Code: aws.String(codes[i])}
	}
	return inResponse(http.StatusBadRequest, &ddbtypes.TransactionCanceledException{
		Message:             aws.String(fmt.Sprintf("Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))),
		CancellationReasons: reasons,
	})
}

// answer is an error of AWS as the SDK decodes it.
func answer(status int, code string) error {
	fault := smithy.FaultClient
	if status >= http.StatusInternalServerError {
		fault = smithy.FaultServer
	}
	return inResponse(status, &smithy.GenericAPIError{Code: code, Message: "injected by the test", Fault: fault})
}

// inResponse puts an error into the HTTP response in which the SDK's retryer expects it.
func inResponse(status int, err error) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{}}}, Err: err,
	}}
}
