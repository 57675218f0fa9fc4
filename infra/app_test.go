package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/settings"
)

// asApp is a run of the real app, as the CDK CLI makes one: in the folder of cdk.json, with the context
// and the folder for the templates in the environment. It gives what was said, and what was written.
func asApp(folder, context string) (said string, written []string, err error) {
	out := filepath.Join(folder, "cdk.out")
	cmd := exec.Command(os.Args[0])
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), appVariable+"=1", "CDK_OUTDIR="+out)
	if context != "" {
		cmd.Env = append(cmd.Env, "CDK_CONTEXT_JSON="+context)
	}
	var buffer bytes.Buffer
	cmd.Stderr = &buffer
	err = cmd.Run()
	all, _ := filepath.Glob(filepath.Join(out, "*.json"))
	for _, path := range all {
		written = append(written, filepath.Base(path))
	}
	for line := range strings.Lines(buffer.String()) { // jsii has its say before, of Node, and after
		if strings.HasPrefix(line, "cdk.json: ") {
			said += line
		}
	}
	return strings.TrimSpace(said), written, err
}

// A setting that is wrong is told of by its name, and nothing is deployed.
func TestBadSettings(t *testing.T) {
	rungs := func(all ...string) string { return with(t, least, "rungs", "["+strings.Join(all, ",")+"]") }
	rung := func(threshold, rest string) string {
		return `{"type": "ACTUAL", "unit": "PERCENTAGE", "threshold": ` + threshold + rest + `}`
	}
	notify := `, "action": "notify"`
	six := rungs(rung("10", notify), rung("20", notify), rung("30", notify), rung("40", notify), rung("50", notify), rung("60", notify))
	tests := map[string]struct{ decided, want string }{
		"no context":                        {"", `there is no context "aws-hit-breaks"`},
		"a budget of nothing":               {with(t, least, "budget", `{"amount": 0}`), "setting budget.amount: 0 is no amount"},
		"a rung without action":             {rungs(rung("100", "")), "setting rungs[0].action: it does not say what happens"},
		"a filter that excludes everything": {rungs(rung("100", `, "action": "pause", "scope": {"exclude": {"regions": ["*"]}}`)), "setting rungs[0].scope: no region is left when * are excluded"},
		"six notifications":                 {six, "setting rungs: there are 6, and a budget has 5"},
		"an e-mail that is none":            {with(t, least, "notify", `{"emails": ["you at example.com"]}`), `setting notify.emails[0]: "you at example.com" is no e-mail address`},
		"an unknown region":                 {with(t, least, "brake", `{"regions": ["eu-wset-1"]}`), `setting brake.regions: region "eu-wset-1": no region of AWS: did you mean "eu-west-1"?`},
		"rungs out of order":                {rungs(rung("100", notify), rung("80", notify)), "setting rungs[1].threshold: 80 is not above the 100 of rungs[0]"},
	}
	var group errgroup.Group
	group.SetLimit(2)
	for name, tt := range tests {
		folder := t.TempDir()
		group.Go(func() error {
			context := "{}"
			if tt.decided != "" {
				context = `{"aws-hit-breaks": ` + tt.decided + `}`
			}
			said, written, err := asApp(folder, context)
			if err == nil || len(written) > 0 {
				t.Errorf("%s: %v was written (%v): it could be deployed", name, written, err)
			}
			if !strings.Contains(said, tt.want) || strings.Contains(said, "\n") {
				t.Errorf("%s: the app says %.400q, want one line with %q", name, said, tt.want)
			}
			return nil
		})
	}
	_ = group.Wait()
}

