package awssim

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
)

// idsOf are the ids of a listing in its order.
func idsOf(out *ec2.DescribeInstancesOutput) (ids []string) {
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			ids = append(ids, *i.InstanceId)
		}
	}
	return ids
}

func TestListingComesInPages(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		var want []string
		for i := range 1203 {
			id := a.AddInstance(here, Instance{Tags: map[string]string{"n": strconv.Itoa(i % 2)}})
			if i%2 == 0 {
				want = append(want, id)
			}
		}
		in := &ec2.DescribeInstancesInput{MaxResults: aws.Int32(250), Filters: []ec2types.Filter{{Name: aws.String("tag:n"), Values: []string{"0"}}}}
		var got []string
		var sizes []int
		for pages := ec2.NewDescribeInstancesPaginator(client, in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, idsOf(page)...)
			sizes = append(sizes, len(idsOf(page)))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the pages hold %d instances, want the %d with the tag", len(got), len(want))
		}
		if diff := cmp.Diff([]int{250, 250, 102}, sizes); diff != "" {
			t.Error(diff)
		}
		out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		if err != nil || len(idsOf(out)) != 1000 || out.NextToken == nil {
			t.Errorf("without MaxResults %d instances, token %v, %v: want a thousand and a token", len(idsOf(out)), out.NextToken, err)
		}
	})
}

func TestNamedInstancesComeAtOnceAsTheyWereNamed(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		var ids []string
		for range 1100 {
			ids = append(ids, a.AddInstance(here, Instance{}))
		}
		slices.Reverse(ids)
		out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids})
		if err != nil || out.NextToken != nil || !slices.Equal(idsOf(out), ids) {
			t.Errorf("got %d of %d named instances, token %v, %v", len(idsOf(out)), len(ids), out.NextToken, err)
		}
	})
}

func TestAReservationHoldsSeveralInstances(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		for range 5 {
			a.AddInstance(here, Instance{})
		}
		out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Reservations) != 2 || len(out.Reservations[0].Instances) != 3 || len(out.Reservations[1].Instances) != 2 {
			t.Errorf("got %d reservations", len(out.Reservations))
		}
	})
}

func TestListingRefusesWhatAWSRefuses(t *testing.T) {
	many := make([]string, 201)
	for name, tt := range map[string]struct {
		in   ec2.DescribeInstancesInput
		code string
	}{
		"a page of four":                   {ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue"},
		"a page of a thousand and one":     {ec2.DescribeInstancesInput{MaxResults: aws.Int32(1001)}, "InvalidParameterValue"},
		"ids with a page size":             {ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), InstanceIds: []string{"i-1"}}, "InvalidParameterCombination"},
		"a token that somebody made up":    {ec2.DescribeInstancesInput{NextToken: aws.String("2")}, "InvalidNextToken"},
		"a filter with too many values":    {ec2.DescribeInstancesInput{Filters: []ec2types.Filter{{Name: aws.String("instance-id"), Values: many}}}, "FilterLimitExceeded"},
		"a listing that is a dry run":      {ec2.DescribeInstancesInput{DryRun: aws.Bool(true)}, "DryRunOperation"},
		"an ordinary page":                 {ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)}, ""},
		"a filter with two hundred values": {ec2.DescribeInstancesInput{Filters: []ec2types.Filter{{Name: aws.String("instance-id"), Values: many[:200]}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
				if _, err := client.DescribeInstances(t.Context(), &tt.in); code(err) != tt.code {
					t.Errorf("got %v, want %q", err, tt.code)
				}
			})
		})
	}
}

