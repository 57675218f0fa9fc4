package services

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
)

var (
	noon     = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	launched = instanceTraits{LaunchTime: noon.AddDate(0, 0, -30), PublicIP: "3.1.1.1", PublicDNS: "ec2-3-1-1-1.example"}
	relaunch = instanceTraits{LaunchTime: noon, PublicIP: "3.2.2.2", PublicDNS: "ec2-3-2-2-2.example"}
)

// up and down are what a look at an instance shows after it was started, and while it is stopped.
func up(status string) instanceSeen {
	return instanceSeen{State: stateRunning, Status: status, instanceTraits: relaunch}
}

func down() instanceSeen {
	return instanceSeen{
		State: stateStopped, Reason: "Client.UserInitiatedShutdown", Transition: "User initiated (2026-11-23 11:00:00 GMT)",
		instanceTraits: instanceTraits{LaunchTime: launched.LaunchTime},
	}
}

func in(state string) instanceSeen { return instanceSeen{State: state} }

// fellBack is an instance whose start was accepted and then failed.
func fellBack(code string) instanceSeen {
	seen := down()
	seen.Reason, seen.Said, seen.Transition = code, "it failed", code+": Client error on launch"
	return seen
}

// stoppedAt is an instance that a user stopped at a time.
func stoppedAt(at time.Time) instanceSeen {
	seen := down()
	seen.Transition = "User initiated (" + at.Format("2006-01-02 15:04:05") + " GMT)"
	return seen
}

