package snapshots

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

func (l *Live) name() name { return name{class: liveClass, account: l.Account} }

func (l *Live) check() error {
	switch {
	case l.Snapshot == "":
		return errors.New("it names no snapshot")
	case l.RegionsOrder < 0 || l.RegionsOrder > max(1, len(l.Orders)):
		return fmt.Errorf("its regions are those of order %d, which it does not have", l.RegionsOrder)
	case l.Told.Closed:
		return errors.New("humans were told that it is closed")
	}
	return errors.Join(inSequence(l.Orders), l.Told.check(l.Orders))
}

func (t Told) check(orders []killswitch.Order) error {
	for _, order := range []int{t.Begun, t.Settled} {
		if order < 0 || order > len(orders) {
			return fmt.Errorf("humans were told of order %d, which it does not have", order)
		}
	}
	return nil
}

func (h *Header) name() name {
	return name{class: headerClass, account: h.Account, snapshot: h.Snapshot}
}

func (h *Header) check() error {
	if h.Opened.IsZero() {
		return errors.New("it does not say when the snapshot was opened")
	}
	return errors.Join(inSequence(h.Orders), h.Told.check(h.Orders))
}

func inSequence(orders []killswitch.Order) error {
	if len(orders) == 0 {
		return errors.New("it has no order")
	}
	for i, o := range orders {
		switch {
		case o.Seq != i+1:
			return fmt.Errorf("its order number %d is numbered %d", i+1, o.Seq)
		case !o.Act.Known():
			return fmt.Errorf("its order number %d is to %q", i+1, o.Act)
		}
	}
	return nil
}

// seen is an alarm that has been seen, and the order that it gave.
type seen struct {
	Message  string           `json:"message"`
	Account  string           `json:"account"`
	Snapshot string           `json:"snapshot"`
	Order    killswitch.Order `json:"order"`
	At       time.Time        `json:"at"`
}

// seenFor is how long a message is remembered: SNS tries to deliver one for 23 days
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
const seenFor = 30 * 24 * time.Hour

func (s *seen) name() name         { return name{class: seenClass, message: s.Message} }
func (s *seen) expires() time.Time { return s.At.Add(seenFor) }

func (s *seen) check() error {
	if s.At.IsZero() {
		return errors.New("it does not say when the message was seen")
	}
	return nil
}

func (l *Lease) name() name {
	return name{class: leaseClass, snapshot: l.Snapshot, region: l.Region}
}

func (l *Lease) check() error {
	switch {
	case l.Generation < 1:
		return errors.New("a lease without a generation")
	case l.Beat < 0:
		return fmt.Errorf("a lease of beat %d", l.Beat)
	}
	return nil
}

type coverage struct {
	Snapshot string `json:"snapshot"`
	Region   string `json:"region"`
	Coverage
}

func (c *coverage) name() name {
	return name{class: coverageClass, snapshot: c.Snapshot, region: c.Region, kind: c.Kind}
}

func (c *coverage) check() error {
	if c.Count < 0 || c.Items < 0 || c.MoreVerdicts < 0 {
		return fmt.Errorf("it counts %d resources, %d originals and %d verdicts", c.Count, c.Items, c.MoreVerdicts)
	}
	return nil
}

// maxVerdictBytes leaves a coverage item room for the rest of it.
const maxVerdictBytes = maxItem - 16<<10

// fit drops verdicts from the end, and counts them, until the item is small enough: 500 resources
// with fifty tags each are not.
func (c *coverage) fit() error {
	kept := c.Verdicts[:min(len(c.Verdicts), MaxVerdicts)]
	bytes := 0
	for i, v := range kept {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("store verdict on %s: %w", v.Resource.Ref, err)
		}
		if bytes += len(text) + 1; bytes > maxVerdictBytes {
			kept = kept[:i]
			break
		}
	}
	c.MoreVerdicts += len(c.Verdicts) - len(kept)
	c.Verdicts = kept
	return nil
}

// original has its content as JSON and not as bytes, so that a person can read it in the table. It
// is stored, and comes back, in JSON's compact form.
type original struct {
	Snapshot string              `json:"snapshot"`
	Resource killswitch.Resource `json:"resource"`
	Order    int                 `json:"order"`
	Schema   int                 `json:"schema"`
	Data     json.RawMessage     `json:"data"`
}

func (o *original) name() name {
	ref := o.Resource.Ref
	return name{class: originalClass, snapshot: o.Snapshot, region: ref.Region, kind: ref.Kind, id: ref.ID, order: o.Order}
}

func (o *original) check() error {
	if o.Resource.Ref == (killswitch.Ref{}) {
		return errors.New("an original without its resource")
	}
	for _, u := range o.Resource.Uses {
		if err := u.Check(); err != nil {
			return err
		}
	}
	return hasContent(o.Data)
}

// part carries in Seq what orders it among the parts of its original: the generation and beat of
// the lease that it was written under, and its place in that write.
type part struct {
	Snapshot string          `json:"snapshot"`
	Ref      killswitch.Ref  `json:"ref"`
	Order    int             `json:"order"`
	Name     string          `json:"name"`
	Seq      [3]int          `json:"seq"`
	Data     json.RawMessage `json:"data"`
}

func (p *part) name() name {
	return name{
		class: partClass, snapshot: p.Snapshot, region: p.Ref.Region, kind: p.Ref.Kind, id: p.Ref.ID,
		order: p.Order, part: p.Name,
	}
}

func (p *part) check() error { return hasContent(p.Data) }

func hasContent(data json.RawMessage) error {
	if len(data) == 0 || string(data) == "null" {
		return errors.New("an original without content")
	}
	return nil
}

// state carries which original it belongs to and how many parts that had when it was written, so
// that a missing one is noticed.
type state struct {
	Snapshot string           `json:"snapshot"`
	Ref      killswitch.Ref   `json:"ref"`
	Order    int              `json:"order"`
	Parts    int              `json:"parts,omitempty"`
	State    killswitch.State `json:"state"`
}

func (s *state) name() name {
	return name{class: stateClass, snapshot: s.Snapshot, region: s.Ref.Region, kind: s.Ref.Kind, id: s.Ref.ID}
}

func (s *state) check() error {
	if s.Order < 1 {
		return errors.New("a state that belongs to no original")
	}
	return nil
}
