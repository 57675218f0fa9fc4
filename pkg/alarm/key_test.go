package alarm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
)

func TestKey(t *testing.T) {
	base := Alarm{Source: Budgets, Budget: "b", Type: "ACTUAL", Threshold: money("80.00", "USD"), Period: Monthly, At: noon, Amount: money("81", "USD"), MessageID: "1"}
	tests := map[string]struct {
		change func(*Alarm)
		same   bool
	}{
		"the same alarm again":                 {func(a *Alarm) { a.MessageID, a.Amount, a.At = "2", money("95", "USD"), noon.AddDate(0, 0, 20) }, true},
		"the threshold written in another way": {func(a *Alarm) { a.Threshold = money("80", "USD") }, true},
		"the period not told":                  {func(a *Alarm) { a.Period = "" }, true},
		"another budget":                       {func(a *Alarm) { a.Budget = "c" }, false},
		"a higher rung":                        {func(a *Alarm) { a.Threshold = money("100.00", "USD") }, false},
		"a threshold that only looks alike":    {func(a *Alarm) { a.Threshold = money("800", "USD") }, false},
		"a forecast":                           {func(a *Alarm) { a.Type = "FORECASTED" }, false},
		"another source":                       {func(a *Alarm) { a.Source = CloudWatch }, false},
		"the next month":                       {func(a *Alarm) { a.At = noon.AddDate(0, 1, 0) }, false},
		"the next year":                        {func(a *Alarm) { a.At = noon.AddDate(1, 0, 0) }, false},
		"the same month elsewhere":             {func(a *Alarm) { a.At = time.Date(2026, 4, 1, 1, 0, 0, 0, time.FixedZone("", 2*60*60)) }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			other := base
			tt.change(&other)
			if got := base.Key() == other.Key(); got != tt.same {
				t.Errorf("keys %q and %q: equal %v, want %v", base.Key(), other.Key(), got, tt.same)
			}
		})
	}
	windows := map[string]string{Daily: "2026-03-03", Monthly: "2026-03", "": "2026-03", Quarterly: "2026-Q1", Annually: "2026"}
	for period, want := range windows {
		a := base
		a.Period = period
		if !strings.HasSuffix(a.Key(), " "+want) {
			t.Errorf("the key of a period %q is %q, want it to end in %s", period, a.Key(), want)
		}
	}
	a, b := Alarm{Source: Unknown, Text: "x", At: noon}, Alarm{Source: Unknown, Text: "y", At: noon}
	if a.Key() == b.Key() {
		t.Errorf("two texts that were not understood are one alarm: %q", a.Key())
	}
}

// Where topics are configured, each is one rung, whatever the text says.
func TestKeyOfATopic(t *testing.T) {
	base := Alarm{Source: Budgets, Rung: "rung-1", Budget: "b", Type: "ACTUAL", Threshold: money("80.00", "USD"), Period: Monthly, At: noon, Text: "x"}
	tests := map[string]struct {
		change func(*Alarm)
		same   bool
	}{
		"a threshold that moved with the budget's limit": {func(a *Alarm) { a.Threshold = money("96.00", "USD") }, true},
		"a type that was not understood":                 {func(a *Alarm) { a.Type = "" }, true},
		"another topic":                                  {func(a *Alarm) { a.Rung = "rung-2" }, false},
		"another budget on the same topic":               {func(a *Alarm) { a.Budget = "c" }, false},
		"the next month":                                 {func(a *Alarm) { a.At = noon.AddDate(0, 1, 0) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			other := base
			tt.change(&other)
			if got := base.Key() == other.Key(); got != tt.same {
				t.Errorf("keys %q and %q: equal %v, want %v", base.Key(), other.Key(), got, tt.same)
			}
		})
	}
	a, b := Alarm{Source: Unknown, Rung: "rung-1", Text: "x", At: noon}, Alarm{Source: Unknown, Rung: "rung-1", Text: "y", At: noon}
	if a.Key() != b.Key() {
		t.Errorf("two texts of one topic that were not understood are two rungs: %q and %q", a.Key(), b.Key())
	}
}

func TestImplausible(t *testing.T) {
	tests := map[string]struct {
		alarm Alarm
		want  bool
	}{
		"a runaway":                           {Alarm{Amount: money("2000", "USD"), Limit: money("100", "USD")}, false},
		"a trillion":                          {Alarm{Amount: money("1000000000000.17", "USD"), Limit: money("100", "USD")}, true},
		"a cent more than twenty times":       {Alarm{Amount: money("2000.01", "USD"), Limit: money("100", "USD")}, true},
		"much for its rung, not its budget":   {Alarm{Amount: money("50", "USD"), Limit: money("100", "USD"), Threshold: money("1", "USD")}, false},
		"an alarm that knows its rung alone":  {Alarm{Amount: money("50", "USD"), Threshold: money("1", "USD")}, true},
		"percent are no money":                {Alarm{Amount: money("5000", "USD"), Threshold: money("80", "%")}, false},
		"another currency":                    {Alarm{Amount: money("5000", "JPY"), Limit: money("100", "USD")}, false},
		"a limit of nothing":                  {Alarm{Amount: money("5", "USD"), Limit: money("0.00", "USD")}, false},
		"an amount that is not told":          {Alarm{Limit: money("100", "USD")}, false},
		"a negative amount, after credits":    {Alarm{Amount: money("-5000", "USD"), Limit: money("100", "USD")}, false},
		"an amount that cannot be understood": {Alarm{Amount: money("1.2.3", "USD"), Limit: money("100", "USD")}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.alarm.Implausible(); got != tt.want {
				t.Errorf("Implausible() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRef(t *testing.T) {
	tests := map[string]struct {
		alarm Alarm
		want  string
	}{
		"all is known": {Alarm{Source: Budgets, Budget: "b", Type: "ACTUAL", Amount: money("120.5", "USD"), Limit: money("100", "USD"), Threshold: money("80", "%"), Period: Daily},
			`budget "b" ACTUAL 120.5 USD, threshold 80%, budgeted 100 USD, daily`},
		"more than anybody spends": {Alarm{Source: Budgets, Budget: "b", Amount: money("5000000", "USD"), Limit: money("100", "USD")},
			`budget "b" 5000000 USD, budgeted 100 USD (more than 20 times as much: see whether that can be true, AWS's billing data has been wrong before)`},
		"only the name":       {Alarm{Source: CloudWatch, Budget: "charges"}, `CloudWatch alarm "charges"`},
		"only the subject":    {Alarm{Source: Unknown, Subject: " hello\n world ", Text: "text"}, "hello world"},
		"only the text":       {Alarm{Source: Unknown, Text: strings.Repeat("é", 100)}, strings.Repeat("é", 80) + "…"},
		"nothing":             {Alarm{Source: Unknown}, "an empty message"},
		"a name with newline": {Alarm{Source: Anomaly, Budget: "a\nb"}, `cost anomaly of "a b"`},
		"an endless name":     {Alarm{Source: Anomaly, Budget: strings.Repeat("a", 1<<18)}, `cost anomaly of "` + strings.Repeat("a", 160) + `…"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.alarm.MessageID = "m"
			want := killswitch.AlarmRef{ID: "m", Key: tt.alarm.Key(), Source: string(tt.alarm.Source), Text: tt.want}
			if d := cmp.Diff(want, tt.alarm.Ref()); d != "" {
				t.Errorf("ref differs (-want +got):\n%s", d)
			}
		})
	}
}
