package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Default returns the settings of an owner who decided nothing.
func Default() Settings {
	return Settings{
		Settle:        Duration(60 * time.Second),
		Wait:          Duration(20 * time.Minute),
		Enforce:       EnforceAWS,
		Unparsed:      UnparsedPause,
		InstanceStore: InstanceStoreVerdict,
		ScaleToZero:   ScaleTagged,
		ProtectTag:    ProtectTag,
		Prefix:        "aws-hit-breaks",
	}
}

// FromEnv reads the settings and the name of the snapshot table from the environment, each with its
// default where the variable is not set. An error names the variable.
func FromEnv(getenv func(string) string) (s Settings, table string, err error) {
	table = getenv(TableVariable)
	if table == "" {
		table = DefaultTable
	}
	if !isTable(table) {
		return Settings{}, "", fmt.Errorf(`%s: %q is not the name of a DynamoDB table: 3 to 255 letters, digits, "_", "-" or "."`, TableVariable, table)
	}
	s, err = Parse(getenv(SettingsVariable))
	if err != nil {
		return Settings{}, "", fmt.Errorf("%s: %w", SettingsVariable, err)
	}
	return s, table, nil
}

// Parse reads settings as a JSON object, fills in the defaults and refuses, with one line that says
// what to do, whatever the brake would not understand: a setting misspelt is a setting ignored, and
// this is no place to find that out later. Empty text means all defaults.
func Parse(jsonText string) (Settings, error) {
	s := Default()
	if strings.TrimSpace(jsonText) == "" {
		return s, nil
	}
	fields, err := object(jsonText)
	if err != nil {
		return Settings{}, err
	}
	v := reflect.ValueOf(&s).Elem()
	known := names(v.Type())
	for _, f := range fields {
		i := slices.Index(known, f.name)
		if i < 0 {
			return Settings{}, fmt.Errorf("unknown setting %q: known are %s", f.name, strings.Join(known, ", "))
		}
		if string(f.value) == "null" {
			continue // not set
		}
		if err := strictly(f.value, v.Field(i).Addr().Interface()); err != nil {
			if unknown, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
				return Settings{}, fmt.Errorf("setting %s: unknown field %s: correct it, a field misspelt is a field ignored", f.name, unknown)
			}
			got := strings.Join(strings.Fields(string(f.value)), " ")
			return Settings{}, fmt.Errorf("setting %s: want %s, got %.60s", f.name, wanted(v.Field(i).Type()), got)
		}
	}
	if err := s.check(); err != nil {
		return Settings{}, err
	}
	return s, nil
}

// field is one setting as it was written.
type field struct {
	name  string
	value json.RawMessage
}

// object splits a JSON object into its fields, in the order written. One that is written twice is
// an error: encoding/json would take the last without a word.
func object(text string) ([]field, error) {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New(`settings are not a JSON object: write them as {"settle": "90s"}`)
	}
	var fields []field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		f := field{name: name.(string)} // the keys of an object are strings, or Token fails
		if slices.ContainsFunc(fields, func(g field) bool { return g.name == f.name }) {
			return nil, fmt.Errorf("setting %s is written twice: leave one of them out", f.name)
		}
		if err := d.Decode(&f.value); err != nil {
			return nil, notJSON(err)
		}
		fields = append(fields, f)
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is something after the closing brace of the settings: take it out")
	}
	return fields, nil
}

// strictly reads a value without fields that its type does not have.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func notJSON(err error) error {
	return fmt.Errorf("settings are not valid JSON, correct them: %w", err)
}

// names are the JSON names of the fields of a struct, in their order.
func names(t reflect.Type) []string {
	out := make([]string, t.NumField())
	for i := range out {
		out[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return out
}

// wanted says what is written for a field of the type.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return `a duration such as "90s" or "20m"`
	case t == reflect.TypeFor[[]Topic]():
		return `a list of topics such as [{"arn": "arn:aws:sns:…", "action": "notify"}]`
	case t.Kind() == reflect.Slice:
		return `a list of strings such as ["a", "b"]`
	default:
		return "a string"
	}
}

