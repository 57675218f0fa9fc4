package moto_test

import (
	"strings"
	"testing"
)

// sns is an event of SNS with one message from the topic of an account.
func sns(account, message string) string {
	return `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{"Type":"Notification","MessageId":"bad-1",` +
		`"TopicArn":"arn:aws:sns:us-east-1:` + account + `:aws-hit-breaks-pause","Subject":"s","Timestamp":"2026-03-03T12:04:11.275Z",` +
		`"Message":"` + message + `"}}]}`
}

// TestBadEvents: each ends in one line that says what is wrong, and nothing is changed.
func TestBadEvents(t *testing.T) {
	t.Parallel()
	const id = "444455556666"
	w := newWorld(t, id)
	w.instance(here, "web", nil)
	before := w.describe()
	w.changes(w.account)
	tests := map[string]struct {
		function, event string
		kind            string // the type of the error; empty for any
		says            string
	}{
		"nothing":                                {"aws-hit-breaks-pause", ``, "BadEvent", "empty"},
		"an empty object":                        {"aws-hit-breaks-pause", `{}`, "BadEvent", "empty"},
		"an SNS event without records":           {"aws-hit-breaks-pause", `{"Records":[]}`, "BadEvent", "record"},
		"a message of another account's topic":   {"aws-hit-breaks-pause", w.fixture("budgets-actual-monthly"), "BadEvent", account},
		"a message of more than 256 KiB":         {"aws-hit-breaks-pause", sns(id, strings.Repeat("x", 256<<10+1)), "BadEvent", "26214"},
		"an invocation of more than 256 KiB":     {"aws-hit-breaks-pause", `{"actor":"` + strings.Repeat("x", 256<<10) + `"}`, "BadEvent", "262144"},
		"what is no JSON":                        {"aws-hit-breaks-pause", `pause everything`, "BadEvent", "no invocation"},
		"a test event of the console":            {"aws-hit-breaks-pause", `{"key1":"value1"}`, "BadEvent", `"key1"`},
		"an operator without a name":             {"aws-hit-breaks-pause", `{"dryRun":false}`, "BadEvent", "who asks"},
		"a service that the brake does not know": {"aws-hit-breaks-pause", `{"actor":"ann","scope":{"services":["s3"]}}`, "BadEvent", "s3"},
		"a table that is not there":              {"pause-without-table", `{"actor":"ann"}`, "", "no-such-table"},
		"a setting that is misspelt":             {"pause-set-up-wrongly", `{"actor":"ann"}`, "", `"region"`},
		"a resume of what is not paused":         {"aws-hit-breaks-resume", `{"actor":"ann"}`, "NothingLive", "nothing is paused"},
		"a guard without an event":               {"aws-hit-breaks-guard", `{}`, "BadEvent", "empty"},
		"a guard with an event of EC2":           {"aws-hit-breaks-guard", `{"source":"aws.ec2","detail-type":"x","detail":{}}`, "BadEvent", "aws.ec2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := w.as(t).invoke(tt.function, tt.event)
			if a.Failure == "" || strings.Contains(a.Failure, "\n") || len(a.Failure) > 600 || !strings.Contains(a.Failure, tt.says) {
				t.Errorf("got the error %q, want one line with %q", a.Failure, tt.says)
			}
			if tt.kind != "" && a.Type != tt.kind {
				t.Errorf("the error is a %q, want a %q", a.Type, tt.kind)
			}
		})
	}
	only := map[string]string{
		"a cost anomaly only notifies":                  strings.ReplaceAll(w.fixture("cost-anomaly"), account, id),
		"so does, by a setting, what is not understood": sns(id, "somebody wrote this by hand"),
	}
	for name, event := range only {
		t.Run(name, func(t *testing.T) {
			a := w.as(t).must("pause-that-notifies", event)
			if a.Order != 0 || len(a.Notice) != 1 || strings.Contains(a.Notice[0], "\n") {
				t.Errorf("order %d, notice %q", a.Order, a.Notice)
			}
		})
	}
	w.ok("close the host", w.host.Close())
	if !strings.Contains(w.logs.String(), "somebody wrote this by hand") {
		t.Error("the text that was not understood is not in the log")
	}
	w.unchanged("what is wrong")
	w.equal("what changed", map[string]string{}, changed(before, w.describe()))
	if items := w.items(""); len(items) > 0 {
		t.Errorf("%d items were written", len(items))
	}
}
