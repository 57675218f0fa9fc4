package iam_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots/dynamo"
)

// changing are the authorizations of each role that change something of the account's resources.
func changing(t *testing.T) map[string][]authorization {
	t.Helper()
	all := map[string][]authorization{}
	for role, some := range needs(t) {
		all[role] = slices.DeleteFunc(some, func(a authorization) bool {
			_, verb, _ := strings.Cut(a.Action, ":")
			return a.Kind == "" || strings.HasPrefix(verb, "Describe")
		})
	}
	return all
}

// enforced says whether AWS compares the tags that protect a resource when it checks the authorization.
// The tags of a scalable target are its own: those of the service that it scales are not compared.
func (a authorization) enforced() bool {
	return !strings.HasPrefix(a.Action, "application-autoscaling:")
}

// TestAWSDeniesWhatIsProtected is denial: what the roles may change they may not where the resource has
// the tag of the owner or of the switch, in whatever case; what the filter does not take for
// protection, AWS does not either.
func TestAWSDeniesWhatIsProtected(t *testing.T) {
	protect, own := settings.ProtectTag, settings.SwitchTag
	tags := []map[string]string{
		{protect: "true"}, {protect: ""}, {protect: "no one may stop this"}, {strings.ToUpper(protect): "yes"},
		{own: "true"}, {own: "false"}, {strings.ToUpper(own): ""}, {protect: "false", own: ""},
		{protect: "false"}, {protect: "No"}, {protect: "0"}, {strings.ToUpper(protect): "FALSE"}, {"protect": "true"},
	}
	var requests []request
	var wanted []string
	asked := map[string]bool{}
	for role, some := range changing(t) {
		for _, a := range some {
			if kind := role + a.Action + a.Kind; !a.enforced() || asked[kind] {
				continue
			} else {
				asked[kind] = true
			}
			a.Tags = nil
			for _, tagged := range tags {
				want := allowed
				if _, protected := filter.Protected(tagged, protect); protected {
					want = explicitlyDenied
				}
				requests = append(requests, a.as(role, tagged))
				wanted = append(wanted, want)
			}
		}
	}
	if len(asked) < 3*8 {
		t.Errorf("only %d rights of the roles were tried", len(asked))
	}
	answers, _ := ask(t, documents(), requests)
	for i, got := range answers {
		if r := requests[i]; got.Answer != wanted[i] || len(got.Ignored) > 0 {
			t.Errorf("%s: %s on %s with %v is %s, want %s: the engine alone would stand between the switch and what nobody may touch (ignored: %v)",
				r.Policy, r.Action, r.Resource, r.Context, got.Answer, wanted[i], got.Ignored)
		}
	}
	t.Logf("%d rights, %d requests", len(asked), len(requests))
}

// TestAnotherProtectTag: the owner's own name for the tag is the one that AWS compares.
func TestAnotherProtectTag(t *testing.T) {
	renamed := place
	renamed.ProtectTag = "keep"
	ask1 := func(tag string) request {
		return request{
			Policy: "pause", Action: "ec2:StopInstances", Resource: "arn:aws:ec2:eu-west-1:" + place.Account + ":instance/i-1",
			Context: map[string][]string{"aws:ResourceTag/" + tag: {"true"}},
		}
	}
	answers, _ := ask(t, map[string]policy{"pause": document(roles.Pause(renamed))}, []request{ask1("keep"), ask1(settings.ProtectTag)})
	if answers[0].Answer != explicitlyDenied || answers[1].Answer != allowed {
		t.Errorf("with the tag keep it is %s, with %s %s", answers[0].Answer, settings.ProtectTag, answers[1].Answer)
	}
}

// destroys are the names of actions that delete or terminate, by whatever name AWS calls it.
var destroys = regexp.MustCompile(`Delet|Terminat|Deregister|Purge|^Release|^CancelSpot|^DisableKey$|^BatchWriteItem$`)

