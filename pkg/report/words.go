package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// phases in the order in which they are told: what is done, what is on its way, what went wrong.
var told = []killswitch.Phase{
	killswitch.Running, killswitch.WouldPause, killswitch.WouldResume, killswitch.Paused, killswitch.Resumed,
	killswitch.Recorded, killswitch.Pausing, killswitch.Resuming, killswitch.Failed, killswitch.Drifted,
	killswitch.Untouched, killswitch.Gone, killswitch.GivenUp, killswitch.Unreadable, killswitch.NotInspected,
	killswitch.Unpausable, killswitch.Protected,
}

// Headline tells the report in one sentence: "paused 31 of 31 resources in 3 regions; 14 left alone;
// nothing not inspected".
func (r Report) Headline() string {
	parts := []string{r.deed()}
	for _, p := range []struct {
		count int
		text  string
	}{
		{r.onTheirWay(), "on their way"},
		{r.Summary.Phases[killswitch.Failed], "failed"},
		{r.Summary.Phases[killswitch.Drifted], "changed by somebody since"},
		{r.Summary.Phases[killswitch.Gone], "gone"},
		{r.Summary.Phases[killswitch.GivenUp], "given up"},
		{r.Summary.Phases[killswitch.Unreadable], "unreadable in the store"},
		{r.Summary.Phases[killswitch.NotInspected], "left running for want of a whole listing"},
		{r.others(), r.otherWord()},
		{r.Summary.LeftAlone, "left alone"},
	} {
		if p.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.count, p.text))
		}
	}
	return strings.Join(append(parts, r.inspected()), "; ")
}

// deed is what the last order did, or would do.
func (r Report) deed() string {
	in := fmt.Sprintf(" in %s", Count(r.Summary.Regions, "region"))
	phases := r.Summary.Phases
	switch {
	case len(r.Orders) == 0 && len(r.Resources) == 0:
		return "nothing is paused"
	case phases[killswitch.Running] > 0:
		return Count(phases[killswitch.Running], "resource") + " running" + in
	case phases[killswitch.WouldPause] > 0:
		return "would pause " + Count(phases[killswitch.WouldPause], "resource") + in
	case phases[killswitch.WouldResume] > 0:
		return "would resume " + Count(phases[killswitch.WouldResume], "resource") + in
	}
	want := r.wants()
	of := r.wanted(want)
	if of == 0 {
		if want == killswitch.WantPaused {
			return "nothing to pause"
		}
		return "nothing to resume"
	}
	return fmt.Sprintf("%s %d of %s%s", want, phases[killswitch.Phase(want)], Count(of, "resource"), in)
}

// wants is what the last order wants that wants anything.
func (r Report) wants() killswitch.Want {
	for _, o := range slices.Backward(r.Orders) {
		if want := o.Act.Wants(); want != killswitch.WantGivenUp {
			return want
		}
	}
	return killswitch.WantPaused
}

func (r Report) wanted(want killswitch.Want) (n int) {
	for _, resource := range r.Resources {
		if resource.Want == want {
			n++
		}
	}
	return n
}

// others counts what an earlier order wants otherwise than the last one, and has.
func (r Report) others() (n int) {
	for _, resource := range r.Resources {
		if resource.Want != r.wants() && resource.Want != "" && resource.Phase == killswitch.Phase(resource.Want) {
			n++
		}
	}
	return n
}

func (r Report) otherWord() string {
	if r.wants() == killswitch.WantPaused {
		return "resumed before"
	}
	return "stay paused"
}

func (r Report) onTheirWay() (n int) {
	for _, resource := range r.Resources {
		if resource.Pending {
			n++
		}
	}
	return n
}

// inspected tells what nobody knows about, or that there is no such thing.
func (r Report) inspected() string {
	var pending, failed int
	for _, n := range r.NotInspected {
		if n.Pending {
			pending++
		} else {
			failed++
		}
	}
	switch {
	case failed == 0 && pending == 0:
		return "nothing not inspected"
	case failed == 0:
		return fmt.Sprintf("%d not listed yet", pending)
	case pending == 0:
		return fmt.Sprintf("%d not inspected", failed)
	}
	return fmt.Sprintf("%d not inspected, %d not listed yet", failed, pending)
}

