package awssim

import "time"

// group adds a group of b's name.
func (b *builder) group(what string, g Group, tags ...string) {
	g.Name, g.Tags = b.name(what), b.tags(tags...)
	if g.Template.Type == "" {
		g.Template.Type = commonTypes[b.draw(len(commonTypes))]
	}
	b.a.AddGroup(b.region, g)
}

func (b *builder) groupOf(members int) {
	b.group("web", Group{Min: 0, Max: 2 * members, Desired: members, Template: Instance{PublicIP: b.draw(2) == 0}})
}

func ordinaryGroup(b *builder) { b.groupOf(1 + b.draw(3)) }

// several makes a situation of one group.
func several(what string, g Group, tags ...string) situation {
	return situation{what: what, add: func(b *builder) { b.group(what, g, tags...) }}
}

// groupSituations are those of groups. None of them changes as long as nobody touches it.
var groupSituations = []situation{
	{what: "web", add: ordinaryGroup},
	variant(several("minimum", Group{Min: 2, Max: 4, Desired: 2})),
	several("empty", Group{Min: 0, Max: 4, Members: []Member{}}),
	several("protected", Group{Max: 2, Desired: 1}, protectTag, "yes"),
	several("protected-member", Group{Max: 3, Members: []Member{{}, {Instance: &Instance{Tags: map[string]string{protectTag: "true"}}}}}),
	variant(several("stop-protected-member", Group{Max: 3, Members: []Member{{}, {Instance: &Instance{StopProtected: true}}}})),
	several("suspended", Group{Max: 2, Desired: 1, Suspended: []string{"AZRebalance", scheduledActions}}),
	variant(several("all-suspended", Group{Max: 2, Desired: 1, Suspended: groupProcesses})),
	several("unhealthy", Group{Max: 4, Suspended: []string{replaceUnhealthy}, Members: []Member{{}, {Unhealthy: true}}}),
	several("standby", Group{Max: 4, Members: []Member{{}, {Standby: true}}}),
	variant(several("stopped-standby", Group{Max: 4, Members: []Member{{}, {Standby: true, Instance: &Instance{State: stopped}}}})),
	several("scale-in-protected", Group{Max: 2, ProtectNew: true, Members: []Member{{Protected: true}}}),
	several("balanced", Group{Max: 4, Desired: 2, TargetsAfter: 20 * time.Second}),
	several("scheduled", Group{Min: 1, Max: 3, Desired: 1, Scheduled: []GroupSchedule{
		{In: 2 * time.Minute, Min: 1, Max: 3, Desired: 1}, {In: 20 * time.Minute, Min: 1, Max: 3, Desired: 1},
	}}),
	several("warm-running", Group{Max: 3, Desired: 1, WarmState: "Running", Warm: 1}),
	variant(several("warm-stopped", Group{Max: 3, Desired: 1, WarmState: "Stopped", Warm: 1})),

	several("mixed", Group{Max: 4, SpotPercentage: 50, Members: []Member{{}, {Instance: &Instance{Lifecycle: "spot"}}}}),
	variant(several("store", Group{Max: 2, Desired: 1, Template: Instance{Type: "c5d.xlarge"}})),
	several("scale-to-zero", Group{Min: 1, Max: 3, Desired: 2, Interchangeable: true}, pauseTag, "scale-to-zero"),
	variant(several("scale-to-zero-spot", Group{
		Min: 1, Max: 3, Desired: 1, SpotPercentage: 100, Template: Instance{Lifecycle: "spot"}, Interchangeable: true,
	}, pauseTag, "scale-to-zero")),

	several("eks-nodes", Group{Max: 2, Desired: 1, Template: Instance{Tags: map[string]string{"eks:nodegroup-name": "ng", "eks:cluster-name": "main"}}},
		"eks:nodegroup-name", "ng", "eks:cluster-name", "main"),
	variant(several("beanstalk", Group{Max: 2, Desired: 1, Template: Instance{Tags: map[string]string{"elasticbeanstalk:environment-name": "shop"}}},
		"elasticbeanstalk:environment-name", "shop")),
	variant(several("batch", Group{Max: 2, Desired: 1}, "AWSBatchServiceTag", "batch")),
	several("operated", Group{Max: 2, Desired: 1, Operator: "eks.amazonaws.com", Template: Instance{Operator: "eks.amazonaws.com"}}),
	several("deleting", Group{Max: 2, Desired: 1, Deleting: true}),
}
