package report_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/snapshots"
)

const (
	account = "111122223333"
	here    = "eu-west-1"
	there   = "us-east-1"
)

var (
	morning  = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
	declared = map[killswitch.Kind]killswitch.Declaration{killswitch.EC2Instance: {}, killswitch.RDSInstance: {}}
	alarmed  = killswitch.Order{
		Seq: 1, Act: killswitch.Pause, Actor: "alarm", At: morning,
		Alarm: &killswitch.AlarmRef{Text: `budget "monthly" ACTUAL 120.00 USD`},
	}
	resumed = killswitch.Order{Seq: 2, Act: killswitch.Resume, Actor: "ann", At: morning.Add(time.Hour)}
)

func ref(region string, kind killswitch.Kind, id string) killswitch.Ref {
	return killswitch.Ref{Account: account, Region: region, Kind: kind, ID: id}
}

// at is an item that the order has brought to the phase.
func at(order int, phase killswitch.Phase, id string) killswitch.Item {
	return killswitch.Item{
		Resource: killswitch.Resource{Ref: ref(here, killswitch.EC2Instance, id), Type: "m5.large"},
		Order:    1,
		State:    killswitch.State{Phase: phase, Order: order},
	}
}

func because(it killswitch.Item, reason string) killswitch.Item {
	it.State.Reason = reason
	return it
}

// listed covers both kinds for the order.
func listed(order int, verdicts ...snapshots.Verdict) []snapshots.Coverage {
	return []snapshots.Coverage{
		{Kind: killswitch.EC2Instance, Order: order, Listed: true, Verdicts: verdicts},
		{Kind: killswitch.RDSInstance, Order: order, Listed: true},
	}
}

// live is an open snapshot of one region.
func live(orders []killswitch.Order, coverage []snapshots.Coverage, items ...killswitch.Item) snapshots.Snapshot {
	return snapshots.Snapshot{
		Header: snapshots.Header{Account: account, Snapshot: "s1", Opened: morning, Orders: orders[:1]},
		Live: &snapshots.Live{
			Account: account, Snapshot: "s1", Opened: morning, Orders: orders, Regions: []string{here}, RegionsOrder: 1,
		},
		Shards: []snapshots.Shard{{Region: here, Coverage: coverage, Items: items}},
	}
}

func protected(id string) snapshots.Verdict {
	return snapshots.Verdict{
		Resource: killswitch.Resource{Ref: ref(here, killswitch.EC2Instance, id)},
		Phase:    killswitch.Protected, Reason: "tag aws-hit-breaks:protect",
	}
}

func TestHeadlineAndExitCode(t *testing.T) {
	pause, both := []killswitch.Order{alarmed}, []killswitch.Order{alarmed, resumed}
	half := []killswitch.Order{alarmed, {Seq: 2, Act: killswitch.Resume, Scope: killswitch.Scope{IDs: []string{"i-2"}}}}
	tests := map[string]struct {
		snapshot snapshots.Snapshot
		headline string
		code     int
		pending  int
	}{
		"all paused": {
			live(pause, listed(1), at(1, killswitch.Paused, "i-1"), at(1, killswitch.Paused, "i-2")),
			"paused 2 of 2 resources in 1 region; nothing not inspected", 0, 0,
		},
		"verdicts and protection alone are as it should be": {
			live(pause, listed(1, protected("i-9")), at(1, killswitch.Paused, "i-1"), at(1, killswitch.Unpausable, "i-2")),
			"paused 1 of 1 resource in 1 region; 2 left alone; nothing not inspected", 0, 0,
		},
		"nothing was there": {
			live(pause, listed(1)), "nothing to pause; nothing not inspected", 0, 0,
		},
		"a pause under way": {
			live(pause, listed(1), at(1, killswitch.Pausing, "i-1"), at(1, killswitch.Paused, "i-2"), at(1, "", "i-3")),
			"paused 1 of 3 resources in 1 region; 2 on their way; nothing not inspected", 0, 2,
		},
		"one was refused": {
			live(pause, listed(1), at(1, killswitch.Paused, "i-1"), at(1, killswitch.Failed, "i-2")),
			"paused 1 of 2 resources in 1 region; 1 failed; nothing not inspected", 3, 0,
		},
		"a kind could not be listed": {
			live(pause, []snapshots.Coverage{listed(1)[0], {Kind: killswitch.RDSInstance, Order: 1, Why: "denied"}},
				at(1, killswitch.Paused, "i-1")),
			"paused 1 of 1 resource in 1 region; 1 not inspected", 3, 0,
		},
		"a kind was not listed yet": {
			live(pause, listed(1)[:1], at(1, killswitch.Paused, "i-1")),
			"paused 1 of 1 resource in 1 region; 1 not listed yet", 3, 1,
		},
		"all resumed": {
			live(both, listed(1), at(2, killswitch.Resumed, "i-1")),
			"resumed 1 of 1 resource in 1 region; nothing not inspected", 0, 0,
		},
		"a resume that no run has heard of": {
			live(both, nil, at(1, killswitch.Paused, "i-1"), at(1, killswitch.Failed, "i-2")),
			"resumed 0 of 2 resources in 1 region; 2 on their way; 1 failed; nothing not inspected", 3, 2,
		},
		"one was changed, one deleted": {
			live(both, listed(1), at(2, killswitch.Resumed, "i-1"), at(2, killswitch.Drifted, "i-2"), at(2, killswitch.Gone, "i-3")),
			"resumed 1 of 3 resources in 1 region; 1 changed by somebody since; 1 gone; nothing not inspected", 3, 0,
		},
		"one alone is resumed": {
			live(half, listed(1), at(1, killswitch.Paused, "i-1"), at(2, killswitch.Resumed, "i-2")),
			"resumed 1 of 1 resource in 1 region; 1 stay paused; nothing not inspected", 0, 0,
		},
		"a dry run of a pause": {
			live(pause, listed(1, protected("i-9")), at(1, killswitch.WouldPause, "i-1")),
			"would pause 1 resource in 1 region; 1 left alone; nothing not inspected", 0, 0,
		},
		"a discovery": {
			live(pause, listed(1), at(1, killswitch.Running, "i-1")),
			"1 resource running in 1 region; nothing not inspected", 0, 0,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := report.Of(test.snapshot, declared)
			if got := r.Headline(); got != test.headline {
				t.Errorf("headline\n got %s\nwant %s", got, test.headline)
			}
			if got := r.ExitCode(); got != test.code {
				t.Errorf("exit code %d, want %d", got, test.code)
			}
			if got := r.Summary.Pending; got != test.pending {
				t.Errorf("%d pending, want %d", got, test.pending)
			}
		})
	}
}

