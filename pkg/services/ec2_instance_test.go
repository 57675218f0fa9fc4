package services_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
)

// TestEnabledRegions: the regions of the account, sorted, and nothing that is not enabled.
func TestEnabledRegions(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		regions, err := services.EnabledRegions(t.Context(), a.Process("brake").Config())
		if err != nil || !slices.Equal(regions, []string{"eu-west-1", "us-east-1"}) {
			t.Errorf("got %q, %v", regions, err)
		}
		for _, c := range a.Trace() {
			if c.Action() != services.RegionsRead {
				t.Errorf("called %s", c.Action())
			}
		}
	})
}

// TestDiscoverInstances: every awkward instance of an account is judged for what it is.
func TestDiscoverInstances(t *testing.T) {
	type row struct {
		instance awssim.Instance
		active   bool
		verdict  string // a part of it
	}
	rows := map[string]row{
		"i-web":        {awssim.Instance{Tags: map[string]string{"Name": "web"}}, true, ""},
		"i-pending":    {awssim.Instance{State: "pending"}, true, ""},
		"i-stopping":   {awssim.Instance{State: "stopping"}, false, ""},
		"i-stopped":    {awssim.Instance{State: "stopped"}, false, ""},
		"i-protected":  {awssim.Instance{StopProtected: true}, true, ""},
		"i-hibernates": {awssim.Instance{Hibernates: true}, true, ""},
		"i-persistent": {awssim.Instance{Lifecycle: "spot", Spot: awssim.Spot{Persistent: true}}, true, ""},
		"i-onetime":    {awssim.Instance{Lifecycle: "spot"}, true, "one-time Spot"},
		"i-cancelled":  {awssim.Instance{Lifecycle: "spot", Spot: awssim.Spot{Persistent: true, State: "cancelled"}}, true, "request is cancelled"},
		"i-byec2":      {awssim.Instance{State: "stopped", Lifecycle: "spot", Spot: awssim.Spot{Persistent: true, ByEC2: true}}, false, "stopped by EC2 itself"},
		"i-managed":    {awssim.Instance{Operator: "eks.amazonaws.com"}, true, "managed by eks.amazonaws.com"},
		"i-hidden":     {awssim.Instance{Operator: "lambda.amazonaws.com", Hidden: true}, true, "managed by lambda.amazonaws.com"},
		"i-karpenter":  {awssim.Instance{Tags: map[string]string{"karpenter.sh/nodepool": "default"}}, true, "Karpenter node pool default"},
		"i-storeroot":  {awssim.Instance{RootDevice: "instance-store", Type: "m3.medium"}, true, "instance-store root"},
		"i-storedata":  {awssim.Instance{Type: "m5d.large"}, true, "instance-store data"},
		"i-block":      {awssim.Instance{Lifecycle: "capacity-block", Type: "p3.2xlarge"}, true, "capacity block"},
		"i-mac":        {awssim.Instance{Type: "mac2.metal", HostID: "h-1"}, true, "dedicated host"},
	}
	for _, allow := range []string{settings.InstanceStoreVerdict, settings.InstanceStoreAllow} {
		t.Run("instance store "+allow, func(t *testing.T) {
			inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
				for _, id := range slices.Sorted(maps.Keys(rows)) {
					spec := rows[id].instance
					spec.ID = id
					a.AddInstance(region, spec)
				}
				members := a.AddGroup(region, awssim.Group{Name: "workers", Min: 1, Max: 3, Desired: 2})
				service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{InstanceStore: allow})
				found := discover(t, service)
				if len(found) != len(rows)+len(members) {
					t.Errorf("found %d, want %d", len(found), len(rows)+len(members))
				}
				for id, row := range rows {
					f := found[id]
					verdict := row.verdict
					if id == "i-storedata" && allow == settings.InstanceStoreAllow {
						verdict = ""
					}
					if f.Active != row.active || !contains(f.Verdict, verdict) || verdict == "" && f.Verdict != "" {
						t.Errorf("%s: active %v, verdict %q", id, f.Active, f.Verdict)
					}
					if wants := row.active && verdict == ""; wants != (f.Original.Schema != 0) || wants != (f.MayRefuse != "") {
						t.Errorf("%s: original %+v, may refuse %q", id, f.Original, f.MayRefuse)
					}
					if f.Owner != nil || f.Seen.Presence != killswitch.Present || f.Weight <= 0 {
						t.Errorf("%s: %+v", id, f)
					}
				}
				for _, id := range members {
					f := found[id]
					want := killswitch.Ref{Account: a.ID(), Region: region, Kind: killswitch.AutoScalingGroup, ID: "workers"}
					if f.Owner == nil || *f.Owner != want || f.Original.Schema != 0 || f.Verdict != "" {
						t.Errorf("member %s: owner %v, verdict %q", id, f.Owner, f.Verdict)
					}
				}
				if name := found["i-web"].Resource.Name; name != "web" {
					t.Errorf("its name is %q", name)
				}
				mustCallDeclared(t, a, service.Declaration())
			})
		})
	}
}

