package services_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// TestMembersThatComeOneByOne: a cluster that is there waits for its members, and while one of them is on its way, a
// look at that one tells enough.
func TestMembersThatComeOneByOne(t *testing.T) {
	for name, test := range map[string]struct {
		members  int
		optimize bool // one optimizes its storage for hours, as soon as it is there and before the others are
	}{
		"one member":                {1, false},
		"four members":              {4, false},
		"one optimizes its storage": {4, true},
	} {
		t.Run(name, func(t *testing.T) {
			var asked [][]string // by name, in one question
			o := awssim.Options{Seed: 3, Fault: func(c awssim.Call) awssim.Fault {
				if in, ok := c.Input.(*rds.DescribeDBInstancesInput); ok {
					for _, f := range in.Filters {
						if aws.ToString(f.Name) == "db-instance-id" {
							asked = append(asked, f.Values)
						}
					}
				}
				return awssim.Fault{}
			}}
			last := fmt.Sprint("ledger-", test.members) // by its name; it comes right after the writer
			fill := func(a *awssim.Account) {
				members := []awssim.DBMember{{ID: "ledger-1"}}
				for n := test.members; n > 1; n-- {
					members = append(members, awssim.DBMember{ID: fmt.Sprint("ledger-", n)})
				}
				a.AddDBCluster(here, awssim.DBCluster{ID: "ledger", Members: members})
			}
			onBench(t, o, fill, func(t *testing.T, a *awssim.Account) {
				b := newBench(t, a, killswitch.RDSCluster, here)
				items, before := b.items(), a.State()
				b.drive(killswitch.WantPaused, items)
				items[0].State.Order = 2
				began, optimizes := time.Now(), false
				for len(b.round(killswitch.WantResumed, items, map[string]killswitch.Decision{})) > 0 && time.Since(began) < time.Hour {
					time.Sleep(15 * time.Second)
					if test.optimize && !optimizes && a.Doing()[here+" rds:instance "+last] == "available" {
						a.BusyDatabase(here, last, "storage-optimization", 3*time.Hour)
						optimizes = true
					}
				}
				if !items[0].Settled() {
					t.Errorf("not back within an hour: %+v", items[0].Seen)
				}
				if different, _ := awssim.Compare(before, a.State()); len(different) > 0 && !optimizes {
					t.Errorf("not restored: %v", different)
				}
				if optimizes != test.optimize {
					t.Errorf("the last member optimizes its storage: %t", optimizes)
				}
				for _, names := range asked {
					if len(names) > 1 {
						t.Errorf("asked for %q at once", names)
					}
				}
				if len(asked) == 0 && test.members > 1 {
					t.Error("no member was waited for")
				}
			})
		})
	}
}
