package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/report/reporttest"
)

// TestProperty12JSONAndCSVHoldTheSame reads both back and compares them, field by field, both ways.
func TestProperty12JSONAndCSVHoldTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := reporttest.Report().Draw(t, "report")
		if diff := cmp.Diff(fieldsOfJSON(t, r), fieldsOfCSV(t, r)); diff != "" {
			t.Fatalf("(-JSON +CSV)\n%s", diff)
		}
	})
}

// The list of snapshots is written in the same way.
func TestProperty12OfTheListOfSnapshots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := reporttest.List().Draw(t, "list")
		if diff := cmp.Diff(fieldsOfJSON(t, l), fieldsOfCSV(t, l)); diff != "" {
			t.Fatalf("(-JSON +CSV)\n%s", diff)
		}
	})
}

// asCSV is what has the form of a table besides that of JSON.
type asCSV interface{ CSV(w io.Writer) error }

// fieldsOfJSON are the fields of the report that are not empty, by list, number and path.
func fieldsOfJSON(t *rapid.T, r asCSV) map[string]string {
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&whole); err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	var add func(path string, value any)
	add = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			if strings.HasSuffix(path, "/changedByAWS") || strings.HasSuffix(path, "/counts") || strings.HasSuffix(path, ".phases") {
				text, _ := json.Marshal(value)
				fields[path] = string(text)
				return
			}
			for name, inner := range value {
				separator := "."
				if strings.Count(path, "/") == 1 {
					separator = "/"
				}
				add(path+separator+name, inner)
			}
		case []any:
			text, _ := json.Marshal(value)
			fields[path] = string(text)
		default:
			if text := fmt.Sprint(value); text != "" {
				fields[path] = text
			}
		}
	}
	for name, value := range whole {
		if list, ok := value.([]any); ok {
			for i, record := range list {
				add(fmt.Sprint(name, "/", i), record)
			}
			continue
		}
		add("report/0", map[string]any{name: value})
	}
	return fields
}

func fieldsOfCSV(t *rapid.T, r asCSV) map[string]string {
	var text bytes.Buffer
	if err := r.CSV(&text); err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, text.String())
	fields, counts := map[string]string{}, map[string]int{}
	for _, row := range rows[1:] {
		if len(row) != len(rows[0]) {
			t.Fatalf("a row of %d cells under %d columns", len(row), len(rows[0]))
		}
		for i, column := range rows[0][1:] {
			cell := strings.TrimPrefix(row[i+1], "'")
			if slices.Contains([]string{"changedByAWS", "summary.phases", "byHand", "orders", "counts"}, column) {
				cell = sortedKeys(t, cell)
			}
			if cell != "" {
				fields[fmt.Sprint(row[0], "/", counts[row[0]], "/", column)] = cell
			}
		}
		counts[row[0]]++
	}
	return fields
}

// sortedKeys is a JSON object, or a list, as package json writes it again.
func sortedKeys(t *rapid.T, text string) string {
	if text == "" {
		return ""
	}
	var object any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	again, _ := json.Marshal(object)
	return string(again)
}

// readCSV reads as RFC 4180 is written, letter by letter; a reader of package csv would change line
// breaks inside of fields. It ends the test where the text is not of that grammar.
func readCSV(t *rapid.T, text string) (rows [][]string) {
	row, rest := []string{}, text
	for rest != "" {
		var field string
		if strings.HasPrefix(rest, `"`) {
			rest = rest[1:]
			for {
				before, after, closed := strings.Cut(rest, `"`)
				if !closed {
					t.Fatalf("a quoted field does not end: %q", text)
				}
				field, rest = field+before, after
				if !strings.HasPrefix(rest, `"`) {
					break
				}
				field, rest = field+`"`, rest[1:]
			}
		} else {
			end := strings.IndexAny(rest, ",\r\n\"")
			if end < 0 {
				t.Fatalf("the last line does not end: %q", text)
			}
			field, rest = rest[:end], rest[end:]
		}
		row = append(row, field)
		if next, ok := strings.CutPrefix(rest, ","); ok {
			rest = next
			continue
		}
		next, ok := strings.CutPrefix(rest, "\r\n")
		if !ok {
			t.Fatalf("after field %q comes %q", field, rest[:min(len(rest), 10)])
		}
		rows, row, rest = append(rows, row), []string{}, next
	}
	return rows
}

// A spreadsheet computes no cell, and the reader of Go's own library agrees on what the rows are.
func TestNoCellIsAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := reporttest.Report().Draw(t, "report")
		var text bytes.Buffer
		if err := r.CSV(&text); err != nil {
			t.Fatal(err)
		}
		rows := readCSV(t, text.String())
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
					t.Fatalf("cell %q", cell)
				}
			}
		}
		read, err := csv.NewReader(&text).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], "\r\n", "\n") // as that reader does
			}
		}
		if diff := cmp.Diff(rows, read); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCSV(t *testing.T) {
	r := report.Empty(account)
	r.Resources = []report.Resource{{
		Region: here, Kind: killswitch.EC2Instance, ID: "i-1", Name: "=1+1", Phase: killswitch.Paused, Reason: `says "no", so`,
		ChangedByAWS: map[string]string{"PublicIP": "<a> → b"},
	}}
	var text bytes.Buffer
	if err := r.CSV(&text); err != nil {
		t.Fatal(err)
	}
	const columns = "record,region,kind,id,name,type,phase,reason,want,step,wave,pending,since,deadline,lookAt,wakesAt,changedByAWS,byHand," +
		"cost.hourly,cost.daily,cost.monthly,cost.unknown,cost.residual,seq,act,actor,at,alarm,scope,force,count,item,why,hint," +
		"hourly,daily,monthly,unknown,what,schema,account,snapshot,opened,closed,summary.total,summary.phases,summary.regions," +
		"summary.pending,summary.notInspected,summary.changedByAWS,summary.problems,summary.leftAlone,summary.cost.running," +
		"summary.cost.saved,summary.cost.kept,summary.cost.daily.running,summary.cost.daily.saved,summary.cost.daily.kept," +
		"summary.cost.monthly.running,summary.cost.monthly.saved,summary.cost.monthly.kept,summary.cost.unknown," +
		"residualsLeftOut.count,residualsLeftOut.hourly,residualsLeftOut.unknown"
	want := columns + "\r\n" +
		`report,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,1,111122223333,,,,0,{},0,0,0,0,0,0,,,,,,,,,,,,,` + "\r\n" +
		`resources,eu-west-1,ec2:instance,i-1,'=1+1,,paused,"says ""no"", so",,,,,,,,,"{""PublicIP"":""<a> → b""}",,,,,` +
		strings.Repeat(",", strings.Count(columns, ",")-21) + "\r\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
}
