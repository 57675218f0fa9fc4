package alarm

import (
	"cmp"
	"fmt"
	"strings"
)

// wrappers are the keys under which forwarders put the message that they forward, outermost first.
// The first is that of SNS messages with one text per protocol.
var wrappers = []string{"default", "message", "sns", "detail", "content", "text", "body", "description", "payload"}

// maxWraps is how many wrappings of one message are undone.
const maxWraps = 6

// understand reads a message in whatever form it comes, and gives the account that it names. Where
// it makes nothing of it the verdict stays Unparsed.
func (a *Alarm) understand(text string, wraps int) (named string) {
	v, _ := decode([]byte(text))
	if s, quoted := v.(string); quoted {
		return a.understand(s, wraps) // each time at least two characters shorter
	}
	if o := asObject(v); o != nil {
		return a.object(o, wraps)
	}
	return a.prose(text)
}

// object reads a message in JSON.
func (a *Alarm) object(o object, wraps int) (named string) {
	if a.Subject == "" {
		a.Subject = o.text("subject")
	}
	switch {
	case o.has("alarmname", "newstatevalue"):
		return a.metric(o)
	case o.has("alarmname") && o.child("state").has("value"):
		return a.metricEvent(o)
	case strings.Contains(o.text("detailtype"), "via CloudTrail"):
		a.notify("a record of an API call is no alarm")
		return o.text("account")
	case o.has("anomalyid") || o.has("anomalyscore", "impact"):
		return a.anomaly(o)
	case budgetName(o) != "" && o.deep("notificationtype", "alerttype", "threshold", "alertthreshold", "thresholdexceeded") != nil:
		return a.budgetObject(o)
	}
	for _, key := range wrappers {
		if a.recognised() || wraps == maxWraps || !o.has(key) {
			continue
		}
		named = a.understand(o.text(key), wraps+1)
	}
	if !a.recognised() && budgetName(o) != "" {
		return a.budgetObject(o)
	}
	if a.At.IsZero() {
		a.At = parseTime(o.text("time"))
	}
	return cmp.Or(named, o.text("account"))
}

// recognised says whether somebody made something of the message.
func (a *Alarm) recognised() bool { return a.Verdict != Unparsed || a.Source != Unknown }

// datapoint is the newest value in the reason of a CloudWatch alarm: "1 datapoint [104.31 (…)] was".
var datapoint = lazily(`datapoints? \[(-?[0-9.]+(?:[eE][+-]?[0-9]+)?)`)

// metric reads what a CloudWatch alarm publishes to SNS. A composite alarm has no Trigger.
func (a *Alarm) metric(o object) (named string) {
	a.state(o.text("alarmname"), o.text("newstatevalue"))
	trigger := o.child("trigger")
	unit := ""
	if dimensions, ok := trigger["dimensions"].([]any); ok {
		for _, d := range dimensions {
			if d := asObject(d); d.text("name") == "Currency" {
				unit = d.text("value")
			}
		}
	}
	if trigger.text("metricname") == "EstimatedCharges" {
		// Month to date (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html).
		a.Period = Monthly
	}
	a.measured(trigger["threshold"], o.text("newstatereason"), unit)
	if a.At.IsZero() {
		a.At = parseTime(o.text("statechangetime"))
	}
	return o.text("awsaccountid")
}

// metricEvent reads the detail of a CloudWatch event on EventBridge
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html).
func (a *Alarm) metricEvent(o object) (named string) {
	state := o.child("state")
	a.state(o.text("alarmname"), state.text("value"))
	configuration, unit := o.child("configuration"), ""
	if metrics, ok := configuration["metrics"].([]any); ok && len(metrics) > 0 {
		metric := asObject(metrics[0]).child("metricstat").child("metric")
		unit = metric.child("dimensions").text("currency")
		if metric.text("name") == "EstimatedCharges" {
			a.Period = Monthly
		}
	}
	a.measured(state.child("reasondata")["threshold"], state.text("reason"), unit)
	if a.At.IsZero() {
		a.At = parseTime(state.text("timestamp"))
	}
	return ""
}

