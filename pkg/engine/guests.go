package engine

import (
	"fmt"
	"slices"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
)

// guest is a resource of a listing that runs on another, its host.
type guest struct {
	ref       killswitch.Ref
	protected bool
	holds     bool // AWS ends members of the host where nothing runs on them, so that both are paused or neither
}

// noteGuest notes what a resource runs on.
func (s *shard) noteGuest(l *listing, found killswitch.Found) {
	_, protected := s.protection(found)
	note := func(hosts []killswitch.Ref, holds bool) {
		for _, host := range hosts {
			l.guests[host] = append(l.guests[host], guest{found.Resource.Ref, protected, holds})
			if it := s.byRef[host]; it != nil {
				s.touch(it)
			}
		}
	}
	note(found.Hosts, false)
	note(found.Beneath, true)
}

// guestsOf is what runs on a resource, as far as a listing of this turn shows it.
func (s *shard) guestsOf(ref killswitch.Ref) (all []guest) {
	for _, l := range s.listings {
		all = append(all, l.guests[ref]...)
	}
	return all
}

// protection says by which tag, and whose, a resource is protected.
func (s *shard) protection(found killswitch.Found) (string, bool) {
	if tag, ok := filter.Protected(found.Resource.Tags, s.Settings.ProtectTag); ok {
		return "tag " + tag, true
	}
	for _, part := range found.Parts {
		if tag, ok := filter.Protected(part.Tags, s.Settings.ProtectTag); ok {
			return fmt.Sprintf("tag %s on %s %s inside it", tag, part.Ref.Kind, part.Ref.ID), true
		}
	}
	return "", false
}

// protectedBy says by what a resource is protected: its own tag, a part's, or what runs on it.
func (s *shard) protectedBy(found killswitch.Found) (string, bool) {
	if why, ok := s.protection(found); ok {
		return why, true
	}
	for _, g := range s.guestsOf(found.Resource.Ref) {
		if g.protected {
			return fmt.Sprintf("protected %s %s runs on it", g.ref.Kind, g.ref.ID), true
		}
	}
	for _, part := range found.Parts {
		for _, g := range s.guestsOf(part.Ref) {
			if g.protected {
				return fmt.Sprintf("protected %s %s runs on its member %s", g.ref.Kind, g.ref.ID, part.Ref.ID), true
			}
		}
	}
	return "", false
}

// heldUp says which guest of a resource that is to be taken up would go on running without it.
func (s *shard) heldUp(ref killswitch.Ref, order int) (why string, held bool) {
	for _, g := range s.guestsOf(ref) {
		if it := s.byRef[g.ref]; g.holds && (it == nil || it.State.Phase.Closed() || it.Want != killswitch.WantPaused || it.vetoed()) {
			return heldBy(g.ref, s.unpaused(g.ref, order)), true
		}
	}
	return "", false
}

// heldBy says why hosts are left running.
func heldBy(guest killswitch.Ref, why string) string {
	return fmt.Sprintf("left running: %s %s runs on it and is not paused (%s); on the way back AWS would end some of its members", guest.Kind, guest.ID, why)
}

// unpaused says why an order does not pause what is listed as running.
func (s *shard) unpaused(ref killswitch.Ref, order int) string {
	if it := s.byRef[ref]; it != nil && it.vetoed() {
		return it.State.Reason
	}
	for _, l := range s.listings {
		for _, v := range slices.Concat(l.verdicts, l.coverage.Verdicts) {
			if v.Resource.Ref == ref {
				return v.Reason
			}
		}
	}
	return fmt.Sprintf("order %d does not pause that", order)
}

// alone says whether nothing that is still to be paused runs on a resource. That is known of what was
// listed after all that could.
func (s *shard) alone(l *listing, found killswitch.Found) bool {
	return len(l.declaration.ListedAfter) > 0 && s.hostsKnown(l) && len(s.guestsOf(found.Resource.Ref)) == 0 &&
		!slices.ContainsFunc(found.Parts, func(part killswitch.Resource) bool { return len(s.guestsOf(part.Ref)) > 0 })
}

// hostsKnown says whether everything that could run on resources of the kind has been listed.
func (s *shard) hostsKnown(l *listing) bool {
	for _, other := range s.listings {
		if slices.Contains(l.declaration.ListedAfter, other.declaration.Kind) && !(other.over && other.failed == nil) {
			return false
		}
	}
	return true
}

// hostsUnknown says which kind could not be listed that might run on resources of this one.
func (s *shard) hostsUnknown(l *listing) (killswitch.Kind, error) {
	for _, other := range s.listings {
		if slices.Contains(l.declaration.ListedAfter, other.declaration.Kind) && other.over && other.failed != nil {
			return other.declaration.Kind, other.failed
		}
	}
	return "", nil
}
