package alarm

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// The labels of a message of Budgets, as they are compared: in lower case.
const (
	labelName      = "budget name"
	labelType      = "alert type"
	labelLimit     = "budgeted amount"
	labelThreshold = "alert threshold"
	labelActual    = "actual amount"
	labelForecast  = "forecasted amount"
	labelPeriod    = "time unit"
)

// The messages of Budgets as they were seen between 2018 and 2026: a title with the date, the
// account, a sentence that names type, budget, threshold and period, labelled lines, a link. Any of
// it may be missing; forwarders also flatten the lines into one.
var (
	title   = loose(`\bAWS Budgets? Notification(?:\W+([A-Z]+ \d{1,2}, \d{4}))?`)
	account = loose(`\bAWS Account\b[^\n]{0,80}?\D(\d{4}-\d{4}-\d{4}|\d{12})(?:\D|$)`)
	subject = loose(`\bAWS Budgets: (.+?) has exceeded your alert threshold`)
	label   = loose(`(budget name|budget type|alert type|budgeted amount|alert threshold|actual amount|forecasted amount|time unit)[*_]*\s*:\**`)
	// The sentence: type, budget, how it compares, with what. A name may be anything.
	sentence = loose(`\bwhen the (actual|forecasted) .{1,60}?\bassociated with your (.{1,400}?) budget (?:is |has )?` +
		`(greater than(?: or equal to)?|exceeds|exceeded|less than(?: or equal to)?|below|falls? below|fallen below|equal to|equals) ` + sum)
	amount = loose(`\bassociated with this budget is ` + sum)
	period = loose(`\b(?:for the current|for this|for the|per) (day|month|quarter|year)\b|\b(yesterday)\b`)
	either = loose(`\b(actual|forecasted)\b`)
	below  = loose(`^\W*(<|≤|&lt;|less|below|fall)`)

	alarmSubject  = lazily(`^\s*(ALARM|OK|INSUFFICIENT_DATA): "(.+)" in `)
	alarmSentence = loose(`\bCloudWatch Alarm "(.{1,300}?)" in .{1,120}? (?:entered|transitioned to)(?: the)? (ALARM|OK|INSUFFICIENT_DATA) state`)
)

// sum is an amount in a sentence, with its currency.
const sum = `(\S+(?: \d{3}\b\S*)*(?: (?-i:[A-Z]{3})\b)?)`

// loose is a pattern in which case does not count and each space is any space at all.
func loose(pattern string) func() *regexp.Regexp {
	return lazily(`(?is)` + strings.ReplaceAll(pattern, " ", `\s+`))
}

// lazily is a pattern that is compiled when it is first needed. All of them at every start were a tenth of the start of a
// function.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// prose reads a message for people, and gives the account that it names. It leaves the verdict
// Unparsed where it does not recognise the message.
func (a *Alarm) prose(text string) (named string) {
	text = plain(text)
	if m := account().FindStringSubmatch(text); m != nil {
		named = strings.ReplaceAll(m[1], "-", "")
	}
	labels, intro := labelled(text)
	phrase, head := sentence().FindStringSubmatch(text), subject().FindStringSubmatch(plain(a.Subject))
	switch {
	case labels[labelName] != "" || phrase != nil || head != nil,
		labels[labelThreshold] != "" && cmp.Or(labels[labelType], labels[labelActual], labels[labelForecast]) != "":
		a.budget(intro, labels, phrase, head)
	case title().MatchString(text) || strings.HasPrefix(a.Subject, "AWS Budgets:"):
		a.Source, a.Why = Budgets, "a message of Budgets, but not the usual one about a threshold: read it and decide"
	case alarmSentence().MatchString(text):
		m := alarmSentence().FindStringSubmatch(text)
		a.state(m[1], strings.ToUpper(m[2]))
	case alarmSubject().MatchString(a.Subject):
		m := alarmSubject().FindStringSubmatch(a.Subject)
		a.state(m[2], m[1])
	case strings.HasPrefix(strings.ToLower(a.Subject), "aws cost management: cost anomal"):
		a.Source = Anomaly
		a.notify("Cost Anomaly Detection only notifies")
	}
	return named
}

