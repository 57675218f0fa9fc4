package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/settings"
)

// rung is a notification as AWS Budgets gets it.
func rung(kind string, threshold float64, unit, topic string) object {
	return object{
		"Notification": object{"NotificationType": kind, "ComparisonOperator": "GREATER_THAN", "Threshold": threshold, "ThresholdType": unit},
		"Subscribers":  []any{object{"SubscriptionType": "SNS", "Address": arn("sns", topic)}},
	}
}

func TestBudget(t *testing.T) {
	s := synth(t, full)
	got := s.deploy(t, "Switch")["Budget"].Properties
	want := object{
		"Budget": object{
			"BudgetName": budgetName(s.decided), "BudgetType": "COST", "TimeUnit": "QUARTERLY", "BudgetLimit": object{"Amount": 250.5, "Unit": "USD"},
			"CostTypes": object{"IncludeCredit": false, "IncludeRefund": false, "UseAmortized": false, "UseBlended": false},
		},
		"NotificationsWithSubscribers": []any{
			rung("FORECASTED", 90, "PERCENTAGE", "brake-rung-1"), rung("ACTUAL", 80, "PERCENTAGE", "brake-rung-2"),
			rung("ACTUAL", 100, "PERCENTAGE", "brake-rung-3"), rung("ACTUAL", 300, "ABSOLUTE_VALUE", "brake-rung-4"),
			rung("ACTUAL", 350, "ABSOLUTE_VALUE", "brake-rung-5"),
		},
		"ResourceTags": switchTag,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the account would be paused at another amount than its owner wrote, by credits hidden, or by the wrong rung (-want +got):\n%s", diff)
	}
}

// CloudFormation replaces a budget whose notifications change, and makes the new one first. Under the
// old one's name that fails, and the ladder could never be edited.
func TestBudgetNameChangesWithLimitAndLadder(t *testing.T) {
	edited := with(t, least, "rungs", `[{"type": "ACTUAL", "threshold": 101, "unit": "PERCENTAGE", "action": "pause"}]`)
	for _, text := range []string{least, edited} {
		s := synth(t, text)
		got := s.deploy(t, "Switch")["Budget"].Properties["Budget"].(object)["BudgetName"]
		if want := budgetName(s.decided); got != want {
			t.Errorf("the budget is called %v in the template, want %s", got, want)
		}
	}
	name := func(text string) string {
		d, err := settings.ParseDeployment(text)
		if err != nil {
			t.Fatal(err)
		}
		return budgetName(d)
	}
	seen := map[string]string{name(least): "as it was"}
	for what, text := range map[string]string{
		"another threshold": edited,
		"another type":      with(t, least, "rungs", `[{"type": "FORECASTED", "threshold": 100, "unit": "PERCENTAGE", "action": "pause"}]`),
		"another unit":      with(t, least, "rungs", `[{"type": "ACTUAL", "threshold": 100, "unit": "ABSOLUTE", "action": "pause"}]`),
		"another action":    with(t, least, "rungs", `[{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "notify"}]`),
		"another scope":     with(t, least, "rungs", `[{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause", "scope": {"tags": ["a"]}}]`),
		"another rung":      with(t, least, "rungs", `[{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause"}, {"type": "ACTUAL", "threshold": 120, "unit": "PERCENTAGE", "action": "pause"}]`),
		"another amount":    with(t, least, "budget", `{"amount": 101}`),
		"another period":    with(t, least, "budget", `{"amount": 100, "period": "DAILY"}`),
		"another prefix":    with(t, least, "brake", `{"prefix": "other"}`),
	} {
		got := name(text)
		if seen[got] != "" {
			t.Errorf("%s: the budget is still called %s, as with %s: a deployment of the edit would fail with \"already exists\"", what, got, seen[got])
		}
		seen[got] = what
	}
	for what, text := range map[string]string{
		"somebody else to notify": with(t, least, "notify", `{"emails": ["them@example.com"]}`),
		"another log retention":   with(t, least, "logRetentionDays", "90"),
		"another setting":         with(t, least, "brake", `{"settle": "2m"}`),
	} {
		if got := name(text); got != name(least) {
			t.Errorf("%s: the budget is called anew, %s: it would raise every alarm of this period once more", what, got)
		}
	}
}

// Anomalies are told, one by one, and never pause.
func TestAnomalies(t *testing.T) {
	s := synth(t, full)
	all := s.deploy(t, "Switch")
	want := object{
		"SubscriptionName": "brake", "Frequency": "IMMEDIATE", "MonitorArnList": []any{"arn:aws:ce::111122223333:anomalymonitor/brake"},
		"ThresholdExpression": `{"Dimensions":{"Key":"ANOMALY_TOTAL_IMPACT_ABSOLUTE","MatchOptions":["GREATER_THAN_OR_EQUAL"],"Values":["50"]}}`,
		"Subscribers":         []any{object{"Type": "SNS", "Address": arn("sns", "brake-anomaly")}}, "ResourceTags": switchTag,
	}
	if diff := cmp.Diff(want, all["Anomalies"].Properties); diff != "" {
		t.Errorf("anomalies would reach nobody (-want +got):\n%s", diff)
	}
	there := with(t, least, "anomaly", `{"impact": 1, "monitor": "arn:aws:ce::111122223333:anomalymonitor/0a"}`)
	all = synth(t, there).deploy(t, "Switch")
	if _, made := all["Monitor"]; made {
		t.Error("a second monitor of all services is made, which AWS refuses: no deployment would succeed")
	}
	if got := fmt.Sprint(all["Anomalies"].Properties["MonitorArnList"]); got != "[arn:aws:ce::111122223333:anomalymonitor/0a]" {
		t.Errorf("the subscription is to %s, want the owner's monitor", got)
	}
}

func TestBillingAlarm(t *testing.T) {
	s := synth(t, full)
	s.has(t, "BillingAlarm", "AWS::CloudWatch::Alarm", object{
		"AlarmName": "brake-charges", "Namespace": "AWS/Billing", "MetricName": "EstimatedCharges",
		"Dimensions": []any{object{"Name": "Currency", "Value": "USD"}}, "Statistic": "Maximum", "Period": 21600, "EvaluationPeriods": 1,
		"ComparisonOperator": "GreaterThanThreshold", "Threshold": 400, "TreatMissingData": "missing",
	}, "the second alarm would watch something else than the charges of the month")
	if got := *s.stacks.billing.Region(); got != "us-east-1" {
		t.Errorf("the billing alarm is in %s: CloudWatch has the charges in us-east-1 alone, and it would never be raised", got)
	}
	for _, r := range s.deploy(t, "BillingAlarm") {
		if r.Type == "AWS::CloudWatch::Alarm" {
			if diff := cmp.Diff([]any{"arn:aws:sns:us-east-1:111122223333:brake-billing"}, r.Properties["AlarmActions"]); diff != "" {
				t.Errorf("the alarm is raised to nobody (-want +got):\n%s", diff)
			}
		}
	}
	if synth(t, least).stacks.billing != nil {
		t.Error("a billing alarm that nobody asked for costs ten cents a month")
	}
}
