package services

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// allNine is the field of a group whose processes are all suspended.
var allNine = joined(processes)

// member is a member in service as a look shows it.
func member(id string, seen instanceSeen) memberSeen {
	return memberSeen{ID: id, instanceSeen: seen, Lifecycle: "InService", Health: "Healthy", Capacity: 1}
}

func ill(m memberSeen) memberSeen { m.Health = "Unhealthy"; return m }

func lifecycle(m memberSeen, state string) memberSeen { m.Lifecycle = state; return m }

func cannot(m memberSeen, why string) memberSeen { m.Unstoppable = why; return m }

// look is a look at a group of size 1–5, desired 2.
func look(suspended []string, members ...memberSeen) groupSeen {
	return groupSeen{sizes: sizes{Min: 1, Max: 5, Desired: 2}, Suspended: sorted(slices.Clone(suspended)), Checks: "EC2", Members: members}
}

func sized(g groupSeen, min, max, desired int32) groupSeen {
	g.sizes = sizes{Min: min, Max: max, Desired: desired}
	return g
}

func balanced(g groupSeen) groupSeen { g.Checks = "ELB"; return g }

func deleting(g groupSeen) groupSeen { g.Deleting = true; return g }

// parts are parts with members that were in service and healthy, one part for each list.
func parts(t *testing.T, lists ...string) []killswitch.Part {
	t.Helper()
	var all []killswitch.Part
	for _, list := range lists {
		var seen []memberSeen
		for id := range strings.FieldsSeq(list) {
			m := member(id, up(statusOK))
			m.instanceTraits = launched
			seen = append(seen, m)
		}
		more, err := partsOf(seen, len(all))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, more...)
	}
	return all
}

// step is a state in which step was begun and answered at noon.
func step(name string, left killswitch.Fields) killswitch.State {
	return killswitch.State{Order: 1, Step: name, Left: left, AttemptedAt: noon, AnsweredAt: noon}
}

func fields(pairs ...string) killswitch.Fields {
	f := killswitch.Fields{}
	for n := 0; n < len(pairs); n += 2 {
		f[pairs[n]] = pairs[n+1]
	}
	return f
}

func settledAt(state killswitch.State) killswitch.State { state.Reached = state.Order; return state }

// groupRow is one row of the table.
type groupRow struct {
	original groupOriginal
	state    killswitch.State
	force    bool
	parts    []string // ids in service, healthy
	seen     groupSeen
	later    time.Duration // of the look and the decision, after noon
	stale    time.Duration // how old the look is then
	decision killswitch.Decision
	records  string // ids of the parts to be recorded, parts divided by |
}

// runGroupTable decides every row for one want.
func runGroupTable(t *testing.T, want killswitch.Want, rows map[string]groupRow) {
	t.Helper()
	service := &groups{env: Env{Settings: settings.Settings{Settle: settings.Duration(time.Minute)}}}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			item := killswitch.Item{
				Original: mustEncode(t, groupSchema, row.original), State: row.state, Force: row.force, Parts: parts(t, row.parts...),
			}
			now := noon.Add(row.later)
			seen := killswitch.Observation{Presence: killswitch.Present, At: now.Add(-row.stale), Resource: row.seen}
			if row.decision.Step == resumeRest && row.original.Strategy == byStopping {
				row.decision.SeenAt = seen.At // whoever lets a group end members has to know how they are
			}
			got := service.Decide(want, item, seen, now)
			if diff := cmp.Diff(row.decision, got, cmpopts.IgnoreFields(killswitch.Decision{}, "Record")); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.records, recordedIDs(t, got.Record)); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
		})
	}
}

func recordedIDs(t *testing.T, parts []killswitch.Part) string {
	t.Helper()
	var lists []string
	for _, part := range parts {
		var p membersPart
		if err := json.Unmarshal(part.Data, &p); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, m := range p.Members {
			ids = append(ids, m.ID)
		}
		lists = append(lists, part.Name+" "+strings.Join(ids, " "))
	}
	return strings.Join(lists, "|")
}

func take(step string, units int, left killswitch.Fields) killswitch.Decision {
	return killswitch.Decision{Do: killswitch.TakeAct, Step: step, Leaves: left, Units: units}
}

func holdUntil(wave int, until time.Duration, reason string) killswitch.Decision {
	return killswitch.Decision{Do: killswitch.Hold, Wave: wave, Until: noon.Add(until), Reason: reason}
}

func holdFor(wave int, reason string) killswitch.Decision {
	return killswitch.Decision{Do: killswitch.Hold, Wave: wave, Reason: reason}
}

