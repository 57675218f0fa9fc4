package awssim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

// ecsServices asks and tells ECS.
type ecsServices struct {
	t *testing.T
	*ecs.Client
}

func servicesOf(t *testing.T, a *Account) ecsServices {
	return ecsServices{t, ecs.NewFromConfig(user(a))}
}

func (s ecsServices) desire(cluster, name string, n int32) {
	s.t.Helper()
	if _, err := s.UpdateService(s.t.Context(), &ecs.UpdateServiceInput{Cluster: &cluster, Service: &name, DesiredCount: &n}); err != nil {
		s.t.Fatal(err)
	}
}

func (s ecsServices) service(cluster, name string) types.Service {
	s.t.Helper()
	out, err := s.DescribeServices(s.t.Context(), &ecs.DescribeServicesInput{
		Cluster: &cluster, Services: []string{name}, Include: []types.ServiceField{types.ServiceFieldTags},
	})
	if err != nil || len(out.Services) != 1 {
		s.t.Fatalf("service %s: %v, %v", name, out, err)
	}
	return out.Services[0]
}

// counts are desired, running and pending.
func (s ecsServices) counts(cluster, name string) [3]int32 {
	s.t.Helper()
	service := s.service(cluster, name)
	return [3]int32{service.DesiredCount, service.RunningCount, service.PendingCount}
}

func TestServiceConvergesTaskByTask(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 5, Tags: map[string]string{"k": "v"}})
		before, s := a.State(), servicesOf(t, a)
		if got := s.counts("c", "s"); got != [3]int32{5, 5, 0} {
			t.Fatalf("at first %v", got)
		}
		s.desire("c", "s", 0)
		time.Sleep(maxServiceLag)
		if got := s.counts("c", "s"); got != [3]int32{0, 5, 0} {
			t.Errorf("right after the update %v, want all tasks still there", got)
		}
		var running []int32
		for range maxTaskStopping / time.Second {
			time.Sleep(time.Second)
			if n := s.counts("c", "s")[1]; len(running) == 0 || running[len(running)-1] != n {
				running = append(running, n)
			}
		}
		if len(running) < 4 || running[len(running)-1] != 0 {
			t.Errorf("running counts on the way down: %v", running)
		}
		s.desire("c", "s", 5)
		time.Sleep(maxServiceLag)
		if got := s.counts("c", "s"); got != [3]int32{5, 0, 5} {
			t.Errorf("right after the resume %v, want all pending", got)
		}
		time.Sleep(maxTaskStarting)
		different, byAWS := Compare(before, a.State())
		if len(different) > 0 || len(byAWS) != 1 || byAWS[0].Field != "Deployments.UpdatedAt" {
			t.Errorf("not as before: %v, by AWS %v", different, byAWS)
		}
	})
}

func TestListingLagsBehindAnUpdate(t *testing.T) {
	lagged := 0
	for seed := range uint64(20) {
		inBubble(t, Options{Seed: seed}, func(t *testing.T, a *Account) {
			a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 2})
			s := servicesOf(t, a)
			s.desire("c", "s", 0)
			if s.counts("c", "s")[0] == 2 {
				lagged++
			}
		})
	}
	if lagged < 10 {
		t.Errorf("in %d of 20 accounts a read still showed the old count, want most", lagged)
	}
}

