package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"aws-hit-breaks/pkg/killswitch"
)

// Dollars writes an amount for humans: small ones with what they need to be told apart, large ones
// without cents.
func Dollars(amount float64) string {
	switch {
	case amount == 0:
		return "$0"
	case math.Abs(amount) < 0.9999:
		return "$" + strconv.FormatFloat(amount, 'f', 4, 64)
	case math.Abs(amount) < 999.995:
		return "$" + strconv.FormatFloat(amount, 'f', 2, 64)
	}
	digits := strconv.FormatFloat(amount, 'f', 0, 64)
	var grouped strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			grouped.WriteByte(',')
		}
		grouped.WriteRune(digit)
	}
	return "$" + grouped.String()
}

// Unknown is written where an amount is not known.
const Unknown = "unknown"

// Figure writes an amount that may not be known.
func Figure(amount *float64) string {
	if amount == nil {
		return Unknown
	}
	return Dollars(*amount)
}

// Bill is one of the totals, in words.
type Bill struct {
	What                   string
	Hourly, Daily, Monthly float64
	// Unknown: nothing of it is known, so that it is no number.
	Unknown bool
}

// Figures are the amounts for humans: an hour, a day and a month.
func (b Bill) Figures() []string {
	if b.Unknown {
		return []string{Unknown, Unknown, Unknown}
	}
	return []string{Dollars(b.Hourly), Dollars(b.Daily), Dollars(b.Monthly)}
}

// Bills are the totals in words, as they fit what the report is about.
func (r Report) Bills() []Bill {
	saved := "saved by the pause"
	switch phases := r.Summary.Phases; {
	case phases[killswitch.Running]+phases[killswitch.WouldPause] > 0:
		saved = "saved by a pause"
	case phases[killswitch.WouldResume] > 0:
		saved = "saved until a resume"
	}
	c := r.Summary.Cost
	running, save, kept := r.unknownBills()
	return []Bill{
		{"running", c.Running, c.Daily.Running, c.Monthly.Running, running && c.Running == 0},
		{saved, c.Saved, c.Daily.Saved, c.Monthly.Saved, save && c.Saved == 0},
		{"goes on to cost", c.Kept, c.Daily.Kept, c.Monthly.Kept, kept && c.Kept == 0},
	}
}

// unknownBills says of which totals something is not known.
func (r Report) unknownBills() (running, saved, kept bool) {
	for _, resource := range r.Resources {
		bill := bills(resource)
		if bill != anything && resource.Cost != nil && resource.Cost.Hourly != nil {
			continue
		}
		keeps := resource.Cost == nil || resource.Cost.Residual == nil
		switch bill {
		case nothing:
		case anything:
			running, saved, kept = true, true, true
		case pausable:
			running, saved, kept = true, true, kept || keeps
		case paused:
			saved, kept = true, kept || keeps
		case leftAlone:
			running, kept = true, true
		case onItsWay:
			running = true
		}
	}
	return running, saved, kept || r.LeftOut.Unknown > 0 || slices.ContainsFunc(r.Residuals, func(x Residual) bool { return x.Hourly == nil })
}

// Terms says what the dollars are, and what is not in them and why, in a sentence each.
func (r Report) Terms() []string {
	terms := []string{"List prices, without Savings Plans, credits or free tier."}
	if n := r.Summary.Cost.Unknown; n > 0 {
		terms = append(terms, "Not in the sums: "+Count(n, "resource")+" of unknown cost"+listed(r.whyUnknown())+".")
	}
	unlisted := tally{}
	for _, u := range r.UnlistedResiduals {
		unlisted[u.Reason]++
	}
	if n := len(r.UnlistedResiduals); n > 0 {
		terms = append(terms, "Not listed, of what has no pause: "+Count(n, "kind")+" in a region"+listed(unlisted)+".")
	}
	return terms
}

// tally counts by reason.
type tally map[string]int

// mostReasons are told of the reasons in a sentence.
const mostReasons = 3

// listed are the most frequent reasons, to follow what they are of.
func listed(t tally) string {
	reasons := slices.SortedFunc(maps.Keys(t), func(a, b string) int {
		return cmp.Or(cmp.Compare(t[b], t[a]), strings.Compare(a, b))
	})
	var told []string
	for i, reason := range reasons {
		if i == mostReasons {
			told = append(told, "and "+Count(len(reasons)-i, "other reason"))
			break
		}
		line := printable(strings.TrimSuffix(reason, "."))
		if len(reasons) > 1 {
			line += " (" + strconv.Itoa(t[reason]) + ")"
		}
		told = append(told, line)
	}
	if len(told) == 0 {
		return ""
	}
	return ": " + strings.Join(told, "; ")
}

// whyUnknown are the reasons of what is counted as unknown.
func (r Report) whyUnknown() tally {
	t := tally{}
	for _, resource := range r.Resources {
		switch bill := bills(resource); {
		case bill == nothing:
		case resource.Cost != nil && resource.Cost.Hourly == nil:
			t[resource.Cost.Why]++
		case bill == anything:
			t["whether it runs is not known"]++
		}
	}
	for _, residual := range r.Residuals {
		if residual.Hourly == nil {
			t[residual.Why]++
		}
	}
	if n := r.LeftOut.Unknown; n > 0 {
		t["it is not listed here, and so is the reason"] += n
	}
	return t
}

// Share is the part of the saving that falls to a region or a service.
type Share struct {
	Name  string
	Saved float64 // an hour
}

// SavedBy adds up the saving by what key says of a resource, in the order of the report. What has no
// part in it is left out.
func (r Report) SavedBy(key func(Resource) string) []Share {
	var shares []Share
	at := map[string]int{}
	for _, resource := range r.Resources {
		saved := costs([]Resource{resource}, nil, LeftOut{}).Saved
		if saved == 0 {
			continue
		}
		name := key(resource)
		if _, known := at[name]; !known {
			at[name] = len(shares)
			shares = append(shares, Share{Name: name})
		}
		shares[at[name]].Saved += saved
	}
	return shares
}
