package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rogpeppe/go-internal/testscript"

	"aws-hit-breaks/pkg/settings"
)

// lose takes everything out of the table, as a deployment does that makes a new one.
func lose(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 0, "lose")
	a := of(ts).account
	client := dynamodb.NewFromConfig(a.Process("a person").Config())
	for _, item := range a.Items("us-east-1", settings.DefaultTable) {
		if _, err := client.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
			TableName: aws.String(settings.DefaultTable), Key: map[string]ddbtypes.AttributeValue{"PK": item["PK"], "SK": item["SK"]},
		}); err != nil {
			ts.Fatalf("lose an item: %v", err)
		}
	}
}

// setenv puts NAME=VALUE of a file into the environment.
func setenv(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "setenv FILE")
	name, value, _ := strings.Cut(strings.TrimSpace(ts.ReadFile(args[0])), "=")
	ts.Setenv(name, value)
}
