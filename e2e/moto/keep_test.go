package moto_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestKeptSnapshot is what operators do with what is recorded, through the deployed functions: they look
// at a snapshot, keep it in a file, lose the table, bring it back from the file, give up what somebody
// needs as it is, put back the rest, and delete it in the end.
func TestKeptSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "666677778888")
	w.instance(here, "web", nil)
	w.database(here, "orders")
	w.instance(there, "web", nil)
	before := w.describe()
	env := []string{"AWS_ENDPOINT_URL_LAMBDA=" + w.host.URL, "AWS_HIT_BREAKS_TABLE=" + table}
	stands := func(web, orders string) map[string]string {
		return map[string]string{"us-east-1 ec2:instance web": web, "us-east-1 rds:instance orders": orders, "eu-west-1 ec2:instance web": web}
	}
	file := filepath.Join(t.TempDir(), "kept.json")

	r := w.report(env, "pause", "--yes")
	w.equal("phases after the pause", stands("paused", "paused"), r.phases())
	id := w.listed(env)
	if len(id) != 1 {
		t.Fatalf("after one pause there are the snapshots %v", id)
	}
	live := id[0]
	r = w.report(env, "snapshots", "show", live)
	w.equal("phases of the snapshot", stands("paused", "paused"), r.phases())
	w.well(env, "snapshots", "check", live)
	w.well(env, "snapshots", "export", live, "--file", file)
	if kept, err := os.ReadFile(file); err != nil || strings.TrimSuffix(string(kept), "\n") == "" {
		t.Fatalf("the export holds %d bytes: %v", len(kept), err)
	}
	w.fails(env, 1, "is live", "snapshots", "delete", live, "--yes")

	stored := w.items("")
	w.lose()
	w.fails(env, 10, "nothing is paused", "resume", "--yes")
	w.changes(w.account)
	w.well(env, "snapshots", "import", "--file", file)
	for key, body := range w.items("ORIGINAL#") {
		if body != stored[key] {
			t.Errorf("the original %s came back as another:\n%s\n%s", key, stored[key], body)
		}
	}
	if got, want := len(w.items("ORIGINAL#")), 3; got != want {
		t.Errorf("%d originals came back, want %d", got, want)
	}
	w.well(env, "snapshots", "import", "--file", file) // and again, as after a cut
	w.well(env, "snapshots", "check", live)

	r = w.report(env, "snapshots", "give-up", live, "--id", "orders", "--yes")
	w.equal("phases after giving one up", stands("paused", "given-up"), r.phases())
	w.unchanged("keeping and giving up")
	r = w.report(env, "snapshots", "resume", live, "--yes")
	w.equal("phases after the resume", stands("resumed", "given-up"), r.phases())
	w.equal("what differs from before the pause", map[string]string{"us-east-1 database orders.DBInstanceStatus": "available → stopped"},
		changed(before, w.describe()))
	w.fails(env, 10, "was closed at", "snapshots", "resume", live, "--yes")

	w.changes(w.account)
	w.well(env, "snapshots", "delete", live, "--yes")
	if left := w.listed(env); len(left) > 0 {
		t.Errorf("after the last was deleted there are the snapshots %v", left)
	}
	for key := range w.items("") {
		if strings.Contains(key, live) && !strings.HasSuffix(key, " LEASE") { // which fence off who was held up
			t.Errorf("of the deleted snapshot there is still %s", key)
		}
	}
	w.unchanged("a deletion of what was recorded")

	// The Lambda API of moto knows nothing of our host: doctor sees a table, and misses the functions.
	s := w.run([]string{"AWS_HIT_BREAKS_TABLE=" + table}, "doctor")
	for _, line := range []string{"table\tok\t" + table + " in us-east-1 is ACTIVE", "function pause\tfailing\tthere is no function aws-hit-breaks-pause in us-east-1"} {
		if s.code != 3 || !strings.Contains(s.out, line) {
			t.Errorf("doctor ends with code %d, and does not say %q:\n%s%s", s.code, line, s.out, s.talk)
		}
	}
	w.checkLogs()
}

// well runs a command that has to end well.
func (w *world) well(env []string, args ...string) {
	w.Helper()
	if s := w.run(env, args...); s.code != 0 {
		w.Fatalf("%v ended with code %d:\n%s%s", args, s.code, s.out, s.talk)
	}
}

// listed are the ids of the snapshots.
func (w *world) listed(env []string) (ids []string) {
	w.Helper()
	s := w.run(env, "snapshots", "list", "--json")
	var list struct {
		Snapshots []struct{ Snapshot string }
	}
	if err := json.Unmarshal([]byte(s.out), &list); err != nil || s.code != 0 {
		w.Fatalf("snapshots list ended with code %d: %v\n%s%s", s.code, err, s.out, s.talk)
	}
	for _, one := range list.Snapshots {
		ids = append(ids, one.Snapshot)
	}
	return ids
}

// lose takes everything out of the table, as somebody does who makes it anew.
func (w *world) lose() {
	w.Helper()
	store := w.config.Copy()
	store.BaseEndpoint = &w.dynamodb
	client := dynamodb.NewFromConfig(store)
	for key := range w.items("") {
		pk, sk, _ := strings.Cut(key, " ")
		if _, err := client.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk},
		}}); err != nil {
			w.Fatal(err)
		}
	}
}
