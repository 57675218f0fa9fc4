package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsbudgets"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

// thresholdTypes are the units of a threshold, as AWS Budgets calls them.
var thresholdTypes = map[string]string{settings.Percentage: "PERCENTAGE", settings.Absolute: "ABSOLUTE_VALUE"}

// budget is the budget with a notification for each rung, which goes to the topic of the rung alone.
func budget(stack awscdk.Stack, p roles.Place, d settings.Deployment) {
	var notifications []any
	var policies []string
	for i, r := range d.Rungs {
		name := "rung-" + strconv.Itoa(i+1)
		notifications = append(notifications, &awsbudgets.CfnBudget_NotificationWithSubscribersProperty{
			Notification: &awsbudgets.CfnBudget_NotificationProperty{
				NotificationType: jsii.String(r.Type), ComparisonOperator: jsii.String("GREATER_THAN"),
				Threshold: jsii.Number(r.Threshold), ThresholdType: jsii.String(thresholdTypes[r.Unit]),
			},
			Subscribers: []any{&awsbudgets.CfnBudget_SubscriberProperty{
				SubscriptionType: jsii.String("SNS"), Address: jsii.String(topicARN(p, p.Region, name)),
			}},
		})
		policies = append(policies, name+"-policy")
	}
	name := budgetName(d)
	made := awsbudgets.NewCfnBudget(stack, jsii.String("Budget"), &awsbudgets.CfnBudgetProps{
		Budget: &awsbudgets.CfnBudget_BudgetDataProperty{
			BudgetName: jsii.String(name), BudgetType: jsii.String("COST"), TimeUnit: jsii.String(d.Budget.Period),
			BudgetLimit: &awsbudgets.CfnBudget_SpendProperty{Amount: jsii.Number(d.Budget.Amount), Unit: jsii.String(d.Budget.Currency)},
			// Credits and refunds hide what is really spent, until the day they are used up.
			CostTypes: &awsbudgets.CfnBudget_CostTypesProperty{
				IncludeCredit: jsii.Bool(false), IncludeRefund: jsii.Bool(false),
				UseAmortized: jsii.Bool(false), UseBlended: jsii.Bool(false),
			},
		},
		NotificationsWithSubscribers: notifications,
		ResourceTags:                 &[]*awsbudgets.CfnBudget_ResourceTagProperty{{Key: jsii.String(settings.SwitchTag), Value: jsii.String("true")}},
	})
	after(stack, made, policies...) // AWS Budgets looks whether it may publish
	output(stack, "BudgetName", "The budget of the switch", name)
}

// budgetName changes with the limit and with the ladder. CloudFormation makes a new budget when the
// notifications change, before it deletes the old one, and two of one name there cannot be. The new
// one raises its alarms anew, which is what an edit of the ladder asks for.
func budgetName(d settings.Deployment) string {
	text, err := json.Marshal(struct {
		Budget settings.Budget
		Rungs  []settings.Rung
	}{d.Budget, d.Rungs})
	if err != nil {
		panic(err) // numbers and strings
	}
	sum := sha256.Sum256(text)
	return d.Brake.Prefix + "-" + hex.EncodeToString(sum[:4])
}
