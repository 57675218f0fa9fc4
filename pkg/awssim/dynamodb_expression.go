package awssim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The expressions of
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html, as far as the
// account models them: conditions, updates, key conditions and projections.

// invalid is DynamoDB's ValidationException.
func invalid(message string) error {
	return apiError(http.StatusBadRequest, "ValidationException", message)
}

// placeholders are the names and values that the expressions of one request may use.
type placeholders struct {
	names      map[string]string
	values     item
	usedNames  map[string]bool
	usedValues map[string]bool
}

func newPlaceholders(names map[string]string, values item) (*placeholders, error) {
	p := &placeholders{names: names, usedNames: map[string]bool{}, usedValues: map[string]bool{}}
	if values != nil && len(values) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	if names != nil && len(names) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	for name := range values {
		if !strings.HasPrefix(name, ":") {
			return nil, invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "` + name + `"`)
		}
	}
	for name := range names {
		if !strings.HasPrefix(name, "#") {
			return nil, invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "` + name + `"`)
		}
	}
	var err error
	p.values, err = cloneItem(values)
	return p, err
}

// unused refuses placeholders that no expression used, as DynamoDB does.
func (p *placeholders) unused() error {
	for _, name := range slices.Sorted(maps.Keys(p.names)) {
		if !p.usedNames[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + name + "}")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !p.usedValues[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + name + "}")
		}
	}
	return nil
}

// parser reads one expression. The first error sticks and ends the reading.
type parser struct {
	kind   string // ConditionExpression, UpdateExpression …
	with   *placeholders
	roots  []string // the attributes it speaks of
	tokens []string
	err    error
}

// parse reads a whole expression by one rule; an empty text is refused, as DynamoDB does.
func parse[T any](kind string, text *string, with *placeholders, rule func(*parser) T) (result T, err error) {
	if text == nil {
		return result, nil
	}
	p := &parser{kind: kind, with: with}
	if strings.TrimSpace(*text) == "" {
		return result, invalid("Invalid " + kind + ": The expression can not be empty;")
	}
	p.tokens = p.split(*text)
	result = rule(p)
	if p.err == nil && len(p.tokens) > 0 {
		p.fail("Syntax error; token: %q", p.tokens[0])
	}
	return result, p.err
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid " + p.kind + ": " + fmt.Sprintf(format, args...))
	}
	p.tokens = nil
}

// split cuts an expression into words, numbers and symbols.
func (p *parser) split(text string) []string {
	var tokens []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		n := 1
		switch {
		case isWord(rune(text[0])):
			for n < len(text) && isWord(rune(text[n])) {
				n++
			}
		case strings.HasPrefix(text, "<>") || strings.HasPrefix(text, "<=") || strings.HasPrefix(text, ">="):
			n = 2
		case !strings.ContainsRune("=<>()[],.+-", rune(text[0])):
			p.fail("Syntax error; token: %q", text[:1])
			return nil
		}
		tokens = append(tokens, text[:n])
		text = text[n:]
	}
	return tokens
}

func isWord(r rune) bool {
	return r == '_' || r == '#' || r == ':' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// peek is the next token, "" at the end.
func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) next() string {
	t := p.peek()
	if t != "" {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token if it is the given symbol or keyword; keywords have no case.
func (p *parser) accept(want string) bool {
	if !strings.EqualFold(p.peek(), want) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(want string) {
	if p.err == nil && !p.accept(want) {
		if len(p.tokens) == 0 {
			p.fail("Syntax error; token: \"<EOF>\"")
			return
		}
		p.fail("Syntax error; token: %q", p.peek())
	}
}

// path is a document path: names, and indexes of lists.
type path []pathPart

type pathPart struct {
	name  string
	index int // of a list where name is ""
}

func (p path) String() string {
	var b strings.Builder
	for i, part := range p {
		switch {
		case part.name == "":
			fmt.Fprintf(&b, "[%d]", part.index)
		case i > 0:
			b.WriteString("." + part.name)
		default:
			b.WriteString(part.name)
		}
	}
	return b.String()
}

// overlaps says whether one path is the other or a part of it.
func (p path) overlaps(o path) bool {
	n := min(len(p), len(o))
	return slices.Equal(p[:n], o[:n])
}

// find is the value at the path, nil where there is none.
func (p path) find(it item) value {
	var v value = &vM{Value: it}
	for _, part := range p {
		switch in := v.(type) {
		case *vM:
			if part.name == "" || in.Value[part.name] == nil {
				return nil
			}
			v = in.Value[part.name]
		case *vL:
			if part.name != "" || part.index >= len(in.Value) {
				return nil
			}
			v = in.Value[part.index]
		default:
			return nil
		}
	}
	return v
}

// path reads a document path.
func (p *parser) path() path {
	result := path{{name: p.name()}}
	p.roots = append(p.roots, result[0].name)
	for p.err == nil {
		switch {
		case p.accept("."):
			result = append(result, pathPart{name: p.name()})
		case p.accept("["):
			index, err := strconv.Atoi(p.next())
			if err != nil {
				p.fail("Syntax error; an index must be a number")
			}
			result = append(result, pathPart{index: index})
			p.expect("]")
		default:
			return result
		}
	}
	return result
}

// name reads one attribute name, bare or by placeholder.
func (p *parser) name() string {
	t := p.next()
	switch {
	case p.err != nil:
		return ""
	case t == "":
		p.fail("Syntax error; token: \"<EOF>\"")
	case t[0] == '#':
		name, defined := p.with.names[t]
		if !defined {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t)
		}
		p.with.usedNames[t] = true
		return name
	case !isWord(rune(t[0])) || t[0] == ':' || unicode.IsDigit(rune(t[0])):
		p.fail("Syntax error; token: %q", t)
	case reserved[strings.ToUpper(t)]:
		p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t)
	}
	return t
}

// value reads a value's placeholder.
func (p *parser) value() value {
	t := p.next()
	v, defined := p.with.values[t]
	if p.err == nil && !strings.HasPrefix(t, ":") {
		p.fail("Syntax error; token: %q", t)
	}
	if p.err == nil && !defined {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t)
	}
	p.with.usedValues[t] = true
	return v
}

// paths reads the paths of a projection.
func (p *parser) paths() []path {
	all := []path{p.path()}
	for p.accept(",") {
		all = append(all, p.path())
	}
	p.disjoint(all)
	return all
}

// disjoint refuses paths of which one is a part of another.
func (p *parser) disjoint(all []path) {
	for i, x := range all {
		for _, y := range all[:i] {
			if p.err == nil && x.overlaps(y) {
				p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", y, x)
			}
		}
	}
}

// project keeps the named attributes of an item. Only whole attributes are modelled, which is what
// the callers' refusal of longer paths ensures.
func project(it item, paths []path) item {
	if paths == nil || it == nil {
		return it
	}
	kept := item{}
	for _, p := range paths {
		if v := p.find(it); v != nil {
			kept[p[0].name] = v
		}
	}
	return kept
}

// projection reads a ProjectionExpression.
func (c *call) projection(text *string, with *placeholders) ([]path, error) {
	paths, err := parse("ProjectionExpression", text, with, (*parser).paths)
	for _, p := range paths {
		if len(p) > 1 {
			return nil, c.unmodelled("dynamodb ProjectionExpression with a nested path")
		}
	}
	return paths, err
}

// reserved are the words that may not stand bare in an expression.
var reserved = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(reservedWords) {
		words[word] = true
	}
	return words
}()