func TestTasksLiveAndDieWithTheirHosts(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		first, second := a.AddInstance(here, Instance{}), a.AddInstance(here, Instance{})
		a.AddECSCluster(here, ECSCluster{Name: "c", Hosts: []string{first, second}})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 4, LaunchType: "EC2"})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "daemon", Daemon: true, LaunchType: "EC2"})
		task := a.AddECSTask(here, ECSTask{Cluster: "c", Host: first})
		s, o := servicesOf(t, a), ownerOf(t, a)
		if got := s.counts("c", "daemon"); got != [3]int32{2, 2, 0} {
			t.Errorf("daemon %v, want one on each host", got)
		}

		o.stop(first)
		if got := s.counts("c", "s"); got[1] != 2 || got[2] != 2 {
			t.Errorf("one host stopped: %v, want two tasks moving to the other", got)
		}
		time.Sleep(maxTaskStarting)
		o.stop(second)
		time.Sleep(time.Hour)
		if got := s.counts("c", "s"); got != [3]int32{4, 0, 0} {
			t.Errorf("no host: %v, want nothing placed", got)
		}
		if got := s.counts("c", "daemon"); got != [3]int32{0, 0, 0} {
			t.Errorf("daemon without hosts: %v", got)
		}
		hosts, err := s.ListContainerInstances(t.Context(), &ecs.ListContainerInstancesInput{Cluster: aws.String("c")})
		if err != nil {
			t.Fatal(err)
		}
		connected := func() (ids []string) {
			out, err := s.DescribeContainerInstances(t.Context(), &ecs.DescribeContainerInstancesInput{Cluster: aws.String("c"), ContainerInstances: hosts.ContainerInstanceArns})
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range out.ContainerInstances {
				if h.AgentConnected {
					ids = append(ids, *h.Ec2InstanceId)
				}
			}
			return ids
		}
		if got := connected(); got != nil {
			t.Errorf("agents of stopped hosts are connected: %v", got)
		}
		o.start(first, second)
		time.Sleep(maxPending + maxAgent + maxTaskStarting)
		if got := s.counts("c", "s"); got != [3]int32{4, 4, 0} || len(connected()) != 2 {
			t.Errorf("hosts back: %v, connected %v", got, connected())
		}
		if got := s.counts("c", "daemon"); got != [3]int32{2, 2, 0} {
			t.Errorf("daemon back: %v", got)
		}
		out, err := s.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("c"), Tasks: []string{task}})
		if err != nil || aws.ToString(out.Tasks[0].LastStatus) != "STOPPED" {
			t.Errorf("a standalone task came back: %v, %v", out, err)
		}
	})
}

func TestTerminatedHostIsDeregistered(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddGroup(here, Group{Name: "g", Max: 2, Desired: 2, Cluster: "c"})
		s := servicesOf(t, a)
		a.Terminate(here, *ownerOf(t, a).group().Instances[0].InstanceId)
		time.Sleep(time.Hour)
		hosts, err := s.ListContainerInstances(t.Context(), &ecs.ListContainerInstancesInput{Cluster: aws.String("c")})
		if err != nil || len(hosts.ContainerInstanceArns) != 2 {
			t.Errorf("container instances %v, %v; want the one that stayed and the one in its place", hosts, err)
		}
	})
}

func TestUpdatesOfServices(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		for _, controller := range []string{"ECS", "CODE_DEPLOY", "EXTERNAL"} {
			a.AddECSService(here, ECSService{Cluster: "c", Name: controller, Desired: 1, Controller: controller})
		}
		a.AddECSService(here, ECSService{Cluster: "c", Name: "gone", Status: "INACTIVE"})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "express", Express: true})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "daemon", Daemon: true, LaunchType: "EC2"})
		s := servicesOf(t, a)
		update := ecs.UpdateServiceInput{Cluster: aws.String("c"), DesiredCount: aws.Int32(0)}
		for name, tt := range map[string]struct {
			service string
			edit    func(in *ecs.UpdateServiceInput)
			want    string
		}{
			"rolling":    {"ECS", nil, ""},
			"CodeDeploy": {"CODE_DEPLOY", nil, ""},
			"external":   {"EXTERNAL", nil, ""},
			"by ARN":     {"arn:aws:ecs:us-east-1:111122223333:service/c/ECS", nil, ""},
			"by the ARN of its cluster": {"ECS", func(in *ecs.UpdateServiceInput) {
				in.Cluster = aws.String("arn:aws:ecs:us-east-1:111122223333:cluster/c")
			}, ""},
			"an Express service is not modelled":  {"express", nil, "awssim.Unmodelled"},
			"a daemon":                            {"daemon", nil, "InvalidParameterException"},
			"an inactive service":                 {"gone", nil, "ServiceNotActiveException"},
			"an unknown service":                  {"none", nil, "ServiceNotFoundException"},
			"an unknown cluster":                  {"ECS", func(in *ecs.UpdateServiceInput) { in.Cluster = aws.String("d") }, "ClusterNotFoundException"},
			"a negative count":                    {"ECS", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(-1) }, "InvalidParameterException"},
			"more than the count is not modelled": {"ECS", func(in *ecs.UpdateServiceInput) { in.ForceNewDeployment = true }, "awssim.Unmodelled"},
			"a task definition is not, either":    {"ECS", func(in *ecs.UpdateServiceInput) { in.TaskDefinition = aws.String("x:1") }, "awssim.Unmodelled"},
		} {
			in := update
			in.Service = aws.String(tt.service)
			if tt.edit != nil {
				tt.edit(&in)
			}
			if _, err := s.UpdateService(t.Context(), &in); code(err) != tt.want {
				t.Errorf("%s: got %v, want %q", name, err, tt.want)
			}
		}
		time.Sleep(maxServiceLag)
		if rolling := s.service("c", "ECS"); len(rolling.Deployments) != 1 || len(rolling.TaskSets) != 0 || rolling.Deployments[0].DesiredCount != 0 {
			t.Errorf("deployments %v, task sets %v", rolling.Deployments, rolling.TaskSets)
		}
		if blueGreen := s.service("c", "CODE_DEPLOY"); len(blueGreen.Deployments) != 0 || len(blueGreen.TaskSets) != 1 {
			t.Errorf("deployments %v, task sets %v", blueGreen.Deployments, blueGreen.TaskSets)
		}
	})
}

