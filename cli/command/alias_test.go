package command

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWithAlias(t *testing.T) {
	ours, err := withAlias(nil, "aws-hit-breaks")
	if err != nil {
		t.Fatal(err)
	}
	line := strings.TrimPrefix(string(ours), "[toplevel]\n")
	tests := map[string]struct {
		before, after string
		wrong         string
	}{
		"no file":                         {"", "[toplevel]\n" + line, ""},
		"the alias already":               {string(ours), string(ours), ""},
		"other aliases":                   {"[toplevel]\n\nwhoami = sts get-caller-identity\n", "[toplevel]\n" + line + "\nwhoami = sts get-caller-identity\n", ""},
		"no line break at the end":        {"[toplevel]", "[toplevel]\n" + line, ""},
		"other sections alone":            {"[command ec2]\nhit = describe-instances", "[command ec2]\nhit = describe-instances\n[toplevel]\n" + line, ""},
		"a section behind it":             {"[toplevel]\na = b\n[command ec2]\nhit = x\n", "[toplevel]\n" + line + "a = b\n[command ec2]\nhit = x\n", ""},
		"line breaks of Windows":          {"[toplevel]\r\na = b\r\n", "[toplevel]\r\n" + strings.TrimSuffix(line, "\n") + "\r\na = b\r\n", ""},
		"an alias of a program elsewhere": {"[toplevel]\na = b\nhit = !/old/aws-hit-breaks\nc = d\n", "[toplevel]\na = b\n" + line + "c = d\n", ""},
		"another alias hit":               {"[toplevel]\nhit = s3 ls\n", "", "another alias hit"},
		"another alias Hit":               {"[toplevel]\nHit=s3 ls\n", "", "another alias hit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := withAlias([]byte(tt.before), "aws-hit-breaks")
			if (err != nil) != (tt.wrong != "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Fatalf("refused: %v, want %q", err, tt.wrong)
			}
			if string(got) != tt.after {
				t.Errorf("the file is\n%q\nwant\n%q", got, tt.after)
			}
		})
	}
}

// Whatever is in the file, every byte of it stays, and a second time changes nothing.
func TestWithAliasKeepsTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{
			"[toplevel]", "[command ec2]", "a = b", "ls = !f() {", "    more", "# hit = x", "; c", "", "\n", "\r\n", "\xff", "hits = x",
		})).Draw(t, "parts")
		before := strings.Join(parts, rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line break"))
		after, err := withAlias([]byte(before), "/opt/it's here/aws-hit-breaks")
		if err != nil {
			t.Fatal(err)
		}
		left := string(after)
		for rest := before; rest != ""; rest = rest[1:] { // before is a subsequence of after
			i := strings.IndexByte(left, rest[0])
			if i < 0 {
				t.Fatalf("%q lost bytes: %q", before, after)
			}
			left = left[i+1:]
		}
		again, err := withAlias(after, "/opt/it's here/aws-hit-breaks")
		if err != nil || string(again) != string(after) {
			t.Fatalf("a second time: %v\n%q\n%q", err, after, again)
		}
	})
}
