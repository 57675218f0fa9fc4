package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
)

// The rules that wake the guard, by the last part of their names.
const (
	tickRule  = "tick"
	wokenRule = "woken"
)

// schedule has the guard look every minute, which where nothing is due is one read, and when RDS says
// that it started a database again, in the region of the stack. Elsewhere the guard sees that at its
// next look.
func schedule(stack awscdk.Stack, p roles.Place, guard deployed) {
	// A tick that is late is none: the next one is a minute away.
	rule(stack, p, guard, tickRule, &awsevents.CfnRuleProps{
		Description: jsii.String("The emergency brake looks whether anything is unfinished"), ScheduleExpression: jsii.String("rate(1 minute)"),
	}, &awsevents.CfnRule_TargetProperty{
		RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{MaximumEventAgeInSeconds: jsii.Number(60), MaximumRetryAttempts: jsii.Number(0)},
	})
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.html
	rule(stack, p, guard, wokenRule, &awsevents.CfnRuleProps{
		Description: jsii.String("RDS has started a database that had been stopped for seven days"),
		EventPattern: object{
			"source":      []string{"aws.rds"},
			"detail-type": []string{"RDS DB Instance Event", "RDS DB Cluster Event"},
			"detail":      object{"EventID": []string{"RDS-EVENT-0153", "RDS-EVENT-0154"}},
		},
	}, &awsevents.CfnRule_TargetProperty{
		DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: jsii.String(p.Queue)},
	})
}

func rule(stack awscdk.Stack, p roles.Place, guard deployed, name string, props *awsevents.CfnRuleProps, target *awsevents.CfnRule_TargetProperty) {
	target.Arn, target.Id = guard.function.AttrArn(), jsii.String("guard")
	props.Name, props.State = jsii.String(p.Prefix+"-"+name), jsii.String("ENABLED")
	props.Targets = []any{target}
	letIn(stack, guard, name, "events.amazonaws.com", ruleARN(p, name))
	after(stack, awsevents.NewCfnRule(stack, id(name), props), guard.name+"-from-"+name)
}

func ruleARN(p roles.Place, name string) string {
	return fmt.Sprintf("arn:%s:events:%s:%s:rule/%s-%s", p.Partition, p.Region, p.Account, p.Prefix, name)
}
