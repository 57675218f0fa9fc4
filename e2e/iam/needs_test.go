package iam_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/notify"
	"aws-hit-breaks/pkg/pricing"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots/dynamo"
)

// needs are the authorizations that each role's part of the story takes, each once.
func needs(t *testing.T) map[string][]authorization {
	t.Helper()
	all := map[string][]authorization{}
	for role, calls := range story(t) {
		if policies[role] == nil {
			continue // what people did
		}
		for _, c := range calls {
			of, ok := table[c.Action()]
			if !ok {
				t.Fatalf("%s called %s, and the table does not say what AWS checks before it: write a row", c.Process, c.Action())
			}
			all[role] = append(all[role], of(c)...)
		}
	}
	for role, more := range unseen {
		all[role] = append(all[role], more...)
	}
	for role := range all {
		seen := map[string]bool{}
		all[role] = slices.DeleteFunc(all[role], func(a authorization) bool {
			key, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			again := seen[string(key)]
			seen[string(key)] = true
			return again
		})
	}
	return all
}

// as is the request of the role, about a resource with its own tags and these.
func (a authorization) as(policy string, tags map[string]string) request {
	r := request{Policy: policy, Action: a.Action, Resource: a.Resource, Context: map[string][]string{}}
	maps.Copy(r.Context, a.Context)
	for _, some := range []map[string]string{a.Tags, tags} {
		for key, value := range some {
			r.Context["aws:ResourceTag/"+key] = []string{value}
		}
	}
	return r
}

// documents are the policies of every role.
func documents() map[string]policy {
	all := map[string]policy{}
	for role, statements := range policies {
		all[role] = document(statements(place))
	}
	return all
}

