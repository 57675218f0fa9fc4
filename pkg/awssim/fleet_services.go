package awssim

import (
	"fmt"
	"time"
)

// ecsClusterName is the cluster of the services on Fargate.
const ecsClusterName = "main"

// service adds a service and returns its name. It is put into the main cluster unless it says
// another.
func (b *builder) service(what string, s ECSService, tags ...string) string {
	s.Name, s.Tags = b.name(what), b.tags(tags...)
	if s.Cluster == "" {
		s.Cluster = ecsClusterName
	}
	b.a.AddECSService(b.region, s)
	return s.Name
}

// scaled adds a service and its scalable target.
func (b *builder) scaled(what string, s ECSService, t ScalableTarget, tags ...string) {
	t.Service = b.service(what, s, tags...)
	t.Cluster = ecsClusterName
	b.a.AddScalableTarget(b.region, t)
}

func ordinaryService(b *builder) {
	s := ECSService{Desired: 1 + b.draw(4)}
	if b.draw(2) == 0 {
		b.service("worker", s)
		return
	}
	b.scaled("api", s, ScalableTarget{Min: 1, Max: 10, Demand: s.Desired})
}

// serving makes a situation of one service without a scalable target.
func serving(what string, s ECSService, tags ...string) situation {
	return situation{what: what, add: func(b *builder) { b.service(what, s, tags...) }}
}

// scaling makes a situation of one service with one.
func scaling(what string, s ECSService, t ScalableTarget) situation {
	return situation{what: what, add: func(b *builder) { b.scaled(what, s, t) }}
}

// hosts adds a group whose n members are the container instances of a cluster of their own. It returns
// the cluster's name, which is also that of the group and of the capacity provider between them.
func (b *builder) hosts(n int, managed bool) string {
	cluster := fmt.Sprint("hosts-", b.made+1)
	b.group("hosts", Group{Min: 1, Max: 2 * n, Desired: n, Cluster: cluster, ManagedScaling: managed}, "AmazonECSManaged", "")
	return cluster
}

// serviceSituations are those of ECS services. None of them changes as long as nobody touches it.
var serviceSituations = []situation{
	{what: "service", add: ordinaryService},
	serving("idle", ECSService{Desired: 0}),
	serving("protected", ECSService{Desired: 1}, protectTag, "true"),
	serving("code-deploy", ECSService{Desired: 2, Controller: "CODE_DEPLOY"}),
	serving("external", ECSService{Desired: 2, Controller: "EXTERNAL"}),
	serving("deploying", ECSService{Desired: 2, Deploying: 4 * time.Minute}),
	serving("express", ECSService{Desired: 1, Express: true}),
	variant(serving("inactive", ECSService{Status: "INACTIVE"})),
	variant(serving("draining", ECSService{Status: "DRAINING"})),
	variant(serving("spot-provider", ECSService{Desired: 2, Provider: "FARGATE_SPOT"})),

	variant(scaling("minimum", ECSService{Desired: 3}, ScalableTarget{Min: 3, Max: 6})),
	scaling("busy", ECSService{Desired: 4}, ScalableTarget{Min: 1, Max: 8, Demand: 4}),
	scaling("suspended", ECSService{Desired: 2}, ScalableTarget{
		Min: 1, Max: 8, Demand: 5, SuspendedIn: true, SuspendedOut: true, SuspendedScheduled: true,
	}),
	variant(scaling("half-suspended", ECSService{Desired: 2}, ScalableTarget{Min: 1, Max: 8, Demand: 2, SuspendedIn: true})),
	scaling("scaled-to-zero", ECSService{Desired: 0}, ScalableTarget{Min: 0, Max: 4}),
	scaling("scheduled", ECSService{Desired: 2}, ScalableTarget{Min: 2, Max: 5, Scheduled: []ScalingSchedule{
		{In: 3 * time.Minute, Min: 2, Max: 5}, {In: 25 * time.Minute, Min: 2, Max: 5},
	}}),

	{what: "task", add: func(b *builder) {
		b.made++
		b.a.AddECSTask(b.region, ECSTask{Cluster: ecsClusterName, Tags: b.tags()})
	}},
	{what: "short-arns", add: func(b *builder) {
		cluster := fmt.Sprint("old-", b.made+1)
		b.a.AddECSCluster(b.region, ECSCluster{Name: cluster, ShortARNs: true})
		b.service("old", ECSService{Cluster: cluster, Desired: 1})
	}},
	{what: "on-hosts", add: func(b *builder) {
		cluster := b.hosts(2, true)
		b.service("hosted", ECSService{Cluster: cluster, Desired: 2, Provider: cluster})
		b.service("daemon", ECSService{Cluster: cluster, Daemon: true, LaunchType: "EC2"})
	}},
	{what: "on-protected-hosts", add: func(b *builder) {
		cluster := b.hosts(1, false)
		b.service("protected-hosted", ECSService{Cluster: cluster, Desired: 1, LaunchType: "EC2"}, protectTag, "true")
		b.service("beside-protected", ECSService{Cluster: cluster, Desired: 1, LaunchType: "EC2"})
	}},
	{what: "on-protected-instance", add: func(b *builder) {
		cluster := fmt.Sprint("instance-", b.made+1)
		host := b.instance("host", Instance{})
		b.a.AddECSCluster(b.region, ECSCluster{Name: cluster, Hosts: []string{host}})
		b.service("protected-on-instance", ECSService{Cluster: cluster, Desired: 1, LaunchType: "EC2"}, protectTag, "true")
	}},
	{what: "on-instance", add: func(b *builder) {
		cluster := fmt.Sprint("instance-", b.made+1)
		host := b.instance("host", Instance{})
		b.a.AddECSCluster(b.region, ECSCluster{Name: cluster, Hosts: []string{host}})
		b.service("on-instance", ECSService{Cluster: cluster, Desired: 2, LaunchType: "EC2"})
	}},
	variant(situation{what: "unplaceable", add: func(b *builder) {
		b.service("unplaceable", ECSService{Cluster: fmt.Sprint("nowhere-", b.made+1), Desired: 1, LaunchType: "EC2"})
	}}),
}
