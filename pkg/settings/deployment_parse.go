package settings

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// ParseDeployment reads a Deployment from a JSON object, fills in the defaults and refuses, with one
// line that names the setting, what cannot be deployed or would not do what it seems to say. Whether
// scopes and regions can be meant is for the filter to say, which knows their words.
func ParseDeployment(jsonText string) (Deployment, error) {
	d := DefaultDeployment()
	if err := read(json.RawMessage(jsonText), "", reflect.ValueOf(&d).Elem()); err != nil {
		return Deployment{}, err
	}
	if err := d.check(); err != nil {
		return Deployment{}, err
	}
	return d, nil
}

// read reads a value at every depth without unknown fields, fields in another case, and fields that
// are written twice. The path names the setting in errors.
func read(text json.RawMessage, path string, into reflect.Value) error {
	t := into.Type()
	switch {
	case string(text) == "null":
		return nil // not set
	case t == reflect.TypeFor[Settings]():
		s, err := Parse(string(text))
		if err != nil {
			return fmt.Errorf("setting %s: %w", path, err)
		}
		into.Set(reflect.ValueOf(s))
		return nil
	case t.Kind() == reflect.Pointer:
		into.Set(reflect.New(t.Elem()))
		return read(text, path, into.Elem())
	case t.Kind() == reflect.Struct:
		return readStruct(text, path, into)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		var all []json.RawMessage
		if err := json.Unmarshal(text, &all); err != nil {
			return mistaken(text, path, "a list of objects")
		}
		into.Set(reflect.MakeSlice(t, len(all), len(all)))
		for i, one := range all {
			if err := read(one, fmt.Sprintf("%s[%d]", path, i), into.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := json.Unmarshal(text, into.Addr().Interface()); err != nil {
		want := wanted(t)
		if t.Kind() == reflect.Float64 || t.Kind() == reflect.Int {
			want = "a number"
		}
		return mistaken(text, path, want)
	}
	return nil
}

func readStruct(text json.RawMessage, path string, into reflect.Value) error {
	prefix := path
	if path != "" {
		if !strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
			return mistaken(text, path, "an object")
		}
		prefix += "."
	}
	fields, err := object(string(text))
	if err != nil && path != "" {
		return fmt.Errorf("setting %s: %w", path, err)
	} else if err != nil {
		return err
	}
	known := names(into.Type())
	for _, f := range fields {
		i := slices.Index(known, f.name)
		if i < 0 {
			return fmt.Errorf("unknown setting %q: known are %s", prefix+f.name, strings.Join(known, ", "))
		}
		if err := read(f.value, prefix+f.name, into.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func mistaken(text json.RawMessage, path, want string) error {
	return fmt.Errorf("setting %s: want %s, got %.60s", path, want, strings.Join(strings.Fields(string(text)), " "))
}
