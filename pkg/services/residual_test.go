package services_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/pricing"
	"aws-hit-breaks/pkg/services"
)

// residualsOf lists what is left of a region, with its dollars an hour or the reason why they are not
// known, and what could not be listed.
func residualsOf(t *testing.T, a *awssim.Account) (map[string]string, []services.NotInspected) {
	t.Helper()
	cfg := a.Process("operator").Config()
	cfg.Region = virginia
	all, missing := services.Residuals(t.Context(), services.Env{Config: cfg, Account: a.ID()})
	book := pricing.New(cfg, nil)
	told := map[string]string{}
	for _, r := range all {
		for _, u := range r.Uses {
			book.Ask(t.Context(), u.Product)
			if !u.Kept {
				t.Errorf("%s: %v is not kept", r.Ref, u)
			}
		}
		_, kept, unknown := killswitch.Dollars(r.Uses, book.Of)
		line := r.Name + " " + r.Type + " "
		if unknown != nil {
			line += unknown.Why + book.Why(unknown.Product)
		} else {
			line += fmt.Sprintf("$%.6f", *kept)
		}
		told[string(r.Ref.Kind)+" "+r.Ref.ID] = line
	}
	return told, missing
}

// TestWhatHasNoPause prices what goes on to cost. The figures are those of the simulated account's
// price list, whose sources stand beside them (pkg/awssim/pricelist_*.go).
func TestWhatHasNoPause(t *testing.T) {
	fill := func(a *awssim.Account) {
		for _, v := range []awssim.Volume{
			{ID: "vol-gp3", Size: 500, Tags: map[string]string{"Name": "data"}},
			{ID: "vol-fast", Size: 500, IOPS: 6000, Throughput: 325},
			{ID: "vol-gp2", Type: "gp2", Size: 100},
			{ID: "vol-io1", Type: "io1", Size: 100, IOPS: 1000},
			{ID: "vol-io2", Type: "io2", Size: 1000, IOPS: 100000},
			{ID: "vol-old", Type: "standard", Size: 20},
			{ID: "vol-managed", Type: "st1", Size: 500, Managed: true},
		} {
			a.AddVolume(virginia, v)
		}
		a.AddInstance(virginia, awssim.Instance{ID: "i-1", ElasticIP: "192.0.2.1"})
		a.AddElasticIP(virginia, awssim.ElasticAddress{IP: "192.0.2.2", Tags: map[string]string{"Name": "spare"}})
		a.AddNATGateway(virginia, awssim.NATGateway{ID: "nat-1"})
		a.AddNATGateway(virginia, awssim.NATGateway{ID: "nat-2", State: "deleted"})
		a.AddLoadBalancer(virginia, awssim.LoadBalancer{Name: "front"})
		a.AddLoadBalancer(virginia, awssim.LoadBalancer{Name: "inner", Type: "network"})
		a.AddLoadBalancer(virginia, awssim.LoadBalancer{Name: "watch", Type: "gateway"})
		a.AddLoadBalancer(virginia, awssim.LoadBalancer{Name: "older", Type: "classic"})
		a.AddDBInstance(virginia, awssim.DBInstance{ID: "idle", Life: awssim.DBLife{Status: "stopped"}})
		a.AddDBInstance(virginia, awssim.DBInstance{ID: "busy"})
		a.AddDBCluster(virginia, awssim.DBCluster{ID: "asleep", Life: awssim.DBLife{Status: "stopped"}, Members: []awssim.DBMember{{ID: "member"}}})
	}
	front, inner, watch := "", "", ""
	onBench(t, awssim.Options{ShortPages: 2}, fill, func(t *testing.T, a *awssim.Account) {
		got, missing := residualsOf(t, a)
		if len(missing) > 0 {
			t.Errorf("not inspected: %+v", missing)
		}
		for id := range got {
			switch {
			case strings.Contains(id, "app/front/"):
				front = id
			case strings.Contains(id, "net/inner/"):
				inner = id
			case strings.Contains(id, "gwy/watch/"):
				watch = id
			}
		}
		want := map[string]string{
			"ec2:volume vol-gp3":                "data gp3 500 GiB $0.054795", // 500 × 0.08 / 730
			"ec2:volume vol-fast":               " gp3 500 GiB $0.086301",     // (500 × 0.08 + 3000 × 0.005 + 200 × 0.04) / 730
			"ec2:volume vol-gp2":                " gp2 100 GiB $0.013699",     // 100 × 0.10 / 730
			"ec2:volume vol-io1":                " io1 100 GiB $0.106164",     // (100 × 0.125 + 1000 × 0.065) / 730
			"ec2:volume vol-io2":                " io2 1000 GiB $6.585753",    // (1000 × 0.125 + 32000 × 0.065 + 32000 × 0.0455 + 36000 × 0.03185) / 730
			"ec2:volume vol-old":                " standard 20 GiB $0.001370", // 20 × 0.05 / 730
			"ec2:volume vol-managed":            " st1 500 GiB $0.030822",     // 500 × 0.045 / 730
			"ec2:elastic-ip eipalloc-192-0-2-1": " 192.0.2.1 $0.005000",
			"ec2:elastic-ip eipalloc-192-0-2-2": "spare 192.0.2.2 $0.005000",
			"ec2:nat-gateway nat-1":             " public $0.045000",
			front:                               "front application $0.022500",
			inner:                               "inner network $0.022500",
			watch:                               "watch gateway AWS's price list has no such product",
			"elasticloadbalancing:loadbalancer older": " classic $0.025000",
			"rds:instance idle":                       " gp3 100 GB $0.015753", // 100 × 0.115 / 730
			"rds:cluster asleep":                      " aurora-postgresql how much a cluster stores is not in a listingAWS's price list has no such product",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhatCouldNotBeListedIsSaid(t *testing.T) {
	denied := func(c awssim.Call) awssim.Fault {
		if c.Action() != "ec2:DescribeVolumes" {
			return awssim.Fault{}
		}
		return awssim.Fault{Before: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 403, Header: http.Header{}}},
			Err:      &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"},
		}}}
	}
	fill := func(a *awssim.Account) {
		a.AddVolume(virginia, awssim.Volume{})
		a.AddNATGateway(virginia, awssim.NATGateway{ID: "nat-1"})
	}
	onBench(t, awssim.Options{Fault: denied}, fill, func(t *testing.T, a *awssim.Account) {
		got, missing := residualsOf(t, a)
		if len(missing) != 1 || missing[0].What != "EBS volumes" || missing[0].Err == nil {
			t.Errorf("not inspected: %+v", missing)
		}
		if _, ok := got["ec2:nat-gateway nat-1"]; !ok || len(got) != 1 {
			t.Errorf("got %v: the rest is listed all the same", got)
		}
	})
}

// TestResidualsReadWhatTheyDeclare is what IAM goes by.
func TestResidualsReadWhatTheyDeclare(t *testing.T) {
	onBench(t, awssim.Options{}, func(*awssim.Account) {}, func(t *testing.T, a *awssim.Account) {
		residualsOf(t, a)
		called := map[string]bool{}
		for _, call := range a.Trace() {
			if call.Mutating {
				t.Errorf("%s changes something", call)
			}
			called[call.Action()] = true
		}
		declared := map[string]bool{}
		for _, action := range services.ResidualReads {
			declared[action] = true
		}
		if diff := cmp.Diff(declared, called); diff != "" {
			t.Errorf("declared and called (-want +got):\n%s", diff)
		}
	})
}
