package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImports(t *testing.T) {
	packages := packages(t)
	for _, r := range rules {
		t.Run(strings.Join(r.packages, " "), func(t *testing.T) {
			for _, breach := range r.breaches(packages) {
				t.Error(breach)
			}
		})
	}
}

// What is written above about a package that was renamed would hold for ever.
func TestRulesAreAboutPackages(t *testing.T) {
	packages := packages(t)
	for _, r := range rules {
		for _, folder := range r.packages {
			there := slices.ContainsFunc(slices.Collect(maps.Keys(packages)), func(path string) bool {
				return within(path, module+"/"+folder)
			})
			if !there && folder != "infra" { // the deployment comes last
				t.Errorf("a rule is about %s, where no package is", folder)
			}
		}
	}
}

func TestBreaches(t *testing.T) {
	g := graph{}
	for from, imports := range map[string][]string{
		"aws-hit-breaks/pkg/engine":         {"context", "aws-hit-breaks/pkg/killswitch"},
		"aws-hit-breaks/pkg/engine/sub":     {"aws-hit-breaks/pkg/other"},
		"aws-hit-breaks/pkg/engines":        {"github.com/aws/sdk/service/ec2"},
		"aws-hit-breaks/pkg/killswitch":     {"fmt"},
		"aws-hit-breaks/pkg/other":          {"fmt", "github.com/aws/sdk/service/ec2", "github.com/aws/sdk/aws"},
		"aws-hit-breaks/cli":                {"github.com/spf13/cobra", "aws-hit-breaks/cli/ui"},
		"aws-hit-breaks/cli/ui":             {"html/template"},
		"github.com/spf13/cobra":            {"text/template"},
		"html/template":                     {"text/template"},
		"github.com/aws/sdk/service/ec2":    {"github.com/aws/sdk/aws"},
		"github.com/aws/sdk/serviceability": nil,
	} {
		g[from] = listed{ImportPath: from, Imports: imports}
	}
	tests := map[string]struct {
		rule rule
		want []string
	}{
		"a package alone keeps the rule that one below it breaks": {
			rule: rule{packages: []string{"pkg/engine$"}, not: []string{"github.com/aws/sdk/service"}},
		},
		"a breach is named with the way to it, and other names with the same beginning are none": {
			rule: rule{packages: []string{"pkg/engine"}, not: []string{"github.com/aws/sdk/service"}, because: "it grows"},
			want: []string{"aws-hit-breaks/pkg/engine/sub must not reach github.com/aws/sdk/service, but " +
				"aws-hit-breaks/pkg/engine/sub imports aws-hit-breaks/pkg/other imports github.com/aws/sdk/service/ec2: it grows"},
		},
		"what is allowed through one package is a breach through another": {
			rule: rule{packages: []string{"cli"}, not: []string{"text/template"}, through: []string{"github.com/spf13/cobra"}, because: "it grows"},
			want: []string{
				"aws-hit-breaks/cli must not reach text/template, but " +
					"aws-hit-breaks/cli imports aws-hit-breaks/cli/ui imports html/template imports text/template: it grows",
				"aws-hit-breaks/cli/ui must not reach text/template, but " +
					"aws-hit-breaks/cli/ui imports html/template imports text/template: it grows",
			},
		},
		"what is reached through the allowed package alone is none": {
			rule: rule{packages: []string{"cli$"}, not: []string{"text/template"}, through: []string{"github.com/spf13/cobra", "aws-hit-breaks/cli/ui"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.rule.breaches(g)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Such names gather what belongs elsewhere.
func TestPackageNames(t *testing.T) {
	empty := []string{"util", "helper", "manager", "common", "data", "info", "process"}
	for _, p := range packages(t) {
		folder := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]
		if !within(p.ImportPath, module) {
			continue
		}
		for _, name := range []string{p.Name, folder} {
			if slices.Contains(empty, name) || slices.Contains(empty, strings.TrimSuffix(name, "s")) {
				t.Errorf("%s says nothing about what is in it: call the package by what it provides", p.ImportPath)
				break
			}
		}
	}
}

// packages lists the packages of this module and all they reach, once for all tests.
func packages(t *testing.T) graph {
	t.Helper()
	g, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var list = sync.OnceValues(func() (graph, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Imports,TestImports,XTestImports",
		"-tags", "lambda.norpc", module+"/...").Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = errors.New("go list: " + string(exit.Stderr))
		}
		return nil, err
	}
	g := graph{}
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := in.Decode(&p); err == io.EOF {
			return g, nil
		} else if err != nil {
			return nil, err
		}
		g[p.ImportPath] = p
	}
})
