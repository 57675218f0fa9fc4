package services_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
)

// TestAllListsEveryKind reads the sources: a kind whose line in All was forgotten would never be
// paused, and nothing else would notice.
func TestAllListsEveryKind(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no sources found")
	}
	var defined, listed []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			switch {
			case !ok || function.Recv != nil:
			case function.Name.Name == "All":
				listed = calledIn(function.Body)
			case returnsDefinition(function):
				defined = append(defined, function.Name.Name)
			}
		}
	}
	slices.Sort(defined)
	slices.Sort(listed)
	if len(defined) == 0 {
		t.Error("no function returns a Definition: is this test looking at the right sources?")
	}
	if !slices.Equal(defined, listed) {
		t.Errorf("All calls %q, but these functions return a Definition: %q", listed, defined)
	}
}

// calledIn names the functions that body calls.
func calledIn(body *ast.BlockStmt) []string {
	var names []string
	ast.Inspect(body, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok {
			if function, ok := call.Fun.(*ast.Ident); ok {
				names = append(names, function.Name)
			}
		}
		return true
	})
	return names
}

func returnsDefinition(function *ast.FuncDecl) bool {
	results := function.Type.Results
	if results == nil || len(results.List) != 1 {
		return false
	}
	name, ok := results.List[0].Type.(*ast.Ident)
	return ok && name.Name == "Definition"
}

// TestAllIsInTheOrderOfTheDocuments holds what reports and tables rely on.
func TestAllIsInTheOrderOfTheDocuments(t *testing.T) {
	order := []killswitch.Kind{
		killswitch.AutoScalingGroup, killswitch.ECSService, killswitch.EC2Instance,
		killswitch.RDSCluster, killswitch.RDSInstance,
	}
	position := func(d services.Definition) int { return slices.Index(order, d.Kind) }
	all := services.All()
	if !slices.IsSortedFunc(all, func(a, b services.Definition) int { return cmp.Compare(position(a), position(b)) }) {
		t.Errorf("All is not in the order %v", order)
	}
	for _, d := range all {
		if position(d) < 0 {
			t.Errorf("%s is in All, but the order of the documents does not know it", d.Kind)
		}
	}
}

// TestDeclarations holds what is derived from a declaration to what a step needs.
func TestDeclarations(t *testing.T) {
	rates := services.Rates()
	for _, d := range services.All() {
		t.Run(string(d.Kind), func(t *testing.T) {
			if d.New == nil || d.Check == nil || d.Title == "" || d.Schema < 1 || len(d.Reads) == 0 {
				t.Errorf("the declaration is not complete: %+v", d.Declaration)
			}
			wants := map[killswitch.Want]bool{}
			for _, step := range d.Steps {
				wants[step.Want] = true
				if _, ok := rates[step.Calls]; !ok {
					t.Errorf("step %s calls %s, which has no rate", step.Name, step.Calls)
				}
				if step.Batch < 1 || step.Wave < 1 {
					t.Errorf("step %s has batch %d and wave %d", step.Name, step.Batch, step.Wave)
				}
			}
			if !wants[killswitch.WantPaused] || !wants[killswitch.WantResumed] {
				t.Error("it needs steps for both ways")
			}
			for _, change := range d.ByAWS {
				if change.Field == "" || !strings.HasPrefix(change.Source, "https://docs.aws.amazon.com/") {
					t.Errorf("changed by AWS without a field or a page that says so: %+v", change)
				}
			}
		})
	}
}

// TestReadsAndWritesAreApart: what only reads must be safe in the planner's policy.
func TestReadsAndWritesAreApart(t *testing.T) {
	for _, d := range services.All() {
		for _, action := range d.Actions() {
			_, verb, ok := strings.Cut(action, ":")
			if !ok || !strings.HasPrefix(verb, "Describe") && !strings.HasPrefix(verb, "List") && !strings.HasPrefix(verb, "Get") {
				t.Errorf("%s declares %s as a read", d.Kind, action)
			}
		}
		for _, action := range d.Actions(killswitch.WantPaused, killswitch.WantResumed) {
			if _, verb, _ := strings.Cut(action, ":"); strings.HasPrefix(verb, "Delete") || strings.HasPrefix(verb, "Terminate") {
				t.Errorf("%s declares %s: nothing here deletes", d.Kind, action)
			}
		}
	}
}
