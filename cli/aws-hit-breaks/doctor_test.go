package main

import (
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/settings"
)

// The names of what is deployed.
const (
	home       = "us-east-1"
	budgetName = "aws-hit-breaks-0f3c1a2b"
	volumesKey = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// deploy puts into the account what make deploy does, as far as doctor looks at it, and an instance
// with an encrypted volume.
func deploy(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 0 || len(args) == 1 && args[0] == "keyless", "deploy [keyless]")
	a := of(ts).account
	decided := settings.Default()
	a.AddTable(home, settings.DefaultTable)
	for _, action := range []string{settings.ActionNotify, settings.ActionPause} {
		arn := a.AddTopic(home, "aws-hit-breaks-"+map[string]string{settings.ActionNotify: "rung-1", settings.ActionPause: "rung-2"}[action])
		decided.Topics = append(decided.Topics, settings.Topic{ARN: arn, Action: action})
		a.AddSubscription(home, awssim.Subscription{Topic: arn, Protocol: "lambda", Endpoint: "arn:aws:lambda:" + home + ":" + a.ID() + ":function:aws-hit-breaks-pause"})
	}
	decided.Notify = a.AddTopic(home, "aws-hit-breaks-notify")
	a.AddSubscription(home, awssim.Subscription{Topic: decided.Notify, Protocol: "email", Endpoint: "ann@example.com"})
	a.AddBudget(awssim.Budget{Name: budgetName, Amount: "500.0", Spent: "123.45", Period: "MONTHLY"})
	written, err := json.Marshal(decided)
	if err != nil {
		ts.Fatalf("write the settings: %v", err)
	}
	for _, name := range []string{"pause", "resume", "guard"} {
		role := awssim.Role{ARN: "arn:aws:iam::" + a.ID() + ":role/aws-hit-breaks-" + name}
		if len(args) > 0 {
			role.Keys = []string{}
		}
		a.AddRole(role)
		a.SetFunction(home, awssim.Function{Name: "aws-hit-breaks-" + name, Role: role.ARN, Environment: map[string]string{
			settings.TableVariable: settings.DefaultTable, settings.SettingsVariable: string(written), settings.BudgetVariable: budgetName,
		}})
	}
	a.AddVolume("eu-west-1", awssim.Volume{ID: "vol-0secret", Instance: "i-0web", Key: volumesKey})
	of(ts).before = a.State()
}

// broken breaks one thing of what is deployed.
func broken(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "broken WHAT")
	a := of(ts).account
	arn := func(topic string) string { return "arn:aws:sns:" + home + ":" + a.ID() + ":aws-hit-breaks-" + topic }
	function := func(name string, change func(*awssim.Function)) func() {
		return func() {
			f := a.Function(home, "aws-hit-breaks-"+name)
			change(&f)
			a.SetFunction(home, f)
		}
	}
	with := func(name, value string) func(*awssim.Function) {
		return func(f *awssim.Function) {
			all := map[string]string{}
			for k, v := range f.Environment {
				all[k] = v
			}
			all[name] = value
			f.Environment = all
		}
	}
	breaks := map[string]func(){
		"no-table":     func() { a.RemoveTable(home, settings.DefaultTable) },
		"bare-table":   func() { a.SetTable(home, settings.DefaultTable, "ACTIVE", true) },
		"locked-table": func() { a.SetTable(home, settings.DefaultTable, "INACCESSIBLE_ENCRYPTION_CREDENTIALS", false) },
		"failed-pause": function("pause", func(f *awssim.Function) {
			f.State, f.Reason = "Failed", "The role defined for the function cannot be assumed by Lambda."
		}),
		"update-of-guard":  function("guard", func(f *awssim.Function) { f.Update, f.Reason = "Failed", "The image is too large." }),
		"updating-guard":   function("guard", func(f *awssim.Function) { f.Update = "InProgress" }),
		"unreadable-pause": function("pause", func(f *awssim.Function) { f.Unreadable = "Lambda was unable to decrypt the environment" }),
		"settings":         function("pause", with(settings.SettingsVariable, `{"setle":"90s"}`)),
		"other-table":      function("resume", with(settings.TableVariable, "elsewhere")),
		"old-pause":        function("pause", with(settings.BudgetVariable, "")),
		"no-topics":        function("pause", with(settings.SettingsVariable, "{}")),
		"no-resume":        func() { a.RemoveFunction(home, "aws-hit-breaks-resume") },
		"no-topic":         func() { a.RemoveTopic(home, "aws-hit-breaks-rung-1") },
		"unsubscribed": func() { // somebody else is, and the function not confirmed
			a.RemoveSubscriptions(home, arn("rung-2"))
			a.AddSubscription(home, awssim.Subscription{Topic: arn("rung-2"), Protocol: "email", Endpoint: "ann@example.com"})
			pause := "arn:aws:lambda:" + home + ":" + a.ID() + ":function:aws-hit-breaks-pause"
			a.AddSubscription(home, awssim.Subscription{Topic: arn("rung-2"), Protocol: "lambda", Endpoint: pause, Pending: true})
		},
		"nobody-told": func() { a.RemoveSubscriptions(home, arn("notify")) },
		"pending": func() {
			a.AddSubscription(home, awssim.Subscription{Topic: arn("notify"), Protocol: "email", Endpoint: "bob@example.com", Pending: true})
		},
		"no-budget": a.RemoveBudgets,
	}
	if breaks[args[0]] == nil {
		var known []string
		for name := range breaks {
			known = append(known, name)
		}
		ts.Fatalf("nothing is broken by %s, but by %s", args[0], strings.Join(known, ", "))
	}
	breaks[args[0]]()
}