func driftFor(reason string) killswitch.Decision {
	return killswitch.Decision{Do: killswitch.Drift, Reason: reason}
}

func refuseFor(reason string) killswitch.Decision {
	return killswitch.Decision{Do: killswitch.Refuse, Reason: reason}
}

var done = killswitch.Decision{Do: killswitch.Done}

// stoppable is the original of a group that is paused by stopping its members, with these processes
// suspended before.
func stoppable(suspended ...string) groupOriginal {
	return groupOriginal{
		Strategy: byStopping, Suspended: sorted(slices.Clone(suspended)), sizes: sizes{Min: 1, Max: 5, Desired: 2}, Capacity: 2,
	}
}

// TestDecideGroupPause is the table of pausing by stopping members: original × left × seen.
func TestDecideGroupPause(t *testing.T) {
	suspended := fields(fieldProcesses, allNine)
	stopped := fields(fieldProcesses, allNine, fieldMembers, stateStopped)
	running := []memberSeen{member("i-1", up(statusOK)), member("i-2", up(statusOK))}
	stoppedTwo := []memberSeen{member("i-1", down()), member("i-2", down())}
	const settling = "the suspension of its processes has to take effect everywhere"

	runGroupTable(t, killswitch.WantPaused, map[string]groupRow{
		"a group that scales has its processes suspended first": {
			stoppable(), killswitch.State{Order: 1}, false, nil, look(nil, running...), 0, 0,
			take(suspendProcesses, 0, suspended), "",
		},
		"processes that its owner suspended are among those that we leave suspended": {
			stoppable("AZRebalance"), killswitch.State{Order: 1}, false, nil, look([]string{"AZRebalance"}, running...), 0, 0,
			take(suspendProcesses, 0, suspended), "",
		},
		"a suspension that is seen in part is asked for again": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes[:8], running...), time.Hour, 0,
			take(suspendProcesses, 0, suspended), "",
		},
		"a suspension has to settle before members are stopped": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, running...), 59 * time.Second, 0,
			holdUntil(1, time.Minute, settling), "",
		},
		"members are those of a list that was begun after the suspension had settled": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, running...), 2 * time.Minute, 90 * time.Second,
			holdUntil(1, 2*time.Minute, settling), "",
		},
		"a suspension whose answer is missing is asked for again, so that its time is known": {
			stoppable(), killswitch.State{Order: 1, Step: suspendProcesses, Left: suspended, AttemptedAt: noon}, false, nil,
			look(processes, running...), time.Hour, 0, take(suspendProcesses, 0, suspended), "",
		},
		"settled, all members are recorded and stopped": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, running...), time.Minute, 0,
			take(stopMembers, 2, stopped), "members-1 i-1 i-2",
		},
		"a group that was suspended as a whole has nothing to settle": {
			stoppable(processes...), killswitch.State{Order: 1}, false, nil, look(processes, running...), 0, 0,
			take(stopMembers, 2, fields(fieldMembers, stateStopped)), "members-1 i-1 i-2",
		},
		"a listing does not know how healthy members are, so they are looked at before they are recorded": {
			stoppable(processes...), killswitch.State{Order: 1}, false, nil, look(processes, member("i-1", up(statusUnknown))), 0, 0,
			holdUntil(3, time.Second, "the status checks of member i-1 have to be read first"), "",
		},
		"a member that does not run is neither recorded nor stopped": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, member("i-1", down()), member("i-2", up(statusOK))),
			time.Minute, 0, take(stopMembers, 1, stopped), "members-1 i-2",
		},
		"a member in standby that runs is stopped": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, lifecycle(member("i-1", up(statusOK)), "Standby")),
			time.Minute, 0, take(stopMembers, 1, stopped), "members-1 i-1",
		},
		"a running member of a warm pool is stopped": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, lifecycle(member("i-1", up(statusOK)), "Warmed:Running")),
			time.Minute, 0, take(stopMembers, 1, stopped), "members-1 i-1",
		},
		"a stopped member of a warm pool is left alone": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, lifecycle(member("i-1", down()), "Warmed:Stopped")),
			time.Minute, 0, done, "",
		},
		"a pending member is waited for when the others are stopped": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1"},
			look(processes, member("i-1", down()), lifecycle(member("i-2", in(statePending)), "Pending")), time.Minute, 0,
			holdFor(3, "member i-2: it is starting"), "",
		},
		"a member in a lifecycle hook is not stopped": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1"},
			look(processes, member("i-1", down()), lifecycle(member("i-2", up(statusOK)), "Pending:Wait")), time.Minute, 0,
			holdFor(3, "member i-2: the group has it in Pending:Wait"), "",
		},
		"a member that the group is terminating is waited for": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1"},
			look(processes, member("i-1", down()), lifecycle(member("i-2", up(statusOK)), "Terminating:Wait")), time.Minute, 0,
			holdFor(3, "member i-2: the group has it in Terminating:Wait"), "",
		},
		"a member that stays in its termination is stopped": {
			stoppable(), step(stopMembers, stopped), false, nil,
			look(processes, lifecycle(member("i-1", up(statusOK)), "Terminating:Retained")), time.Minute, 0,
			take(stopMembers, 1, stopped), "members-1 i-1",
		},
		"what runs is stopped before what is pending is waited for": {
			stoppable(), step(suspendProcesses, suspended), false, nil,
			look(processes, lifecycle(member("i-1", in(statePending)), "Pending"), member("i-2", up(statusOK))), time.Minute, 0,
			take(stopMembers, 1, stopped), "members-1 i-2",
		},
		"a member that EC2 does not show is waited for": {
			stoppable(), step(stopMembers, stopped), false, nil, look(processes, member("i-1", instanceSeen{})), time.Minute, 0,
			holdFor(3, "member i-1: EC2 does not show it yet"), "",
		},
		"a member that came in late is recorded in a part of its own": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1"},
			look(processes, member("i-1", down()), member("i-2", up("initializing"))), time.Minute, 0,
			take(stopMembers, 1, stopped), "members-2 i-2",
		},
		"a recorded member that still runs is stopped again": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1 i-2"},
			look(processes, member("i-1", down()), member("i-2", up(statusOK))), time.Minute, 0, take(stopMembers, 1, stopped), "",
		},
		"members that are stopping are waited for": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1 i-2"},
			look(processes, member("i-1", in(stateStopping)), member("i-2", down())), time.Minute, 0,
			holdFor(3, "member i-1: it is stopping"), "",
		},
		"with all members stopped the group is paused": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1 i-2"}, look(processes, stoppedTwo...), time.Minute, 0, done, "",
		},
		"a member that was terminated keeps nothing from being paused": {
			stoppable(), step(stopMembers, stopped), false, []string{"i-1 i-2"},
			look(processes, member("i-1", in(stateTerminated)), member("i-2", down())), time.Minute, 0, done, "",
		},
		"a Spot member that came in late makes it a verdict": {
			stoppable(), step(suspendProcesses, suspended), false, nil, look(processes, cannot(member("i-1", up(statusOK)), "is Spot")), time.Minute, 0,
			refuseFor("member i-1 is Spot"), "",
		},
		"a group that is being deleted is waited for": {
			stoppable(), killswitch.State{Order: 1}, false, nil, deleting(look(nil, running...)), 0, 0, holdFor(1, "it is being deleted"), "",
		},

		"a paused group stays paused": {
			stoppable(), settledAt(step(stopMembers, stopped)), false, []string{"i-1 i-2"}, look(processes, stoppedTwo...), time.Hour, 0, done, "",
		},
		"a process that somebody resumed since is told": {
			stoppable(), settledAt(step(stopMembers, stopped)), false, []string{"i-1 i-2"},
			look(without(processes, []string{"Launch"}), stoppedTwo...), time.Hour, 0,
			driftFor("somebody has resumed Launch since the pause"), "",
		},
		"a member that somebody started since is told": {
			stoppable(), settledAt(step(stopMembers, stopped)), false, []string{"i-1 i-2"},
			look(processes, member("i-1", up(statusOK)), member("i-2", down())), time.Hour, 0,
			driftFor("somebody has started member i-1 again since the pause"), "",
		},
		"a member that the group itself had launched is stopped": {
			stoppable(), settledAt(step(stopMembers, stopped)), false, []string{"i-1"},
			look(processes, member("i-1", down()), member("i-3", up(statusOK))), time.Hour, 0,
			take(stopMembers, 1, stopped), "members-2 i-3",
		},
		"a new pause order suspends again what somebody resumed": {
			stoppable(), killswitch.State{Order: 2, Reached: 1, Step: stopMembers, Left: stopped}, false, []string{"i-1 i-2"},
			look(without(processes, []string{"Launch"}), stoppedTwo...), time.Hour, 0, take(suspendProcesses, 0, stopped), "",
		},
		"a new pause order stops again what somebody started": {
			stoppable(), killswitch.State{Order: 2, Reached: 1, Step: stopMembers, Left: stopped}, false, []string{"i-1 i-2"},
			look(processes, member("i-1", up(statusOK)), member("i-2", down())), time.Hour, 0, take(stopMembers, 1, stopped), "",
		},
		"a pause in the middle of a resume of members stops them without settling again": {
			stoppable(), step(startMembers, fields(fieldProcesses, allNine, fieldMembers, stateRunning)), false, []string{"i-1 i-2"},
			look(processes, running...), 0, 0, take(stopMembers, 2, stopped), "",
		},
		"a pause after processes were resumed suspends them again": {
			stoppable(), step(resumeLaunch, stopped), false, []string{"i-1 i-2"}, look(without(processes, launching), running...), 0, 0,
			take(suspendProcesses, 0, stopped), "",
		},
		"a pause while a resumption may still arrive suspends what is still suspended": {
			stoppable(), step(resumeRest, stopped), false, []string{"i-1 i-2"}, look(processes, running...), 0, 0,
			take(suspendProcesses, 0, stopped), "",
		},
		"what was found changed before is found out anew": {
			stoppable(), step(resumeRest, fields(fieldProcesses, "", fieldChanged, "MaxSize")), false, []string{"i-1"}, look(nil, running...), 0, 0,
			take(suspendProcesses, 0, fields(fieldProcesses, allNine, fieldChanged, "")), "",
		},
	})
}

