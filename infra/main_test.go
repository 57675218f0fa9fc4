package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/pkg/settings"
)

// appVariable makes the test binary be the app, as the CDK CLI runs it.
const appVariable = "AWS_HIT_BREAKS_TEST_IS_APP"

// The tests of this package share one process of Node, which answers one call after the other: none
// may be parallel.
func TestMain(m *testing.M) {
	if os.Getenv(appVariable) != "" {
		main()
		return
	}
	code := run(m)
	jsii.Close()
	os.Exit(code)
}

// root is the folder of go.mod.
var root string

// run runs the tests in a folder that has packages of functions, which no test looks into.
func run(m *testing.M) int {
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	root = filepath.Dir(here)
	folder, err := os.MkdirTemp("", "infra")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := packages(folder); err != nil {
		panic(err)
	}
	if err := os.Chdir(folder); err != nil {
		panic(err)
	}
	return m.Run()
}

// packages writes packages of functions where the stacks look for them.
func packages(folder string) error {
	folder = filepath.Join(folder, functionsFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"pause", "resume", "guard"} {
		if err := os.WriteFile(filepath.Join(folder, name+".zip"), []byte("the package of "+name), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// least is the least that an owner has to decide, and full everything there is.
const (
	least = `{"budget": {"amount": 100}, "notify": {"emails": ["you@example.com"]},
		"rungs": [{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause"}]}`
	full = `{
		"budget": {"amount": 250.5, "period": "QUARTERLY"},
		"rungs": [
			{"type": "FORECASTED", "threshold": 90, "unit": "PERCENTAGE", "action": "notify"},
			{"type": "ACTUAL", "threshold": 80, "unit": "PERCENTAGE", "action": "notify"},
			{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause", "scope": {"tags": ["env=${dev}"]}},
			{"type": "ACTUAL", "threshold": 300, "unit": "ABSOLUTE", "action": "pause", "scope": {"exclude": {"services": ["rds"]}}},
			{"type": "ACTUAL", "threshold": 350, "unit": "ABSOLUTE", "action": "pause"}
		],
		"notify": {
			"emails": ["you@example.com", "ops@example.com"],
			"endpoints": ["https://example.com/hook", "arn:aws:sqs:eu-west-1:444455556666:told", "arn:aws:lambda:eu-west-1:444455556666:function:told"]
		},
		"billingAlarm": {"threshold": 400, "action": "pause"},
		"anomaly": {"impact": 50},
		"operators": [
			{"principal": "arn:aws:iam::111122223333:role/on-call"},
			{"principal": "arn:aws:iam::444455556666:role/support", "externalId": "brake-1"}
		],
		"inspectors": [{"principal": "arn:aws:iam::111122223333:root"}],
		"logRetentionDays": 90, "permissionsBoundary": "limits", "reservedConcurrency": 2,
		"key": "arn:aws:kms:eu-west-1:111122223333:key/0a1b", "table": "snapshots-2",
		"brake": {"prefix": "brake", "regions": ["eu-*", "us-east-1"], "settle": "90s", "protectTag": "critical"}
	}`
)

// synthesised is a deployment and its templates, by the ids of the stacks.
type synthesised struct {
	decided   settings.Deployment
	templates map[string]assertions.Template
	stacks    stacks
}

// templatesOf makes the templates of what an owner decided.
func templatesOf(text string) (synthesised, error) {
	d, err := settings.ParseDeployment(text)
	if err != nil {
		return synthesised{}, err
	}
	s, err := newSwitch(awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)}), d)
	if err != nil {
		return synthesised{}, err
	}
	all := synthesised{decided: d, templates: map[string]assertions.Template{}, stacks: s}
	for _, stack := range []awscdk.Stack{s.snapshots, s.brake, s.billing} {
		if stack != nil {
			all.templates[*stack.Node().Id()] = assertions.Template_FromStack(stack, nil)
		}
	}
	return all, nil
}

var once = map[string]func() (synthesised, error){}

