package services

import (
	"testing"

	"aws-hit-breaks/pkg/killswitch"
)

// scalable is the original of a group that is scaled to zero.
func scalable(suspended ...string) groupOriginal {
	original := stoppable(suspended...)
	original.Strategy = byScaling
	return original
}

// TestDecideGroupScaleToZero is the table of groups whose owner lets a pause terminate the members.
func TestDecideGroupScaleToZero(t *testing.T) {
	three := joined(scaling)
	suspended := fields(fieldProcesses, three)
	zero := fields(fieldProcesses, three, fieldMinSize, "0", fieldDesiredCapacity, "0")
	empty := sized(look(scaling), 0, 5, 0)
	running := []memberSeen{member("i-1", up(statusOK)), member("i-2", up(statusOK))}
	t.Run("pause", func(t *testing.T) {
		runGroupTable(t, killswitch.WantPaused, map[string]groupRow{
			"what would fill it again is suspended first": {
				scalable(), killswitch.State{Order: 1}, false, nil, look(nil, running...), 0, 0, take(suspendProcesses, 0, suspended), "",
			},
			"then it is emptied, without a time to settle": {
				scalable(), step(suspendProcesses, suspended), false, nil, look(scaling, running...), 0, 0, take(scaleToZero, 0, zero), "",
			},
			"members that are being terminated are waited for": {
				scalable(), step(scaleToZero, zero), false, nil, sized(look(scaling, lifecycle(member("i-1", in(stateShuttingDown)), "Terminating")), 0, 5, 0),
				0, 0, holdFor(3, "1 members are being terminated"), "",
			},
			"an empty group is paused": {scalable(), step(scaleToZero, zero), false, nil, empty, 0, 0, done, ""},
			"a size that somebody set before it was observed empty is set again": {
				scalable(), step(scaleToZero, zero), false, nil, sized(empty, 0, 5, 3), 0, 0, take(scaleToZero, 0, zero), "",
			},
			"a size that somebody set since is told": {
				scalable(), settledAt(step(scaleToZero, zero)), false, nil, sized(empty, 0, 5, 3), 0, 0,
				driftFor("somebody has set its size since the pause: min 0, max 5, desired 3"), "",
			},
			"a process that somebody resumed since is told": {
				scalable(), settledAt(step(scaleToZero, zero)), false, nil, sized(look([]string{"Launch", "ScheduledActions"}), 0, 5, 0), 0, 0,
				driftFor("somebody has resumed AlarmNotification since the pause"), "",
			},
		})
	})
	restored := fields(fieldProcesses, three, fieldMinSize, "1", fieldDesiredCapacity, "2")
	launchAgain := fields(fieldProcesses, "AlarmNotification,ScheduledActions", fieldMinSize, "1", fieldDesiredCapacity, "2")
	rest := fields(fieldProcesses, "", fieldMinSize, "1", fieldDesiredCapacity, "2")
	alarms := []string{"AlarmNotification", "ScheduledActions"}
	t.Run("resume", func(t *testing.T) {
		runGroupTable(t, killswitch.WantResumed, map[string]groupRow{
			"its sizes come back first": {scalable(), step(scaleToZero, zero), false, nil, empty, 0, 0, take(restoreSize, 0, restored), ""},
			"a restore that was refused is repeated": {
				scalable(), step(restoreSize, restored), false, nil, empty, 0, 0, take(restoreSize, 0, restored), "",
			},
			"a maximum that somebody changed stays, the rest comes back": {
				scalable(), step(scaleToZero, zero), false, nil, sized(empty, 0, 9, 0), 0, 0, take(restoreSize, 0, restored), "",
			},
			"then it may launch": {scalable(), step(restoreSize, restored), false, nil, look(scaling), 0, 0, take(resumeLaunch, 0, launchAgain), ""},
			"what it had in service is waited for": {
				scalable(), step(resumeLaunch, launchAgain), false, nil, look(alarms, running[0], lifecycle(running[1], "Pending")), 0, 0,
				holdFor(2, "1 of 2 in service"), "",
			},
			"then it may scale": {scalable(), step(resumeLaunch, launchAgain), false, nil, look(alarms, running...), 0, 0, take(resumeRest, 0, rest), ""},
			"what its owner had suspended stays suspended": {
				scalable("ScheduledActions"), step(resumeLaunch, launchAgain), false, nil, look(alarms, running...), 0, 0,
				take(resumeRest, 0, fields(fieldProcesses, "ScheduledActions", fieldMinSize, "1", fieldDesiredCapacity, "2")), "",
			},
			"it is back": {scalable(), step(resumeRest, rest), false, nil, look(nil, running...), 0, 0, killswitch.Decision{Do: killswitch.Done, ByAWS: fields()}, ""},
			"a desired capacity that somebody set meanwhile is not waited beyond": {
				scalable(), step(resumeLaunch, launchAgain), false, nil, sized(look(alarms, running[0]), 1, 5, 1), 0, 0,
				take(resumeRest, 0, fields(fieldProcesses, "", fieldMinSize, "1", fieldDesiredCapacity, "2",
					fieldChanged, "DesiredCapacity was changed, 2 → 1")), "",
			},
		})
	})
}
