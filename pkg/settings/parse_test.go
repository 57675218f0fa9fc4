package settings

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

// with is the default settings with one change.
func with(change func(*Settings)) Settings {
	s := Default()
	change(&s)
	return s
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text string
		want Settings
	}{
		"empty text is all defaults": {"", Default()},
		"spaces are all defaults":    {" \n\t", Default()},
		"an empty object":            {"{}", Default()},
		"spaces around the object":   {" {} \n", Default()},
		"null leaves the default":    {`{"settle": null, "regions": null, "enforce": null}`, Default()},
		"regions":                    {`{"regions": ["eu-*", "us-east-1"]}`, with(func(s *Settings) { s.Regions = []string{"eu-*", "us-east-1"} })},
		"no regions are all regions": {`{"regions": []}`, with(func(s *Settings) { s.Regions = []string{} })},
		"settle":                     {`{"settle": "2m30s"}`, with(func(s *Settings) { s.Settle = Duration(150 * time.Second) })},
		"settle as long as wait":     {`{"settle": "5m", "wait": "5m"}`, with(func(s *Settings) { s.Settle, s.Wait = Duration(5*time.Minute), Duration(5*time.Minute) })},
		"enforce":                    {`{"enforce": "all"}`, with(func(s *Settings) { s.Enforce = EnforceAll })},
		"unparsed":                   {`{"unparsed": "notify"}`, with(func(s *Settings) { s.Unparsed = UnparsedNotify })},
		"instance store":             {`{"instanceStore": "allow"}`, with(func(s *Settings) { s.InstanceStore = InstanceStoreAllow })},
		"scale to zero":              {`{"scaleToZero": "unpausable"}`, with(func(s *Settings) { s.ScaleToZero = ScaleUnpausable })},
		"topics of other partitions": {`{"topics": [{"arn": "arn:aws-cn:sns:cn-north-1:111122223333:a"}, {"arn": "arn:aws-us-gov:sns:us-gov-west-1:111122223333:b.fifo"}]}`, with(func(s *Settings) {
			s.Topics = []Topic{{ARN: "arn:aws-cn:sns:cn-north-1:111122223333:a"}, {ARN: "arn:aws-us-gov:sns:us-gov-west-1:111122223333:b.fifo"}}
		})},
		"a queue that stands for one": {`{"topics": [{"arn": "arn:aws:sqs:eu-west-1:111122223333:alarms"}]}`, with(func(s *Settings) { s.Topics = []Topic{{ARN: "arn:aws:sqs:eu-west-1:111122223333:alarms"}} })},
		"a topic that pauses a part": {`{"topics": [{"arn": "arn:aws:sns:eu-west-1:111122223333:rung-1", "action": "pause", "scope": {"tags": ["env=dev"], "exclude": {"services": ["rds"]}}}]}`, with(func(s *Settings) {
			s.Topics = []Topic{{
				ARN: "arn:aws:sns:eu-west-1:111122223333:rung-1", Action: ActionPause,
				Scope: killswitch.Scope{Tags: []string{"env=dev"}, Exclude: &killswitch.Scope{Services: []string{"rds"}}},
			}}
		})},
		"a topic to tell":              {`{"notify": "arn:aws:sns:eu-west-1:111122223333:told"}`, with(func(s *Settings) { s.Notify = "arn:aws:sns:eu-west-1:111122223333:told" })},
		"the longest tag":              {`{"protectTag": "` + strings.Repeat("ü", 128) + `"}`, with(func(s *Settings) { s.ProtectTag = strings.Repeat("ü", 128) })},
		"a tag of the owner's own":     {`{"protectTag": "Team: Ops/kritisch"}`, with(func(s *Settings) { s.ProtectTag = "Team: Ops/kritisch" })},
		"prefix":                       {`{"prefix": "brake_2"}`, with(func(s *Settings) { s.Prefix = "brake_2" })},
		"the longest prefix":           {`{"prefix": "` + strings.Repeat("p", 57) + `"}`, with(func(s *Settings) { s.Prefix = strings.Repeat("p", 57) })},
		"escapes in a name are undone": {`{"\u0065nforce": "all"}`, with(func(s *Settings) { s.Enforce = EnforceAll })},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.text)
			if err != nil {
				t.Fatalf("Parse(%s): %v", tt.text, err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("Parse(%s) differs (-want +got):\n%s", tt.text, d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const known = "known are regions, settle, wait, enforce, unparsed, instanceStore, scaleToZero, protectTag, topics, notify, prefix"
	tests := map[string]struct{ text, want string }{
		"an unknown setting":              {`{"setle": "90s"}`, `unknown setting "setle": ` + known},
		"a setting in another case":       {`{"Settle": "90s"}`, `unknown setting "Settle": ` + known},
		"a setting written twice":         {`{"settle": "90s", "settle": "10s"}`, "setting settle is written twice"},
		"no object":                       {`["settle"]`, "not a JSON object"},
		"no JSON":                         {`settle=90s`, "not a JSON object"},
		"an object cut off":               {`{"settle": "90s"`, "not valid JSON"},
		"a value cut off":                 {`{"settle": "90`, "not valid JSON"},
		"a missing comma":                 {`{"settle": "90s" "wait": "1h"}`, "not valid JSON"},
		"something after the object":      {`{} {"settle": "90s"}`, "something after the closing brace"},
		"a brace too many":                {`{}}`, "something after the closing brace"},
		"a duration without a unit":       {`{"settle": 90}`, `setting settle: want a duration such as "90s" or "20m", got 90`},
		"a duration as text without unit": {`{"wait": "20"}`, `setting wait: want a duration such as "90s" or "20m", got "20"`},
		"a duration in days":              {`{"wait": "1d"}`, "setting wait: want a duration"},
		"no settle":                       {`{"settle": "0s"}`, "setting settle: 0s is not positive"},
		"a negative wait":                 {`{"wait": "-1m"}`, "setting wait: -1m0s is not positive"},
		"settle longer than wait":         {`{"settle": "2m", "wait": "1m"}`, "setting settle: 2m0s is longer than wait (1m0s)"},
		"settle longer than default wait": {`{"settle": "30m"}`, "longer than wait (20m0s)"},
		"an unknown enforce":              {`{"enforce": "none"}`, `setting enforce: "none" is none of aws, all`},
		"an empty word":                   {`{"enforce": ""}`, `setting enforce: "" is none of aws, all`},
		"an unknown unparsed":             {`{"unparsed": "ignore"}`, `setting unparsed: "ignore" is none of pause, notify`},
		"an unknown instanceStore":        {`{"instanceStore": "yes"}`, `setting instanceStore: "yes" is none of verdict, allow`},
		"an unknown scaleToZero":          {`{"scaleToZero": "always"}`, `setting scaleToZero: "always" is none of tagged, unpausable`},
		"a word that is no string":        {`{"enforce": true}`, "setting enforce: want a string, got true"},
		"regions that are no list":        {`{"regions": "eu-west-1"}`, `setting regions: want a list of strings such as ["a", "b"], got "eu-west-1"`},
		"a list over several lines":       {"{\"regions\": [\"eu-west-1\",\n 7]}", `got ["eu-west-1", 7]`},
		"a region with capitals":          {`{"regions": ["EU-*"]}`, `setting regions: "EU-*" is no region`},
		"an empty region":                 {`{"regions": [""]}`, `setting regions: "" is no region`},
		"two regions in one":              {`{"regions": ["eu-west-1,us-east-1"]}`, `setting regions: "eu-west-1,us-east-1" is no region`},
		"a topic by its name":             {`{"topics": [{"arn": "alarms"}]}`, `setting topics: "alarms" is not the ARN of a topic`},
		"a subscription for a topic":      {`{"topics": [{"arn": "arn:aws:sns:us-east-1:111122223333:alarms:7baee125-ecb5-4e2e-8efb-4f3555b2401f"}]}`, "without a subscription's id"},
		"a topic of a short account":      {`{"topics": [{"arn": "arn:aws:sns:us-east-1:1111:alarms"}]}`, "is not the ARN of a topic"},
		"a function for a topic":          {`{"topics": [{"arn": "arn:aws:lambda:us-east-1:111122223333:function"}]}`, "is not the ARN of a topic"},
		"a topic as text":                 {`{"topics": ["arn:aws:sns:us-east-1:111122223333:alarms"]}`, "setting topics: want a list of topics"},
		"a field of a topic misspelt":     {`{"topics": [{"arn": "arn:aws:sns:us-east-1:111122223333:alarms", "scope": {"tag": ["env=dev"]}}]}`, `setting topics: unknown field "tag"`},
		"an action that is none":          {`{"topics": [{"arn": "arn:aws:sns:us-east-1:111122223333:alarms", "action": "stop"}]}`, "is none of pause, notify"},
		"a topic twice":                   {`{"topics": [{"arn": "arn:aws:sns:us-east-1:111122223333:alarms"}, {"arn": "arn:aws:sns:us-east-1:111122223333:alarms"}]}`, "is there twice"},
		"a queue to tell":                 {`{"notify": "arn:aws:sqs:us-east-1:111122223333:alarms"}`, "setting notify: "},
		"a tag of AWS's own":              {`{"protectTag": "AWS:critical"}`, `setting protectTag: "AWS:critical" cannot be the key of a tag`},
		"an empty tag":                    {`{"protectTag": ""}`, `setting protectTag: ""`},
		"a tag with a value":              {`{"protectTag": "critical = *"}`, "setting protectTag: "},
		"a tag that ends in a space":      {`{"protectTag": "critical "}`, "setting protectTag: "},
		"a tag that begins with a space":  {`{"protectTag": " critical"}`, "setting protectTag: "},
		"a tag too long":                  {`{"protectTag": "` + strings.Repeat("ü", 129) + `"}`, "1 to 128 letters"},
		"a topic that hears itself":       {`{"topics": [{"arn": "arn:aws:sns:us-east-1:111122223333:alarms"}], "notify": "arn:aws:sns:us-east-1:111122223333:alarms"}`, "setting notify: arn:aws:sns:us-east-1:111122223333:alarms is among topics too"},
		"a prefix with a space":           {`{"prefix": "my brake"}`, `setting prefix: "my brake" cannot begin the name`},
		"a prefix too long":               {`{"prefix": "` + strings.Repeat("p", 58) + `"}`, "1 to 57 letters"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Parse(%s) = %v, want an error that says %q", tt.text, err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
			if d := cmp.Diff(Settings{}, got); d != "" {
				t.Errorf("settings came with the error:\n%s", d)
			}
		})
	}
}

func TestFromEnv(t *testing.T) {
	tests := map[string]struct {
		env       map[string]string
		table     string
		settle    time.Duration
		wantError string
	}{
		"nothing set":    {nil, DefaultTable, time.Minute, ""},
		"both set":       {map[string]string{TableVariable: "brake.test", SettingsVariable: `{"settle": "5s"}`}, "brake.test", 5 * time.Second, ""},
		"a bad setting":  {map[string]string{SettingsVariable: `{"settle": "soon"}`}, "", 0, "AWS_HIT_BREAKS_SETTINGS: setting settle: want a duration"},
		"a bad table":    {map[string]string{TableVariable: "a table"}, "", 0, `AWS_HIT_BREAKS_TABLE: "a table" is not the name of a DynamoDB table`},
		"a short table":  {map[string]string{TableVariable: "ab"}, "", 0, "3 to 255"},
		"a long table":   {map[string]string{TableVariable: strings.Repeat("t", 256)}, "", 0, "3 to 255"},
		"the longest":    {map[string]string{TableVariable: strings.Repeat("t", 255)}, strings.Repeat("t", 255), 60 * time.Second, ""},
		"an ARN instead": {map[string]string{TableVariable: "arn:aws:dynamodb:eu-west-1:111122223333:table/x"}, "", 0, "is not the name of a DynamoDB table"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, table, err := FromEnv(func(name string) string { return tt.env[name] })
			if tt.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantError) {
					t.Fatalf("FromEnv = %v, want an error that says %q", err, tt.wantError)
				}
				return
			}
			if err != nil || table != tt.table || s.Settle != Duration(tt.settle) {
				t.Errorf("FromEnv = settle %v, table %q, %v, want %v, %q", s.Settle, table, err, tt.settle, tt.table)
			}
		})
	}
}

