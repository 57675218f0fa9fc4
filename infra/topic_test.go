package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// byName are the resources of a type by the property that names them.
func byName(all map[string]resource, kind, property string) map[string]object {
	out := map[string]object{}
	for _, r := range all {
		if r.Type == kind {
			out[fmt.Sprint(r.Properties[property])] = r.Properties
		}
	}
	return out
}

// Who may publish to a topic can pull the brake. The policies are those that AWS documents, word for
// word: with a narrower one no alarm arrives, with a wider one others can pull it.
func TestTopicPolicies(t *testing.T) {
	s := synth(t, full)
	allow := func(service, topic string, condition object) []any {
		return []any{object{
			"Sid": "Alarms", "Effect": "Allow", "Principal": object{"Service": service}, "Action": "sns:Publish",
			"Resource": topic, "Condition": condition,
		}}
	}
	mine := object{"aws:SourceAccount": account}
	budgets := object{"StringEquals": mine, "ArnLike": object{"aws:SourceArn": "arn:aws:budgets::" + account + ":*"}}
	alarms := func(region string) object {
		return object{"StringEquals": mine, "ArnLike": object{"aws:SourceArn": "arn:aws:cloudwatch:" + region + ":" + account + ":alarm:*"}}
	}
	for stack, want := range map[string]map[string][]any{
		"Switch": {
			"brake-rung-1":  allow("budgets.amazonaws.com", arn("sns", "brake-rung-1"), budgets),
			"brake-rung-2":  allow("budgets.amazonaws.com", arn("sns", "brake-rung-2"), budgets),
			"brake-rung-3":  allow("budgets.amazonaws.com", arn("sns", "brake-rung-3"), budgets),
			"brake-rung-4":  allow("budgets.amazonaws.com", arn("sns", "brake-rung-4"), budgets),
			"brake-rung-5":  allow("budgets.amazonaws.com", arn("sns", "brake-rung-5"), budgets),
			"brake-anomaly": allow("costalerts.amazonaws.com", arn("sns", "brake-anomaly"), object{"StringEquals": mine}),
			"brake-notify":  allow("cloudwatch.amazonaws.com", arn("sns", "brake-notify"), alarms(region)),
		},
		"BillingAlarm": {
			"brake-billing": allow("cloudwatch.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:brake-billing", alarms("us-east-1")),
		},
	} {
		got := map[string][]any{}
		for _, r := range s.deploy(t, stack) {
			if r.Type == "AWS::SNS::TopicPolicy" {
				for _, topic := range r.Properties["Topics"].([]any) {
					got[last(topic.(string))] = r.Properties["PolicyDocument"].(object)["Statement"].([]any)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stack %s: an alarm would not arrive, or somebody else could pull the brake (-want +got):\n%s", stack, diff)
		}
		topics := byName(s.deploy(t, stack), "AWS::SNS::Topic", "TopicName")
		for name, topic := range topics {
			if want[name] == nil {
				t.Errorf("topic %s has no policy: nothing could publish to it", name)
			}
			key := map[string]any{"Switch": s.decided.Key}[stack]
			if topic["KmsMasterKeyId"] != key {
				t.Errorf("topic %s is encrypted with %v, want %v: in another region than the key's nothing could be published", name, topic["KmsMasterKeyId"], key)
			}
		}
	}
}

func arn(service, name string) string {
	return strings.Join([]string{"arn:aws", service, region, account, name}, ":")
}

// last is the part of an ARN after the last colon.
func last(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// An alarm that nobody takes pauses nothing.
func TestSubscriptions(t *testing.T) {
	s := synth(t, full)
	var got []string
	for _, r := range s.deploy(t, "Switch") {
		if r.Type != "AWS::SNS::Subscription" {
			continue
		}
		p := r.Properties
		line := fmt.Sprintf("%s > %s %s", last(p["TopicArn"].(string)), p["Protocol"], p["Endpoint"])
		if in, ok := p["Region"]; ok {
			line += fmt.Sprint(" in ", in)
		}
		if redrive, ok := p["RedrivePolicy"].(object); ok {
			line += " else " + redrive["deadLetterTargetArn"].(string)
		}
		got = append(got, line)
	}
	slices.Sort(got)
	pause := " > lambda " + arn("lambda", "function:brake-pause")
	failed := " else " + arn("sqs", "brake-failed")
	want := []string{
		"brake-anomaly" + pause + failed,
		"brake-billing" + pause + " in us-east-1",
		"brake-notify > email ops@example.com",
		"brake-notify > email you@example.com",
		"brake-notify > https https://example.com/hook",
		"brake-notify > lambda arn:aws:lambda:eu-west-1:444455556666:function:told",
		"brake-notify > sqs arn:aws:sqs:eu-west-1:444455556666:told",
		"brake-rung-1" + pause + failed,
		"brake-rung-2" + pause + failed,
		"brake-rung-3" + pause + failed,
		"brake-rung-4" + pause + failed,
		"brake-rung-5" + pause + failed,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an alarm would reach nobody, would be lost when it cannot be handed over, or would reach a stranger (-want +got):\n%s", diff)
	}
}

// What could not be carried out is kept, and nobody but the services that hand it over can put
// anything beside it.
func TestFailedQueue(t *testing.T) {
	for _, text := range []string{least, full} {
		s := synth(t, text)
		prefix := s.decided.Brake.Prefix
		all := s.deploy(t, "Switch")
		want := object{"QueueName": prefix + "-failed", "SqsManagedSseEnabled": true, "MessageRetentionPeriod": 1209600.0, "Tags": switchTag}
		if diff := cmp.Diff(want, all["Failed"].Properties); diff != "" {
			t.Errorf("a failed invocation would be kept in the clear, or not as long as it can be (-want +got):\n%s", diff)
		}
		var topics []any
		for _, topic := range alarmTopics(s.place(), s.decided) {
			if topic.region == region {
				topics = append(topics, topic.does.ARN)
			}
		}
		queue := arn("sqs", prefix+"-failed")
		send := func(sid, service string, sources ...any) object {
			return object{
				"Sid": sid, "Effect": "Allow", "Principal": object{"Service": service}, "Action": "sqs:SendMessage", "Resource": queue,
				"Condition": object{"ArnEquals": object{"aws:SourceArn": sources}},
			}
		}
		statements := []any{
			send("Topics", "sns.amazonaws.com", topics...),
			send("Events", "events.amazonaws.com", "arn:aws:events:eu-west-1:111122223333:rule/"+prefix+"-woken"),
		}
		policy := object{"Version": "2012-10-17", "Statement": statements}
		if diff := cmp.Diff(any(policy), all["FailedPolicy"].Properties["PolicyDocument"]); diff != "" {
			t.Errorf("an alarm that could not be handed over would be lost (-want +got):\n%s", diff)
		}
	}
}