func mustEncode(t *testing.T, schema int, original any) killswitch.Original {
	t.Helper()
	encoded, err := encode(schema, original)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// TestDecideInstance is the table of want × original × left × seen.
func TestDecideInstance(t *testing.T) {
	const paused, resumed = killswitch.WantPaused, killswitch.WantResumed
	stop := killswitch.Decision{
		Do: killswitch.TakeAct, Step: stopInstances, Leaves: killswitch.Fields{"State": "stopped"},
	}
	start := killswitch.Decision{
		Do: killswitch.TakeAct, Step: startInstances, Leaves: killswitch.Fields{"State": "running"},
	}
	hold := func(wave int, reason string) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.Hold, Wave: wave, Reason: reason}
	}
	drift := func(reason string) killswitch.Decision {
		return killswitch.Decision{Do: killswitch.Drift, Reason: reason}
	}
	back := killswitch.Decision{Do: killswitch.Done, ByAWS: killswitch.Fields{
		"LaunchTime":      "2026-10-24T12:00:00Z → 2026-11-23T12:00:00Z",
		"PublicIpAddress": "3.1.1.1 → 3.2.2.2",
		"PublicDnsName":   "ec2-3-1-1-1.example → ec2-3-2-2-2.example",
	}}
	healthy := instanceOriginal{State: stateRunning, Healthy: true, instanceTraits: launched}
	ailing := instanceOriginal{State: stateRunning, instanceTraits: launched}
	elastic := healthy
	elastic.Elastic = true

	untouched := killswitch.State{Order: 1}
	settled := killswitch.State{Order: 1, Reached: 1, Left: killswitch.Fields{"State": "stopped"}, Step: stopInstances}
	stopping := killswitch.State{
		Order: 1, Left: killswitch.Fields{"State": "stopped"}, Step: stopInstances, AttemptedAt: noon.Add(-time.Minute), AnsweredAt: noon,
	}
	resuming := killswitch.State{
		Order: 2, Reached: 1, Left: killswitch.Fields{"State": "stopped"}, Step: stopInstances,
		AttemptedAt: noon.Add(-time.Hour), AnsweredAt: noon.Add(-time.Hour),
	}
	started := killswitch.State{
		Order: 2, Reached: 1, Left: killswitch.Fields{"State": "running"}, Step: startInstances, AttemptedAt: noon, AnsweredAt: noon,
	}
	unanswered := started
	unanswered.AnsweredAt = time.Time{}

	rows := map[string]struct {
		want     killswitch.Want
		original instanceOriginal
		state    killswitch.State
		force    bool
		seen     instanceSeen
		later    time.Duration // after noon
		decision killswitch.Decision
	}{
		"a running instance is stopped":                             {paused, healthy, untouched, false, up(statusOK), 0, stop},
		"a running instance that is not healthy is stopped too":     {paused, ailing, untouched, false, up("impaired"), 0, stop},
		"an instance on its first boot cannot be stopped yet":       {paused, healthy, untouched, false, in(statePending), 0, hold(3, "it is starting")},
		"an instance that is stopping is waited for":                {paused, healthy, stopping, false, in(stateStopping), 0, hold(3, "it is stopping")},
		"an instance that is being terminated is waited for":        {paused, healthy, untouched, false, in(stateShuttingDown), 0, hold(3, "it is being terminated")},
		"an instance seen stopped is paused":                        {paused, healthy, stopping, false, down(), 0, killswitch.Decision{Do: killswitch.Done}},
		"a stop that was answered and is not seen is repeated":      {paused, healthy, stopping, false, up(statusOK), 0, stop},
		"an instance that somebody stopped before us is paused":     {paused, healthy, untouched, false, down(), 0, killswitch.Decision{Do: killswitch.Done}},
		"a paused instance stays paused":                            {paused, healthy, settled, false, down(), 0, killswitch.Decision{Do: killswitch.Done}},
		"a paused instance that runs again was started by somebody": {paused, healthy, settled, false, up(statusOK), 0, drift("somebody has started it again since the pause")},
		"a new pause order stops also what somebody has started": {
			paused, healthy, killswitch.State{Order: 2, Reached: 1, Left: killswitch.Fields{"State": "stopped"}}, false, up(statusOK), 0, stop,
		},
		"a pause in the middle of a resume stops what was started": {
			paused, healthy, killswitch.State{Order: 3, Reached: 1, Left: killswitch.Fields{"State": "running"}, Step: startInstances}, false, up(statusOK), 0, stop,
		},
		"a pause in the middle of a resume waits for what is starting": {
			paused, healthy, killswitch.State{Order: 3, Reached: 1, Left: killswitch.Fields{"State": "running"}, Step: startInstances}, false, in(statePending), 0,
			hold(3, "it is starting"),
		},

		"a stopped instance that we stopped is started":                    {resumed, healthy, resuming, false, down(), 0, start},
		"an instance cannot be started while it is stopping":               {resumed, healthy, resuming, false, in(stateStopping), 0, hold(2, "it is stopping")},
		"an instance that is starting is waited for":                       {resumed, healthy, started, false, in(statePending), 0, hold(2, "it is starting")},
		"a healthy instance is not back before its status checks are":      {resumed, healthy, started, false, up("initializing"), 0, hold(2, "its status checks are initializing")},
		"a healthy instance whose checks fail now is waited for":           {resumed, healthy, started, false, up("impaired"), 0, hold(2, "its status checks are impaired")},
		"status checks that were not read are no health":                   {resumed, healthy, started, false, up(statusUnknown), 0, hold(2, "its status checks are not known yet")},
		"an instance that was not healthy is back when it runs":            {resumed, ailing, started, false, up("impaired"), 0, back},
		"an instance as healthy as before is back, with what AWS changed":  {resumed, healthy, started, false, up(statusOK), 0, back},
		"an instance that somebody started while paused is back":           {resumed, healthy, resuming, false, up(statusOK), 0, back},
		"an instance that we never came to is as it was":                   {resumed, healthy, untouched, false, up(statusOK), 0, back},
		"an instance that somebody stopped before us is left so":           {resumed, healthy, untouched, false, down(), 0, drift("somebody had stopped it before the pause did")},
		"by force it is started all the same":                              {resumed, healthy, untouched, true, down(), 0, start},
		"a start whose answer is missing is repeated":                      {resumed, healthy, unanswered, false, down(), 0, start},
		"a start that was refused is repeated":                             {resumed, healthy, started, false, down(), 0, start},
		"an instance that somebody stopped after its start is left so":     {resumed, healthy, started, false, stoppedAt(noon.Add(time.Minute)), 0, drift("somebody has stopped it again since it was started")},
		"clocks may differ by seconds":                                     {resumed, healthy, started, false, stoppedAt(noon.Add(clockSkew)), 0, start},
		"by force it is started once more":                                 {resumed, healthy, started, true, stoppedAt(noon.Add(time.Minute)), 0, start},
		"a start is tried again some time after it fell back":              {resumed, healthy, started, false, fellBack("Client.InternalError"), startAgain, start},
		"a start that a shutdown from inside ended is tried again":         {resumed, healthy, started, false, fellBack("Client.InstanceInitiatedShutdown"), 0, start},
		"a failed start of before the pause says nothing about this start": {resumed, healthy, resuming, false, fellBack("Client.InternalError"), 0, start},
		"a start that may not use the key of a volume is told with the remedy": {
			resumed, healthy, started, false, fellBack("Client.InternalError"), time.Minute, killswitch.Decision{
				Do: killswitch.Refuse, Reason: "it was started and fell back to stopped (Client.InternalError): the role that starts it needs " +
					"kms:CreateGrant for the keys of its volumes, and the keys must be enabled",
			},
		},
		"a start that met a volume limit is told with AWS's words": {
			resumed, healthy, started, false, fellBack("Client.VolumeLimitExceeded"), time.Minute, killswitch.Decision{
				Do: killswitch.Refuse, Reason: "it was started and fell back to stopped (Client.VolumeLimitExceeded: it failed)",
			},
		},
		"an Elastic IP is not among what AWS changes": {
			resumed, elastic, started, false, up(statusOK), 0, killswitch.Decision{
				Do: killswitch.Done, ByAWS: killswitch.Fields{"LaunchTime": "2026-10-24T12:00:00Z → 2026-11-23T12:00:00Z"},
			},
		},
	}
	service := &instances{}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			item := killswitch.Item{Original: mustEncode(t, instanceSchema, row.original), State: row.state, Force: row.force}
			seen := killswitch.Observation{Presence: killswitch.Present, At: noon, State: row.seen.State, Resource: row.seen}
			got := service.Decide(row.want, item, seen, noon.Add(row.later))
			if diff := cmp.Diff(row.decision, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecideInstanceNeverGuesses: what cannot be read is a refusal, and without a look nothing is
// done.
func TestDecideInstanceNeverGuesses(t *testing.T) {
	service := &instances{}
	good := mustEncode(t, instanceSchema, instanceOriginal{State: stateRunning, instanceTraits: launched})
	for name, row := range map[string]struct {
		original killswitch.Original
		seen     any
		do       killswitch.Do
	}{
		"an original of another schema":    {killswitch.Original{Schema: 7, Data: good.Data}, up(statusOK), killswitch.Refuse},
		"an original with an unknown word": {killswitch.Original{Schema: instanceSchema, Data: []byte(`{"stat":"running"}`)}, up(statusOK), killswitch.Refuse},
		"an original that is cut off":      {killswitch.Original{Schema: instanceSchema, Data: good.Data[:9]}, up(statusOK), killswitch.Refuse},
		"an observation without a look":    {good, nil, killswitch.Hold},
	} {
		t.Run(name, func(t *testing.T) {
			for _, want := range []killswitch.Want{killswitch.WantPaused, killswitch.WantResumed} {
				got := service.Decide(want, killswitch.Item{Original: row.original}, killswitch.Observation{Resource: row.seen}, noon)
				if got.Do != row.do || got.Reason == "" {
					t.Errorf("want %s: got %+v", want, got)
				}
			}
		})
	}
}

// TestSizeWeight: what goes first is what costs most.
func TestSizeWeight(t *testing.T) {
	order := []string{
		"t3.nano", "t3.micro", "t3.small", "t3.medium", "m5.large", "m5.xlarge", "m5.2xlarge", "g5.2xlarge", "m5.8xlarge",
		"p4d.24xlarge",
	}
	for i := 1; i < len(order); i++ {
		if sizeWeight(order[i-1]) >= sizeWeight(order[i]) {
			t.Errorf("%s weighs %v, %s weighs %v", order[i-1], sizeWeight(order[i-1]), order[i], sizeWeight(order[i]))
		}
	}
	for _, odd := range []string{"", "m5", "db.r6g.large", "m5.metal", "i7ie.metal-48xl", "strange.size"} {
		if sizeWeight(odd) <= 0 {
			t.Errorf("%q weighs nothing", odd)
		}
	}
	if sizeWeight("db.r6g.large") != sizeWeight("r6g.large") {
		t.Error("a database class weighs as its instance type does")
	}
}
