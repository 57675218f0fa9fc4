package report_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

const command = "AWS_REGION=eu-west-1 aws-hit-breaks"

// TestNotificationsTellDollars: what ran, what runs, what is saved, what goes on to cost, and of how much
// it is not known. Without prices there is no word of them.
func TestNotificationsTellDollars(t *testing.T) {
	r := report.Of(live([]killswitch.Order{alarmed}, listed(1), using(at(1, killswitch.Paused, "i-1"), "machine", "disk"),
		using(at(1, killswitch.Paused, "i-2"), "odd")), declared)
	if text := r.Notification(report.Settled, command).Text; strings.Contains(text, "ollar") {
		t.Errorf("no prices were looked up, and it tells of dollars:\n%s", text)
	}
	r.Keeps([]killswitch.Residual{{Ref: ref(here, killswitch.Volume, "vol-1"), Uses: []killswitch.Usage{{Product: product("disk"), Quantity: 8}}}}, nil)
	r.Priced(priceOf, func(killswitch.Product) string { return "denied by <!here>" })
	n := r.Notification(report.Settled, command)
	want := "In dollars, before any pause: $1.25 an hour; running: $0 an hour ($0 a month); saved by the pause: $1.00 an hour ($730.00 a month); " +
		"goes on to cost: $1.25 an hour ($912.50 a month). List prices, without Savings Plans, credits or free tier. " +
		"Not in the sums: 1 resource of unknown cost: denied by <!here>."
	if !strings.Contains(n.Text, "\n"+want+"\n") {
		t.Errorf("it does not say %q:\n%s", want, n.Text)
	}
	if !strings.Contains(n.Chat, "before any pause: $1.25 an hour") || strings.Contains(n.Chat, "<!here>") {
		t.Errorf("in a chat: %s", n.Chat)
	}
}

func TestNotification(t *testing.T) {
	verdict := snapshots.Verdict{
		Resource: killswitch.Resource{Ref: ref(here, killswitch.EC2Instance, "i-9"), Name: "secret"}, Phase: killswitch.Unpausable, Reason: "instance-store root",
	}
	paused, failed := at(1, killswitch.Paused, "i-1"), because(at(1, killswitch.Failed, "i-2"), "OperationNotPermitted")
	tests := map[string]struct {
		snapshot snapshots.Snapshot
		moment   report.Moment
		subject  string
		text     []string // lines, in this order
		not      []string
	}{
		"the first run of a pause has ended": {
			snapshot: live([]killswitch.Order{alarmed}, listed(1, verdict), paused, failed, at(1, killswitch.Pausing, "i-3")),
			moment:   report.Begun,
			subject:  "aws-hit-breaks 111122223333: pausing, so far paused 1 of 3 resources in 1 region",
			text: []string{
				"Account 111122223333: paused 1 of 3 resources in 1 region; 1 on their way; 1 failed; 1 left alone; nothing not inspected",
				"By order of (1)", `- 1: pause by alarm at 2026-11-23T09:15:00Z: budget "monthly" ACTUAL 120.00 USD`,
				"To put everything back:", "  " + command + " resume",
				"To see to, and why (1)", "- ec2:instance i-2 (eu-west-1), m5.large: failed, OperationNotPermitted",
				"On their way (1)", "- ec2:instance i-3 (eu-west-1), m5.large: pausing",
				"Paused (1)", "- ec2:instance i-1 (eu-west-1), m5.large",
				"Left alone (1)", "- ec2:instance i-9 (eu-west-1): cannot-pause, instance-store root",
			},
			not: []string{"secret", "$", "dollar"},
		},
		"a pause is done as far as it can be": {
			snapshot: live([]killswitch.Order{alarmed}, []snapshots.Coverage{
				{Kind: killswitch.EC2Instance, Order: 1, Listed: true}, {Kind: killswitch.RDSInstance, Order: 1, Why: "AccessDenied"},
			}, paused, failed),
			moment:  report.Settled,
			subject: "aws-hit-breaks 111122223333: paused 1 of 2 resources in 1 region, 2 to see to",
			text:    []string{"Not inspected: nobody knows what runs there (1)", "- eu-west-1 rds:instance: AccessDenied"},
		},
		"a resume leaves alone what somebody changed": {
			snapshot: live([]killswitch.Order{alarmed, resumed}, listed(2), at(2, killswitch.Resumed, "i-1"), because(at(2, killswitch.Drifted, "i-2"), "its type was changed")),
			moment:   report.Settled,
			subject:  "aws-hit-breaks 111122223333: resumed 1 of 2 resources in 1 region, 1 to see to",
			text: []string{
				"By order of (2)", "- 2: resume by ann at 2026-11-23T10:15:00Z", "  " + command + " resume --force",
				"- ec2:instance i-2 (eu-west-1), m5.large: drifted, its type was changed", "Resumed (1)",
			},
		},
		"everything is back": {
			snapshot: snapshots.Snapshot{
				Header: snapshots.Header{Account: account, Snapshot: "s1", Opened: morning, Closed: morning.Add(2 * time.Hour), Orders: []killswitch.Order{alarmed, resumed}, Regions: []string{here}},
				Shards: []snapshots.Shard{{Region: here, Items: []killswitch.Item{at(2, killswitch.Resumed, "i-1")}, Coverage: listed(2)}},
			},
			moment:  report.Closed,
			subject: "aws-hit-breaks 111122223333: closed, resumed 1 of 1 resource in 1 region",
			text:    []string{"Nothing is paused any more, and the snapshot s1 is closed.", "Resumed (1)"},
			not:     []string{command + " resume"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := report.Of(tt.snapshot, declared).Notification(tt.moment, command)
			if n.Subject != tt.subject {
				t.Errorf("the subject is %q, want %q", n.Subject, tt.subject)
			}
			rest := "\n" + n.Text
			for _, line := range tt.text {
				_, after, found := strings.Cut(rest, "\n"+line+"\n")
				if !found {
					t.Fatalf("no line %q, or not in this order, in\n%s", line, n.Text)
				}
				rest = "\n" + after
			}
			for _, text := range tt.not {
				if strings.Contains(n.Message(), text) {
					t.Errorf("it says %q:\n%s", text, n.Text)
				}
			}
			chat := readChat(t, n)
			if chat.Content.Title != tt.subject || chat.Metadata.ThreadID != "s1" {
				t.Errorf("in a chat: %+v", chat)
			}
		})
	}
}

