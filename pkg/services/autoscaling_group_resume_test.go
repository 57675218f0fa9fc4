package services

import (
	"testing"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// TestDecideGroupResume is the table of resuming by starting members: original × left × seen.
func TestDecideGroupResume(t *testing.T) {
	stopped := fields(fieldProcesses, allNine, fieldMembers, stateStopped)
	started := fields(fieldProcesses, allNine, fieldMembers, stateRunning)
	launchAgain := fields(fieldProcesses, joined(without(processes, launching)), fieldMembers, stateRunning)
	rest := fields(fieldProcesses, "", fieldMembers, stateRunning)
	restLeft := without(processes, launching)
	running := []memberSeen{member("i-1", up(statusOK)), member("i-2", up(statusOK))}
	stoppedTwo := []memberSeen{member("i-1", down()), member("i-2", down())}
	two := []string{"i-1 i-2"}
	back := killswitch.Decision{Do: killswitch.Done, ByAWS: fields(
		"LaunchTime", "of 2 members → new", "PublicIpAddress", "of 2 members → new", "PublicDnsName", "of 2 members → new",
	)}

	runGroupTable(t, killswitch.WantResumed, map[string]groupRow{
		"recorded members are started": {stoppable(), step(stopMembers, stopped), false, two, look(processes, stoppedTwo...), 0, 0, take(startMembers, 2, started), ""},
		"a member that was stopped before is not started": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1"}, look(processes, stoppedTwo...), 0, 0, take(startMembers, 1, started), "",
		},
		"what is stopped is started before what is starting is waited for": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", in(statePending)), member("i-2", down())), 0, 0,
			take(startMembers, 1, started), "",
		},
		"a member that is still stopping is waited for": {
			stoppable(), step(stopMembers, stopped), false, two, look(processes, member("i-1", in(stateStopping)), member("i-2", up(statusOK))), 0, 0,
			holdFor(2, "member i-1: it is stopping"), "",
		},
		"a member that is starting is waited for": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", in(statePending)), running[1]), 0, 0,
			holdFor(2, "member i-1: it is starting"), "",
		},
		"a member is not back before its status checks are": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", up("initializing")), running[1]), 0, 0,
			holdFor(2, "member i-1: its status checks are initializing"), "",
		},
		"a member that EC2 does not show is waited for": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", instanceSeen{}), running[1]), 0, 0,
			holdFor(2, "member i-1: EC2 does not show it"), "",
		},
		"a member whose start fell back is a refusal with the reason": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", fellBack("Client.VolumeLimitExceeded")), running[1]), 0, 0,
			refuseFor("member i-1: it was started and fell back to stopped (Client.VolumeLimitExceeded: it failed)"), "",
		},
		"the others are waited for first": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", fellBack("Client.VolumeLimitExceeded")), member("i-2", in(statePending))), 0, 0,
			holdFor(2, "member i-2: it is starting"), "",
		},
		"some time later it is started again": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", fellBack("Client.VolumeLimitExceeded")), running[1]), startAgain, 0,
			take(startMembers, 1, started), "",
		},
		"a member that somebody stopped after its start keeps the group from replacing it": {
			stoppable(), step(startMembers, started), false, two, look(processes, member("i-1", stoppedAt(noon.Add(time.Minute))), running[1]), 0, 0,
			driftFor("somebody has stopped member i-1 again since it was started"), "",
		},
		"by force it is started once more": {
			stoppable(), step(startMembers, started), true, two, look(processes, member("i-1", stoppedAt(noon.Add(time.Minute))), running[1]), 0, 0,
			take(startMembers, 1, started), "",
		},
		"members that the group marks Unhealthy are set right while it may not replace them": {
			stoppable(), step(startMembers, started), false, two, look(processes, ill(running[0]), running[1]), 0, 0, take(setHealthy, 0, started), "",
		},
		"then the group may launch, check and register members": {
			stoppable(), step(startMembers, started), false, two, look(processes, running...), 0, 0, take(resumeLaunch, 0, launchAgain), "",
		},
		"what its owner had suspended is not among what may go on": {
			stoppable("HealthCheck", "AZRebalance"), step(startMembers, started), false, two, look(processes, running...), 0, 0,
			take(resumeLaunch, 0, fields(fieldProcesses, joined(without(processes, []string{"Launch", "AddToLoadBalancer"})), fieldMembers, stateRunning)), "",
		},
		"members that are Unhealthy after the first check are set right again": {
			stoppable(), step(resumeLaunch, launchAgain), false, two, look(restLeft, ill(running[0]), running[1]), 0, 0, take(setHealthy, 0, launchAgain), "",
		},
		"a load balancer gets a settle time to judge the members": {
			stoppable(), step(resumeLaunch, launchAgain), false, two, balanced(look(restLeft, running...)), 30 * time.Second, 0,
			holdUntil(2, time.Minute, "its ELB health checks have to judge its members once"), "",
		},
		"and another after a member was set right": {
			stoppable(), step(setHealthy, launchAgain), false, two, balanced(look(restLeft, running...)), 30 * time.Second, 0,
			holdUntil(2, time.Minute, "its ELB health checks have to judge its members once"), "",
		},
		"the look that finds no complaint is begun after that time": {
			stoppable(), step(resumeLaunch, launchAgain), false, two, balanced(look(restLeft, running...)), 2 * time.Minute, 90 * time.Second,
			holdUntil(2, 2*time.Minute, "its ELB health checks have to judge its members once"), "",
		},
		"without a complaint of the load balancer the group may scale again": {
			stoppable(), step(resumeLaunch, launchAgain), false, two, balanced(look(restLeft, running...)), time.Minute, 0, take(resumeRest, 0, rest), "",
		},
		"a group whose owner had suspended its health checks waits for none": {
			stoppable("HealthCheck"), step(resumeLaunch, launchAgain), false, two, balanced(look(without(processes, []string{"Launch", "AddToLoadBalancer"}), running...)), 0, 0,
			take(resumeRest, 0, fields(fieldProcesses, "HealthCheck", fieldMembers, stateRunning)), "",
		},
		"a group that checks EC2 alone may scale again at once": {
			stoppable(), step(resumeLaunch, launchAgain), false, two, look(restLeft, running...), 0, 0, take(resumeRest, 0, rest), "",
		},
		"it is back when exactly the original processes are suspended": {stoppable(), step(resumeRest, rest), false, two, look(nil, running...), 0, 0, back, ""},
		"it is back with what its owner had suspended": {
			stoppable("AZRebalance"), step(resumeRest, fields(fieldProcesses, "AZRebalance")), false, two, look([]string{"AZRebalance"}, running...), 0, 0, back, "",
		},
		"once it scales again its desired capacity and members are its own affair": {
			stoppable(), step(resumeRest, rest), false, two, sized(look(nil, member("i-1", in(stateTerminated)), running[1]), 1, 5, 1), 0, 0,
			killswitch.Decision{Do: killswitch.Done, ByAWS: fields(
				"LaunchTime", "of 1 members → new", "PublicIpAddress", "of 1 members → new", "PublicDnsName", "of 1 members → new",
			)}, "",
		},
		"a last step that did not take effect is repeated": {
			stoppable(), step(resumeRest, rest), false, two, look(restLeft, running...), 0, 0, take(resumeRest, 0, rest), "",
		},
		"a process that somebody suspended again after it is told": {
			stoppable(), step(resumeRest, rest), false, two, look([]string{"Terminate"}, running...), 0, 0, driftFor("since the pause: suspended again: Terminate"), "",
		},
		"by force it is resumed": {
			stoppable(), step(resumeRest, rest), true, two, look([]string{"Terminate"}, running...), 0, 0, take(resumeRest, 0, rest), "",
		},
		"a group that was suspended as a whole is back when its members are": {
			stoppable(processes...), step(startMembers, fields(fieldMembers, stateRunning)), false, two, look(processes, running...), 0, 0, back, "",
		},
		"processes that somebody resumed while paused are as they were": {
			stoppable(), step(stopMembers, stopped), false, two, look([]string{"Terminate"}, running...), 0, 0,
			take(resumeRest, 0, fields(fieldProcesses, "", fieldMembers, stateStopped)), "",
		},
		"a group that we never came to is as it was": {
			stoppable(), killswitch.State{Order: 2}, false, nil, look(nil, running...), 0, 0, killswitch.Decision{Do: killswitch.Done, ByAWS: fields()}, "",
		},
		"a group that we never came to and somebody suspended is left so": {
			stoppable(), killswitch.State{Order: 2}, false, nil, look([]string{"Launch"}, running...), 0, 0,
			driftFor("since the pause: suspended, and not by the pause: Launch"), "",
		},
		"by force its processes are resumed": {
			stoppable(), killswitch.State{Order: 2}, true, nil, look([]string{"Launch"}, running...), 0, 0, take(resumeLaunch, 0, fields(fieldProcesses, "")), "",
		},
		"a group that is being deleted is waited for": {
			stoppable(), step(stopMembers, stopped), false, two, deleting(look(processes, stoppedTwo...)), 0, 0, holdFor(2, "it is being deleted"), "",
		},

		"what somebody changed is written down with the last step": {
			stoppable("AZRebalance"), step(resumeLaunch, launchAgain), false, []string{"i-1 i-2 i-3"},
			sized(look(without(restLeft, []string{"AZRebalance"}), running[0], lifecycle(running[1], ""), member("i-3", in(stateTerminated))), 1, 8, 4), 0, 0,
			take(resumeRest, 0, fields(fieldProcesses, "", fieldMembers, stateRunning, fieldChanged,
				"MaxSize was changed, 5 → 8; DesiredCapacity was changed, 2 → 4; resumed although suspended before: AZRebalance; "+
					"member i-2 was taken out of the group; member i-3 was terminated")), "",
		},
		"and told when all the rest is back": {
			stoppable(), step(resumeRest, fields(fieldProcesses, "", fieldChanged, "MaxSize was changed, 5 → 8")), false, two, look(nil, running...), 0, 0,
			driftFor("since the pause: MaxSize was changed, 5 → 8"), "",
		},
		"by force sizes are put back, before anything is launched": {
			stoppable(), step(startMembers, started), true, two, sized(look(processes, running...), 1, 8, 4), 0, 0,
			take(restoreSize, 0, fields(fieldProcesses, allNine, fieldMembers, stateRunning, fieldMaxSize, "5", fieldDesiredCapacity, "2")), "",
		},
		"by force sizes are put back also after the last step": {
			stoppable(), step(resumeRest, fields(fieldProcesses, "", fieldChanged, "MaxSize was changed, 5 → 8")), true, two,
			sized(look(nil, running...), 1, 8, 2), 0, 0,
			take(restoreSize, 0, fields(fieldProcesses, "", fieldChanged, "", fieldMaxSize, "5")), "",
		},
		"by force a process that was suspended before is suspended again": {
			stoppable("AZRebalance"), step(resumeRest, fields(fieldProcesses, "", fieldChanged, "resumed although suspended before: AZRebalance")), true, two,
			look(nil, running...), 0, 0, take(suspendOriginal, 0, fields(fieldProcesses, "AZRebalance", fieldChanged, "")), "",
		},
		"a member that is gone is told even by force": {
			stoppable(), step(restoreSize, fields(fieldProcesses, "")), true, two, look(nil, running[0]), 0, 0,
			driftFor("since the pause: member i-2 was terminated"), "",
		},
	})
}
