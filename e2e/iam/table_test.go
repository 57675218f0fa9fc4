package iam_test

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// authorization is one thing that AWS checks before it does what a call asks for.
type authorization struct {
	Action   string
	Resource string // its ARN, or everything
	// Kind and Tags are the resource's own, where it is one of the account's that may be protected.
	Kind    string
	Tags    map[string]string
	Context map[string][]string
}

const everything = "*"

// row says what AWS checks for one operation.
type row func(call) []authorization

// table has a row for every operation that the brake calls. It was written from the Service
// Authorization Reference (https://docs.aws.amazon.com/service-authorization/latest/reference/) and the
// pages named beside a row, and not from the policies: a call without a row fails the test, as does a
// row that nobody calls.
var table = map[string]row{
	// "No permissions are required": https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
	"sts:GetCallerIdentity": func(call) []authorization { return nil },

	"ec2:DescribeRegions":              ofEverything,
	"ec2:DescribeInstances":            ofEverything,
	"ec2:DescribeInstanceStatus":       ofEverything,
	"ec2:DescribeInstanceTypes":        ofEverything,
	"ec2:DescribeSpotInstanceRequests": ofEverything,
	// What has no pause, and Spot prices, of everything: none of them knows a narrower resource
	// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html,
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html).
	"ec2:DescribeAddresses":                      ofEverything,
	"ec2:DescribeNatGateways":                    ofEverything,
	"ec2:DescribeSpotPriceHistory":               ofEverything,
	"ec2:DescribeVolumes":                        ofEverything,
	"elasticloadbalancing:DescribeLoadBalancers": ofEverything,
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awspricelist.html
	"pricing:GetProducts": ofEverything,

	"ec2:StopInstances": func(c call) []authorization {
		return c.instances(c.Input.(*ec2.StopInstancesInput).InstanceIds)
	},
	// Each instance, and what an instance may have: a group of capacity reservations, a licence. Whoever starts one with a volume that a customer's key
	// encrypts has to be able to create the grant that EC2 uses: any may have one
	// (https://repost.aws/knowledge-center/kms-iam-ec2-permission).
	"ec2:StartInstances": func(c call) []authorization {
		return append(c.instances(c.Input.(*ec2.StartInstancesInput).InstanceIds),
			c.on("ec2:StartInstances", "arn:aws:resource-groups:"+c.Region+":"+place.Account+":group/reserved"),
			c.on("ec2:StartInstances", "arn:aws:license-manager:"+c.Region+":"+place.Account+":license-configuration:lic-1"),
			authorization{
				Action: "kms:CreateGrant", Resource: "arn:aws:kms:" + c.Region + ":" + place.Account + ":key/volumes",
				Context: map[string][]string{
					"kms:ViaService": {"ec2." + c.Region + ".amazonaws.com"}, "kms:GrantIsForAWSResource": {"true"},
				},
			})
	},

	"autoscaling:DescribeAutoScalingGroups": ofEverything,
	"autoscaling:DescribeWarmPool":          ofEverything,
	"autoscaling:SuspendProcesses": func(c call) []authorization {
		return c.group(c.Input.(*autoscaling.SuspendProcessesInput).AutoScalingGroupName)
	},
	"autoscaling:ResumeProcesses": func(c call) []authorization {
		return c.group(c.Input.(*autoscaling.ResumeProcessesInput).AutoScalingGroupName)
	},
	"autoscaling:UpdateAutoScalingGroup": func(c call) []authorization {
		return c.group(c.Input.(*autoscaling.UpdateAutoScalingGroupInput).AutoScalingGroupName)
	},
	// Checked against the group that the instance is in.
	"autoscaling:SetInstanceHealth": func(c call) []authorization {
		id := aws.ToString(c.Input.(*autoscaling.SetInstanceHealthInput).InstanceId)
		for name, fields := range c.state {
			if group, ok := strings.CutPrefix(name, c.Region+" autoscaling:group "); ok && fields["Instances."+id] != "" {
				return c.group(&group)
			}
		}
		panic("no group has the instance " + id)
	},

	"rds:DescribeDBInstances": func(c call) []authorization {
		return c.databases("db", c.Input.(*rds.DescribeDBInstancesInput).DBInstanceIdentifier)
	},
	"rds:DescribeDBClusters": func(c call) []authorization {
		return c.databases("cluster", c.Input.(*rds.DescribeDBClustersInput).DBClusterIdentifier)
	},
	"rds:DescribeBlueGreenDeployments": func(c call) []authorization { return c.databases("deployment", nil) },
	"rds:DescribeGlobalClusters": func(c call) []authorization {
		return []authorization{c.on(c.Action(), "arn:aws:rds::"+place.Account+":global-cluster:*")}
	},
	"rds:StopDBInstance": func(c call) []authorization {
		return c.databases("db", c.Input.(*rds.StopDBInstanceInput).DBInstanceIdentifier)
	},
	"rds:StartDBInstance": func(c call) []authorization {
		return c.databases("db", c.Input.(*rds.StartDBInstanceInput).DBInstanceIdentifier)
	},
	"rds:StopDBCluster": func(c call) []authorization {
		return c.databases("cluster", c.Input.(*rds.StopDBClusterInput).DBClusterIdentifier)
	},
	"rds:StartDBCluster": func(c call) []authorization {
		return c.databases("cluster", c.Input.(*rds.StartDBClusterInput).DBClusterIdentifier)
	},

	"ecs:ListClusters": ofEverything,
	"ecs:ListServices": ofEverything,
	// Of everything, unless it names a container instance: https://github.com/cdklabs/construct-hub/pull/1207
	"ecs:ListTasks": ofEverything,
	"ecs:DescribeClusters": func(c call) (all []authorization) {
		for _, arn := range c.Input.(*ecs.DescribeClustersInput).Clusters {
			all = append(all, c.on(c.Action(), arn))
		}
		return all
	},
	"ecs:DescribeCapacityProviders": func(c call) (all []authorization) {
		for _, name := range c.Input.(*ecs.DescribeCapacityProvidersInput).CapacityProviders {
			all = append(all, c.on(c.Action(), "arn:aws:ecs:"+c.Region+":"+place.Account+":capacity-provider/"+name))
		}
		return all
	},
	"ecs:DescribeServices": func(c call) []authorization {
		in := c.Input.(*ecs.DescribeServicesInput)
		return c.ofCluster("service", in.Cluster, in.Services...)
	},
	"ecs:DescribeTasks": func(c call) []authorization {
		in := c.Input.(*ecs.DescribeTasksInput)
		return c.ofCluster("task", in.Cluster, in.Tasks...)
	},
	"ecs:DescribeContainerInstances": func(c call) []authorization {
		in := c.Input.(*ecs.DescribeContainerInstancesInput)
		return c.ofCluster("container-instance", in.Cluster, in.ContainerInstances...)
	},
	"ecs:UpdateService": func(c call) []authorization {
		in := c.Input.(*ecs.UpdateServiceInput)
		return c.ofCluster("service", in.Cluster, aws.ToString(in.Service))
	},

	"application-autoscaling:DescribeScalableTargets": ofEverything,
	// The target, and what Application Auto Scaling asks of the caller about what it scales
	// (https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html).
	"application-autoscaling:RegisterScalableTarget": func(c call) []authorization {
		in := c.Input.(*applicationautoscaling.RegisterScalableTargetInput)
		target := c.state[c.Region+" application-autoscaling:target "+aws.ToString(in.ResourceId)]
		part := strings.Split(aws.ToString(in.ResourceId), "/") // service/cluster/name
		all := []authorization{
			{
				Action: c.Action(), Resource: target["ScalableTargetARN"], Kind: "scalable target of an ECS service", Context: map[string][]string{
					"application-autoscaling:service-namespace":  {string(in.ServiceNamespace)},
					"application-autoscaling:scalable-dimension": {string(in.ScalableDimension)},
				},
			},
			c.on("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:"+c.Region+":"+place.Account+":alarm:*"),
		}
		for _, action := range []string{"ecs:DescribeServices", "ecs:UpdateService"} {
			for _, a := range c.ofCluster("service", &part[1], part[2]) {
				a.Action = action
				all = append(all, a)
			}
		}
		return all
	},

	"sns:Publish": func(c call) []authorization {
		return []authorization{c.on(c.Action(), aws.ToString(c.Input.(*sns.PublishInput).TopicArn))}
	},

	// What doctor looks at. Describing a budget is viewing it
	// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html).
	"budgets:DescribeBudget": func(c call) []authorization {
		name := aws.ToString(c.Input.(*budgets.DescribeBudgetInput).BudgetName)
		return []authorization{c.on("budgets:ViewBudget", "arn:aws:budgets::"+place.Account+":budget/"+name)}
	},
	"iam:SimulatePrincipalPolicy": func(c call) []authorization {
		return []authorization{c.on(c.Action(), aws.ToString(c.Input.(*iam.SimulatePrincipalPolicyInput).PolicySourceArn))}
	},
	"lambda:GetFunctionConfiguration": func(c call) []authorization {
		name := aws.ToString(c.Input.(*lambda.GetFunctionConfigurationInput).FunctionName)
		return []authorization{c.on(c.Action(), "arn:aws:lambda:"+c.Region+":"+place.Account+":function:"+name)}
	},
	"sns:ListSubscriptionsByTopic": func(c call) []authorization {
		return []authorization{c.on(c.Action(), aws.ToString(c.Input.(*sns.ListSubscriptionsByTopicInput).TopicArn))}
	},
	"dynamodb:DescribeContinuousBackups": func(c call) []authorization {
		return c.table(c.Action(), c.Input.(*dynamodb.DescribeContinuousBackupsInput).TableName)
	},
	"dynamodb:DescribeTable": func(c call) []authorization {
		return c.table(c.Action(), c.Input.(*dynamodb.DescribeTableInput).TableName)
	},

	"dynamodb:GetItem": func(c call) []authorization {
		return c.table("dynamodb:GetItem", c.Input.(*dynamodb.GetItemInput).TableName)
	},
	"dynamodb:Query": func(c call) []authorization {
		return c.table("dynamodb:Query", c.Input.(*dynamodb.QueryInput).TableName)
	},
	// What its members are: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
	"dynamodb:TransactWriteItems": func(c call) []authorization {
		var all []authorization
		for _, member := range c.Input.(*dynamodb.TransactWriteItemsInput).TransactItems {
			switch {
			case member.Put != nil:
				all = append(all, c.table("dynamodb:PutItem", member.Put.TableName)...)
			case member.Update != nil:
				all = append(all, c.table("dynamodb:UpdateItem", member.Update.TableName)...)
			case member.Delete != nil:
				all = append(all, c.table("dynamodb:DeleteItem", member.Delete.TableName)...)
			case member.ConditionCheck != nil:
				all = append(all, c.table("dynamodb:ConditionCheckItem", member.ConditionCheck.TableName)...)
			}
		}
		for i := range all {
			all[i].Context["dynamodb:EnclosingOperation"] = []string{"TransactWriteItems"}
		}
		return all
	},
}