func TestAlarmNotification(t *testing.T) {
	n := report.AlarmNotification(account, `budget "b" 90 USD`, "the topic only notifies", "Dear Customer,\n\nyou spent <much>.\n", command)
	want := `Account 111122223333: budget "b" 90 USD

Nothing is paused for it: the topic only notifies.

What it says, in lines (2)
- Dear Customer,
- you spent <much>.

To pause everything:
  AWS_REGION=eu-west-1 aws-hit-breaks pause
To see what would be paused:
  AWS_REGION=eu-west-1 aws-hit-breaks pause --dry-run
`
	if diff := cmp.Diff(want, n.Text); diff != "" {
		t.Errorf("the text differs (-want +got):\n%s", diff)
	}
	chat := readChat(t, n)
	if got := chat.Content.Description; !strings.Contains(got, "you spent ‹much›.") {
		t.Errorf("in a chat: %s", got)
	}
}

// chat is what Amazon Q Developer reads.
type chat struct {
	Version, Source string
	Content         struct {
		TextType, Title, Description string
		NextSteps                    []string
	}
	Metadata struct{ ThreadID, Summary string }
}

func readChat(t interface{ Fatalf(string, ...any) }, n report.Notification) chat {
	var forms map[string]string
	if err := json.Unmarshal([]byte(n.Message()), &forms); err != nil {
		t.Fatalf("the message is no JSON for SNS: %v", err)
	}
	if len(forms) != 2 || forms["default"] != n.Text {
		t.Fatalf("the forms are %q", forms)
	}
	var c chat
	if err := json.Unmarshal([]byte(forms["https"]), &c); err != nil {
		t.Fatalf("no JSON for a chat: %v", err)
	}
	if c.Version != "1.0" || c.Source != "custom" || c.Content.TextType != "client-markdown" {
		t.Fatalf("no custom notification: %+v", c)
	}
	return c
}