// TestEveryDeletionAndEveryWriteOfIAMIsDenied asks for every action that AWS has in the services that the
// roles have to do with, each of which deletes or terminates, and for everything of IAM that is no read.
func TestEveryDeletionAndEveryWriteOfIAMIsDenied(t *testing.T) {
	all := documents()
	used := map[string][]string{} // services by role
	every := []string{"iam"}
	for role, of := range policies {
		for _, action := range granted(of(place)) {
			service, _, _ := strings.Cut(action, ":")
			used[role] = append(used[role], service)
			every = append(every, service)
		}
	}
	slices.Sort(every)
	_, actions := ask(t, all, nil, slices.Compact(every)...)
	var requests []request
	counted := map[string]int{}
	for role := range policies {
		for _, a := range actions {
			service, verb, _ := strings.Cut(a.Action, ":")
			writesIAM := service == "iam" && a.Level != "Read" && a.Level != "List"
			deletes := slices.Contains(used[role], service) && service != "iam" && destroys.MatchString(verb)
			if !writesIAM && !deletes || strings.HasPrefix(verb, "Describe") || strings.HasPrefix(verb, "Get") || strings.HasPrefix(verb, "List") {
				continue
			}
			if slices.Contains(dynamo.Actions, a.Action) && slices.Contains(granted(policies[role](place)), a.Action) {
				continue // see TestTheStoreDeletesFromItsTableAlone
			}
			counted[service]++
			requests = append(requests, request{Policy: role, Action: a.Action, Resource: everything})
		}
	}
	for _, service := range []string{"ec2", "rds", "autoscaling", "ecs", "dynamodb", "kms", "iam", "lambda", "application-autoscaling"} {
		if counted[service] == 0 {
			t.Errorf("no action of %s was tried", service)
		}
	}
	answers, _ := ask(t, all, requests)
	for i, got := range answers {
		if r := requests[i]; got.Answer != explicitlyDenied {
			t.Errorf("%s: %s on %s is %s: whoever gets hold of the role could destroy what no resume brings back", r.Policy, r.Action, r.Resource, got.Answer)
		}
	}
	t.Logf("%d requests: %v", len(requests), counted)
}

// TestTheStoreDeletesFromItsTableAlone: the one deletion that a role has is that of an item of the table,
// in a transaction.
func TestTheStoreDeletesFromItsTableAlone(t *testing.T) {
	table := "arn:aws:dynamodb:" + place.Region + ":" + place.Account + ":table/"
	within := map[string][]string{"dynamodb:EnclosingOperation": {"TransactWriteItems"}}
	var requests []request
	for role := range policies {
		requests = append(requests,
			request{Policy: role, Action: "dynamodb:DeleteItem", Resource: table + place.Table, Context: within},
			request{Policy: role, Action: "dynamodb:DeleteItem", Resource: table + place.Table},
			request{Policy: role, Action: "dynamodb:DeleteItem", Resource: table + "orders", Context: within},
			request{Policy: role, Action: "dynamodb:PutItem", Resource: table + "orders", Context: within},
		)
	}
	answers, _ := ask(t, documents(), requests)
	for i, got := range answers {
		r := requests[i]
		function := r.Policy != "operator" && r.Policy != "inspector"
		if want := function && i%4 == 0; (got.Answer == allowed) != want {
			t.Errorf("%s: %s on %s with %v is %s", r.Policy, r.Action, r.Resource, r.Context, got.Answer)
		}
	}
}

// TestNothingIsAllowedOnEverythingThatNeedNotBe: no action is allowed by a pattern, and everything is the
// resource only where AWS knows none for the action.
func TestNothingIsAllowedOnEverythingThatNeedNotBe(t *testing.T) {
	var every []string
	for _, of := range policies {
		for _, action := range granted(of(place)) {
			service, _, _ := strings.Cut(action, ":")
			every = append(every, service)
		}
	}
	slices.Sort(every)
	_, actions := ask(t, nil, nil, slices.Compact(every)...)
	narrow := map[string]bool{}
	for _, a := range actions {
		narrow[a.Action] = !slices.Equal(a.Resources, []string{everything})
	}
	// AWS asks for everything where no container instance is named: see the table.
	narrow["ecs:ListTasks"] = false
	for _, role := range slices.Sorted(maps.Keys(policies)) {
		for _, s := range policies[role](place) {
			for _, action := range s.Actions {
				switch {
				case s.Effect != roles.Allow:
				case strings.Contains(action, "*"):
					t.Errorf("%s allows %s in %s: what AWS adds under that name tomorrow is allowed too", role, action, s.Sid)
				case slices.Contains(s.Resources, everything) && narrow[action]:
					t.Errorf("%s allows %s on everything in %s, and AWS knows narrower resources for it", role, action, s.Sid)
				}
				if _, known := narrow[action]; s.Effect == roles.Allow && !known {
					t.Errorf("%s allows %s, which AWS does not have", role, action)
				}
			}
		}
	}
}

// TestPoliciesAreSmallEnough: IAM takes inline policies of a role up to 10,240 characters in all
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
func TestPoliciesAreSmallEnough(t *testing.T) {
	for role, document := range documents() {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 9000 {
			t.Errorf("the policy of %s has %d characters: IAM takes 10,240, and names may be longer than here", role, len(text))
		}
	}
}
