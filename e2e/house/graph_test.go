package house

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A listed is a package as `go list -deps -json` writes it.
type listed struct {
	ImportPath   string
	Name         string
	Imports      []string // direct ones, without those of its tests
	TestImports  []string
	XTestImports []string
}

// A graph holds the packages of one go list by import path.
type graph map[string]listed

// A rule says what packages must not reach, be it through others.
type rule struct {
	packages []string // folders of this module, with their subfolders; "snapshots$" is one without
	not      []string // import paths, with what lies below them
	through  []string // import paths that may lead there all the same
	because  string   // what suffers
}

// breaches names every package that reaches what the rule forbids, with the way that leads there.
func (r rule) breaches(g graph) []string {
	var found []string
	for _, from := range slices.Sorted(maps.Keys(g)) {
		folder, ours := strings.CutPrefix(from, module+"/")
		if !ours || !slices.ContainsFunc(r.packages, func(p string) bool { return within(folder, p) }) {
			continue
		}
		for _, forbidden := range r.not {
			if way := r.way(g, from, forbidden); way != nil {
				found = append(found, fmt.Sprintf("%s must not reach %s, but %s: %s",
					from, forbidden, strings.Join(way, " imports "), r.because))
			}
		}
	}
	return found
}

// way is a shortest way from a package to one that is forbidden, or nil.
func (r rule) way(g graph, from, forbidden string) []string {
	ways := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		for _, next := range g[way[len(way)-1]].Imports {
			if seen[next] {
				continue
			}
			seen[next] = true
			longer := append(slices.Clone(way), next)
			if within(next, forbidden) {
				return longer
			}
			if !slices.ContainsFunc(r.through, func(p string) bool { return within(next, p) }) {
				ways = append(ways, longer)
			}
		}
	}
	return nil
}

// within reports whether a path is a folder or lies below it; a folder that ends in "$" is itself alone.
func within(path, folder string) bool {
	if alone, ok := strings.CutSuffix(folder, "$"); ok {
		return path == alone
	}
	return path == folder || strings.HasPrefix(path, folder+"/")
}
