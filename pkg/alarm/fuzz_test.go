package alarm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var decimalText = regexp.MustCompile(`^-?\d+(\.\d+)?$`)

// checkAlarm holds what is true of every alarm, whatever it was read from.
func checkAlarm(t *testing.T, a Alarm) {
	t.Helper()
	if !slices.Contains([]Source{Budgets, CloudWatch, Anomaly, Unknown}, a.Source) ||
		!slices.Contains([]Verdict{Pauses, Notifies, Refused, Unparsed}, a.Verdict) {
		t.Errorf("source %q, verdict %q", a.Source, a.Verdict)
	}
	if a.Verdict != Refused && a.Account != us {
		t.Errorf("an alarm of account %q has the verdict %s", a.Account, a.Verdict)
	}
	if a.Verdict == Pauses && a.Source == Unknown {
		t.Error("an alarm of nobody pauses")
	}
	if a.Verdict != Pauses && a.Why == "" {
		t.Errorf("verdict %s without a reason", a.Verdict)
	}
	for _, line := range []string{a.Why, a.String()} {
		if strings.ContainsAny(line, "\n\r") || len(line) > 1000 {
			t.Errorf("not one short line: %q", line)
		}
	}
	for _, m := range []*Money{a.Amount, a.Limit, a.Threshold} {
		if m != nil && (!decimalText.MatchString(m.Value) || len(m.String()) > 80) {
			t.Errorf("amount %+v", *m)
		}
	}
	if !slices.Contains([]string{"", "ACTUAL", "FORECASTED"}, a.Type) || !slices.Contains([]string{"", Daily, Monthly, Quarterly, Annually}, a.Period) {
		t.Errorf("type %q, period %q", a.Type, a.Period)
	}
	ref, err := json.Marshal(a.Ref())
	if err != nil || len(ref) > 8<<10 || a.ID() == "" {
		t.Errorf("a reference of %d bytes, %v, id %q", len(ref), err, a.ID())
	}
	if _, err := a.At.MarshalJSON(); err != nil {
		t.Error(err)
	}
}

// FuzzParse gives the function's whole event to chance.
func FuzzParse(f *testing.F) {
	fixtures, err := filepath.Glob("testdata/*.json")
	if err != nil || len(fixtures) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, file := range fixtures {
		event, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(event)
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		for _, expect := range []Expect{{Account: us}, {Account: us, Topics: []string{topic}}} {
			alarms, err := Parse(event, expect)
			if err != nil {
				if len(alarms) != 0 || strings.Contains(err.Error(), "\n") || len(err.Error()) > 1000 {
					t.Fatalf("%d alarms with %q", len(alarms), err)
				}
				continue
			}
			if len(alarms) == 0 {
				t.Fatal("neither alarm nor error")
			}
			for _, a := range alarms {
				checkAlarm(t, a)
			}
			again, err := Parse(event, expect)
			if d := cmp.Diff(alarms, again); d != "" || err != nil {
				t.Fatalf("read twice, it is two things: %v\n%s", err, d)
			}
		}
	})
}

// FuzzWording gives the text of a message of ours to chance. Nothing in it can refuse the message,
// hide its text, or make it one of another account.
func FuzzWording(f *testing.F) {
	f.Add("AWS Budgets: prod has exceeded your alert threshold", reworded())
	f.Add("", strings.ReplaceAll(reworded(), "\n", "#"))
	f.Add("", reworded("$", "€", "81.50", "1.234,56", "current month", "current quarter"))
	f.Add("", metricAlarm("ALARM"))
	f.Add("", composite)
	f.Add("", stateChange)
	f.Add(`OK: "a" in EU (Ireland)`, `{"default": "x", "message": {"budgetName": "b", "threshold": 80, "calculatedSpend": {"actualSpend": {"amount": "1e2", "unit": "USD"}}}}`)
	f.Fuzz(func(t *testing.T, subject, text string) {
		if !utf8.ValidString(subject) || !utf8.ValidString(text) || len(text) > MaxMessage {
			return // JSON would change it, or SNS not carry it
		}
		a := parseOne(t, lambdaEvent(record(topic, subject, text)), Expect{Account: us, Topics: []string{topic}})
		checkAlarm(t, a)
		if a.Verdict == Refused || a.Text != text || subject != "" && a.Subject != subject || a.Topic != topic {
			t.Fatalf("%q, %q became %+v", subject, text, a)
		}
	})
}
