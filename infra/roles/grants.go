package roles

import (
	"fmt"
	"slices"
	"strings"

	"aws-hit-breaks/pkg/settings"
)

// grant says on what some actions are allowed and under which conditions. Resource types and condition
// keys are those of the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
type grant struct {
	sid     string
	actions []string
	// on are ARNs without their beginning, "ec2:*:{account}:instance/*", or everything. Where a value of
	// the place stands for a whole ARN, what is to be had of it is not granted where there is none.
	on   []string
	when conditions
	// brakes says that the actions are of the account's resources, in the regions of the brake.
	brakes bool
	// tagged says that AWS compares the tags of the resource, so that protection can be enforced.
	tagged bool
}

type conditions = map[string]map[string][]string

const everything = "*"

// grants hold every action that any role has, once each. Where the resource is everything AWS knows no
// narrower one, or, for ecs:ListTasks, asks for everything unless a container instance is named
// (https://github.com/cdklabs/construct-hub/pull/1207).
var grants = []grant{
	{
		sid: "Look", on: []string{everything}, brakes: true,
		actions: []string{
			"application-autoscaling:DescribeScalableTargets",
			"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeWarmPool",
			"ec2:DescribeAddresses", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeInstanceTypes",
			"ec2:DescribeNatGateways", "ec2:DescribeSpotInstanceRequests", "ec2:DescribeSpotPriceHistory", "ec2:DescribeVolumes",
			"ecs:ListClusters", "ecs:ListServices", "ecs:ListTasks", "elasticloadbalancing:DescribeLoadBalancers",
		},
	},
	{
		sid: "LookAtServices", brakes: true,
		on: []string{
			"ecs:*:{account}:capacity-provider/*", "ecs:*:{account}:cluster/*", "ecs:*:{account}:container-instance/*",
			"ecs:*:{account}:service/*", "ecs:*:{account}:task/*",
		},
		actions: []string{
			"ecs:DescribeCapacityProviders", "ecs:DescribeClusters", "ecs:DescribeContainerInstances",
			"ecs:DescribeServices", "ecs:DescribeTasks",
		},
	},
	{
		sid: "LookAtDatabases", brakes: true,
		on: []string{
			"rds:*:{account}:cluster:*", "rds:*:{account}:db:*", "rds:*:{account}:deployment:*", "rds::{account}:global-cluster:*",
		},
		actions: []string{
			"rds:DescribeBlueGreenDeployments", "rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeGlobalClusters",
		},
	},
	{
		sid: "LookAtAlarms", brakes: true,
		on:      []string{"cloudwatch:*:{account}:alarm:*"},
		actions: []string{"cloudwatch:DescribeAlarms"},
	},
	{
		sid: "Instances", brakes: true, tagged: true,
		on:      []string{"ec2:*:{account}:instance/*"},
		actions: []string{"ec2:StartInstances", "ec2:StopInstances"},
	},
	{
		// A start is checked against these too where an instance has them: the resource group of capacity
		// reservations that it targets, and its licence. Either may be of another account, which shares it.
		sid: "InstancesStartIn", brakes: true,
		on:      []string{"license-manager:*:*:license-configuration:*", "resource-groups:*:*:group/*"},
		actions: []string{"ec2:StartInstances"},
	},
	{
		// The key of a volume may be of another account. EC2 alone can use the grant, and gives it back
		// when the instance stops.
		sid: "Volumes", brakes: true,
		on: []string{"kms:*:*:key/*"},
		when: conditions{
			"Bool":       {"kms:GrantIsForAWSResource": {"true"}},
			"StringLike": {"kms:ViaService": {"ec2.*.amazonaws.com"}},
		},
		actions: []string{"kms:CreateGrant"},
	},
	{
		sid: "Groups", brakes: true, tagged: true,
		on: []string{"autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*"},
		actions: []string{
			"autoscaling:ResumeProcesses", "autoscaling:SetInstanceHealth", "autoscaling:SuspendProcesses",
			"autoscaling:UpdateAutoScalingGroup",
		},
	},
	{
		sid: "Services", brakes: true, tagged: true,
		on:      []string{"ecs:*:{account}:service/*"},
		actions: []string{"ecs:UpdateService"},
	},
	{
		// A target has tags of its own, which say nothing of the service that it scales.
		sid: "Targets", brakes: true,
		on: []string{"application-autoscaling:*:{account}:scalable-target/*"},
		when: conditions{"StringEquals": {
			"application-autoscaling:scalable-dimension": {"ecs:service:DesiredCount"},
			"application-autoscaling:service-namespace":  {"ecs"},
		}},
		actions: []string{"application-autoscaling:RegisterScalableTarget"},
	},
	{
		sid: "Databases", brakes: true, tagged: true,
		on:      []string{"rds:*:{account}:cluster:*", "rds:*:{account}:db:*"},
		actions: []string{"rds:StartDBCluster", "rds:StartDBInstance", "rds:StopDBCluster", "rds:StopDBInstance"},
	},
	{
		sid: "Regions", on: []string{everything},
		actions: []string{"ec2:DescribeRegions"},
	},
	{
		sid: "ReadTable", on: []string{"dynamodb:{region}:{account}:table/{table}"},
		actions: []string{"dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query"},
	},
	{
		// Only as members of a transaction, which is how the store writes
		// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
		sid: "WriteTable", on: []string{"dynamodb:{region}:{account}:table/{table}"},
		when:    conditions{"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": {"TransactWriteItems"}}},
		actions: []string{"dynamodb:DeleteItem", "dynamodb:PutItem"},
	},
	{
		sid: "Log", on: []string{"logs:{region}:{account}:log-group:/aws/lambda/{prefix}-{role}:*"},
		actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
	},
	{
		sid: "Tell", on: []string{"{notify}"},
		actions: []string{"sns:Publish"},
	},
	{
		sid: "HandOver", on: []string{"{queue}"},
		actions: []string{"sqs:SendMessage"},
	},
	{
		sid: "Key", on: []string{"{key}"},
		actions: []string{"kms:Decrypt", "kms:GenerateDataKey"},
	},
	{
		sid: "Invoke", on: []string{
			"lambda:{region}:{account}:function:{prefix}-" + string(settings.PauseFunction),
			"lambda:{region}:{account}:function:{prefix}-" + string(settings.ResumeFunction),
		},
		actions: []string{"lambda:InvokeFunction"},
	},
	{
		// In the price list's own regions, whatever those of the brake are.
		sid: "Prices", on: []string{everything},
		actions: []string{"iam:ListAccountAliases", "pricing:GetProducts"},
	},
	{
		sid: "Switch", on: []string{
			"budgets::{account}:budget/{prefix}*", "iam::{account}:role/{prefix}-*",
			"lambda:{region}:{account}:function:{prefix}-*", "sns:*:{account}:{prefix}-*",
		},
		actions: []string{
			"budgets:ViewBudget", "iam:SimulatePrincipalPolicy", "lambda:GetFunctionConfiguration", "sns:ListSubscriptionsByTopic",
		},
	},
}