func TestFilters(t *testing.T) {
	for name, tt := range map[string]struct {
		filters map[string][]string
		want    []string
	}{
		"by state":                      {map[string][]string{"instance-state-name": {"stopped", "pending"}}, []string{"i-b"}},
		"by tag":                        {map[string][]string{"tag:env": {"dev"}}, []string{"i-a"}},
		"by tag with a wildcard":        {map[string][]string{"tag:env": {"*d*"}}, []string{"i-a", "i-b"}},
		"by tag with a question mark":   {map[string][]string{"tag:env": {"pro?"}}, []string{"i-b"}},
		"a tag's case counts":           {map[string][]string{"tag:env": {"DEV"}}, nil},
		"by tag key":                    {map[string][]string{"tag-key": {"env", "none"}}, []string{"i-a", "i-b"}},
		"by lifecycle":                  {map[string][]string{"instance-lifecycle": {"spot"}}, []string{"i-c"}},
		"by id":                         {map[string][]string{"instance-id": {"i-a", "i-c", "i-none"}}, []string{"i-a", "i-c"}},
		"two filters must both match":   {map[string][]string{"tag-key": {"env"}, "instance-state-name": {"running"}}, []string{"i-a"}},
		"an empty tag value is a value": {map[string][]string{"tag:empty": {""}}, []string{"i-c"}},
		"a star is any text, even none": {map[string][]string{"tag:empty": {"*"}}, []string{"i-c"}},
	} {
		t.Run(name, func(t *testing.T) {
			withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
				a.AddInstance(here, Instance{ID: "i-a", Tags: map[string]string{"env": "dev"}})
				a.AddInstance(here, Instance{ID: "i-b", State: stopped, Tags: map[string]string{"env": "prod"}})
				a.AddInstance(here, Instance{ID: "i-c", Lifecycle: "spot", Tags: map[string]string{"empty": ""}})
				in := &ec2.DescribeInstancesInput{}
				for _, name := range sortedKeys(tt.filters) {
					in.Filters = append(in.Filters, ec2types.Filter{Name: aws.String(name), Values: tt.filters[name]})
				}
				out, err := client.DescribeInstances(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, idsOf(out)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestUnknownFiltersAndParametersAreUnmodelled(t *testing.T) {
	unknown := []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{"vpc-1"}}}
	calls := map[string]func(t *testing.T, client *ec2.Client) error{
		"ec2:DescribeInstances filter vpc-id": func(t *testing.T, client *ec2.Client) error {
			_, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: unknown})
			return err
		},
		"ec2:DescribeInstanceStatus filter vpc-id": func(t *testing.T, client *ec2.Client) error {
			_, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{Filters: unknown})
			return err
		},
		"ec2:DescribeInstanceTypes filter vpc-id": func(t *testing.T, client *ec2.Client) error {
			_, err := client.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{Filters: unknown})
			return err
		},
		"ec2:DescribeSpotInstanceRequests filter vpc-id": func(t *testing.T, client *ec2.Client) error {
			_, err := client.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{Filters: unknown})
			return err
		},
		"ec2:DescribeRegions filter vpc-id": func(t *testing.T, client *ec2.Client) error {
			_, err := client.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{Filters: unknown})
			return err
		},
		"ec2:DescribeInstanceAttribute userData": func(t *testing.T, client *ec2.Client) error {
			_, err := client.DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{InstanceId: aws.String("i-1"), Attribute: "userData"})
			return err
		},
		"ec2:StopInstances Force and SkipOsShutdown": func(t *testing.T, client *ec2.Client) error {
			_, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{"i-1"}, Force: aws.Bool(true)})
			return err
		},
		"ec2:StartInstances AdditionalInfo": func(t *testing.T, client *ec2.Client) error {
			_, err := client.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{"i-1"}, AdditionalInfo: aws.String("x")})
			return err
		},
	}
	for what, do := range calls {
		t.Run(what, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				err := do(t, ec2.NewFromConfig(a.Process("p").Config()))
				if got := a.Unmodelled(); err == nil || !slices.Equal(got, []string{what}) {
					t.Errorf("answered %v, and unmodelled is %q", err, got)
				}
			})
		})
	}
}

func TestManagedInstancesMayBeHidden(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{Operator: "eks.amazonaws.com", Hidden: true})
		for _, include := range []bool{false, true} {
			out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{IncludeManagedResources: aws.Bool(include)})
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Contains(idsOf(out), id); got != include {
				t.Errorf("IncludeManagedResources %v lists it: %v", include, got)
			}
			status, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{IncludeManagedResources: aws.Bool(include)})
			if err != nil || (len(status.InstanceStatuses) == 1) != include {
				t.Errorf("IncludeManagedResources %v shows %d statuses, %v", include, len(status.InstanceStatuses), err)
			}
			if include {
				operator := out.Reservations[0].Instances[0].Operator
				if !*operator.Managed || *operator.Principal != "eks.amazonaws.com" {
					t.Errorf("operator %v", operator)
				}
			}
		}
	})
}

func TestStatusChecksTakeTimeAndMayFail(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{State: stopped})
		status := func(all bool) string {
			out, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}, IncludeAllInstances: aws.Bool(all)})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.InstanceStatuses) == 0 {
				return "not listed"
			}
			return fmt.Sprint(out.InstanceStatuses[0].InstanceState.Name, " ", out.InstanceStatuses[0].InstanceStatus.Status, " ", out.InstanceStatuses[0].SystemStatus.Status)
		}
		if got := status(false); got != "not listed" {
			t.Errorf("stopped, without IncludeAllInstances: %s", got)
		}
		if got := status(true); got != "stopped not-applicable not-applicable" {
			t.Errorf("stopped: %s", got)
		}
		if err := startThem(t, client, id); err != nil {
			t.Fatal(err)
		}
		until(t, a, id, running)
		time.Sleep(maxLag)
		if got := status(false); got != "running initializing initializing" {
			t.Errorf("just running: %s", got)
		}
		time.Sleep(maxChecks)
		if got := status(false); got != "running ok ok" {
			t.Errorf("later: %s", got)
		}
		a.SetImpaired(here, id, true)
		if got := status(false); got != "running impaired impaired" {
			t.Errorf("impaired: %s", got)
		}
		_, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: make([]string, 101)})
		if code(err) != "InvalidParameterValue" {
			t.Errorf("101 ids: %v", err)
		}
	})
}

