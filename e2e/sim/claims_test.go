package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// claim is what a run has said of a resource: that it is paused, or back.
type claim struct {
	process string
	ref     killswitch.Ref
	phase   killswitch.Phase
	at      time.Time
}

// note keeps the claims among the events. The caller holds telling.
func (w *world) note(process string, ev engine.Event) {
	if ev.What == engine.Changed && (ev.Phase == killswitch.Paused || ev.Phase.Back()) {
		w.claims = append(w.claims, claim{process, ev.Ref, ev.Phase, time.Now()})
	}
}

// looksAt are the reads that show whether a resource is paused or back.
var looksAt = map[killswitch.Kind][]string{
	killswitch.EC2Instance:      {"ec2:DescribeInstances", "ec2:DescribeInstanceStatus"},
	killswitch.AutoScalingGroup: {"autoscaling:DescribeAutoScalingGroups"},
	killswitch.RDSInstance:      {"rds:DescribeDBInstances"},
	killswitch.RDSCluster:       {"rds:DescribeDBClusters"},
	killswitch.ECSService:       {"ecs:DescribeServices"},
}

// familiesSince are what hangs together, or did at an earlier time.
func (w *world) familiesSince(before awssim.State) families {
	f := families{}
	f.learn(before)
	f.learn(w.account.State())
	return f
}

// unseen names the claims that no look of the same run stands behind which began when every call of
// ours for the resource had taken effect, and AWS's reads showed it (P10). Each claim is judged once.
func (w *world) unseen(f families) (problems []string) {
	w.telling.Lock()
	claims := w.claims
	w.claims = nil
	w.telling.Unlock()
	if len(claims) == 0 {
		return nil
	}
	looks, changes := map[string][]awssim.Call{}, map[string][]awssim.Call{}
	for _, c := range w.account.Trace() {
		switch {
		case !ours(c) || c.Service == "dynamodb":
		case !c.Mutating && c.Err == "" && !c.At.IsZero():
			key := c.Process + " " + c.Region + " " + c.Action()
			looks[key] = append(looks[key], c)
		case c.Mutating && c.Landed && c.At.Sub(c.Sent) <= pace.Call: // later it is nobody's any more
			for _, id := range named(c) {
				name := f.within(c.Region + " " + kindChanged(c) + " " + id)
				changes[name] = append(changes[name], c)
			}
		}
	}
	for _, c := range claims {
		var last awssim.Call // to show
		var from time.Time
		for _, change := range changes[nameOf(c.ref)] {
			if shows := change.At.Add(pace.Lag); change.Sent.Before(c.at) && shows.After(from) {
				last, from = change, shows
			}
		}
		if !slices.ContainsFunc(looksAt[c.ref.Kind], func(action string) bool {
			return slices.ContainsFunc(looks[c.process+" "+c.ref.Region+" "+action], func(look awssim.Call) bool {
				return !look.Sent.Before(from) && !look.At.After(c.at) && shows(look, c.ref.ID)
			})
		}) {
			problems = append(problems, fmt.Sprintf("%s is said to be %s at %s by %s, which had not looked at it since %s took effect",
				c.ref, c.phase, c.at.Format(time.TimeOnly), c.process, last))
		}
	}
	return problems
}

// shows says whether a look is about a resource: it names it, or nothing.
func shows(look awssim.Call, id string) bool {
	_, name, _ := strings.Cut(id, "/")
	return len(look.Targets) == 0 || slices.ContainsFunc(look.Targets, func(target string) bool {
		return target == id || name != "" && last(target) == name
	})
}

// within is the resource through which the brake pauses one: the group of a member, or itself.
func (f families) within(name string) string {
	if owner := f[name]; owner != "" && strings.Contains(owner, " "+string(killswitch.AutoScalingGroup)+" ") {
		return owner
	}
	return name
}