// TestDiscoverInstancesCalls: a listing makes one call a page and few besides.
func TestDiscoverInstancesCalls(t *testing.T) {
	t.Run("nothing but the listing where nothing runs", func(t *testing.T) {
		inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
			a.AddInstance(region, awssim.Instance{State: "stopped"})
			discover(t, serviceOf(t, a, killswitch.EC2Instance, settings.Settings{}))
			if n := len(a.Trace()); n != 1 {
				t.Errorf("%d calls: %v", n, a.Trace())
			}
		})
	})
	t.Run("extra reads once, whatever the number of pages", func(t *testing.T) {
		inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
			for range 1200 {
				a.AddInstance(region, awssim.Instance{})
			}
			if n := len(discover(t, serviceOf(t, a, killswitch.EC2Instance, settings.Settings{}))); n != 1200 {
				t.Errorf("found %d", n)
			}
			for action, want := range map[string]int{
				"ec2:DescribeInstances": 2, "ec2:DescribeInstanceStatus": 2, "ec2:DescribeInstanceTypes": 1,
				"autoscaling:DescribeAutoScalingGroups": 1, "ec2:DescribeSpotInstanceRequests": 0,
			} {
				if n := calls(a, 0, action); n != want {
					t.Errorf("%s: %d calls, want %d", action, n, want)
				}
			}
		})
	})
}

