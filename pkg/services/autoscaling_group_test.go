package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// usual are the settings of a group test.
var usual = settings.Settings{Settle: settings.Duration(time.Minute)}

// TestDiscoverGroups: every awkward group of an account is judged for what it is.
func TestDiscoverGroups(t *testing.T) {
	spot := []awssim.Member{{}, {Instance: &awssim.Instance{Lifecycle: "spot"}}}
	zero := map[string]string{settings.PauseTag: settings.PauseByScaling}
	local := awssim.Instance{Type: "m5d.large"}
	for name, row := range map[string]struct {
		group    awssim.Group
		settings settings.Settings
		inactive bool
		verdict  string // a part of it
		strategy string
	}{
		"an ordinary group":                    {group: awssim.Group{Desired: 2}, strategy: "stop-members"},
		"a group without members":              {group: awssim.Group{Members: []awssim.Member{}}, inactive: true},
		"a group whose members are stopped":    {group: awssim.Group{Members: []awssim.Member{{Instance: &awssim.Instance{State: "stopped"}}}}, inactive: true},
		"a group that may not scale by itself": {group: awssim.Group{Desired: 2, Suspended: []string{"AZRebalance", "Launch"}}, strategy: "stop-members"},
		"a group with Spot members":            {group: awssim.Group{Members: spot}, verdict: "is Spot"},
		"Spot members, tagged":                 {group: awssim.Group{Members: spot, Tags: zero}, strategy: "scale-to-zero"},
		"Spot members, by setting":             {group: awssim.Group{Members: spot}, settings: settings.Settings{ScaleToZero: settings.ScaleUnpausable}, strategy: "scale-to-zero"},
		"an ordinary group with that setting":  {group: awssim.Group{Desired: 1}, settings: settings.Settings{ScaleToZero: settings.ScaleUnpausable}, strategy: "stop-members"},
		"an ordinary group, tagged":            {group: awssim.Group{Desired: 1, Tags: zero}, strategy: "scale-to-zero"},
		"local disks":                          {group: awssim.Group{Desired: 1, Template: local}, verdict: "instance-store data"},
		"local disks, allowed":                 {group: awssim.Group{Desired: 1, Template: local}, settings: settings.Settings{InstanceStore: settings.InstanceStoreAllow}, strategy: "stop-members"},
		"local disks, by setting":              {group: awssim.Group{Desired: 1, Template: local}, settings: settings.Settings{ScaleToZero: settings.ScaleUnpausable}, strategy: "scale-to-zero"},
		"an instance-store root":               {group: awssim.Group{Desired: 1, Template: awssim.Instance{RootDevice: "instance-store", Type: "m3.medium"}}, verdict: "instance-store root"},
		"an EKS node group":                    {group: awssim.Group{Desired: 1, Tags: map[string]string{"eks:nodegroup-name": "workers"}}, verdict: "EKS node group workers"},
		"an EKS node group by its members":     {group: awssim.Group{Desired: 1, Template: awssim.Instance{Tags: map[string]string{"eks:nodegroup-name": "workers"}}}, verdict: "EKS node group workers"},
		"a Batch environment":                  {group: awssim.Group{Desired: 1, Tags: map[string]string{"AWSBatchServiceTag": "batch"}}, verdict: "AWS Batch"},
		"an EKS node group, tagged":            {group: awssim.Group{Desired: 1, Tags: map[string]string{"eks:nodegroup-name": "workers", settings.PauseTag: settings.PauseByScaling}}, verdict: "EKS node group workers"},
		"a Beanstalk environment":              {group: awssim.Group{Desired: 1, Tags: map[string]string{"elasticbeanstalk:environment-name": "shop"}}, strategy: "stop-members"},
		"members launched through a fleet":     {group: awssim.Group{Desired: 1, Template: awssim.Instance{Tags: map[string]string{"aws:ec2:fleet-id": "fleet-1"}}}, strategy: "stop-members"},
		"a group of an operator":               {group: awssim.Group{Desired: 1, Operator: "ecs.amazonaws.com"}, verdict: "managed by ecs.amazonaws.com"},
		"members of an operator":               {group: awssim.Group{Desired: 1, Template: awssim.Instance{Operator: "eks.amazonaws.com"}}, verdict: "managed by eks.amazonaws.com"},
		"a group that is being deleted":        {group: awssim.Group{Desired: 1, Deleting: true}, verdict: "being deleted"},
		"Macs":                                 {group: awssim.Group{Desired: 1, Template: awssim.Instance{Type: "mac2.metal", HostID: "h-1"}}, verdict: "dedicated host"},
		"a running warm pool":                  {group: awssim.Group{Members: []awssim.Member{}, Warm: 1, WarmState: "Running"}, strategy: "stop-members"},
		"tagged, but protected from scale-in":  {group: awssim.Group{Members: []awssim.Member{{Protected: true}}, Tags: zero}, verdict: "protected from scale-in"},
		"tagged, but in standby":               {group: awssim.Group{Members: []awssim.Member{{Standby: true}}, Tags: zero}, verdict: "in standby"},
		"tagged, but may not launch":           {group: awssim.Group{Desired: 1, Tags: zero, Suspended: []string{"Launch"}}, verdict: "Launch is suspended"},
		"tagged, but with a warm pool":         {group: awssim.Group{Desired: 1, Warm: 1, WarmState: "Stopped", Tags: zero}, verdict: "warm pool"},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
				row.group.Name, row.group.Max = "g", 9
				members := a.AddGroup(region, row.group)
				service := serviceOf(t, a, killswitch.AutoScalingGroup, row.settings)
				f := discover(t, service)["g"]
				if f.Active == row.inactive || !contains(f.Verdict, row.verdict) || row.verdict == "" && f.Verdict != "" {
					t.Errorf("active %v, verdict %q", f.Active, f.Verdict)
				}
				if got := string(f.Original.Data); !contains(got, row.strategy) || (row.strategy == "") != (got == "") {
					t.Errorf("original %s, want the strategy %q", got, row.strategy)
				}
				if row.verdict == "" && !row.inactive {
					if err := service.Declaration().Check(f.Original, nil); err != nil {
						t.Errorf("its original does not pass its own check: %v", err)
					}
				}
				var parts []string
				for _, part := range f.Parts {
					parts = append(parts, part.Ref.ID)
				}
				slices.Sort(members)
				if !slices.Equal(parts, members) {
					t.Errorf("its parts are %q, want %q", parts, members)
				}
				mustCallDeclared(t, a, service.Declaration())
			})
		})
	}
}

