package filter

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"aws-hit-breaks/pkg/killswitch"
)

// FuzzScope reads any JSON as a scope. A scope that is let through says the same once it is written and
// read again, keeps what it excludes out, and narrows the listings only where nothing can match.
func FuzzScope(f *testing.F) {
	kinds := []string{"ec2:instance", "rds:cluster", "rds:instance"}
	for _, seed := range []string{
		`{}`, `{"regions":["eu-*"],"services":["rds"],"tags":["env=dev"],"ids":["i-1"]}`,
		`{"regions":["*-west-?"],"exclude":{"regions":["us-*"],"tags":["env=prod"]}}`, `{"services":["rds:cluster","ec2"]}`,
		`{"tags":["a=b=c","="," x"]}`, `{"exclude":{"exclude":{}}}`, `{"exclude":{"services":["ec2","rds"]}}`, `{"ids":["arn:aws:rds"]}`,
		`{"regions":["EU-west-1",""]}`, `{"services":["rdss"]}`,
	} {
		f.Add(seed, "eu-west-1", "env", "dev", "i-1")
		f.Add(seed, "us-east-1", "env", "prod", "orders")
	}
	f.Fuzz(func(t *testing.T, text, region, key, value, id string) {
		var s killswitch.Scope
		if json.Unmarshal([]byte(text), &s) != nil {
			return
		}
		if err := Validate(s, nil, kinds); err != nil {
			if err.Error() == "" {
				t.Error("refused without a word")
			}
			return
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again killswitch.Scope
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatal(err)
		}
		for _, kind := range kinds {
			r := killswitch.Resource{
				Ref:  killswitch.Ref{Account: "1", Region: region, Kind: killswitch.Kind(kind), ID: id},
				Tags: map[string]string{key: value},
			}
			matches := Match(s, r)
			if matches != Match(again, r) {
				t.Errorf("%s means something else than %s to %+v", text, written, r)
			}
			if matches && !(MayMatchRegion(s, region) && MayMatchKind(s, r.Ref.Kind)) {
				t.Errorf("%s contains %+v, which would never be listed", text, r)
			}
			if out := s.Exclude; matches && out != nil && (slices.Contains(out.IDs, id) || slices.Contains(out.Tags, key) && !strings.Contains(key, "=")) {
				t.Errorf("%s contains %+v, which it excludes", text, r)
			}
		}
	})
}
