package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

func TestWavesOfAPlan(t *testing.T) {
	const paused, resumed = killswitch.WantPaused, killswitch.WantResumed
	known := map[killswitch.Kind]killswitch.Declaration{
		killswitch.EC2Instance: {Steps: []killswitch.Step{
			{Name: "stop", Want: paused, Wave: 3}, {Name: "start", Want: resumed, Wave: 2},
		}},
		killswitch.AutoScalingGroup: {Steps: []killswitch.Step{
			{Name: "suspend", Want: paused, Wave: 1}, {Name: "stop-members", Want: paused, Wave: 3}, {Name: "scale", Want: paused, Wave: 3},
			{Name: "start-members", Want: resumed, Wave: 2},
		}},
	}
	would := func(kind killswitch.Kind, phase killswitch.Phase, id, step string) killswitch.Item {
		it := at(1, phase, id)
		it.Resource.Ref.Kind, it.State.Step = kind, step
		return it
	}
	for name, tt := range map[string]struct {
		items []killswitch.Item
		waves []report.Wave
		first map[string]int // by id
	}{
		"a group comes before instances, and has steps in two waves": {
			[]killswitch.Item{
				would(killswitch.EC2Instance, killswitch.WouldPause, "i-1", "stop"), would(killswitch.EC2Instance, killswitch.WouldPause, "i-2", "stop"),
				would(killswitch.AutoScalingGroup, killswitch.WouldPause, "g", "suspend"),
			},
			[]report.Wave{
				{paused, 1, "suspend", killswitch.AutoScalingGroup, 1}, {paused, 3, "stop-members", killswitch.AutoScalingGroup, 1},
				{paused, 3, "scale", killswitch.AutoScalingGroup, 1}, {paused, 3, "stop", killswitch.EC2Instance, 2},
			},
			map[string]int{"g": 1, "i-1": 3, "i-2": 3},
		},
		"what is done already is not done again": {
			[]killswitch.Item{would(killswitch.AutoScalingGroup, killswitch.WouldPause, "g", "scale")},
			[]report.Wave{{paused, 3, "stop-members", killswitch.AutoScalingGroup, 1}, {paused, 3, "scale", killswitch.AutoScalingGroup, 1}},
			map[string]int{"g": 3},
		},
		"what is waited for may need all of its steps": {
			[]killswitch.Item{would(killswitch.AutoScalingGroup, killswitch.WouldPause, "g", "")},
			[]report.Wave{
				{paused, 1, "suspend", killswitch.AutoScalingGroup, 1}, {paused, 3, "stop-members", killswitch.AutoScalingGroup, 1},
				{paused, 3, "scale", killswitch.AutoScalingGroup, 1},
			},
			map[string]int{"g": 1},
		},
		"what is paused and what is resumed count by themselves": {
			[]killswitch.Item{
				would(killswitch.EC2Instance, killswitch.WouldResume, "i-1", "start"), would(killswitch.EC2Instance, killswitch.WouldPause, "i-2", "stop"),
			},
			[]report.Wave{{paused, 3, "stop", killswitch.EC2Instance, 1}, {resumed, 2, "start", killswitch.EC2Instance, 1}},
			map[string]int{"i-1": 2, "i-2": 3},
		},
		"what runs, is done or is left alone has no wave": {
			[]killswitch.Item{
				would(killswitch.EC2Instance, killswitch.Running, "i-1", "stop"), would(killswitch.EC2Instance, killswitch.Paused, "i-2", "stop"),
				would(killswitch.EC2Instance, killswitch.Unpausable, "i-3", ""),
			},
			nil, map[string]int{"i-1": 0, "i-2": 0, "i-3": 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := report.Of(live([]killswitch.Order{alarmed}, listed(1), tt.items...), known)
			if diff := cmp.Diff(tt.waves, r.Waves); diff != "" {
				t.Errorf("waves (-want +got)\n%s", diff)
			}
			first := map[string]int{}
			for _, resource := range r.Resources {
				first[resource.ID] = resource.Wave
			}
			if diff := cmp.Diff(tt.first, first); diff != "" {
				t.Errorf("the first of each (-want +got)\n%s", diff)
			}
		})
	}
}
