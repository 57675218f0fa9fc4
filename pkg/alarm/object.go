package alarm

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// object is a JSON object whose keys are compared by their letters and digits alone, without regard
// to case: senders write TopicArn and topicArn, "Budget Name" and budget_name. Of keys that are equal
// then, the first in byte order counts.
type object map[string]any

// decode reads one JSON value, with its numbers as they were written.
func decode(text []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	return v, true
}

// asObject gives a decoded value as an object, or nil where it is none.
func asObject(v any) object {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	o := make(object, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if name := letters(key); o[name] == nil {
			o[name] = m[key]
		}
	}
	return o
}

// letters is a key without case and punctuation.
func letters(key string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, key)
}

// has says whether the object has every one of the keys.
func (o object) has(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return o[key] == nil })
}

// text is the value of a key as text; an object or a list is given as JSON.
func (o object) text(key string) string { return asText(o[key]) }

func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, _ := json.Marshal(v) // cannot fail for what was decoded from JSON
	return string(text)
}

// child is the object under a key, also where it was put into a string.
func (o object) child(key string) object {
	if s, ok := o[key].(string); ok {
		v, _ := decode([]byte(s))
		return asObject(v)
	}
	return asObject(o[key])
}

// deep finds the first of the keys that has a value: here, or else in the objects below, which are
// searched in byte order of their keys, three levels down.
func (o object) deep(keys ...string) any { return o.search(3, keys) }

func (o object) search(levels int, keys []string) any {
	for _, key := range keys {
		if o[key] != nil {
			return o[key]
		}
	}
	if levels == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if found := asObject(o[name]).search(levels-1, keys); found != nil {
			return found
		}
	}
	return nil
}

// parseTime reads the times that AWS writes, or gives zero.
func parseTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
