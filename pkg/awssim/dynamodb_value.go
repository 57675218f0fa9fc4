package awssim

import (
	"bytes"
	"math/big"
	"slices"
	"strconv"
	"strings"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is a stored item or a part of one. Items in a table are never changed, only replaced.
type item = map[string]ddbtypes.AttributeValue

// Short names of the types of attribute values.
type (
	value = ddbtypes.AttributeValue
	vS    = ddbtypes.AttributeValueMemberS
	vN    = ddbtypes.AttributeValueMemberN
	vB    = ddbtypes.AttributeValueMemberB
	vBOOL = ddbtypes.AttributeValueMemberBOOL
	vNULL = ddbtypes.AttributeValueMemberNULL
	vM    = ddbtypes.AttributeValueMemberM
	vL    = ddbtypes.AttributeValueMemberL
	vSS   = ddbtypes.AttributeValueMemberSS
	vNS   = ddbtypes.AttributeValueMemberNS
	vBS   = ddbtypes.AttributeValueMemberBS
)

// typeName is the type of a value as attribute_type and error messages write it.
func typeName(v value) string {
	switch v.(type) {
	case *vS:
		return "S"
	case *vN:
		return "N"
	case *vB:
		return "B"
	case *vBOOL:
		return "BOOL"
	case *vNULL:
		return "NULL"
	case *vM:
		return "M"
	case *vL:
		return "L"
	case *vSS:
		return "SS"
	case *vNS:
		return "NS"
	case *vBS:
		return "BS"
	}
	return ""
}

// cloneItem copies an item as the wire does, with numbers in their canonical form, and refuses what
// DynamoDB refuses to store.
func cloneItem(in item) (item, error) {
	if in == nil {
		return nil, nil
	}
	out := make(item, len(in))
	for name, v := range in {
		copied, err := cloneValue(v)
		if err != nil {
			return nil, err
		}
		out[name] = copied
	}
	return out, nil
}

// copyItem is cloneItem for what is stored already.
func copyItem(in item) item {
	out, err := cloneItem(in)
	if err != nil {
		panic("awssim: a stored item is invalid: " + err.Error())
	}
	return out
}

func cloneValue(v value) (value, error) {
	switch v := v.(type) {
	case *vS:
		return &vS{Value: strings.Clone(v.Value)}, nil // who wrote it does not hold what is stored
	case *vN:
		n, err := number(v.Value)
		return &vN{Value: n}, err
	case *vB:
		return &vB{Value: bytes.Clone(v.Value)}, nil
	case *vBOOL:
		return &vBOOL{Value: v.Value}, nil
	case *vNULL:
		return &vNULL{Value: v.Value}, nil
	case *vM:
		m, err := cloneItem(v.Value)
		if m == nil {
			m = item{}
		}
		return &vM{Value: m}, err
	case *vL:
		list := make([]value, len(v.Value))
		for i, e := range v.Value {
			var err error
			if list[i], err = cloneValue(e); err != nil {
				return nil, err
			}
		}
		return &vL{Value: list}, nil
	}
	return cloneSet(v)
}

func cloneSet(v value) (value, error) {
	var elements []string
	var set value
	switch v := v.(type) {
	case *vSS:
		elements = slices.Clone(v.Value)
		set = &vSS{Value: elements}
	case *vNS:
		for _, e := range v.Value {
			n, err := number(e)
			if err != nil {
				return nil, err
			}
			elements = append(elements, n)
		}
		set = &vNS{Value: elements}
	case *vBS:
		copied := &vBS{}
		for _, e := range v.Value {
			elements = append(elements, string(e))
			copied.Value = append(copied.Value, bytes.Clone(e))
		}
		set = copied
	default:
		return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	if len(elements) == 0 {
		return nil, invalid("One or more parameter values were invalid: An string set  may not be empty")
	}
	sorted := slices.Sorted(slices.Values(elements))
	if len(slices.Compact(sorted)) != len(elements) {
		return nil, invalid("One or more parameter values were invalid: Input collection contains duplicates.")
	}
	return set, nil
}

// number writes a number as DynamoDB returns it: exact, without exponent or needless zeros.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func number(text string) (string, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return text, nil // by far the most are
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || strings.ContainsAny(text, "/_xXpP") {
		return "", invalid("The parameter cannot be converted to a numeric value: " + text)
	}
	return formatNumber(r)
}

func formatNumber(r *big.Rat) (string, error) {
	n := r.FloatString(130)
	n = strings.TrimSuffix(strings.TrimRight(n, "0"), ".")
	if digits := strings.Trim(strings.Replace(strings.TrimPrefix(n, "-"), ".", "", 1), "0"); len(digits) > 38 {
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return n, nil
}

func rat(n *vN) *big.Rat {
	r, _ := new(big.Rat).SetString(n.Value)
	if r == nil {
		return new(big.Rat)
	}
	return r
}

// sizeOfItem is an item's size in bytes as the limits count it:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func sizeOfItem(it item) int {
	size := 0
	for name, v := range it {
		size += len(name) + sizeOf(v)
	}
	return size
}

func sizeOf(v value) int {
	size := 0
	switch v := v.(type) {
	case *vS:
		return len(v.Value)
	case *vN:
		return sizeOfNumber(v.Value)
	case *vB:
		return len(v.Value)
	case *vBOOL, *vNULL:
		return 1
	case *vSS:
		for _, e := range v.Value {
			size += len(e)
		}
	case *vNS:
		for _, e := range v.Value {
			size += sizeOfNumber(e)
		}
	case *vBS:
		for _, e := range v.Value {
			size += len(e)
		}
	case *vL:
		size = 3
		for _, e := range v.Value {
			size += 1 + sizeOf(e)
		}
	case *vM:
		size = 3 + sizeOfItem(v.Value) + len(v.Value)
	}
	return size
}

// sizeOfNumber is about a byte for two significant digits and one more.
func sizeOfNumber(n string) int {
	return (len(strings.Trim(strings.Replace(n, ".", "", 1), "-0"))+1)/2 + 1
}

// equal compares values by type and content; the order within a set does not count.
func equal(a, b value) bool {
	switch a := a.(type) {
	case *vN:
		b, ok := b.(*vN)
		return ok && rat(a).Cmp(rat(b)) == 0
	case *vBOOL:
		b, ok := b.(*vBOOL)
		return ok && a.Value == b.Value
	case *vNULL:
		_, ok := b.(*vNULL)
		return ok
	case *vM:
		b, ok := b.(*vM)
		if !ok || len(a.Value) != len(b.Value) {
			return false
		}
		for name, v := range a.Value {
			if other, has := b.Value[name]; !has || !equal(v, other) {
				return false
			}
		}
		return true
	case *vL:
		b, ok := b.(*vL)
		return ok && slices.EqualFunc(a.Value, b.Value, equal)
	case *vS, *vB:
		c, ok := order(a, b)
		return ok && c == 0
	}
	x, y := elements(a), elements(b)
	return a != nil && b != nil && typeName(a) == typeName(b) && len(x) == len(y) &&
		!slices.ContainsFunc(x, func(e value) bool { return !slices.ContainsFunc(y, func(f value) bool { return equal(e, f) }) })
}

// order compares two strings, numbers or binaries; ok is false for anything else.
func order(a, b value) (c int, ok bool) {
	switch a := a.(type) {
	case *vS:
		if b, same := b.(*vS); same {
			return strings.Compare(a.Value, b.Value), true
		}
	case *vN:
		if b, same := b.(*vN); same {
			return rat(a).Cmp(rat(b)), true
		}
	case *vB:
		if b, same := b.(*vB); same {
			return bytes.Compare(a.Value, b.Value), true
		}
	}
	return 0, false
}

// elements are the members of a set, as values.
func elements(set value) []value {
	var all []value
	switch set := set.(type) {
	case *vSS:
		for _, e := range set.Value {
			all = append(all, &vS{Value: e})
		}
	case *vNS:
		for _, e := range set.Value {
			all = append(all, &vN{Value: e})
		}
	case *vBS:
		for _, e := range set.Value {
			all = append(all, &vB{Value: e})
		}
	}
	return all
}

// setOf makes a set of the type of like, nil if it would be empty.
func setOf(like value, all []value) value {
	if len(all) == 0 {
		return nil
	}
	switch like.(type) {
	case *vSS:
		set := &vSS{}
		for _, e := range all {
			set.Value = append(set.Value, e.(*vS).Value)
		}
		return set
	case *vNS:
		set := &vNS{}
		for _, e := range all {
			set.Value = append(set.Value, e.(*vN).Value)
		}
		return set
	}
	set := &vBS{}
	for _, e := range all {
		set.Value = append(set.Value, e.(*vB).Value)
	}
	return set
}
