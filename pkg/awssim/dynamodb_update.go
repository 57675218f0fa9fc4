package awssim

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// update is a parsed UpdateExpression.
type update struct {
	set    []assignment
	remove []path
	add    []change
	del    []change
}

// assignment gives the attribute at a path a value that is computed of the item before the update.
type assignment struct {
	at path
	to func(item) (value, error)
}

// change adds to, or deletes from, the attribute at a path.
type change struct {
	at path
	by value
}

// update reads SET, REMOVE, ADD and DELETE, each at most once, in any order.
func (p *parser) update() *update {
	u := &update{}
	seen := map[string]bool{}
	for p.err == nil && len(p.tokens) > 0 {
		section := strings.ToUpper(p.next())
		if seen[section] {
			p.fail("The %q section can only be used once in an update expression;", section)
			break
		}
		seen[section] = true
		for more := true; more && p.err == nil; more = p.accept(",") {
			p.action(section, u)
		}
	}
	p.disjoint(u.paths())
	for _, at := range u.paths() {
		if name := at[0].name; p.err == nil && (name == "PK" || name == "SK") {
			p.err = invalid("One or more parameter values were invalid: Cannot update attribute " + name + ". This attribute is part of the key")
		}
	}
	return u
}

// action reads one action of a section.
func (p *parser) action(section string, u *update) {
	switch section {
	case "SET":
		at := p.path()
		p.expect("=")
		u.set = append(u.set, assignment{at, p.sum()})
	case "REMOVE":
		u.remove = append(u.remove, p.path())
	case "ADD", "DELETE":
		c := change{p.path(), p.value()}
		t := typeName(c.by)
		isSet := t == "SS" || t == "NS" || t == "BS"
		if p.err == nil && !isSet && (section == "DELETE" || t != "N") {
			p.fail("Incorrect operand type for operator or function; operator: %s, operand type: %s", section, t)
		}
		if section == "ADD" {
			u.add = append(u.add, c)
		} else {
			u.del = append(u.del, c)
		}
	default:
		p.fail("Syntax error; token: %q", section)
	}
}

func (u *update) paths() []path {
	var all []path
	for _, s := range u.set {
		all = append(all, s.at)
	}
	all = append(all, u.remove...)
	for _, c := range slices.Concat(u.add, u.del) {
		all = append(all, c.at)
	}
	return all
}

// sum reads an operand, or two with + or - between.
func (p *parser) sum() func(item) (value, error) {
	left := p.term()
	op := p.peek()
	if op != "+" && op != "-" {
		return left
	}
	p.next()
	right := p.term()
	return func(it item) (value, error) {
		l, err := left(it)
		if err != nil {
			return nil, err
		}
		r, err := right(it)
		if err != nil {
			return nil, err
		}
		x, ok1 := l.(*vN)
		y, ok2 := r.(*vN)
		if !ok1 || !ok2 {
			return nil, invalid("An operand in the update expression has an incorrect data type")
		}
		if op == "-" {
			return numberValue(new(big.Rat).Sub(rat(x), rat(y)))
		}
		return numberValue(new(big.Rat).Add(rat(x), rat(y)))
	}
}

