package services

import (
	"testing"

	"aws-hit-breaks/pkg/killswitch"
)

// TestDecideGroupCreatedAgain: a group of the same name is another one if its ARN has another id, whatever
// is wanted, also by force; an original of an earlier version has no ARN and says nothing about it.
func TestDecideGroupCreatedAgain(t *testing.T) {
	const first, second = "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:aa:autoScalingGroupName/web", "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:bb:autoScalingGroupName/web"
	for name, row := range map[string]struct {
		was, is  string
		replaced bool
	}{
		"the same":                           {first, first, false},
		"another":                            {first, second, true},
		"an original of an earlier version":  {"", second, false},
		"a look that does not say which one": {first, "", false},
	} {
		for _, want := range []killswitch.Want{killswitch.WantPaused, killswitch.WantResumed} {
			t.Run(name+", wanted "+string(want), func(t *testing.T) {
				original := stoppable()
				original.ARN = row.was
				seen := look(nil, member("i-1", up(statusOK)))
				seen.ARN = row.is
				item := killswitch.Item{Original: mustEncode(t, groupSchema, original), State: killswitch.State{Order: 1}, Force: true}
				d := (&groups{}).Decide(want, item, killswitch.Observation{Presence: killswitch.Present, At: noon, Resource: seen}, noon)
				if got := d.Do == killswitch.Replaced; got != row.replaced {
					t.Errorf("decided %+v", d)
				}
			})
		}
	}
}
