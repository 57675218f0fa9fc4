package awssim

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
)

// withEC2 runs do with an account and a person's EC2 client in us-east-1.
func withEC2(t *testing.T, o Options, do func(t *testing.T, a *Account, client *ec2.Client)) {
	t.Helper()
	inBubble(t, o, func(t *testing.T, a *Account) {
		do(t, a, ec2.NewFromConfig(a.Process("person").Config()))
		if left := a.Unmodelled(); left != nil {
			t.Errorf("used but not modelled: %v", left)
		}
	})
}

func stopThem(t *testing.T, client *ec2.Client, ids ...string) error {
	t.Helper()
	_, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids})
	return err
}

func startThem(t *testing.T, client *ec2.Client, ids ...string) error {
	t.Helper()
	_, err := client.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: ids})
	return err
}

// shown is an instance as DescribeInstances shows it.
func shown(t *testing.T, client *ec2.Client, id string) ec2types.Instance {
	t.Helper()
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Reservations[0].Instances[0]
}

func TestInstanceTakesTimeToStopAndStart(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{})
		out, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.StoppingInstances[0]; got.PreviousState.Name != running || got.CurrentState.Name != stopping {
			t.Errorf("stop answered %v → %v", got.PreviousState.Name, got.CurrentState.Name)
		}
		if took := until(t, a, id, stopped); took < minStopping-latency || took > maxStopping {
			t.Errorf("stopped after %v, want %v to %v", took, minStopping, maxStopping)
		}
		if err := startThem(t, client, id); err != nil {
			t.Fatal(err)
		}
		if got := a.InstanceState(here, id); got != pending {
			t.Errorf("after the start it is %s", got)
		}
		if took := until(t, a, id, running); took < minPending-latency || took > maxPending {
			t.Errorf("running after %v, want %v to %v", took, minPending, maxPending)
		}
	})
}

// until sleeps until the instance is truly in that state.
func until(t *testing.T, a *Account, id, state string) time.Duration {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(100 * time.Millisecond) {
		if a.InstanceState(here, id) == state {
			return time.Since(began)
		}
	}
	t.Fatalf("%s is not %s after an hour but %s", id, state, a.InstanceState(here, id))
	return 0
}

func TestStopAndStartChangeWhatAWSChangesAndNothingElse(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{PublicIP: true, Tags: map[string]string{"env": "dev"}})
		fixed := a.AddInstance(here, Instance{ElasticIP: "54.1.2.3"})
		before, first := a.State(), shown(t, client, id)
		if first.PublicIpAddress == nil || aws.ToString(first.NetworkInterfaces[0].Association.IpOwnerId) != "amazon" {
			t.Fatalf("it has no auto-assigned address: %v", first.NetworkInterfaces[0].Association)
		}
		if err := stopThem(t, client, id, fixed); err != nil {
			t.Fatal(err)
		}
		time.Sleep(maxStopping + maxLag)
		rest := shown(t, client, id)
		if rest.PublicIpAddress != nil || *rest.PublicDnsName != "" || rest.NetworkInterfaces[0].Association != nil {
			t.Errorf("stopped, it still has the public address %v", aws.ToString(rest.PublicIpAddress))
		}
		if aws.ToString(rest.StateReason.Code) != userStop || !strings.HasPrefix(*rest.StateTransitionReason, "User initiated (2000-01-01") {
			t.Errorf("stopped, its reasons are %v and %v", rest.StateReason, *rest.StateTransitionReason)
		}
		if got := shown(t, client, fixed); aws.ToString(got.PublicIpAddress) != "54.1.2.3" || *got.NetworkInterfaces[0].Association.IpOwnerId != a.ID() {
			t.Errorf("an elastic address left with the stop: %v", got.PublicIpAddress)
		}
		if err := startThem(t, client, id, fixed); err != nil {
			t.Fatal(err)
		}
		time.Sleep(maxPending + maxLag)
		different, byAWS := Compare(before, a.State())
		if len(different) > 0 {
			t.Errorf("different after stop and start: %v", different)
		}
		var fields []string
		for _, d := range byAWS {
			if strings.HasSuffix(d.Resource, id) {
				fields = append(fields, d.Field)
			}
			if !strings.HasPrefix(d.Source, "https://docs.aws.amazon.com/") {
				t.Errorf("%v has no source", d)
			}
		}
		if diff := cmp.Diff([]string{"LaunchTime", "PublicDnsName", "PublicIpAddress"}, fields); diff != "" {
			t.Errorf("changed by AWS: %s", diff)
		}
	})
}

