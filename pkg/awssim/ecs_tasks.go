package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// listTasks lists the tasks that are meant to run, or those that are meant to be stopped.
func listTasks(c *call, in *ecs.ListTasksInput) (*ecs.ListTasksOutput, error) {
	switch {
	case in.Family != nil:
		return nil, c.unmodelled("ecs:ListTasks Family")
	case in.StartedBy != nil:
		return nil, c.unmodelled("ecs:ListTasks StartedBy")
	case in.DaemonName != nil:
		return nil, c.unmodelled("ecs:ListTasks DaemonName")
	}
	size, after, err := ecsPage(in.MaxResults, 100, in.NextToken)
	if err != nil {
		return nil, err
	}
	cluster, err := c.cluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	if in.ServiceName != nil && cluster.services[lastPart(*in.ServiceName)] == nil {
		return nil, withStatus(http.StatusBadRequest, &types.ServiceNotFoundException{Message: aws.String("Service not found.")})
	}
	var arns []string
	for _, t := range cluster.tasks {
		if t.listedBy(in) {
			arns = append(arns, t.arn)
		}
	}
	slices.Sort(arns)
	page, next := pageAfter(arns, after, c.most(size), itself)
	return &ecs.ListTasksOutput{TaskArns: page, NextToken: next}, nil
}

func (t *ecsTask) listedBy(in *ecs.ListTasksInput) bool {
	switch {
	case t.desired != cmp.Or(string(in.DesiredStatus), taskRunning):
		return false
	case in.ServiceName != nil && (t.service == nil || t.service.Name != lastPart(*in.ServiceName)):
		return false
	case in.ContainerInstance != nil && (t.host == nil || lastPart(t.host.arn) != lastPart(*in.ContainerInstance)):
		return false
	}
	return in.LaunchType == "" || in.LaunchType == t.launchType()
}

// launchType is EC2 on a host; tasks on Fargate have their own.
func (t *ecsTask) launchType() types.LaunchType {
	if t.host != nil {
		return types.LaunchTypeEc2
	}
	return types.LaunchTypeFargate
}

// describeTasks takes a hundred tasks at most.
func describeTasks(c *call, in *ecs.DescribeTasksInput) (*ecs.DescribeTasksOutput, error) {
	cluster, err := c.cluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	if n := len(in.Tasks); n == 0 || n > 100 {
		return nil, invalidECS("Tasks must have between 1 and 100 members, not %d", n)
	}
	out := &ecs.DescribeTasksOutput{}
	for _, name := range in.Tasks {
		t := cluster.tasks[lastPart(name)]
		if t == nil {
			out.Failures = append(out.Failures, c.missing("task/"+cluster.Name, name))
			continue
		}
		out.Tasks = append(out.Tasks, c.showTask(cluster, t, slices.Contains(in.Include, types.TaskFieldTags)))
	}
	return out, nil
}

func (c *call) showTask(cluster *ecsCluster, t *ecsTask, tags bool) types.Task {
	out := types.Task{
		TaskArn: aws.String(t.arn), ClusterArn: aws.String(cluster.arn), LastStatus: aws.String(t.last), DesiredStatus: aws.String(t.desired),
		CreatedAt: aws.Time(t.created), StartedAt: timeOrNil(t.started), StoppingAt: timeOrNil(t.stopping), StoppedAt: timeOrNil(t.stopped),
		LaunchType: t.launchType(), Group: aws.String("family:" + t.spec.Family),
		TaskDefinitionArn: aws.String(c.account.ecsARN(c.region, "task-definition/"+t.spec.Family+":1")),
	}
	labels := t.spec.Tags
	if s := t.service; s != nil {
		out.Group, out.StartedBy = aws.String("service:"+s.Name), aws.String(fmt.Sprintf("ecs-svc/%019d", hash(c.account.seed, s.key)>>1))
		out.TaskDefinitionArn = aws.String(c.account.ecsARN(c.region, "task-definition/"+s.Name+":7"))
		labels = nil // services here do not propagate theirs
	}
	if t.host != nil {
		out.ContainerInstanceArn = aws.String(t.host.arn)
	} else {
		t.showSize(&out)
	}
	if t.why != "" {
		out.StoppedReason = aws.String(t.why)
	}
	if tags {
		for _, k := range slices.Sorted(maps.Keys(labels)) {
			out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(labels[k])})
		}
	}
	return out
}

// showSize adds what ECS tells of a task on Fargate alone.
func (t *ecsTask) showSize(out *types.Task) {
	size, provider := t.spec.Size, ""
	if s := t.service; s != nil {
		size, provider = s.Size, s.Provider
	}
	out.Cpu, out.Memory = aws.String(strconv.Itoa(cmp.Or(size.CPU, 1024))), aws.String(strconv.Itoa(cmp.Or(size.Memory, 2048)))
	out.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: int32(cmp.Or(size.Disk, 20))}
	out.PlatformFamily = aws.String("Linux")
	if size.Windows {
		out.PlatformFamily = aws.String("Windows_Server_2022_Core")
	}
	architecture := "x86_64"
	if size.ARM {
		architecture = "arm64"
	}
	out.Attributes = []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String(architecture)}}
	if provider != "" {
		out.CapacityProviderName = aws.String(provider)
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func listContainerInstances(c *call, in *ecs.ListContainerInstancesInput) (*ecs.ListContainerInstancesOutput, error) {
	if in.Filter != nil {
		return nil, c.unmodelled("ecs:ListContainerInstances Filter")
	}
	size, after, err := ecsPage(in.MaxResults, 100, in.NextToken)
	if err != nil {
		return nil, err
	}
	cluster, err := c.cluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	var arns []string
	for _, h := range cluster.hosts {
		if in.Status == "" || in.Status == types.ContainerInstanceStatusActive {
			arns = append(arns, h.arn)
		}
	}
	slices.Sort(arns)
	page, next := pageAfter(arns, after, c.most(size), itself)
	return &ecs.ListContainerInstancesOutput{ContainerInstanceArns: page, NextToken: next}, nil
}

// describeContainerInstances takes a hundred container instances at most.
func describeContainerInstances(c *call, in *ecs.DescribeContainerInstancesInput) (*ecs.DescribeContainerInstancesOutput, error) {
	cluster, err := c.cluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	if n := len(in.ContainerInstances); n == 0 || n > 100 {
		return nil, invalidECS("Container instances must have between 1 and 100 members, not %d", n)
	}
	byID := map[string]*host{}
	for _, h := range cluster.hosts {
		byID[lastPart(h.arn)] = h
	}
	out := &ecs.DescribeContainerInstancesOutput{}
	for _, name := range in.ContainerInstances {
		h := byID[lastPart(name)]
		if h == nil {
			out.Failures = append(out.Failures, c.missing("container-instance/"+cluster.Name, name))
			continue
		}
		shown := types.ContainerInstance{
			ContainerInstanceArn: aws.String(h.arn), Ec2InstanceId: aws.String(h.ID), Status: aws.String("ACTIVE"),
			AgentConnected: h.connected, RegisteredAt: aws.Time(h.registered),
		}
		for _, t := range h.tasks {
			if t.last == taskPending {
				shown.PendingTasksCount++
			} else {
				shown.RunningTasksCount++
			}
		}
		out.ContainerInstances = append(out.ContainerInstances, shown)
	}
	return out, nil
}
