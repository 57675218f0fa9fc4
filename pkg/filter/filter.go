// Package filter decides which resources an order is about, and which ones nobody may touch. It is
// pure: the same arguments give the same answer. It imports the words (pkg/killswitch) and the names
// of the tags (pkg/settings) only, and everything else may import it.
package filter

import (
	"cmp"
	"slices"
	"strings"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// Match says whether the scope contains the resource. Protection is a question of its own, see
// Protected.
func Match(s killswitch.Scope, r killswitch.Resource) bool {
	return includes(s, r) && !(s.Exclude != nil && excludes(*s.Exclude, r))
}

// Govern returns the last of the orders whose scope contains the resource, and false where none does.
func Govern(orders []killswitch.Order, r killswitch.Resource) (killswitch.Order, bool) {
	for _, order := range slices.Backward(orders) {
		if Match(order.Scope, r) {
			return order, true
		}
	}
	return killswitch.Order{}, false
}

// GivenUp says whether an order gives up whatever the ref names, although nothing more is known of it
// than that order number since or an earlier one paused it. A ref without an id is of everything of its
// kind that nobody can name, so that only an order without ids is about it.
func GivenUp(orders []killswitch.Order, ref killswitch.Ref, since int) bool {
	return ref.Kind != "" && slices.ContainsFunc(orders, func(o killswitch.Order) bool {
		return o.Act == killswitch.GiveUp && o.Seq > since && Match(o.Scope, killswitch.Resource{Ref: ref})
	})
}

// MayMatchRegion says whether the scope can contain anything in the region. Where it cannot, the
// region need not be listed.
func MayMatchRegion(s killswitch.Scope, region string) bool {
	if s.Exclude != nil && anyRegion(s.Exclude.Regions, region) {
		return false
	}
	return len(s.Regions) == 0 || anyRegion(s.Regions, region)
}

// MayMatchKind says whether the scope can contain anything of the kind. Where it cannot, the kind
// need not be listed for its own sake.
func MayMatchKind(s killswitch.Scope, kind killswitch.Kind) bool {
	if s.Exclude != nil && anyService(s.Exclude.Services, kind) {
		return false
	}
	return len(s.Services) == 0 || anyService(s.Services, kind)
}

// Protected says whether tags forbid to touch what carries them, and names the tag: the owner's
// protect tag, by the setting protectTag or its default where that is empty, with any value but false, no or 0, or the tag of the switch's own parts with any value.
// Keys are compared without regard to case, as IAM compares them in conditions
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html): who writes the tag in another
// case means it all the same.
func Protected(tags map[string]string, protect string) (tag string, ok bool) {
	protect = cmp.Or(protect, settings.ProtectTag)
	var owner, own bool
	for key, value := range tags {
		switch {
		case strings.EqualFold(key, protect):
			owner = owner || !declines(value)
		case strings.EqualFold(key, settings.SwitchTag):
			own = true
		}
	}
	switch {
	case owner:
		return protect, true
	case own:
		return settings.SwitchTag, true
	}
	return "", false
}

// declines says whether the value of the protect tag takes the protection back.
func declines(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "false", "no", "0":
		return true
	}
	return false
}

// includes says whether every list of the scope that is not empty matches.
func includes(s killswitch.Scope, r killswitch.Resource) bool {
	return (len(s.Regions) == 0 || anyRegion(s.Regions, r.Ref.Region)) &&
		(len(s.Services) == 0 || anyService(s.Services, r.Ref.Kind)) &&
		(len(s.Tags) == 0 || anyTag(s.Tags, r.Tags)) &&
		(len(s.IDs) == 0 || slices.Contains(s.IDs, r.Ref.ID))
}

// excludes says whether any list of the scope matches. An exclusion has no exclusion of its own;
// Validate refuses one, and here it is ignored, so that less is touched and not more.
func excludes(s killswitch.Scope, r killswitch.Resource) bool {
	return anyRegion(s.Regions, r.Ref.Region) || anyService(s.Services, r.Ref.Kind) ||
		anyTag(s.Tags, r.Tags) || slices.Contains(s.IDs, r.Ref.ID)
}

func anyRegion(globs []string, region string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return glob(g, region) })
}

func anyService(services []string, kind killswitch.Kind) bool {
	return slices.ContainsFunc(services, func(s string) bool { return serves(s, kind) })
}

// serves says whether a service of a scope, "rds" or "rds:cluster", contains the kind.
func serves(service string, kind killswitch.Kind) bool {
	return service == string(kind) || service == kind.Service()
}

// anyTag compares keys and values with regard to case, as AWS does. What stands before the first
// "=" is the key.
func anyTag(wanted []string, tags map[string]string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool {
		key, value, valued := strings.Cut(w, "=")
		got, ok := tags[key]
		return ok && (!valued || got == value)
	})
}

// glob says whether the text matches the pattern, in which * stands for any text and ? for any one
// byte. It takes time in proportion to the product of the lengths at worst.
func glob(pattern, text string) bool {
	p, t := 0, 0
	star, resume := -1, 0 // the last star, and where its text would end next
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
