package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"aws-hit-breaks/pkg/killswitch"
)

// Notification is what humans are told, in the forms in which they read it.
type Notification struct {
	Subject string // ASCII, at most mostSubject characters
	Text    string // plain, for e-mail and whatever else is subscribed
	Chat    string // JSON, for Amazon Q Developer in chat applications (Slack, Teams)
}

// Moment is why humans are told now.
type Moment string

// The moments of a snapshot.
const (
	Begun   Moment = "begun"   // the first run of an order has ended, and not everything is done
	Settled Moment = "settled" // everything is done that can be
	Closed  Moment = "closed"  // everything is back, gone or given up
)

// What a message holds. SNS takes subjects of less than 100 characters and messages of 256 KiB
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html); people read less.
const (
	mostSubject = 99
	mostLines   = 20 // of one list; the others are counted
	mostOrders  = 5
	mostRunes   = 300  // of one line
	mostChat    = 2000 // runes of a list in a chat: Slack takes 3000 a block
	mostMessage = 40   // lines of an alarm's own text
)

// Notification tells the report to humans. command is how the operator's shell begins a command of
// the CLI for this account.
func (r Report) Notification(moment Moment, command string) Notification {
	l := letter{
		account: r.Account, what: r.said(moment), headline: r.Headline(), why: r.ordersGiven(), thread: r.Snapshot,
		lists: []list{
			resources("To see to, and why", r.Amiss()), r.uninspected(), r.storeProblems(), r.underWay(),
			r.listed("Paused", killswitch.Paused), r.listed("Resumed", killswitch.Resumed), r.alone(),
		},
	}
	if r.HasPrices() {
		l.notes = append(l.notes, r.dollarsTold())
	}
	switch {
	case moment == Closed:
		l.notes = append(l.notes, "Nothing is paused any more, and the snapshot "+r.Snapshot+" is closed.")
	case r.wants() == killswitch.WantResumed && r.Summary.Phases[killswitch.Drifted] > 0:
		l.steps = append(l.steps, step{"To put back also what somebody changed since", command + " resume --force"})
	case r.Snapshot != "" && r.wants() == killswitch.WantPaused:
		l.steps = append(l.steps, step{"To put everything back", command + " resume"})
	}
	l.steps = append(l.steps, step{"To see how it stands", command + " status"})
	return l.notification()
}

// dollarsTold says in a paragraph what ran, what runs, what is saved and what goes on to cost.
func (r Report) dollarsTold() string {
	var told []string
	ran := 0.0
	for _, resource := range r.Resources {
		if cost := resource.Cost; bills(resource) != nothing && cost != nil && cost.Hourly != nil {
			ran += *cost.Hourly
		}
	}
	if ran > 0 {
		told = append(told, "before any pause: "+Dollars(ran)+" an hour")
	}
	for _, b := range r.Bills() {
		of := b.Figures()
		if b.Unknown {
			told = append(told, b.What+": "+Unknown)
			continue
		}
		told = append(told, fmt.Sprintf("%s: %s an hour (%s a month)", b.What, of[0], of[2]))
	}
	return "In dollars, " + strings.Join(told, "; ") + ". " + strings.Join(r.Terms(), " ")
}

// AlarmNotification tells humans of an alarm that pauses nothing: what it says in one line and in
// its own words, and why it pauses nothing.
func AlarmNotification(account, line, why, text, command string) Notification {
	own := list{title: "What it says, in lines", most: mostMessage}
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			own.add("%s", line)
		}
	}
	return letter{
		account: account, what: "an alarm, and nothing is paused for it", headline: printable(line),
		notes: []string{"Nothing is paused for it: " + printable(cmp.Or(why, "it only notifies")) + "."},
		why:   own,
		steps: []step{{"To pause everything", command + " pause"}, {"To see what would be paused", command + " pause --dry-run"}},
	}.notification()
}

// Message is the notification as SNS takes it with a message for each protocol: Amazon Q Developer is
// subscribed by https, e-mail and all others get the plain text
// (https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html).
func (n Notification) Message() string {
	return encoded(map[string]string{"default": n.Text, "https": n.Chat})
}

// said tells the moment in a few words.
func (r Report) said(moment Moment) string {
	what := r.deed()
	switch {
	case moment == Closed:
		what = "closed, " + what
	case moment == Begun && r.wants() == killswitch.WantPaused:
		what = "pausing, so far " + what
	case moment == Begun:
		what = "resuming, so far " + what
	}
	if n := len(r.Amiss()) + len(r.Problems) + len(r.NotInspected); n > 0 && moment != Begun {
		what += fmt.Sprintf(", %d to see to", n)
	}
	return what
}

func (r Report) uninspected() list {
	l := list{title: "Not inspected: nobody knows what runs there"}
	for _, n := range r.NotInspected {
		l.add("%s: %s", strings.TrimSpace(strings.Replace(n.Region, AllRegions, "all regions", 1)+" "+string(n.Kind)), n.Reason)
	}
	return l
}

func (r Report) storeProblems() list {
	l := list{title: "Wrong in the store"}
	for _, p := range r.Problems {
		l.add("%s: %s", p.Item, strings.TrimSuffix(p.Why+"; "+p.Hint, "; "))
	}
	return l
}

func (r Report) underWay() list {
	var pending []Resource
	for _, resource := range r.Resources {
		if resource.Pending && resource.Phase != killswitch.Failed && resource.Phase != killswitch.Drifted {
			pending = append(pending, resource)
		}
	}
	return resources("On their way", pending)
}

