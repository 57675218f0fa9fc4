package services_test

import (
	"strings"
	"testing"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
)

func TestByHand(t *testing.T) {
	declared := map[killswitch.Kind]killswitch.Declaration{}
	for _, d := range services.All() {
		declared[d.Kind] = d.Declaration
		if d.ByHand == nil {
			t.Errorf("%s: nobody says how to put it back by hand", d.Kind)
		}
	}
	for name, test := range map[string]struct {
		kind     killswitch.Kind
		id       string
		original string // empty: it cannot be read
		parts    string
		want     string // commands, joined by |
	}{
		"an instance": {kind: killswitch.EC2Instance, id: "i-1", want: "ec2 start-instances --region eu-west-1 --instance-ids i-1"},
		"a database":  {kind: killswitch.RDSInstance, id: "db", want: "rds start-db-instance --region eu-west-1 --db-instance-identifier db"},
		"a cluster":   {kind: killswitch.RDSCluster, id: "db", want: "rds start-db-cluster --region eu-west-1 --db-cluster-identifier db"},
		"a service": {
			kind: killswitch.ECSService, id: "main/api", original: `{"arn":"a","desired":3,"running":3,"steady":true}`,
			want: "ecs update-service --region eu-west-1 --cluster main --service api --desired-count 3",
		},
		"a service that scales": {
			kind: killswitch.ECSService, id: "main/api",
			original: `{"arn":"a","desired":3,"running":3,"steady":true,"target":{"min":2,"max":9,"outSuspended":true}}`,
			want: "ecs update-service --region eu-west-1 --cluster main --service api --desired-count 3|" +
				"application-autoscaling register-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/main/api " +
				"--scalable-dimension ecs:service:DesiredCount --min-capacity 2 --max-capacity 9 --suspended-state " +
				"DynamicScalingInSuspended=false,DynamicScalingOutSuspended=true,ScheduledScalingSuspended=false",
		},
		"a service that nobody can read": {
			kind: killswitch.ECSService, id: "main/api",
			want: "ecs update-service --region eu-west-1 --cluster main --service api --desired-count <how many there were>|" +
				"application-autoscaling describe-scalable-targets --region eu-west-1 --service-namespace ecs --resource-ids service/main/api",
		},
		"a group that was scaled": {
			kind: killswitch.AutoScalingGroup, id: "web", original: `{"strategy":"scale-to-zero","suspended":["AZRebalance"],"min":1,"max":4,"desired":2}`,
			want: "autoscaling update-auto-scaling-group --region eu-west-1 --auto-scaling-group-name web --min-size 1 --max-size 4 --desired-capacity 2|" +
				"autoscaling resume-processes --region eu-west-1 --auto-scaling-group-name web --scaling-processes " +
				"AddToLoadBalancer AlarmNotification HealthCheck InstanceRefresh Launch ReplaceUnhealthy ScheduledActions Terminate",
		},
		"a group whose members were stopped": {
			kind: killswitch.AutoScalingGroup, id: "web",
			original: `{"strategy":"stop-members","suspended":["Launch","Terminate","AddToLoadBalancer","AlarmNotification","AZRebalance","HealthCheck","InstanceRefresh","ReplaceUnhealthy","ScheduledActions"],"min":1,"max":4,"desired":2}`,
			parts:    `{"members":[{"id":"i-2","lifecycle":"InService","health":"Healthy","healthy":true,"launchTime":"2026-11-01T00:00:00Z"},{"id":"i-1","lifecycle":"InService","health":"Healthy","healthy":true,"launchTime":"2026-11-01T00:00:00Z"}]}`,
			want: "ec2 start-instances --region eu-west-1 --instance-ids i-1 i-2|" +
				"ec2 wait instance-status-ok --region eu-west-1 --instance-ids i-1 i-2",
		},
		"a group that nobody can read": {
			kind: killswitch.AutoScalingGroup, id: "web",
			want: "autoscaling describe-auto-scaling-groups --region eu-west-1 --auto-scaling-group-names web|" +
				"ec2 start-instances --region eu-west-1 --instance-ids <its members that are stopped>|" +
				"ec2 wait instance-status-ok --region eu-west-1 --instance-ids <its members that are stopped>|" +
				"autoscaling update-auto-scaling-group --region eu-west-1 --auto-scaling-group-name web --min-size <what it was> --max-size <what it was> --desired-capacity <how many there were>|" +
				"autoscaling resume-processes --region eu-west-1 --auto-scaling-group-name web --scaling-processes <those that were not suspended before>",
		},
	} {
		ref := killswitch.Ref{Account: "111122223333", Region: "eu-west-1", Kind: test.kind, ID: test.id}
		var original *killswitch.Original
		if test.original != "" {
			original = &killswitch.Original{Schema: declared[test.kind].Schema, Data: []byte(test.original)}
		}
		var parts []killswitch.Part
		if test.parts != "" {
			parts = append(parts, killswitch.Part{Name: "members", Data: []byte(test.parts)})
		}
		var got []string
		for _, command := range declared[test.kind].ByHand(ref, original, parts) {
			got = append(got, strings.Join(command, " "))
		}
		if text := strings.Join(got, "|"); text != test.want {
			t.Errorf("%s:\n got %s\nwant %s", name, text, test.want)
		}
	}
}