// on is the call's right to an action on a resource.
func (c call) on(action, resource string) authorization {
	a := authorization{Action: action, Resource: resource, Context: map[string][]string{"aws:RequestedRegion": {c.Region}}}
	if strings.HasPrefix(action, "ec2:") {
		a.Context["ec2:Region"] = []string{c.Region}
	}
	return a
}

// of is on for a resource of the account that may be protected. Where its tags are known they are its own.
func (c call) of(kind, resource, name string) authorization {
	a := c.on(c.Action(), resource)
	a.Kind, a.Tags = kind, map[string]string{}
	for field, value := range c.state[c.Region+" "+name] {
		for _, prefix := range []string{"Tags.", "tag:"} {
			if key, ok := strings.CutPrefix(field, prefix); ok {
				a.Tags[key] = value
			}
		}
	}
	return a
}

func ofEverything(c call) []authorization { return []authorization{c.on(c.Action(), everything)} }

func (c call) instances(ids []string) (all []authorization) {
	for _, id := range ids {
		all = append(all, c.of("EC2 instance", "arn:aws:ec2:"+c.Region+":"+place.Account+":instance/"+id, "ec2:instance "+id))
	}
	return all
}

func (c call) group(name *string) []authorization {
	resource := "autoscaling:group " + aws.ToString(name)
	return []authorization{c.of("EC2 Auto Scaling group", c.state[c.Region+" "+resource]["AutoScalingGroupARN"], resource)}
}

