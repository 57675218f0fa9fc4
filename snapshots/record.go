package snapshots

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// Version is the schema version of the items that this package writes. It reads no other.
const Version = 1

// Record is an item as a table keeps it.
type Record struct {
	Key
	Version  int
	Body     string // JSON
	Checksum string // of key, version and body
	// Expires is when the table may forget the item, in seconds since 1970; 0 means never. DynamoDB
	// forgets days later (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html),
	// so that readers go by the time in the body.
	Expires int64
}

// body is the content of one class of items. Its JSON is the record's body.
type body interface {
	name() name
	check() error // why it may not be stored, or cannot have been
}

// encode is the one way from a value to a record.
func encode(b body) (Record, error) {
	n := b.name()
	if err := errors.Join(n.check(), b.check()); err != nil {
		return Record{}, fmt.Errorf("store %s: %w", n.key(), err)
	}
	text, err := write(b)
	if err != nil {
		return Record{}, fmt.Errorf("store %s: %w", n.key(), err)
	}
	r := Record{Key: n.key(), Version: Version, Body: text}
	if !utf8.ValidString(r.Body) {
		return Record{}, fmt.Errorf("store %s: its content is not valid UTF-8", n.key())
	}
	r.Checksum = r.sum()
	r.Expires = expires(b)
	return r, nil
}

func write(b body) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(b)
	return string(bytes.TrimSuffix(text.Bytes(), []byte("\n"))), err
}

// expires is when the item may be forgotten; only messages and prices ever are.
func expires(b body) int64 {
	if passing, ok := b.(interface{ expires() time.Time }); ok {
		return passing.expires().Unix()
	}
	return 0
}

// decode is the one way from a record to a value: b is filled, or the fault says why not.
func decode(r Record, b body) *Fault {
	switch {
	case r.Version == 0:
		return r.fault("its schema version is missing")
	case r.Version != Version:
		f := r.fault(fmt.Sprintf("unknown schema version %d; this aws-hit-breaks knows %d", r.Version, Version))
		f.Hint = "use the version of aws-hit-breaks that wrote it, or a newer one"
		return f
	case r.Body == "":
		return r.fault("its body is missing")
	case r.Checksum == "":
		return r.fault("its checksum is missing")
	case r.Checksum != r.sum():
		return r.fault("altered: its content does not match its checksum")
	case !utf8.ValidString(r.Body): // which nothing writes
		return r.fault("its content is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(r.Body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(b); err != nil {
		return r.fault("its body cannot be read: " + err.Error())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return r.fault("its body goes on after its end")
	}
	if err := b.check(); err != nil {
		return r.fault(err.Error())
	}
	if b.name().key() != r.Key {
		return r.fault("its key and its body disagree: the body belongs under " + b.name().key().String())
	}
	if expires(b) != r.Expires {
		return r.fault("its body and its time to live disagree")
	}
	if !written(b, r.Body) {
		return r.fault("a field of its body is missing, or otherwise than aws-hit-breaks writes it")
	}
	return nil
}

// written says whether the body is what encode writes of the value, up to how its text is escaped. A
// field that is always written and is missing would otherwise be read as zero: a scope as everything,
// a count as none. So a field that is added under the same Version must be left out where it is empty.
func written(b body, text string) bool {
	again, err := write(b)
	if err != nil || again == text {
		return err == nil
	}
	var was, is any
	return json.Unmarshal([]byte(text), &was) == nil && json.Unmarshal([]byte(again), &is) == nil && reflect.DeepEqual(was, is)
}

func (r Record) sum() string {
	return digest(r.PK, r.SK, strconv.Itoa(r.Version), r.Body)
}

// size is what DynamoDB counts for the record: attribute names and values, numbers at their
// longest. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
// Size is how many bytes the record takes in a store, a little rounded up.
func (r Record) Size() int {
	const names, numbers = len("PKSKVbodychecksumexpires"), 2 * 21
	return names + numbers + len(r.PK) + len(r.SK) + len(r.Body) + len(r.Checksum)
}

func (k Key) fault(why string) *Fault {
	n, _ := parse(k)
	return &Fault{PK: k.PK, SK: k.SK, Ref: n.ref(), Order: n.order, Since: n.order, Why: why, Hint: hints[n.class]}
}

// orphaned is a fault of a record whose original, of the order, is lost.
func (k Key) orphaned(order int, why string) *Fault {
	f := k.fault(why)
	f.Since, f.Hint = order, hints[originalClass]
	return f
}

// What can still be done about an item that cannot be used.
var hints = map[class]string{
	unknownClass: "nothing reads it; it may be from a newer aws-hit-breaks, or have lost its key",
	liveClass: "restore this item from a point-in-time recovery of the table or a backup of the file; " +
		"until then no order can be given and nothing closed; the originals are not affected",
	headerClass: "originals and states are not affected; the header of a live snapshot is written anew when it " +
		"closes, that of a closed one comes back from a point-in-time recovery of the table or a backup of the file",
	seenClass:   "its alarm counts as seen before; nothing else depends on it",
	pricesClass: "prices are asked for again; nothing else depends on it",
	leaseClass:  "the next run takes it over once it has stood still; nothing is lost",
	coverageClass: "this kind counts as not inspected here until a run lists it again; " +
		"its originals are not affected",
	originalClass: "restore this item from a point-in-time recovery of the table or a backup of the file and " +
		"resume again, or put the resource back by hand",
	partClass: "restore this item from a point-in-time recovery of the table or a backup of the file and " +
		"resume again, or put the resource back by hand",
	stateClass: "the original is fine: a run compares the resource with that and, where it differs, leaves it " +
		"alone, since what was done to it is not known; a resume with --force puts it back as the original says",
}

// Error is the fault on one line, so that it can be the cause of an error.
func (f Fault) Error() string { return fmt.Sprintf("%s %s: %s (%s)", f.PK, f.SK, f.Why, f.Hint) }
