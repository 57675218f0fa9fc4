package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"aws-hit-breaks/pkg/report/reporttest"
	"aws-hit-breaks/pkg/trigger"
)

// TestInvokeAnswersOfALargeAccount: Lambda takes the answer, so that nothing is done again because of it.
func TestInvokeAnswersOfALargeAccount(t *testing.T) {
	r := reporttest.Paused(25000)
	answer := trigger.Answer{Report: r, Snapshot: r.Snapshot, Order: 1}
	f := &function{
		log:     slog.New(slog.DiscardHandler),
		handler: func(account string) *trigger.Handler { return &trigger.Handler{Account: account} },
		answer: func(*trigger.Handler, context.Context, json.RawMessage) (trigger.Answer, error) {
			return answer, nil
		},
	}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:aws-hit-breaks-pause",
	})
	payload, err := f.Invoke(ctx, nil)
	if err != nil || len(payload) > 6<<20 {
		t.Fatalf("Lambda takes no answer of %d bytes: %v", len(payload), err)
	}
	if got, err := trigger.DecodeAnswer(payload); err != nil || !reflect.DeepEqual(answer, got) {
		t.Errorf("%d of %d resources arrive: %v", len(got.Report.Resources), len(r.Resources), err)
	}
}
