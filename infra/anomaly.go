package main

import (
	"encoding/json"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsce"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

// anomalies subscribes the topic to what Cost Anomaly Detection finds, one message an anomaly: of the
// three frequencies that is the only one which a topic can have
// (https://docs.aws.amazon.com/cost-management/latest/userguide/ad-SNS.html).
func anomalies(stack awscdk.Stack, p roles.Place, d settings.Deployment, topic awssns.CfnTopic) {
	monitor := d.Anomaly.Monitor
	if monitor == "" {
		monitor = *awsce.NewCfnAnomalyMonitor(stack, jsii.String("Monitor"), &awsce.CfnAnomalyMonitorProps{
			MonitorName: jsii.String(p.Prefix), MonitorType: jsii.String("DIMENSIONAL"), MonitorDimension: jsii.String("SERVICE"),
			ResourceTags: &[]*awsce.CfnAnomalyMonitor_ResourceTagProperty{{Key: jsii.String(settings.SwitchTag), Value: jsii.String("true")}},
		}).AttrMonitorArn()
	}
	atLeast, err := json.Marshal(object{"Dimensions": object{
		"Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "MatchOptions": []string{"GREATER_THAN_OR_EQUAL"},
		"Values": []string{strconv.FormatFloat(d.Anomaly.Impact, 'f', -1, 64)},
	}})
	if err != nil {
		panic(err) // strings
	}
	subscription := awsce.NewCfnAnomalySubscription(stack, jsii.String("Anomalies"), &awsce.CfnAnomalySubscriptionProps{
		SubscriptionName: jsii.String(p.Prefix), Frequency: jsii.String("IMMEDIATE"),
		MonitorArnList: anys(monitor), ThresholdExpression: jsii.String(string(atLeast)),
		Subscribers:  []any{&awsce.CfnAnomalySubscription_SubscriberProperty{Type: jsii.String("SNS"), Address: topic.Ref()}},
		ResourceTags: &[]*awsce.CfnAnomalySubscription_ResourceTagProperty{{Key: jsii.String(settings.SwitchTag), Value: jsii.String("true")}},
	})
	after(stack, subscription, "anomaly-policy")
}
