package alarm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const composite = `{"AlarmName":"spend","AlarmDescription":"","AWSAccountId":"111122223333","NewStateValue":"ALARM",` +
	`"NewStateReason":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:charges transitioned to ALARM at Tuesday 03 March, 2026 12:00:00 UTC",` +
	`"StateChangeTime":"2026-03-03T12:00:00.000+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:spend",` +
	`"OldStateValue":"OK","AlarmRule":"ALARM(charges) OR ALARM(forecast)","TriggeringChildren":[{"Arn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:charges","State":{"Value":"ALARM","Timestamp":"2026-03-03T12:00:00.000+0000"}}]}`

const stateChange = `{"version":"0","id":"c4c1c1c9","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"111122223333",` +
	`"time":"2026-03-03T12:00:00Z","region":"us-east-1","resources":["arn:aws:cloudwatch:us-east-1:111122223333:alarm:charges"],"detail":{"alarmName":"charges",` +
	`"configuration":{"metrics":[{"id":"m1","metricStat":{"metric":{"namespace":"AWS/Billing","name":"EstimatedCharges","dimensions":{"Currency":"USD"}},"period":21600,"stat":"Maximum"},"returnData":true}]},` +
	`"previousState":{"value":"OK"},"state":{"value":"ALARM","reason":"Threshold Crossed: 1 out of the last 1 datapoints [104.31 (03/03/26 06:00:00)] was greater than the threshold (100.0)",` +
	`"reasonData":"{\"version\":\"1.0\",\"recentDatapoints\":[104.31],\"threshold\":100.0}","timestamp":"2026-03-03T12:00:00.000+0000"}}}`

// metricAlarm is what a CloudWatch alarm publishes, in a state.
func metricAlarm(state string) string {
	return `{"AlarmName":"charges","AWSAccountId":"111122223333","NewStateValue":"` + state + `","NewStateReason":"Threshold Crossed: 1 out of the last 1 datapoints [1.0431E2 (03/03/26 06:00:00)] was greater than the threshold (100.0).",` +
		`"Trigger":{"MetricName":"EstimatedCharges","Namespace":"AWS/Billing","Dimensions":[{"value":"AmazonEC2","name":"ServiceName"},{"value":"USD","name":"Currency"}],"Threshold":"100"}}`
}