func synth(t *testing.T, text string) synthesised {
	t.Helper()
	if once[text] == nil {
		once[text] = sync.OnceValues(func() (synthesised, error) { return templatesOf(text) })
	}
	s, err := once[text]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// with is the JSON object with another value of one field, or with one more.
func with(t *testing.T, text, field, value string) string {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	fields[field] = json.RawMessage(value)
	out, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// has fails, saying what an operator would suffer, unless a resource of the type has the properties,
// and perhaps others.
func (s synthesised) has(t *testing.T, stack, kind string, properties object, otherwise string) {
	t.Helper()
	holds(t, otherwise, func() { s.templates[stack].HasResourceProperties(jsii.String(kind), properties) })
}

// holds makes a failed assertion of the CDK, which is a panic, an error of the test.
func holds(t *testing.T, otherwise string, assert func()) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s\n%.1500s", otherwise, fmt.Sprint(r))
		}
	}()
	assert()
}

// The place that templates are looked at in, and the ARNs of what is there.
const (
	account = "111122223333"
	region  = "eu-west-1"
)

// deploy gives the resources of a stack as CloudFormation makes them in the place: references are
// resolved to names and ARNs, so that what is compared is what AWS gets.
func (s synthesised) deploy(t *testing.T, stack string) map[string]resource {
	t.Helper()
	template := *s.templates[stack].ToJSON()
	text, err := json.Marshal(template["Resources"])
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string]resource{}
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	in := region
	if stack == "BillingAlarm" {
		in = billingRegion
	}
	all := map[string]resource{}
	for id, r := range raw {
		r.Properties = resolve(t, raw, in, r.Properties).(object)
		all[id] = r
	}
	return all
}

// resource is a resource of a template.
type resource struct {
	Type                string
	Properties          object
	DependsOn           any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// names are the properties that name a resource, and arns how its ARN goes on after the account.
var (
	names = map[string]string{
		"AWS::SNS::Topic": "TopicName", "AWS::SQS::Queue": "QueueName", "AWS::Lambda::Function": "FunctionName",
		"AWS::IAM::Role": "RoleName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::CE::AnomalyMonitor": "MonitorName",
	}
	arns = map[string]string{
		"AWS::SNS::Topic": "sns:{region}:{account}:", "AWS::Lambda::Function": "lambda:{region}:{account}:function:",
		"AWS::IAM::Role": "iam::{account}:role/", "AWS::CE::AnomalyMonitor": "ce::{account}:anomalymonitor/",
	}
)

// resolve gives the value of an expression of a template.
func resolve(t *testing.T, all map[string]resource, in string, v any) any {
	t.Helper()
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = resolve(t, all, in, v[i])
		}
		return out
	case object:
		if ref, ok := v["Ref"].(string); ok && len(v) == 1 {
			return reference(t, all, in, ref)
		}
		if get, ok := v["Fn::GetAtt"].([]any); ok {
			return arnOf(t, all, in, get[0].(string))
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			var b strings.Builder
			for _, part := range join[1].([]any) {
				b.WriteString(resolve(t, all, in, part).(string))
			}
			return b.String()
		}
		out := object{}
		for key := range v {
			if strings.HasPrefix(key, "Fn::") && key != "Fn::Sub" {
				t.Fatalf("no way to resolve %s of %v", key, v)
			}
			out[key] = resolve(t, all, in, v[key])
		}
		return out
	}
	return v
}

func reference(t *testing.T, all map[string]resource, in, ref string) string {
	t.Helper()
	if value, ok := map[string]string{
		"AWS::AccountId": account, "AWS::Region": in, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
	}[ref]; ok {
		return value
	}
	if all[ref].Type == "AWS::SNS::Topic" { // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
		return arnOf(t, all, in, ref)
	}
	name, ok := all[ref].Properties[names[all[ref].Type]].(string)
	if all[ref].Type == "AWS::SQS::Queue" { // its URL
		return "https://sqs." + in + ".amazonaws.com/" + account + "/" + name
	}
	if !ok {
		t.Fatalf("nothing is known of %s, a %s", ref, all[ref].Type)
	}
	return name
}

func arnOf(t *testing.T, all map[string]resource, in, id string) string {
	t.Helper()
	r := all[id]
	rest, ok := arns[r.Type]
	if !ok {
		t.Fatalf("no ARN is known of %s, a %s", id, r.Type)
	}
	return "arn:aws:" + strings.NewReplacer("{region}", in, "{account}", account).Replace(rest) + r.Properties[names[r.Type]].(string)
}
