package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/report/reporttest"
)

var update = flag.Bool("update", false, "write what is generated into docs")

const (
	schemaPath = "../../docs/report-schema.json"
	docPath    = "../../docs/report.md"
)

// The schema in the documents is that of the types, with their comments. -update writes it.
func TestSchemaInTheDocuments(t *testing.T) {
	text, err := json.MarshalIndent(published(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	generated(t, schemaPath, string(text)+"\n")
	document, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)(<!-- fields: [^\n]* -->\n).*(<!-- end -->)`)
	if !section.Match(document) {
		t.Fatalf("%s has no section for the fields", docPath)
	}
	parts := section.FindSubmatch(document)
	generated(t, docPath, strings.Replace(string(document), string(parts[0]), string(parts[1])+fieldTables(published(t))+string(parts[2]), 1))
}

// generated wants a file to hold a text, or writes it.
func generated(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a document is for everybody
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("go test ./pkg/report -run Documents -update writes %s (-want +got):\n%s", path, diff)
	}
}

// Whatever a report holds, it is written as the schema says, with no field that the schema has not.
func TestReportsAreAsTheSchemaSays(t *testing.T) {
	strict, err := inferred(t).Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(reporttest.Report().Draw(t, "report"))
		if err != nil {
			t.Fatal(err)
		}
		var instance any
		if err := json.Unmarshal(text, &instance); err != nil {
			t.Fatal(err)
		}
		if err := strict.Validate(instance); err != nil {
			t.Fatal(err)
		}
	})
	whole := func(phase string) any {
		var instance any
		text := strings.Replace(`{"schema":1,"account":"1","orders":[],"summary":{"total":0,"phases":{},"regions":0,"pending":0,"notInspected":0,
			"changedByAWS":0,"problems":0,"leftAlone":0,"cost":{"running":0,"saved":0,"kept":0,"unknown":0,"daily":{"running":0,"saved":0,"kept":0},
			"monthly":{"running":0,"saved":0,"kept":0}}},"resources":[{"region":"r","kind":"k","id":"i","phase":"PHASE","reason":""}],
			"notInspected":[],"problems":[],"residuals":[]}`, "PHASE", phase, 1)
		if err := json.Unmarshal([]byte(text), &instance); err != nil {
			t.Fatal(err)
		}
		return instance
	}
	if err := strict.Validate(whole("paused")); err != nil {
		t.Errorf("a small report: %v", err)
	}
	if strict.Validate(whole("asleep")) == nil || strict.Validate(map[string]any{"schema": 1}) == nil {
		t.Error("the schema lets anything pass")
	}
}

// inferred is the schema of a report. It knows no field but those of the types.
func inferred(t *testing.T) *jsonschema.Schema {
	words := func(values ...string) *jsonschema.Schema {
		s := &jsonschema.Schema{Type: "string"}
		for _, v := range values {
			s.Enum = append(s.Enum, v)
		}
		return s
	}
	var phases []string
	for _, p := range reporttest.Phases {
		phases = append(phases, string(p))
	}
	s, err := jsonschema.For[report.Report](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[time.Time]():        {Type: "string", Format: "date-time"},
		reflect.TypeFor[killswitch.Phase](): words(phases...),
		reflect.TypeFor[killswitch.Act]():   words(string(killswitch.Pause), string(killswitch.Resume), string(killswitch.GiveUp)),
		reflect.TypeFor[killswitch.Want]():  words(string(killswitch.WantPaused), string(killswitch.WantResumed), string(killswitch.WantGivenUp)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	walk(s, reflect.TypeFor[report.Report](), func(s *jsonschema.Schema, _ reflect.Type) {
		if len(s.Types) > 0 { // what is not there is absent, and never null
			s.Type, s.Types = s.Types[len(s.Types)-1], nil
		}
	})
	return s
}

// published is the schema for the readers of reports: with the comments of the source, and open for
// the fields of a later program.
func published(t *testing.T) *jsonschema.Schema {
	s := inferred(t)
	comments := commentsOf(t, ".")
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "A report of aws-hit-breaks"
	s.Description = comments["Report"]
	s.Properties["schema"].Const = jsonschema.Ptr(any(report.Schema))
	walk(s, reflect.TypeFor[report.Report](), func(s *jsonschema.Schema, of reflect.Type) {
		if of.Kind() != reflect.Struct || s.Type != "object" {
			return
		}
		s.AdditionalProperties = nil
		for _, field := range reflect.VisibleFields(of) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			property := s.Properties[name]
			if name == "" || property == nil {
				continue
			}
			owner := of
			if len(field.Index) > 1 { // of an embedded one
				owner = of.FieldByIndex(field.Index[:len(field.Index)-1]).Type
			}
			if property.Description = comments[owner.Name()+"."+field.Name]; property.Description == "" {
				t.Errorf("field %s of %s has no comment", field.Name, owner)
			}
		}
	})
	return s
}

// walk visits a schema and those in it, with the types they are of.
func walk(s *jsonschema.Schema, of reflect.Type, visit func(*jsonschema.Schema, reflect.Type)) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	visit(s, of)
	switch {
	case s.Items != nil:
		walk(s.Items, of.Elem(), visit)
	case of.Kind() == reflect.Struct:
		for _, field := range reflect.VisibleFields(of) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if property := s.Properties[name]; property != nil {
				walk(property, field.Type, visit)
			}
		}
	}
}

// commentsOf are the comments of the types in a folder and of their fields: "Type", "Type.Field".
func commentsOf(t *testing.T, folder string) map[string]string {
	comments := map[string]string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			declaration, ok := d.(*ast.GenDecl)
			if !ok || declaration.Tok != token.TYPE {
				continue
			}
			for _, spec := range declaration.Specs {
				of := spec.(*ast.TypeSpec)
				comments[of.Name.Name] = sentence(of.Name.Name, declaration.Doc)
				list, ok := of.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range list.Fields.List {
					for _, name := range field.Names {
						comments[of.Name.Name+"."+name.Name] = sentence(name.Name, field.Doc, field.Comment)
					}
				}
			}
		}
	}
	return comments
}

// sentence is a comment on one line, without the name in Go that it begins with: "Cost is of all" is
// "of all".
func sentence(name string, groups ...*ast.CommentGroup) string {
	var all []string
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			text = strings.TrimPrefix(text, name+": ")
			for _, verb := range []string{" is ", " are ", " counts "} {
				if rest, ok := strings.CutPrefix(text, name+verb); ok {
					text = rest
				}
			}
			all = append(all, text)
		}
	}
	return strings.TrimSuffix(strings.Join(all, "; "), ".")
}

// fieldTables are the objects of the schema as tables.
func fieldTables(root *jsonschema.Schema) string {
	var b bytes.Buffer
	var table func(title string, s *jsonschema.Schema)
	table = func(title string, s *jsonschema.Schema) {
		fmt.Fprintf(&b, "\n### %s\n\n| field | type | there | what |\n|---|---|---|---|\n", title)
		inner := map[string]*jsonschema.Schema{}
		for _, name := range s.PropertyOrder {
			p := s.Properties[name]
			there := "always"
			if !slices.Contains(s.Required, name) {
				there = "not always"
			}
			of := typeName(p)
			switch {
			case p.Items != nil:
				inner[name] = p.Items
			case len(p.Properties) > 0:
				inner[name] = p
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, of, there, p.Description)
		}
		for _, name := range s.PropertyOrder {
			if inner[name] != nil {
				table(strings.TrimPrefix(title+"."+name, "report."), inner[name])
			}
		}
	}
	table("report", root)
	b.WriteString("\n")
	return b.String()
}

func typeName(s *jsonschema.Schema) string {
	switch {
	case len(s.Enum) > 0:
		var words []string
		for _, word := range s.Enum {
			words = append(words, fmt.Sprintf("`%v`", word))
		}
		return strings.Join(words, ", ")
	case s.Items != nil:
		return "list"
	case s.Format != "":
		return "string, " + s.Format
	case s.Type == "object" && len(s.Properties) == 0:
		return "object of " + typeName(s.AdditionalProperties) + "s"
	}
	return s.Type
}