// What a scope cannot mean is known to the filter, which is asked with the regions of AWS and the kinds
// of the brake.
func TestScopesThatCannotBeMeant(t *testing.T) {
	pausing := func(scope string) string {
		return with(t, least, "rungs", `[{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause", "scope": `+scope+`}]`)
	}
	regions := regionNames()
	for text, want := range map[string]string{
		pausing(`{"exclude": {"services": ["ec2", "rds", "ecs", "autoscaling"]}}`):                       "setting rungs[0].scope: no service is left",
		pausing(`{"services": ["ec3"]}`):                                                                 `setting rungs[0].scope: service "ec3": no service of the brake`,
		pausing(`{"regions": ["europe"]}`):                                                               `setting rungs[0].scope: region "europe": no region of AWS`,
		with(t, pausing(`{"regions": ["us-*"]}`), "brake", `{"regions": ["eu-*"]}`):                      "setting rungs[0].scope: none of its regions is one of brake.regions, eu-*",
		with(t, least, "billingAlarm", `{"threshold": 1, "action": "pause", "scope": {"tags": ["=x"]}}`): `setting billingAlarm.scope: tag "=x"`,
		with(t, pausing(`{"regions": ["us-*"]}`), "brake", `{"regions": ["eu-*", "us-east-*"]}`):         "",
		full: "",
	} {
		d, err := settings.ParseDeployment(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := meant(d, regions); want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// What is good is synthesised, with the code beside it. What the CLI does not hand over is read from
// the file: of a setting that is written twice it leaves the second, without a word.
func TestApp(t *testing.T) {
	folder := t.TempDir()
	if err := packages(folder); err != nil {
		t.Fatal(err)
	}
	good := `{"aws-hit-breaks": ` + with(t, least, "assets", `"our-code"`) + `}`
	if said, written, err := asApp(folder, good); err != nil || !slices.Contains(written, "Switch.template.json") {
		t.Fatalf("good settings are not synthesised: %v, %s", err, said)
	}
	template, err := os.ReadFile(filepath.Join(folder, "cdk.out", "Switch.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`"S3Key": "([^"]+)"`).FindAllStringSubmatch(string(template), -1)
	if len(keys) != 3 {
		t.Errorf("the template finds the code of %d functions, want 3", len(keys))
	}
	for _, key := range keys { // make stackset takes the beginning away
		if _, err := os.Stat(filepath.Join(folder, "cdk.out", "asset."+key[1])); err != nil {
			t.Errorf("the code of a function is not where make stackset takes it from: %v", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(folder, "cdk.out")); err != nil {
		t.Fatal(err)
	}
	twice := strings.Replace(good, `"amount":`, `"amount": 1, "amount":`, 1)
	if twice == good {
		t.Fatal("nothing is written twice")
	}
	if err := os.WriteFile(filepath.Join(folder, "cdk.json"), []byte(`{"context": `+twice+`}`), 0o644); err != nil {
		t.Fatal(err)
	}
	said, written, err := asApp(folder, good)
	if err == nil || len(written) > 0 || !strings.Contains(said, "setting budget: setting amount is written twice") {
		t.Errorf("a budget of 1 and of 100 is deployed as one of them: %v, %v, %s", err, written, said)
	}
}

// The pinned CLI understands what the library writes, and what stands in cdk.json can be deployed.
func TestCLI(t *testing.T) {
	cli := filepath.Join(root, ".tools", "npm", "node_modules", ".bin", "cdk")
	needs(t, cli)
	content, err := os.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	file["app"] = os.Args[0]
	delete(file, "build")
	changed, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "cdk.json"), changed, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := packages(folder); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), cli, "synth", "--quiet")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), appVariable+"=1")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make synth would fail: %v\n%s", err, said)
	}
	if _, err := os.Stat(filepath.Join(folder, "build", "cdk.out", "Switch.template.json")); err != nil {
		t.Errorf("make synth would write nothing: %v", err)
	}
}

// needs skips the test where a tool is not installed, but for CI, where nothing is skipped.
func needs(t *testing.T, tool string) {
	t.Helper()
	if _, err := os.Stat(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not there: make tools installs it", tool)
		}
		t.Skipf("%s is not there: make tools installs it", tool)
	}
}
