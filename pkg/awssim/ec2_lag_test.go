package awssim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

func TestReadsLagBehindStopsAndStarts(t *testing.T) {
	late := 0
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		var ids []string
		for range 20 {
			ids = append(ids, a.AddInstance(here, Instance{}))
		}
		if err := stopThem(t, client, ids...); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if shown(t, client, id).State.Name == running && a.InstanceState(here, id) == stopping {
				late++
			}
		}
		time.Sleep(maxLag)
		for _, id := range ids {
			if got := string(shown(t, client, id).State.Name); got == running {
				t.Errorf("%s is still shown as %s after the longest lag", id, got)
			}
		}
	})
	if late == 0 || late == 20 {
		t.Errorf("%d of 20 reads were late, want some", late)
	}
}

func TestReadsNeverGoBack(t *testing.T) {
	order := []string{running, stopping, stopped, pending, running}
	for seed := range uint64(20) {
		withEC2(t, Options{Seed: seed}, func(t *testing.T, a *Account, client *ec2.Client) {
			id := a.AddInstance(here, Instance{})
			if err := stopThem(t, client, id); err != nil {
				t.Fatal(err)
			}
			until(t, a, id, stopped)
			if err := startThem(t, client, id); err != nil {
				t.Fatal(err)
			}
			at := 0
			for began := time.Now(); time.Since(began) < 2*time.Minute; {
				state := string(shown(t, client, id).State.Name)
				n := slices.Index(order[at:], state)
				if n < 0 {
					t.Fatalf("seed %d: %s is shown after %s", seed, state, order[at])
				}
				at += n
			}
			if at != len(order)-1 {
				t.Errorf("seed %d: ends at %s", seed, order[at])
			}
		})
	}
}

func TestInstanceIDsAreChecked(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{})
		for name, tt := range map[string]struct {
			ids        []string
			code, text string
		}{
			"one unknown id":    {[]string{id, "i-00000000000000001"}, "InvalidInstanceID.NotFound", "The instance ID 'i-00000000000000001' does not exist"},
			"two unknown ids":   {[]string{"i-00000000000000001", "i-00000000000000002", id}, "InvalidInstanceID.NotFound", "The instance IDs 'i-00000000000000001, i-00000000000000002' do not exist"},
			"not an id at all":  {[]string{"web-1"}, "InvalidInstanceID.Malformed", `Invalid id: "web-1"`},
			"of another region": {[]string{a.AddInstance("eu-west-1", Instance{})}, "InvalidInstanceID.NotFound", "does not exist"},
		} {
			_, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: tt.ids})
			for call, err := range map[string]error{"describe": err, "stop": stopThem(t, client, tt.ids...), "start": startThem(t, client, tt.ids...)} {
				if code(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.text) {
					t.Errorf("%s of %s: %v, want %s: %s", call, name, err, tt.code, tt.text)
				}
			}
		}
		if got := a.InstanceState(here, id); got != running {
			t.Errorf("the known instance of the batch is %s", got)
		}
	})
}

func TestDryRunOfTheAPIChangesNothing(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{})
		_, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}, DryRun: aws.Bool(true)})
		if code(err) != "DryRunOperation" || a.InstanceState(here, id) != running {
			t.Errorf("got %v, and it is %s", err, a.InstanceState(here, id))
		}
	})
}

func TestHibernationNeedsToBeEnabled(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{})
		_, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}, Hibernate: aws.Bool(true)})
		if code(err) != "UnsupportedHibernationConfiguration" {
			t.Errorf("got %v", err)
		}
	})
}