// TestGroupTagsOfParts: a protected member is seen with its tag, so that it protects the group.
func TestGroupTagsOfParts(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		a.AddGroup(region, awssim.Group{Name: "g", Max: 3, Members: []awssim.Member{
			{Instance: &awssim.Instance{ID: "i-1"}}, {Instance: &awssim.Instance{ID: "i-2", Tags: map[string]string{settings.ProtectTag: "yes"}}},
		}})
		f := discover(t, serviceOf(t, a, killswitch.AutoScalingGroup, usual))["g"]
		if len(f.Parts) != 2 || f.Parts[1].Ref.ID != "i-2" || f.Parts[1].Tags[settings.ProtectTag] != "yes" || f.Parts[1].Ref.Kind != killswitch.EC2Instance {
			t.Errorf("parts: %+v", f.Parts)
		}
	})
}

// TestGroupsThereAndBack: groups of all kinds are as they were after a pause and a resume, and no
// member was lost on the way.
func TestGroupsThereAndBack(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		a.AddGroup(region, awssim.Group{Name: "web", Min: 1, Max: 9, Desired: 4, Template: awssim.Instance{PublicIP: true}})
		a.AddGroup(region, awssim.Group{Name: "behind-a-balancer", Min: 1, Max: 9, Desired: 2, TargetsAfter: 7 * time.Minute})
		a.AddGroup(region, awssim.Group{Name: "half-suspended", Max: 9, Desired: 2, Suspended: []string{"AZRebalance", "HealthCheck", "ScheduledActions"}})
		a.AddGroup(region, awssim.Group{Name: "suspended", Max: 9, Desired: 2, Suspended: []string{
			"AZRebalance", "AddToLoadBalancer", "AlarmNotification", "HealthCheck", "InstanceRefresh", "Launch", "ReplaceUnhealthy",
			"ScheduledActions", "Terminate",
		}})
		a.AddGroup(region, awssim.Group{Name: "large", Max: 200, Desired: 120})
		a.AddGroup(region, awssim.Group{Name: "warm", Max: 9, Desired: 1, Warm: 2, WarmState: "Running"})
		a.AddGroup(region, awssim.Group{Name: "cold", Max: 9, Desired: 1, Warm: 2, WarmState: "Stopped"})
		a.AddGroup(region, awssim.Group{Name: "odd", Max: 9, Members: []awssim.Member{
			{Standby: true}, {Protected: true}, {Instance: &awssim.Instance{Impaired: true}},
		}, Suspended: []string{"HealthCheck"}})
		a.AddGroup(region, awssim.Group{Name: "with-an-unhealthy-one", Max: 9, Members: []awssim.Member{{Unhealthy: true}, {}}, Suspended: []string{"ReplaceUnhealthy"}})
		for n := range 12 {
			a.AddGroup(region, awssim.Group{Name: fmt.Sprintf("small-%02d", n), Max: 2, Desired: 1})
		}
		before := a.State()
		service := serviceOf(t, a, killswitch.AutoScalingGroup, usual)
		d := newDrive(t, service)
		if len(d.items) != 21 {
			t.Fatalf("found %d groups to pause", len(d.items))
		}
		began := time.Now()
		mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
		for name, fields := range a.State() {
			if strings.Contains(name, "ec2:instance") && fields["State"] != "stopped" {
				t.Errorf("%s is %s", name, fields["State"])
			}
		}
		if took := time.Since(began); took < time.Minute {
			t.Errorf("paused after %v, before any suspension can have settled", took)
		}
		if n := d.count("stop-members"); n > 9 {
			t.Errorf("%d calls to stop the members of 21 groups", n)
		}
		time.Sleep(time.Hour)
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
		time.Sleep(30 * time.Minute)
		mustBeTheSame(t, before, a.State())
		for _, it := range d.items {
			for _, line := range a.GroupActivities(region, it.Resource.Ref.ID) {
				if strings.Contains(line, "terminated") || strings.Contains(line, "launched") {
					t.Errorf("%s: %s", it.Resource.Ref.ID, line)
				}
			}
		}
		mustCallDeclared(t, a, service.Declaration())
	})
}

