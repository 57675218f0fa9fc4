package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

// switchStack is everything but the memory: it can be torn down and deployed again at any time.
func switchStack(stack awscdk.Stack, d settings.Deployment) {
	p := place(stack, d)
	notify := notifyTopic(stack, p, d)
	failedQueue(stack, p, d)

	pause := function(stack, d, "pause", "Pauses what costs by the hour: for the alarms, and for operators.", roles.Pause(p))
	resume := function(stack, d, "resume", "Puts back what was paused: for operators alone.", roles.Resume(p))
	guard := function(stack, d, "guard", "Carries on what is unfinished: every minute, and when RDS starts a database again.", roles.Guard(p))
	for _, f := range []deployed{pause, resume, guard} {
		nothingLost(stack, p, f)
		errorAlarm(stack, p, f, notify)
	}
	failedAlarm(stack, p, notify)
	silentAlarm(stack, p, guard, notify)

	for _, topic := range alarmTopics(p, d) {
		switch {
		case topic.region == billingRegion && topic.name == "billing": // made by its own stack
		case topic.name == "anomaly":
			anomalies(stack, p, d, publishedBy(stack, p, d, topic.name, "Anomalies in what the account costs", "costalerts.amazonaws.com", ""))
		default:
			publishedBy(stack, p, d, topic.name, "An alarm of the budget", "budgets.amazonaws.com", "arn:"+p.Partition+":budgets::"+p.Account+":*")
		}
		subscribe(stack, p, topic, pause)
	}
	budget(stack, p, d)
	schedule(stack, p, guard)
	people(stack, d, p)
	showKeyPolicy(stack, d, p)
	output(stack, "NotifyTopic", "The topic that is told of every run, and of everything that is wrong with the switch", p.Notify)
}

// output is a value that is shown at the end of a deployment.
func output(stack awscdk.Stack, name, description, value string) {
	awscdk.NewCfnOutput(stack, jsii.String(name), &awscdk.CfnOutputProps{Description: jsii.String(description), Value: jsii.String(value)})
}
