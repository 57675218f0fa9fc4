package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"aws-hit-breaks/pkg/settings"
)

// billingAlarmStack is a second alarm, on what the account is charged: it is raised where a budget was
// deleted or its data are late. CloudWatch has the metric in one region, and tells topics of that
// region alone.
func billingAlarmStack(stack awscdk.Stack, d settings.Deployment) {
	p := place(stack, d)
	topic := publishedBy(stack, p, d, "billing", "Charges of the month", "cloudwatch.amazonaws.com",
		"arn:"+p.Partition+":cloudwatch:"+p.Region+":"+p.Account+":alarm:*")
	made := alarmOf(stack, p, alarm{
		name: "charges", description: "The charges of the month are more than what billingAlarm.threshold says",
		namespace: "AWS/Billing", metric: "EstimatedCharges", statistic: "Maximum", dimension: "Currency", of: "USD",
		seconds: 6 * 60 * 60, comparison: "GreaterThanThreshold", threshold: d.BillingAlarm.Threshold, missing: "missing",
	}, topic)
	made.SetOkActions(&[]*string{}) // the charges fall at the turn of the month, and that is no news
}