// TestGroupPausedTwice: a second order while a resume is under way turns it round, and the end is
// still the beginning.
func TestGroupPausedTwice(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		a.AddGroup(region, awssim.Group{Name: "web", Min: 1, Max: 9, Desired: 3})
		before := a.State()
		d := newDrive(t, serviceOf(t, a, killswitch.AutoScalingGroup, usual))
		for range 2 {
			mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
		}
		// A resume that gets no further than the start of its members.
		d.items[0].State.Order++
		d.look(t)
		d.decide(t, killswitch.WantResumed, map[string]string{})
		if last := d.calls[len(d.calls)-1]; last != "start-members" {
			t.Fatalf("the resume began with %s", last)
		}
		mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
		mustBeTheSame(t, before, a.State())
	})
}

// TestGroupWithProtectedMember: stop protection of one member keeps no other member running.
func TestGroupWithProtectedMember(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		members := make([]awssim.Member, 30)
		members[17].Instance = &awssim.Instance{ID: "i-veto", StopProtected: true}
		ids := a.AddGroup(region, awssim.Group{Name: "web", Max: 40, Members: members})
		a.AddGroup(region, awssim.Group{Name: "other", Max: 9, Desired: 2})
		before := a.State()
		d := newDrive(t, serviceOf(t, a, killswitch.AutoScalingGroup, usual))
		stuck := d.to(t, killswitch.WantPaused, false)
		if len(stuck) != 1 || !contains(stuck["web"], "member i-veto", "stop protection", "OperationNotPermitted") {
			t.Errorf("in the way: %q", stuck)
		}
		time.Sleep(5 * time.Minute)
		for _, id := range ids {
			want := "stopped"
			if id == "i-veto" {
				want = "running"
			}
			if state := a.InstanceState(region, id); state != want {
				t.Errorf("%s is %s, want %s", id, state, want)
			}
		}
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
		mustBeTheSame(t, before, a.State())
	})
}

// TestGroupScaledToZero: a group whose owner says so loses its members and gets as many back.
func TestGroupScaledToZero(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		old := a.AddGroup(region, awssim.Group{
			Name: "batch", Min: 1, Max: 9, Desired: 3, Suspended: []string{"AZRebalance"},
			Tags:      map[string]string{settings.PauseTag: settings.PauseByScaling},
			Scheduled: []awssim.GroupSchedule{{In: 90 * time.Minute, Min: 5, Max: 9, Desired: 5}},
		})
		before := a.State()
		service := serviceOf(t, a, killswitch.AutoScalingGroup, usual)
		d := newDrive(t, service)
		mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
		for _, id := range old {
			if state := a.InstanceState(region, id); state != "terminated" {
				t.Errorf("%s is %s", id, state)
			}
		}
		time.Sleep(2 * time.Hour) // the scheduled action falls due
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
		was, is := before["eu-west-1 autoscaling:group batch"], a.State()["eu-west-1 autoscaling:group batch"]
		members := 0
		for field, value := range is {
			if strings.HasPrefix(field, "Instances.") {
				members++
			} else if was[field] != value {
				t.Errorf("%s was %q and is %q", field, was[field], value)
			}
		}
		if members != 3 {
			t.Errorf("it has %d members", members)
		}
		mustCallDeclared(t, a, service.Declaration())
	})
}