var drawTopic = rapid.Custom(func(t *rapid.T) Topic {
	return Topic{
		ARN:    rapid.StringMatching(`arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,20}`).Draw(t, "arn"),
		Action: rapid.SampledFrom([]string{"", ActionPause, ActionNotify}).Draw(t, "action"),
		Scope:  killswitch.Scope{Tags: rapid.SliceOfN(rapid.StringMatching(`[a-z]+=[a-z]+`), 1, 2).Draw(t, "tags")},
	}
})

// What the stacks write into a function's environment is what the function reads.
func TestSettingsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settle := rapid.Int64Range(1, int64(time.Hour)).Draw(t, "settle")
		want := Settings{
			Regions:       rapid.SliceOfN(rapid.StringMatching(`[a-z0-9*?-]+`), 1, 3).Draw(t, "regions"),
			Settle:        Duration(settle),
			Wait:          Duration(rapid.Int64Range(settle, int64(48*time.Hour)).Draw(t, "wait")),
			Enforce:       rapid.SampledFrom([]string{EnforceAWS, EnforceAll}).Draw(t, "enforce"),
			Unparsed:      rapid.SampledFrom([]string{UnparsedPause, UnparsedNotify}).Draw(t, "unparsed"),
			InstanceStore: rapid.SampledFrom([]string{InstanceStoreVerdict, InstanceStoreAllow}).Draw(t, "store"),
			ScaleToZero:   rapid.SampledFrom([]string{ScaleTagged, ScaleUnpausable}).Draw(t, "scale"),
			Topics:        rapid.SliceOfNDistinct(drawTopic, 1, 3, func(t Topic) string { return t.ARN }).Draw(t, "topics"),
			ProtectTag:    rapid.StringMatching(`[a-zä][A-Za-z0-9 _.:/=+@-]{0,20}[A-Zß]`).Draw(t, "protect"),
			Notify:        rapid.StringMatching(`arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,20}`).Draw(t, "notify"),
			Prefix:        rapid.StringMatching(`[A-Za-z0-9_-]{1,57}`).Draw(t, "prefix"),
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(string(text))
		if err != nil {
			t.Fatalf("Parse(%s): %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s read back differs (-want +got):\n%s", text, d)
		}
	})
}

