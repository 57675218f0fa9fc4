package snapshots

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"aws-hit-breaks/pkg/killswitch"
)

// Key names one stored item. PK is the partition, SK the item in it; both are made and read by this
// package alone. The parts of a key are joined by '#', with '#', '%' and control characters inside
// a part written as %XX, so that every key reads back as what it was made of.
type Key struct{ PK, SK string }

// String is the key on one line.
func (k Key) String() string { return k.PK + " " + k.SK }

// DynamoDB's limits for keys, in bytes, which hold for every store:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxPK = 2048
	maxSK = 1024
)

// class is what an item is.
type class int

const (
	unknownClass class = iota
	liveClass
	headerClass
	seenClass
	pricesClass
	leaseClass
	coverageClass
	originalClass
	partClass
	stateClass
)

// name is what a key says. Of its fields those are set that its class has.
type name struct {
	class    class
	account  string
	message  string
	snapshot string
	region   string
	kind     killswitch.Kind
	id       string
	order    int
	part     string
}

func accountPK(account string) string        { return join("ACCOUNT", account) }
func shardPK(snapshot, region string) string { return join("SNAPSHOT", snapshot, region) }

func join(word string, parts ...string) string {
	for _, part := range parts {
		word += "#" + escape(part)
	}
	return word
}

// ref is the resource that the key is about, without its account, which only bodies know.
func (n name) ref() killswitch.Ref {
	if n.kind == "" {
		return killswitch.Ref{}
	}
	return killswitch.Ref{Region: n.region, Kind: n.kind, ID: n.id}
}

// key is the inverse of parse.
func (n name) key() Key {
	kind := string(n.kind)
	switch n.class {
	case liveClass:
		return Key{accountPK(n.account), "LIVE"}
	case headerClass:
		return Key{accountPK(n.account), join("SNAPSHOT", n.snapshot)}
	case seenClass:
		return Key{join("ALARM", n.message), "SEEN"}
	case pricesClass:
		return Key{join("PRICES", n.account), "PRICES"}
	case leaseClass:
		return Key{shardPK(n.snapshot, n.region), "LEASE"}
	case coverageClass:
		return Key{shardPK(n.snapshot, n.region), join("COVERAGE", kind)}
	case originalClass:
		return Key{shardPK(n.snapshot, n.region), join("ORIGINAL", kind, n.id, strconv.Itoa(n.order))}
	case partClass:
		return Key{shardPK(n.snapshot, n.region), join("PART", kind, n.id, strconv.Itoa(n.order), n.part)}
	case stateClass:
		return Key{shardPK(n.snapshot, n.region), join("STATE", kind, n.id)}
	default:
		return Key{}
	}
}

// parse reads a key. It accepts only what key writes.
func parse(k Key) (name, bool) {
	pk, ok1 := split(k.PK)
	sk, ok2 := split(k.SK)
	if !ok1 || !ok2 {
		return name{}, false
	}
	var n name
	switch shape := fmt.Sprint(pk[0], len(pk), sk[0], len(sk)); shape {
	case "ACCOUNT2LIVE1":
		n = name{class: liveClass, account: pk[1]}
	case "ACCOUNT2SNAPSHOT2":
		n = name{class: headerClass, account: pk[1], snapshot: sk[1]}
	case "ALARM2SEEN1":
		n = name{class: seenClass, message: pk[1]}
	case "PRICES2PRICES1":
		n = name{class: pricesClass, account: pk[1]}
	case "SNAPSHOT3LEASE1":
		n = name{class: leaseClass}
	case "SNAPSHOT3COVERAGE2":
		n = name{class: coverageClass, kind: killswitch.Kind(sk[1])}
	case "SNAPSHOT3ORIGINAL4":
		n = name{class: originalClass, kind: killswitch.Kind(sk[1]), id: sk[2], order: number(sk[3])}
	case "SNAPSHOT3PART5":
		n = name{class: partClass, kind: killswitch.Kind(sk[1]), id: sk[2], order: number(sk[3]), part: sk[4]}
	case "SNAPSHOT3STATE3":
		n = name{class: stateClass, kind: killswitch.Kind(sk[1]), id: sk[2]}
	}
	if len(pk) == 3 {
		n.snapshot, n.region = pk[1], pk[2]
	}
	return n, n.class != unknownClass && n.check() == nil && n.key() == k
}

// check says what makes the name unfit to be a key.
func (n name) check() error {
	var parts []string
	switch n.class {
	case liveClass, pricesClass:
		parts = []string{n.account}
	case headerClass:
		parts = []string{n.account, n.snapshot}
	case seenClass:
		parts = []string{n.message}
	case leaseClass:
		parts = []string{n.snapshot, n.region}
	case coverageClass:
		parts = []string{n.snapshot, n.region, string(n.kind)}
	case originalClass, stateClass:
		parts = []string{n.snapshot, n.region, string(n.kind), n.id}
	case partClass:
		parts = []string{n.snapshot, n.region, string(n.kind), n.id, n.part}
	default:
		return errors.New("it is no item of a store")
	}
	for _, part := range parts {
		if part == "" {
			return errors.New("it has no name: a part of its key is empty")
		}
		if !utf8.ValidString(part) {
			return fmt.Errorf("its name %q is not valid UTF-8", part)
		}
	}
	if (n.class == originalClass || n.class == partClass) && n.order < 1 {
		return errors.New("it belongs to no order")
	}
	if k := n.key(); len(k.PK) > maxPK || len(k.SK) > maxSK {
		return fmt.Errorf("its key takes %d and %d bytes; DynamoDB allows %d and %d", len(k.PK), len(k.SK), maxPK, maxSK)
	}
	return nil
}

const hexDigits = "0123456789ABCDEF"

func escape(part string) string {
	var b strings.Builder
	for i := range len(part) {
		if c := part[i]; c == '#' || c == '%' || c < ' ' {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescape reads what escape writes, and anything else as something; parse compares.
func unescape(part string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		if part[i] != '%' {
			b.WriteByte(part[i])
			continue
		}
		if i+2 >= len(part) {
			return "", false
		}
		c, err := strconv.ParseUint(part[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), true
}

func split(key string) ([]string, bool) {
	parts := strings.Split(key, "#")
	for i, part := range parts {
		var ok bool
		if parts[i], ok = unescape(part); !ok {
			return nil, false
		}
	}
	return parts, true
}

// number is the order in a key, or 0, which is no order.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
