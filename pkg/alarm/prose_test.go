package alarm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// usual is the wording that Budgets has had since 2019, for account @.
const usual = `AWS Budget Notification March 03, 2026
AWS Account @

Dear AWS Customer,

You requested that we alert you when the ACTUAL Cost associated with your prod budget is greater than $80.00 for the current month. The ACTUAL Cost associated with this budget is $81.50. You can find additional details below and by accessing the AWS Budgets dashboard [1].

Budget Name: prod
Budget Type: Cost
Budgeted Amount: $100.00
Alert Type: ACTUAL
Alert Threshold: > $80.00
ACTUAL Amount: $81.50

[1] https://console.aws.amazon.com/costmanagement/home#/budgets
`

// reworded is the usual message with old and new pieces of text in turn.
func reworded(pairs ...string) string {
	return strings.NewReplacer(append(pairs, "@", us)...).Replace(usual)
}

// TestWordings is the table of messages of Budgets: how they were seen, and how they could be.
func TestWordings(t *testing.T) {
	prod := Alarm{Source: Budgets, Verdict: Pauses, Budget: "prod", Type: "ACTUAL", Period: Monthly,
		Amount: money("81.50", "USD"), Limit: money("100.00", "USD"), Threshold: money("80.00", "USD")}
	but := func(change func(*Alarm)) Alarm {
		a := prod
		change(&a)
		return a
	}
	name := func(name string) Alarm { return but(func(a *Alarm) { a.Budget = name }) }
	per := func(period string) Alarm { return but(func(a *Alarm) { a.Period = period }) }
	cost := func(code string) Alarm {
		return but(func(a *Alarm) {
			a.Amount, a.Limit, a.Threshold = money("1234.56", code), money("100.00", code), money("80.00", code)
		})
	}
	only := func(a Alarm) Alarm { a.Source, a.Verdict = Budgets, Pauses; return a }
	const dear = "You requested that we alert you when the "
	lines := usual[strings.Index(usual, "Budget Name:"):]

	tests := map[string]struct {
		subject, text string
		want          Alarm
	}{
		"the usual":                         {"", reworded(), prod},
		"the console link of 2019":          {"", reworded("costmanagement/home", "billing/home"), prod},
		"a link in the text and a greeting": {"", reworded("\n[1] ", "\nGo to the AWS Budgets dashboard: ", "home#/budgets\n", "home#/budgets\n\nSincerely,\nThe Amazon Web Services Team\n"), prod},
		"a forecast":                        {"", reworded("ACTUAL", "FORECASTED"), but(func(a *Alarm) { a.Type = "FORECASTED" })},
		"types in mixed case, as in 2020":   {"", reworded("ACTUAL", "Actual"), prod},
		"the sentence of 2018":              {"", reworded("is greater than", "exceeds", "The ACTUAL Cost", "The month ACTUAL Cost"), prod},
		"both amounts of one message":       {"", reworded("ACTUAL Amount", "FORECASTED Amount: $130.00\nACTUAL Amount"), prod},
		"both amounts of a forecast":        {"", reworded("Alert Type: ACTUAL", "Alert Type: FORECASTED", "ACTUAL Amount", "FORECASTED Amount: $130.00\nACTUAL Amount"), but(func(a *Alarm) { a.Type, a.Amount = "FORECASTED", money("130.00", "USD") })},
		"a daily budget of 2021":            {"", reworded("$80.00 for the current month. The ACTUAL", "$80.00 per day. Yesterday, the ACTUAL"), per(Daily)},
		"a daily budget, current day":       {"", reworded("current month", "current day"), per(Daily)},
		"a daily budget, for yesterday":     {"", reworded("for the current month", "for yesterday"), per(Daily)},
		"a quarterly budget":                {"", reworded("current month", "current quarter"), per(Quarterly)},
		"an annual budget":                  {"", reworded("current month", "current year"), per(Annually)},
		"a budget without a period":         {"", reworded(" for the current month", ""), per("")},
		"a period in a line":                {"", reworded(" for the current month", "", "Budget Type", "Time Unit: ANNUALLY\nBudget Type"), per(Annually)},
		"a usage budget": {"", reworded("$80.00", "80 Hrs", "$81.50", "81.5 Hrs", "$100.00", "100 Hrs", "Cost", "Usage"), but(func(a *Alarm) {
			a.Amount, a.Limit, a.Threshold = money("81.5", "Hrs"), money("100", "Hrs"), money("80", "Hrs")
		})},
		"a threshold in percent":             {"", reworded("> $80.00", "> 80%"), but(func(a *Alarm) { a.Threshold = money("80", "%") })},
		"a threshold in percent and dollars": {"", reworded("> $80.00", "> 80% ($80.00)"), but(func(a *Alarm) { a.Threshold = money("80", "%") })},
		"a threshold of equal or more":       {"", reworded("> $80.00", ">= $80.00", "is greater than", "is greater than or equal to"), prod},
		"a threshold escaped for HTML":       {"", reworded("> $80.00", "&gt; $80.00"), prod},
		"a threshold that was undershot":     {"", reworded("> $80.00", "< 80%", "is greater than $80.00", "is less than 80%"), but(func(a *Alarm) { a.Threshold, a.Verdict = money("80", "%"), Notifies })},
		"undershot, without the lines":       {"", dear + "ACTUAL RI Utilization associated with your ri budget is less than 80% for the current month.", Alarm{Source: Budgets, Verdict: Notifies, Budget: "ri", Type: "ACTUAL", Threshold: money("80", "%"), Period: Monthly}},
		"thousands":                          {"", reworded("$81.50", "$183,965,812,157.54"), but(func(a *Alarm) { a.Amount = money("183965812157.54", "USD") })},
		"euros as German writes them":        {"", reworded("$81.50", "€1.234,56", "$", "€"), cost("EUR")},
		"euros with their code":              {"", reworded("$81.50", "1,234.56 EUR", "$80.00", "80.00 EUR", "$100.00", "100.00 EUR"), cost("EUR")},
		"pounds with their code before":      {"", reworded("$81.50", "GBP 1,234.56", "$", "GBP "), cost("GBP")},
		"yen": {"", reworded("$81.50", "¥12,345", "$80.00", "¥8,000", "$100.00", "¥10,000"), but(func(a *Alarm) {
			a.Amount, a.Limit, a.Threshold = money("12345", "JPY"), money("10000", "JPY"), money("8000", "JPY")
		})},
		"a credit": {"", reworded("$81.50", "-$5.00"), but(func(a *Alarm) { a.Amount = money("-5.00", "USD") })},

		"a name with colons":                {"", reworded("prod", "team: web: prod"), name("team: web: prod")},
		"a name with parentheses":           {"", reworded("prod", "prod (eu) [1]"), name("prod (eu) [1]")},
		"a name with quotes":                {"", reworded("prod", `"prod" 'x'`), name(`"prod" 'x'`)},
		"a name in other letters":           {"", reworded("prod", "予算 – größte €"), name("予算 – größte €")},
		"a name that speaks of another":     {"", reworded("prod", "per day FORECASTED"), name("per day FORECASTED")},
		"a name with an amount":             {"", reworded("prod", "$5,000.00 limit"), name("$5,000.00 limit")},
		"a name with a label in it":         {"", reworded("prod", "Alert Type: none"), name("Alert Type: none")},
		"a name that is one letter":         {"", reworded("prod", "a"), name("a")},
		"a name that ends in budget":        {"", reworded("your prod budget", "your Big Budget", "Name: prod", "Name: Big Budget"), name("Big Budget")},
		"a name that is a sum of its parts": {"", reworded("prod", "budget is greater than life"), name("budget is greater than life")},

		"carriage returns":             {"", strings.ReplaceAll(reworded(), "\n", "\r\n"), prod},
		"bare carriage returns":        {"", strings.ReplaceAll(reworded(), "\n", "\r"), prod},
		"labels in other case":         {"", reworded("Budget Name", "BUDGET NAME", "Alert Threshold", "alert threshold", "Budgeted Amount", "budgeted amount"), prod},
		"extra spaces":                 {"", reworded(": ", " :   ", " budget is ", "  budget  is "), prod},
		"spaces that do not break":     {"", strings.ReplaceAll(reworded(), " ", "\u00a0"), prod},
		"indented and quoted":          {"", strings.ReplaceAll(reworded(), "\n", "\n  > "), prod},
		"bullets in bold":              {"", reworded("Budget Name:", "* *Budget Name:*", "Alert Type:", "* *Alert Type:*", "Alert Threshold:", "- **Alert Threshold**:"), prod},
		"newlines that became spaces":  {"", strings.ReplaceAll(reworded(), "\n", " "), prod},
		"newlines that became hashes":  {"", strings.ReplaceAll(reworded(), "\n", "#"), prod},
		"newlines taken out":           {"", strings.ReplaceAll(reworded(), "\n", ""), prod},
		"newlines escaped twice":       {"", strings.ReplaceAll(reworded(), "\n", `\n`), prod},
		"lines with pipes between":     {"", strings.ReplaceAll(strings.TrimSpace(lines), "\n", " | "), but(func(a *Alarm) { a.Period = "" })},
		"a sentence broken over lines": {"", reworded("your prod budget", "your \nprod budget"), prod},
		"in a JSON string":             {"", `"` + strings.ReplaceAll(reworded(), "\n", `\n`) + `"`, prod},

		"the lines alone":               {"", lines, per("")},
		"the lines in another order":    {"", "Alert Threshold: > $80.00\nACTUAL Amount: $81.50\nBudgeted Amount: $100.00\nAlert Type: ACTUAL\nBudget Name: prod", per("")},
		"the sentence alone":            {"", strings.Split(reworded(), "\n\n")[2], but(func(a *Alarm) { a.Limit = nil })},
		"the sentence of an email":      {"", "Dear AWS Customer,\n\nYou requested that we alert you when the actual cost associated with your prod budget exceeds $80.00 for the current month. The month actual cost associated with this budget is $81.50. You can find additional details below and by accessing the AWS Budgets dashboard.\n\nBudget Name\tBudget Type\tBudgeted Amount\tAlert Type\tAlert Threshold\tACTUAL Amount\nprod\tCost\t$100.00\tACTUAL\t> $80.00\t$81.50\n", but(func(a *Alarm) { a.Limit = nil })},
		"cut off after the budget":      {"", reworded()[:strings.Index(reworded(), "Budgeted Amount")], but(func(a *Alarm) { a.Limit = nil })},
		"no type but in the amount":     {"", "Budget Name: prod\nAlert Threshold: > $80.00\nFORECASTED Amount: $81.50", only(Alarm{Budget: "prod", Type: "FORECASTED", Threshold: money("80.00", "USD"), Amount: money("81.50", "USD")})},
		"no type at all":                {"", "Budget Name: prod\nAlert Threshold: > $80.00", only(Alarm{Budget: "prod", Threshold: money("80.00", "USD")})},
		"no name at all":                {"", "Alert Type: ACTUAL\nAlert Threshold: > $80.00", only(Alarm{Type: "ACTUAL", Threshold: money("80.00", "USD")})},
		"one type in other words":       {"", "Budget Name: prod\nAlert Threshold: lots\nForecasted spend is too high", only(Alarm{Budget: "prod"})},
		"a name with spaces around":     {"AWS Budgets:  prod   has exceeded your alert threshold", "see the console", only(Alarm{Budget: "prod"})},
		"the subject alone":             {"AWS Budgets: a (b): c has exceeded your alert threshold", "", only(Alarm{Budget: "a (b): c"})},
		"a forwarded subject":           {"Fwd: AWS Budgets: prod has exceeded your alert threshold", "FORECASTED", only(Alarm{Budget: "prod", Type: "FORECASTED"})},
		"the line before the subject":   {"AWS Budgets: other has exceeded your alert threshold", reworded(), prod},
		"two types and no decision":     {"AWS Budgets: prod has exceeded your alert threshold", "ACTUAL or FORECASTED", only(Alarm{Budget: "prod"})},
		"Budgets without a threshold":   {"", "AWS Budget Notification March 03, 2026\nAWS Account 111122223333\n\nA budget action is pending.", Alarm{Source: Budgets, Verdict: Unparsed}},
		"Budgets by its subject only":   {"AWS Budgets: an action is pending", "", Alarm{Source: Budgets, Verdict: Unparsed}},
		"an alarm told in prose":        {"", "You are receiving this email because your Amazon CloudWatch Alarm \"charges (all)\" in the EU (Ireland) region has transitioned to ALARM state on Sunday", Alarm{Source: CloudWatch, Verdict: Pauses, Budget: "charges (all)"}},
		"an older alarm told in prose":  {"", "your Amazon CloudWatch Alarm \"charges\" in the US East (N. Virginia) region has entered the Ok state, because", Alarm{Source: CloudWatch, Verdict: Notifies, Budget: "charges"}},
		"an alarm by its subject":       {`ALARM: "a \"b\" in c" in EU (Ireland)`, "see the console", Alarm{Source: CloudWatch, Verdict: Pauses, Budget: `a \"b\" in c`}},
		"an end of data by its subject": {`INSUFFICIENT_DATA: "a" in EU (Ireland)`, "", Alarm{Source: CloudWatch, Verdict: Notifies, Budget: "a"}},
		"an anomaly by its subject":     {"AWS Cost Management: Cost anomaly detected on 2026-03-03", "see the console", Alarm{Source: Anomaly, Verdict: Notifies}},
		"a threshold of something else": {"", "Alert threshold: > 5 items in the queue", Alarm{Source: Unknown, Verdict: Unparsed}},
		"something else":                {"Your invoice", "is available", Alarm{Source: Unknown, Verdict: Unparsed}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := parseOne(t, lambdaEvent(record(topic, tt.subject, tt.text)), Expect{Account: us})
			if got.Text != tt.text || got.Subject != tt.subject {
				t.Errorf("the original text was lost: %q, %q", got.Subject, got.Text)
			}
			if (got.Why == "") != (got.Verdict == Pauses) {
				t.Errorf("verdict %s because %q", got.Verdict, got.Why)
			}
			want := tt.want
			want.Account, want.Topic, want.MessageID, want.At = us, topic, "m-1", noon
			want.Subject, want.Text, want.Why = tt.subject, tt.text, got.Why
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("alarm differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestNamedAccount(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"a line of its own":       {"AWS Account 444455556666\n", them},
		"with a colon":            {"AWS Account: 444455556666\n", them},
		"with dashes":             {"AWS Account 4444-5555-6666\n", them},
		"with its name":           {"AWS Account sandbox (444455556666)\n", them},
		"without newlines":        {"March 03, 2026AWS Account 444455556666Dear AWS Customer", ""},
		"flattened":               {"March 03, 2026 AWS Account 444455556666 Dear AWS Customer", them},
		"running into the next":   {"AWS Account 444455556666Dear AWS Customer", them},
		"hidden by the publisher": {"AWS Account XXXXXXXXXXXX\nBudget Name: 444455556666", ""},
		"too many digits":         {"AWS Account 4444555566667", ""},
		"accounts in general":     {"your AWS accounts 444455556666", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := new(Alarm).prose(tt.text); got != tt.want {
				t.Errorf("%q names %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestTitleDate(t *testing.T) {
	end := time.Date(2026, 3, 3, 23, 59, 59, 0, time.UTC)
	tests := map[string]struct {
		text string
		want time.Time
	}{
		"the usual":         {"AWS Budget Notification March 03, 2026\n", end},
		"one digit":         {"AWS Budget Notification March 3, 2026", end},
		"flattened":         {"AWS Budget Notification March 3, 2026AWS Account", end},
		"another order":     {"AWS Budget Notification 2026-03-03", time.Time{}},
		"no month":          {"AWS Budget Notification Smarch 3, 2026", time.Time{}},
		"no day":            {"AWS Budget Notification March 32, 2026", time.Time{}},
		"no title":          {"March 3, 2026", time.Time{}},
		"a title alone":     {"AWS Budget Notification", time.Time{}},
		"a colon and dates": {"AWS Budgets Notification: March 3, 2026", end},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := titleDate(tt.text); !got.Equal(tt.want) {
				t.Errorf("titleDate(%q) = %v, want %v", tt.text, got, tt.want)
			}
		})
	}
}
