package killswitch

import (
	"bytes"
	"encoding/json"
	"sync"
	"sync/atomic"
	"unique"
)

// A snapshot of a hundred thousand resources says a few hundred things again and again: types, steps, tags,
// what a step has left, what a machine consumes. What is read and is equal shares its memory. Nobody
// changes what is shared: not a map of Fields, nor the elements of Uses.

// shared keeps one of each of values that are equal, by their text.
type shared[T any] struct {
	values sync.Map
	kept   atomic.Int32
}

// mostShared is how many values of a type are kept: what has more of them is not of a snapshot.
const mostShared = 10000

// of is the value that is kept under the text, or what read makes of it.
func (s *shared[T]) of(text []byte, read func() (T, error)) (T, error) {
	if known, ok := s.values.Load(string(text)); ok {
		return known.(T), nil
	}
	value, err := read()
	if err == nil && s.kept.Add(1) <= mostShared {
		s.values.Store(string(text), value)
	}
	return value, err
}

var (
	sharedProducts shared[Product]
	sharedFields   shared[Fields]
	sharedUses     shared[Uses]
)

// UnmarshalJSON reads fields. Equal ones are one map.
func (f *Fields) UnmarshalJSON(text []byte) (err error) {
	*f, err = sharedFields.of(text, func() (Fields, error) {
		var read map[string]string
		err := json.Unmarshal(text, &read)
		return read, err
	})
	return err
}

// Shared are fields that equal f, in one map for all that do.
func (f Fields) Shared() Fields {
	if f == nil {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return f
	}
	one, _ := sharedFields.of(text, func() (Fields, error) { return f, nil })
	return one
}

// Uses is what a resource consumes while it runs.
type Uses []Usage

// UnmarshalJSON reads uses, strictly. Equal ones are one list.
func (u *Uses) UnmarshalJSON(text []byte) (err error) {
	*u, err = sharedUses.of(text, func() (Uses, error) {
		var read []Usage
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&read)
		return read, err
	})
	return err
}

// Shared are uses that equal u, in one list for all that do.
func (u Uses) Shared() Uses {
	if u == nil {
		return nil
	}
	text, err := json.Marshal([]Usage(u))
	if err != nil {
		return u
	}
	one, _ := sharedUses.of(text, func() (Uses, error) { return u[:len(u):len(u)], nil })
	return one
}

// Share lets the item have texts in common with others: all but what names it.
func (it *Item) Share() {
	it.Resource.Share()
	state := &it.State
	state.Phase, state.Step, state.Reason = one(state.Phase), one(state.Step), one(state.Reason)
	if state.Wait != nil {
		state.Wait.For = one(state.Wait.For)
	}
}

// Share lets the resource have texts in common with others, as Item.Share.
func (r *Resource) Share() {
	r.Ref.Account, r.Ref.Region, r.Ref.Kind, r.Type = one(r.Ref.Account), one(r.Ref.Region), one(r.Ref.Kind), one(r.Type)
	for key, value := range r.Tags {
		r.Tags[one(key)] = one(value)
	}
}

// one is a text that equals s, in the memory of all that do.
func one[T ~string](s T) T { return unique.Make(s).Value() }
