package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

func TestFunctions(t *testing.T) {
	for _, text := range []string{least, full} {
		s := synth(t, text)
		prefix := s.decided.Brake.Prefix
		functions := byName(s.deploy(t, "Switch"), "AWS::Lambda::Function", "FunctionName")
		if len(functions) != 3 {
			t.Fatalf("there are %d functions, want pause, resume and guard", len(functions))
		}
		for _, name := range []string{"pause", "resume", "guard"} {
			f := functions[prefix+"-"+name]
			if f == nil {
				t.Fatalf("there is no function %s-%s: the CLI would invoke nothing", prefix, name)
			}
			for property, want := range map[string]struct {
				value     any
				otherwise string
			}{
				"Runtime":       {"provided.al2023", "the program could not be run"},
				"Architectures": {[]any{"arm64"}, "the program could not be run: make functions builds for arm64"},
				"Handler":       {"bootstrap", "the program would not be found"},
				"Timeout":       {900.0, "a pause would be cut off before it had to be"},
				"MemorySize":    {1024.0, "the cost table and the reason in function.go would no longer be true"},
				"Role":          {"arn:aws:iam::" + account + ":role/" + prefix + "-" + name, "the function would have the rights of another one"},
				"LoggingConfig": {object{"LogGroup": "/aws/lambda/" + prefix + "-" + name}, "the log would be in a group that keeps it for ever"},
			} {
				if diff := cmp.Diff(want.value, f[property]); diff != "" {
					t.Errorf("%s of %s: %s (-want +got):\n%s", property, name, want.otherwise, diff)
				}
			}
			reserved := map[string]any{least: nil, full: 2.0}[text]
			if f["ReservedConcurrentExecutions"] != reserved {
				t.Errorf("%s reserves %v, want %v: a new account has ten in all, and its deployment would be refused", name, f["ReservedConcurrentExecutions"], reserved)
			}
		}
		for name, group := range byName(s.deploy(t, "Switch"), "AWS::Logs::LogGroup", "LogGroupName") {
			if want := float64(s.decided.LogRetentionDays); group["RetentionInDays"] != want {
				t.Errorf("%s is kept for %v days, want %v: logs would be paid for, for ever", name, group["RetentionInDays"], want)
			}
		}
	}
}

// What the functions read is what the owner wrote, with the topics that there are: a function that
// cannot read its settings pauses nothing.
func TestFunctionsReadTheirSettings(t *testing.T) {
	s := synth(t, full)
	want := s.decided.Brake
	want.Notify = arn("sns", "brake-notify")
	want.Topics = []settings.Topic{
		{ARN: arn("sns", "brake-rung-1"), Action: "notify"},
		{ARN: arn("sns", "brake-rung-2"), Action: "notify"},
		{ARN: arn("sns", "brake-rung-3"), Action: "pause", Scope: killswitch.Scope{Tags: []string{"env=${dev}"}}},
		{ARN: arn("sns", "brake-rung-4"), Action: "pause", Scope: killswitch.Scope{Exclude: &killswitch.Scope{Services: []string{"rds"}}}},
		{ARN: arn("sns", "brake-rung-5"), Action: "pause"},
		{ARN: "arn:aws:sns:us-east-1:111122223333:brake-billing", Action: "pause"},
		{ARN: arn("sns", "brake-anomaly"), Action: "notify"},
	}
	for name, f := range byName(s.deploy(t, "Switch"), "AWS::Lambda::Function", "FunctionName") {
		variables := f["Environment"].(object)["Variables"].(object)
		got, table, err := settings.FromEnv(func(key string) string {
			value, _ := variables[key].(string)
			return value
		})
		if err != nil {
			t.Fatalf("%s cannot read its settings: %v", name, err)
		}
		if made := s.deploy(t, "Switch")["Budget"].Properties["Budget"].(object)["BudgetName"]; variables[settings.BudgetVariable] != made {
			t.Errorf("%s names the budget %v, and there is %v: doctor would look for another one", name, variables[settings.BudgetVariable], made)
		}
		if table != "snapshots-2" {
			t.Errorf("%s keeps its snapshots in %s, want the table of the other stack", name, table)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s would pause something else than the rung says, or tell nobody (-want +got):\n%s", name, diff)
		}
	}
}

// Whoever may invoke the pause function can switch the account off.
func TestPermissions(t *testing.T) {
	s := synth(t, full)
	var got []string
	for id, r := range s.deploy(t, "Switch") {
		if r.Type != "AWS::Lambda::Permission" {
			continue
		}
		p := r.Properties
		if p["SourceAccount"] != nil {
			t.Errorf("%s has a condition on the account, which SNS and EventBridge do not fill in: no event would ever arrive", id)
		}
		got = append(got, fmt.Sprintf("%s %s %s for %s", last(p["FunctionName"].(string)), p["Action"], p["Principal"], p["SourceArn"]))
	}
	slices.Sort(got)
	var want []string
	for i := range 5 {
		want = append(want, "brake-pause lambda:InvokeFunction sns.amazonaws.com for "+arn("sns", fmt.Sprintf("brake-rung-%d", i+1)))
	}
	want = append(want,
		"brake-pause lambda:InvokeFunction sns.amazonaws.com for arn:aws:sns:us-east-1:111122223333:brake-billing",
		"brake-pause lambda:InvokeFunction sns.amazonaws.com for "+arn("sns", "brake-anomaly"),
		"brake-guard lambda:InvokeFunction events.amazonaws.com for arn:aws:events:eu-west-1:111122223333:rule/brake-tick",
		"brake-guard lambda:InvokeFunction events.amazonaws.com for arn:aws:events:eu-west-1:111122223333:rule/brake-woken",
	)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an alarm or a tick would not be let in, or a stranger would (-want +got):\n%s", diff)
	}
}

