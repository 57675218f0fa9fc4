package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots/dynamo"
)

type scope = killswitch.Scope

// flags writes a scope as somebody types it.
func flags(s scope) []string {
	var args []string
	write := func(prefix string, s scope) {
		for _, list := range []struct {
			flag   string
			values []string
		}{{"region", s.Regions}, {"service", s.Services}, {"tag", s.Tags}, {"id", s.IDs}} {
			for _, value := range list.values {
				args = append(args, "--"+prefix+list.flag+"="+value)
			}
		}
	}
	write("", s)
	if s.Exclude != nil {
		write("exclude-", *s.Exclude)
	}
	return args
}

// errNoAccount is what the account says to those who come as far as asking for it.
var errNoAccount = errors.New("there is no account here")

// atTheDoors gives a scope to the command line, to a function and to the settings. Each says why it
// refuses it, or nothing, and how often AWS was called before that. Who does not refuse would call.
func atTheDoors(s scope) (refused map[string]string, calls int) {
	refused = map[string]string{}
	var out, talk bytes.Buffer
	for _, act := range []string{"pause", "resume", "discover"} {
		args := append([]string{act}, flags(s)...)
		if act == "pause" {
			args = append(args, "--yes")
		}
		code := command.Main(context.Background(), args, command.World{
			In: strings.NewReader(""), Out: &out, Err: &talk, Getenv: func(string) string { return "" }, Speed: 1,
			Config: func(context.Context) (aws.Config, error) { calls++; return aws.Config{}, errNoAccount },
			File:   func() (string, error) { calls++; return "", errNoAccount },
		})
		refused["command "+act] = ""
		if code == 2 {
			refused["command "+act] = talk.String()
		}
		if (code == 2) == strings.Contains(talk.String(), errNoAccount.Error()) {
			refused["command "+act] = "neither refused nor taken: " + talk.String()
		}
		talk.Reset()
	}
	asked := calls // the commands that took it

	account := awssim.New(awssim.Options{Seed: 1, Speed: 1000, Regions: awssim.StartupRegions, Fault: func(awssim.Call) awssim.Fault {
		return awssim.Fault{Before: errNoAccount}
	}})
	defer account.Shutdown()
	config := account.Process("function").Config()
	event, err := json.Marshal(trigger.Invocation{Actor: "ann", Scope: s})
	if err != nil {
		panic(err)
	}
	h := boot.Handler(boot.Options{
		Config: config, Account: account.ID(), Store: dynamo.Open(config, settings.DefaultTable), Settings: settings.Default(), Speed: 1000,
	}, nil)
	for name, function := range map[string]func(context.Context, json.RawMessage) (trigger.Answer, error){"function pause": h.Pause, "function resume": h.Resume} {
		_, err := function(context.Background(), event)
		refused[name] = ""
		if bad := (trigger.BadEvent{}); errors.As(err, &bad) {
			refused[name] = bad.Why
		}
	}
	calls = asked + len(account.Trace())

	topics, err := json.Marshal(map[string]any{"topics": []any{map[string]any{"arn": "arn:aws:sns:us-east-1:111122223333:rung-1", "scope": s}}})
	if err != nil {
		panic(err)
	}
	refused["settings"] = ""
	if _, _, err := boot.Decided(func(name string) string {
		return map[string]string{settings.SettingsVariable: string(topics)}[name]
	}); err != nil {
		refused["settings"] = err.Error()
	}
	return refused, calls
}

// One grammar: what a scope may say is the same for the command line, for the invocation of a
// function and for the settings, and each refuses in the same words.
func TestFiltersHaveOneGrammar(t *testing.T) {
	tests := map[string]struct {
		scope scope
		want  string // empty where it is taken
	}{
		"everything":                   {scope{}, ""},
		"all that there is to say":     {scope{Regions: []string{"eu-*"}, Services: []string{"rds", "ec2:instance"}, Tags: []string{"env=dev", "team"}, IDs: []string{"i-0"}, Exclude: &scope{Regions: []string{"eu-west-1"}, Services: []string{"rds:cluster"}, Tags: []string{"env=prod"}, IDs: []string{"i-1"}}}, ""},
		"a newer region":               {scope{Regions: []string{"eu-new-1*"}}, ""},
		"a region misspelt":            {scope{Regions: []string{"eu-wset-1"}}, `region "eu-wset-1": no region of AWS: did you mean "eu-west-1"?`},
		"a zone for a region":          {scope{Regions: []string{"us-east-1a"}}, `did you mean "us-east-1"?`},
		"a region misspelt, out":       {scope{Exclude: &scope{Regions: []string{"eu-wset-1"}}}, `excluded region "eu-wset-1": no region of AWS: did you mean "eu-west-1"?`},
		"a pattern that is of nothing": {scope{Regions: []string{"mars-*"}}, `region "mars-*": no region of AWS`},
		"a service misspelt":           {scope{Services: []string{"rsd"}}, `service "rsd": no service of the brake: did you mean "rds"?`},
		"a service misspelt, out":      {scope{Exclude: &scope{Services: []string{"ec2:instances"}}}, `excluded service "ec2:instances": no service of the brake: did you mean "ec2:instance"?`},
		"a tag without a key":          {scope{Tags: []string{"=dev"}}, `tag "=dev": there is no key before "="`},
		"a tag without a key, out":     {scope{Exclude: &scope{Tags: []string{"=dev"}}}, `excluded tag "=dev": there is no key before "="`},
		"a tag with spaces":            {scope{Tags: []string{"env = dev"}}, `write "env=dev"`},
		"an ARN":                       {scope{IDs: []string{"arn:aws:rds:eu-west-1:111122223333:db:orders"}}, "write the id alone"},
		"in and out":                   {scope{Regions: []string{"eu-west-1"}, Exclude: &scope{Regions: []string{"eu-*"}}}, "is asked for and taken out again"},
		"nothing left":                 {scope{Exclude: &scope{Services: []string{"rds", "ec2", "ecs", "autoscaling"}}}, "no service is left"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			refused, calls := atTheDoors(tt.scope)
			for door, why := range refused {
				switch {
				case tt.want == "" && why != "":
					t.Errorf("%s refuses it: %s", door, why)
				case tt.want != "" && !strings.Contains(why, tt.want):
					t.Errorf("%s says %q, want it to say %q", door, why, tt.want)
				}
			}
			if tt.want != "" && calls > 0 {
				t.Errorf("AWS was called %d times before it was refused", calls)
			}
			if tt.want == "" && calls == 0 {
				t.Error("nobody would have called AWS: this test cannot fail")
			}
		})
	}
}