func TestProtectedTasksOutliveADesiredCountOfZero(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 3, ProtectedTasks: 1, ProtectedFor: 6 * time.Hour})
		s := servicesOf(t, a)
		s.desire("c", "s", 0)
		time.Sleep(5 * time.Hour)
		if got := s.counts("c", "s"); got != [3]int32{0, 1, 0} {
			t.Errorf("got %v, want the protected task", got)
		}
		time.Sleep(2 * time.Hour)
		if got := s.counts("c", "s"); got != [3]int32{0, 0, 0} {
			t.Errorf("got %v after the protection", got)
		}
	})
}

func TestDeploymentInFlightShowsTwo(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: 1, Deploying: 10 * time.Minute})
		s := servicesOf(t, a)
		if got := len(s.service("c", "s").Deployments); got != 2 {
			t.Errorf("%d deployments, want 2", got)
		}
		time.Sleep(10 * time.Minute)
		if got := len(s.service("c", "s").Deployments); got != 1 {
			t.Errorf("%d deployments afterwards, want 1", got)
		}
	})
}

func TestServicesComeInPagesAndTens(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		var names []string
		for i := range 25 {
			names = append(names, fmt.Sprintf("s-%02d", i))
			a.AddECSService(here, ECSService{Cluster: "c", Name: names[i], Desired: 1, Tags: map[string]string{"k": "v"}})
		}
		a.AddECSService(here, ECSService{Cluster: "c", Name: "hosted", LaunchType: "EC2", Desired: 1})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "daemon", LaunchType: "EC2", Daemon: true})
		a.AddECSCluster(here, ECSCluster{Name: "old", ShortARNs: true})
		a.AddECSService(here, ECSService{Cluster: "old", Name: "s"})
		s := servicesOf(t, a)
		list := func(in ecs.ListServicesInput) (sizes []int, arns []string) {
			in.Cluster = aws.String("c")
			for p := ecs.NewListServicesPaginator(s, &in); p.HasMorePages(); {
				out, err := p.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				sizes, arns = append(sizes, len(out.ServiceArns)), append(arns, out.ServiceArns...)
			}
			return sizes, arns
		}
		for name, tt := range map[string]struct {
			in   ecs.ListServicesInput
			want []int
		}{
			"ten by default":    {ecs.ListServicesInput{}, []int{10, 10, 7}},
			"a hundred at most": {ecs.ListServicesInput{MaxResults: aws.Int32(100)}, []int{27}},
			"by launch type":    {ecs.ListServicesInput{LaunchType: types.LaunchTypeEc2}, []int{2}},
			"by strategy":       {ecs.ListServicesInput{SchedulingStrategy: types.SchedulingStrategyDaemon}, []int{1}},
		} {
			if sizes, _ := list(tt.in); !slices.Equal(sizes, tt.want) {
				t.Errorf("%s: pages of %v, want %v", name, sizes, tt.want)
			}
		}
		clusters, err := s.ListClusters(t.Context(), &ecs.ListClustersInput{})
		if err != nil || len(clusters.ClusterArns) != 2 {
			t.Errorf("clusters %v, %v", clusters, err)
		}
		if arn := aws.ToString(s.service("old", "s").ServiceArn); arn != "arn:aws:ecs:us-east-1:111122223333:service/s" {
			t.Errorf("short ARN %s", arn)
		}

		if _, err := s.ListServices(t.Context(), &ecs.ListServicesInput{Cluster: aws.String("c"), MaxResults: aws.Int32(101)}); code(err) != "InvalidParameterException" {
			t.Errorf("a page of 101: %v", err)
		}
		if _, err := s.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("c"), Services: names[:11]}); code(err) != "InvalidParameterException" {
			t.Errorf("eleven services: %v", err)
		}
		out, err := s.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("c"), Services: []string{names[0], "none"}})
		if err != nil || len(out.Services) != 1 || len(out.Failures) != 1 || aws.ToString(out.Failures[0].Reason) != "MISSING" {
			t.Errorf("one known and one unknown: %v, %v", out, err)
		}
		if tags := out.Services[0].Tags; tags != nil {
			t.Errorf("tags that were not asked for: %v", tags)
		}
		if tags := s.service("c", names[0]).Tags; len(tags) != 1 {
			t.Errorf("tags %v", tags)
		}
	})
}

