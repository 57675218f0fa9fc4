package awssim

import (
	"bytes"
	"slices"
	"strings"
)

// condition says whether an item, nil for none, is as a request demands. The nil condition holds
// for every item.
type condition func(item) bool

func (c condition) holds(it item) bool { return c == nil || c(it) }

// operand is one side of a comparison: a path, a value or the size of a path.
type operand struct {
	text  string
	path  path
	of    func(item) value // nil where there is no such attribute
	fixed value            // of a value's placeholder
}

// condition reads a whole condition; OR binds weakest, then AND, then NOT.
func (p *parser) condition() condition {
	left := p.and()
	for p.accept("OR") {
		l, r := left, p.and()
		left = func(it item) bool { return l(it) || r(it) }
	}
	return left
}

// filter reads a condition on what a query has found, which may not speak of the keys.
func (p *parser) filter() condition {
	result := p.condition()
	for _, name := range p.roots {
		if p.err == nil && (name == "PK" || name == "SK") {
			p.err = invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name)
		}
	}
	return result
}

func (p *parser) and() condition {
	left := p.not()
	for p.accept("AND") {
		l, r := left, p.not()
		left = func(it item) bool { return l(it) && r(it) }
	}
	return left
}

func (p *parser) not() condition {
	if p.accept("NOT") {
		inner := p.not()
		return func(it item) bool { return !inner(it) }
	}
	if p.accept("(") {
		inner := p.condition()
		p.expect(")")
		return inner
	}
	if len(p.tokens) > 1 && p.tokens[1] == "(" && !strings.EqualFold(p.peek(), "size") {
		return p.function()
	}
	return p.comparison()
}

// never is what a rule returns after an error.
func never(item) bool { return false }

// function reads one of the functions that are conditions.
func (p *parser) function() condition {
	name := p.next()
	p.expect("(")
	var result condition = never
	switch name {
	case "attribute_exists":
		at := p.path()
		result = func(it item) bool { return at.find(it) != nil }
	case "attribute_not_exists":
		at := p.path()
		result = func(it item) bool { return at.find(it) == nil }
	case "attribute_type":
		at, want := p.pathAndOperand()
		result = func(it item) bool {
			s, ok := want.of(it).(*vS)
			return ok && at.find(it) != nil && typeName(at.find(it)) == s.Value
		}
	case "begins_with":
		at, prefix := p.pathAndOperand()
		if t := typeName(prefix.fixed); prefix.fixed != nil && t != "S" && t != "B" {
			p.fail("Incorrect operand type for operator or function; operator or function: begins_with, operand type: %s", t)
		}
		result = func(it item) bool { return beginsWith(at.find(it), prefix.of(it)) }
	case "contains":
		at, part := p.pathAndOperand()
		result = func(it item) bool { return contains(at.find(it), part.of(it)) }
	default:
		p.fail("Invalid function name; function: %s", name)
	}
	p.expect(")")
	return result
}

func (p *parser) pathAndOperand() (path, operand) {
	at := p.path()
	p.expect(",")
	return at, p.operand()
}

// operand reads a path, a value or size(path).
func (p *parser) operand() operand {
	text := p.peek()
	if strings.HasPrefix(text, ":") {
		v := p.value()
		return operand{text: text, fixed: v, of: func(item) value { return v }}
	}
	if len(p.tokens) > 1 && text == "size" && p.tokens[1] == "(" {
		p.next()
		p.expect("(")
		at := p.path()
		p.expect(")")
		return operand{text: text, of: func(it item) value { return sizeFunction(at.find(it)) }}
	}
	at := p.path()
	return operand{text: at.String(), path: at, of: at.find}
}

// comparison reads operand op operand, BETWEEN and IN.
func (p *parser) comparison() condition {
	left := p.operand()
	switch op := p.next(); {
	case p.err != nil:
		return never
	case op == "=" || op == "<>" || op == "<" || op == "<=" || op == ">" || op == ">=":
		right := p.operand()
		p.comparable(op, left, right)
		return func(it item) bool { return compare(op, left.of(it), right.of(it)) }
	case strings.EqualFold(op, "BETWEEN"):
		low := p.operand()
		p.expect("AND")
		high := p.operand()
		p.comparable("BETWEEN", low, high)
		if c, ok := order(low.fixed, high.fixed); ok && c > 0 {
			p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "+
				"AttributeValue: %s, upper bound operand: AttributeValue: %s", low.text, high.text)
		}
		return func(it item) bool {
			v := left.of(it)
			return compare(">=", v, low.of(it)) && compare("<=", v, high.of(it))
		}
	case strings.EqualFold(op, "IN"):
		p.expect("(")
		list := []operand{p.operand()}
		for p.accept(",") {
			list = append(list, p.operand())
		}
		p.expect(")")
		return func(it item) bool {
			v := left.of(it)
			return slices.ContainsFunc(list, func(o operand) bool { return compare("=", v, o.of(it)) })
		}
	default:
		p.fail("Syntax error; token: %q", op)
		return never
	}
}