func (r Report) listed(title string, phase killswitch.Phase) list {
	var done []Resource
	for _, resource := range r.In(phase) {
		if !resource.Pending {
			done = append(done, resource)
		}
	}
	return resources(title, done)
}

// ordersGiven has the newest first: with too many of them the last one says why this message comes.
func (r Report) ordersGiven() list {
	l := list{title: "By order of", most: mostOrders}
	for _, o := range slices.Backward(r.Orders) {
		l.add("%d: %s", o.Seq, o.Line())
	}
	return l
}

func (r Report) alone() list {
	l := resources("Left alone", r.LeftAlone())
	l.total = max(l.total, r.Summary.LeftAlone) // the store lists so many and counts the rest
	return l
}

// resources lists resources by what AWS knows them by. Names are tags, whose values are not ours to
// spread.
func resources(title string, of []Resource) list {
	l := list{title: title}
	for _, r := range of {
		line := r.Ref("").String()
		if r.Type != "" {
			line += ", " + r.Type
		}
		switch r.Phase {
		case killswitch.Paused, killswitch.Resumed:
		default:
			line += ": " + string(r.Phase)
			if r.Reason != "" {
				line += ", " + r.Reason
			}
		}
		l.add("%s", line)
	}
	return l
}

// letter is what a notification is made of: what happened, why, what to do, and then the lists. Only
// lists and notes hold what others have written, and
// all of that is printable.
type letter struct {
	account  string
	what     string // in a few words of ours
	headline string
	notes    []string
	why      list
	lists    []list // the most important first
	steps    []step
	thread   string
}

// list is a list of which the first lines are told and the rest counted.
type list struct {
	title string
	lines []string
	total int
	most  int // lines told; mostLines where it is 0
}

// step is a command, and what it is for.
type step struct{ purpose, command string }

func (l *list) add(format string, args ...any) {
	if l.total++; len(l.lines) < cmp.Or(l.most, mostLines) {
		l.lines = append(l.lines, printable(fmt.Sprintf(format, args...)))
	}
}

// told are the lines of the list, its title first; none where it is empty.
func (l list) told() []string {
	if l.total == 0 {
		return nil
	}
	told := []string{fmt.Sprintf("%s (%d)", l.title, l.total)}
	for _, line := range l.lines {
		told = append(told, "- "+line)
	}
	if more := l.total - len(l.lines); more > 0 {
		told = append(told, fmt.Sprintf("- and %d more", more))
	}
	return told
}

func (l letter) notification() Notification {
	subject := ascii("aws-hit-breaks " + l.account + ": " + l.what)
	paragraphs := []string{"Account " + l.account + ": " + l.headline}
	paragraphs = append(paragraphs, l.notes...)
	paragraphs = append(paragraphs, strings.Join(l.why.told(), "\n"))
	var next []string
	for _, s := range l.steps {
		next = append(next, s.purpose+":\n  "+s.command)
	}
	paragraphs = append(paragraphs, strings.Join(next, "\n"))
	for _, list := range l.lists {
		paragraphs = append(paragraphs, strings.Join(list.told(), "\n"))
	}
	paragraphs = slices.DeleteFunc(paragraphs, func(p string) bool { return p == "" })
	return Notification{Subject: subject, Text: strings.Join(paragraphs, "\n\n") + "\n", Chat: l.chat(subject)}
}

// custom is a notification of Amazon Q Developer in chat applications
// (https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html).
type custom struct {
	Version string `json:"version"`
	Source  string `json:"source"`
	Content struct {
		TextType    string   `json:"textType"`
		Title       string   `json:"title"`
		Description string   `json:"description"`
		NextSteps   []string `json:"nextSteps"`
	} `json:"content"`
	Metadata struct {
		ThreadID string `json:"threadId,omitempty"` // messages of one snapshot are one thread
		Summary  string `json:"summary"`
	} `json:"metadata"`
}

// chat is the letter in the markdown of chats. What others have written stands between the marks of
// code, where no markdown is read and nobody is called by name.
func (l letter) chat(subject string) string {
	lines := slices.Concat([]string{l.headline}, l.notes, l.why.told())
	for _, list := range l.lists {
		lines = append(lines, list.told()...)
	}
	var c custom
	c.Version, c.Source = "1.0", "custom"
	c.Content.TextType = "client-markdown"
	c.Content.Title = subject
	c.Content.Description = "```\n" + harmless(shortened(lines)) + "\n```"
	for _, s := range l.steps {
		c.Content.NextSteps = append(c.Content.NextSteps, s.purpose+": `"+s.command+"`")
	}
	c.Metadata.ThreadID, c.Metadata.Summary = l.thread, subject
	return encoded(c)
}

// shortened joins as many lines as a chat takes.
func shortened(lines []string) string {
	runes := 0
	for i, line := range lines {
		if runes += len([]rune(line)) + 1; runes > mostChat {
			return strings.Join(append(lines[:i:i], "…"), "\n")
		}
	}
	return strings.Join(lines, "\n")
}

// harmless takes out what ends a block of code or calls somebody in Slack or Teams.
func harmless(text string) string {
	return strings.NewReplacer("`", "'", "<", "‹", ">", "›").Replace(text)
}

// printable makes one line of a text that others have written: no control characters, nothing that
// turns the direction of writing or cannot be seen.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > mostRunes {
		return string(runes[:mostRunes-1]) + "…"
	}
	return text
}

// ascii is a subject as SNS takes it.
func ascii(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), mostSubject)]
}

// encoded is JSON in which <, > and & take one byte and not six.
func encoded(v any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // of texts alone: never fails
	return strings.TrimSuffix(text.String(), "\n")
}
