package awssim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Instance is an EC2 instance as a test or a fleet wants it. Zero fields get what an ordinary
// instance has.
type Instance struct {
	ID         string // default a seeded one
	Type       string // default m5.large
	State      string // AWS's word; default running
	Zone       string // default the region's "a"
	Tags       map[string]string
	LaunchedAt time.Time // default 30 days ago
	RootDevice string    // ebs (default) or instance-store
	Lifecycle  string    // "", spot, scheduled, capacity-block, interruptible-capacity-reservation
	Spot       Spot      // of Lifecycle spot
	PublicIP   bool      // gets an auto-assigned public IPv4, a new one at each start
	ElasticIP  string    // keeps this public IPv4
	HostID     string    // dedicated host
	Dedicated  bool      // tenancy dedicated: hardware of its own, but no host
	Platform   string    // PlatformDetails; default Linux/UNIX
	Operation  string    // UsageOperation, as which it is billed; default RunInstances
	Hibernates bool      // enabled for hibernation at launch

	Operator string // principal of the AWS service that manages it; the user may not stop it
	Hidden   bool   // left out of listings without IncludeManagedResources

	StopProtected bool // disableApiStop
	Impaired      bool // its status checks fail while it runs
	// StartsFail makes it fall back from pending to stopped, as when the caller may not use the
	// KMS key of a volume: https://repost.aws/knowledge-center/kms-iam-ec2-permission
	StartsFail bool
	NoCapacity int // so many calls that would start it meet InsufficientInstanceCapacity
}

// Spot is the request behind a Spot instance.
type Spot struct {
	Persistent bool
	// InFleet says that it belongs to a fleet, launch group or zone group: not stoppable.
	InFleet bool
	// State of the request: active (default; disabled once a user stopped the instance), open,
	// cancelled, closed.
	State string
	// ByEC2 says that EC2 stopped the instance for price or capacity: only EC2 starts it again.
	ByEC2 bool
}

// instance is an EC2 instance of the account.
type instance struct {
	Instance
	region    string
	number    int
	privateIP string
	truth     status
	shown     *status   // what reads show; nil while reads do not know the instance
	shownAt   time.Time // when the latest truth becomes visible
	cycles    int       // stops and starts so far
	spot      *spotRequest
}

// status is what changes in an instance's life.
type status struct {
	state      string
	launched   time.Time
	publicIP   string
	reason     string // StateReason's code
	transition string // StateTransitionReason
	checkedAt  time.Time
}

// spotRequest is a Spot instance request.
type spotRequest struct {
	id, instance  string
	number        int // its place in listings
	persistent    bool
	state, status string
	created       time.Time
	updated       time.Time
}

func (r *spotRequest) kind() string {
	if r.persistent {
		return "persistent"
	}
	return "one-time"
}

// The states of an instance:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
const (
	pending      = "pending"
	running      = "running"
	stopping     = "stopping"
	stopped      = "stopped"
	shuttingDown = "shutting-down"
	terminated   = "terminated"
)

var stateCodes = map[string]int32{pending: 0, running: 16, shuttingDown: 32, terminated: 48, stopping: 64, stopped: 80}

// AddInstance puts an instance into an enabled region, as if it had been there for long, and returns
// its id.
func (a *Account) AddInstance(region string, i Instance) (id string) {
	a.look(func(now time.Time) {
		if i.LaunchedAt.IsZero() {
			i.LaunchedAt = now.Add(-30 * 24 * time.Hour)
		}
		added := a.newInstance(a.mustRegion(region), i, now)
		shown := added.truth
		added.shown = &shown
		id = added.ID
	})
	return id
}

