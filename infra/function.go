package main

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

const (
	// timeout is the longest that Lambda allows: a run that is not finished then is carried on.
	timeout = 900
	// memory is three fifths of a processor (one is 1,769 MB:
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html) and room for a large account:
	// the brake holds 26 MiB of heap at 10,000 resources and 193 at 100,000 (make bench), besides garbage
	// and the answers of AWS; its own answer takes 110 more at the end of 100,000. Most of its time it waits
	// for AWS: twice as much would be no faster.
	memory = 1024
)

// deployed is a function of the stack.
type deployed struct {
	name     string // "pause"
	function awslambda.CfnFunction
}

// function makes a function with its role and its log, which goes with it when the switch is torn
// down: what was done stands in the table.
func function(stack awscdk.Stack, d settings.Deployment, name, description string, statements []roles.Statement) deployed {
	p := place(stack, d)
	lambda := object{"Effect": "Allow", "Principal": object{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
	runsAs := role(stack, d, name, description, []any{lambda}, statements)
	log := awslogs.NewCfnLogGroup(stack, id(name, "log"), &awslogs.CfnLogGroupProps{
		LogGroupName: jsii.String("/aws/lambda/" + p.Prefix + "-" + name), RetentionInDays: jsii.Number(float64(d.LogRetentionDays)),
	})
	log.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
	code := awss3assets.NewAsset(stack, id(name, "code"), &awss3assets.AssetProps{
		Path: jsii.String(filepath.Join(functionsFolder, name+".zip")),
	})
	props := &awslambda.CfnFunctionProps{
		FunctionName: jsii.String(p.Prefix + "-" + name), Description: jsii.String(description),
		Code:    &awslambda.CfnFunction_CodeProperty{S3Bucket: code.S3BucketName(), S3Key: code.S3ObjectKey()},
		Runtime: jsii.String("provided.al2023"), Handler: jsii.String("bootstrap"), Architectures: jsii.Strings("arm64"),
		MemorySize: jsii.Number(memory), Timeout: jsii.Number(timeout), Role: runsAs.AttrArn(),
		Environment:   &awslambda.CfnFunction_EnvironmentProperty{Variables: environment(p, d)},
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: log.Ref()},
	}
	if d.ReservedConcurrency > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(float64(d.ReservedConcurrency))
	}
	return deployed{name, awslambda.NewCfnFunction(stack, id(name), props)}
}

// letIn lets a service invoke the function in the name of one resource. The ARN names the account; a
// condition on the account beside it is one that EventBridge and SNS do not fill in, so that no event
// would ever arrive (https://github.com/awsdocs/aws-cloudformation-user-guide/pull/481).
func letIn(stack awscdk.Stack, f deployed, what, service, sourceARN string) {
	awslambda.NewCfnPermission(stack, id(f.name, "from", what), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: f.function.AttrArn(),
		Principal: jsii.String(service), SourceArn: jsii.String(sourceARN),
	})
}

// nothingLost has an event that the function fails on twice again put into the queue. The guard is
// asked anew every minute, and has no need of being asked twice.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func nothingLost(stack awscdk.Stack, p roles.Place, f deployed) {
	retries, age := 2.0, 6*60*60.0
	if f.name == "guard" {
		retries, age = 0, 60
	}
	config := awslambda.NewCfnEventInvokeConfig(stack, id(f.name, "retries"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: f.function.Ref(), Qualifier: jsii.String("$LATEST"),
		MaximumRetryAttempts: jsii.Number(retries), MaximumEventAgeInSeconds: jsii.Number(age),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: jsii.String(p.Queue)},
		},
	})
	after(stack, config, "failed")
}
