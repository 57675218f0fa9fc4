package main

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// document is a policy of the statements, as the JSON that IAM reads.
func document(statements any) any {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err) // strings, lists and maps
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		panic(err)
	}
	return v
}

// object is a JSON object of a policy.
type object = map[string]any

// id is the logical name of a resource: the words together, each with a capital.
func id(words ...string) *string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(strings.Join(words, "-"), func(c rune) bool { return c == '-' }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return jsii.String(b.String())
}

// after has CloudFormation make the resource after others of the stack, which it names and does not
// refer to.
func after(stack awscdk.Stack, resource awscdk.CfnResource, others ...string) {
	for _, other := range others {
		resource.AddResourceDependency(stack.Node().FindChild(id(other)).(awscdk.CfnResource), nil)
	}
}

// anys are the strings as the CDK takes lists of anything.
func anys(all ...string) *[]any {
	out := []any{}
	for _, s := range all {
		out = append(out, s)
	}
	return &out
}