func TestTasksTellWhatTheyBelongTo(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		host := a.AddInstance(here, Instance{})
		a.AddECSCluster(here, ECSCluster{Name: "c", Hosts: []string{host}})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "hosted", LaunchType: "EC2", Desired: 1})
		a.AddECSService(here, ECSService{Cluster: "c", Name: "fargate", Desired: 2})
		a.AddECSTask(here, ECSTask{Cluster: "c", Tags: map[string]string{"k": "v"}})
		s := servicesOf(t, a)
		tasks := func(in ecs.ListTasksInput) (groups []string) {
			in.Cluster = aws.String("c")
			list, err := s.ListTasks(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			if len(list.TaskArns) == 0 {
				return nil
			}
			out, err := s.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: in.Cluster, Tasks: list.TaskArns, Include: []types.TaskField{types.TaskFieldTags}})
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range out.Tasks {
				group := aws.ToString(task.Group)
				if strings.HasPrefix(group, "service:") != strings.HasPrefix(aws.ToString(task.StartedBy), "ecs-svc/") {
					t.Errorf("group %s, started by %v", group, task.StartedBy)
				}
				if (task.ContainerInstanceArn != nil) != (task.LaunchType == types.LaunchTypeEc2) {
					t.Errorf("%s on %v is of launch type %s", group, task.ContainerInstanceArn, task.LaunchType)
				}
				if (len(task.Tags) == 1) != (group == "family:job") {
					t.Errorf("%s has tags %v", group, task.Tags)
				}
				groups = append(groups, group)
			}
			slices.Sort(groups)
			return groups
		}
		for name, tt := range map[string]struct {
			in   ecs.ListTasksInput
			want []string
		}{
			"all":           {ecs.ListTasksInput{}, []string{"family:job", "service:fargate", "service:fargate", "service:hosted"}},
			"of a service":  {ecs.ListTasksInput{ServiceName: aws.String("fargate")}, []string{"service:fargate", "service:fargate"}},
			"on Fargate":    {ecs.ListTasksInput{LaunchType: types.LaunchTypeFargate}, []string{"family:job", "service:fargate", "service:fargate"}},
			"on hosts":      {ecs.ListTasksInput{LaunchType: types.LaunchTypeEc2}, []string{"service:hosted"}},
			"to be stopped": {ecs.ListTasksInput{DesiredStatus: types.DesiredStatusStopped}, nil},
		} {
			if diff := cmp.Diff(tt.want, tasks(tt.in)); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
		s.desire("c", "fargate", 1)
		if got := tasks(ecs.ListTasksInput{DesiredStatus: types.DesiredStatusStopped}); len(got) != 1 {
			t.Errorf("to be stopped: %v", got)
		}
	})
}
