package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// leaseWrite is one attempt to write the lease of a shard.
type leaseWrite struct {
	seq      int    // of the call
	key      string // of the lease
	owner    string // empty: it is given back
	checksum string // the same for the repeats of one write
	more     int    // what else is written with it
	closes   bool   // the snapshot: nobody may hold it then
}

// record is one attempt to write an original, or the state of a resource that was resumed.
type record struct {
	seq      int    // of the call
	resource string // region kind#id
	key      string // of the original; empty: the resource was resumed
}

// noteWrites remembers what a transaction would write.
func (s *sentinel) noteWrites(c awssim.Call) {
	in, ok := c.Input.(*dynamodb.TransactWriteItemsInput)
	if !ok {
		return
	}
	for _, member := range in.TransactItems {
		if member.Put == nil {
			continue
		}
		pk, sk := text(member.Put.Item["PK"]), text(member.Put.Item["SK"])
		body := text(member.Put.Item["body"])
		region := pk[strings.LastIndex(pk, "#")+1:]
		switch class, rest, _ := strings.Cut(sk, "#"); class {
		case "LEASE":
			s.leases = append(s.leases, leaseWrite{
				seq: c.Seq, key: pk, owner: readBody(body).Owner,
				checksum: text(member.Put.Item["checksum"]), more: len(in.TransactItems) - 1,
				closes: slices.ContainsFunc(in.TransactItems, func(t ddbtypes.TransactWriteItem) bool { return t.Delete != nil }),
			})
		case "ORIGINAL":
			resource := region + " " + rest[:strings.LastIndex(rest, "#")]
			s.records = append(s.records, record{c.Seq, resource, pk + " " + sk})
			s.timely(c, resource)
		case "STATE":
			if readBody(body).State.Phase.Back() {
				s.records = append(s.records, record{c.Seq, region + " " + rest, ""})
			}
		}
	}
}

// timely notes an original that is written while its resource is not as it was before the first pause.
func (s *sentinel) timely(c awssim.Call, resource string) {
	if s.before == nil {
		return
	}
	name := strings.ReplaceAll(strings.Replace(resource, "#", " ", 1), "%23", "#")
	state := s.account.State()
	for _, d := range differences(awssim.State{name: s.before[name]}, awssim.State{name: state[name]}) {
		s.untimely = append(s.untimely, untimely{c.Seq, fmt.Sprintf("an original written when the resource had been changed: %s; %s", d, c)})
	}
}

// untimely is such an original, and the call that would write it.
type untimely struct {
	seq int
	why string
}

// tooLate are the untimely originals that were written.
func (s *sentinel) tooLate(trace []awssim.Call) (problems []string) {
	for _, u := range s.untimely {
		if trace[u.seq-1].Landed {
			problems = append(problems, u.why)
		}
	}
	return problems
}

// stored is what the sentinel reads of a stored body.
type stored struct {
	Owner string           `json:"owner"`
	State killswitch.State `json:"state"`
}

func readBody(body string) (b stored) {
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		panic(fmt.Sprintf("a stored body cannot be read: %v", err))
	}
	return b
}

// twice names the resources of which one pause has two originals: a second one is written only after
// the resource was seen resumed (P2).
func (s *sentinel) twice(trace []awssim.Call) (problems []string) {
	records := slices.DeleteFunc(slices.Clone(s.records), func(r record) bool { return !trace[r.seq-1].Landed })
	slices.SortStableFunc(records, func(a, b record) int { return trace[a.seq-1].At.Compare(trace[b.seq-1].At) })
	original := map[string]string{} // key of the original of the pause that has not ended
	for _, r := range records {
		switch standing := original[r.resource]; {
		case r.key == "":
			delete(original, r.resource)
		case standing != "" && standing != r.key:
			problems = append(problems, fmt.Sprintf("%s has a second original for one pause: %s after %s, by %s", r.resource, r.key, standing, trace[r.seq-1]))
		default:
			original[r.resource] = r.key
		}
	}
	return problems
}

func text(value ddbtypes.AttributeValue) string {
	s, _ := value.(*ddbtypes.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// holding is who has the lease of a region, and until when by the holder's clock.
type holding struct {
	owner string
	ends  time.Time
}

// leaseless names every call that began, and every write that was made, without a lease (P6). It
// goes through the trace in the order of what happened: a call counts when it is made, a write of a
// lease when it takes effect.
func (s *sentinel) leaseless(trace []awssim.Call) (problems []string) {
	type moment struct {
		at   time.Time
		do   func()
		call awssim.Call
	}
	held := map[string]holding{} // by region
	written := map[string]bool{}
	var moments []moment
	for _, c := range trace {
		never := c.Err == "canceled" && !c.Landed // its context had ended while the process was frozen
		if c.Mutating && c.Service != "dynamodb" && !never {
			moments = append(moments, moment{at: c.Sent, call: c, do: func() {
				if h := held[c.Region]; h.owner != c.Process || c.Sent.After(h.ends) {
					problems = append(problems, fmt.Sprintf("without a lease: %s; %q held it until %s", c, h.owner, h.ends.Format(time.TimeOnly)))
				}
			}})
		}
	}
	for _, l := range s.leases {
		c := trace[l.seq-1]
		if !c.Landed || written[l.checksum] {
			continue
		}
		written[l.checksum] = true
		region := l.key[strings.LastIndex(l.key, "#")+1:]
		moments = append(moments, moment{at: c.At, call: c, do: func() {
			h := held[region]
			mine := h.owner == c.Process && !c.Sent.After(h.ends)
			switch {
			case l.closes && h.owner != "":
				problems = append(problems, fmt.Sprintf("closed while %q held a lease: %s", h.owner, c))
			case l.closes:
			case l.more > 0 && !mine:
				problems = append(problems, fmt.Sprintf("written without the lease: %s; %q held it until %s", c, h.owner, h.ends.Format(time.TimeOnly)))
			case h.owner != "" && h.owner != c.Process && c.At.Before(h.ends):
				problems = append(problems, fmt.Sprintf("a lease taken that %q held until %s: %s", h.owner, h.ends.Format(time.TimeOnly), c))
			}
			held[region] = holding{l.owner, c.Sent.Add(pace.Lease)}
		}})
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.call.Seq, b.call.Seq)) })
	for _, m := range moments {
		m.do()
	}
	return problems
}