// newInstance makes an instance that reads do not show yet.
func (a *Account) newInstance(r *region, spec Instance, now time.Time) *instance {
	s := r.ec2
	i := &instance{Instance: spec, region: r.name, number: s.launched}
	s.launched++
	x := hash(a.seed, "instance", r.name, strconv.Itoa(i.number))
	i.ID = cmp.Or(i.ID, fmt.Sprintf("i-0%016x", x))
	i.Type = cmp.Or(i.Type, "m5.large")
	i.State = cmp.Or(i.State, running)
	i.Zone = cmp.Or(i.Zone, r.name+"a")
	i.RootDevice = cmp.Or(i.RootDevice, "ebs")
	i.Platform = cmp.Or(i.Platform, "Linux/UNIX")
	i.Operation = cmp.Or(i.Operation, "RunInstances")
	if s.byID[i.ID] != nil {
		panic("awssim: instance " + i.ID + " exists already in " + r.name)
	}
	i.privateIP = fmt.Sprintf("10.%d.%d.%d", i.number>>16&255, i.number>>8&255, i.number&255)
	i.truth = status{state: i.State, launched: i.LaunchedAt, checkedAt: i.LaunchedAt}
	switch i.State {
	case running, pending:
		i.truth.publicIP = a.publicIP(i)
	case stopped:
		i.truth.reason, i.truth.transition = userStop, userInitiated(now.Add(-24*time.Hour))
	}
	if i.Lifecycle == "spot" {
		i.spot = newSpotRequest(i, x, now)
		s.spots = append(s.spots, i.spot)
	}
	s.instances = append(s.instances, i)
	s.byID[i.ID] = i
	return i
}

func newSpotRequest(i *instance, x uint64, now time.Time) *spotRequest {
	r := &spotRequest{
		id: fmt.Sprintf("sir-%08x", uint32(x)), instance: i.ID, number: i.number, persistent: i.Spot.Persistent, state: i.Spot.State, status: "fulfilled",
		created: i.LaunchedAt, updated: now,
	}
	switch {
	case i.Spot.ByEC2:
		r.state, r.status = "open", "instance-stopped-no-capacity"
	case r.state == "" && i.State == stopped:
		r.state, r.status = "disabled", "instance-stopped-by-user"
	case r.state == "":
		r.state = "active"
	}
	return r
}

// launch makes an instance as RunInstances or a group does: pending, then running; reads learn of
// it a little later.
func (a *Account) launch(r *region, spec Instance, now time.Time) *instance {
	spec.State, spec.LaunchedAt = pending, now
	i := a.newInstance(r, spec, now)
	a.show(i, now)
	a.boot(i, now)
	return i
}

// Terminate ends an instance as a person would in the console.
func (a *Account) Terminate(region, id string) {
	a.look(func(now time.Time) { a.terminate(a.mustRegion(region), id, now) })
}

// terminate shuts an instance down for good. What is terminated is described for an hour and then
// unknown.
func (a *Account) terminate(r *region, id string, now time.Time) {
	i := r.ec2.byID[id]
	if i == nil || i.truth.state == terminated || i.truth.state == shuttingDown {
		return
	}
	i.cycles++
	i.truth.state, i.truth.reason, i.truth.transition = shuttingDown, userStop, userInitiated(now)
	if i.spot != nil {
		i.spot.state, i.spot.status, i.spot.updated = "closed", "instance-terminated-by-user", now
	}
	a.show(i, now)
	a.later(i, now, minStopping, maxStopping, func(now time.Time) {
		i.truth.state, i.truth.publicIP = terminated, ""
		a.show(i, now)
		a.at(now.Add(afterlife), "forget "+id, func(time.Time) {
			delete(r.ec2.byID, id)
			r.ec2.instances = slices.DeleteFunc(r.ec2.instances, func(other *instance) bool { return other == i })
		})
	})
}

// EditInstance lets a test change what it said of an instance: tags, protection, type, what its
// starts will meet. It reports whether the instance exists. State, Zone and network do not follow.
func (a *Account) EditInstance(region, id string, edit func(*Instance)) (exists bool) {
	a.look(func(time.Time) {
		if i := a.mustRegion(region).ec2.byID[id]; i != nil {
			edit(&i.Instance)
			exists = true
		}
	})
	return exists
}

// SetImpaired makes the status checks of an instance fail, or pass again.
func (a *Account) SetImpaired(region, id string, impaired bool) {
	a.EditInstance(region, id, func(i *Instance) { i.Impaired = impaired })
}