// databases is one of a type, or every one where there is no name.
func (c call) databases(of string, name *string) []authorization {
	arn := "arn:aws:rds:" + c.Region + ":" + place.Account + ":" + of + ":"
	if name == nil {
		return []authorization{c.on(c.Action(), arn+"*")}
	}
	kind := map[string]string{"db": "instance", "cluster": "cluster"}[of]
	return []authorization{c.of("RDS DB "+kind, arn+*name, "rds:"+kind+" "+*name)}
}

// ofCluster are things of a cluster of ECS, each named by its ARN or the last part of it. The Service
// Authorization Reference knows the long ARNs alone, also for what was made when there were short ones.
func (c call) ofCluster(what string, cluster *string, names ...string) (all []authorization) {
	name := lastPart(aws.ToString(cluster))
	for _, n := range names {
		arn := fmt.Sprintf("arn:aws:ecs:%s:%s:%s/%s/%s", c.Region, place.Account, what, name, lastPart(n))
		a := c.of("ECS "+what, arn, "ecs:"+what+" "+name+"/"+lastPart(n))
		a.Context["ecs:cluster"] = []string{"arn:aws:ecs:" + c.Region + ":" + place.Account + ":cluster/" + name}
		all = append(all, a)
	}
	return all
}

func lastPart(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func (c call) table(action string, name *string) []authorization {
	return []authorization{c.on(action, "arn:aws:dynamodb:"+c.Region+":"+place.Account+":table/"+aws.ToString(name))}
}

// unseen is what a role is asked for that no call of the simulated account shows: what Lambda
// does in a function's name, and what the CLI asks of other services.
var unseen = map[string][]authorization{
	"pause": inTheNameOf("pause"), "resume": inTheNameOf("resume"), "guard": inTheNameOf("guard"),
	"operator": {
		{Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:111122223333:function:aws-hit-breaks-pause"},
		{Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:111122223333:function:aws-hit-breaks-resume"},
		{Action: "kms:Decrypt", Resource: place.Key},
	},
	"inspector": {
		{Action: "iam:ListAccountAliases", Resource: everything},
		{Action: "kms:Decrypt", Resource: place.Key},
	},
}

// inTheNameOf is what Lambda does with the role of a function
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html,
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html), and what the key of
// topic, queue and table asks for.
func inTheNameOf(function string) []authorization {
	stream := "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/aws-hit-breaks-" + function + ":log-stream:2026/03/03/[$LATEST]0"
	return []authorization{
		{Action: "logs:CreateLogStream", Resource: stream},
		{Action: "logs:PutLogEvents", Resource: stream},
		{Action: "sqs:SendMessage", Resource: place.Queue},
		{Action: "kms:Decrypt", Resource: place.Key},
		{Action: "kms:GenerateDataKey", Resource: place.Key},
	}
}