// An alarm comes once. A function that fails on it is asked again, and then it is kept.
func TestNothingIsLost(t *testing.T) {
	all := synth(t, full).deploy(t, "Switch")
	for id, want := range map[string]struct{ retries, age float64 }{
		"PauseRetries": {2, 21600}, "ResumeRetries": {2, 21600}, "GuardRetries": {0, 60},
	} {
		name := all[id].Properties["FunctionName"]
		diff := cmp.Diff(object{
			"FunctionName": name, "Qualifier": "$LATEST", "MaximumRetryAttempts": want.retries, "MaximumEventAgeInSeconds": want.age,
			"DestinationConfig": object{"OnFailure": object{"Destination": arn("sqs", "brake-failed")}},
		}, all[id].Properties)
		if diff != "" {
			t.Errorf("%s: an alarm whose pause fails would be gone (-want +got):\n%s", id, diff)
		}
	}
}

// The guard is what carries on a pause that Lambda cut off, and what stops a database that AWS starts.
func TestSchedule(t *testing.T) {
	rules := byName(synth(t, full).deploy(t, "Switch"), "AWS::Events::Rule", "Name")
	guard := arn("lambda", "function:brake-guard")
	for name, want := range map[string]object{
		"brake-tick": {
			"Name": "brake-tick", "State": "ENABLED", "ScheduleExpression": "rate(1 minute)",
			"Targets": []any{object{"Arn": guard, "Id": "guard", "RetryPolicy": object{"MaximumEventAgeInSeconds": 60.0, "MaximumRetryAttempts": 0.0}}},
		},
		"brake-woken": {
			"Name": "brake-woken", "State": "ENABLED",
			"EventPattern": object{
				"source": []any{"aws.rds"}, "detail-type": []any{"RDS DB Instance Event", "RDS DB Cluster Event"},
				"detail": object{"EventID": []any{"RDS-EVENT-0153", "RDS-EVENT-0154"}},
			},
			"Targets": []any{object{"Arn": guard, "Id": "guard", "DeadLetterConfig": object{"Arn": arn("sqs", "brake-failed")}}},
		},
	} {
		delete(rules[name], "Description")
		delete(rules[name], "Tags")
		if diff := cmp.Diff(want, rules[name]); diff != "" {
			t.Errorf("%s: what is unfinished would stay so (-want +got):\n%s", name, diff)
		}
	}
}

// A brake that is broken and says nothing is worse than none.
func TestAlarms(t *testing.T) {
	s := synth(t, full)
	all := byName(s.deploy(t, "Switch"), "AWS::CloudWatch::Alarm", "AlarmName")
	watch := func(metric, statistic, dimension, of string, seconds float64, comparison string, threshold float64, missing string) object {
		namespace := map[string]string{"FunctionName": "AWS/Lambda", "QueueName": "AWS/SQS"}[dimension]
		return object{
			"Namespace": namespace, "MetricName": metric, "Statistic": statistic, "Dimensions": []any{object{"Name": dimension, "Value": of}},
			"Period": seconds, "EvaluationPeriods": 1.0, "ComparisonOperator": comparison, "Threshold": threshold, "TreatMissingData": missing,
			"AlarmActions": []any{arn("sns", "brake-notify")}, "OKActions": []any{arn("sns", "brake-notify")}, "Tags": switchTag,
		}
	}
	want := map[string]struct {
		alarm     object
		otherwise string
	}{
		"brake-pause-errors":    {watch("Errors", "Sum", "FunctionName", "brake-pause", 300, "GreaterThanThreshold", 0, "notBreaching"), "a pause that fails would go unnoticed"},
		"brake-resume-errors":   {watch("Errors", "Sum", "FunctionName", "brake-resume", 300, "GreaterThanThreshold", 0, "notBreaching"), "a resume that fails would go unnoticed"},
		"brake-guard-errors":    {watch("Errors", "Sum", "FunctionName", "brake-guard", 300, "GreaterThanThreshold", 0, "notBreaching"), "a guard that fails would go unnoticed, and nothing be carried on"},
		"brake-guard-silent":    {watch("Invocations", "Sum", "FunctionName", "brake-guard", 600, "LessThanThreshold", 1, "breaching"), "a guard that no longer runs would go unnoticed: no runs are no values, and those must count as bad"},
		"brake-failed-messages": {watch("ApproximateNumberOfMessagesVisible", "Maximum", "QueueName", "brake-failed", 300, "GreaterThanThreshold", 0, "notBreaching"), "an alarm that paused nothing would lie in the queue unseen"},
	}
	for name, w := range want {
		got := all[name]
		if text, _ := got["AlarmDescription"].(string); len(text) < 40 {
			t.Errorf("%s says only %q: who gets it by e-mail would not know what to do", name, text)
		}
		delete(got, "AlarmName")
		delete(got, "AlarmDescription")
		if diff := cmp.Diff(w.alarm, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, w.otherwise, diff)
		}
	}
	if len(all) != len(want) {
		t.Errorf("there are %d alarms, and %d are known here and in the cost table", len(all), len(want))
	}
}