// InstanceState is an instance's true state, "" if it does not exist. Reads may lag behind it.
func (a *Account) InstanceState(region, id string) (state string) {
	a.look(func(time.Time) {
		if i := a.mustRegion(region).ec2.byID[id]; i != nil {
			state = i.truth.state
		}
	})
	return state
}

// show makes reads follow the truth after a lag of their own.
func (a *Account) show(i *instance, now time.Time) {
	truth := i.truth
	visible := now.Add(a.vary(fmt.Sprint("lag ", i.ID, i.cycles, truth.state), 0, a.readLag))
	if visible.Before(i.shownAt) {
		visible = i.shownAt // never show an older truth after a newer one
	}
	i.shownAt = visible
	a.at(visible, "show "+i.ID, func(time.Time) { i.shown = &truth })
	a.changedInstance(i, now)
	a.follow(i, now)
}

// later schedules the end of a passing state, unless something else happens to the instance first.
func (a *Account) later(i *instance, now time.Time, min, max time.Duration, do func(time.Time)) {
	cycle, state := i.cycles, i.truth.state
	took := a.vary(fmt.Sprint(state, " ", i.ID, " ", cycle), min, max)
	a.at(now.Add(took), "instance "+i.ID, func(now time.Time) {
		if i.cycles == cycle && i.truth.state == state {
			do(now)
		}
	})
}

// The codes of StateReason:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
const (
	userStop      = "Client.UserInitiatedShutdown"
	internalError = "Client.InternalError"
)

var reasonMessages = map[string]string{
	userStop:      "Client.UserInitiatedShutdown: User initiated shutdown",
	internalError: "Client.InternalError: Client error on launch",
}

func userInitiated(now time.Time) string {
	return "User initiated (" + now.UTC().Format("2006-01-02 15:04:05") + " GMT)"
}

// stop takes a running instance to stopping and in time to stopped. What changes is what
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html names.
func (a *Account) stop(i *instance, now time.Time) {
	i.cycles++
	i.truth.state, i.truth.reason, i.truth.transition = stopping, userStop, userInitiated(now)
	if i.spot != nil {
		i.spot.state, i.spot.status, i.spot.updated = "disabled", "instance-stopped-by-user", now
	}
	a.show(i, now)
	a.later(i, now, minStopping, maxStopping, func(now time.Time) {
		i.truth.state, i.truth.publicIP = stopped, ""
		a.show(i, now)
	})
}

// start takes a stopped instance to pending and in time to running.
func (a *Account) start(i *instance, now time.Time) {
	i.cycles++
	i.truth = status{state: pending, launched: now, publicIP: a.publicIP(i)}
	if i.spot != nil {
		i.spot.state, i.spot.status, i.spot.updated = "active", "fulfilled", now
	}
	a.show(i, now)
	a.boot(i, now)
}

// boot ends pending: in running, or back in stopped.
func (a *Account) boot(i *instance, now time.Time) {
	a.later(i, now, minPending, maxPending, func(now time.Time) {
		if i.StartsFail {
			i.truth.state, i.truth.reason, i.truth.transition, i.truth.publicIP = stopped, internalError, reasonMessages[internalError], ""
		} else {
			i.truth.state = running
			i.truth.checkedAt = now.Add(a.vary(fmt.Sprint("checks ", i.ID, " ", i.cycles), minChecks, maxChecks))
		}
		a.show(i, now)
	})
}

// publicIP is the public IPv4 of a running instance: its elastic one, or a new one at each start.
func (a *Account) publicIP(i *instance) string {
	switch {
	case i.ElasticIP != "":
		return i.ElasticIP
	case !i.PublicIP:
		return ""
	}
	x := hash(a.seed, "public", i.ID, strconv.Itoa(i.cycles))
	return fmt.Sprintf("3.%d.%d.%d", x>>16&255, x>>8&255, x&255)
}

// place is where it stands in listings.
func (i *instance) place() int { return i.number }

func (i *instance) interfaceID() string { return "eni-" + i.ID[len("i-"):] }