// TestDecideGroupInParts: a group of many members is stopped and started fifty at a time, and what is
// recorded of it fits into stored items.
func TestDecideGroupInParts(t *testing.T) {
	var ids []string
	var running []memberSeen
	for n := range 1100 {
		id := "i-" + string(rune('a'+n/1000)) + string(rune('0'+n/100%10)) + string(rune('0'+n/10%10)) + string(rune('0'+n%10))
		ids = append(ids, id)
		running = append(running, member(id, up(statusOK)))
	}
	service := &groups{}
	item := killswitch.Item{Original: mustEncode(t, groupSchema, stoppable()), State: killswitch.State{
		Order: 1, Step: suspendProcesses, Left: fields(fieldProcesses, allNine), AttemptedAt: noon, AnsweredAt: noon,
	}}
	seen := killswitch.Observation{Presence: killswitch.Present, At: noon, Resource: look(processes, running...)}
	d := service.Decide(killswitch.WantPaused, item, seen, noon)
	if d.Step != stopMembers || d.Units != 50 || len(d.Record) != 3 {
		t.Fatalf("got step %q for %d members with %d parts, want 50 of them and 3 parts", d.Step, d.Units, len(d.Record))
	}
	for _, part := range d.Record {
		if len(part.Data) > 300<<10 {
			t.Errorf("part %s has %d bytes, an item of the store 400 KB", part.Name, len(part.Data))
		}
	}
	item.Parts = d.Record
	plan, err := service.plan(item, seen)
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.memberIDs(stopMembers); !slices.Equal(got, ids[:50]) {
		t.Errorf("stopped are %q, want the first fifty", got)
	}
}

