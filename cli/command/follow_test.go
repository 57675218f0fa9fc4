package command

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go/middleware"

	"aws-hit-breaks/e2e/lambdahost"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/report/reporttest"
	"aws-hit-breaks/pkg/trigger"
)

// answering is a session with functions that answer as Lambda lets them.
func answering(payload []byte) *session {
	result := lambdahost.Answered(payload)
	out := &lambda.InvokeOutput{StatusCode: 200, Payload: result.Payload}
	if result.FunctionError != "" {
		out.FunctionError = &result.FunctionError
	}
	s := &session{config: aws.Config{Region: "us-east-1"}}
	s.settings.Prefix = "aws-hit-breaks"
	s.config.APIOptions = append(s.config.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Lambda", func(
			context.Context, middleware.InitializeInput, middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return middleware.InitializeOutput{Result: out}, middleware.Metadata{}, nil
		}), middleware.Before)
	})
	return s
}

// TestInvokeOfALargeAccount: what a function answers of it arrives whole, and would not as it is.
func TestInvokeOfALargeAccount(t *testing.T) {
	r := reporttest.Paused(25000)
	answer := trigger.Answer{Report: r, Snapshot: r.Snapshot, Order: 1}
	text, err := answer.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := answering(text).invoke(t.Context(), killswitch.Pause, trigger.Invocation{})
	if err != nil || !reflect.DeepEqual(answer, got) {
		t.Errorf("%d of %d resources arrive: %v", len(got.Report.Resources), len(r.Resources), err)
	}
	if text, err = json.Marshal(answer); err != nil {
		t.Fatal(err)
	}
	const refused = "function aws-hit-breaks-pause: Response payload size exceeded maximum allowed payload size"
	if _, err := answering(text).invoke(t.Context(), killswitch.Pause, trigger.Invocation{}); err == nil || !strings.Contains(err.Error(), refused) {
		t.Errorf("the plain JSON ends with %v, want %s", err, refused)
	}
	const another = "the answer of function aws-hit-breaks-pause cannot be read: is it of another version than this command? decompress it"
	if _, err := answering([]byte(`{"gzip":"eA=="}`)).invoke(t.Context(), killswitch.Pause, trigger.Invocation{}); err == nil || !strings.Contains(err.Error(), another) {
		t.Errorf("what cannot be read ends with %v, want %s", err, another)
	}
}

// TestPlanThatIsTooLarge is not taken for one that has nothing to do.
func TestPlanThatIsTooLarge(t *testing.T) {
	answer := trigger.Answer{Report: report.Empty("111122223333"), DryRun: true, Short: true}
	answer.Report.Summary.Total = 1_000_000
	text, err := answer.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := answering(text).plan(t.Context(), engine.Request{Act: killswitch.Pause}, nil); err == nil || !strings.Contains(err.Error(), "--local") {
		t.Errorf("the plan ends with %v, want one that says what to do", err)
	}
}