// granted are the actions that statements allow, sorted.
func granted(statements []roles.Statement) []string {
	var all []string
	for _, s := range statements {
		if s.Effect == roles.Allow {
			all = append(all, s.Actions...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestTheTableHasNoRowThatNobodyCalls(t *testing.T) {
	called := map[string]bool{}
	for _, calls := range story(t) {
		for _, c := range calls {
			called[c.Action()] = true
		}
	}
	for action := range table {
		if !called[action] {
			t.Errorf("the table has a row for %s, which nobody calls: what it says is checked by nothing", action)
		}
	}
}

// TestEachRoleIsAllowedWhatItsPartNeeds is sufficiency: every authorization of the story, with the
// resource's own tags, is allowed.
func TestEachRoleIsAllowedWhatItsPartNeeds(t *testing.T) {
	var requests []request
	for role, all := range needs(t) {
		for _, a := range all {
			requests = append(requests, a.as(role, nil))
		}
	}
	answers, _ := ask(t, documents(), requests)
	for i, got := range answers {
		r := requests[i]
		switch {
		case got.Answer != allowed:
			t.Errorf("%s: %s on %s is %s: what calls it fails once it is deployed\ncontext %v", r.Policy, r.Action, r.Resource, got.Answer, r.Context)
		case r.Resource == everything && len(got.Patterns) > 0 && !slices.Contains(got.Patterns, everything):
			t.Errorf("%s: %s is asked of everything, and allowed on %v only", r.Policy, r.Action, got.Patterns)
		case len(got.Ignored) > 0:
			t.Errorf("%s: the table gives %s on %s keys of which AWS knows nothing there: %v", r.Policy, r.Action, r.Resource, got.Ignored)
		}
	}
	t.Logf("%d authorizations", len(requests))
}

// TestEveryActionOfARoleIsNeeded takes each action away from each role: what was allowed must be denied then.
func TestEveryActionOfARoleIsNeeded(t *testing.T) {
	all := needs(t)
	without := map[string]policy{}
	var requests []request
	denied := map[string]bool{}
	for role, of := range policies {
		for _, action := range granted(of(place)) {
			name := role + " without " + action
			denied[name] = false
			without[name] = document(lacking(of(place), action))
			if i := slices.IndexFunc(all[role], func(a authorization) bool { return a.Action == action }); i >= 0 {
				requests = append(requests, all[role][i].as(name, nil))
			}
		}
	}
	answers, _ := ask(t, without, requests)
	for i, got := range answers {
		denied[requests[i].Policy] = denied[requests[i].Policy] || got.Answer != allowed
	}
	for _, name := range slices.Sorted(maps.Keys(denied)) {
		if !denied[name] {
			t.Errorf("%s everything still works: the role has a right that nothing in the story needs", name)
		}
	}
	t.Logf("%d actions of %d roles", len(denied), len(policies))
}

// lacking are the statements without an action. A statement of no action any more is left out.
func lacking(statements []roles.Statement, action string) []roles.Statement {
	var all []roles.Statement
	for _, s := range statements {
		if s.Effect == roles.Allow {
			s.Actions = slices.DeleteFunc(slices.Clone(s.Actions), func(a string) bool { return a == action })
		}
		if len(s.Actions) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// TestEachRoleHasExactlyWhatIsDeclared holds the policies to the declarations, so that a service that is
// added or changed changes the roles, and nothing else does.
func TestEachRoleHasExactlyWhatIsDeclared(t *testing.T) {
	const paused, resumed = killswitch.WantPaused, killswitch.WantResumed
	declared := func(wants ...killswitch.Want) []string {
		var all []string
		for _, d := range services.All() {
			all = append(all, d.Actions(wants...)...)
		}
		return all
	}
	wiring := slices.Concat(pricing.Reads, notify.Actions, dynamo.Actions, []string{
		"kms:Decrypt", "kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage",
	})
	tests := map[string]struct {
		declared []string
		suffers  string
	}{
		"pause": {slices.Concat(declared(paused), wiring, services.ResidualReads, []string{services.RegionsRead}),
			"an alarm would not stop what it should"},
		"resume": {slices.Concat(declared(resumed), wiring),
			"an operator would not get back what was paused"},
		"guard": {slices.Concat(declared(paused, resumed), wiring, services.ResidualReads, []string{services.RegionsRead}),
			"what a function has left unfinished would stay so"},
		"operator": {slices.Concat(pricing.Reads, []string{"dynamodb:GetItem", "dynamodb:Query", "kms:Decrypt", "lambda:InvokeFunction"}),
			"an operator could neither see nor order anything"},
		"inspector": {slices.Concat(declared(), pricing.Reads, services.ResidualReads, []string{
			services.RegionsRead, "dynamodb:GetItem", "dynamodb:Query", "iam:ListAccountAliases", "kms:Decrypt",
			"budgets:ViewBudget", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "ec2:DescribeVolumes",
			"iam:SimulatePrincipalPolicy", "lambda:GetFunctionConfiguration", "sns:ListSubscriptionsByTopic",
		}), "nobody could see what runs, what it costs, and whether the switch is armed"},
	}
	for role, tt := range tests {
		t.Run(role, func(t *testing.T) {
			got := granted(policies[role](place))
			slices.Sort(tt.declared)
			for _, action := range slices.Compact(tt.declared) {
				if !slices.Contains(got, action) {
					t.Errorf("the role may not call %s, which is declared: %s", action, tt.suffers)
				}
			}
			for _, action := range got {
				if !slices.Contains(tt.declared, action) {
					t.Errorf("the role may call %s, which nobody declares: whoever gets hold of the role can do more than it is for", action)
				}
			}
		})
	}
}

// TestNoKeyNoTopicNoQueue: what is not there is not granted.
func TestNoKeyNoTopicNoQueue(t *testing.T) {
	bare := place
	bare.Key, bare.Notify, bare.Queue = "", "", ""
	for role, of := range policies {
		for _, action := range granted(of(bare)) {
			if slices.Contains([]string{"kms:Decrypt", "kms:GenerateDataKey", "sns:Publish", "sqs:SendMessage"}, action) {
				t.Errorf("%s may call %s, of what is not there", role, action)
			}
		}
	}
}

// TestRegionsOfTheBrake: where the owner limits the brake to some regions, AWS holds it to them.
func TestRegionsOfTheBrake(t *testing.T) {
	limited := place
	limited.Regions = []string{"eu-*"}
	documents := map[string]policy{"pause": document(roles.Pause(limited)), "guard": document(roles.Guard(limited))}
	stop := func(role, region string) request {
		return request{
			Policy: role, Action: "ec2:StopInstances", Resource: "arn:aws:ec2:" + region + ":" + place.Account + ":instance/i-1",
			Context: map[string][]string{"aws:RequestedRegion": {region}},
		}
	}
	requests := []request{stop("pause", "eu-west-1"), stop("guard", "eu-west-1"), stop("pause", "us-east-1"), stop("guard", "us-east-1")}
	answers, _ := ask(t, documents, requests)
	for i, got := range answers {
		if want := strings.Contains(requests[i].Resource, "eu-west-1"); (got.Answer == allowed) != want {
			t.Errorf("%s on %s is %s", requests[i].Policy, requests[i].Resource, got.Answer)
		}
	}
	for _, role := range []settings.Function{settings.PauseFunction, settings.GuardFunction} {
		if got := granted(roles.Function(limited, role)); !slices.Equal(got, granted(roles.Function(place, role))) {
			t.Errorf("%s may call other things where the regions are limited: %v", role, got)
		}
	}
}