// Whatever resources are called and alarms say: SNS takes the message, mail shows it as lines of text,
// and a chat shows it as code.
func TestNotificationsHoldWhateverOthersWrite(t *testing.T) {
	hostile := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"`@here`", "<!channel>", "```\n# pay here: https://example.com\n```", "\r\nSubject: free\r\n\r\n", "\x00\x1b[31m", "a\u202eb\u2066c",
			"\xff\xfe", "</at><at>all</at>", strings.Repeat("\"\\", 400), strings.Repeat("😀", 900), strings.Repeat("<&>", 500), "\u2028\u2029",
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		phase := rapid.SampledFrom([]killswitch.Phase{
			killswitch.Paused, killswitch.Failed, killswitch.Pausing, killswitch.Resumed, killswitch.Drifted, killswitch.Unpausable,
		})
		count := rapid.SampledFrom([]int{0, 1, 21, 500, 10_000}).Draw(t, "resources")
		few := rapid.SliceOfN(hostile, 30, 30).Draw(t, "texts")
		r := report.Report{
			Account: account, Snapshot: "20261123T091500Z-3f9a0c",
			Orders: []report.Order{{Seq: 1, Act: killswitch.Pause, Actor: few[0], Alarm: few[1], Scope: few[2], At: morning}},
		}
		r.Summary.Phases = map[killswitch.Phase]int{}
		phases := []killswitch.Phase{phase.Draw(t, "one"), phase.Draw(t, "another"), phase.Draw(t, "a third")}
		for i := range count {
			p := phases[i%3]
			r.Summary.Phases[p]++
			r.Resources = append(r.Resources, report.Resource{
				Region: here, Kind: killswitch.ECSService, ID: few[i%30], Name: few[(i+1)%30], Type: few[(i+2)%30], Phase: p, Reason: few[(i+3)%30],
				Want: killswitch.WantPaused, Pending: p == killswitch.Pausing,
			})
			if i < 40 {
				r.NotInspected = append(r.NotInspected, report.NotInspected{Region: few[i%30], Kind: killswitch.RDSCluster, Reason: few[(i+5)%30]})
				r.Problems = append(r.Problems, report.Problem{Item: few[i%30], Why: few[(i+6)%30], Hint: few[(i+7)%30]})
			}
		}
		moment := rapid.SampledFrom([]report.Moment{report.Begun, report.Settled, report.Closed}).Draw(t, "moment")
		notifications := map[string]report.Notification{
			"report": r.Notification(moment, command),
			"alarm":  report.AlarmNotification(account, few[3], few[4], strings.Join(few[5:], "\n"), command),
		}
		for name, n := range notifications {
			if len(n.Subject) > 99 || strings.ContainsFunc(n.Subject, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%s: SNS refuses the subject %q", name, n.Subject)
			}
			if size := len(n.Message()); size > 256<<10 {
				t.Fatalf("%s: the message has %d bytes", name, size)
			}
			unseen := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
			if !utf8.ValidString(n.Text) || strings.ContainsFunc(n.Text, unseen) {
				t.Fatalf("%s: not plain text: %q", name, n.Text)
			}
			if lines := strings.Count(n.Text, "\n"); lines > 220 {
				t.Fatalf("%s: %d lines", name, lines)
			}
			c := readChat(t, n)
			code, ok := strings.CutPrefix(c.Content.Description, "```\n")
			code, fine := strings.CutSuffix(code, "\n```")
			if !ok || !fine || strings.ContainsAny(code, "`<>") {
				t.Fatalf("%s: in a chat this is not all code: %q", name, c.Content.Description)
			}
			if size := utf8.RuneCountInString(c.Content.Description); size > 2500 {
				t.Fatalf("%s: %d characters in a chat", name, size)
			}
			if strings.ContainsFunc(c.Content.Title, unseen) || strings.ContainsAny(c.Content.Title, "`<>*_~") {
				t.Fatalf("%s: markdown in the title %q", name, c.Content.Title)
			}
		}
		if count > 60 && !strings.Contains(notifications["report"].Text, fmt.Sprintf("and %d more", r.Summary.Phases[phases[0]]-20)) &&
			phases[0] == killswitch.Paused && phases[1] != phases[0] && phases[2] != phases[0] {
			t.Fatalf("what was left out is not counted:\n%s", notifications["report"].Text)
		}
	})
}
