package roles

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the template into the command line")

const (
	root         = "../.."
	templatePath = root + "/cli/command/setup/role.template.json"
)

// The template that the command line has in it is what this package says. -update writes it.
func TestTemplate(t *testing.T) {
	want, err := Template()
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(templatePath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("go test ./infra/roles -run Template -update writes it (-want +got):\n%s", diff)
	}
	if len(got) > 51_200 { // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
		t.Errorf("the template has %d bytes, and CloudFormation takes 51,200 in a call", len(got))
	}
}

// IAM takes 10,240 characters of inline policies for a role, without white space
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
func TestTheRoleFits(t *testing.T) {
	longest := Place{Partition: "aws-us-gov", Account: "111122223333", Region: "ap-northeast-99", Table: strings.Repeat("t", 40), Prefix: strings.Repeat("p", 54)}
	size := 0
	for _, statements := range [][]Statement{CLI(longest), Local(longest)} {
		text, err := json.Marshal(object{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		size += len(text)
	}
	if size > 10_240 {
		t.Errorf("the policies have %d characters: nothing could be deployed", size)
	}
}

// The role of the command line is what an operator and an inspector may do together, and, with Local,
// what a guard may do to resources and the table: nothing of it is new.
func TestTheRoleIsMadeOfOthers(t *testing.T) {
	p := Place{Partition: "aws", Account: "111122223333", Region: "us-east-1", Table: "t", Prefix: "p", Key: "arn:aws:kms:us-east-1:111122223333:key/k"}
	allowed := func(roles ...[]Statement) (all []string) {
		for _, s := range slices.Concat(roles...) {
			for _, action := range s.Actions {
				if s.Effect == Allow {
					all = append(all, action+" "+strings.Join(s.Resources, " "))
				}
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	if diff := cmp.Diff(allowed(Operator(p), Inspector(p)), allowed(CLI(p))); diff != "" {
		t.Errorf("of an operator and an inspector (-want +got):\n%s", diff)
	}
	guard := allowed(Guard(p))
	for _, right := range allowed(Local(p)) {
		if !slices.Contains(guard, right) {
			t.Errorf("with Local the role may %s, which no guard may", right)
		}
	}
}

// The two policies are of one role, in which a Deny of either counts for both: neither may take away
// what the other allows, and together they deny what those of a guard do.
func TestNothingAllowedIsDenied(t *testing.T) {
	p := Place{Partition: "aws", Account: "111122223333", Region: "us-east-1", Table: "t", Prefix: "p"}
	role := slices.Concat(CLI(p), Local(p))
	var denied []Statement
	for _, s := range role {
		if s.Effect == Deny && len(s.Conditions) == 0 {
			denied = append(denied, s)
		}
	}
	for _, s := range role {
		for _, action := range s.Actions {
			for _, d := range denied {
				if s.Effect == Allow && slices.ContainsFunc(d.Actions, func(pattern string) bool { ok, _ := path.Match(pattern, action); return ok }) {
					t.Errorf("%s allows %s, and %s denies it: it could never be called", s.Sid, action, d.Sid)
				}
			}
		}
	}
	for _, of := range Guard(p) {
		if of.Effect != Deny || of.Sid == "NeverIAM" { // the command line looks at roles
			continue
		}
		i := slices.IndexFunc(role, func(s Statement) bool { return s.Sid == of.Sid && s.Effect == Deny })
		if i < 0 {
			t.Errorf("the role has no %s", of.Sid)
			continue
		}
		for _, action := range of.Actions {
			logs := strings.HasPrefix(action, "logs:") || strings.HasPrefix(action, "sqs:") // of which it has nothing to do with
			if !logs && !slices.Contains(role[i].Actions, action) {
				t.Errorf("a guard is denied %s, and the role is not", action)
			}
		}
	}
}

// CloudFormation finds a mistake in the middle of a deployment; cfn-lint knows its schemas beforehand.
func TestTemplateLint(t *testing.T) {
	lint, err := filepath.Abs(filepath.Join(root, ".venv", "bin", "cfn-lint"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(lint); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("make tools installs it: %v", err)
		}
		t.Skip("make tools installs cfn-lint")
	}
	// W3037: a Deny of every deletion names also what a service cannot do today.
	said, err := exec.CommandContext(t.Context(), lint, "--ignore-checks", "W3037", "--template", templatePath).CombinedOutput()
	if err != nil {
		t.Errorf("cfn-lint says: %v\n%s", err, said)
	}
}
