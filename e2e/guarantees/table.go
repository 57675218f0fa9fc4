package main

// test is a test that holds a promise. Of one with a part that is the beginning of a subtest's name.
type test struct{ pkg, name, part string }

// underFire says what a family holds of a promise while everything goes wrong.
type underFire struct{ family, holds string }

// promise is one of the twelve.
type promise struct {
	id, text string
	tests    []test
	fire     []underFire
}

// family is a family of fault tests.
type family struct {
	name string
	pkg  string // of its test
	test string // empty for the fuzz targets, which are many
	does string
	// least is what the family has to have been through before its counts may be published.
	least map[string]int
}

const (
	sim  = "e2e/sim"
	moto = "e2e/moto"
)

// held is the test named after a promise, with the others that hold it.
func held(id string, others ...test) []test {
	return append([]test{{sim, "TestPromises", id}}, others...)
}

var promises = []promise{
	{
		"P1", "Nothing is changed whose original state is not already durable in the store.",
		held("P1"),
		[]underFire{
			{"hostile", "every call that changes something is of a resource whose original was durable before"},
			{"kill -9", "whatever the dead run has changed has its original in the store"},
		},
	},
	{
		"P2", "An original is written once each time a resource is paused, before the first change, and stands until the resource " +
			"is observed resumed: pause, pause, resume equals pause, resume; and what is paused again after it was resumed gets a new original.",
		held("P2", test{sim, "TestRandomAccountsTwice", ""}),
		[]underFire{
			{"crash", "the originals are those of a run that nobody killed"},
			{"races", "no second original before the resource was back, and none that was taken of a paused resource"},
			{"hostile", "no original is overwritten, and none is taken again before the resource is back"},
			{"kill -9", "the originals that the dead run left stand to the end"},
			{"real races", "the originals stand to the end, and one message gives one order"},
		},
	},
	{
		"P3", "Once faults end, resume puts back every resource that was touched, or reports it with the reason (gone, drifted, refused by " +
			"AWS). One bad resource never holds back the others: every wait ends at a deadline that is itself durable.",
		held("P3", test{sim, "TestStartupFleetIsPausedAndRestoredExactly", ""}, test{sim, "TestProperty06PauseResumeRoundTrip", ""}),
		[]underFire{
			{"crash", "after the resume every field is what it was before the pause, but for what AWS changes at any stop and start"},
			{"races", "the same, and the snapshot is closed"},
			{"hostile", "everything is back, or is reported with a reason that what happened to it bears out; every run ends"},
			{"corruption", "a resume puts back all that is not damaged, and the rest once that is repaired"},
			{"kill -9", "the account is what it was, and the snapshot is closed"},
			{"real races", "the account is what it was, and the snapshot is closed"},
		},
	},
	{
		"P4", "What was not running before is never started.",
		held("P4"),
		[]underFire{
			{"races", "no start that takes effect is of what was stopped before"},
			{"hostile", "no start is of what never ran, or of what no call of this snapshot had stopped"},
			{"corruption", "nothing that was stopped before runs after the resume, whatever the store says"},
		},
	},
	{
		"P5", "What is protected, filtered out, or part of the switch itself is never touched, not even through its group, its host or its " +
			"owner: a group or cluster with a protected member, and the hosts of a protected service, are verdicts that name it. Filters " +
			"speak of the acting resource (group, cluster, service), protection of every part.",
		held("P5", test{"pkg/filter", "TestProtected", ""}, test{"pkg/services", "TestGroupWithProtectedMember", ""}),
		[]underFire{
			{"hostile", "no field of what is protected changes, and no call names what was protected when it was ordered"},
		},
	},
	{
		"P6", "Two runs at once act as one: a run begins no AWS call and writes nothing after its lease has ended; a call that was under way " +
			"and lands late is found and put right by the next look.",
		held("P6", test{sim, "TestGuardThatWaitsForALeaseReadsAgain", ""}, test{"snapshots/dynamo", "TestSimulatedFaults", ""}),
		[]underFire{
			{"crash", "no call is begun and nothing is written without the lease"},
			{"races", "the same with several runs at once, of which some freeze past the end of their lease and thaw; calls land late"},
			{"real races", "real processes end where the last order wants the account"},
		},
	},
	{
		"P7", "A run cut at any point and run again converges to the same end.",
		held("P7", test{"snapshots/bolt", "TestLeasesOfADeadProcessAreFree", ""}, test{sim, "TestChoresThatAreCutEndTheSame", ""}),
		[]underFire{
			{"crash", "killed at every AWS and store call, before it and after its effect, the account and the store end as if nothing had happened"},
			{"races", "the same where a run dies at some moment beside others"},
			{"kill -9", "real processes that are killed with a signal that nobody can catch, and run again"},
		},
	},
	{
		"P8", "Only IAM actions that a service, the store or the wiring declares are called, and none whose effect deletes or terminates " +
			"without the owner's opt-in.",
		held("P8", test{"pkg/services", "TestReadsAndWritesAreApart", ""}, test{"snapshots/dynamo", "TestActions", ""}),
		[]underFire{
			{"hostile", "every call is declared, and nothing is gone that nobody but the brake was at"},
		},
	},
	{
		"P9", "A listing that was not finished is never read as \"nothing there\", not even by a later run: coverage is durable, and what was " +
			"not listed is reported as not inspected.",
		held("P9", test{"pkg/services", "TestListingThatBreaksOff", ""}, test{"pkg/services", "TestDiscoverInstancesHalf", ""}),
		[]underFire{
			{"crash", "the coverage is that of a run that nobody killed"},
			{"hostile", "what runs and is to be paused is reported, or the gap in the listings is, with pages that fail and short pages"},
		},
	},
	{
		"P10", "\"Paused\" and \"resumed\" are said only of what was observed so, later than any call of ours could still take effect.",
		held("P10"),
		[]underFire{
			{"races", "what is stored as paused does not run, and what is stored as resumed is as it was"},
			{"hostile", "the same of everything that is said, at the moment when it is said, and of what stands after each step"},
		},
	},
	{
		"P11", "A dry run makes no mutating call and writes nothing; on an unchanged account the real run does the same, but for refusals that " +
			"only AWS can tell, which the dry run names as possible.",
		held("P11"),
		[]underFire{
			{"races", "where a history ends paused, a dry run of its last order finds nothing left to do, calls nothing that changes and writes nothing"},
		},
	},
	{
		"P12", "An unreadable, altered or missing item is reported as such, with what can still be done; it is never guessed at.",
		held("P12", test{"snapshots", "TestEveryDamageToARecordIsFound", ""}, test{"snapshots", "TestAnyDamageIsFound", ""}),
		[]underFire{
			{"corruption", "check names each damage with a reason and what can be done, and a resume reports what it cannot put back"},
			{"hostile", "no damage is reported that nobody did"},
			{"fuzz", "any bytes in the place of a stored item are read as what they were written as, or are a fault that says why"},
		},
	},
}