// measured fills in the threshold of a CloudWatch alarm and the value that crossed it.
func (a *Alarm) measured(threshold any, reason, unit string) {
	a.Threshold = moneyOf(threshold)
	if m := datapoint().FindStringSubmatch(reason); m != nil {
		a.Amount = moneyOf(m[1])
	}
	for _, m := range []*Money{a.Threshold, a.Amount} {
		if m != nil && m.Currency == "" {
			m.Currency = unit
		}
	}
}

// state says what a CloudWatch alarm asks for.
func (a *Alarm) state(name, value string) {
	a.Source, a.Budget = CloudWatch, name
	switch value {
	case "ALARM":
		a.Verdict = Pauses
	case "OK", "INSUFFICIENT_DATA":
		a.notify(fmt.Sprintf("the alarm went to %s: only ALARM pauses", value))
	default:
		a.because(fmt.Sprintf("the alarm went to a state unknown here, %q: read it and decide", oneLine(value)))
	}
}

// anomaly reads what Cost Anomaly Detection publishes. It can be a day late and names costs that may
// be wanted, so it only notifies.
func (a *Alarm) anomaly(o object) (named string) {
	a.Source, a.Budget = Anomaly, o.text("monitorname")
	if a.Budget == "" {
		a.Budget = o.text("anomalyid")
	}
	a.Amount = moneyOf(o.child("impact")["totalimpact"])
	what := o.text("dimensionalvalue") + o.text("dimensionvalue") // SNS has the one, EventBridge the other
	if what == "" {
		what = "an anomaly"
	}
	a.notify("Cost Anomaly Detection only notifies: " + oneLine(what))
	if a.At.IsZero() {
		a.At = parseTime(o.text("anomalyenddate"))
	}
	return o.text("accountid")
}

// budgetName is the name of a budget in the JSON of a forwarder.
func budgetName(o object) string {
	for _, key := range []string{"budgetname", "budget"} {
		if name, ok := o[key].(string); ok && strings.TrimSpace(name) != "" {
			return strings.TrimSpace(name)
		}
	}
	name, _ := o.child("budget").deep("budgetname", "name").(string)
	return strings.TrimSpace(name)
}

// budgetObject reads the JSON that forwarders make of a message of Budgets. There is no format of
// AWS's own: names follow the Budgets API, at any depth
// (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Notification.html).
func (a *Alarm) budgetObject(o object) (named string) {
	a.Source, a.Verdict, a.Budget = Budgets, Pauses, budgetName(o)
	a.Type = kind(asText(o.deep("notificationtype", "alerttype")))
	spent := o.deep("actualspend", "actualamount", "currentspend")
	if a.Type == Forecasted {
		spent = o.deep("forecastedspend", "forecastedamount")
	}
	if spent == nil {
		spent = o["amount"]
	}
	a.Amount = moneyOf(spent)
	a.Limit = moneyOf(o.deep("budgetlimit", "budgetedamount", "budgetamount", "limit"))
	a.Period = periodOf(asText(o.deep("timeunit", "period")))
	a.Threshold = moneyOf(o.deep("threshold", "alertthreshold", "thresholdexceeded"))
	if a.Threshold != nil && a.Threshold.Currency == "" {
		switch {
		case strings.HasPrefix(strings.ToUpper(asText(o.deep("thresholdtype"))), "PERCENT"):
			a.Threshold.Currency = "%"
		case a.Limit != nil && asText(o.deep("thresholdtype")) != "":
			a.Threshold.Currency = a.Limit.Currency
		}
	}
	if strings.EqualFold(asText(o.deep("notificationstate")), "OK") {
		a.notify("the budget is back within its threshold: it only notifies")
	}
	if strings.HasPrefix(strings.ToUpper(asText(o.deep("comparisonoperator"))), "LESS") {
		a.notify("the budget is below a threshold, which costs nothing: it only notifies")
	}
	return asText(o.deep("accountid"))
}
