package report_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

// The names in the JSON are what scripts rely on.
func TestJSON(t *testing.T) {
	woken := because(at(1, killswitch.Pausing, "i-2"), "stopping")
	woken.State.Step, woken.State.AttemptedAt = "stop-instances", morning
	woken.State.Wait = &killswitch.Wait{Deadline: morning.Add(20 * time.Minute)}
	back := at(1, killswitch.Resumed, "i-1")
	back.State.ByAWS = killswitch.Fields{"LaunchTime": "a → b"}
	s := live([]killswitch.Order{alarmed}, []snapshots.Coverage{listed(1)[0], {Kind: killswitch.RDSInstance, Order: 1, Why: "denied"}}, woken, back)
	got, err := json.MarshalIndent(report.Of(s, declared), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "schema": 1,
  "account": "111122223333",
  "snapshot": "s1",
  "opened": "2026-11-23T09:15:00Z",
  "orders": [
    {
      "seq": 1,
      "act": "pause",
      "actor": "alarm",
      "at": "2026-11-23T09:15:00Z",
      "alarm": "budget \"monthly\" ACTUAL 120.00 USD"
    }
  ],
  "summary": {
    "total": 2,
    "phases": {
      "pausing": 1,
      "resumed": 1
    },
    "regions": 1,
    "pending": 1,
    "notInspected": 1,
    "changedByAWS": 1,
    "problems": 0,
    "leftAlone": 0
  },
  "resources": [
    {
      "region": "eu-west-1",
      "kind": "ec2:instance",
      "id": "i-1",
      "type": "m5.large",
      "phase": "resumed",
      "reason": "",
      "want": "paused",
      "changedByAWS": {
        "LaunchTime": "a → b"
      }
    },
    {
      "region": "eu-west-1",
      "kind": "ec2:instance",
      "id": "i-2",
      "type": "m5.large",
      "phase": "pausing",
      "reason": "stopping",
      "want": "paused",
      "step": "stop-instances",
      "pending": true,
      "since": "2026-11-23T09:15:00Z",
      "deadline": "2026-11-23T09:35:00Z"
    }
  ],
  "notInspected": [
    {
      "region": "eu-west-1",
      "kind": "rds:instance",
      "reason": "denied"
    }
  ],
  "problems": [],
  "residuals": []
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	empty, err := json.Marshal(report.Empty(account))
	if err != nil {
		t.Fatal(err)
	}
	const nothing = `{"schema":1,"account":"111122223333","orders":[],"summary":{"total":0,"phases":{},"regions":0,"pending":0,` +
		`"notInspected":0,"changedByAWS":0,"problems":0,"leftAlone":0},"resources":[],"notInspected":[],"problems":[],"residuals":[]}`
	if diff := cmp.Diff(nothing, string(empty)); diff != "" {
		t.Error(diff)
	}
}