func TestMessagesInJSON(t *testing.T) {
	charges := Alarm{Source: CloudWatch, Verdict: Pauses, Budget: "charges", Period: Monthly, Amount: money("104.31", "USD"), Threshold: money("100", "USD")}
	state := func(v Verdict) Alarm { a := charges; a.Verdict = v; return a }
	anomaly := Alarm{Source: Anomaly, Verdict: Notifies, Budget: "services", Amount: money("151.5", "")}
	prod := Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod", Type: "ACTUAL", Period: Monthly,
		Amount: money("81.50", "USD"), Limit: money("100.00", "USD"), Threshold: money("80.00", "USD")}
	quoted := func(text string) string { return encode(t, text) }
	wrap := func(key, text string) string { return encode(t, map[string]any{key: text}) }
	usual := reworded()

	tests := map[string]struct {
		subject, text string
		want          Alarm
	}{
		"CloudWatch in ALARM":             {"", metricAlarm("ALARM"), charges},
		"CloudWatch in OK":                {"", metricAlarm("OK"), state(Notifies)},
		"CloudWatch without data":         {"", metricAlarm("INSUFFICIENT_DATA"), state(Notifies)},
		"CloudWatch in an unknown state":  {"", metricAlarm("PANIC"), state(Unparsed)},
		"the subject does not overrule":   {`ALARM: "charges" in EU (Ireland)`, metricAlarm("OK"), state(Notifies)},
		"a metric that is no charge":      {"", strings.NewReplacer("EstimatedCharges", "Invocations", "Currency", "x").Replace(metricAlarm("ALARM")), Alarm{Source: CloudWatch, Verdict: Pauses, Budget: "charges", Amount: money("104.31", ""), Threshold: money("100", "")}},
		"a composite alarm":               {"", composite, Alarm{Source: CloudWatch, Verdict: Pauses, Budget: "spend"}},
		"a composite alarm in OK":         {"", strings.Replace(composite, `"NewStateValue":"ALARM"`, `"NewStateValue":"OK"`, 1), Alarm{Source: CloudWatch, Verdict: Notifies, Budget: "spend"}},
		"a change of state, EventBridge":  {"", stateChange, func() Alarm { a := charges; a.Threshold = money("100.0", "USD"); return a }()},
		"an alarm with fields of no type": {"", `{"AlarmName":{"a":1},"NewStateValue":"ALARM","Trigger":[1],"NewStateReason":7}`, Alarm{Source: CloudWatch, Verdict: Pauses, Budget: `{"a":1}`}},
		"one text per protocol":           {"", encode(t, map[string]any{"default": metricAlarm("ALARM"), "sms": "ALARM", "email": "You are receiving this"}), charges},

		"an anomaly":                      {"", `{"accountId":"111122223333","anomalyId":"a1","monitorName":"services","dimensionalValue":"EC2","impact":{"totalImpact":151.5,"maxImpact":"9"}}`, anomaly},
		"an anomaly with text for number": {"", `{"anomalyId":"a1","monitorName":"services","impact":{"totalImpact":"151.5"}}`, anomaly},
		"an anomaly, EventBridge":         {"", `{"version":"0","source":"aws.ce","detail-type":"Anomaly Detected","account":"111122223333","detail":{"anomalyId":"a1","monitorName":"services","dimensionValue":"EC2","anomalyScore":{"maxScore":0.8},"impact":{"totalImpact":1.515E+2}}}`, anomaly},
		"an anomaly without its id":       {"", `{"anomalyScore":{},"impact":{"totalImpact":151.5},"monitorName":"services"}`, anomaly},
		"an anomaly without a monitor":    {"", `{"anomalyId":"a1","impact":{}}`, Alarm{Source: Anomaly, Verdict: Notifies, Budget: "a1"}},

		"Budgets in a message field":       {"", wrap("message", usual), prod},
		"Budgets under default":            {"", wrap("default", usual), prod},
		"Budgets in a custom event":        {"", encode(t, eventOf(us, "budget-control-solution", "Budget Threshold Breached", map[string]any{"message": strings.ReplaceAll(usual, "\n", "#")})), prod},
		"Budgets in a chat notification":   {"", encode(t, map[string]any{"version": "1.0", "source": "custom", "content": map[string]any{"textType": "client-markdown", "title": "Budget", "description": strings.ReplaceAll(usual, "Budget Name:", "*Budget Name:*")}}), prod},
		"Budgets in an envelope forwarded": {"", encode(t, envelopeOf("arn:aws:sns:us-east-1:444455556666:x", "AWS Budgets: prod has exceeded your alert threshold", usual)), func() Alarm { a := prod; a.Subject = "AWS Budgets: prod has exceeded your alert threshold"; return a }()},
		"Budgets quoted and wrapped":       {"", quoted(wrap("Message", quoted(usual))), prod},
		"the subject beside the message":   {"", `{"subject":"AWS Budgets: prod has exceeded your alert threshold","message":"see the console"}`, Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod", Subject: "AWS Budgets: prod has exceeded your alert threshold"}},
		"the subject of what is not known": {"AWS Budgets: prod has exceeded your alert threshold", `{"foo":1}`, Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod"}},

		"JSON in the API's words": {"", `{"budgetName":"prod","notificationType":"ACTUAL","thresholdType":"ABSOLUTE_VALUE","threshold":80.00,"timeUnit":"MONTHLY",` +
			`"calculatedSpend":{"actualSpend":{"amount":"81.50","unit":"USD"},"forecastedSpend":{"amount":"130","unit":"USD"}},"budgetLimit":{"amount":100.00,"unit":"USD"}}`, prod},
		"JSON with a forecast": {"", `{"Budget Name":"prod","Alert Type":"Forecasted","threshold":"> 80%","forecastedAmount":"$130.00","actualAmount":"$81.50","budgetedAmount":"$100.00","period":"quarterly"}`,
			Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod", Type: "FORECASTED", Threshold: money("80", "%"), Amount: money("130.00", "USD"), Limit: money("100.00", "USD"), Period: Quarterly}},
		"JSON of a percentage": {"", `{"source":"aws.budgets","detail-type":"Budget Threshold Exceeded","account":"111122223333","detail":{"budget":{"name":"prod"},"notification":{"notificationType":"ACTUAL","comparisonOperator":"GREATER_THAN","threshold":80,"thresholdType":"PERCENTAGE"},"actualSpend":81.5}}`,
			Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod", Type: "ACTUAL", Threshold: money("80", "%"), Amount: money("81.5", "")}},
		"JSON of a percentage in words":   {"", `{"detail":{"budgetName":"prod","actualSpend":{"amount":"81.50","unit":"USD"},"thresholdExceeded":"110%","notification":{"notificationType":"ACTUAL"}}}`, Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod", Type: "ACTUAL", Threshold: money("110", "%"), Amount: money("81.50", "USD")}},
		"JSON with the name alone":        {"", `{"source":"aws.budgets","budgetName":"prod","message":"Test"}`, Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod"}},
		"JSON with the message as well":   {"", encode(t, map[string]any{"budgetName": "prod", "message": usual}), prod},
		"JSON of a budget back in bounds": {"", `{"budgetName":"prod","threshold":80,"notificationState":"OK"}`, Alarm{Source: Budgets, Verdict: Notifies, Budget: "prod", Threshold: money("80", "")}},
		"JSON of a budget undershot":      {"", `{"budgetName":"prod","threshold":"80%","comparisonOperator":"LESS_THAN"}`, Alarm{Source: Budgets, Verdict: Notifies, Budget: "prod", Threshold: money("80", "%")}},
		"a limit is not what was spent":   {"", `{"budgetName":"prod","threshold":80,"budgetLimit":{"amount":100,"unit":"USD"}}`, Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod", Threshold: money("80", ""), Limit: money("100", "USD")}},

		"a call of the API of Budgets": {"", `{"source":"aws.budgets","detail-type":"AWS API Call via CloudTrail","account":"111122223333","detail":{"eventName":"CreateBudget","requestParameters":{"budget":{"budgetName":"prod"}}}}`, Alarm{Source: Unknown, Verdict: Notifies}},
		"a database that started":      {"", `{"source":"aws.rds","detail-type":"RDS DB Instance Event","account":"111122223333","detail":{"EventID":"RDS-EVENT-0154","Message":"DB instance is being started"}}`, Alarm{Source: Unknown, Verdict: Unparsed}},
		"an object of nothing":         {"", `{}`, Alarm{Source: Unknown, Verdict: Unparsed}},
		"a list":                       {"", `[{"AlarmName":"a","NewStateValue":"ALARM"}]`, Alarm{Source: Unknown, Verdict: Unparsed}},
		"a number":                     {"", `42`, Alarm{Source: Unknown, Verdict: Unparsed}},
		"JSON cut off":                 {"", metricAlarm("ALARM")[:100], Alarm{Source: Unknown, Verdict: Unparsed}},
		"wrapped more often than is read": {"", func() string {
			s := usual
			for range maxWraps + 1 {
				s = wrap("message", s)
			}
			return s
		}(), Alarm{Source: Unknown, Verdict: Unparsed}},
		"wrapped as often as is read": {"", func() string {
			s := usual
			for range maxWraps {
				s = wrap("message", s)
			}
			return s
		}(), prod},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := parseOne(t, lambdaEvent(record(topic, tt.subject, tt.text)), Expect{Account: us})
			if got.Text != tt.text {
				t.Errorf("the original text was lost: %q", got.Text)
			}
			if (got.Why == "") != (got.Verdict == Pauses) {
				t.Errorf("verdict %s because %q", got.Verdict, got.Why)
			}
			want := tt.want
			want.Account, want.Topic, want.MessageID, want.At, want.Text, want.Why = us, topic, "m-1", noon, tt.text, got.Why
			if want.Subject == "" {
				want.Subject = tt.subject
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("alarm differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestObjectKeysAreComparedByTheirLetters(t *testing.T) {
	v, ok := decode([]byte(`{"Budget_Name": "b", "budget name": "a", "BUDGET-NAME": null, "Größe": 1}`))
	if !ok {
		t.Fatal("not decoded")
	}
	o := asObject(v)
	if got := o.text("budgetname"); got != "b" { // "BUDGET-NAME" is first, but null
		t.Errorf(`budgetname is %q, want "b": the first in byte order that has a value`, got)
	}
	if got := o.text("größe"); got != "1" {
		t.Errorf("größe is %q, want 1", got)
	}
	if got, _ := json.Marshal(o.deep("nothing")); string(got) != "null" {
		t.Errorf("what is not there is %s", got)
	}
}
