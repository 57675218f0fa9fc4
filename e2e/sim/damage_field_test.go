package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// damage is what becomes of one item of the table.
type damage struct {
	was     attributes
	field   string // an attribute, or a path in the body: "body.state.phase"
	how     string // flipped, truncated, removed …
	forged  bool   // the checksum is right for what is there now
	becomes []attributes
}

func (d damage) String() string {
	checksum := ""
	if d.forged {
		checksum = ", with a checksum that is right for it"
	}
	return fmt.Sprintf("%s: %s %s%s", d.was.key(), d.field, d.how, checksum)
}

// overlaps says whether two damages are of the same resource.
func (d damage) overlaps(other damage) bool { return d.was.resource() == other.was.resource() }

// plausible says whether the damage is none that anybody can find: the checksum is right, and the body
// says what it could have said. Whatever comes of that, nothing else may suffer for it.
func (d damage) plausible() bool {
	if d.was.class() == "SEEN" {
		return true // no part of the snapshot
	}
	if !d.forged {
		return false
	}
	field := d.was.class() + " " + d.field
	holds := func(prefix string) bool { return strings.HasPrefix(field, prefix) }
	switch d.how {
	case "flipped", "truncated", "negative":
		return slices.ContainsFunc(anyValue, holds)
	case "removed":
		return slices.ContainsFunc(optional, holds)
	}
	return field == "PART body.data.members"
}

// anyValue are the fields in which another value could be as true.
var anyValue = []string{
	"COVERAGE body.count", "COVERAGE body.items", "COVERAGE body.listed", "COVERAGE body.verdicts", "LEASE body.", "LIVE body.regions",
	"ORIGINAL body.data.", "ORIGINAL body.resource.", "PART body.data.members", "PART body.seq", "SNAPSHOT body.toolVersion",
	"STATE body.parts", "STATE body.state.",
}

// optional are the fields that are not written where they are empty.
var optional = []string{
	"COVERAGE body.hash", "COVERAGE body.verdicts", "LEASE body.end", "LEASE body.owner", "LIVE body.lookAt", "LIVE body.regions",
	"ORIGINAL body.data.capacity", "ORIGINAL body.data.suspended", "ORIGINAL body.data.public", "ORIGINAL body.data.createdAt",
	"ORIGINAL body.data.target", "ORIGINAL body.data.changes", "ORIGINAL body.data.arn", "ORIGINAL body.data.groups",
	"ORIGINAL body.resource.name", "ORIGINAL body.resource.type", "ORIGINAL body.resource.tags", "ORIGINAL body.resource.uses",
	"ORIGINAL body.resource.above",
	"STATE body.parts", "STATE body.state.",
}

// damages are all that can happen to the item alone: to each of its attributes, to each field of its
// body, and to itself. others are what it may be swapped with.
func damages(item attributes, others []attributes) []damage {
	all := slices.Concat(attributeDamages(item), bodyDamages(item), swaps(item, others))
	return append(all, damage{was: item, field: "item", how: "removed"})
}

// attributeDamages are those of the attributes that the table itself knows.
func attributeDamages(item attributes) []damage {
	var all []damage
	add := func(field, how string, other attributes) {
		all = append(all, damage{was: item, field: field, how: how, becomes: []attributes{item.with(other)}})
	}
	for _, name := range slices.Sorted(maps.Keys(item)) {
		value := item.text(name)
		if value == "" {
			continue
		}
		add(name, "flipped", attributes{name: textValue(flipped(value))})
		add(name, "truncated", attributes{name: textValue(value[:len(value)-1])})
		if name == "PK" || name == "SK" {
			continue // there is no item without them
		}
		add(name, "cut in half", attributes{name: textValue(value[:len(value)/2])})
		add(name, "removed", attributes{name: nil})
		add(name, "of another type", attributes{name: numberValue("1")})
	}
	add("V", "of a version to come", attributes{"V": numberValue("2")})
	add("V", "of no version", attributes{"V": numberValue("0")})
	add("V", "removed", attributes{"V": nil})
	add("V", "of another type", attributes{"V": textValue("1")})
	add("expires", "a minute ago", attributes{"expires": numberValue("1")})
	return all
}

// flipped changes the last letter or digit.
func flipped(s string) string {
	at := strings.LastIndexFunc(s, func(r rune) bool { return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) })
	if at < 0 {
		return s + "x"
	}
	return s[:at] + string(s[at]^1) + s[at+1:]
}

// bodyDamages are those of each field of the body, with the checksum left as it is, and made anew.
func bodyDamages(item attributes) []damage {
	var body any
	decoder := json.NewDecoder(strings.NewReader(item.text("body")))
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		panic(fmt.Sprintf("the body of %s, undamaged: %v", item.key(), err))
	}
	var all []damage
	ruin(body, "body", func(path, how string, instead any) {
		text, err := json.Marshal(instead)
		if err != nil {
			panic(err)
		}
		forged := item.forged(string(text))
		all = append(all,
			damage{was: item, field: path, how: how, becomes: []attributes{item.with(attributes{"body": forged["body"]})}},
			damage{was: item, field: path, how: how, forged: true, becomes: []attributes{forged}},
		)
	})
	return all
}

// ruin gives tell the whole value with each field below it damaged in each way.
func ruin(value any, path string, tell func(path, how string, instead any)) {
	change := func(how string, instead any) { tell(path, how, instead) }
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			without := maps.Clone(v)
			delete(without, name)
			tell(path+"."+name, "removed", without)
			ruin(v[name], path+"."+name, func(below, how string, instead any) {
				with := maps.Clone(v)
				with[name] = instead
				tell(below, how, with)
			})
		}
		change("unknown field", withField(v, "futureField", 1))
	case []any:
		if len(v) > 0 {
			change("truncated", v[:len(v)-1])
		}
		for i := range v {
			ruin(v[i], path+"[]", func(below, how string, instead any) {
				with := slices.Clone(v)
				with[i] = instead
				tell(below, how, with)
			})
		}
	case string:
		change("flipped", flipped(v))
		change("truncated", v[:len(v)/2])
		change("of another type", 7)
	case json.Number:
		n, _ := strconv.Atoi(v.String())
		change("flipped", n+1)
		change("truncated", n/10)
		change("negative", -n-1)
		change("of another type", "x")
	case bool:
		change("flipped", !v)
		change("of another type", "x")
	}
	if path != "body" {
		change("null", nil)
	}
}

func withField(object map[string]any, name string, value any) map[string]any {
	with := maps.Clone(object)
	with[name] = value
	return with
}

// swaps put in the item's place what lies elsewhere: its body alone, and with its checksum, as it is
// and made anew.
func swaps(item attributes, others []attributes) []damage {
	var all []damage
	for _, other := range others {
		if other.class() != item.class() || other.key() == item.key() {
			continue
		}
		how := "replaced by that of " + other.key()
		all = append(all,
			damage{was: item, field: "body", how: how, becomes: []attributes{item.with(attributes{"body": other["body"]})}},
			damage{was: item, field: "item", how: how, becomes: []attributes{other.with(attributes{"PK": item["PK"], "SK": item["SK"]})}},
			damage{was: item, field: "item", how: how, forged: true, becomes: []attributes{item.forged(other.text("body"))}},
		)
		if len(all) >= 6 {
			break // two others say it
		}
	}
	return all
}