func TestZeroFieldsAreNotWritten(t *testing.T) {
	text, err := json.Marshal(Settings{})
	if err != nil || string(text) != "{}" {
		t.Errorf("json.Marshal(Settings{}) = %s, %v, want {}", text, err)
	}
}

// Whatever is read is valid, and means the same when it is written and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"settle":"90s","wait":"1h"}`, `{"regions":["eu-*"],"enforce":"all","unparsed":"notify"}`,
		`{"topics":[{"arn":"arn:aws:sns:us-east-1:111122223333:alarms","scope":{"tags":["env"]}}],"prefix":"x"}`, `{"settle":1e9}`, `{"settle":"90s","settle":"90s"}`, "{}}", "[",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if s.Settle <= 0 || s.Settle > s.Wait || s.Prefix == "" || s.Enforce == "" {
			t.Fatalf("Parse(%q) let %+v through", text, s)
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(string(written))
		if err != nil {
			t.Fatalf("Parse(%s), which came from %q: %v", written, text, err)
		}
		if len(s.Regions) == 0 { // an empty list is written as none
			again.Regions = s.Regions
		}
		if len(s.Topics) == 0 {
			again.Topics = s.Topics
		}
		if d := cmp.Diff(s, again); d != "" {
			t.Fatalf("%q differs once written and read (-want +got):\n%s", text, d)
		}
	})
}
