package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
)

// Invocation is what an operator asks the pause or the resume function for.
type Invocation struct {
	Scope  killswitch.Scope `json:"scope"`  // empty means everything
	DryRun bool             `json:"dryRun"` // say what would be done, and do none of it
	Actor  string           `json:"actor"`  // who asks; mandatory, so that no empty event is an order
	Force  bool             `json:"force"`  // resume: put back also what somebody changed since
	// Snapshot is, for the resume function alone, what else is to be done.
	Snapshot *Keeping `json:"snapshot,omitempty"`
}

// example is what an operator may write by hand.
const example = `write {"actor": "your name", "scope": {"regions": ["eu-*"]}, "dryRun": true}`

// invocation reads an invocation strictly: a misspelt filter is a filter ignored.
func (h *Handler) invocation(event []byte) (Invocation, error) {
	if len(event) > MaxImport {
		return Invocation{}, tooLong(event, MaxImport)
	}
	if isEmpty(event) {
		return Invocation{}, badEvent("the event is empty: %s", example)
	}
	var in Invocation
	d := json.NewDecoder(bytes.NewReader(event))
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is something after its end")
		}
	}
	if err != nil {
		return Invocation{}, badEvent("the event is no invocation of an operator (%s): %s", said(err), example)
	}
	if strings.TrimSpace(in.Actor) == "" {
		return Invocation{}, badEvent("the invocation does not say who asks: %s", example)
	}
	if len(event) > MaxInvocation && (in.Snapshot == nil || in.Snapshot.Do != DoImport) {
		return Invocation{}, tooLong(event, MaxInvocation)
	}
	if in.Snapshot != nil {
		if err := in.checkKeeping(); err != nil {
			return Invocation{}, err
		}
	}
	if err := filter.Validate(in.Scope, nil, h.kinds()); err != nil {
		return Invocation{}, badEvent("the scope cannot be meant: %v", err)
	}
	return in, nil
}

func tooLong(event []byte, most int) error {
	return badEvent("the event has %d bytes, more than the %d of an invocation: ask for less in one scope", len(event), most)
}

// said is the beginning of what encoding/json says of an event: it quotes what it found there.
func said(err error) string {
	return fmt.Sprintf("%.160s", strings.TrimPrefix(err.Error(), "json: "))
}

// isEmpty says whether an event holds nothing.
func isEmpty(event []byte) bool {
	switch string(bytes.TrimSpace(event)) {
	case "", "null", "{}", "[]", `""`:
		return true
	}
	return false
}

// kinds are the words that a scope may use for services.
func (h *Handler) kinds() []string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(h.Declared)) {
		all = append(all, string(kind))
	}
	return all
}

// Resume puts back what an operator's Invocation asks for, or does what else it wants done with a
// snapshot. Where nothing is paused it is an error,
// NothingLive.
func (h *Handler) Resume(ctx context.Context, event json.RawMessage) (Answer, error) {
	in, err := h.invocation(event)
	if err != nil {
		return Answer{}, err
	}
	if in.Snapshot != nil {
		return h.keep(ctx, in)
	}
	return h.invoked(ctx, killswitch.Resume, in)
}
