package ui

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// Progress tells what happens in a run: on a terminal as one view that is painted anew, with how
// many resources of each kind and region are in which phase; elsewhere as a line for each change. It
// is safe for concurrent use.
type Progress struct {
	to    stream
	title string
	began time.Time

	mu      sync.Mutex
	phases  map[killswitch.Ref]killswitch.Phase
	found   map[place]int
	noted   map[string]bool
	painted int // lines of the view that are on the terminal
	frame   int
	ended   bool
	survey  *survey // of what a dry run finds
	stopped chan struct{}
}

// place is one kind in one region.
type place struct {
	region string
	kind   killswitch.Kind
}

func (p place) compare(o place) int {
	return cmp.Or(strings.Compare(p.region, o.region), strings.Compare(string(p.kind), string(o.kind)))
}

// Progress begins to tell. End must be called.
func (s *Screen) Progress(title string) *Progress {
	p := &Progress{
		to: s.err, title: title, began: time.Now(), phases: map[killswitch.Ref]killswitch.Phase{},
		found: map[place]int{}, noted: map[string]bool{}, stopped: make(chan struct{}),
	}
	if p.to.file != nil {
		go p.paint()
	}
	return p
}

// paint keeps the view up to date until End.
func (p *Progress) paint() {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.mu.Lock()
			if !p.ended {
				p.frame++
				p.repaint()
			}
			p.mu.Unlock()
		case <-p.stopped:
			return
		}
	}
}

// From begins with how things stand now, without telling it.
func (p *Progress) From(r report.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, resource := range r.Resources {
		p.phases[resource.Ref(r.Account)] = resource.Phase
	}
}

// End leaves the sum of it standing. Nothing is told any more.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	close(p.stopped)
	if p.to.file != nil {
		p.repaint()
	}
}

// On takes in what the engine tells.
func (p *Progress) On(ev engine.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := place{ev.Region, ev.Kind}
	switch ev.What {
	case engine.Changed:
		p.resource(ev.Ref, ev.Name, ev.Phase, ev.Reason)
	case engine.Left: // no line of its own: nothing happens to it, and the report names it
		p.phases[ev.Ref] = ev.Phase
	case engine.Listed:
		p.found[at] = ev.Count
		if p.to.file == nil && ev.Count > 0 {
			p.note("%s %s: %d found", ev.Region, ev.Kind, ev.Count)
		}
	case engine.ListingFailed:
		p.note("%s %s: could not be listed: %s", ev.Region, ev.Kind, ev.Reason)
	case engine.LookFailed:
		p.note("%s %s: could not be looked at: %s", ev.Region, ev.Kind, ev.Reason)
	case engine.RegionsListed:
		if ev.Err != nil {
			p.note("the account's regions could not be listed: %s", ev.Reason)
		}
	case engine.StoreFailed:
		p.note("%s: the store: %s", cmp.Or(ev.Region, "account"), ev.Reason)
	case engine.ShardBusy:
		p.note("%s: another run works on this region", ev.Region)
	case engine.ShardEnded:
		if ev.Err != nil {
			p.note("%s: %s", ev.Region, ev.Reason)
		}
	case engine.OrdersChanged:
		p.note("a newer order was given: there are %d now", ev.Count)
	case engine.Planned, engine.Stepped, engine.SnapshotClosed: // the phases tell it
	}
}

// Report takes in how things stand now, of a run that somebody else makes.
func (p *Progress) Report(r report.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, resource := range r.Resources {
		p.resource(resource.Ref(r.Account), resource.Name, resource.Phase, resource.Reason)
	}
	for _, n := range r.NotInspected {
		if !n.Pending {
			p.note("%s %s: not inspected: %s", n.Region, cmp.Or(string(n.Kind), "every kind"), n.Reason)
		}
	}
}

// Note tells something that is not about a resource.
func (p *Progress) Note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(format, args...)
}

