package moto_test

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// password is that of the databases.
const password = "known-to-the-owner-alone"

// seed fills the account with what a small company has, and with what must not be touched.
func (w *world) seed() {
	w.Helper()
	w.instance(here, "web", nil)
	w.instance(here, "vault", map[string]string{"aws-hit-breaks:protect": "true"})
	w.refuseStops(here, w.instance(here, "ledger-host", nil))
	w.stop(here, w.instance(here, "retired", nil))
	w.group(here, "workers")
	w.database(here, "orders")

	w.instance(there, "web", map[string]string{"aws-hit-breaks:protect": "no"})
	w.cluster(there, "ledger")
	w.stopDatabase(there, w.database(there, "archive"))
	w.services(there, "shop")

	w.instance(beyond, "far", nil)
}

func (w *world) ok(doing string, err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("seed: %s: %v", doing, err)
	}
}

// instance runs one and gives its id.
func (w *world) instance(region, name string, tags map[string]string) string {
	w.Helper()
	specs := []ec2types.Tag{{Key: aws.String("Name"), Value: &name}}
	for key, value := range tags {
		specs = append(specs, ec2types.Tag{Key: &key, Value: &value})
	}
	out, err := ec2.NewFromConfig(w.in(region)).RunInstances(w.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String("ami-12c6146b"), InstanceType: ec2types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeInstance, Tags: specs}},
	})
	w.ok("run instance "+name, err)
	return *out.Instances[0].InstanceId
}

func (w *world) refuseStops(region, id string) {
	w.Helper()
	_, err := ec2.NewFromConfig(w.in(region)).ModifyInstanceAttribute(w.Context(), &ec2.ModifyInstanceAttributeInput{
		InstanceId: &id, DisableApiStop: &ec2types.AttributeBooleanValue{Value: aws.Bool(true)},
	})
	w.ok("protect instance "+id+" from stops", err)
}

func (w *world) stop(region, id string) {
	w.Helper()
	_, err := ec2.NewFromConfig(w.in(region)).StopInstances(w.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	w.ok("stop instance "+id, err)
}

// group makes an Auto Scaling group of two members, of which one process was suspended before.
func (w *world) group(region, name string) {
	w.Helper()
	template, err := ec2.NewFromConfig(w.in(region)).CreateLaunchTemplate(w.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &name,
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String("ami-12c6146b"), InstanceType: ec2types.InstanceTypeM5Large},
	})
	w.ok("make a launch template", err)
	client := autoscaling.NewFromConfig(w.in(region))
	_, err = client.CreateAutoScalingGroup(w.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: &name, MinSize: aws.Int32(1), MaxSize: aws.Int32(4), DesiredCapacity: aws.Int32(2),
		LaunchTemplate:    &asgtypes.LaunchTemplateSpecification{LaunchTemplateId: template.LaunchTemplate.LaunchTemplateId},
		AvailabilityZones: []string{region + "a"},
	})
	w.ok("make group "+name, err)
	_, err = client.SuspendProcesses(w.Context(), &autoscaling.SuspendProcessesInput{
		AutoScalingGroupName: &name, ScalingProcesses: []string{"AZRebalance"},
	})
	w.ok("suspend a process of group "+name, err)
}

// database makes an RDS instance and gives its name.
func (w *world) database(region, name string) string {
	w.Helper()
	_, err := rds.NewFromConfig(w.in(region)).CreateDBInstance(w.Context(), &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, DBInstanceClass: aws.String("db.m6g.large"), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("owner"), MasterUserPassword: aws.String(password),
	})
	w.ok("make database "+name, err)
	return name
}

func (w *world) stopDatabase(region, name string) {
	w.Helper()
	_, err := rds.NewFromConfig(w.in(region)).StopDBInstance(w.Context(), &rds.StopDBInstanceInput{DBInstanceIdentifier: &name})
	w.ok("stop database "+name, err)
}

func (w *world) startDatabase(region, name string) {
	w.Helper()
	_, err := rds.NewFromConfig(w.in(region)).StartDBInstance(w.Context(), &rds.StartDBInstanceInput{DBInstanceIdentifier: &name})
	w.ok("start database "+name, err)
}

// cluster makes an Aurora cluster with one member.
func (w *world) cluster(region, name string) {
	w.Helper()
	client := rds.NewFromConfig(w.in(region))
	_, err := client.CreateDBCluster(w.Context(), &rds.CreateDBClusterInput{
		DBClusterIdentifier: &name, Engine: aws.String("aurora-postgresql"),
		MasterUsername: aws.String("owner"), MasterUserPassword: aws.String(password),
	})
	w.ok("make cluster "+name, err)
	_, err = client.CreateDBInstance(w.Context(), &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String(name + "-1"), DBInstanceClass: aws.String("db.r6g.large"),
		Engine: aws.String("aurora-postgresql"), DBClusterIdentifier: &name,
	})
	w.ok("make a member of cluster "+name, err)
}

// services makes an ECS cluster with the service "plain" and the service "scaled", which has a
// scalable target.
func (w *world) services(region, cluster string) {
	w.Helper()
	client := ecs.NewFromConfig(w.in(region))
	_, err := client.CreateCluster(w.Context(), &ecs.CreateClusterInput{ClusterName: &cluster})
	w.ok("make ECS cluster "+cluster, err)
	family := cluster + "-task"
	_, err = client.RegisterTaskDefinition(w.Context(), registered(family))
	w.ok("register a task", err)
	for _, name := range strings.Fields("plain scaled") {
		_, err = client.CreateService(w.Context(), &ecs.CreateServiceInput{
			Cluster: &cluster, ServiceName: &name, TaskDefinition: &family, DesiredCount: aws.Int32(1),
		})
		w.ok("make service "+name, err)
		// moto has tasks running only after an update.
		_, err = client.UpdateService(w.Context(), &ecs.UpdateServiceInput{Cluster: &cluster, Service: &name, DesiredCount: aws.Int32(2)})
		w.ok("scale service "+name, err)
	}
	_, err = applicationautoscaling.NewFromConfig(w.in(region)).RegisterScalableTarget(w.Context(),
		&applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
			ResourceId: aws.String("service/" + cluster + "/scaled"), MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(5),
			// As AWS describes it of itself; moto describes only what was set.
			SuspendedState: &aastypes.SuspendedState{
				DynamicScalingInSuspended: aws.Bool(false), DynamicScalingOutSuspended: aws.Bool(false), ScheduledScalingSuspended: aws.Bool(false),
			},
		})
	w.ok("register a scalable target", err)
}

func registered(family string) *ecs.RegisterTaskDefinitionInput {
	return &ecs.RegisterTaskDefinitionInput{Family: &family, ContainerDefinitions: []ecstypes.ContainerDefinition{
		{Name: aws.String("main"), Image: aws.String("busybox"), Memory: aws.Int32(64)},
	}}
}