func TestRefusals(t *testing.T) {
	spot := func(s Spot) Instance { return Instance{Lifecycle: "spot", Spot: s} }
	for name, tt := range map[string]struct {
		what        Instance
		stop, start string // the code of AWS's refusal; "" where it is accepted
	}{
		"an ordinary instance":              {Instance{}, "", ""},
		"a stopped one":                     {Instance{State: stopped}, "", ""},
		"a stopping one":                    {Instance{State: stopping}, "", "IncorrectInstanceState"},
		"one that never ran yet":            {Instance{State: pending}, "IncorrectInstanceState", ""},
		"a terminated one":                  {Instance{State: terminated}, "IncorrectInstanceState", "IncorrectInstanceState"},
		"one with instance-store root":      {Instance{RootDevice: "instance-store"}, "UnsupportedOperation", ""},
		"one-time Spot":                     {spot(Spot{}), "UnsupportedOperation", ""},
		"persistent Spot":                   {spot(Spot{Persistent: true}), "", ""},
		"persistent Spot in a fleet":        {spot(Spot{Persistent: true, InFleet: true}), "UnsupportedOperation", ""},
		"Spot of a cancelled request":       {spot(Spot{Persistent: true, State: "cancelled"}), "IncorrectSpotRequestState", ""},
		"Spot that EC2 stopped":             {Instance{State: stopped, Lifecycle: "spot", Spot: Spot{Persistent: true, ByEC2: true}}, "", "IncorrectSpotRequestState"},
		"Spot that a user stopped":          {Instance{State: stopped, Lifecycle: "spot", Spot: Spot{Persistent: true}}, "", ""},
		"one with stop protection":          {Instance{StopProtected: true}, "OperationNotPermitted", ""},
		"one that a service manages":        {Instance{Operator: "eks.amazonaws.com"}, "OperationNotPermitted", ""},
		"a stopped one a service manages":   {Instance{State: stopped, Operator: "eks.amazonaws.com"}, "OperationNotPermitted", "OperationNotPermitted"},
		"one whose zone has no capacity":    {Instance{State: stopped, NoCapacity: 100}, "", "InsufficientInstanceCapacity"},
		"a running one, however full it is": {Instance{NoCapacity: 100}, "", ""},
	} {
		for act, want := range map[string]string{"stop": tt.stop, "start": tt.start} {
			t.Run(act+" "+name, func(t *testing.T) {
				withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
					free := a.AddInstance(here, Instance{State: map[string]string{"stop": running, "start": stopped}[act]})
					id := a.AddInstance(here, tt.what)
					do := map[string]func(*testing.T, *ec2.Client, ...string) error{"stop": stopThem, "start": startThem}[act]
					before := a.State()
					err := do(t, client, free, id)
					if code(err) != want {
						t.Fatalf("got %v, want code %q", err, want)
					}
					different, _ := Compare(before, a.State())
					if want != "" && len(different) > 0 {
						t.Errorf("a refused batch changed %v", different)
					}
					if want != "" && want != "InsufficientInstanceCapacity" && !strings.Contains(err.Error(), id) {
						t.Errorf("the refusal does not name the instance: %v", err)
					}
					if moved := a.InstanceState(here, free); want == "" && moved != stopping && moved != pending {
						t.Errorf("the other instance of the batch is %s", moved)
					}
				})
			})
		}
	}
}

