package floor

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// Everything is in us-east-1, and is known after four trips of 0.05 s; the calls of the first wave are
// accepted two trips later, at 0.3 s.
func TestBurntIsWhatOneComputesByHand(t *testing.T) {
	for name, tt := range map[string]struct {
		run          func() *history
		dollars      map[string]float64 // an hour, of what is in us-east-1
		burnt, least float64            // in dollar-seconds
	}{
		"what is dearest goes first": {
			func() *history {
				h := begin("pause")
				for i, id := range h.there("rds:instance", "db", 6) {
					h.call("rds:StopDBInstance", float64(i+1), 100, "", id)
				}
				return h
			},
			map[string]float64{"rds:instance db-1": 1, "rds:instance db-2": 1, "rds:instance db-3": 1, "rds:instance db-4": 1, "rds:instance db-5": 2, "rds:instance db-6": 3},
			1 + 2 + 3 + 4 + 2*5 + 3*6,
			// Four of the bucket at 0.3 s, those of 3, 2, 1 and 1 dollars; then one at 0.8 and one at 1.3 s.
			0.3*(3+2+1+1) + 0.8 + 1.3,
		},
		"what has no price is in neither, and what is stopped again counts once": {
			func() *history {
				h := begin("pause")
				h.call("ec2:StopInstances", 2, 10, "", h.there("ec2:instance", "i", 2)...)
				h.call("ec2:StopInstances", 60, 10, "", "i-1")
				return h
			},
			map[string]float64{"ec2:instance i-1": 10},
			20, 3,
		},
		"members wait for their group, and then for tokens": {
			func() *history {
				h := begin("pause")
				ids := h.there("ec2:instance", "i", 1003)
				h.member("g", ids[1001:]...)
				h.call("autoscaling:SuspendProcesses", 0.3, 0, "", "g")
				h.call("ec2:StopInstances", 1, 10, "", ids[:1001]...)
				h.call("ec2:StopInstances", 70, 10, "", ids[1001:]...)
				return h
			},
			map[string]float64{"ec2:instance i-1001": 1, "ec2:instance i-1002": 5, "ec2:instance i-1003": 1, "ec2:instance i-1": 1},
			1 + 1 + 70*5 + 70,
			// Two pages: 0.25; instances from 0.35 on, of which those with a price are the first. Members at 60.3 + 0.15.
			0.35*2 + 60.45*6,
		},
		"the dearest group is suspended first, and only so many a second": {
			func() *history {
				h := begin("pause")
				ids := h.there("ec2:instance", "i", 12)
				for i, id := range ids {
					group := fmt.Sprintf("g-%d", i)
					h.member(group, id)
					h.call("autoscaling:SuspendProcesses", 0.3, 0, "", group)
				}
				h.call("ec2:StopInstances", 70, 10, "", ids...)
				return h
			},
			map[string]float64{
				"ec2:instance i-1": 1, "ec2:instance i-2": 1, "ec2:instance i-3": 1, "ec2:instance i-4": 1, "ec2:instance i-5": 1, "ec2:instance i-6": 1,
				"ec2:instance i-7": 1, "ec2:instance i-8": 1, "ec2:instance i-9": 1, "ec2:instance i-10": 1, "ec2:instance i-11": 1, "ec2:instance i-12": 5,
			},
			70 * 16,
			// The ten that the bucket holds, among them the dearest, at 60.3 + 0.15; then one 0.2 s and one 0.4 s later.
			60.45*16 + 0.2 + 0.4,
		},
		"instances wait for no services, databases for both": {
			func() *history {
				h := begin("pause")
				for _, id := range h.there("ecs:service", "a/s", 60) {
					h.call("ecs:UpdateService", 1, 20, "", strings.Split(id, "/")...)
				}
				h.call("ec2:StopInstances", 3, 10, "", h.there("ec2:instance", "i", 1)...)
				h.call("rds:StopDBInstance", 4, 100, "", h.there("rds:instance", "db", 1)...)
				return h
			},
			map[string]float64{"ec2:instance i-1": 1, "rds:instance db-1": 1},
			3 + 4,
			// All is known after 0.3 s. The instance is stopped at 0.4; of the services, from 0.4 on, ten wait 2 s for
			// their tokens; then write, call.
			0.4 + 2.4 + 0.1,
		},
		"a wave begins when the one before is accepted": {
			func() *history {
				h := begin("pause")
				h.call("ec2:StopInstances", 1, 10, "", h.there("ec2:instance", "i", 1100)...)
				h.each("rds:StopDBInstance", 9, 100, h.there("rds:instance", "db", 1)...)
				return h
			},
			map[string]float64{"rds:instance db-1": 1},
			9,
			0.25 + 0.1 + 5 + 0.1, // two pages; write, call; 100 tokens; write, call
		},
	} {
		t.Run(name, func(t *testing.T) {
			dollars := map[string]float64{}
			for resource, each := range tt.dollars {
				dollars["us-east-1 "+resource] = each
			}
			d := tt.run().Burnt(dollars)
			if d.Priced != len(dollars) {
				t.Errorf("%d resources have a price, want %d", d.Priced, len(dollars))
			}
			if burnt, least := d.Burnt*3600, d.Least*3600; math.Abs(burnt-tt.burnt) > 1e-6 || math.Abs(least-tt.least) > 1e-6 {
				t.Errorf("burnt %.3f, at least %.3f, by hand %.3f and %.3f", burnt, least, tt.burnt, tt.least)
			}
		})
	}
}

// Tokens that come while members are waited for are there for them, up to what the bucket holds.
func TestTokensAreSavedUpToTheBurst(t *testing.T) {
	b := rate{burst: 2, perSecond: 1}
	// Of now two at 0 s and the third at 1 s; at 10 s the bucket is full: two of later at once, the third at 11 s.
	later := 10 * time.Second
	got := b.cost(0, []stop{{0, 1, false}, {later, 1, false}, {0, 1, false}, {later, 1, false}, {later, 1, false}, {0, 1, false}}) * 3600
	if want := 0.0 + 0 + 1 + 10 + 10 + 11; math.Abs(got-want) > 1e-6 {
		t.Errorf("%.3f, want %.3f", got, want)
	}
}

// What is stopped is recorded before, at 250 a second after the first 250: of 500 at a dollar the others come 4 ms
// after each other. What was recorded long before waits for tokens alone.
func TestTheStoreTakesSoManyRecords(t *testing.T) {
	for recorded, want := range map[bool]float64{false: 0.004 * 250 * 251 / 2, true: 0} {
		var all []stop
		for range 500 {
			all = append(all, stop{0, 1, recorded})
		}
		if got := stopResources.cost(0, all) * 3600; math.Abs(got-want) > 1e-3 {
			t.Errorf("recorded before %v: %.4f, want %.4f", recorded, got, want)
		}
	}
}

func TestFirstStopStopsSomething(t *testing.T) {
	h := begin("pause")
	if first, stopped := h.FirstStop(); stopped {
		t.Errorf("nothing was called, and something stopped after %s", first)
	}
	h.call("autoscaling:SuspendProcesses", 0.4, 0, "", "g")
	h.call("ec2:StopInstances", 0.5, 0, "OperationNotPermitted", "i")
	h.call("rds:StopDBInstance", 2, 10, "", "db")
	h.call("ec2:StopInstances", 1.5, 10, "", "i")
	if first, _ := h.FirstStop(); first != seconds(1.5) {
		t.Errorf("the first stop is after %s, want 1.5 s: what was refused stopped nothing, nor do suspended processes", first)
	}
}
