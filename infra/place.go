package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

// place is where the switch of a stack is. Account, region and partition are known to CloudFormation
// alone, so that one template serves every account.
func place(stack awscdk.Stack, d settings.Deployment) roles.Place {
	p := roles.Place{
		Partition: *stack.Partition(), Account: *stack.Account(), Region: *stack.Region(),
		Table: d.Table, Key: d.Key, Prefix: d.Brake.Prefix, Regions: d.Brake.Regions, ProtectTag: d.Brake.ProtectTag,
	}
	p.Notify = topicARN(p, p.Region, "notify")
	p.Queue = fmt.Sprintf("arn:%s:sqs:%s:%s:%s-failed", p.Partition, p.Region, p.Account, p.Prefix)
	return p
}

// topicARN is the ARN of a topic of the switch. Topics have names that are known beforehand, so that
// the settings of the functions, their roles and a stack in another region can name them.
func topicARN(p roles.Place, region, name string) string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s-%s", p.Partition, region, p.Account, p.Prefix, name)
}

// billingRegion has the metrics of what an account is charged
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html).
const billingRegion = "us-east-1"

// alarmTopic is a topic that alarms come from.
type alarmTopic struct {
	name   string // "rung-1"
	region string
	does   settings.Topic
}

// alarmTopics are the topics of a deployment, those of the rungs first.
func alarmTopics(p roles.Place, d settings.Deployment) []alarmTopic {
	var all []alarmTopic
	add := func(name, region string, does settings.Topic) {
		does.ARN = topicARN(p, region, name)
		all = append(all, alarmTopic{name, region, does})
	}
	for i, r := range d.Rungs {
		add(fmt.Sprintf("rung-%d", i+1), p.Region, settings.Topic{Action: r.Action, Scope: r.Scope})
	}
	if b := d.BillingAlarm; b != nil {
		add("billing", billingRegion, settings.Topic{Action: b.Action, Scope: b.Scope})
	}
	if d.Anomaly != nil {
		add("anomaly", p.Region, settings.Topic{Action: settings.ActionNotify})
	}
	return all
}

// environment are the variables of the functions.
func environment(p roles.Place, d settings.Deployment) map[string]string {
	s := d.Brake
	s.Notify = p.Notify
	for _, t := range alarmTopics(p, d) {
		s.Topics = append(s.Topics, t.does)
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings, lists and durations
	}
	return map[string]string{
		settings.TableVariable: d.Table, settings.SettingsVariable: string(text), settings.BudgetVariable: budgetName(d),
	}
}

// largestEnvironment is what Lambda takes, names and values together
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const largestEnvironment = 4 << 10

// checkEnvironment refuses settings that Lambda would refuse in the middle of a deployment. Where the
// template is deployed is not known here: the names of the place are as long as any.
func checkEnvironment(d settings.Deployment) error {
	longest := roles.Place{Partition: "aws-us-gov", Account: strings.Repeat("1", 12), Region: "ap-northeast-99", Prefix: d.Brake.Prefix}
	longest.Notify = topicARN(longest, longest.Region, "notify")
	size := 0
	for name, value := range environment(longest, d) {
		size += len(name) + len(value)
	}
	if size > largestEnvironment {
		return fmt.Errorf("setting rungs: with their scopes and brake the functions' settings have %d bytes, and Lambda takes %d: name less in the scopes, by tags in the place of ids", size, largestEnvironment)
	}
	return nil
}
