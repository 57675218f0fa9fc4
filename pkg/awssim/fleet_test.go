package awssim

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fleets are the fleets by name.
var fleets = map[string]struct {
	fill    func(*Account)
	regions []string
	atLeast int // resources, members of groups and clusters not counted
	atMost  int
}{
	"startup":    {Startup, StartupRegions, 75, 95},
	"scaleup":    {Scaleup, ScaleupRegions, 1000, 1150},
	"enterprise": {Enterprise, EnterpriseRegions, 10000, 10800},
	"sized":      {Sized(1000), EnterpriseRegions, 1000, 1100},
}

// resources is how many resources of their own a census counts.
func resources(census map[string]int) (n int) {
	for kind, count := range census {
		if !strings.HasSuffix(kind, ":member") && kind != "application-autoscaling:target" {
			n += count
		}
	}
	return n
}

func TestFleetsHaveTheirSize(t *testing.T) {
	for name, fleet := range fleets {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{Regions: fleet.regions}, func(t *testing.T, a *Account) {
				fleet.fill(a)
				census := a.Census()
				t.Log(census)
				if n := resources(census); n < fleet.atLeast || n > fleet.atMost {
					t.Errorf("%d resources, want %d to %d: %v", n, fleet.atLeast, fleet.atMost, census)
				}
				for _, kind := range []string{
					"ec2:instance", "ec2:member", "autoscaling:group", "rds:instance", "rds:member", "rds:cluster", "ecs:service",
					"ecs:task", "application-autoscaling:target",
				} {
					if census[kind] == 0 {
						t.Errorf("no %s", kind)
					}
				}
			})
		})
	}
}

func TestEnterpriseHasFourTenthsOfItsInstancesInOneRegion(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		Enterprise(a)
		all, first := 0, 0
		for _, r := range a.regions {
			all += len(r.ec2.instances)
			if r.name == EnterpriseRegions[0] {
				first = len(r.ec2.instances)
			}
		}
		if share := float64(first) / float64(all); share < 0.37 || share > 0.43 {
			t.Errorf("%d of %d instances are in the first region, want 40 %%", first, all)
		}
	})
}

func TestOneSeedIsOneFleet(t *testing.T) {
	state := func(seed uint64) (s State) {
		inBubble(t, Options{Regions: ScaleupRegions, Seed: seed}, func(t *testing.T, a *Account) {
			Scaleup(a)
			s = a.State()
		})
		return s
	}
	if diff := gocmp.Diff(state(1), state(1)); diff != "" {
		t.Errorf("the same seed gives two fleets:\n%s", diff)
	}
	if gocmp.Equal(state(1), state(2)) {
		t.Error("seeds 1 and 2 give one fleet")
	}
}

// leaveAlone fails when anything changes in the account while nobody does anything.
func leaveAlone(t interface {
	Helper()
	Errorf(string, ...any)
}, a *Account, d time.Duration) {
	t.Helper()
	before := a.State()
	a.Jump(d)
	different, byAWS := Compare(before, a.State())
	if len(different)+len(byAWS) > 0 {
		t.Errorf("left alone for %v the account changed: %v, by AWS: %v", d, different, byAWS)
	}
}

func TestFleetsLeftAloneDoNotChange(t *testing.T) {
	for name, fleet := range fleets {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{Regions: fleet.regions, Seed: 3}, func(t *testing.T, a *Account) {
				fleet.fill(a)
				leaveAlone(t, a, 12*time.Hour)
			})
		})
	}
}

func TestEverySituationAddsSomethingThatDoesNotChangeByItself(t *testing.T) {
	for _, s := range situations() {
		t.Run(s.what, func(t *testing.T) {
			a := New(Options{Regions: StartupRegions})
			s.add(newBuilders(a, StartupRegions, seededDraw(a))[0])
			if census := a.Census(); resources(census) == 0 {
				t.Errorf("nothing added: %v", census)
			}
			leaveAlone(t, a, 2*time.Hour)
		})
	}
}

func TestRandomAccountsAreSmallAndLeftAloneDoNotChange(t *testing.T) {
	sorts := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		a := New(Options{Regions: StartupRegions})
		Random(a, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
		if census := a.Census(); resources(census) < 1 || resources(census) > 30 {
			t.Errorf("%d resources: %v", resources(census), census)
		}
		for resource, fields := range a.State() {
			name := cmp.Or(fields["Tags.Name"], resource[strings.LastIndex(resource, " ")+1:])
			sorts[kindOf(resource)+" "+strings.TrimRight(name, "-0123456789")] = true
		}
		leaveAlone(t, a, 2*time.Hour)
	})
	if len(sorts) < 60 {
		t.Errorf("only %d sorts of resources in a hundred accounts: %v", len(sorts), slices.Sorted(maps.Keys(sorts)))
	}
}
