package main

import (
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

// publishedBy makes a topic that one service alone may publish to, in the name of this account, and of
// the source where the service says one. The
// policy is what AWS documents and nothing narrower, or no alarm would ever arrive:
// https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
// https://docs.aws.amazon.com/cost-management/latest/userguide/ad-SNS.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
func publishedBy(stack awscdk.Stack, p roles.Place, d settings.Deployment, name, title, service, source string) awssns.CfnTopic {
	props := &awssns.CfnTopicProps{TopicName: jsii.String(p.Prefix + "-" + name), DisplayName: jsii.String(title)}
	if d.Key != "" && *stack.Node().Id() == "Switch" { // a key is of one region
		props.KmsMasterKeyId = jsii.String(d.Key)
	}
	topic := awssns.NewCfnTopic(stack, id(name), props)
	condition := object{"StringEquals": object{"aws:SourceAccount": p.Account}}
	if source != "" {
		condition["ArnLike"] = object{"aws:SourceArn": source}
	}
	awssns.NewCfnTopicPolicy(stack, id(name, "policy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{topic.Ref()},
		PolicyDocument: document([]any{object{
			"Sid": "Alarms", "Effect": "Allow", "Principal": object{"Service": service}, "Action": "sns:Publish",
			"Resource": topicARN(p, *stack.Region(), name), "Condition": condition,
		}}),
	})
	return topic
}

// notifyTopic tells people. The functions publish to it by their roles, and the alarms of the switch
// by its policy.
func notifyTopic(stack awscdk.Stack, p roles.Place, d settings.Deployment) awssns.CfnTopic {
	topic := publishedBy(stack, p, d, "notify", "Emergency brake", "cloudwatch.amazonaws.com",
		"arn:"+p.Partition+":cloudwatch:"+p.Region+":"+p.Account+":alarm:*")
	add := func(n int, protocol, endpoint string) {
		awssns.NewCfnSubscription(stack, id("tell", protocol, strconv.Itoa(n)), &awssns.CfnSubscriptionProps{
			TopicArn: topic.Ref(), Protocol: jsii.String(protocol), Endpoint: jsii.String(endpoint),
		})
	}
	for i, email := range d.Notify.Emails {
		add(i+1, "email", email)
	}
	for i, endpoint := range d.Notify.Endpoints {
		add(i+1, protocolOf(endpoint), endpoint)
	}
	return topic
}

// protocolOf is how SNS calls what the endpoint is reached by.
func protocolOf(endpoint string) string {
	switch {
	case strings.HasPrefix(endpoint, "https:"):
		return "https"
	case strings.Contains(endpoint, ":lambda:"):
		return "lambda"
	}
	return "sqs"
}

// subscribe has the pause function take the alarms of a topic. What SNS cannot hand over, since the
// function is gone or refuses it, goes to the queue of failures; that has to be in the topic's region
// (https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html).
func subscribe(stack awscdk.Stack, p roles.Place, topic alarmTopic, pause deployed) {
	props := &awssns.CfnSubscriptionProps{
		TopicArn: jsii.String(topic.does.ARN), Protocol: jsii.String("lambda"), Endpoint: pause.function.AttrArn(),
		RedrivePolicy: object{"deadLetterTargetArn": p.Queue},
	}
	if topic.region != p.Region {
		props.Region, props.RedrivePolicy = jsii.String(topic.region), nil
	}
	subscription := awssns.NewCfnSubscription(stack, id(topic.name, "to", pause.name), props)
	if topic.region == p.Region {
		after(stack, subscription, topic.name, "failed-policy")
	}
	letIn(stack, pause, topic.name, "sns.amazonaws.com", topic.does.ARN)
}

// failedQueue keeps, for as long as SQS can, what could not be carried out or handed over. SQS
// encrypts it with a key of its own, which needs no grants.
func failedQueue(stack awscdk.Stack, p roles.Place, d settings.Deployment) {
	queue := awssqs.NewCfnQueue(stack, jsii.String("Failed"), &awssqs.CfnQueueProps{
		QueueName: jsii.String(p.Prefix + "-failed"), SqsManagedSseEnabled: jsii.Bool(true),
		MessageRetentionPeriod: jsii.Number(14 * 24 * 60 * 60),
	})
	var topics []string
	for _, t := range alarmTopics(p, d) {
		if t.region == p.Region {
			topics = append(topics, t.does.ARN)
		}
	}
	awssqs.NewCfnQueuePolicy(stack, jsii.String("FailedPolicy"), &awssqs.CfnQueuePolicyProps{
		Queues: &[]*string{queue.Ref()},
		PolicyDocument: document([]any{
			sends("Topics", "sns.amazonaws.com", p.Queue, topics...),
			sends("Events", "events.amazonaws.com", p.Queue, ruleARN(p, wokenRule)),
		}),
	})
}

// sends lets a service put what it could not hand over into the queue, for these sources.
func sends(sid, service, queue string, sources ...string) object {
	return object{
		"Sid": sid, "Effect": "Allow", "Principal": object{"Service": service}, "Action": "sqs:SendMessage",
		"Resource": queue, "Condition": object{"ArnEquals": object{"aws:SourceArn": sources}},
	}
}
