package main

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/pkg/settings"
)

// functionsFolder has the packages of the functions, of make functions, seen from cdk.json.
var functionsFolder = filepath.Join("build", "functions")

// stacks are what is synthesised.
type stacks struct {
	snapshots, brake awscdk.Stack
	billing          awscdk.Stack // nil without a billing alarm
}

// newSwitch makes the stacks of a deployment.
func newSwitch(app awscdk.App, d settings.Deployment) (stacks, error) {
	if err := checkEnvironment(d); err != nil {
		return stacks{}, err
	}
	s := stacks{
		snapshots: newStack(app, d, "Snapshots", "What was running before a pause. Without it nothing can be put back.", nil),
		brake:     newStack(app, d, "Switch", "The emergency brake: functions, alarms, budget and roles.", nil),
	}
	snapshotStack(s.snapshots, d)
	if d.BillingAlarm != nil {
		s.billing = newStack(app, d, "BillingAlarm", "An alarm on the charges of the month, for the emergency brake.", jsii.String(billingRegion))
		billingAlarmStack(s.billing, d)
		s.brake.AddStackDependency(s.billing, jsii.String("the switch subscribes to the topic of the alarm"))
	}
	s.brake.AddStackDependency(s.snapshots, jsii.String("the functions need the table"))
	switchStack(s.brake, d)
	return s, nil
}

// newStack makes an empty stack without an account, and without a region unless one is given.
func newStack(app awscdk.App, d settings.Deployment, name, description string, region *string) awscdk.Stack {
	props := &awscdk.StackProps{
		StackName:   jsii.String(d.Brake.Prefix + "-" + map[string]string{"Snapshots": "snapshots", "Switch": "switch", "BillingAlarm": "billing-alarm"}[name]),
		Description: jsii.String(description),
	}
	if region != nil {
		props.Env = &awscdk.Environment{Region: region}
	}
	if name == "Snapshots" {
		props.TerminationProtection = jsii.Bool(true)
	}
	if d.Assets != "" {
		props.Synthesizer = awscdk.NewCliCredentialsStackSynthesizer(&awscdk.CliCredentialsStackSynthesizerProps{
			FileAssetsBucketName: jsii.String(d.Assets),
		})
	}
	stack := awscdk.NewStack(app, jsii.String(name), props)
	awscdk.Tags_Of(stack).Add(jsii.String(settings.SwitchTag), jsii.String("true"), nil)
	return stack
}
