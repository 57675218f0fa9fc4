package trigger

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/alarm"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

const account = "111122223333"

// reader is a handler that can read events and do nothing more.
func reader() *Handler {
	declared := map[killswitch.Kind]killswitch.Declaration{}
	for _, kind := range []killswitch.Kind{killswitch.EC2Instance, killswitch.RDSInstance, killswitch.RDSCluster} {
		declared[kind] = killswitch.Declaration{Kind: kind}
	}
	return &Handler{Account: account, Declared: declared}
}

func TestInvocation(t *testing.T) {
	tests := map[string]struct {
		event string
		want  Invocation
		wrong string // part of the error
	}{
		"an actor alone asks for everything": {
			event: `{"actor": "ann"}`, want: Invocation{Actor: "ann"},
		},
		"every field": {
			event: `{"actor":"ann","dryRun":true,"force":true,"scope":{"regions":["eu-*"],"services":["rds"],"tags":["env=dev"],"ids":["i-1"],"exclude":{"tags":["keep"]}}}`,
			want: Invocation{Actor: "ann", DryRun: true, Force: true, Scope: killswitch.Scope{
				Regions: []string{"eu-*"}, Services: []string{"rds"}, Tags: []string{"env=dev"}, IDs: []string{"i-1"},
				Exclude: &killswitch.Scope{Tags: []string{"keep"}},
			}},
		},
		"nothing at all":                         {event: "", wrong: "empty"},
		"spaces":                                 {event: " \n ", wrong: "empty"},
		"null":                                   {event: "null", wrong: "empty"},
		"an empty object is nobody's order":      {event: "{}", wrong: "empty"},
		"an empty list":                          {event: "[]", wrong: "empty"},
		"a test event of the console":            {event: `{"key1":"value1","key2":"value2"}`, wrong: `unknown field "key1"`},
		"a misspelt filter is no filter":         {event: `{"actor":"ann","scope":{"region":["eu-west-1"]}}`, wrong: `unknown field "region"`},
		"nobody asks":                            {event: `{"dryRun":true}`, wrong: "who asks"},
		"spaces ask":                             {event: `{"actor":"  "}`, wrong: "who asks"},
		"no JSON":                                {event: `pause everything`, wrong: "no invocation"},
		"a number":                               {event: `7`, wrong: "no invocation"},
		"two objects":                            {event: `{"actor":"ann"}{"actor":"bob"}`, wrong: "after its end"},
		"a service that the brake does not know": {event: `{"actor":"ann","scope":{"services":["lambda"]}}`, wrong: "no service of the brake"},
		"a region that takes back what it asks for":  {event: `{"actor":"ann","scope":{"regions":["eu-west-1"],"exclude":{"regions":["eu-*"]}}}`, wrong: "taken out again"},
		"a region in the wrong case":                 {event: `{"actor":"ann","scope":{"regions":["EU-west-1"]}}`, wrong: "a region consists of"},
		"more than an event of EventBridge may have": {event: `{"actor":"` + strings.Repeat("a", MaxInvocation) + `"}`, wrong: "262144"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := reader().invocation([]byte(tt.event))
			wantBadEvent(t, err, tt.wrong)
			if diff := cmp.Diff(tt.want, got); tt.wrong == "" && diff != "" {
				t.Errorf("the invocation is another (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGuardEvent(t *testing.T) {
	tick := engine.Attention{Due: true}
	woken := func(kind killswitch.Kind, region, id string) engine.Attention {
		return engine.Attention{Due: true, Woken: []killswitch.Ref{{Account: account, Region: region, Kind: kind, ID: id}}}
	}
	tests := map[string]struct {
		event string
		want  engine.Attention
		wrong string
	}{
		"a rule of EventBridge ticks": {
			event: `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","account":"111122223333","region":"us-east-1","resources":["arn:aws:events:us-east-1:111122223333:rule/guard"],"detail":{}}`,
			want:  tick,
		},
		"EventBridge Scheduler ticks, with its detail in a string": {
			event: `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.scheduler","account":"111122223333","region":"us-east-1","detail":"{}"}`,
			want:  tick,
		},
		"RDS started an instance": {
			event: `{"source":"aws.rds","detail-type":"RDS DB Instance Event","account":"111122223333","region":"eu-west-1","detail":{"EventCategories":["notification"],"SourceType":"DB_INSTANCE","SourceArn":"arn:aws:rds:eu-west-1:111122223333:db:orders","SourceIdentifier":"orders","Message":"DB instance is being started due to it exceeding the maximum allowed time being stopped.","EventID":"RDS-EVENT-0154"}}`,
			want:  woken(killswitch.RDSInstance, "eu-west-1", "orders"),
		},
		"RDS started a cluster": {
			event: `{"source":"aws.rds","detail-type":"RDS DB Cluster Event","account":"111122223333","region":"eu-west-1","detail":{"SourceType":"CLUSTER","SourceArn":"arn:aws:rds:eu-west-1:111122223333:cluster:ledger","SourceIdentifier":"ledger","EventID":"RDS-EVENT-0153"}}`,
			want:  woken(killswitch.RDSCluster, "eu-west-1", "ledger"),
		},
		"the ARN tells what the rest does not": {
			event: `{"source":"aws.rds","detail":{"SourceArn":"arn:aws:rds:eu-west-1:111122223333:db:orders","EventID":"RDS-EVENT-0154"}}`,
			want:  woken(killswitch.RDSInstance, "eu-west-1", "orders"),
		},
		"another event of RDS": {
			event: `{"source":"aws.rds","detail":{"SourceIdentifier":"orders","EventID":"RDS-EVENT-0006"}}`, wrong: `"RDS-EVENT-0006"`,
		},
		"an event of RDS about nothing": {
			event: `{"source":"aws.rds","region":"eu-west-1","detail":{"EventID":"RDS-EVENT-0154"}}`, wrong: "does not name its database",
		},
		"an event of RDS without detail":  {event: `{"source":"aws.rds"}`, wrong: "no readable detail"},
		"a detail that is no object":      {event: `{"source":"aws.rds","detail":"{}"}`, wrong: "no readable detail"},
		"an event of another account":     {event: `{"source":"aws.events","detail-type":"Scheduled Event","account":"444455556666"}`, wrong: `"444455556666"`},
		"an event of another service":     {event: `{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{}}`, wrong: `"aws.ec2"`},
		"an alarm belongs to pause":       {event: `{"Records":[{"EventSource":"aws:sns"}]}`, wrong: "none for the guard"},
		"nothing at all":                  {event: "", wrong: "empty"},
		"an empty object":                 {event: "{}", wrong: "empty"},
		"no JSON":                         {event: "tick", wrong: "no event of EventBridge"},
		"more than an event may have":     {event: `{"source":"` + strings.Repeat("a", MaxInvocation) + `"}`, wrong: "262144"},
		"a source as long as an event is": {event: `{"source":"` + strings.Repeat("a", MaxInvocation/2) + `"}`, wrong: "none for the guard"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := reader().attention([]byte(tt.event))
			wantBadEvent(t, err, tt.wrong)
			if diff := cmp.Diff(tt.want, got); tt.wrong == "" && diff != "" {
				t.Errorf("the guard attends to something else (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEventsOfAlarmsAreToldFromInvocations(t *testing.T) {
	for event, alarms := range map[string]bool{
		`{"Records":[]}`:   true,
		`{"records":[{}]}`: true,
		`[{"body":"x"}]`:   true,
		`{"TopicArn":"x"}`: true,
		`{"source":"aws.budgets","detail-type":""}`: true,
		"\ufeff" + `{"Records":[]}`:                 true,
		`{"actor":"ann"}`:                           false,
		`{}`:                                        false,
		`[]`:                                        false,
		``:                                          false,
		`"Records"`:                                 false,
		`{"actor":"ann","scope":{"tags":["Records"]}}`: false,
	} {
		if got := carriesAlarms([]byte(event)); got != alarms {
			t.Errorf("%q carries alarms: %v, want %v", event, got, alarms)
		}
	}
}

// wantBadEvent wants an error of one line with the text, or none where wrong is empty.
func wantBadEvent(t *testing.T, err error, wrong string) {
	t.Helper()
	if wrong == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	var bad BadEvent
	if !errors.As(err, &bad) {
		t.Fatalf("the error is %T %v, want a BadEvent", err, err)
	}
	if !strings.Contains(bad.Why, wrong) {
		t.Errorf("the error does not say %q: %s", wrong, bad)
	}
	if strings.Contains(bad.Why, "\n") || len(bad.Why) > 1000 {
		t.Errorf("the error is not one line that can be read: %.2000q", bad.Why)
	}
}

// FuzzEvent feeds any bytes to what reads the events of the three functions. Nothing panics; what
// is not understood is a BadEvent; what is taken for an order says who asks for it.
func FuzzEvent(f *testing.F) {
	fixtures, err := filepath.Glob("../alarm/testdata/*.json")
	if err != nil || len(fixtures) == 0 {
		f.Fatalf("no fixtures of alarms: %v", err)
	}
	for _, name := range fixtures {
		event, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(event)
	}
	for _, event := range []string{
		"", "{}", `{"actor":"ann","scope":{"regions":["eu-*"],"exclude":{"services":["rds"]}},"dryRun":true}`,
		`{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`,
		`{"source":"aws.rds","region":"eu-west-1","detail":{"SourceIdentifier":"orders","EventID":"RDS-EVENT-0154"}}`,
		`{"source":"aws.rds","detail":{"SourceArn":"arn:aws:rds:eu-west-1:111122223333:cluster:ledger","EventID":"RDS-EVENT-0153"}}`,
	} {
		f.Add([]byte(event))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		h := reader()
		alarms, in, err := h.read(event)
		switch {
		case err != nil:
			wantBadEvent(t, err, " ")
		case in != nil:
			if strings.TrimSpace(in.Actor) == "" || !json.Valid(event) {
				t.Errorf("taken for an order of %q: %q", in.Actor, event)
			}
		default:
			for _, a := range alarms {
				if a.Verdict == alarm.Pauses && a.Account != account {
					t.Errorf("an alarm of account %q pauses", a.Account)
				}
				if r := h.request(a); r.At.IsZero() || r.Alarm.ID == "" {
					t.Errorf("an order without time or message: %+v", r)
				}
			}
		}
		attention, err := h.attention(event)
		if err != nil {
			wantBadEvent(t, err, " ")
			return
		}
		for _, ref := range attention.Woken {
			if ref.ID == "" || ref.Region == "" || ref.Kind == "" {
				t.Errorf("woken without a name: %+v", ref)
			}
		}
	})
}