// comparable refuses fixed operands whose type has no order.
func (p *parser) comparable(op string, operands ...operand) {
	if op == "=" || op == "<>" {
		return
	}
	for _, o := range operands {
		if t := typeName(o.fixed); o.fixed != nil && t != "S" && t != "N" && t != "B" {
			p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, t)
		}
	}
}

// compare is false where an operand is missing or of another type, except that it then is unequal.
func compare(op string, a, b value) bool {
	if op == "=" || op == "<>" {
		return (a != nil && b != nil && equal(a, b)) == (op == "=")
	}
	c, ok := order(a, b)
	switch {
	case !ok:
		return false
	case op == "<":
		return c < 0
	case op == "<=":
		return c <= 0
	case op == ">":
		return c > 0
	}
	return c >= 0
}

func beginsWith(v, prefix value) bool {
	switch v := v.(type) {
	case *vS:
		p, ok := prefix.(*vS)
		return ok && strings.HasPrefix(v.Value, p.Value)
	case *vB:
		p, ok := prefix.(*vB)
		return ok && bytes.HasPrefix(v.Value, p.Value)
	}
	return false
}

// contains looks for a part of a string or binary, or for an element of a set or list.
func contains(v, part value) bool {
	switch v := v.(type) {
	case *vS:
		p, ok := part.(*vS)
		return ok && strings.Contains(v.Value, p.Value)
	case *vB:
		p, ok := part.(*vB)
		return ok && bytes.Contains(v.Value, p.Value)
	case *vL:
		return part != nil && slices.ContainsFunc(v.Value, func(e value) bool { return equal(e, part) })
	}
	return part != nil && slices.ContainsFunc(elements(v), func(e value) bool { return equal(e, part) })
}

// sizeFunction is size(): characters, bytes or elements; nil where a value has none.
func sizeFunction(v value) value {
	n := 0
	switch v := v.(type) {
	case *vS:
		n = len(v.Value)
	case *vB:
		n = len(v.Value)
	case *vL:
		n = len(v.Value)
	case *vM:
		n = len(v.Value)
	case *vSS, *vNS, *vBS:
		n = len(elements(v))
	default:
		return nil
	}
	return intValue(n)
}

// keyCondition is what a Query asks of the keys: one PK, and what holds of SK.
type keyCondition struct {
	pk string
	sk condition
}

// keyCondition reads PK = :value, alone or AND with one condition on SK.
func (p *parser) keyCondition() keyCondition {
	var k keyCondition
	p.keyTerms(&k)
	if p.err == nil && k.pk == "" {
		p.err = invalid("Query condition missed key schema element: PK")
	}
	return k
}

func (p *parser) keyTerms(k *keyCondition) {
	for more := true; more && p.err == nil; more = p.accept("AND") {
		if p.accept("(") {
			p.keyTerms(k)
			p.expect(")")
			continue
		}
		p.keyTerm(k)
	}
}

func (p *parser) keyTerm(k *keyCondition) {
	// Read it once to see which attribute it is about, then as the condition it is.
	before := slices.Clone(p.tokens)
	begins := strings.EqualFold(p.peek(), "begins_with")
	if begins {
		p.next()
		p.expect("(")
	}
	at := p.path().String()
	op := p.next()
	if p.err != nil {
		return
	}
	switch {
	case at == "PK" && !begins && op == "=" && k.pk == "":
		v, isString := p.value().(*vS)
		if p.err == nil && (!isString || v.Value == "") {
			p.err = invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
			return
		}
		if isString {
			k.pk = v.Value
		}
	case at == "PK":
		p.err = invalid("Query key condition not supported")
	case at == "SK" && k.sk == nil && (begins || op != "<>" && !strings.EqualFold(op, "IN")):
		p.tokens = before
		if begins {
			k.sk = p.function()
		} else {
			k.sk = p.comparison()
		}
	case at == "SK":
		p.fail("KeyConditionExpressions must only contain one condition per key")
	default:
		p.err = invalid("Query condition missed key schema element: SK")
	}
}