// term reads a path, a value, if_not_exists, list_append or a sum in parentheses.
func (p *parser) term() func(item) (value, error) {
	if p.accept("(") {
		inner := p.sum()
		p.expect(")")
		return inner
	}
	if len(p.tokens) < 2 || p.tokens[1] != "(" {
		o := p.operand()
		return func(it item) (value, error) {
			if v := o.of(it); v != nil {
				return v, nil
			}
			return nil, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
	}
	name := p.next()
	p.expect("(")
	defer p.expect(")")
	switch name {
	case "if_not_exists":
		at := p.path()
		p.expect(",")
		otherwise := p.term()
		return func(it item) (value, error) {
			if v := at.find(it); v != nil {
				return v, nil
			}
			return otherwise(it)
		}
	case "list_append":
		first := p.term()
		p.expect(",")
		return appendLists(first, p.term())
	}
	p.fail("Invalid function name; function: %s", name)
	return nil
}

func appendLists(first, second func(item) (value, error)) func(item) (value, error) {
	return func(it item) (value, error) {
		x, err := first(it)
		if err != nil {
			return nil, err
		}
		y, err := second(it)
		if err != nil {
			return nil, err
		}
		a, ok1 := x.(*vL)
		b, ok2 := y.(*vL)
		if !ok1 || !ok2 {
			return nil, invalid("An operand in the update expression has an incorrect data type")
		}
		return &vL{Value: slices.Concat(a.Value, b.Value)}, nil
	}
}

// apply is the item after the update, and the item before stays as it was.
func (u *update) apply(old item) (item, error) {
	after := copyItem(old)
	for _, s := range u.set {
		v, err := s.to(old)
		if err != nil {
			return nil, err
		}
		if err := put(after, s.at, v); err != nil {
			return nil, err
		}
	}
	// Indexes count in the list before the update, so take the highest out first.
	removals := slices.Clone(u.remove)
	slices.SortStableFunc(removals, func(x, y path) int { return y[len(y)-1].index - x[len(x)-1].index })
	for _, at := range removals {
		if err := put(after, at, nil); err != nil {
			return nil, err
		}
	}
	for _, c := range u.add {
		v, err := added(c.at.find(old), c.by)
		if err != nil {
			return nil, err
		}
		if err := put(after, c.at, v); err != nil {
			return nil, err
		}
	}
	for _, c := range u.del {
		if err := subtract(after, old, c); err != nil {
			return nil, err
		}
	}
	return cloneItem(after)
}

// added is a number or set with another added; what is not there counts as zero or empty.
func added(old, by value) (value, error) {
	if old == nil {
		return by, nil
	}
	if typeName(old) != typeName(by) {
		return nil, invalid("An operand in the update expression has an incorrect data type")
	}
	if n, ok := old.(*vN); ok {
		return numberValue(new(big.Rat).Add(rat(n), rat(by.(*vN))))
	}
	union := elements(old)
	for _, e := range elements(by) {
		if !contains(old, e) {
			union = append(union, e)
		}
	}
	return setOf(old, union), nil
}

// subtract takes elements out of a set; an empty set is an attribute less.
func subtract(after, old item, c change) error {
	set := c.at.find(old)
	if set == nil {
		return nil
	}
	if typeName(set) != typeName(c.by) {
		return invalid("An operand in the update expression has an incorrect data type")
	}
	left := slices.DeleteFunc(elements(set), func(e value) bool { return contains(c.by, e) })
	return put(after, c.at, setOf(set, left))
}

// put sets the attribute at a path of an item of our own, or removes it for nil. All of the path
// but its end has to be there.
func put(it item, at path, v value) error {
	holder := at[:len(at)-1].find(it)
	last := at[len(at)-1]
	switch in := holder.(type) {
	case *vM:
		switch {
		case last.name == "":
			return errPath
		case v == nil:
			delete(in.Value, last.name)
		default:
			in.Value[last.name] = v
		}
		return nil
	case *vL:
		switch {
		case last.name != "":
			return errPath
		case v == nil && last.index < len(in.Value):
			in.Value = slices.Delete(in.Value, last.index, last.index+1)
		case v != nil && last.index < len(in.Value):
			in.Value[last.index] = v
		case v != nil:
			in.Value = append(in.Value, v)
		}
		return nil
	}
	if v == nil && holder == nil && len(at) == 1 {
		return nil
	}
	return errPath
}

var errPath = invalid("The document path provided in the update expression is invalid for update")

func numberValue(r *big.Rat) (value, error) {
	n, err := formatNumber(r)
	return &vN{Value: n}, err
}

func intValue(n int) value { return &vN{Value: strconv.Itoa(n)} }