var families = []family{
	{
		"crash", sim, "TestChaosCrash",
		"A pause and a resume of the startup fleet are killed at every AWS and store call, before it and after its effect, and the guard goes " +
			"on. A read has no effect: a kill after it is a kill before the next call. In pairs of kills the guard is killed too.",
		map[string]int{"histories": 1200, "pairs of kills": 100},
	},
	{
		"races", sim, "TestChaosRaces",
		"Several runs at once on a small random account: messages delivered twice and late, a resume in the middle, a wider second order, the " +
			"guard all the while; a busy store, lost answers, late calls, runs that freeze or die. Each seed is a history.",
		map[string]int{"histories": 10_000},
	},
	{
		"hostile", sim, "TestChaosHostile",
		"A state machine draws orders, what people do, what AWS does and faults of its calls. The promises are looked at after every step, with " +
			"the faults on. A history that fails is shrunk.",
		map[string]int{"histories": 1500},
	},
	{
		"corruption", sim, "TestChaosCorruption",
		"What is stored of a paused account is damaged, field by field and item by item: lost, emptied, altered with a checksum that is right, " +
			"moved, taken from elsewhere. Then come check, a resume, the repair, and a second resume.",
		map[string]int{"damages checked": 1000, "resumed after": 300},
	},
	{
		"kill -9", moto, "TestChaosKill",
		"The built CLI with --local, and the built functions, are killed at some moment of a pause and of a resume against moto and DynamoDB " +
			"Local, and run again.",
		map[string]int{"commands killed": 50, "functions killed": 50},
	},
	{
		"real races", moto, "TestChaosRealRaces",
		"Several processes of the built functions and the built CLI at once on one account of moto.",
		map[string]int{"histories": 16},
	},
	{
		"fuzz", "", "",
		"Every fuzz target of the tree: alarms and their wordings, events of the functions, settings, filters, stored items. The seeds and what " +
			"fuzzing has found are in testdata/fuzz beside each.",
		map[string]int{"targets": 7, "executions": 200_000},
	},
}
