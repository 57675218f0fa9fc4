package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots/dynamo"
)

// snapshotStack is the table of the snapshots, in a stack of its own: the switch is torn down and
// deployed again without it, and the table outlives even its stack.
func snapshotStack(stack awscdk.Stack, d settings.Deployment) {
	table := awsdynamodb.NewCfnTable(stack, jsii.String("Table"), &awsdynamodb.CfnTableProps{
		TableName:   jsii.String(d.Table),
		BillingMode: jsii.String("PAY_PER_REQUEST"),
		AttributeDefinitions: []any{
			&awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: jsii.String("PK"), AttributeType: jsii.String("S")},
			&awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: jsii.String("SK"), AttributeType: jsii.String("S")},
		},
		KeySchema: []any{
			&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String("PK"), KeyType: jsii.String("HASH")},
			&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String("SK"), KeyType: jsii.String("RANGE")},
		},
		PointInTimeRecoverySpecification: &awsdynamodb.CfnTable_PointInTimeRecoverySpecificationProperty{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtectionEnabled:        jsii.Bool(true),
		SseSpecification:                 encryption(d),
		// The attribute is on the alarms seen and on nothing else: snapshots never expire.
		TimeToLiveSpecification: &awsdynamodb.CfnTable_TimeToLiveSpecificationProperty{
			AttributeName: jsii.String(dynamo.TTLAttribute), Enabled: jsii.Bool(true),
		},
	})
	table.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
}

// encryption is by a key that AWS owns, which costs nothing and which nobody can lose, unless the
// owner has one.
func encryption(d settings.Deployment) any {
	if d.Key == "" {
		return nil
	}
	return &awsdynamodb.CfnTable_SSESpecificationProperty{
		SseEnabled: jsii.Bool(true), SseType: jsii.String("KMS"), KmsMasterKeyId: jsii.String(d.Key),
	}
}
