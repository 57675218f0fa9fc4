package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/infra/roles"
)

// What is proven of the statements of infra/roles holds for what IAM gets: exactly those, in each
// role, and no policy beside them.
func TestRolesAreWhatIsProven(t *testing.T) {
	for _, text := range []string{least, full} {
		s := synth(t, text)
		all := s.deploy(t, "Switch")
		prefix := s.decided.Brake.Prefix
		made := byName(all, "AWS::IAM::Role", "RoleName")
		want := map[string]func(roles.Place) []roles.Statement{"pause": roles.Pause, "resume": roles.Resume, "guard": roles.Guard}
		if text == full {
			want["operator"], want["inspector"] = roles.Operator, roles.Inspector
		}
		for name, statements := range want {
			role := made[prefix+"-"+name]
			if role == nil {
				t.Fatalf("there is no role %s-%s", prefix, name)
			}
			policies := []any{object{"PolicyName": name, "PolicyDocument": document(statements(s.place()))}}
			if diff := cmp.Diff(any(policies), role["Policies"]); diff != "" {
				t.Errorf("the role of %s may do something else than what is proven of it (-want +got):\n%s", name, diff)
			}
			if role["ManagedPolicyArns"] != nil {
				t.Errorf("the role of %s has managed policies, which AWS or somebody else may change: %v", name, role["ManagedPolicyArns"])
			}
			text, err := json.Marshal(role["Policies"].([]any)[0].(object)["PolicyDocument"])
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > 10240 { // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
				t.Errorf("the policy of %s has %d characters, and IAM takes 10,240: nothing could be deployed", name, len(text))
			}
			if len(strings.Repeat("p", 54)+"-"+name) > 64 {
				t.Errorf("with the longest prefix the role of %s would have a name that IAM refuses", name)
			}
		}
		if len(made) != len(want) {
			t.Errorf("there are %d roles, want %d: nobody asked for the others", len(made), len(want))
		}
		for id, r := range all {
			if strings.HasPrefix(r.Type, "AWS::IAM::") && r.Type != "AWS::IAM::Role" {
				t.Errorf("%s, a %s, adds to what is proven of the roles", id, r.Type)
			}
		}
	}
}

// Who may become a role can do what it can.
func TestWhoMayAssumeRoles(t *testing.T) {
	s := synth(t, full)
	made := byName(s.deploy(t, "Switch"), "AWS::IAM::Role", "RoleName")
	trust := func(principal object, condition object) object {
		statement := object{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
		if condition != nil {
			statement["Condition"] = object{"StringEquals": condition}
		}
		return statement
	}
	lambda := []any{trust(object{"Service": "lambda.amazonaws.com"}, nil)}
	mine := object{"aws:PrincipalAccount": account}
	for name, want := range map[string][]any{
		"pause": lambda, "resume": lambda, "guard": lambda,
		"operator": {
			trust(object{"AWS": "arn:aws:iam::111122223333:role/on-call"}, mine),
			trust(object{"AWS": "arn:aws:iam::444455556666:role/support"}, object{"sts:ExternalId": "brake-1"}),
		},
		"inspector": {trust(object{"AWS": "arn:aws:iam::111122223333:root"}, mine)},
	} {
		got := made["brake-"+name]["AssumeRolePolicyDocument"].(object)["Statement"]
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Errorf("a stranger could become %s, or nobody could (-want +got):\n%s", name, diff)
		}
	}
}

func TestPermissionsBoundary(t *testing.T) {
	whole := "arn:aws:iam::aws:policy/PowerUserAccess"
	for text, want := range map[string]any{
		least: nil, full: "arn:aws:iam::111122223333:policy/limits",
		with(t, least, "permissionsBoundary", `"`+whole+`"`): whole,
	} {
		for name, role := range byName(synth(t, text).deploy(t, "Switch"), "AWS::IAM::Role", "RoleName") {
			if role["PermissionsBoundary"] != want {
				t.Errorf("%s has the boundary %v, want %v: an account that asks for one would refuse the role", name, role["PermissionsBoundary"], want)
			}
		}
	}
}
