package services_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/pricing"
)

// costOf finds the one resource of a kind whose id begins so, and what it costs by the simulated
// account's price list.
func costOf(t *testing.T, a *awssim.Account, kind killswitch.Kind, id string) (running, kept float64, why string) {
	t.Helper()
	b := newBench(t, a, kind, virginia)
	for _, found := range b.discover() {
		if !strings.HasPrefix(found.Resource.Ref.ID, id) {
			continue
		}
		book := pricing.New(a.Process("operator").Config(), nil)
		for _, u := range found.Resource.Uses {
			book.Ask(t.Context(), u.Product)
		}
		sum, rest, unknown := killswitch.Dollars(found.Resource.Uses, book.Of)
		if unknown != nil {
			return 0, 0, unknown.Why + book.Why(unknown.Product)
		}
		return *sum, *rest, ""
	}
	t.Fatalf("there is no %s %s", kind, id)
	return 0, 0, ""
}

// virginia is the region that has prices of everything.
const virginia = "us-east-1"

// TestWhatAResourceCosts prices resources of every kind by what their listing tells. The prices are
// those of the simulated account, whose sources stand beside them (pkg/awssim/pricelist_*.go); the
// arithmetic is spelt out here.
func TestWhatAResourceCosts(t *testing.T) {
	const (
		month   = 730.0
		address = 0.005
	)
	instance := func(i awssim.Instance) func(*awssim.Account) {
		i.ID = "i-1"
		return func(a *awssim.Account) { a.AddInstance(virginia, i) }
	}
	database := func(db awssim.DBInstance) func(*awssim.Account) {
		db.ID = "db"
		return func(a *awssim.Account) { a.AddDBInstance(virginia, db) }
	}
	cluster := func(c awssim.DBCluster) func(*awssim.Account) {
		c.ID = "cluster"
		return func(a *awssim.Account) { a.AddDBCluster(virginia, c) }
	}
	service := func(s awssim.ECSService) func(*awssim.Account) {
		s.Cluster, s.Name = "c", "s"
		return func(a *awssim.Account) {
			c := awssim.ECSCluster{Name: "c"}
			if s.LaunchType == "EC2" {
				c.Hosts = []string{a.AddInstance(virginia, awssim.Instance{ID: "i-host"})}
			}
			a.AddECSCluster(virginia, c)
			a.AddECSService(virginia, s)
		}
	}
	gp3 := 100 * 0.115 / month
	for name, tt := range map[string]struct {
		fill    func(*awssim.Account)
		kind    killswitch.Kind
		id      string
		running float64
		kept    float64
		why     string
	}{
		"a Linux instance":                       {fill: instance(awssim.Instance{}), kind: killswitch.EC2Instance, running: 0.096},
		"one with a public address":              {fill: instance(awssim.Instance{PublicIP: true}), kind: killswitch.EC2Instance, running: 0.096 + address},
		"one with an Elastic IP, listed apart":   {fill: instance(awssim.Instance{ElasticIP: "192.0.2.7"}), kind: killswitch.EC2Instance, running: 0.096},
		"a Windows instance":                     {fill: instance(awssim.Instance{Type: "m5.xlarge", Platform: "Windows", Operation: "RunInstances:0002"}), kind: killswitch.EC2Instance, running: 0.376},
		"an instance with hardware of its own":   {fill: instance(awssim.Instance{Type: "m5.xlarge", Dedicated: true}), kind: killswitch.EC2Instance, running: 0.204},
		"a machine without a hypervisor":         {fill: instance(awssim.Instance{Type: "m5.metal"}), kind: killswitch.EC2Instance, running: 4.608},
		"an instance on a host that is billed":   {fill: instance(awssim.Instance{Type: "m5.xlarge", HostID: "h-1"}), kind: killswitch.EC2Instance},
		"a Capacity Block, paid in advance":      {fill: instance(awssim.Instance{Type: "p3.2xlarge", Lifecycle: "capacity-block"}), kind: killswitch.EC2Instance},
		"an instance in a Local Zone":            {fill: instance(awssim.Instance{Zone: "us-east-1-bos-1a"}), kind: killswitch.EC2Instance, why: "AWS's price list has no such product"},
		"an instance that is stopped":            {fill: instance(awssim.Instance{State: "stopped"}), kind: killswitch.EC2Instance},
		"Red Hat, which has no price here":       {fill: instance(awssim.Instance{Platform: "Red Hat Enterprise Linux", Operation: "RunInstances:0010"}), kind: killswitch.EC2Instance, why: "AWS's price list has no such product"},
		"a Spot instance":                        {fill: spotInstance("0.087000"), kind: killswitch.EC2Instance, running: 0.087},
		"a Spot instance without a history":      {fill: spotInstance(""), kind: killswitch.EC2Instance, why: "EC2 has no Spot price for it in us-east-1b"},
		"a group costs what its members do":      {fill: groupOf(3, "m5.large"), kind: killswitch.AutoScalingGroup, running: 3 * 0.096},
		"PostgreSQL with its disk":               {fill: database(awssim.DBInstance{Class: "db.r6g.large"}), kind: killswitch.RDSInstance, running: 0.225 + gp3, kept: gp3},
		"MySQL in two zones, each with its disk": {fill: database(awssim.DBInstance{Engine: "mysql", Class: "db.t3.large", MultiAZ: true}), kind: killswitch.RDSInstance, running: 0.272 + 2*gp3, kept: 2 * gp3},
		"a large gp3 disk has its speed for nothing": {
			fill: database(awssim.DBInstance{Engine: "mysql", Class: "db.t3.large", Disk: awssim.DBDisk{Size: 400, IOPS: 12000, Throughput: 500}}),
			kind: killswitch.RDSInstance, running: 0.136 + 4*gp3, kept: 4 * gp3,
		},
		"and more speed is paid": {
			fill: database(awssim.DBInstance{Engine: "mysql", Class: "db.t3.large", Disk: awssim.DBDisk{Size: 400, IOPS: 14000, Throughput: 500}}),
			kind: killswitch.RDSInstance, running: 0.136 + 4*gp3 + 2000*0.02/month, kept: 4*gp3 + 2000*0.02/month,
		},
		"a disk of io1": {
			fill: database(awssim.DBInstance{Engine: "mysql", Class: "db.t3.large", Disk: awssim.DBDisk{Type: "io1", IOPS: 1200}}),
			kind: killswitch.RDSInstance, running: 0.136 + (100*0.125+1200*0.10)/month, kept: (100*0.125 + 1200*0.10) / month,
		},
		"SQL Server Standard":          {fill: database(awssim.DBInstance{Engine: "sqlserver-se", Class: "db.m5.xlarge"}), kind: killswitch.RDSInstance, running: 1.224 + gp3, kept: gp3},
		"Oracle with AWS's licence":    {fill: database(awssim.DBInstance{Engine: "oracle-se2-cdb", Class: "db.t3.large"}), kind: killswitch.RDSInstance, running: 0.30 + gp3, kept: gp3},
		"Oracle with one's own":        {fill: database(awssim.DBInstance{Engine: "oracle-ee", Class: "db.t3.large", Licence: "bring-your-own-license"}), kind: killswitch.RDSInstance, running: 0.136 + gp3, kept: gp3},
		"a class that is not listed":   {fill: database(awssim.DBInstance{Class: "db.x99.large"}), kind: killswitch.RDSInstance, why: "AWS's price list has no such product"},
		"an engine that is not listed": {fill: database(awssim.DBInstance{Engine: "ingres", Class: "db.t3.large"}), kind: killswitch.RDSInstance, why: "AWS's price list has no such product"},
		"Aurora costs what its members do": {
			fill: cluster(awssim.DBCluster{Engine: "aurora-mysql", Members: []awssim.DBMember{{ID: "w", Class: "db.r4.large"}, {ID: "r", Class: "db.t3.medium"}}}),
			kind: killswitch.RDSCluster, running: 0.29 + 0.082,
		},
		"Serverless v2 at its minimum, half a unit each": {
			fill: cluster(awssim.DBCluster{Members: []awssim.DBMember{{ID: "w", Class: "db.serverless"}, {ID: "r", Class: "db.serverless"}}}),
			kind: killswitch.RDSCluster, running: 2 * 0.5 * 0.12,
		},
		"Serverless v2 that pays no input and output": {
			fill: cluster(awssim.DBCluster{Disk: "aurora-iopt1", Members: []awssim.DBMember{{ID: "w", Class: "db.serverless"}}}),
			kind: killswitch.RDSCluster, running: 0.5 * 0.16,
		},
		"three tasks on Fargate": {
			fill: service(awssim.ECSService{Desired: 3, Size: awssim.TaskSize{CPU: 512, Memory: 1024}}),
			kind: killswitch.ECSService, running: 3 * (0.5*0.04048 + 1*0.004445),
		},
		"a task on ARM": {
			fill: service(awssim.ECSService{Desired: 1, Size: awssim.TaskSize{ARM: true}}),
			kind: killswitch.ECSService, running: 1*0.03238 + 2*0.00356,
		},
		"a task on Windows pays its licence": {
			fill: service(awssim.ECSService{Desired: 1, Size: awssim.TaskSize{Windows: true}}),
			kind: killswitch.ECSService, running: 1*0.09148 + 1*0.046 + 2*0.01005,
		},
		"a task with a larger disk than is free": {
			fill: service(awssim.ECSService{Desired: 1, Size: awssim.TaskSize{Disk: 50}}),
			kind: killswitch.ECSService, running: 1*0.04048 + 2*0.004445 + 30*0.000111,
		},
		"a task on Fargate Spot":           {fill: service(awssim.ECSService{Desired: 1, Provider: "FARGATE_SPOT"}), kind: killswitch.ECSService, why: "AWS publishes the Spot price of AmazonECS in no API"},
		"on EC2 it is the hosts that cost": {fill: service(awssim.ECSService{Desired: 2, LaunchType: "EC2"}), kind: killswitch.ECSService},
		"a service that runs nothing":      {fill: service(awssim.ECSService{}), kind: killswitch.ECSService},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, awssim.Options{Regions: []string{virginia}}, tt.fill, func(t *testing.T, a *awssim.Account) {
				running, kept, why := costOf(t, a, tt.kind, tt.id)
				if diff := cmp.Diff([]any{tt.running, tt.kept, tt.why}, []any{running, kept, why}, near); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

var near = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })

// spotInstance is one at the price, if of another type, of AWS's own example:
// https://docs.aws.amazon.com/code-library/latest/ug/ec2_example_ec2_DescribeSpotPriceHistory_section.html
func spotInstance(price string) func(*awssim.Account) {
	return func(a *awssim.Account) {
		a.AddInstance(virginia, awssim.Instance{ID: "i-1", Type: "c5.large", Zone: "us-east-1b", Lifecycle: "spot", Spot: awssim.Spot{Persistent: true}})
		if price != "" {
			a.AddSpotPrice(awssim.SpotPrice{Zone: "us-east-1b", Type: "c5.large", Platform: "Linux/UNIX", Price: price})
		}
	}
}

func groupOf(members int, size string) func(*awssim.Account) {
	return func(a *awssim.Account) {
		a.AddGroup(virginia, awssim.Group{Name: "g", Min: 0, Max: members, Desired: members, Template: awssim.Instance{Type: size}})
	}
}
