package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// How groups behave in time. AWS publishes none of these; assumed from what operators report.
const (
	// A suspension is shown at once and takes effect later: instances stopped right after it were
	// still found unhealthy, https://github.com/cloud-custodian/cloud-custodian/issues/8660.
	minSuspending = time.Second
	maxSuspending = 40 * time.Second
	// From a change of an instance to the group's look at it.
	minGroupLook = time.Second
	maxGroupLook = 25 * time.Second
	// The scale-in alarm of a capacity provider's target tracking policy has fifteen periods of a
	// minute: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html
	idleAlarm = 15 * time.Minute
	// What has just entered service is not checked beyond running:
	// https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html
	gracePeriod = 300 * time.Second
)

// The processes of a group:
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
const (
	launchProcess    = "Launch"
	terminateProcess = "Terminate"
	healthCheck      = "HealthCheck"
	replaceUnhealthy = "ReplaceUnhealthy"
	alarmProcess     = "AlarmNotification"
	scheduledActions = "ScheduledActions"
)

var groupProcesses = []string{
	"AZRebalance", "AddToLoadBalancer", alarmProcess, healthCheck, "InstanceRefresh", launchProcess, replaceUnhealthy,
	scheduledActions, terminateProcess,
}

// The lifecycle states the account uses:
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
const (
	lifecyclePending     = string(types.LifecycleStatePending)
	inService            = string(types.LifecycleStateInService)
	standby              = string(types.LifecycleStateStandby)
	lifecycleTerminating = string(types.LifecycleStateTerminating)
	warmedPending        = string(types.LifecycleStateWarmedPending)
	warmedRunning        = string(types.LifecycleStateWarmedRunning)
	warmedStopped        = string(types.LifecycleStateWarmedStopped)
	warmedTerminating    = string(types.LifecycleStateWarmedTerminating)

	healthy   = "Healthy"
	unhealthy = "Unhealthy"
)

// Group is an Auto Scaling group to be put into an account.
type Group struct {
	Name              string
	Min, Max, Desired int // Desired is 0 for "as many as there are members in service"
	// Template is what the group launches. Members are made of it too; their zones vary.
	Template Instance
	// Members are those it has; default Desired ordinary ones.
	Members []Member
	Tags    map[string]string
	// Suspended are processes that its owner suspended before.
	Suspended []string
	// WarmState is the state of the warm pool, "Stopped" or "Running", and Warm its size.
	WarmState string
	Warm      int
	// SpotPercentage above zero makes it a group with a mixed instances policy. Which members are
	// Spot instances, Members say.
	SpotPercentage int
	// TargetsAfter makes the group use its load balancer's health checks: a member that has started
	// is unhealthy to them for so long.
	TargetsAfter time.Duration
	// ProtectNew protects what it launches from scale-in.
	ProtectNew bool
	Operator   string // principal of the AWS service that manages it
	Deleting   bool
	// Cluster is the ECS cluster in which its members are container instances, and ManagedScaling
	// says whether the capacity provider between them, which has the group's name, scales the group.
	Cluster        string
	ManagedScaling bool
	Scheduled      []GroupSchedule
	// Interchangeable says that its owner does not care which instances it has: State names the
	// members by number, so that new ones in their place are no difference.
	Interchangeable bool
}

// Member is an instance of a group.
type Member struct {
	Instance  *Instance // default the group's template
	Unhealthy bool      // the group's mark
	Standby   bool
	Protected bool // from scale-in
}

// GroupSchedule is a scheduled action that falls due once. A negative size is not changed by it.
type GroupSchedule struct {
	In                time.Duration // from when the group is added
	Min, Max, Desired int
}

// asgState is EC2 Auto Scaling in one region.
type asgState struct {
	groups  map[string]*group
	members map[string]*member // by instance id
}

func newASGState() *asgState {
	return &asgState{groups: map[string]*group{}, members: map[string]*member{}}
}

// group is an Auto Scaling group of the account.
type group struct {
	Group
	key, arn   string
	created    time.Time
	suspended  map[string]suspension
	members    []*member // in the order they joined, the warm pool among them
	gone       []*member // which the group has terminated
	launches   int
	changes    int // suspensions and looks so far, for keys
	lookAt     time.Time
	idleSince  time.Time // since when the capacity provider has hosts without tasks
	activities []string
}

// suspension is a suspended process. It has no effect before its time.
type suspension struct {
	reason string
	from   time.Time
}

type member struct {
	*instance
	group     *group
	lifecycle string
	health    string
	protected bool
	since     time.Time // in service
}

// AddGroup puts a group and its members into a region of the account and returns the members' ids,
// those of the warm pool last. It panics when there is one of that name.
func (a *Account) AddGroup(region string, spec Group) (ids []string) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		if r.asg.groups[spec.Name] != nil {
			panic(fmt.Sprintf("awssim: group %s exists in %s", spec.Name, region))
		}
		key := "asg/" + r.name + "/" + spec.Name
		n := a.incarnation(key)
		g := &group{
			Group: spec, key: key, created: created(n, 300*24*time.Hour, now), suspended: map[string]suspension{},
			arn: fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:%016x:autoScalingGroupName/%s",
				r.name, a.id, hash(a.seed, incarnated(spec.Name, n)...), spec.Name),
		}
		r.asg.groups[spec.Name] = g
		for _, process := range spec.Suspended {
			g.suspended[process] = suspension{"User suspended at " + g.created.UTC().Format(time.RFC3339), g.created}
		}
		ids = a.addMembers(r, g, now)
		for _, s := range spec.Scheduled {
			a.at(now.Add(s.In), g.key, func(now time.Time) { a.runSchedule(r, g, s, now) })
		}
		a.lookSoon(r, g, now)
	})
	return ids
}

