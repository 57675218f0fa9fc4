package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

var update = flag.Bool("update", false, "write what is generated: testdata, docs")

// switchTag is on all that is part of the switch.
var switchTag = []any{object{"Key": settings.SwitchTag, "Value": "true"}}

// place is where the templates are looked at.
func (s synthesised) place() roles.Place {
	p := roles.Place{
		Partition: "aws", Account: account, Region: region, Table: s.decided.Table, Key: s.decided.Key,
		Prefix: s.decided.Brake.Prefix, Regions: s.decided.Brake.Regions, ProtectTag: s.decided.Brake.ProtectTag,
	}
	p.Notify, p.Queue = arn("sns", p.Prefix+"-notify"), arn("sqs", p.Prefix+"-failed")
	return p
}

// What is deployed is known type by type: a construct of the CDK that brings a resource along, or a
// resource that is lost, is seen here.
func TestResourceCounts(t *testing.T) {
	var b strings.Builder
	for _, deployment := range []struct{ name, text string }{{"least", least}, {"full", full}} {
		s := synth(t, deployment.text)
		for _, stack := range []string{"Snapshots", "Switch", "BillingAlarm"} {
			if s.templates[stack] == nil {
				continue
			}
			counts := map[string]int{}
			for _, r := range s.deploy(t, stack) {
				counts[r.Type]++
			}
			var kinds []string
			for kind := range counts {
				kinds = append(kinds, kind)
			}
			slices.Sort(kinds)
			for _, kind := range kinds {
				fmt.Fprintf(&b, "%s %s %s %d\n", deployment.name, stack, kind, counts[kind])
			}
		}
	}
	golden(t, filepath.Join(root, "infra", "testdata", "resources.txt"), b.String())
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: go test ./infra -update writes it (-want +got):\n%s", path, diff)
	}
}

// The brake never touches what carries the tag: without it the guard could stop what it runs on, and
// an operator could not tell the switch from what it protects.
func TestEverythingIsTagged(t *testing.T) {
	untaggable := []string{
		"AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::SQS::QueuePolicy", "AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig",
	}
	s := synth(t, full)
	for stack := range s.templates {
		for id, r := range s.deploy(t, stack) {
			tags := r.Properties["Tags"]
			if tags == nil {
				tags = r.Properties["ResourceTags"]
			}
			if diff := cmp.Diff(any(switchTag), tags); diff != "" && !slices.Contains(untaggable, r.Type) {
				t.Errorf("%s of %s, a %s, is not marked as part of the switch (-want +got):\n%s", id, stack, r.Type, diff)
			}
		}
	}
}

// The switch comes and goes without the memory, and needs it to be there.
func TestOrderOfStacks(t *testing.T) {
	s := synth(t, full)
	var needs []string
	for _, stack := range *s.stacks.brake.Dependencies() {
		needs = append(needs, *stack.Node().Id())
	}
	slices.Sort(needs)
	if diff := cmp.Diff([]string{"BillingAlarm", "Snapshots"}, needs); diff != "" {
		t.Errorf("the switch would be deployed before what it needs (-want +got):\n%s", diff)
	}
	if n := len(*s.stacks.snapshots.Dependencies()); n != 0 {
		t.Errorf("the stack of the snapshots needs %d others: it could not outlive them", n)
	}
	for stack, template := range s.templates {
		text, err := json.Marshal(*template.ToJSON())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "Fn::ImportValue") {
			t.Errorf("stack %s imports from another one, which then can be neither changed nor removed", stack)
		}
	}
}

// One template serves every account of an organisation: it names none, asks for nothing, and finds
// the code of the functions in one bucket.
func TestTemplatesForManyAccounts(t *testing.T) {
	text := with(t, with(t, least, "assets", `"our-code"`), "billingAlarm", `{"threshold": 1, "action": "pause"}`)
	s := synth(t, text)
	for stack, template := range s.templates {
		raw := *template.ToJSON()
		for _, part := range []string{"Parameters", "Rules", "Transform", "Mappings"} {
			if raw[part] != nil {
				t.Errorf("the template of %s has %s: a stack set would ask for them in each account, or be refused", stack, part)
			}
		}
		written, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`[^0-9a-f][0-9]{12}[^0-9a-f]`).FindString(string(written)); found != "" {
			t.Errorf("the template of %s names the account %s: it would be the switch of that one in every other", stack, found)
		}
		if strings.Contains(string(written), "cdk-hnb659fds") || strings.Contains(string(written), "cdk-hitbreaks") {
			t.Errorf("the template of %s looks for code in the bucket of each account, where there is none", stack)
		}
		if len(written) > 1<<20 { // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
			t.Errorf("the template of %s has %d bytes, and CloudFormation takes a megabyte", stack, len(written))
		}
	}
	for name, f := range byName(s.deploy(t, "Switch"), "AWS::Lambda::Function", "FunctionName") {
		code := f["Code"].(object)
		if key := fmt.Sprint(code["S3Key"]); code["S3Bucket"] != "our-code" || !regexp.MustCompile(`^[0-9a-f]{64}\.zip$`).MatchString(key) {
			t.Errorf("the code of %s is %v: it would not be found", name, code)
		}
	}
}

// A deployment that fails in the middle leaves an account with half a switch.
func TestLambdaTakesTheSettings(t *testing.T) {
	var ids []string
	for i := range 200 {
		ids = append(ids, fmt.Sprintf("i-%017d", i))
	}
	list, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	text := with(t, least, "rungs", `[{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause", "scope": {"ids": `+string(list)+`}}]`)
	if _, err := templatesOf(text); err == nil || !strings.HasPrefix(err.Error(), "setting rungs: ") {
		t.Errorf("settings of more than 4 KB are deployed, where Lambda refuses them: %v", err)
	}
	for _, text := range []string{least, full} {
		for name, f := range byName(synth(t, text).deploy(t, "Switch"), "AWS::Lambda::Function", "FunctionName") {
			size := 0
			for key, value := range f["Environment"].(object)["Variables"].(object) {
				size += len(key) + len(value.(string))
			}
			if size > largestEnvironment {
				t.Errorf("%s has an environment of %d bytes", name, size)
			}
		}
	}
}