// Property 8: whatever is wrong with a filter, in whichever list, it is refused at every door before
// any AWS call; and what is not wrong is taken at every door.
func TestProperty08FilterValidationBeforeAnyCall(t *testing.T) {
	word := rapid.StringMatching(`[A-Za-z][A-Za-z0-9:/._-]{0,12}`)
	valid := []*rapid.Generator[string]{
		rapid.SampledFrom([]string{"eu-west-1", "us-east-1", "ap-*", "sa-east-?"}),
		rapid.SampledFrom([]string{"rds:instance", "ecs", "ec2:instance"}),
		rapid.OneOf(word, rapid.Map(word, func(w string) string { return w + "=" + strings.ToLower(w) })),
		rapid.Map(word, func(w string) string { return "i-" + w }),
	}
	wrong := []*rapid.Generator[string]{
		rapid.OneOf(
			rapid.SampledFrom([]string{"", " eu-west-1", "EU-WEST-1", "eu_west_1", "eu-wset-1", "us-east-1b", "mars-*", "useast1"}),
			rapid.Map(rapid.StringMatching(`[a-z]{3,9}`), func(w string) string { return w + "-nowhere-7" })),
		rapid.OneOf(
			rapid.SampledFrom([]string{"", "RDS", "rds ", "rds:*", "ec2:instances", "lambda"}),
			rapid.Map(rapid.StringMatching(`[a-z]{1,9}`), func(w string) string { return "no-" + w })),
		rapid.OneOf(
			rapid.SampledFrom([]string{"", "=", "=dev", " env", "env= dev", "env =dev", strings.Repeat("k", 129), "k=" + strings.Repeat("v", 257)}),
			rapid.Map(word, func(w string) string { return "=" + w })),
		rapid.OneOf(
			rapid.SampledFrom([]string{"", " i-0", "i-0 "}),
			rapid.Map(word, func(w string) string { return "arn:aws:" + w })),
	}
	lists := func(s *scope) []*[]string { return []*[]string{&s.Regions, &s.Services, &s.Tags, &s.IDs} }
	rapid.Check(t, func(t *rapid.T) {
		var s scope
		for i, list := range lists(&s) {
			*list = rapid.SliceOfN(valid[i], 0, 2).Draw(t, "values")
		}
		// An exclusion of what could not be among those above.
		if rapid.Bool().Draw(t, "excludes") {
			s.Exclude = &scope{Regions: []string{"ca-central-1"}, Services: []string{"autoscaling"}, Tags: []string{"~"}, IDs: []string{"~"}}
		}
		refused, calls := atTheDoors(s)
		for door, why := range refused {
			if why != "" {
				t.Fatalf("%s refuses %+v: %s", door, s, why)
			}
		}
		if calls == 0 {
			t.Fatalf("nobody would have called AWS for %+v", s)
		}
		at := rapid.IntRange(0, 3).Draw(t, "list")
		into := &s
		switch rapid.IntRange(0, 2).Draw(t, "where") {
		case 0: // a value that cannot be
			*lists(into)[at] = insert(t, *lists(into)[at], wrong[at].Draw(t, "wrong"))
		case 1: // the same in an exclusion
			s.Exclude = &scope{}
			*lists(s.Exclude)[at] = insert(t, nil, wrong[at].Draw(t, "wrong"))
		case 2: // a contradiction
			value := valid[at].Draw(t, "both")
			*lists(into)[at] = insert(t, *lists(into)[at], value)
			s.Exclude = &scope{}
			*lists(s.Exclude)[at] = []string{value}
		}
		refused, calls = atTheDoors(s)
		for door, why := range refused {
			if why == "" {
				t.Fatalf("%s takes %+v (exclusion %+v)", door, s, s.Exclude)
			}
			if strings.Contains(strings.TrimSpace(why), "\n") {
				t.Fatalf("%s says more than one line: %s", door, why)
			}
		}
		if calls > 0 {
			t.Fatalf("AWS was called %d times before %+v was refused", calls, s)
		}
	})
}

// insert puts a value somewhere into a list.
func insert(t *rapid.T, list []string, value string) []string {
	return slices.Insert(slices.Clone(list), rapid.IntRange(0, len(list)).Draw(t, "at"), value)
}