// TestGroupWaitsWithItsLastStep: a decision to let the group scale again may wait for its wave for
// minutes; what the health checks find meanwhile keeps it from being taken.
func TestGroupWaitsWithItsLastStep(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		ids := a.AddGroup(region, awssim.Group{Name: "web", Max: 9, Desired: 2})
		d := newDrive(t, serviceOf(t, a, killswitch.AutoScalingGroup, usual))
		mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
		d.items[0].State.Order++
		for range 60 {
			d.look(t)
			if d.service.Decide(killswitch.WantResumed, d.items[0], d.items[0].Seen, time.Now()).Step == "resume-rest" {
				break
			}
			wake, _ := d.decide(t, killswitch.WantResumed, map[string]string{})
			time.Sleep(time.Until(wake))
		}
		a.SetImpaired(region, ids[0], true)
		time.Sleep(10 * time.Minute)
		result := d.service.Act(t.Context(), "resume-rest", d.items)[0]
		if result.Err == nil || !contains(result.Err.Error(), "not as healthy any more") {
			t.Errorf("with a member that became ill: %v", result.Err)
		}
		a.SetImpaired(region, ids[0], false)
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
		time.Sleep(10 * time.Minute)
		for _, id := range ids {
			if state := a.InstanceState(region, id); state != "running" {
				t.Errorf("%s is %s", id, state)
			}
		}
	})
}

// TestGroupChangedByOthers: what somebody does to a paused group is told, what we left is put back,
// and all of it by force.
func TestGroupChangedByOthers(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		ids := a.AddGroup(region, awssim.Group{Name: "web", Min: 1, Max: 9, Desired: 2, Suspended: []string{"AZRebalance"}})
		before := a.State()
		d := newDrive(t, serviceOf(t, a, killswitch.AutoScalingGroup, usual))
		mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))

		cfg := a.Process("somebody").Config()
		cfg.Region = region
		scaling, machines := autoscaling.NewFromConfig(cfg), ec2.NewFromConfig(cfg)
		if _, err := machines.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: ids[:1]}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		stuck := d.observeAgain(t)
		if !contains(stuck["web"], "somebody has started member "+ids[0]) {
			t.Errorf("told: %q", stuck)
		}
		if _, err := scaling.UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("web"), MaxSize: aws.Int32(12),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := scaling.ResumeProcesses(t.Context(), &autoscaling.ResumeProcessesInput{
			AutoScalingGroupName: aws.String("web"), ScalingProcesses: []string{"AZRebalance"},
		}); err != nil {
			t.Fatal(err)
		}
		stuck = d.to(t, killswitch.WantResumed, false)
		if !contains(stuck["web"], "MaxSize was changed, 9 → 12", "resumed although suspended before: AZRebalance") {
			t.Errorf("told: %q", stuck)
		}
		different, _ := awssim.Compare(before, a.State())
		if len(different) != 2 {
			t.Errorf("not put back: %+v", different)
		}
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, true))
		different, _ = awssim.Compare(before, a.State())
		for _, difference := range different {
			if difference.Field != "SuspendedProcesses.AZRebalance" || difference.After == "" { // its reason is a new one
				t.Errorf("not put back by force: %+v", difference)
			}
		}
	})
}

// observeAgain looks at settled items once more and decides.
func (d *drive) observeAgain(t *testing.T) map[string]string {
	t.Helper()
	d.look(t)
	told := map[string]string{}
	for _, it := range d.items {
		if decision := d.service.Decide(killswitch.WantPaused, it, it.Seen, time.Now()); decision.Do == killswitch.Drift {
			told[it.Resource.Ref.ID] = decision.Reason
		}
	}
	return told
}

// TestObserveGroups: a group that does not exist any more is gone by AWS's word, and a member that
// was terminated, even long ago, hides neither the group nor the others.
func TestObserveGroups(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		ids := a.AddGroup(region, awssim.Group{Name: "web", Max: 9, Desired: 3})
		a.AddGroup(region, awssim.Group{Name: "other", Max: 9, Desired: 1})
		service := serviceOf(t, a, killswitch.AutoScalingGroup, usual)
		d := newDrive(t, service)
		mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
		a.Terminate(region, ids[1])
		time.Sleep(2 * time.Hour)
		deleted := d.items[0]
		deleted.Resource.Ref.ID = "deleted"
		deleted.Parts = nil
		seen, err := service.Observe(t.Context(), append(slices.Clone(d.items), deleted))
		if err != nil {
			t.Fatal(err)
		}
		if look := seen[deleted.Resource.Ref]; look.Presence != killswitch.Absent || !contains(look.Evidence, "ValidationError", "not found") {
			t.Errorf("the deleted group: %+v", look)
		}
		for _, it := range d.items {
			if look := seen[it.Resource.Ref]; look.Presence != killswitch.Present {
				t.Errorf("%s: %+v", it.Resource.Ref, look)
			}
		}
		stuck := d.to(t, killswitch.WantResumed, false)
		if len(stuck) != 1 || !contains(stuck["web"], "member "+ids[1]+" was terminated") {
			t.Errorf("told: %q", stuck)
		}
		mustCallDeclared(t, a, service.Declaration())
	})
}
