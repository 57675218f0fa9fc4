package awssim

import (
	"fmt"
	"strings"
	"time"
)

// How long it takes until an alarm in breach is followed. The alarms of target tracking policies
// have periods of a minute; the length is assumed:
// https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
const (
	minScaling = 20 * time.Second
	maxScaling = 3 * time.Minute
)

// ScalableTarget registers the desired count of a service with Application Auto Scaling.
type ScalableTarget struct {
	Cluster, Service string
	Min, Max         int
	// SuspendedIn, SuspendedOut and SuspendedScheduled are what its owner suspended before.
	SuspendedIn, SuspendedOut, SuspendedScheduled bool
	// Demand is the count that its target tracking policy asks for as long as the account lasts: the
	// alarm is in breach whenever the desired count is another. Zero means that no alarm is ever.
	Demand    int
	Scheduled []ScalingSchedule
}

// ScalingSchedule is a scheduled action that falls due once. A negative size is not changed by it.
type ScalingSchedule struct {
	In       time.Duration // from when the target is added
	Min, Max int
}

// aasState is Application Auto Scaling in one region.
type aasState struct{ targets map[string]*scalableTarget } // by resource id

func newAASState() *aasState { return &aasState{targets: map[string]*scalableTarget{}} }

type scalableTarget struct {
	ScalableTarget
	id, arn string
	created time.Time
	added   time.Time // to the simulation; its schedule counts from here
	looks   int
}

// AddScalableTarget puts a scalable target into a region of the account. Its service must be there.
func (a *Account) AddScalableTarget(region string, spec ScalableTarget) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		t := a.newTarget(r, "service/"+spec.Cluster+"/"+spec.Service, now)
		if r.ecs.service(t.id) == nil || r.aas.targets[t.id] != nil {
			panic(fmt.Sprintf("awssim: %s in %s is no service, or has a scalable target", t.id, region))
		}
		t.ScalableTarget = spec
		t.created = now.Add(-100 * 24 * time.Hour)
		r.aas.targets[t.id] = t
		for _, s := range spec.Scheduled {
			a.at(now.Add(s.In), "aas/"+t.arn, func(now time.Time) { a.runScalingSchedule(r, t, s, now) })
		}
		a.weigh(r, r.ecs.service(t.id), now)
	})
}

func (a *Account) newTarget(r *region, id string, now time.Time) *scalableTarget {
	return &scalableTarget{
		id: id, created: now, added: now,
		arn: fmt.Sprintf("arn:aws:application-autoscaling:%s:%s:scalable-target/%016x", r.name, a.id, hash(a.seed, r.name, id)),
	}
}

// service is the service that a resource id "service/cluster/name" names, nil if there is none.
func (s *ecsState) service(id string) *ecsService {
	parts := strings.Split(id, "/")
	if len(parts) != 3 || parts[0] != "service" || s.clusters[parts[1]] == nil {
		return nil
	}
	return s.clusters[parts[1]].services[parts[2]]
}

// weigh lets the alarm of a service's scalable target, if it has one, be followed some time later.
func (a *Account) weigh(r *region, s *ecsService, now time.Time) {
	t := r.aas.targets["service/"+s.cluster.Name+"/"+s.Name]
	if t == nil || t.Demand == 0 || t.Demand == s.Desired {
		return
	}
	t.looks++
	looks := t.looks
	a.at(now.Add(a.vary(fmt.Sprint("weigh ", t.arn, looks), minScaling, maxScaling)), "aas/"+t.arn, func(now time.Time) {
		if t.looks == looks && r.aas.targets[t.id] == t {
			a.scale(r, t, now)
		}
	})
}

// scale follows the alarm of a target unless that direction is suspended. It scales out from zero
// too: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html
func (a *Account) scale(r *region, t *scalableTarget, now time.Time) {
	s := r.ecs.service(t.id)
	want := min(max(t.Demand, t.Min), t.Max)
	if want > s.Desired && !t.SuspendedOut || want < s.Desired && !t.SuspendedIn {
		a.setDesired(r, s, want, now)
	}
}

// clamp brings the desired count between the bounds, whatever is suspended.
func (a *Account) clamp(r *region, t *scalableTarget, now time.Time) {
	if s := r.ecs.service(t.id); s.Desired < t.Min || s.Desired > t.Max {
		a.setDesired(r, s, min(max(s.Desired, t.Min), t.Max), now)
	}
}

// runScalingSchedule is a scheduled action that falls due. It is not made up for when it was
// suspended: https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html
func (a *Account) runScalingSchedule(r *region, t *scalableTarget, s ScalingSchedule, now time.Time) {
	if t.SuspendedScheduled || r.aas.targets[t.id] != t {
		return
	}
	if s.Min >= 0 {
		t.Min = s.Min
	}
	if s.Max >= 0 {
		t.Max = s.Max
	}
	a.clamp(r, t, now)
}

// describe adds the scalable targets of the region.
func (s *aasState) describe(region string, into State) {
	for id, t := range s.targets {
		into[resourceName(region, "application-autoscaling:target", id)] = map[string]string{
			"ScalableTargetARN": t.arn, "MinCapacity": fmt.Sprint(t.Min), "MaxCapacity": fmt.Sprint(t.Max),
			"DynamicScalingInSuspended": fmt.Sprint(t.SuspendedIn), "DynamicScalingOutSuspended": fmt.Sprint(t.SuspendedOut),
			"ScheduledScalingSuspended": fmt.Sprint(t.SuspendedScheduled),
		}
	}
}
