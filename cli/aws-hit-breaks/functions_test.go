package main

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/rogpeppe/go-internal/testscript"

	"aws-hit-breaks/e2e/lambdahost"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots/dynamo"
)

func functions(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 0 || len(args) == 1 && args[0] == "lost", "functions [lost]")
	of(ts).deployed, of(ts).lost = true, len(args) == 1
}

// withLambda puts the Lambda API beside the simulated account, which has none.
func (w *world) withLambda(config aws.Config) aws.Config {
	config.APIOptions = append(config.APIOptions[:len(config.APIOptions):len(config.APIOptions)], func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Lambda", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (out middleware.InitializeOutput, metadata middleware.Metadata, err error) {
			if input, ok := in.Parameters.(*lambda.InvokeInput); ok {
				out.Result, err = w.invoke(ctx, input)
				return out, metadata, err
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
	return config
}

// invoke runs a function as the Lambda runtime does, and answers as its API does.
func (w *world) invoke(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	if refused := w.refused("lambda:InvokeFunction"); refused != nil {
		return nil, refused
	}
	if !w.deployed {
		return nil, &lambdatypes.ResourceNotFoundException{Message: aws.String("Function not found: " + *in.FunctionName)}
	}
	if in.InvocationType == lambdatypes.InvocationTypeDryRun {
		return &lambda.InvokeOutput{StatusCode: 204}, nil
	}
	config := w.account.Process(*in.FunctionName).Config()
	h := boot.Handler(boot.Options{
		Config: config, Account: w.account.ID(), Store: dynamo.Open(boot.Fenced(config), settings.DefaultTable),
		Settings: settings.Default(), Speed: speed,
	}, nil)
	run := map[string]func(context.Context, json.RawMessage) (trigger.Answer, error){
		"aws-hit-breaks-pause": h.Pause, "aws-hit-breaks-resume": h.Resume,
	}[*in.FunctionName]
	answer, err := run(ctx, in.Payload)
	var result lambdahost.Result
	if err != nil {
		result.FunctionError = "Unhandled"
		result.Payload, err = json.Marshal(map[string]string{
			"errorMessage": err.Error(), "errorType": reflect.Indirect(reflect.ValueOf(err)).Type().Name(),
		})
	} else if result.Payload, err = answer.Encode(); err == nil {
		result = lambdahost.Answered(result.Payload)
	}
	if w.lost {
		return nil, &smithyhttp.RequestSendError{Err: errors.New("connection reset by peer")}
	}
	out := &lambda.InvokeOutput{StatusCode: 200, Payload: result.Payload}
	if result.FunctionError != "" {
		out.FunctionError = &result.FunctionError
	}
	return out, err
}

// damage alters the body of an item of the table, as a human with the console does.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "damage TEXT")
	a := of(ts).account
	client := dynamodb.NewFromConfig(a.Process("a person").Config())
	for _, item := range a.Items("us-east-1", settings.DefaultTable) {
		if key, ok := item["SK"].(*ddbtypes.AttributeValueMemberS); !ok || !strings.Contains(key.Value, args[0]) {
			continue
		}
		item["body"] = &ddbtypes.AttributeValueMemberS{Value: "{}"}
		if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{
			TableName: aws.String(settings.DefaultTable), Item: item,
		}); err != nil {
			ts.Fatalf("alter an item: %v", err)
		}
		return
	}
	ts.Fatalf("no item of the table has %q in its key", args[0])
}

func snapshot(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "snapshot NAME")
	for _, item := range of(ts).account.Items("us-east-1", settings.DefaultTable) {
		key, _ := item["SK"].(*ddbtypes.AttributeValueMemberS)
		if id, found := strings.CutPrefix(key.Value, "SNAPSHOT#"); found {
			ts.Setenv(args[0], id) // the last one in order is the newest
		}
	}
}
