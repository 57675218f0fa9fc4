package filter

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"aws-hit-breaks/pkg/killswitch"
)

// The longest tag key and value that AWS takes, in characters
// (https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html).
const (
	longestTagKey   = 128
	longestTagValue = 256
)

// Validate refuses a scope that cannot mean what it says, with one line that tells what to do:
// malformed values (of which it shows the beginning), regions and services that do not exist, an exclusion that takes back what was
// asked for. Regions are those of the account and kinds those of the brake; where regions is empty
// those of the account are not known, and it has to be of Regions. A region that is newer than this
// version then is written with a star at its end.
func Validate(s killswitch.Scope, regions, kinds []string) error {
	v := validator{regions: regions, kinds: kinds}
	if err := v.lists(s, ""); err != nil {
		return err
	}
	if s.Exclude == nil {
		return nil
	}
	if s.Exclude.Exclude != nil {
		return errors.New("an exclusion cannot have an exclusion of its own: leave the inner one out")
	}
	if err := v.lists(*s.Exclude, "excluded "); err != nil {
		return err
	}
	return v.contradiction(s)
}

// validator holds what a scope is checked against.
type validator struct{ regions, kinds []string }

// lists checks the values of one scope; which is put before the name of what is refused.
func (v validator) lists(s killswitch.Scope, which string) error {
	for _, list := range []struct {
		name   string
		values []string
		check  func(string) error
	}{
		{"region", s.Regions, v.region},
		{"service", s.Services, v.service},
		{"tag", s.Tags, checkTag},
		{"id", s.IDs, checkID},
	} {
		for _, value := range list.values {
			if value == "" || strings.TrimSpace(value) != value {
				return fmt.Errorf("%s%s %.100q is empty, or begins or ends with a space: take that out", which, list.name, value)
			}
			if err := list.check(value); err != nil {
				return fmt.Errorf("%s%s %.100q: %w", which, list.name, value, err)
			}
		}
	}
	return nil
}

func (v validator) region(pattern string) error {
	if strings.ContainsFunc(pattern, notInRegion) {
		return errors.New(`a region consists of a–z, 0–9 and "-", with * and ? for any text and any character: "eu-west-1", "eu-*"`)
	}
	known := func(all []string) bool {
		return slices.ContainsFunc(all, func(r string) bool { return glob(pattern, r) })
	}
	switch {
	case len(v.regions) > 0 && !known(v.regions):
		return fmt.Errorf("no region of this account%s", meant(pattern, v.regions))
	case len(v.regions) == 0 && !known(Regions) && !newer.MatchString(pattern):
		return fmt.Errorf(`no region of AWS%s (one that is newer than this version is written with a star, "eu-new-1*")`, meant(pattern, Regions))
	}
	return nil
}

// newer is how a region is written that this version does not know.
var newer = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+\*$`)

func notInRegion(c rune) bool {
	return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("-*?", c))
}

func (v validator) service(service string) error {
	words := v.services()
	if slices.Contains(words, service) {
		return nil
	}
	return fmt.Errorf("no service of the brake%s", meant(service, words))
}

// services are the words that name kinds: each kind and the part before its colon.
func (v validator) services() []string {
	var words []string
	for _, kind := range v.kinds {
		words = append(words, killswitch.Kind(kind).Service(), kind)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func checkTag(tag string) error {
	key, value, _ := strings.Cut(tag, "=")
	switch {
	case key == "":
		return errors.New(`there is no key before "=": write "key" or "key=value"`)
	case utf8.RuneCountInString(key) > longestTagKey:
		return fmt.Errorf("the key is longer than the %d characters that AWS takes: no resource can have it", longestTagKey)
	case utf8.RuneCountInString(value) > longestTagValue:
		return fmt.Errorf("the value is longer than the %d characters that AWS takes: no resource can have it", longestTagValue)
	case strings.TrimSpace(key) != key || strings.TrimSpace(value) != value:
		return fmt.Errorf(`there are spaces around "=": write "%s=%s"`, strings.TrimSpace(key), strings.TrimSpace(value))
	}
	return nil
}

func checkID(id string) error {
	if strings.HasPrefix(id, "arn:") {
		return errors.New("this is an ARN: write the id alone, as the tables show it")
	}
	return nil
}

// contradiction refuses an exclusion that leaves nothing of something that was asked for by name,
// or nothing at all.
func (v validator) contradiction(s killswitch.Scope) error {
	for _, list := range []struct {
		name             string
		include, exclude []string
		covers           func(out, in string) bool
	}{
		{"region", s.Regions, s.Exclude.Regions, v.coversRegion},
		{"service", s.Services, s.Exclude.Services, coversService},
		{"tag", s.Tags, s.Exclude.Tags, coversTag},
		{"id", s.IDs, s.Exclude.IDs, func(out, in string) bool { return out == in }},
	} {
		for _, in := range list.include {
			for _, out := range list.exclude {
				if list.covers(out, in) {
					return fmt.Errorf("%s %.100q is asked for and taken out again by the excluded %s %.100q: leave one of them out",
						list.name, in, list.name, out)
				}
			}
		}
	}
	if len(s.Regions) == 0 && !slices.ContainsFunc(v.known(), func(r string) bool { return MayMatchRegion(s, r) }) ||
		len(s.Regions) > 0 && !slices.ContainsFunc(s.Regions, func(in string) bool { return v.leaves(s.Exclude.Regions, in) }) {
		return fmt.Errorf("no region is left when %.300s are excluded: exclude less", strings.Join(s.Exclude.Regions, ", "))
	}
	if !slices.ContainsFunc(v.kinds, func(k string) bool { return MayMatchKind(s, killswitch.Kind(k)) }) {
		return fmt.Errorf("no service is left when %.300s are excluded: exclude less", strings.Join(s.Exclude.Services, ", "))
	}
	return nil
}

// coversRegion says whether an exclusion takes out all that a region pattern stands for.
func (v validator) coversRegion(out, in string) bool { return !v.leaves([]string{out}, in) }

// leaves says whether exclusions leave anything of what a region pattern stands for: of what the
// account has, or of what AWS has where that is not known. A pattern for a newer region is left
// unless it is excluded by a pattern of its own.
func (v validator) leaves(out []string, in string) bool {
	if slices.ContainsFunc(out, func(o string) bool { return glob(o, in) }) {
		return false
	}
	unknown := true
	for _, r := range v.known() {
		if glob(in, r) {
			unknown = false
			if !anyRegion(out, r) {
				return true
			}
		}
	}
	return unknown
}

// known are the regions that a scope can be about.
func (v validator) known() []string {
	if len(v.regions) > 0 {
		return v.regions
	}
	return Regions
}

func coversService(out, in string) bool { return serves(out, killswitch.Kind(in)) }

// coversTag: the exclusion of a key takes out each of its values too.
func coversTag(out, in string) bool {
	key, _, _ := strings.Cut(in, "=")
	return out == in || out == key
}

// meant ends a message about an unknown word: the known word that it is likely to stand for, or all.
func meant(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ": known are " + strings.Join(known, ", ")
}

// Nearest is the known word that somebody is likely to have meant, or empty.
func Nearest(word string, known []string) string {
	best, distance := "", 1+len(word)/3 // further away is another word
	lower := strings.ToLower(word)
	for _, k := range known {
		if d := edits(lower, k); d < distance || d == distance && best == "" {
			best, distance = k, d
		}
	}
	return best
}

// edits is the least number of bytes to insert, delete or replace to make a into b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
