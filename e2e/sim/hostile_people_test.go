package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// deed is something that is done to one resource by somebody who is not the brake.
type deed struct {
	what string
	kind killswitch.Kind
	// passes says that it is trouble of AWS's making, which ends by itself or when faults end: it
	// excuses nothing.
	passes bool
	do     func(h *hostile, region, id string)
}

// person is somebody with the AWS CLI. What AWS answers is their own affair.
func (h *hostile) person(region string) aws.Config {
	cfg := h.account.Process("somebody").Config()
	cfg.Region = region
	return cfg
}

var nobody = context.Background()

// deeds are all there are, by kind.
var deeds = slices.Concat(instanceDeeds, groupDeeds, databaseDeeds, serviceDeeds, []deed{
	{what: "protect", do: func(*hostile, string, string) {}}, // of any kind: see perform
})

var instanceDeeds = []deed{
	{"stop", killswitch.EC2Instance, false, func(h *hostile, region, id string) {
		_, _ = ec2.NewFromConfig(h.person(region)).StopInstances(nobody, &ec2.StopInstancesInput{InstanceIds: []string{id}})
	}},
	{"start", killswitch.EC2Instance, false, func(h *hostile, region, id string) {
		_, _ = ec2.NewFromConfig(h.person(region)).StartInstances(nobody, &ec2.StartInstancesInput{InstanceIds: []string{id}})
	}},
	{"terminate", killswitch.EC2Instance, false, func(h *hostile, region, id string) { h.account.Terminate(region, id) }},
	{"no room", killswitch.EC2Instance, true, func(h *hostile, region, id string) {
		h.account.EditInstance(region, id, func(i *awssim.Instance) { i.NoCapacity = 3 })
	}},
	{"key disabled", killswitch.EC2Instance, true, func(h *hostile, region, id string) {
		h.account.EditInstance(region, id, func(i *awssim.Instance) { i.StartsFail = true })
		h.mend(func() { h.account.EditInstance(region, id, func(i *awssim.Instance) { i.StartsFail = false }) })
	}},
	{"impair", killswitch.EC2Instance, true, func(h *hostile, region, id string) {
		h.account.EditInstance(region, id, func(i *awssim.Instance) { i.Impaired = !i.Impaired })
		h.mend(func() { h.account.SetImpaired(region, id, false) })
	}},
	{"stop protection", killswitch.EC2Instance, true, func(h *hostile, region, id string) {
		was := h.first[region+" ec2:instance "+id]["DisableApiStop"] == "true"
		h.account.EditInstance(region, id, func(i *awssim.Instance) { i.StopProtected = !i.StopProtected })
		h.mend(func() { h.account.EditInstance(region, id, func(i *awssim.Instance) { i.StopProtected = was }) })
	}},
}

var groupDeeds = []deed{
	{"resume processes", killswitch.AutoScalingGroup, false, func(h *hostile, region, id string) {
		_, _ = autoscaling.NewFromConfig(h.person(region)).ResumeProcesses(nobody, &autoscaling.ResumeProcessesInput{AutoScalingGroupName: &id})
	}},
	{"suspend processes", killswitch.AutoScalingGroup, false, func(h *hostile, region, id string) {
		_, _ = autoscaling.NewFromConfig(h.person(region)).SuspendProcesses(nobody, &autoscaling.SuspendProcessesInput{
			AutoScalingGroupName: &id, ScalingProcesses: []string{"AZRebalance", "Terminate"},
		})
	}},
	{"resize", killswitch.AutoScalingGroup, false, func(h *hostile, region, id string) {
		_, _ = autoscaling.NewFromConfig(h.person(region)).UpdateAutoScalingGroup(nobody, &autoscaling.UpdateAutoScalingGroupInput{
			AutoScalingGroupName: &id, MinSize: aws.Int32(0), MaxSize: aws.Int32(9), DesiredCapacity: aws.Int32(3),
		})
	}},
	{"delete", killswitch.AutoScalingGroup, false, func(h *hostile, region, id string) { h.account.DeleteGroup(region, id) }},
}

var databaseDeeds = func() []deed {
	both := func(what string, passes bool, do func(h *hostile, region, id string)) []deed {
		return []deed{{what, killswitch.RDSInstance, passes, do}, {what, killswitch.RDSCluster, passes, do}}
	}
	return slices.Concat(
		both("stop", false, func(h *hostile, region, id string) {
			client := rds.NewFromConfig(h.person(region))
			_, _ = client.StopDBInstance(nobody, &rds.StopDBInstanceInput{DBInstanceIdentifier: &id})
			_, _ = client.StopDBCluster(nobody, &rds.StopDBClusterInput{DBClusterIdentifier: &id})
		}),
		both("start", false, func(h *hostile, region, id string) {
			client := rds.NewFromConfig(h.person(region))
			_, _ = client.StartDBInstance(nobody, &rds.StartDBInstanceInput{DBInstanceIdentifier: &id})
			_, _ = client.StartDBCluster(nobody, &rds.StartDBClusterInput{DBClusterIdentifier: &id})
		}),
		both("delete", false, func(h *hostile, region, id string) { h.account.DeleteDatabase(region, id) }),
		both("break", false, func(h *hostile, region, id string) {
			h.account.SetDatabaseStatus(region, id, "storage-full")
			h.mend(func() { h.account.SetDatabaseStatus(region, id, "available") })
		}),
		both("wake", true, func(h *hostile, region, id string) { h.account.WakeDatabase(region, id) }),
		both("back up", true, func(h *hostile, region, id string) {
			if fields := h.account.State()[region+" rds:cluster "+id]; fields["Status"] == "available" || h.available(region, id) {
				h.account.BusyDatabase(region, id, "backing-up", 7*time.Minute)
			}
		}),
		both("no room", true, func(h *hostile, region, id string) {
			h.account.EditDatabase(region, id, func(life *awssim.DBLife) {
				life.StartRefused, life.StartRefusals = "InsufficientDBInstanceCapacity", 3
			})
		}),
	)
}()

