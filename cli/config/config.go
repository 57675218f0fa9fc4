// Package config is what the command line remembers between its runs: the role that it works
// through, and where the brake is. It is a file of JSON for its owner's eyes alone; commands read
// it, and only setup writes it. The package knows no AWS.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The environment variables that the command line reads besides those of pkg/settings.
const (
	PathVariable = "AWS_HIT_BREAKS_CONFIG" // another path of the file
	RoleVariable = "AWS_HIT_BREAKS_ROLE"   // another role than the file has
)

// NoRole in the place of a role's ARN is the decision to work with one's own credentials.
const NoRole = "none"

// Config is what is remembered. An empty field is one that was not decided.
type Config struct {
	Role       string `json:"role,omitempty"`       // ARN of the role that every call goes through, or NoRole
	ExternalID string `json:"externalId,omitempty"` // that the role asks for
	Region     string `json:"region,omitempty"`     // where the brake is deployed
	Table      string `json:"table,omitempty"`      // of the snapshots, where it has another name
	Prefix     string `json:"prefix,omitempty"`     // of the functions' names, where it is another
}

// What fields may hold. A role may have a path, which belongs to its ARN but not to that of its
// sessions (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
var (
	roleARN = lazily(`^arn:(aws[a-z-]*):iam::([0-9]{12}):role/([!-~]{1,511}/)?([A-Za-z0-9_+=,.@-]{1,64})$`)
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	externalID = lazily(`^[A-Za-z0-9_+=,.@:/-]{2,}$`)
	region     = lazily(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	table      = lazily(`^[A-Za-z0-9_.-]{3,255}$`)
	prefix     = lazily(`^[A-Za-z0-9_-]{1,57}$`)
)

// lazily is a pattern that is compiled when it is first needed. All of them at every start were a sixth of what `--help` takes.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// field is one of the file.
type field struct {
	name  string
	of    func(*Config) *string
	valid func(string) bool
	want  string // what it has to be
}

// fields are those of the file, in its order.
var fields = []field{
	{"role", func(c *Config) *string { return &c.Role }, func(v string) bool { return v == NoRole || roleARN().MatchString(v) },
		`the ARN of a role, such as "arn:aws:iam::111122223333:role/aws-hit-breaks-cli", or "` + NoRole + `"`},
	{"externalId", func(c *Config) *string { return &c.ExternalID }, func(v string) bool { return len(v) <= 1224 && externalID().MatchString(v) },
		"2 to 1224 letters, digits or any of _+=,.@:/-"},
	{"region", func(c *Config) *string { return &c.Region }, func(v string) bool { return region().MatchString(v) }, `a region such as "eu-west-1"`},
	{"table", func(c *Config) *string { return &c.Table }, func(v string) bool { return table().MatchString(v) },
		`the name of a DynamoDB table: 3 to 255 letters, digits, "_", "-" or "."`},
	{"prefix", func(c *Config) *string { return &c.Prefix }, func(v string) bool { return prefix().MatchString(v) },
		`what the functions' names begin with: 1 to 57 letters, digits, "-" or "_"`},
}

// Check refuses what cannot be meant, with the name of the field.
func (c Config) Check() error {
	for _, f := range fields {
		if value := *f.of(&c); value != "" && !f.valid(value) {
			return fmt.Errorf("%s: %.80q is not %s", f.name, value, f.want)
		}
	}
	if c.ExternalID != "" && (c.Role == "" || c.Role == NoRole) {
		return errors.New("externalId: there is no role that asks for it: name the role too, or leave it out")
	}
	return nil
}

// Account is the account of the role, and RoleName its name; both are empty without a role.
func (c Config) Account() string { return c.part(2) }

// RoleName is the name of the role, without its path.
func (c Config) RoleName() string { return c.part(4) }

func (c Config) part(i int) string {
	if parts := roleARN().FindStringSubmatch(c.Role); parts != nil {
		return parts[i]
	}
	return ""
}

// DefaultPath is where PathVariable says, or .aws-hit-breaks/config.json in the home folder.
func DefaultPath(getenv func(string) string) (string, error) {
	if path := getenv(PathVariable); path != "" {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no home folder for .aws-hit-breaks/config.json: %w: set %s", err, PathVariable)
	}
	return filepath.Join(home, ".aws-hit-breaks", "config.json"), nil
}

// Read reads the file. Where there is none, nothing was decided.
func Read(path string) (Config, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, nil
	case err != nil:
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	c, err := Parse(string(text))
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// Parse reads a configuration and refuses, in one line, whatever would be ignored otherwise.
func Parse(text string) (Config, error) {
	var c Config
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return c, errors.New(`this is no JSON object: write it as {"role": "arn:aws:iam::…"}, or remove it and run aws-hit-breaks setup`)
	}
	var seen []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return Config{}, notJSON(err)
		}
		name := key.(string) // the keys of an object are strings, or Token fails
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			return Config{}, fmt.Errorf("unknown field %q: known are %s", name, strings.Join(names(), ", "))
		case slices.Contains(seen, name):
			return Config{}, fmt.Errorf("%s is written twice: leave one of them out", name)
		}
		seen = append(seen, name)
		var value any
		if err := d.Decode(&value); err != nil {
			return Config{}, notJSON(err)
		}
		written, ok := value.(string)
		if !ok || written == "" {
			return Config{}, fmt.Errorf("%s: want %s, or leave it out", name, fields[i].want)
		}
		*fields[i].of(&c) = written
	}
	if _, err := d.Token(); err != nil {
		return Config{}, notJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("there is something after the closing brace: take it out")
	}
	if err := c.Check(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func notJSON(err error) error {
	return fmt.Errorf("this is not valid JSON, correct it: %w", err)
}

func names() []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.name)
	}
	return all
}

// Write makes the file, and its folder, for this user alone. The file is there as a whole, or as it
// was before.
func Write(path string, c Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the configuration: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the configuration: %w", err)
	}
	if err := Replace(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
