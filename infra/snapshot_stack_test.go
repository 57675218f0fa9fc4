package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/snapshots/dynamo"
)

// What is lost with the table is lost for good: nobody knows then what was running.
func TestSnapshotTable(t *testing.T) {
	s := synth(t, least)
	all := s.deploy(t, "Snapshots")
	if len(all) != 1 {
		t.Fatalf("the stack of the snapshots has %d resources, want the table alone: what is changed with the switch must not be able to fail here", len(all))
	}
	table := all["Table"]
	if table.DeletionPolicy != "Retain" || table.UpdateReplacePolicy != "Retain" {
		t.Errorf("the table goes with its stack (%q, %q): a torn down stack would forget what is paused", table.DeletionPolicy, table.UpdateReplacePolicy)
	}
	for what, want := range map[string]struct {
		property  string
		value     any
		otherwise string
	}{
		"name":       {"TableName", "aws-hit-breaks-snapshots", "the CLI would not find the table"},
		"keys":       {"KeySchema", []any{object{"AttributeName": "PK", "KeyType": "HASH"}, object{"AttributeName": "SK", "KeyType": "RANGE"}}, "every read of the store would fail"},
		"attributes": {"AttributeDefinitions", []any{object{"AttributeName": "PK", "AttributeType": "S"}, object{"AttributeName": "SK", "AttributeType": "S"}}, "every read of the store would fail"},
		"mode":       {"BillingMode", "PAY_PER_REQUEST", "a pause of a large account would be throttled, or an idle table would cost every hour"},
		"deletion":   {"DeletionProtectionEnabled", true, "one call would delete what is needed to put everything back"},
		"recovery":   {"PointInTimeRecoverySpecification", object{"PointInTimeRecoveryEnabled": true}, "a table damaged by mistake could not be restored"},
		"expiry":     {"TimeToLiveSpecification", object{"AttributeName": dynamo.TTLAttribute, "Enabled": true}, "alarms seen would stay for ever"},
		"encryption": {"SSESpecification", nil, "a key would cost every month, and could be lost with all that it encrypts"},
	} {
		if diff := cmp.Diff(want.value, table.Properties[want.property]); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", what, want.otherwise, diff)
		}
	}
	if p := s.stacks.snapshots.TerminationProtection(); p == nil || !*p {
		t.Error("the stack of the snapshots has no termination protection: make destroy by mistake would orphan the table")
	}
}

func TestSnapshotTableWithAKey(t *testing.T) {
	got := synth(t, full).deploy(t, "Snapshots")["Table"].Properties
	want := object{"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": "arn:aws:kms:eu-west-1:111122223333:key/0a1b"}
	if diff := cmp.Diff(any(want), got["SSESpecification"]); diff != "" {
		t.Errorf("the owner's key does not encrypt the table (-want +got):\n%s", diff)
	}
	if got["TableName"] != "snapshots-2" {
		t.Errorf("the table is called %v, want the owner's snapshots-2", got["TableName"])
	}
}