// allowed are the grants of the actions. An action without a grant is a mistake in this package.
func allowed(p Place, role string, actions []string) []Statement {
	var all []Statement
	for _, g := range grants {
		granted := slices.DeleteFunc(slices.Clone(g.actions), func(action string) bool { return !slices.Contains(actions, action) })
		resources := p.resources(g.on, role)
		if len(granted) == 0 || len(resources) == 0 {
			continue
		}
		all = append(all, Statement{Sid: g.sid, Effect: Allow, Actions: granted, Resources: resources, Conditions: p.conditions(g)})
	}
	for _, action := range actions {
		if _, ok := grantOf(action); !ok {
			panic(fmt.Sprintf("infra/roles: %s is declared, and no grant says on which resources it is allowed", action))
		}
	}
	return all
}

// grantOf is the first grant of the action.
func grantOf(action string) (grant, bool) {
	i := slices.IndexFunc(grants, func(g grant) bool { return slices.Contains(g.actions, action) })
	if i < 0 {
		return grant{}, false
	}
	return grants[i], true
}

// resources fills in the values of the place.
func (p Place) resources(on []string, role string) []string {
	var all []string
	for _, pattern := range on {
		switch pattern {
		case everything:
			all = append(all, everything)
		case "{notify}", "{queue}", "{key}":
			if whole := map[string]string{"{notify}": p.Notify, "{queue}": p.Queue, "{key}": p.Key}[pattern]; whole != "" {
				all = append(all, whole)
			}
		default:
			all = append(all, "arn:"+p.Partition+":"+strings.NewReplacer(
				"{account}", p.Account, "{region}", p.Region, "{table}", p.Table, "{prefix}", p.Prefix, "{role}", role,
			).Replace(pattern))
		}
	}
	return all
}

// conditions are those of the grant, and the regions of the brake.
func (p Place) conditions(g grant) conditions {
	all := conditions{}
	for operator, keys := range g.when {
		all[operator] = map[string][]string{}
		for key, values := range keys {
			all[operator][key] = values
		}
	}
	if g.brakes && len(p.Regions) > 0 {
		if all["StringLike"] == nil {
			all["StringLike"] = map[string][]string{}
		}
		all["StringLike"]["aws:RequestedRegion"] = p.Regions
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