func (h *hostile) available(region, id string) bool {
	return h.account.State()[region+" rds:instance "+id]["Status"] == "available"
}

var serviceDeeds = []deed{
	{"count", killswitch.ECSService, false, func(h *hostile, region, id string) {
		cluster, service, _ := strings.Cut(id, "/")
		if strings.HasPrefix(service, "express") {
			return // AWS does not say what that does
		}
		h.done++
		_, _ = ecs.NewFromConfig(h.person(region)).UpdateService(nobody, &ecs.UpdateServiceInput{
			Cluster: &cluster, Service: &service, DesiredCount: aws.Int32(int32(h.done % 3)),
		})
	}},
	{"delete", killswitch.ECSService, false, func(h *hostile, region, id string) {
		cluster, service, _ := strings.Cut(id, "/")
		h.account.DeleteECSService(region, cluster, service)
	}},
}

// act is a deed that was drawn, and on what.
type act struct {
	deed  deed
	name  string
	after time.Duration
}

func (a act) String() string { return fmt.Sprintf("%s %s after %s", a.deed.what, a.name, a.after) }

// drawAct draws a deed for a resource that is there now, or that was deleted: that is created again.
func (h *hostile) drawAct(rt *rapid.T) act {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(h.account.State())), func(name string) bool {
		_, kind, _ := parts(name)
		member := kind == string(killswitch.RDSInstance) && h.families[name] != ""
		return member || kindOfWord(kind) == "" // what AWS does to a cluster it does to its members
	})
	if len(names) == 0 {
		rt.Skip("nothing is left")
	}
	a := act{name: rapid.SampledFrom(names).Draw(rt, "resource")}
	_, kind, _ := parts(a.name)
	fitting := slices.DeleteFunc(slices.Clone(deeds), func(d deed) bool { return d.kind != "" && string(d.kind) != kind })
	var whats []string
	for _, d := range fitting {
		whats = append(whats, d.what)
	}
	a.deed = fitting[slices.Index(whats, rapid.SampledFrom(whats).Draw(rt, "deed"))]
	// An odd nanosecond: nothing else happens at that very instant.
	a.after = time.Duration(rapid.IntRange(0, 300).Draw(rt, "after"))*time.Second + 333_333_333
	return a
}

func kindOfWord(kind string) killswitch.Kind {
	for _, known := range []killswitch.Kind{
		killswitch.EC2Instance, killswitch.AutoScalingGroup, killswitch.RDSInstance, killswitch.RDSCluster, killswitch.ECSService,
	} {
		if string(known) == kind {
			return known
		}
	}
	return ""
}

// perform does a deed and remembers whom it excuses.
func (h *hostile) perform(a act) {
	region, kind, id := parts(a.name)
	h.look()
	if a.deed.what == "protect" {
		h.account.SetTag(region, kind, id, settings.ProtectTag, "true")
	}
	a.deed.do(h, region, id)
	if a.deed.what == "delete" || a.deed.what == "terminate" {
		h.deleted = append(h.deleted, a.name)
	}
	// What AWS wakes that was stopped before is none of the brake's, nor what a group replaces.
	h.disturb(a.name, !a.deed.passes || a.deed.what == "wake" && h.first[a.name]["Status"] == "stopped" ||
		a.deed.what == "impair" && h.families[a.name] != "")
	h.look()
}

// disturb notes that something happened to a resource and whatever hangs together with it, and
// whether that excuses the brake from bringing it back exactly.
func (h *hostile) disturb(name string, excuses bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	family := h.families.of(name)
	h.disturbed[family] = time.Now()
	if excuses {
		h.excused[family] = true
	}
}

// mend notes what ends when faults end.
func (h *hostile) mend(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mending = append(h.mending, do)
}

// recreate puts another resource under the name of one that was deleted, if that has gone.
func (h *hostile) recreate(name string) bool {
	region, kind, id := parts(name)
	if fields := h.account.State()[name]; fields != nil && fields["Status"] != "INACTIVE" {
		return false
	}
	h.done++
	again := id + "-again-" + strconv.Itoa(h.done)
	switch kindOfWord(kind) {
	case killswitch.RDSInstance:
		h.account.AddDBInstance(region, awssim.DBInstance{ID: id})
	case killswitch.RDSCluster:
		h.account.AddDBCluster(region, awssim.DBCluster{ID: id, Members: []awssim.DBMember{{ID: again}}})
	case killswitch.ECSService:
		cluster, service, _ := strings.Cut(id, "/")
		h.account.AddECSService(region, awssim.ECSService{Cluster: cluster, Name: service, Desired: 2})
	case killswitch.AutoScalingGroup:
		h.account.AddGroup(region, awssim.Group{Name: id, Min: 1, Max: 3, Desired: 2})
	default:
		return false
	}
	for _, o := range h.orders {
		delete(o.protected, name) // that was another
	}
	h.disturb(name, true)
	return true
}
