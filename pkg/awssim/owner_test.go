package awssim

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/google/go-cmp/cmp"
)

func TestDatabaseThatIsCreatedAgainIsAnother(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddDBInstance(here, DBInstance{ID: "orders"})
		db := databasesOf(t, a)
		first := db.instance("orders")
		if !a.DeleteDatabase(here, "orders") || a.DeleteDatabase(here, "orders") {
			t.Fatal("a database can be deleted once")
		}
		time.Sleep(maxDBLag)
		if got := aws.ToString(db.instance("orders").DBInstanceStatus); got != dbGoing {
			t.Errorf("while it is being deleted it is %s", got)
		}
		time.Sleep(maxDBDeleting)
		if _, exists := a.State()[here+" rds:instance orders"]; exists {
			t.Fatal("it is still there")
		}
		a.AddDBInstance(here, DBInstance{ID: "orders"})
		if second := db.instance("orders"); *second.DbiResourceId == *first.DbiResourceId || !second.InstanceCreateTime.After(*first.InstanceCreateTime) {
			t.Errorf("created again it is the same: %s of %s", *second.DbiResourceId, second.InstanceCreateTime)
		}
	})
}

func TestClusterIsDeletedWithItsMembersUnlessItIsBound(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddDBCluster(here, DBCluster{ID: "free", Members: []DBMember{{ID: "free-1"}}})
		a.AddDBCluster(here, DBCluster{ID: "bound", Global: "world"})
		if a.DeleteDatabase(here, "bound") || a.DeleteDatabase(here, "free-1") || a.DeleteDatabase(here, "nobody") {
			t.Error("deleted what cannot be")
		}
		if !a.DeleteDatabase(here, "free") {
			t.Fatal("not deleted")
		}
		time.Sleep(maxDBDeleting + time.Second)
		if got := a.Census(); got["rds:cluster"] != 1 || got["rds:member"] != 0 {
			t.Errorf("left over: %v", got)
		}
	})
}

func TestDatabaseStaysInAStatusUntilItIsHelped(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddDBCluster(here, DBCluster{ID: "c", Members: []DBMember{{ID: "c-1"}}})
		db := databasesOf(t, a)
		a.SetDatabaseStatus(here, "c", "storage-full")
		time.Sleep(time.Hour)
		if db.do("stop cluster", "c") == nil {
			t.Error("a cluster in need of help was stopped")
		}
		a.SetDatabaseStatus(here, "c", dbAvailable)
		db.must("stop cluster", "c")
		a.EditDatabase(here, "c", func(life *DBLife) { life.StartRefused, life.StartRefusals = "InsufficientDBInstanceCapacity", 1 })
		time.Sleep(maxDBStopping + time.Minute)
		if db.do("start cluster", "c") == nil {
			t.Error("started without capacity")
		}
		db.must("start cluster", "c")
	})
}

func TestGroupIsDeletedWithItsMembers(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddGroup(here, Group{Name: "web", Max: 2, Desired: 2, Suspended: groupProcesses})
		groups := autoscaling.NewFromConfig(user(a))
		arn := func() string {
			out, err := groups.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{})
			if err != nil || len(out.AutoScalingGroups) != 1 {
				t.Fatalf("%d groups, %v", len(out.AutoScalingGroups), err)
			}
			return *out.AutoScalingGroups[0].AutoScalingGroupARN
		}
		first := arn()
		if !a.DeleteGroup(here, "web") || a.DeleteGroup(here, "web") {
			t.Fatal("a group can be deleted once")
		}
		if _, err := groups.ResumeProcesses(t.Context(), &autoscaling.ResumeProcessesInput{AutoScalingGroupName: aws.String("web")}); err == nil {
			t.Error("a group that is being deleted was changed")
		}
		time.Sleep(maxStopping)
		if got := a.Census(); got["autoscaling:group"]+got["ec2:member"]+got["ec2:instance"] != 0 {
			t.Fatalf("left over: %v", got)
		}
		a.AddGroup(here, Group{Name: "web", Max: 1, Desired: 1})
		if second := arn(); second == first {
			t.Errorf("created again it is the same: %s", second)
		}
	})
}

func TestDeletedServiceDrainsAndIsListedNoMore(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 2})
		a.AddScalableTarget(here, ScalableTarget{Cluster: "c", Service: "s", Min: 1, Max: 5, Demand: 4})
		s := servicesOf(t, a)
		first := *s.service("c", "s").CreatedAt
		if !a.DeleteECSService(here, "c", "s") {
			t.Fatal("not deleted")
		}
		if out, err := s.ListServices(t.Context(), &ecs.ListServicesInput{Cluster: aws.String("c")}); err != nil || len(out.ServiceArns) != 0 {
			t.Errorf("it is listed: %v, %v", out.ServiceArns, err)
		}
		var seen []string
		for range 2 {
			seen = append(seen, *s.service("c", "s").Status)
			time.Sleep(maxTaskStopping + maxScaling)
		}
		if diff := cmp.Diff([]string{"DRAINING", "INACTIVE"}, seen); diff != "" {
			t.Error(diff)
		}
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 1})
		if second := s.service("c", "s"); !second.CreatedAt.After(first) || *second.Status != "ACTIVE" {
			t.Errorf("created again it is the same: %s, %s", second.CreatedAt, *second.Status)
		}
	})
}

func TestTagIsSetOnOneResourceOnly(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		shared := map[string]string{"env": "prod"}
		one := a.AddInstance(here, Instance{Tags: shared})
		other := a.AddInstance(here, Instance{Tags: shared})
		a.AddGroup(here, Group{Name: "g", Tags: shared})
		a.AddDBInstance(here, DBInstance{ID: "d", Tags: shared})
		a.AddDBCluster(here, DBCluster{ID: "c", Tags: shared})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Tags: shared})
		before := a.State()
		for _, r := range [][2]string{{"ec2:instance", one}, {"autoscaling:group", "g"}, {"rds:instance", "d"}, {"rds:cluster", "c"}, {"ecs:service", "c/s"}} {
			if !a.SetTag(here, r[0], r[1], "k", "v") {
				t.Errorf("no %s %s", r[0], r[1])
			}
		}
		if a.SetTag(here, "ec2:instance", "i-nobody", "k", "v") {
			t.Error("tagged what does not exist")
		}
		different, _ := Compare(before, a.State())
		if len(different) != 5 {
			t.Errorf("the tag was put on %d resources, %s among them untagged: %+v", len(different), other, different)
		}
	})
}

func TestShortPagesAreFollowedToTheEnd(t *testing.T) {
	inBubble(t, Options{ShortPages: 2}, func(t *testing.T, a *Account) {
		for n := range 5 {
			a.AddGroup(here, Group{Name: fmt.Sprint("g", n), Max: 1, Members: []Member{}})
		}
		pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(autoscaling.NewFromConfig(user(a)),
			&autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(100)})
		var sizes []int
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.AutoScalingGroups))
		}
		if diff := cmp.Diff([]int{2, 2, 1}, sizes); diff != "" {
			t.Error(diff)
		}
	})
}