// budget fills in what the labels of a message of Budgets say or, where they do not, the sentence in
// its introduction, and its subject.
func (a *Alarm) budget(intro string, labels map[string]string, phrase, head []string) {
	a.Source, a.Verdict = Budgets, Pauses
	if phrase == nil {
		phrase = make([]string, 5)
	}
	if head == nil {
		head = make([]string, 2)
	}
	a.Budget = cmp.Or(labels[labelName], head[1], strings.TrimSpace(phrase[2]))
	intro = strings.ReplaceAll(intro, "your "+a.Budget, "") // a budget may be called "per day"

	a.Type = cmp.Or(kind(labels[labelType]), kind(phrase[1]), kindOf(labels), onlyKind(intro))
	spent := labels[labelActual]
	if a.Type == Forecasted || spent == "" {
		spent = labels[labelForecast]
	}
	if m := amount().FindStringSubmatch(intro); m != nil && spent == "" {
		spent = m[1]
	}
	a.Amount, a.Limit = parseMoney(spent), parseMoney(labels[labelLimit])
	a.Threshold = parseMoney(cmp.Or(labels[labelThreshold], phrase[4]))
	a.Period = periodOf(labels[labelPeriod])
	if m := period().FindStringSubmatch(intro); m != nil && a.Period == "" {
		a.Period = periodOf(m[1] + m[2])
	}
	if a.At.IsZero() {
		a.At = titleDate(intro)
	}
	if below().MatchString(cmp.Or(labels[labelThreshold], phrase[3])) {
		a.notify("the budget is below a threshold, which costs nothing: it only notifies")
	}
}

// notify makes the alarm one that only tells.
func (a *Alarm) notify(why string) {
	a.Verdict = Notifies
	a.because(why)
}

// kind reads the type of an alert.
func kind(word string) string {
	word = strings.ToUpper(strings.TrimSpace(word))
	switch {
	case strings.HasPrefix(word, "ACTUAL"):
		return Actual
	case strings.HasPrefix(word, "FORECAST"):
		return Forecasted
	}
	return ""
}

// kindOf is the type that the label of the amount tells.
func kindOf(labels map[string]string) string {
	switch actual, forecast := labels[labelActual] != "", labels[labelForecast] != ""; {
	case actual && !forecast:
		return Actual
	case forecast && !actual:
		return Forecasted
	}
	return ""
}

// onlyKind is the type that a text speaks of, if it speaks of one only.
func onlyKind(text string) string {
	found := ""
	for _, m := range either().FindAllString(text, -1) {
		if found != "" && found != kind(m) {
			return ""
		}
		found = kind(m)
	}
	return found
}

// periodOf reads a period in the words of the text or of the API's TimeUnit.
func periodOf(word string) string {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "day", "daily", "yesterday":
		return Daily
	case "month", "monthly":
		return Monthly
	case "quarter", "quarterly":
		return Quarterly
	case "year", "yearly", "annual", "annually":
		return Annually
	}
	return ""
}

// titleDate is the end of the day in the title of a message of Budgets: an alarm whose carrier told
// no time is not to be taken for older than it is.
func titleDate(text string) time.Time {
	m := title().FindStringSubmatch(text)
	if m == nil {
		return time.Time{}
	}
	day, err := time.Parse("January 2, 2006", m[1])
	if err != nil {
		return time.Time{}
	}
	return day.Add(24*time.Hour - time.Second)
}

// plain gives a text with single kinds of newline and space.
func plain(text string) string {
	if !strings.Contains(text, "\n") {
		text = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n").Replace(text) // escaped once too often
	}
	return spaces.Replace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u200b", "", "\ufeff", "").Replace(text))
}

// labelled finds the labels of a text and their values, in lines or, where lines do not begin with
// them, anywhere: a value then ends where the next label begins. Of a label that comes twice the
// first counts. What stands before the first label is the introduction.
func labelled(text string) (values map[string]string, intro string) {
	all := label().FindAllStringSubmatchIndex(text, -1)
	lines := slices.DeleteFunc(slices.Clone(all), func(m []int) bool { return !beginsLine(text[:m[0]]) })
	flat := len(lines) < 2
	if flat {
		lines = all
	}
	values, intro = map[string]string{}, text
	if len(lines) > 0 {
		intro = text[:lines[0][0]]
	}
	for i, m := range lines {
		end := len(text)
		if flat && i+1 < len(lines) {
			end = lines[i+1][0]
		}
		value, _, _ := strings.Cut(text[m[1]:end], "\n")
		if flat {
			value, _, _ = strings.Cut(value, "[1]")
			value = strings.TrimRight(value, " #|;,*•")
		}
		name := strings.ToLower(strings.Join(strings.Fields(text[m[2]:m[3]]), " "))
		if values[name] == "" {
			values[name] = strings.TrimSpace(value)
		}
	}
	return values, intro
}

// beginsLine says whether nothing but the marks of a list or a quotation stands before, on its line.
func beginsLine(before string) bool {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return strings.Trim(line, " >*_•#|-") == ""
}