// addMembers puts the members of a new group into EC2, as if they had been there for long.
func (a *Account) addMembers(r *region, g *group, now time.Time) (ids []string) {
	specs := g.Members
	if specs == nil {
		specs = make([]Member, g.Desired)
	}
	for _, spec := range specs {
		m := a.addMember(r, g, spec.Instance, now)
		m.protected = spec.Protected
		if spec.Unhealthy {
			m.health = unhealthy
		}
		if spec.Standby {
			m.lifecycle = standby
		}
		ids = append(ids, m.ID)
	}
	if g.Desired == 0 {
		g.Desired = g.count()
	}
	for range g.Warm {
		template := g.Template
		template.State = strings.ToLower(g.WarmState)
		m := a.addMember(r, g, &template, now)
		m.lifecycle = warmedRunning
		if template.State == stopped {
			m.lifecycle = warmedStopped
		}
		ids = append(ids, m.ID)
	}
	return ids
}

func (a *Account) addMember(r *region, g *group, spec *Instance, now time.Time) *member {
	made := g.next(r)
	if spec != nil {
		own := *spec
		own.Tags, own.Zone = maps.Clone(spec.Tags), cmp.Or(spec.Zone, made.Zone)
		if own.Tags == nil {
			own.Tags = map[string]string{}
		}
		own.Tags[groupTag] = g.Name
		made = own
	}
	if made.LaunchedAt.IsZero() {
		made.LaunchedAt = now.Add(-30 * 24 * time.Hour)
	}
	i := a.newInstance(r, made, now)
	shown := i.truth
	i.shown = &shown
	return a.join(r, g, i, inService, now)
}

// groupTag is on every instance of a group:
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html
const groupTag = "aws:autoscaling:groupName"

// next is the next instance of the template.
func (g *group) next(r *region) Instance {
	spec := g.Template
	spec.ID = ""
	spec.Tags = maps.Clone(spec.Tags)
	if spec.Tags == nil {
		spec.Tags = map[string]string{}
	}
	spec.Tags[groupTag] = g.Name
	if spec.Zone == "" {
		spec.Zone = r.name + string("abc"[g.launches%3])
	}
	g.launches++
	return spec
}

func (a *Account) join(r *region, g *group, i *instance, lifecycle string, now time.Time) *member {
	m := &member{instance: i, group: g, lifecycle: lifecycle, health: healthy, protected: g.ProtectNew}
	g.members = append(g.members, m)
	r.asg.members[i.ID] = m
	a.changedGroup(r, g, now)
	if g.Cluster != "" && !m.warm() {
		a.registerHost(r, g.Cluster, i, now)
	}
	return m
}

func (m *member) warm() bool { return strings.HasPrefix(m.lifecycle, "Warmed:") }

// count is how many members count towards the desired capacity.
func (g *group) count() (n int) {
	for _, m := range g.members {
		if m.lifecycle == inService || m.lifecycle == lifecyclePending {
			n++
		}
	}
	return n
}

// active says whether a process of the group does its work at the time.
func (g *group) active(process string, now time.Time) bool {
	s, suspended := g.suspended[process]
	return !suspended || now.Before(s.from)
}

// GroupActivities is what a group has done to its instances, oldest first, each on one line.
func (a *Account) GroupActivities(region, name string) (lines []string) {
	a.look(func(time.Time) {
		if g := a.mustRegion(region).asg.groups[name]; g != nil {
			lines = slices.Clone(g.activities)
		}
	})
	return lines
}

func (g *group) did(now time.Time, format string, args ...any) {
	g.activities = append(g.activities, now.UTC().Format(time.RFC3339)+" "+fmt.Sprintf(format, args...))
}

// describe adds the groups of the region, each with its processes and members.
func (s *asgState) describe(region string, into State) {
	for name, g := range s.groups {
		fields := map[string]string{
			"AutoScalingGroupARN": g.arn, "MinSize": fmt.Sprint(g.Min), "MaxSize": fmt.Sprint(g.Max), "DesiredCapacity": fmt.Sprint(g.Desired),
		}
		for process, s := range g.suspended {
			fields["SuspendedProcesses."+process] = s.reason
		}
		for key, value := range g.Tags {
			fields["Tags."+key] = value
		}
		for _, m := range g.members {
			fields["Instances."+m.ID] = m.summary()
		}
		if g.Interchangeable {
			g.describeByNumber(region, fields, into)
		}
		into[resourceName(region, "autoscaling:group", name)] = fields
	}
}

func (m *member) summary() string {
	return fmt.Sprintf("%s %s protected=%v", m.lifecycle, m.health, m.protected)
}

// describeByNumber takes the identity out of what describes the members of the group.
func (g *group) describeByNumber(region string, fields map[string]string, into State) {
	var members []string
	for _, m := range slices.Concat(g.members, g.gone) {
		delete(fields, "Instances."+m.ID)
		delete(into, resourceName(region, "ec2:instance", m.ID))
		if m.spot != nil {
			delete(into, resourceName(region, "ec2:spot-request", m.spot.id))
		}
	}
	for _, m := range g.members {
		if m.lifecycle != lifecycleTerminating {
			members = append(members, fmt.Sprintf("%s %s %s", m.summary(), m.truth.state, m.Type))
		}
	}
	slices.Sort(members)
	for i, m := range members {
		fields[fmt.Sprint("Instances.", i+1)] = m
	}
}
