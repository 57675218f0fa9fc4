package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const role = "arn:aws:iam::111122223333:role/people/aws-hit-breaks-cli"

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text  string
		want  Config
		wrong string // what the error says
	}{
		"nothing decided": {text: "{}"},
		"everything": {
			text: `{"role": "` + role + `", "externalId": "brake-1", "region": "eu-west-1", "table": "brakes.test", "prefix": "brake"}`,
			want: Config{Role: role, ExternalID: "brake-1", Region: "eu-west-1", Table: "brakes.test", Prefix: "brake"},
		},
		"one's own credentials":           {text: `{"role": "none"}`, want: Config{Role: NoRole}},
		"another partition":               {text: `{"role": "arn:aws-us-gov:iam::111122223333:role/r", "region": "us-gov-west-1"}`, want: Config{Role: "arn:aws-us-gov:iam::111122223333:role/r", Region: "us-gov-west-1"}},
		"an empty file":                   {text: "", wrong: "no JSON object"},
		"a list":                          {text: "[]", wrong: "no JSON object"},
		"half a file":                     {text: `{"role": "none"`, wrong: "not valid JSON"},
		"a comma too many":                {text: `{"role": "none",}`, wrong: "not valid JSON"},
		"something behind it":             {text: `{} {}`, wrong: "after the closing brace"},
		"a misspelt field":                {text: `{"rol": "none"}`, wrong: `unknown field "rol": known are role, externalId, region, table, prefix`},
		"a field in other case":           {text: `{"Role": "none"}`, wrong: `unknown field "Role"`},
		"a field twice":                   {text: `{"role": "none", "role": "none"}`, wrong: "role is written twice"},
		"a number for a string":           {text: `{"region": 1}`, wrong: "region: want a region"},
		"null":                            {text: `{"table": null}`, wrong: "table: want the name of a DynamoDB table"},
		"an empty string":                 {text: `{"role": ""}`, wrong: "role: want the ARN of a role"},
		"the ARN of a user":               {text: `{"role": "arn:aws:iam::111122223333:user/ann"}`, wrong: `role: "arn:aws:iam::111122223333:user/ann" is not the ARN of a role`},
		"the ARN of a session":            {text: `{"role": "arn:aws:sts::111122223333:assumed-role/r/ann"}`, wrong: "role: "},
		"the name of a role":              {text: `{"role": "aws-hit-breaks-cli"}`, wrong: "role: "},
		"an account with eleven digits":   {text: `{"role": "arn:aws:iam::11112222333:role/r"}`, wrong: "role: "},
		"a line break in the ARN":         {text: `{"role": "` + role + `\n"}`, wrong: "role: "},
		"a region that is a zone":         {text: `{"region": "eu-west-1a"}`, wrong: "region: "},
		"an external id with a space":     {text: `{"role": "` + role + `", "externalId": "a b"}`, wrong: "externalId: "},
		"an external id without a role":   {text: `{"externalId": "brake-1"}`, wrong: "externalId: there is no role"},
		"an external id with no role":     {text: `{"role": "none", "externalId": "brake-1"}`, wrong: "externalId: there is no role"},
		"a prefix that names no function": {text: `{"prefix": "a.b"}`, wrong: "prefix: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.text)
			switch {
			case tt.wrong == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "\n")):
				t.Errorf("the error is %v, want one line that says %q", err, tt.wrong)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What is written is read back, whatever was there before, for its owner's eyes alone, and nothing is
// left beside it.
func TestWriteAndRead(t *testing.T) {
	test := t
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(test.TempDir(), "new", "config.json")
		for range rapid.IntRange(1, 3).Draw(t, "writes") {
			want := Config{
				Role:   rapid.SampledFrom([]string{"", NoRole, role}).Draw(t, "role"),
				Region: rapid.SampledFrom([]string{"", "eu-west-1", "us-gov-east-1"}).Draw(t, "region"),
				Table:  rapid.StringMatching(`([A-Za-z0-9_.-]{3,255})?`).Draw(t, "table"),
				Prefix: rapid.StringMatching(`([A-Za-z0-9_-]{1,57})?`).Draw(t, "prefix"),
			}
			if want.Role == role {
				want.ExternalID = rapid.StringMatching(`([A-Za-z0-9_+=,.@:/-]{2,40})?`).Draw(t, "external id")
			}
			if err := Write(path, want); err != nil {
				t.Fatal(err)
			}
			got, err := Read(path)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("read back: %v, -want +got:\n%s", err, diff)
			}
		}
		file, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && file.Mode().Perm() != 0o600 {
			t.Fatalf("the file has mode %o, want 600", file.Mode().Perm())
		}
		if beside, _ := os.ReadDir(filepath.Dir(path)); len(beside) != 1 {
			t.Fatalf("beside the file lie %v", beside)
		}
	})
}

func TestWriteRefusesWhatReadWould(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := Write(path, Config{Role: "me"}); err == nil {
		t.Error("a role that is no ARN was written")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("there is a file all the same")
	}
}

func TestReadNothing(t *testing.T) {
	got, err := Read(filepath.Join(t.TempDir(), "none.json"))
	if got != (Config{}) || err != nil {
		t.Errorf("without a file the configuration is %+v, %v", got, err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(`{"rol": "x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error %v does not name the file %s", err, path)
	}
}

// A file that is a link stays one, and what it leads to is written.
func TestReplaceFollowsLinks(t *testing.T) {
	folder := t.TempDir()
	real, link := filepath.Join(folder, "real"), filepath.Join(folder, "link")
	if err := os.WriteFile(real, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Skipf("no links here: %v", err)
	}
	if err := Replace(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(real); string(got) != "new" {
		t.Errorf("the file has %q", got)
	}
	if got, err := os.Readlink(link); err != nil || got != real {
		t.Errorf("the link leads to %q, %v", got, err)
	}
}

func TestDefaultPath(t *testing.T) {
	got, err := DefaultPath(func(string) string { return "/elsewhere/c.json" })
	if got != "/elsewhere/c.json" || err != nil {
		t.Errorf("the path is %q, %v", got, err)
	}
	t.Setenv("HOME", "/home/ann")
	t.Setenv("USERPROFILE", "/home/ann")
	got, err = DefaultPath(func(string) string { return "" })
	if want := filepath.Join("/home/ann", ".aws-hit-breaks", "config.json"); got != want || err != nil {
		t.Errorf("the path is %q, %v, want %q", got, err, want)
	}
}

func TestParts(t *testing.T) {
	c := Config{Role: role}
	if c.Account() != "111122223333" || c.RoleName() != "aws-hit-breaks-cli" {
		t.Errorf("account %q, role %q", c.Account(), c.RoleName())
	}
	if c := (Config{Role: NoRole}); c.Account() != "" || c.RoleName() != "" {
		t.Errorf("account %q, role %q", c.Account(), c.RoleName())
	}
}
