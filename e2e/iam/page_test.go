package iam_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

var update = flag.Bool("update", false, "write what is generated into the docs")

const page = "../../docs/permissions.md"

// TestPermissionsPage: what the page says is what the policies say. -update writes it.
func TestPermissionsPage(t *testing.T) {
	want := permissions(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("go test ./e2e/iam -run Page -update writes it (-want +got):\n%s", diff)
	}
}

// columns are the roles in the order of the page, and who takes them.
var columns = []struct{ role, who, does string }{
	{"pause", "Lambda, for the function that the topics of alarms and operators invoke", "looks, records, stops; cannot start anything"},
	{"resume", "Lambda, for the function that operators invoke", "puts back what was paused; cannot stop anything, nor look for anything else"},
	{"guard", "Lambda, for the function of the schedule", "carries on what either has left unfinished"},
	{"operator", "the principals of the setting `operators`", "invokes pause and resume, reads the snapshot table, and asks for prices"},
	{"inspector", "the principals of the setting `inspectors`", "looks at what runs, what it costs, and whether the switch is armed"},
}

// permissions is the page.
func permissions(t *testing.T) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# What each part may do\n")
	line("<!-- Generated: go test ./e2e/iam -run Page -update -->\n")
	line("Every role has one inline policy. What it allows follows from what the services, the store and the wiring declare; the")
	line("tests in `e2e/iam` replay a pause, a guard and a resume of a whole account and hold the policies to it with an IAM simulator:")
	line("everything that was called is allowed, and without any single action something is not.\n")
	line("| role | taken by | what for |\n|---|---|---|")
	for _, c := range columns {
		line("| %s | %s | %s |", c.role, c.who, c.does)
	}
	line("\nA function that meets an order of the other kind gives the region back, and the guard carries it out at its next tick. So the")
	line("role of what alarms invoke needs no right to start, and that of what people invoke to resume none to stop.\n")
	line("## Allowed\n")
	line("| action | %s | on |\n|---|%s---|", "pause | resume | guard | operator | inspector", strings.Repeat(":-:|", len(columns)))
	for _, row := range allowedRows() {
		line("%s", row)
	}
	line("\n## Denied, whatever else a role is given\n")
	for _, s := range roles.Guard(written) {
		if s.Effect == roles.Deny {
			line("- **%s**: %s%s.", s.Sid, quoted(s.Actions), conditionsOf(s))
		}
	}
	line("\nThese are of the guard; each role has them for its own actions and services. They hold for putting back too: what is tagged")
	line("as protected while it is paused is refused by AWS, and reported so, until the tag is taken off again.\n")
	line("## What AWS compares the tags of\n")
	line("| right | on | protection enforced by |\n|---|---|---|")
	for _, row := range tagRows(t) {
		line("%s", row)
	}
	line("\n## What no policy can say, and the engine alone holds\n")
	for _, s := range alone {
		line("- %s", s)
	}
	return b.String()
}

// alone is what AWS cannot enforce.
var alone = []string{
	"A scalable target has tags of its own: that the service which it scales is protected is not compared.",
	"A group is judged by its own tags and not by those of its members, a cluster of databases not by those of its instances: " +
		"one protected member protects the whole only in the engine. The other way round, the tag of a group protects its members in AWS only where it was propagated to them.",
	"The hosts of a protected ECS service or task are instances without its tags: the engine leaves them alone.",
	"`kms:CreateGrant` is limited to grants that EC2 makes for itself, and not to the keys of what was paused.",
	"`autoscaling:UpdateAutoScalingGroup` can set a size that ends members. The engine does so only for groups whose owner opted in, and puts the size back.",
	"`ecs:UpdateService` can change more than the desired count. The engine changes that alone.",
	"That only what an order's scope contains is paused, and only what was running is started: IAM knows neither scope nor snapshot.",
	"A value that takes protection back (`false`, `no`, `0`) with spaces around it: the engine reads it as meant, AWS as protection, and refuses.",
	"Items of the table are protected from other roles, and originals from being overwritten by the store's conditions, not by IAM.",
}

// written is the place as the page writes it.
var written = roles.Place{
	Partition: "aws", Account: "ACCOUNT", Region: "REGION", Table: "TABLE", Prefix: "PREFIX",
	Notify: "the notification topic", Queue: "the queue of failed invocations", Key: "the customer's key, where there is one",
}

// allowedRows are a line for each action, of all roles together.
func allowedRows() []string {
	on := map[string][]string{}
	by := map[string]map[string]bool{}
	for role, statements := range policies {
		for _, s := range statements(written) {
			if s.Effect != roles.Allow {
				continue
			}
			for _, action := range s.Actions {
				where := quoted(ofService(action, s.Resources)) + conditionsOf(s)
				where = strings.ReplaceAll(where, "PREFIX-"+role+":*", "PREFIX-FUNCTION:*")
				if by[action] == nil {
					by[action] = map[string]bool{}
				}
				by[action][role] = true
				if !slices.Contains(on[action], where) {
					on[action] = append(on[action], where)
				}
			}
		}
	}
	var rows []string
	for _, action := range slices.Sorted(maps.Keys(by)) {
		row := "| `" + action + "` |"
		for _, c := range columns {
			mark := " "
			if by[action][c.role] {
				mark = " ✓ "
			}
			row += mark + "|"
		}
		slices.Sort(on[action])
		rows = append(rows, row+" "+strings.Join(on[action], "; ")+" |")
	}
	return rows
}

// ofService are the resources of the action's service, or all where none is.
func ofService(action string, resources []string) []string {
	service, _, _ := strings.Cut(action, ":")
	var some []string
	for _, r := range resources {
		if strings.HasPrefix(r, "arn:aws:"+service+":") {
			some = append(some, r)
		}
	}
	if len(some) == 0 {
		return resources
	}
	return some
}

func quoted(all []string) string {
	var out []string
	for _, s := range all {
		switch {
		case s == everything:
			s = "everything"
		case !strings.Contains(s, " "):
			s = "`" + strings.TrimPrefix(s, "arn:aws:") + "`"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

// conditionsOf are the conditions of a statement, to follow what they are of.
func conditionsOf(s roles.Statement) string {
	var all []string
	for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
		for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
			values := s.Conditions[operator][key]
			switch operator {
			case "Null":
				all = append(all, "there is a tag `"+strings.TrimPrefix(key, "aws:ResourceTag/")+"`")
			case "StringNotEqualsIgnoreCase":
				all = append(all, "its value is none of "+quoted(values))
			default:
				all = append(all, "`"+key+"` is "+quoted(values))
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return ", where " + strings.Join(all, " and ")
}

// tagRows say for each right to change something whose tags AWS compares. TestAWSDeniesWhatIsProtected
// tries those of which it does.
func tagRows(t *testing.T) []string {
	var rows []string
	for _, some := range changing(t) {
		for _, a := range some {
			by := "AWS, by the resource's own tags `" + settings.ProtectTag + "` and `" + settings.SwitchTag + "`"
			if !a.enforced() {
				by = "the engine alone"
			}
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", a.Action, a.Kind, by))
		}
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}