// TestDiscoverInstancesHalf: a listing that breaks off ends in an error, whichever read breaks.
func TestDiscoverInstancesHalf(t *testing.T) {
	for action, nth := range map[string]int{
		"ec2:DescribeInstances": 2, "ec2:DescribeInstanceStatus": 1, "ec2:DescribeInstanceTypes": 1,
		"autoscaling:DescribeAutoScalingGroups": 1,
	} {
		t.Run(action, func(t *testing.T) {
			seen := 0
			denied := func(c awssim.Call) awssim.Fault {
				if c.Action() != action {
					return awssim.Fault{}
				}
				if seen++; seen < nth {
					return awssim.Fault{}
				}
				return awssim.Fault{Before: &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"}}
			}
			inAccount(t, denied, func(t *testing.T, a *awssim.Account) {
				for range 1001 {
					a.AddInstance(region, awssim.Instance{})
				}
				var last error
				n := 0
				for _, err := range serviceOf(t, a, killswitch.EC2Instance, settings.Settings{}).Discover(t.Context()) {
					if last != nil {
						t.Fatal("the sequence went on after an error")
					}
					if last = err; err == nil {
						n++
					}
				}
				if awserr.Of(last) != awserr.Denied {
					t.Errorf("ended with %v after %d", last, n)
				}
			})
		})
	}
}

// TestInstancesThereAndBack: a fleet that is paused and resumed is as it was, and what one member
// refuses is about that member alone.
func TestInstancesThereAndBack(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		for n := range 120 {
			a.AddInstance(region, awssim.Instance{PublicIP: n%3 == 0, Impaired: n%50 == 9})
		}
		a.AddInstance(region, awssim.Instance{ID: "i-elastic", ElasticIP: "52.0.0.1"})
		a.AddInstance(region, awssim.Instance{ID: "i-protected", StopProtected: true})
		a.AddInstance(region, awssim.Instance{ID: "i-infleet", Lifecycle: "spot", Spot: awssim.Spot{Persistent: true, InFleet: true}})
		a.AddInstance(region, awssim.Instance{ID: "i-spot", Lifecycle: "spot", Spot: awssim.Spot{Persistent: true}})
		a.AddInstance(region, awssim.Instance{ID: "i-stopped", State: "stopped"})
		before := a.State()
		service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{})
		d := newDrive(t, service)

		stuck := d.to(t, killswitch.WantPaused, false)
		if !contains(stuck["i-protected"], "stop protection", "lift it") || !contains(stuck["i-infleet"], "EC2 cannot stop it") || len(stuck) != 2 {
			t.Errorf("in the way of the pause: %q", stuck)
		}
		for _, it := range d.items {
			want := "stopped"
			if stuck[it.Resource.Ref.ID] != "" {
				want = "running"
			}
			if state := a.InstanceState(region, it.Resource.Ref.ID); state != want {
				t.Errorf("%s is %s, want %s", it.Resource.Ref.ID, state, want)
			}
		}
		if n := d.count("stop-instances"); n > 5 { // three batches, and one more for each that AWS names
			t.Errorf("%d calls to stop 124 instances of which two are refused", n)
		}
		d.items = slices.DeleteFunc(d.items, func(it killswitch.Item) bool { return stuck[it.Resource.Ref.ID] != "" })
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
		mustBeTheSame(t, before, a.State())
		for _, it := range d.items {
			if it.State.ByAWS["LaunchTime"] == "" || it.State.ByAWS["PublicIpAddress"] != "" && it.Resource.Ref.ID == "i-elastic" {
				t.Errorf("%s: changed by AWS %v", it.Resource.Ref.ID, it.State.ByAWS)
			}
		}
		mustCallDeclared(t, a, service.Declaration())
	})
}

// TestStartsThatFail: an instance that falls back to stopped is told with the reason and started again
// once that can work; one that finds no room is tried until it does.
func TestStartsThatFail(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		a.AddInstance(region, awssim.Instance{ID: "i-kms", StartsFail: true})
		a.AddInstance(region, awssim.Instance{ID: "i-full", NoCapacity: 2})
		service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{})
		d := newDrive(t, service)
		mustNotBeStuck(t, d.to(t, killswitch.WantPaused, false))
		stuck := d.to(t, killswitch.WantResumed, false)
		if len(stuck) != 1 || !contains(stuck["i-kms"], "fell back to stopped", "kms:CreateGrant") {
			t.Errorf("in the way of the resume: %q", stuck)
		}
		if state := a.InstanceState(region, "i-full"); state != "running" {
			t.Errorf("the instance that found room at last is %s", state)
		}
		a.EditInstance(region, "i-kms", func(i *awssim.Instance) { i.StartsFail = false })
		time.Sleep(20 * time.Minute)
		mustNotBeStuck(t, d.to(t, killswitch.WantResumed, false))
		if state := a.InstanceState(region, "i-kms"); state != "running" {
			t.Errorf("the instance whose key was repaired is %s", state)
		}
	})
}

// TestObserveInstances: what is terminated or forgotten is gone by AWS's word, and never hides the
// others.
func TestObserveInstances(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		for n := range 40 {
			a.AddInstance(region, awssim.Instance{ID: fmt.Sprintf("i-%03d", n)})
		}
		service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{})
		d := newDrive(t, service)
		a.Terminate(region, "i-007")
		time.Sleep(2 * time.Hour)
		a.Terminate(region, "i-023")
		time.Sleep(5 * time.Minute)
		from := len(a.Trace())
		seen, err := service.Observe(t.Context(), d.items)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range d.items {
			look := seen[it.Resource.Ref]
			switch id := it.Resource.Ref.ID; id {
			case "i-007":
				if look.Presence != killswitch.Absent || look.Evidence != "InvalidInstanceID.NotFound" {
					t.Errorf("%s, which AWS has forgotten: %+v", id, look)
				}
			case "i-023":
				if look.Presence != killswitch.Absent || look.Evidence != "terminated" {
					t.Errorf("%s, which was terminated: %+v", id, look)
				}
			default:
				if look.Presence != killswitch.Present || look.State != "running" {
					t.Errorf("%s: %+v", id, look)
				}
			}
		}
		if n := calls(a, from, "ec2:DescribeInstances"); n > 13 {
			t.Errorf("%d calls to find one missing id among 40", n)
		}
	})
}