// resource takes in the phase of a resource; the caller holds the mutex.
func (p *Progress) resource(ref killswitch.Ref, name string, phase killswitch.Phase, reason string) {
	if p.phases[ref] == phase {
		return
	}
	p.phases[ref] = phase
	if p.to.file != nil || p.ended {
		return
	}
	if phase == killswitch.Recorded || phase == killswitch.Running || phase == killswitch.Protected {
		return // nothing happened to it
	}
	line := fmt.Sprintf("%s %s %s", ref.Region, ref.Kind, ref.ID)
	if name != "" && name != ref.ID {
		line += " (" + name + ")"
	}
	line += ": " + string(phase)
	if reason != "" {
		line += ": " + reason
	}
	p.to.print(oneLine(line) + "\n")
}

// note prints a line above the view, once; the caller holds the mutex.
func (p *Progress) note(format string, args ...any) {
	text := oneLine(fmt.Sprintf(format, args...))
	if p.noted[text] || p.ended {
		return
	}
	p.noted[text] = true
	p.to.print(p.wipe())
	p.to.say(text)
}

// wipe takes the view off the terminal when it is printed.
func (p *Progress) wipe() string {
	if p.painted == 0 {
		return ""
	}
	up := fmt.Sprintf("\r\x1b[%dA\x1b[J", p.painted) // what was typed has moved the cursor to the right
	p.painted = 0
	return up
}

// repaint puts the view on the terminal anew.
func (p *Progress) repaint() {
	width, height := p.to.size()
	lines := p.view(width, height-2)
	for i, line := range lines {
		if p.ended {
			lines[i] = fold(line, width-1) // it stays
		} else {
			lines[i] = lipgloss.NewStyle().MaxWidth(width - 1).Render(line)
		}
	}
	p.to.print(p.wipe() + strings.Join(lines, "\n") + "\n")
	p.painted = len(lines)
}

// spinner turns while something happens.
var spinner = []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

// view is what the terminal shows, in at most so many lines. What moves is shown first where there
// is no room for all.
func (p *Progress) view(width, room int) []string {
	turning := string(spinner[p.frame%len(spinner)])
	if p.ended {
		turning = "·"
	}
	if p.survey != nil {
		return p.surveyed(turning, width, room)
	}
	counts := map[place]map[killswitch.Phase]int{}
	all := map[killswitch.Phase]int{}
	for ref, phase := range p.phases {
		at := place{ref.Region, ref.Kind}
		if counts[at] == nil {
			counts[at] = map[killswitch.Phase]int{}
		}
		counts[at][phase]++
		all[phase]++
	}
	lines := []string{fmt.Sprintf("%s %s, %s: %s", turning, p.title, time.Since(p.began).Round(time.Second),
		cmp.Or(report.Tally(all), p.looking()))}
	if p.ended {
		return lines
	}
	places := slices.SortedFunc(maps.Keys(counts), place.compare)
	hidden := 0
	if len(places) > room-2 {
		kept := slices.DeleteFunc(slices.Clone(places), func(at place) bool { return !moving(counts[at]) })
		kept = kept[:min(len(kept), max(room-2, 0))]
		hidden = len(places) - len(kept)
		places = kept
	}
	for _, at := range places {
		lines = append(lines, fmt.Sprintf("  %-15s %-18s %s", at.region, at.kind, coloured(counts[at])))
	}
	if hidden > 0 {
		lines = append(lines, fmt.Sprintf("  and %s of kind and region", report.Count(hidden, "more line")))
	}
	return lines
}

// looking is what there is to say before anything has a phase.
func (p *Progress) looking() string {
	found := 0
	for _, n := range p.found {
		found += n
	}
	if found == 0 {
		return "looking"
	}
	return report.Count(found, "resource") + " seen"
}

// moving says whether anything counted is on its way.
func moving(phases map[killswitch.Phase]int) bool {
	return phases[killswitch.Recorded]+phases[killswitch.Pausing]+phases[killswitch.Resuming] > 0
}

// coloured is a tally with each phase in its colour.
func coloured(phases map[killswitch.Phase]int) string {
	var parts []string
	for part := range strings.SplitSeq(report.Tally(phases), ", ") {
		_, phase, _ := strings.Cut(part, " ")
		parts = append(parts, style(killswitch.Phase(phase)).Render(part))
	}
	return strings.Join(parts, ", ")
}