// TestCheckGroup: what a store gives back is read strictly.
func TestCheckGroup(t *testing.T) {
	good := mustEncode(t, groupSchema, stoppable("Launch"))
	if err := checkGroup(good, parts(t, "i-1")); err != nil {
		t.Errorf("a good original: %v", err)
	}
	bad := map[string]struct {
		original killswitch.Original
		parts    []killswitch.Part
	}{
		"an unknown schema":   {killswitch.Original{Schema: 2, Data: good.Data}, nil},
		"an unknown field":    {killswitch.Original{Schema: 1, Data: []byte(`{"strategy":"stop-members","min":1,"max":1,"desired":1,"x":1}`)}, nil},
		"an unknown strategy": {mustEncode(t, groupSchema, groupOriginal{Strategy: "pray"}), nil},
		"an unknown process":  {mustEncode(t, groupSchema, groupOriginal{Strategy: byStopping, Suspended: []string{"Lunch"}}), nil},
		"a part cut off":      {good, []killswitch.Part{{Name: "members-1", Data: []byte(`{"members":[`)}}},
		"two values":          {killswitch.Original{Schema: 1, Data: append(slices.Clone(good.Data), good.Data...)}, nil},
	}
	for name, row := range bad {
		t.Run(name, func(t *testing.T) {
			if err := checkGroup(row.original, row.parts); err == nil {
				t.Error("it was accepted")
			}
			item := killswitch.Item{Original: row.original, Parts: row.parts}
			seen := killswitch.Observation{Resource: look(nil)}
			if d := (&groups{}).Decide(killswitch.WantResumed, item, seen, noon); name != "an unknown strategy" && name != "an unknown process" && d.Do != killswitch.Refuse {
				t.Errorf("decided %+v", d)
			}
		})
	}
}