// TestObserveInstancesCalls: one call for a thousand, and the region's list for their checks.
func TestObserveInstancesCalls(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		for range 950 {
			a.AddInstance(region, awssim.Instance{})
		}
		service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{})
		d := newDrive(t, service)
		from := len(a.Trace())
		if _, err := service.Observe(t.Context(), d.items); err != nil {
			t.Fatal(err)
		}
		if n := len(a.Trace()) - from; n != 2 {
			t.Errorf("%d calls to look at 950 running instances, want 2", n)
		}
	})
}

// What AWS names as the reason for refusing a batch is refused by that; the others go without it.
func TestBatchRefusedForWhomAWSNames(t *testing.T) {
	inAccount(t, nil, func(t *testing.T, a *awssim.Account) {
		a.AddInstance(region, awssim.Instance{})
		a.AddInstance(region, awssim.Instance{StopProtected: true})
		a.AddInstance(region, awssim.Instance{})
		service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{})
		d := newDrive(t, service)
		var refused []string
		var others []killswitch.Item
		for n, result := range service.Act(t.Context(), "stop-instances", d.items) {
			if awserr.Of(result.Err) != awserr.Refused {
				t.Errorf("result %+v, want AWS's refusal", result)
			}
			if errors.As(result.Err, &killswitch.BatchRefused{}) {
				others = append(others, d.items[n])
				continue
			}
			refused = append(refused, d.items[n].Resource.Ref.ID)
		}
		if len(refused) != 1 || len(others) != 2 {
			t.Fatalf("refused %v and %d others to be tried without it, want one and two", refused, len(others))
		}
		for _, result := range service.Act(t.Context(), "stop-instances", others) {
			if result.Err != nil {
				t.Errorf("without it: %v", result.Err)
			}
		}
	})
}

// TestActInstancesErrors: a batch is halved only where AWS has judged it.
func TestActInstancesErrors(t *testing.T) {
	for code, row := range map[string]struct {
		status int
		halves bool
		class  awserr.Class
	}{
		"RequestLimitExceeded":   {http.StatusServiceUnavailable, false, awserr.Throttled},
		"InternalError":          {http.StatusInternalServerError, false, awserr.Transient},
		"UnauthorizedOperation":  {http.StatusForbidden, true, awserr.Denied},
		"IncorrectInstanceState": {http.StatusBadRequest, true, awserr.Busy},
		"OperationNotPermitted":  {http.StatusBadRequest, true, awserr.Refused},
		"ResourceCountExceeded":  {http.StatusBadRequest, true, awserr.Refused},
	} {
		t.Run(code, func(t *testing.T) {
			refuse := func(c awssim.Call) awssim.Fault {
				if c.Operation == "StopInstances" {
					return awssim.Fault{Before: &smithy.GenericAPIError{Code: code, Message: "no"}}
				}
				return awssim.Fault{}
			}
			inAccount(t, refuse, func(t *testing.T, a *awssim.Account) {
				a.AddInstance(region, awssim.Instance{})
				a.AddInstance(region, awssim.Instance{})
				service := serviceOf(t, a, killswitch.EC2Instance, settings.Settings{})
				d := newDrive(t, service)
				for size := 1; size <= 2; size++ {
					for _, result := range service.Act(t.Context(), "stop-instances", d.items[:size]) {
						whole := errors.As(result.Err, &killswitch.BatchRefused{})
						if awserr.Of(result.Err) != row.class || whole != (row.halves && size > 1) || result.Seen != nil {
							t.Errorf("a batch of %d: %+v", size, result)
						}
					}
				}
			})
		})
	}
}