func TestInstanceTypesTellOfInstanceStorage(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		out, err := client.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []ec2types.InstanceType{"m5.large", "m5d.large"}})
		if err != nil || len(out.InstanceTypes) != 2 {
			t.Fatal(out, err)
		}
		for _, it := range out.InstanceTypes {
			if got, want := *it.InstanceStorageSupported, it.InstanceType == "m5d.large"; got != want || *it.VCpuInfo.DefaultVCpus != 2 {
				t.Errorf("%s: storage %v, %d vCPUs", it.InstanceType, got, *it.VCpuInfo.DefaultVCpus)
			}
		}
		_, err = client.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []ec2types.InstanceType{"m5.large", "z9.huge"}})
		if code(err) != "InvalidInstanceType" {
			t.Errorf("an unknown type: %v", err)
		}
		_, err = client.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: make([]ec2types.InstanceType, 101)})
		if code(err) != "InvalidParameterValue" {
			t.Errorf("101 types: %v", err)
		}
		listed := 0
		for pages := ec2.NewDescribeInstanceTypesPaginator(client, &ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(7)}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			listed += len(page.InstanceTypes)
		}
		if listed != len(instanceTypes) {
			t.Errorf("pages of seven list %d types, want %d", listed, len(instanceTypes))
		}
	})
}

func TestStopProtectionIsReadPerInstance(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		id := a.AddInstance(here, Instance{StopProtected: true})
		out, err := client.DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: "disableApiStop"})
		if err != nil || !*out.DisableApiStop.Value {
			t.Errorf("got %v, %v", out, err)
		}
	})
}

func TestRegions(t *testing.T) {
	names := func(out *ec2.DescribeRegionsOutput) (all []string) {
		for _, r := range out.Regions {
			all = append(all, *r.RegionName+" "+*r.OptInStatus)
		}
		return all
	}
	o := Options{Regions: []string{"us-east-1", "eu-west-1", "af-south-1"}}
	withEC2(t, o, func(t *testing.T, a *Account, client *ec2.Client) {
		out, err := client.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"af-south-1 opted-in", "eu-west-1 opt-in-not-required", "us-east-1 opt-in-not-required"}, names(out)); diff != "" {
			t.Errorf("enabled regions: %s", diff)
		}
		out, err = client.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true)})
		if err != nil || !slices.Contains(names(out), "me-south-1 not-opted-in") || len(out.Regions) != len(alwaysOn)+len(optIn) {
			t.Errorf("all regions: %v, %v", names(out), err)
		}
		out, err = client.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true),
			Filters: []ec2types.Filter{{Name: aws.String("opt-in-status"), Values: []string{"opted-in"}}}})
		if err != nil || len(out.Regions) != 1 {
			t.Errorf("opted in: %v, %v", names(out), err)
		}
		if _, err = client.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{RegionNames: []string{"xx-west-1"}}); code(err) != "InvalidParameterValue" {
			t.Errorf("a region that does not exist: %v", err)
		}
	})
}

func TestCompareNamesEveryDifference(t *testing.T) {
	before := State{
		"r ec2:instance i-1": {"State": "running", "LaunchTime": "then", "Tags.a": "1"},
		"r ec2:instance i-2": {"State": "running"},
	}
	after := State{
		"r ec2:instance i-1": {"State": "stopped", "LaunchTime": "now", "Tags.b": "2"},
		"r ec2:instance i-3": {"State": "stopped"},
	}
	different, byAWS := Compare(before, after)
	want := []Difference{
		{Resource: "r ec2:instance i-1", Field: "State", Before: "running", After: "stopped"},
		{Resource: "r ec2:instance i-1", Field: "Tags.a", Before: "1"},
		{Resource: "r ec2:instance i-1", Field: "Tags.b", After: "2"},
		{Resource: "r ec2:instance i-2", Field: "exists", Before: "running"},
		{Resource: "r ec2:instance i-3", Field: "exists", After: "stopped"},
	}
	if diff := cmp.Diff(want, different); diff != "" {
		t.Error(diff)
	}
	if len(byAWS) != 1 || byAWS[0].Field != "LaunchTime" || byAWS[0].Source == "" {
		t.Errorf("by AWS: %v", byAWS)
	}
}