func TestStopOfTheStoppedAndStartOfTheRunningChangeNothing(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		off := a.AddInstance(here, Instance{State: stopped})
		on := a.AddInstance(here, Instance{PublicIP: true})
		before := a.State()
		out, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{off}})
		if err != nil || out.StoppingInstances[0].PreviousState.Name != stopped || out.StoppingInstances[0].CurrentState.Name != stopped {
			t.Errorf("stop of a stopped instance: %v, %v", out, err)
		}
		if err := startThem(t, client, on); err != nil {
			t.Errorf("start of a running instance: %v", err)
		}
		time.Sleep(time.Hour)
		if diff := cmp.Diff(before, a.State()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStartFallsBackToStopped(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{State: stopped, StartsFail: true})
		if err := startThem(t, client, id); err != nil {
			t.Fatalf("the call itself succeeds, got %v", err)
		}
		time.Sleep(maxPending + 2*maxLag)
		got := shown(t, client, id)
		if got.State.Name != stopped || aws.ToString(got.StateReason.Code) != internalError {
			t.Errorf("it is %s because of %v, want stopped because of %s", got.State.Name, got.StateReason, internalError)
		}
		a.EditInstance(here, id, func(i *Instance) { i.StartsFail = false })
		if err := startThem(t, client, id); err != nil {
			t.Fatal(err)
		}
		until(t, a, id, running)
	})
}

func TestCapacityReturns(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{State: stopped, NoCapacity: 4})
		err := startThem(t, client, id) // three attempts of the SDK: it is a server error
		if response := (*awshttp.ResponseError)(nil); code(err) != "InsufficientInstanceCapacity" || !errors.As(err, &response) || response.HTTPStatusCode() != 500 {
			t.Fatalf("got %v", err)
		}
		if err := startThem(t, client, id); err != nil {
			t.Errorf("with capacity back after one more attempt: %v", err)
		}
	})
}

func TestSpotRequestFollowsItsInstance(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{Lifecycle: "spot", Spot: Spot{Persistent: true}})
		request := func() ec2types.SpotInstanceRequest {
			out, err := client.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{
				Filters: []ec2types.Filter{{Name: aws.String("instance-id"), Values: []string{id}}},
			})
			if err != nil || len(out.SpotInstanceRequests) != 1 {
				t.Fatal(out, err)
			}
			return out.SpotInstanceRequests[0]
		}
		if r := request(); r.State != "active" || r.Type != "persistent" || aws.ToString(shown(t, client, id).SpotInstanceRequestId) != *r.SpotInstanceRequestId {
			t.Errorf("at first %v, %v", r.State, r.Type)
		}
		if err := stopThem(t, client, id); err != nil {
			t.Fatal(err)
		}
		if r := request(); r.State != "disabled" || *r.Status.Code != "instance-stopped-by-user" {
			t.Errorf("stopped %v, %v", r.State, *r.Status.Code)
		}
		until(t, a, id, stopped)
		if err := startThem(t, client, id); err != nil {
			t.Fatal(err)
		}
		if r := request(); r.State != "active" {
			t.Errorf("started %v", r.State)
		}
		_, err := client.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{"sir-none"}})
		if code(err) != "InvalidSpotInstanceRequestID.NotFound" {
			t.Errorf("an unknown request: %v", err)
		}
	})
}

func TestTerminatedInstanceIsDescribedForAnHour(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{})
		a.Terminate(here, id)
		until(t, a, id, terminated)
		time.Sleep(afterlife / 2)
		if got := shown(t, client, id); got.State.Name != terminated {
			t.Errorf("after half an hour it is %s", got.State.Name)
		}
		time.Sleep(afterlife)
		_, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		if code(err) != "InvalidInstanceID.NotFound" || !strings.Contains(err.Error(), id) {
			t.Errorf("after more than an hour: %v", err)
		}
	})
}

func TestInstanceTerminatedWhileStoppingNeverComesToRest(t *testing.T) {
	for seed := range uint64(10) { // of which some would have stopped before they were terminated, some after
		withEC2(t, Options{Seed: seed}, func(t *testing.T, a *Account, client *ec2.Client) {
			id := a.AddInstance(here, Instance{})
			if err := stopThem(t, client, id); err != nil {
				t.Fatal(err)
			}
			a.Terminate(here, id)
			for range 2 * int(maxStopping/time.Second) {
				time.Sleep(time.Second)
				if got := a.InstanceState(here, id); got != shuttingDown && got != terminated {
					t.Fatalf("seed %d: it is %s", seed, got)
				}
			}
		})
	}
}
