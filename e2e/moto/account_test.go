package moto_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// described is an account as moto describes it: every field of every resource by its path, such as
// "us-east-1 instance web State.Name".
type described map[string]string

// describe reads the whole account.
func (w *world) describe() described {
	w.Helper()
	all := described{}
	for _, region := range []string{here, there, beyond} {
		w.describeInstances(all, region)
		w.describeDatabases(all, region)
		w.describeServices(all, region)
		groups, err := autoscaling.NewFromConfig(w.in(region)).DescribeAutoScalingGroups(w.Context(), nil)
		w.ok("describe groups", err)
		for _, group := range groups.AutoScalingGroups {
			all.add(region+" group "+*group.AutoScalingGroupName, group)
		}
	}
	return all
}

func (w *world) describeInstances(all described, region string) {
	w.Helper()
	client := ec2.NewFromConfig(w.in(region))
	out, err := client.DescribeInstances(w.Context(), nil)
	w.ok("describe instances", err)
	var instances []ec2types.Instance
	for _, reservation := range out.Reservations {
		instances = append(instances, reservation.Instances...)
	}
	slices.SortFunc(instances, func(a, b ec2types.Instance) int { return strings.Compare(*a.InstanceId, *b.InstanceId) })
	members := 0
	for _, instance := range instances {
		var name string
		for _, tag := range instance.Tags {
			switch *tag.Key {
			case "Name":
				name = *tag.Value
			case "aws:autoscaling:groupName":
				members++
				name = fmt.Sprintf("%s#%d", *tag.Value, members)
			}
		}
		all.add(region+" instance "+name, instance)
		attribute, err := client.DescribeInstanceAttribute(w.Context(), &ec2.DescribeInstanceAttributeInput{
			InstanceId: instance.InstanceId, Attribute: ec2types.InstanceAttributeNameDisableApiStop,
		})
		w.ok("describe the stop protection of "+name, err)
		all.add(region+" instance "+name+" DisableApiStop", attribute.DisableApiStop)
	}
}

func (w *world) describeDatabases(all described, region string) {
	w.Helper()
	client := rds.NewFromConfig(w.in(region))
	instances, err := client.DescribeDBInstances(w.Context(), nil)
	w.ok("describe databases", err)
	for _, instance := range instances.DBInstances {
		all.add(region+" database "+*instance.DBInstanceIdentifier, instance)
	}
	clusters, err := client.DescribeDBClusters(w.Context(), nil)
	w.ok("describe clusters", err)
	for _, cluster := range clusters.DBClusters {
		all.add(region+" cluster "+*cluster.DBClusterIdentifier, cluster)
	}
}

func (w *world) describeServices(all described, region string) {
	w.Helper()
	client := ecs.NewFromConfig(w.in(region))
	clusters, err := client.ListClusters(w.Context(), nil)
	w.ok("list ECS clusters", err)
	for _, cluster := range clusters.ClusterArns {
		list, err := client.ListServices(w.Context(), &ecs.ListServicesInput{Cluster: &cluster})
		w.ok("list services", err)
		out, err := client.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: &cluster, Services: list.ServiceArns})
		w.ok("describe services", err)
		for _, service := range out.Services {
			all.add(region+" service "+*service.ServiceName, service)
		}
	}
	targets, err := applicationautoscaling.NewFromConfig(w.in(region)).DescribeScalableTargets(w.Context(),
		&applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	w.ok("describe scalable targets", err)
	for _, target := range targets.ScalableTargets {
		all.add(region+" target "+aws.ToString(target.ResourceId), target)
	}
}

// add takes in a resource as the SDK gives it.
func (d described) add(name string, resource any) {
	text, err := json.Marshal(resource)
	if err == nil {
		var fields any
		if err = json.Unmarshal(text, &fields); err == nil {
			d.flatten(name, fields)
			return
		}
	}
	panic(err) // the SDK's types are plain
}

// flatten names an element of a list by what tells it apart from the others, since moto gives some
// lists in the order of a set.
func (d described) flatten(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, field := range slices.Sorted(maps.Keys(v)) {
			if field != "ResultMetadata" {
				d.flatten(path+"."+field, v[field])
			}
		}
	case []any:
		for i, element := range v {
			d.flatten(fmt.Sprintf("%s[%s]", path, elementName(i, element)), element)
		}
	case nil:
	default:
		d[path] = fmt.Sprint(v)
	}
}

func elementName(i int, element any) string {
	fields, _ := element.(map[string]any)
	for _, key := range []string{"Key", "ProcessName", "InstanceId", "DBInstanceIdentifier"} {
		if name, ok := fields[key].(string); ok {
			return name
		}
	}
	return fmt.Sprint(i)
}

// elsewhere are fields that say something else at every stop and start, or at every look: they are
// not compared. AWS changes the first ones too, which makes them no part of "exactly"; the others are
// moto's own.
var elsewhere = map[string]string{
	".PublicIpAddress":       "auto-assigned: gone at a stop, another one at a start",
	".PublicDnsName":         "of the public address",
	".Association.PublicIp":  "of the public address",
	".Association.IpOwnerId": "of the public address",
	".LaunchTime":            "of the last start",
	".StateReason.Code":      "of the last stop",
	".StateReason.Message":   "of the last stop",
	".StateTransitionReason": "of the last stop",
	".SuspensionReason":      "AWS writes the time, moto nothing",
	".LatestRestorableTime":  "moto gives the time of the look, even of a stopped database",
}

// changed are the fields in which two descriptions differ, "old → new", but for those of elsewhere.
func changed(old, now described) map[string]string {
	all := map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(old)) {
		if now[path] != old[path] {
			all[path] = old[path] + " → " + now[path]
		}
	}
	for path, value := range now {
		if _, ok := old[path]; !ok {
			all[path] = " → " + value
		}
	}
	maps.DeleteFunc(all, func(path, _ string) bool {
		for field := range elsewhere {
			if strings.HasSuffix(path, field) {
				return true
			}
		}
		return false
	})
	return all
}
