package settings

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aws-hit-breaks/pkg/killswitch"
)

// least is the least that an owner has to write.
const least = `"budget": {"amount": 100}, "notify": {"emails": ["you@example.com"]}, "rungs": [{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause"}]`

// leastOf is what least says, with one change.
func leastOf(change func(*Deployment)) Deployment {
	d := DefaultDeployment()
	d.Budget.Amount = 100
	d.Notify.Emails = []string{"you@example.com"}
	d.Rungs = []Rung{{Type: Actual, Threshold: 100, Unit: Percentage, Action: ActionPause}}
	change(&d)
	return d
}

func TestParseDeployment(t *testing.T) {
	tests := map[string]struct {
		text string
		want Deployment
	}{
		"the least":               {"{" + least + "}", leastOf(func(*Deployment) {})},
		"null is the default":     {"{" + least + `, "table": null, "anomaly": null, "brake": null}`, leastOf(func(*Deployment) {})},
		"a billing alarm":         {"{" + least + `, "billingAlarm": {"threshold": 120.5, "action": "notify"}}`, leastOf(func(d *Deployment) { d.BillingAlarm = &BillingAlarm{Threshold: 120.5, Action: ActionNotify} })},
		"anomalies":               {"{" + least + `, "anomaly": {"impact": 10}}`, leastOf(func(d *Deployment) { d.Anomaly = &Anomaly{Impact: 10} })},
		"a monitor that is there": {"{" + least + `, "anomaly": {"impact": 10, "monitor": "arn:aws:ce::111122223333:anomalymonitor/0a1b"}}`, leastOf(func(d *Deployment) { d.Anomaly = &Anomaly{10, "arn:aws:ce::111122223333:anomalymonitor/0a1b"} })},
		"operators": {"{" + least + `, "operators": [{"principal": "arn:aws:iam::111122223333:role/on-call"}, {"principal": "arn:aws:iam::444455556666:root", "externalId": "x-1"}]}`, leastOf(func(d *Deployment) {
			d.Operators = []Principal{{"arn:aws:iam::111122223333:role/on-call", ""}, {"arn:aws:iam::444455556666:root", "x-1"}}
		})},
		"the brake's own settings": {"{" + least + `, "brake": {"settle": "90s", "regions": ["eu-*"], "prefix": "brake"}}`, leastOf(func(d *Deployment) {
			d.Brake.Settle, d.Brake.Regions, d.Brake.Prefix = Duration(90e9), []string{"eu-*"}, "brake"
		})},
		"places": {"{" + least + `, "table": "t-1", "logRetentionDays": 7, "reservedConcurrency": 2, "permissionsBoundary": "limits", "key": "arn:aws:kms:eu-west-1:111122223333:key/0a", "assets": "code"}`, leastOf(func(d *Deployment) {
			d.Table, d.LogRetentionDays, d.ReservedConcurrency, d.PermissionsBoundary, d.Key, d.Assets = "t-1", 7, 2, "limits", "arn:aws:kms:eu-west-1:111122223333:key/0a", "code"
		})},
		"endpoints": {strings.Replace("{"+least+"}", `"emails": ["you@example.com"]`, `"endpoints": ["https://example.com/x", "arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:lambda:eu-west-1:111122223333:function:f"]`, 1), leastOf(func(d *Deployment) {
			d.Notify = Targets{Endpoints: []string{"https://example.com/x", "arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:lambda:eu-west-1:111122223333:function:f"}}
		})},
		"types and units on their own": {rungs(rung("ACTUAL", 80, "PERCENTAGE"), rung("FORECASTED", 70, "PERCENTAGE"), rung("ACTUAL", 50, "ABSOLUTE"), rung("ACTUAL", 81, "PERCENTAGE")), leastOf(func(d *Deployment) {
			d.Rungs = []Rung{{Actual, 80, Percentage, "notify", killswitch.Scope{}}, {Forecasted, 70, Percentage, "notify", killswitch.Scope{}}, {Actual, 50, Absolute, "notify", killswitch.Scope{}}, {Actual, 81, Percentage, "notify", killswitch.Scope{}}}
		})},
		"a rung of a part": {rungs(`{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause", "scope": {"tags": ["env=dev"], "exclude": {"services": ["rds"]}}}`), leastOf(func(d *Deployment) {
			d.Rungs[0].Scope = killswitch.Scope{Tags: []string{"env=dev"}, Exclude: &killswitch.Scope{Services: []string{"rds"}}}
		})},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseDeployment(tt.text)
			if err != nil {
				t.Fatalf("ParseDeployment(%s): %v", tt.text, err)
			}
			if d := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("ParseDeployment(%s) differs (-want +got):\n%s", tt.text, d)
			}
			written, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ParseDeployment(string(written)); err != nil || !cmp.Equal(got, again, cmpopts.EquateEmpty()) {
				t.Errorf("%s, written as %s, is read as %+v, %v", tt.text, written, again, err)
			}
		})
	}
}

