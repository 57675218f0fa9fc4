package house

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/filter"
)

// The regions that a filter may name are those of the AWS SDK that the programs are built with.
func TestRegions(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", sdk[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "internal/endpoints/awsrulesfn/partitions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var endpoints struct {
		Partitions []struct{ Regions map[string]json.RawMessage }
	}
	if err := json.Unmarshal(content, &endpoints); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, partition := range endpoints.Partitions {
		for region := range partition.Regions {
			if !strings.HasSuffix(region, "-global") { // stands for services without regions
				want = append(want, region)
			}
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, filter.Regions); diff != "" {
		t.Errorf("filter.Regions (-SDK +filter):\n%s", diff)
	}
}
