package bench

import (
	"maps"
	"strings"
	"time"

	"aws-hit-breaks/pkg/awssim"
)

// watch notes since when each resource is where the act wants it.
type watch struct {
	pause    bool
	original map[string]string // what each resource did at first
	since    map[string]time.Time
}

// begin starts anew for an act. What is there already is so since then.
func (w *watch) begin(account *awssim.Account, pause bool, now time.Time) {
	doing := account.Doing()
	if w.original == nil {
		w.original = maps.Clone(doing)
	}
	w.pause, w.since = pause, map[string]time.Time{}
	for resource, does := range doing {
		w.changed(now, resource, does)
	}
}

// changed is told of each change by the account, one at a time.
func (w *watch) changed(at time.Time, resource, doing string) {
	_, was := w.since[resource]
	switch is := w.reached(resource, doing); {
	case is && !was && w.since != nil:
		w.since[resource] = at
	case !is:
		delete(w.since, resource)
	}
}

// reached says whether what the resource does is what the act wants.
func (w *watch) reached(resource, doing string) bool {
	if !w.pause {
		return doing == w.original[resource]
	}
	switch kind := strings.Fields(resource)[1]; kind {
	case "ecs:service":
		return doing == "" || strings.HasPrefix(doing, "0 running")
	case "autoscaling:group":
		return true // a group is paused with its members
	default:
		return doing == "stopped"
	}
}