func rung(kind string, threshold float64, unit string) string {
	return fmt.Sprintf(`{"type": %q, "threshold": %v, "unit": %q, "action": "notify"}`, kind, threshold, unit)
}

// rungs is the least with another ladder.
func rungs(all ...string) string {
	before, _, _ := strings.Cut(least, `"rungs"`)
	return "{" + before + `"rungs": [` + strings.Join(all, ",") + "]}"
}

// changed is the least with a part of its text replaced.
func changed(old, with string) string {
	if !strings.Contains(least, old) {
		panic(old)
	}
	return "{" + strings.Replace(least, old, with, 1) + "}"
}

func TestParseDeploymentRefuses(t *testing.T) {
	more := func(text string) string { return "{" + least + ", " + text + "}" }
	pausing := `"action": "pause"`
	tests := map[string]struct{ text, want string }{
		"nothing":                         {"", "not a JSON object"},
		"no budget":                       {`{}`, "setting budget.amount: 0 is no amount"},
		"a budget of nothing":             {changed("100}", "0}"), "setting budget.amount: 0 is no amount to spend"},
		"a negative budget":               {changed("100}", "-5}"), "setting budget.amount: -5 is no amount"},
		"an amount as text":               {changed("100}", `"100"}`), `setting budget.amount: want a number, got "100"`},
		"a budget that is a number":       {changed(`{"amount": 100}`, "100"), "setting budget: want an object, got 100"},
		"another currency":                {changed("100}", `100, "currency": "EUR"}`), `setting budget.currency: AWS Budgets does not count in "EUR"`},
		"another period":                  {changed("100}", `100, "period": "WEEKLY"}`), `setting budget.period: "WEEKLY" is none of DAILY, MONTHLY, QUARTERLY, ANNUALLY`},
		"a setting misspelt":              {more(`"oprators": []`), `unknown setting "oprators": known are budget, rungs, notify,`},
		"a setting misspelt in depth":     {changed(`"amount"`, `"amout"`), `unknown setting "budget.amout": known are amount, currency, period`},
		"a setting in another case":       {changed(`"action"`, `"Action"`), `unknown setting "rungs[0].Action"`},
		"a setting written twice":         {more(`"table": "abc", "table": "abd"`), "setting table is written twice"},
		"one written twice in depth":      {changed(`"amount": 100`, `"amount": 100, "amount": 200`), "setting budget: setting amount is written twice"},
		"something after the end":         {"{" + least + "}}", "after the closing brace"},
		"no rungs":                        {rungs(), "setting rungs: there are none"},
		"six rungs":                       {rungs(rung("ACTUAL", 1, "ABSOLUTE"), rung("ACTUAL", 2, "ABSOLUTE"), rung("ACTUAL", 3, "ABSOLUTE"), rung("ACTUAL", 4, "ABSOLUTE"), rung("ACTUAL", 5, "ABSOLUTE"), rung("ACTUAL", 6, "ABSOLUTE")), "setting rungs: there are 6, and a budget has 5"},
		"rungs that are no list":          {changed(`[{"type"`, `{"a": [{"type"`) + "}", "setting rungs: want a list of objects"},
		"a rung without action":           {changed(", "+pausing, ""), "setting rungs[0].action: it does not say what happens"},
		"an unknown action":               {changed(pausing, `"action": "stop"`), `setting rungs[0].action: "stop" is none of notify, pause`},
		"an unknown type":                 {changed(`"ACTUAL"`, `"actual"`), `setting rungs[0].type: "actual" is none of ACTUAL, FORECASTED`},
		"an unknown unit":                 {changed(`"PERCENTAGE"`, `"%"`), `setting rungs[0].unit: "%" is none of PERCENTAGE, ABSOLUTE`},
		"a threshold of nothing":          {changed(`"threshold": 100`, `"threshold": 0`), "setting rungs[0].threshold: 0 is exceeded by any account"},
		"a scope of a rung that notifies": {changed(pausing, `"action": "notify", "scope": {"tags": ["a"]}`), "setting rungs[0].scope: what only notifies pauses nothing"},
		"an unknown list in a scope":      {changed(pausing, pausing+`, "scope": {"tag": ["a"]}`), `unknown setting "rungs[0].scope.tag"`},
		"an unknown list in an exclusion": {changed(pausing, pausing+`, "scope": {"exclude": {"tag": ["a"]}}`), `unknown setting "rungs[0].scope.exclude.tag"`},
		"rungs out of order":              {rungs(rung("ACTUAL", 100, "PERCENTAGE"), rung("FORECASTED", 1, "PERCENTAGE"), rung("ACTUAL", 80, "PERCENTAGE")), "setting rungs[2].threshold: 80 is not above the 100 of rungs[0]"},
		"rungs that are the same":         {rungs(rung("ACTUAL", 100, "ABSOLUTE"), rung("ACTUAL", 100, "ABSOLUTE")), "setting rungs[1].threshold: 100 is not above the 100 of rungs[0]"},
		"a forecast of a day":             {`{"budget": {"amount": 1, "period": "DAILY"}, "rungs": [` + rung("FORECASTED", 1, "ABSOLUTE") + "]}", "setting rungs[0].type: AWS makes no forecast for a daily budget"},
		"nobody to notify":                {changed(`"emails": ["you@example.com"]`, ""), "setting notify: nobody would hear"},
		"an e-mail that is none":          {changed("you@example.com", "you.example.com"), `setting notify.emails[0]: "you.example.com" is no e-mail address`},
		"an e-mail with a name":           {changed("you@example.com", "You <you@example.com>"), "setting notify.emails[0]"},
		"an e-mail of a machine":          {changed("you@example.com", "root@localhost"), "setting notify.emails[0]"},
		"an endpoint without encryption":  {changed(`"emails": ["you@example.com"]`, `"endpoints": ["http://example.com"]`), "setting notify.endpoints[0]"},
		"a topic as an endpoint":          {changed(`"emails": ["you@example.com"]`, `"endpoints": ["arn:aws:sns:eu-west-1:111122223333:t"]`), "setting notify.endpoints[0]"},
		"somebody twice":                  {changed(`"you@example.com"`, `"you@example.com", "you@example.com"`), "setting notify: you@example.com is there twice"},
		"a billing alarm of nothing":      {more(`"billingAlarm": {"threshold": 0, "action": "pause"}`), "setting billingAlarm.threshold: 0 is exceeded"},
		"a billing alarm without action":  {more(`"billingAlarm": {"threshold": 1}`), "setting billingAlarm.action: it does not say what happens"},
		"an anomaly of nothing":           {more(`"anomaly": {"impact": 0}`), "setting anomaly.impact: 0 would tell of everything"},
		"a monitor that is none":          {more(`"anomaly": {"impact": 1, "monitor": "m"}`), `setting anomaly.monitor: "m" is not the ARN`},
		"everybody an operator":           {more(`"operators": [{"principal": "*"}]`), `setting operators[0].principal: "*" is not the ARN`},
		"a session as an inspector":       {more(`"inspectors": [{"principal": "arn:aws:sts::111122223333:assumed-role/a/b"}]`), "setting inspectors[0].principal"},
		"an operator twice":               {more(`"operators": [{"principal": "arn:aws:iam::111122223333:root"}, {"principal": "arn:aws:iam::111122223333:root"}]`), "setting operators[1].principal: arn:aws:iam::111122223333:root is there twice"},
		"an external id with a space":     {more(`"operators": [{"principal": "arn:aws:iam::111122223333:root", "externalId": "a b"}]`), "setting operators[0].externalId"},
		"a retention that there is not":   {more(`"logRetentionDays": 31`), "setting logRetentionDays: CloudWatch Logs cannot keep for 31 days"},
		"half a day":                      {more(`"logRetentionDays": 0.5`), "setting logRetentionDays: want a number, got 0.5"},
		"a boundary that is none":         {more(`"permissionsBoundary": "arn:aws:iam::1:role/x y"`), "setting permissionsBoundary"},
		"an alias as key":                 {more(`"key": "alias/brake"`), `setting key: "alias/brake" is not the ARN of a key`},
		"a negative concurrency":          {more(`"reservedConcurrency": -1`), "setting reservedConcurrency: -1 is less than none"},
		"a table that is none":            {more(`"table": "a/b"`), `setting table: "a/b" is not the name`},
		"a bucket that is none":           {more(`"assets": "s3://b"`), `setting assets: "s3://b" is not the name`},
		"topics of the brake":             {more(`"brake": {"topics": [{"arn": "arn:aws:sns:eu-west-1:111122223333:t"}]}`), "setting brake.topics: the topics are those of the rungs"},
		"a topic to tell":                 {more(`"brake": {"notify": "arn:aws:sns:eu-west-1:111122223333:t"}`), "setting brake.notify: the topic that is told is made here"},
		"a prefix that no stack may have": {more(`"brake": {"prefix": "my_brake"}`), `setting brake.prefix: "my_brake" cannot begin`},
		"a prefix too long for a role":    {more(`"brake": {"prefix": "` + strings.Repeat("p", 55) + `"}`), "setting brake.prefix"},
		"a setting of the brake misspelt": {more(`"brake": {"setle": "90s"}`), `setting brake: unknown setting "setle"`},
		"a mistake in a setting of it":    {more(`"brake": {"settle": "0s"}`), "setting brake: setting settle: 0s is not positive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := ParseDeployment(tt.text)
			if err == nil {
				t.Fatalf("ParseDeployment(%s) = %+v, want an error with %q", tt.text, d, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseDeployment(%s): %v, want %q", tt.text, err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has more than one line", err)
			}
		})
	}
}

// Whatever is read is valid, and means the same when it is written and read again.
func FuzzParseDeployment(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "{" + least + "}", changed(`"pause"`, `"pause", "scope": {"exclude": {"tags": ["a=b"]}}`),
		"{" + least + `, "anomaly": {"impact": 1e9}, "brake": {"settle": "90s"}, "operators": [{"principal": "arn:aws:iam::111122223333:root"}]}`,
		"{" + least + `, "rungs": null}`, `{"budget": {"amount": 1, "amount": 2}}`, "[",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDeployment(text)
		if err != nil {
			return
		}
		if d.Budget.Amount <= 0 || len(d.Rungs) == 0 || len(d.Rungs) > MaxRungs || d.Table == "" || d.Brake.Prefix == "" {
			t.Fatalf("ParseDeployment(%q) let %+v through", text, d)
		}
		written, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseDeployment(string(written))
		if err != nil {
			t.Fatalf("ParseDeployment(%s), which came from %q: %v", written, text, err)
		}
		if diff := cmp.Diff(d, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q differs once written and read (-want +got):\n%s", text, diff)
		}
	})
}
