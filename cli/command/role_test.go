package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/settings"
)

// fast is how many times as fast as a real account those of the properties are. Were they faster, the hour of a
// session would be over before a busy machine has made a call.
const fast = 5_000

// everyCommand are the command lines that call AWS, but for setup.
var everyCommand = []string{
	"discover", "discover --region eu-west-1 --json", "doctor", "pause --local --dry-run", "pause --local --yes", "pause --dry-run", "pause --yes",
	"resume --local", "resume --local --dry-run", "resume", "status", "status --local", "snapshots list", "snapshots list --local",
	"snapshots show x", "snapshots check x --local", "snapshots resume x --local", "snapshots resume x", "snapshots give-up x --id i-0web --yes --local",
	"snapshots export x", "snapshots export x --local", "snapshots import --local --file FILE", "snapshots delete x --yes --local",
	"--status --local", "--dry-run --local", "--pause --yes --local --service ec2", "--resume --local",
}

// silent call nothing, whatever is configured.
var silent = []string{"services", "services --json", "version", "help filters", "completion bash"}

// TestProperty13EveryCallGoesThroughTheConfiguredRole: whatever command is given, every call but the
// two that make the session carries the credentials of the configured role, in a session that is named
// after who calls. Where there is no role, or one that cannot be had, nothing else is called, and the
// command ends with the way to set-up.
func TestProperty13EveryCallGoesThroughTheConfiguredRole(t *testing.T) {
	exported := exportedSnapshot(t)
	test := t
	rapid.Check(t, func(t *rapid.T) {
		account := awssim.New(awssim.Options{Seed: rapid.Uint64().Draw(t, "seed"), Speed: fast, Regions: []string{"us-east-1", "eu-west-1"}})
		defer account.Shutdown()
		account.AddInstance("eu-west-1", awssim.Instance{ID: "i-0web"})
		if rapid.Bool().Draw(t, "with a table") {
			account.AddTable("us-east-1", settings.DefaultTable)
		}
		name := rapid.StringMatching(`[A-Za-z0-9_+=,.@-]{1,64}`).Draw(t, "role")
		person := rapid.StringMatching(`[A-Za-z0-9_+=,.@-]{2,64}`).Draw(t, "who calls")
		there := awssim.Role{
			ARN:        "arn:aws:iam::111122223333:role/" + rapid.SampledFrom([]string{"", "people/", "a/b/"}).Draw(t, "path") + name,
			ExternalID: rapid.SampledFrom([]string{"", "brake-1"}).Draw(t, "external id"),
		}
		given := config.Config{Role: there.ARN, ExternalID: there.ExternalID}
		wrong := rapid.SampledFrom([]string{"", "", "nothing configured", "no such role", "external id", "trust", "MFA"}).Draw(t, "what is wrong")
		switch wrong {
		case "nothing configured":
			given = config.Config{}
		case "no such role":
			given.Role += "x"
			if len(name) == 64 {
				given.Role = strings.TrimSuffix(there.ARN, name) + name[1:]
			}
		case "external id":
			there.ExternalID, given.ExternalID = "brake-1", rapid.SampledFrom([]string{"", "brake-2"}).Draw(t, "given")
		case "trust":
			there.Trusts = []string{"arn:aws:iam::111122223333:role/somebody-else"}
		case "MFA":
			there.MFA = true
		}
		account.AddRole(there)
		folder := test.TempDir()
		path := filepath.Join(folder, "config.json")
		text, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		kept := filepath.Join(folder, "kept.json")
		if err := os.WriteFile(kept, exported, 0o600); err != nil {
			t.Fatal(err)
		}
		run := func(line string, talk *bytes.Buffer) int {
			return command.Main(context.Background(), strings.Fields(strings.Replace(line, "FILE", kept, 1)), command.World{
				In: strings.NewReader(""), Out: talk, Err: talk, Getenv: func(string) string { return "" }, Speed: fast, // doctor's answer is data
				Config:        func(context.Context) (aws.Config, error) { return account.Process(person).Config(), nil },
				File:          func() (string, error) { return filepath.Join(folder, "snapshots.db"), nil },
				Configuration: func() (string, error) { return path, nil },
			})
		}
		args := rapid.SliceOfN(rapid.SampledFrom(everyCommand), 1, 3).Draw(t, "commands")
		for _, line := range rapid.SliceOfN(rapid.SampledFrom(silent), 0, 2).Draw(t, "silent commands") {
			if code := run(line, &bytes.Buffer{}); code != 0 {
				t.Fatalf("%s: exit code %d", line, code)
			}
		}
		if calls := account.Trace(); len(calls) > 0 {
			t.Fatalf("commands that call nothing have called %s", calls[0])
		}
		for _, line := range args {
			var talk bytes.Buffer
			code := run(line, &talk)
			if wrong != "" && (code != 12 || !strings.Contains(talk.String(), "aws-hit-breaks setup")) {
				t.Fatalf("%s: exit code %d, want 12 and the way to set-up; it says:\n%s", line, code, &talk)
			}
			if wrong == "" && code == 12 {
				t.Fatalf("%s: exit code 12; it says:\n%s", line, &talk)
			}
		}
		session := "arn:aws:sts::111122223333:assumed-role/" + name + "/" + person
		through := 0
		for _, c := range account.Trace() {
			switch own := c.Action() == "sts:GetCallerIdentity" || c.Action() == "sts:AssumeRole"; {
			case c.By == session && wrong == "":
				through++
			case c.By == "" && own && wrong != "nothing configured":
			default:
				t.Fatalf("%v: through %q, want %q: %s", args, c.By, session, c)
			}
		}
		if wrong == "" && through < len(args) {
			t.Fatalf("%v: %d calls went through the role: the property says nothing", args, through)
		}
	})
}

// exportedSnapshot is an export of a snapshot of the account, made on another day.
func exportedSnapshot(t *testing.T) []byte {
	account := awssim.New(awssim.Options{Seed: 1, Speed: 500, Regions: []string{"us-east-1", "eu-west-1"}})
	defer account.Shutdown()
	account.AddInstance("eu-west-1", awssim.Instance{ID: "i-0web"})
	folder := t.TempDir()
	var out bytes.Buffer
	run := func(args ...string) string {
		out.Reset()
		var talk bytes.Buffer
		if code := command.Main(t.Context(), args, command.World{
			In: strings.NewReader(""), Out: &out, Err: &talk, Getenv: func(string) string { return "" }, Speed: 500,
			Config: func(context.Context) (aws.Config, error) { return account.Process("ann").Config(), nil },
			File:   func() (string, error) { return filepath.Join(folder, "snapshots.db"), nil },
		}); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, &talk)
		}
		return out.String()
	}
	var paused struct{ Snapshot string }
	if err := json.Unmarshal([]byte(run("pause", "--local", "--yes", "--json")), &paused); err != nil {
		t.Fatal(err)
	}
	return []byte(run("snapshots", "export", paused.Snapshot, "--local"))
}