// Count is a number with its noun: "1 region", "3 regions".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Tally counts phases in words, in an order that does not change: "30 paused, 1 failed".
func Tally(phases map[killswitch.Phase]int) string {
	var parts []string
	for _, phase := range told {
		if n := phases[phase]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, phase))
		}
	}
	return strings.Join(parts, ", ")
}

// Group is what there is of one kind in one region.
type Group struct {
	Region string
	Kind   killswitch.Kind
	Count  int
	Phases map[killswitch.Phase]int
	Hourly *float64 // of all of them while they run; nil where one of them is not known
}

// Groups counts the resources by region and kind, sorted.
func (r Report) Groups() []Group {
	var groups []Group
	for _, resource := range r.Resources { // sorted by region and kind
		last := len(groups) - 1
		if last < 0 || groups[last].Region != resource.Region || groups[last].Kind != resource.Kind {
			groups = append(groups, Group{
				Region: resource.Region, Kind: resource.Kind, Phases: map[killswitch.Phase]int{}, Hourly: new(float64),
			})
			last++
		}
		groups[last].Hourly = sum(groups[last].Hourly, resource.Cost)
		groups[last].Count++
		groups[last].Phases[resource.Phase]++
	}
	return groups
}

// In are the resources in one of the phases.
func (r Report) In(phases ...killswitch.Phase) []Resource {
	var list []Resource
	for _, resource := range r.Resources {
		if slices.Contains(phases, resource.Phase) {
			list = append(list, resource)
		}
	}
	return list
}

// LeftAlone are the resources that stay as they are, each with its reason.
func (r Report) LeftAlone() []Resource {
	return r.In(leftAlonePhases...)
}

// IsLeftAlone says whether the resource stays as it is.
func (r Resource) IsLeftAlone() bool { return slices.Contains(leftAlonePhases, r.Phase) }

var leftAlonePhases = []killswitch.Phase{killswitch.Unpausable, killswitch.Protected, killswitch.Untouched}

// Amiss are the resources that a human has to see to, each with its reason.
func (r Report) Amiss() []Resource {
	return r.In(killswitch.Failed, killswitch.Drifted, killswitch.Gone, killswitch.Unreadable, killswitch.NotInspected)
}

// Line is an order in one line.
func (o Order) Line() string {
	line := fmt.Sprintf("%s by %s at %s", o.Act, cmp.Or(o.Actor, "nobody known"), o.At.UTC().Format(time.RFC3339))
	if o.Alarm != "" {
		line += ": " + o.Alarm
	}
	if o.Scope != "" {
		line += " (only " + o.Scope + ")"
	}
	if o.Force {
		line += " (also what somebody changed since)"
	}
	return line
}

func orderOf(o killswitch.Order) Order {
	t := Order{Seq: o.Seq, Act: o.Act, Actor: o.Actor, At: o.At, Scope: ScopeText(o.Scope), Force: o.Force}
	if o.Alarm != nil {
		t.Alarm = o.Alarm.Text
	}
	return t
}

// ScopeText is a scope in words; empty where it is everything.
func ScopeText(s killswitch.Scope) string {
	var parts []string
	for _, list := range []struct {
		name   string
		values []string
	}{{"region", s.Regions}, {"service", s.Services}, {"tag", s.Tags}, {"id", s.IDs}} {
		if len(list.values) > 0 {
			parts = append(parts, list.name+" "+strings.Join(list.values, " or "))
		}
	}
	text := strings.Join(parts, ", ")
	if s.Exclude != nil {
		if out := ScopeText(*s.Exclude); out != "" {
			text = cmp.Or(text, "everything") + " but not " + strings.ReplaceAll(out, ", ", " or ")
		}
	}
	return text
}

// MoreResiduals says what of the residuals is in the sums alone; nothing where all are listed.
func (r Report) MoreResiduals() string {
	out := r.LeftOut
	if out.Count == 0 {
		return ""
	}
	dollars := Dollars(out.Hourly) + " an hour"
	switch {
	case out.Unknown == out.Count:
		dollars = "of unknown cost"
	case out.Unknown > 0:
		dollars += ", and " + strconv.Itoa(out.Unknown) + " of unknown cost"
	}
	return "and " + strconv.Itoa(out.Count) + " more that cost less, in the sums alone: " + dollars
}