func TestNotInspected(t *testing.T) {
	onlyHere := killswitch.Order{Seq: 2, Act: killswitch.Pause, Scope: killswitch.Scope{Regions: []string{"eu-*"}}}
	onlyRDS := killswitch.Order{Seq: 2, Act: killswitch.Pause, Scope: killswitch.Scope{Services: []string{"rds"}}}
	two := func(orders []killswitch.Order, regionsOrder int, coverage ...snapshots.Coverage) snapshots.Snapshot {
		s := live(orders, coverage)
		s.Live.Regions, s.Live.RegionsOrder = []string{here, there}, regionsOrder
		s.Shards = append(s.Shards, snapshots.Shard{Region: there, Coverage: coverage})
		return s
	}
	tests := map[string]struct {
		snapshot snapshots.Snapshot
		want     []report.NotInspected
	}{
		"listed for the newest order": {two([]killswitch.Order{alarmed}, 1, listed(1)...), []report.NotInspected{}},
		"a second order wants only one region listed anew": {
			two([]killswitch.Order{alarmed, onlyHere}, 2, listed(1)...),
			[]report.NotInspected{
				{Region: here, Kind: killswitch.EC2Instance, Reason: "not listed yet", Pending: true},
				{Region: here, Kind: killswitch.RDSInstance, Reason: "not listed yet", Pending: true},
			},
		},
		"a second order wants only one kind listed anew": {
			two([]killswitch.Order{alarmed, onlyRDS}, 2, listed(1)...),
			[]report.NotInspected{
				{Region: here, Kind: killswitch.RDSInstance, Reason: "not listed yet", Pending: true},
				{Region: there, Kind: killswitch.RDSInstance, Reason: "not listed yet", Pending: true},
			},
		},
		"regions were never listed": {
			two([]killswitch.Order{alarmed}, 0, listed(1)...),
			[]report.NotInspected{{
				Region: "*", Reason: "the account's regions have not been listed for order 1", Pending: true,
			}},
		},
		"everything was resumed later": {two([]killswitch.Order{alarmed, resumed}, 0), []report.NotInspected{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, report.Of(test.snapshot, declared).NotInspected); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A report of a part of a snapshot would be taken for one of the whole.
func TestAReportOfWhatCannotBeReadIsNone(t *testing.T) {
	s, broken := live([]killswitch.Order{alarmed}, listed(1), at(1, killswitch.Paused, "i-1")), errors.New("broken off")
	shards := func(yield func(snapshots.Shard, error) bool) {
		_ = yield(s.Shards[0], nil) && yield(snapshots.Shard{}, broken)
	}
	if r, err := report.Read(s, shards, declared); !errors.Is(err, broken) || len(r.Resources) > 0 {
		t.Errorf("got %d resources and %v, want none and %v", len(r.Resources), err, broken)
	}
}

func TestUnlistedTakesThePlaceOfNotYetListed(t *testing.T) {
	s := live([]killswitch.Order{alarmed}, listed(1))
	s.Live.RegionsOrder = 0
	r := report.Of(s, declared)
	r.Unlisted("denied")
	want := []report.NotInspected{{Region: "*", Reason: "the account's regions could not be listed: denied"}}
	if diff := cmp.Diff(want, r.NotInspected); diff != "" {
		t.Error(diff)
	}
	if r.ExitCode() != 3 || r.Summary.NotInspected != 1 || r.Summary.Pending != 0 {
		t.Errorf("exit code %d, summary %+v", r.ExitCode(), r.Summary)
	}
}

func TestDamagedItemsAreNamed(t *testing.T) {
	s := live([]killswitch.Order{alarmed}, listed(1), at(1, killswitch.Paused, "i-1"), at(0, "", "i-2"))
	s.Shards[0].Faults = []snapshots.Fault{
		{PK: "p", SK: "state of i-2", Ref: ref(here, killswitch.EC2Instance, "i-2"), Why: "altered"},
		{PK: "p", SK: "original of i-3", Ref: ref(here, killswitch.EC2Instance, "i-3"), Why: "missing", Hint: "restore it"},
		{PK: "p", SK: "coverage", Ref: killswitch.Ref{Region: here, Kind: killswitch.RDSInstance}, Why: "altered"},
	}
	r := report.Of(s, declared)
	got := map[string]string{}
	for _, resource := range r.Resources {
		got[resource.ID] = string(resource.Phase) + ": " + resource.Reason
	}
	want := map[string]string{"i-1": "paused: ", "i-2": "unreadable: altered", "i-3": "unreadable: missing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantProblems := []report.Problem{
		{Item: "p coverage", Why: "altered"},
		{Item: "p original of i-3", Why: "missing", Hint: "restore it"},
		{Item: "p state of i-2", Why: "altered"},
	}
	if diff := cmp.Diff(wantProblems, r.Problems); diff != "" {
		t.Error(diff)
	}
	if r.ExitCode() != 3 {
		t.Errorf("exit code %d, want 3", r.ExitCode())
	}
}

func TestVerdictsBeyondTheListAreCounted(t *testing.T) {
	coverage := listed(1, protected("i-9"))
	coverage[0].MoreVerdicts = 7
	r := report.Of(live([]killswitch.Order{alarmed}, coverage), declared)
	r.Unlisted("denied") // counts anew
	if r.Summary.LeftAlone != 8 || r.Summary.Total != 8 || len(r.Resources) != 1 {
		t.Errorf("left alone %d, total %d, listed %d; want 8, 8, 1", r.Summary.LeftAlone, r.Summary.Total, len(r.Resources))
	}
}

func TestGroupsAndTallies(t *testing.T) {
	s := live([]killswitch.Order{alarmed}, listed(1, protected("i-9")),
		at(1, killswitch.Paused, "i-1"), at(1, killswitch.Failed, "i-2"), at(1, killswitch.Paused, "i-3"))
	groups := report.Of(s, declared).Groups()
	if len(groups) != 1 || groups[0].Count != 4 {
		t.Fatalf("groups %+v, want one of 4", groups)
	}
	if got, want := report.Tally(groups[0].Phases), "2 paused, 1 failed, 1 protected"; got != want {
		t.Errorf("tally %q, want %q", got, want)
	}
}

func TestScopeText(t *testing.T) {
	tests := map[string]struct {
		scope killswitch.Scope
		want  string
	}{
		"everything":              {killswitch.Scope{}, ""},
		"alternatives and lists":  {killswitch.Scope{Regions: []string{"eu-*", "us-*"}, Tags: []string{"env=dev"}}, "region eu-* or us-*, tag env=dev"},
		"everything but":          {killswitch.Scope{Exclude: &killswitch.Scope{Services: []string{"rds"}, IDs: []string{"i-1"}}}, "everything but not service rds or id i-1"},
		"an exclusion of nothing": {killswitch.Scope{IDs: []string{"i-1"}, Exclude: &killswitch.Scope{}}, "id i-1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := report.ScopeText(test.scope); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOrderLine(t *testing.T) {
	r := report.Of(live([]killswitch.Order{alarmed, {
		Seq: 2, Act: killswitch.Resume, Actor: "ann", At: morning, Scope: killswitch.Scope{Regions: []string{here}}, Force: true,
	}}, nil), declared)
	want := []string{
		`pause by alarm at 2026-11-23T09:15:00Z: budget "monthly" ACTUAL 120.00 USD`,
		"resume by ann at 2026-11-23T09:15:00Z (only region eu-west-1) (also what somebody changed since)",
	}
	for i, o := range r.Orders {
		if got := o.Line(); got != want[i] {
			t.Errorf("got %q, want %q", got, want[i])
		}
	}
}
