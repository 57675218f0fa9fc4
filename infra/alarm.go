package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
)

// alarm is one of what tells that the switch itself is broken.
type alarm struct {
	name, description string
	namespace, metric string
	statistic         string
	dimension, of     string
	seconds           float64 // looked at over
	comparison        string
	threshold         float64
	missing           string // what no value means
}

// The words of CloudWatch for what no value means.
const (
	fine = "notBreaching"
	bad  = "breaching"
)

// alarmOf makes an alarm that tells the topic when it begins, and when it ends.
func alarmOf(stack awscdk.Stack, p roles.Place, a alarm, tells awssns.CfnTopic) awscloudwatch.CfnAlarm {
	return awscloudwatch.NewCfnAlarm(stack, id(a.name), &awscloudwatch.CfnAlarmProps{
		AlarmName: jsii.String(p.Prefix + "-" + a.name), AlarmDescription: jsii.String(a.description),
		Namespace: jsii.String(a.namespace), MetricName: jsii.String(a.metric), Statistic: jsii.String(a.statistic),
		Dimensions:         []any{&awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(a.dimension), Value: jsii.String(a.of)}},
		Period:             jsii.Number(a.seconds),
		EvaluationPeriods:  jsii.Number(1),
		ComparisonOperator: jsii.String(a.comparison), Threshold: jsii.Number(a.threshold), TreatMissingData: jsii.String(a.missing),
		AlarmActions: anys(*tells.Ref()), OkActions: anys(*tells.Ref()),
	})
}

// errorAlarm tells of a function that failed.
func errorAlarm(stack awscdk.Stack, p roles.Place, f deployed, notify awssns.CfnTopic) {
	alarmOf(stack, p, alarm{
		name: f.name + "-errors", description: "The " + f.name + " function of the emergency brake fails. Its log says why: /aws/lambda/" + p.Prefix + "-" + f.name,
		namespace: "AWS/Lambda", metric: "Errors", statistic: "Sum", dimension: "FunctionName", of: *f.function.Ref(),
		seconds: 300, comparison: "GreaterThanThreshold", threshold: 0, missing: fine,
	}, notify)
}

// silentAlarm tells of a guard that is no longer asked: what is unfinished stays unfinished.
func silentAlarm(stack awscdk.Stack, p roles.Place, guard deployed, notify awssns.CfnTopic) {
	alarmOf(stack, p, alarm{
		name: "guard-silent", description: "The guard of the emergency brake has not run for ten minutes: nothing that is unfinished is carried on. Look whether the rule " + p.Prefix + "-" + tickRule + " is enabled and the account's concurrency used up",
		namespace: "AWS/Lambda", metric: "Invocations", statistic: "Sum", dimension: "FunctionName", of: *guard.function.Ref(),
		seconds: 600, comparison: "LessThanThreshold", threshold: 1, missing: bad,
	}, notify)
}

// failedAlarm tells of what nobody will try again: an alarm that paused nothing.
func failedAlarm(stack awscdk.Stack, p roles.Place, notify awssns.CfnTopic) {
	alarmOf(stack, p, alarm{
		name: "failed-messages", description: "Something that the emergency brake was told could not be carried out, an alarm perhaps. Read the queue " + p.Prefix + "-failed; to pause by hand: aws-hit-breaks pause",
		namespace: "AWS/SQS", metric: "ApproximateNumberOfMessagesVisible", statistic: "Maximum", dimension: "QueueName", of: p.Prefix + "-failed",
		seconds: 300, comparison: "GreaterThanThreshold", threshold: 0, missing: fine,
	}, notify)
}