var (
	tableName = lazily(`^[A-Za-z0-9_.-]+$`)
	regions   = lazily(`^[a-z0-9*?-]+$`)
	// A queue stands for the topic where its subscription delivers raw messages, which do not say
	// from which topic they come (https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html).
	topicARN = lazily(`^arn:aws[a-z-]*:(sns|sqs):[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	// A function name has at most 64 characters, of which "-resume" takes seven
	// (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html).
	prefix = lazily(`^[A-Za-z0-9_-]{1,57}$`)
)

// lazily is a pattern that is compiled when it is first needed. All of them at every start were a quarter of the start of
// a function.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// isTable and isTagKey count by themselves: a pattern with its classes and repetitions takes longer to
// compile than the rest of the settings to read, at every start of a function.

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func isTable(name string) bool {
	return len(name) >= 3 && len(name) <= 255 && tableName().MatchString(name)
}

// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
func isTagKey(key string) bool {
	space := func(r rune) bool { return unicode.Is(unicode.Zs, r) }
	strange := func(r rune) bool {
		return !space(r) && !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("_.:/=+@-", r)
	}
	n := utf8.RuneCountInString(key)
	return n >= 1 && n <= 128 && !strings.ContainsFunc(key, strange) && strings.TrimFunc(key, space) == key
}

// check refuses values that the brake could not act on.
func (s Settings) check() error {
	for _, d := range []struct {
		name  string
		value Duration
	}{{"settle", s.Settle}, {"wait", s.Wait}} {
		if d.value <= 0 {
			return fmt.Errorf("setting %s: %s is not positive: write how long, such as \"90s\"", d.name, d.value)
		}
	}
	if s.Settle > s.Wait {
		return fmt.Errorf("setting settle: %s is longer than wait (%s), so no group would ever be stopped: shorten settle or lengthen wait", s.Settle, s.Wait)
	}
	for _, w := range []struct {
		name, value string
		allowed     []string
	}{
		{"enforce", s.Enforce, []string{EnforceAWS, EnforceAll}},
		{"unparsed", s.Unparsed, []string{UnparsedPause, UnparsedNotify}},
		{"instanceStore", s.InstanceStore, []string{InstanceStoreVerdict, InstanceStoreAllow}},
		{"scaleToZero", s.ScaleToZero, []string{ScaleTagged, ScaleUnpausable}},
	} {
		if !slices.Contains(w.allowed, w.value) {
			return fmt.Errorf("setting %s: %q is none of %s", w.name, w.value, strings.Join(w.allowed, ", "))
		}
	}
	for _, r := range s.Regions {
		if !regions().MatchString(r) {
			return fmt.Errorf(`setting regions: %q is no region: write "eu-west-1", or a glob such as "eu-*"`, r)
		}
	}
	if !isTagKey(s.ProtectTag) || strings.HasPrefix(strings.ToLower(s.ProtectTag), "aws:") {
		return fmt.Errorf(`setting protectTag: %q cannot be the key of a tag: 1 to 128 letters, digits, spaces or any of _.:/=+-@, not beginning with "aws:"`, s.ProtectTag)
	}
	if err := checkTopics(s.Topics); err != nil {
		return err
	}
	if s.Notify != "" && (!topicARN().MatchString(s.Notify) || !strings.Contains(s.Notify, ":sns:")) {
		return fmt.Errorf(`setting notify: %q is not the ARN of a topic: %s`, s.Notify, writeTopic)
	}
	if s.Notify != "" && slices.Contains(s.TopicARNs(), s.Notify) {
		return fmt.Errorf("setting notify: %s is among topics too, so that what the brake tells would be an alarm to it: use another topic", s.Notify)
	}
	if !prefix().MatchString(s.Prefix) {
		return fmt.Errorf(`setting prefix: %q cannot begin the name of a function: 1 to 57 letters, digits, "-" or "_"`, s.Prefix)
	}
	return nil
}

const writeTopic = `write "arn:aws:sns:<region>:<account>:<name>", without a subscription's id`

// checkTopics refuses topics that no alarm can come from or that do nothing. Whether a scope can be
// meant is for the filter to say, which knows its grammar.
func checkTopics(topics []Topic) error {
	for i, t := range topics {
		switch {
		case !topicARN().MatchString(t.ARN):
			return fmt.Errorf(`setting topics: %q is not the ARN of a topic: %s`, t.ARN, writeTopic)
		case !slices.Contains([]string{"", ActionPause, ActionNotify}, t.Action):
			return fmt.Errorf("setting topics: %q of %s is none of %s, %s", t.Action, t.ARN, ActionPause, ActionNotify)
		case slices.ContainsFunc(topics[:i], func(u Topic) bool { return u.ARN == t.ARN }):
			return fmt.Errorf("setting topics: %s is there twice: leave one of them out", t.ARN)
		}
	}
	return nil
}

// String writes the duration as Go does, "1m30s".
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes the duration as a string that UnmarshalJSON reads back.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads a duration as Go writes it. A bare number is an error: it has no unit.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}
