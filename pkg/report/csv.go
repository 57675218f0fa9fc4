package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"
)

// CSV writes the report as a table (RFC 4180) that holds what its JSON holds: a row for every member
// of its lists, whose first column names the list, and one, "report", for all else. A column has the
// path of its field in the JSON; what a row has not is empty. A text that a spreadsheet could take for
// a formula has an apostrophe before it, and so has one that begins with an apostrophe: one of them
// in front is never part of the text.
func (r Report) CSV(w io.Writer) error {
	return writeCSV(w, r, reflect.TypeFor[Report](), reflect.TypeFor[Resource]())
}

// writeCSV writes a value of a type of structs as a table. The columns begin with those of what there is most of.
func writeCSV(w io.Writer, value any, of, most reflect.Type) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write the report as CSV: %w", err)
	}
	var whole map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // numbers are written as in the JSON
	if err := decoder.Decode(&whole); err != nil {
		return fmt.Errorf("write the report as CSV: %w", err)
	}
	lists, columns := csvColumns(of, most)
	table := bytes.Buffer{}
	line := func(cell func(column string) string) {
		for i, column := range columns {
			if i > 0 {
				table.WriteByte(',')
			}
			table.WriteString(quoted(cell(column)))
		}
		table.WriteString("\r\n")
	}
	line(func(column string) string { return column })
	row := func(list string, record map[string]any) {
		cells := map[string]string{recordColumn: list}
		flatten(cells, columns, "", record)
		line(func(column string) string { return cells[column] })
	}
	members := map[string][]any{}
	for _, list := range lists {
		members[list], _ = whole[list].([]any)
		delete(whole, list)
	}
	if len(whole) > 0 {
		row("report", whole)
	}
	for _, list := range lists {
		for _, record := range members[list] {
			row(list, record.(map[string]any))
		}
	}
	_, err = w.Write(table.Bytes())
	return err
}

const recordColumn = "record"

// csvColumns are the lists in a type, and the columns of the table: first those of what there is most of.
func csvColumns(of, most reflect.Type) (lists, columns []string) {
	columns = []string{recordColumn}
	add := func(paths []string) {
		for _, path := range paths {
			if !slices.Contains(columns, path) {
				columns = append(columns, path)
			}
		}
	}
	add(paths("", most))
	var rest []string
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Type.Kind() == reflect.Slice {
			lists = append(lists, name)
			add(paths("", field.Type.Elem()))
			continue
		}
		rest = append(rest, pathsOf(name, field.Type)...)
	}
	add(rest)
	return lists, columns
}

// paths are the fields of a struct as they are named in JSON, with those of the structs in it.
func paths(prefix string, t reflect.Type) (all []string) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			all = append(all, paths(prefix, field.Type)...)
		case name != "-":
			all = append(all, pathsOf(prefix+name, field.Type)...)
		}
	}
	return all
}

func pathsOf(path string, t reflect.Type) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() {
		return paths(path+".", t)
	}
	return []string{path}
}

// flatten writes the fields of a record into cells. A map is one cell, as JSON.
func flatten(cells map[string]string, columns []string, prefix string, record map[string]any) {
	for name, value := range record {
		path := prefix + name
		if inner, ok := value.(map[string]any); ok && !slices.Contains(columns, path) {
			flatten(cells, columns, path+".", inner)
			continue
		}
		cells[path] = cell(value)
	}
}

func cell(value any) string {
	if text, ok := value.(string); ok {
		if text != "" && strings.ContainsRune("=+-@\t\r\n'", rune(text[0])) {
			return "'" + text
		}
		return text
	}
	text := bytes.Buffer{}
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // it was decoded from JSON
	return strings.TrimSpace(text.String())
}

// quoted is a field as RFC 4180 has it. Package encoding/csv, with its lines ended as the RFC wants
// them, would change the line breaks inside of a field.
func quoted(field string) string {
	if !strings.ContainsAny(field, "\",\r\n") && strings.TrimSpace(field) == field {
		return field
	}
	return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
}
