package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/dynamo"
)

// lacking are the rights that commands need and the role has not, and how that was found out: by
// asking IAM, where the caller may, else by what is refused.
func (c *cli) lacking(ctx context.Context, own, through aws.Config, kept config.Config) (all []string, how string, err error) {
	all, err = simulated(ctx, own, kept.Role, needed(own.Region, kept))
	if err == nil {
		return all, "by what IAM says to its policies", nil
	}
	if awserr.Of(err) != awserr.Denied {
		return nil, "", fmt.Errorf("ask IAM what %s may do: %w", kept.Role, err)
	}
	all, err = c.probe(ctx, through, kept)
	return all, "by trying each kind of look", err
}

// needed are the actions of every command that changes nothing itself, by a resource of the kind that
// AWS compares. Where the resource is everything AWS knows no narrower one.
func needed(region string, kept config.Config) map[string][]string {
	partition := strings.Split(kept.Role, ":")[1]
	place := func(service, region, what string) string {
		return "arn:" + partition + ":" + service + ":" + region + ":" + kept.Account() + ":" + what
	}
	arn := func(service, what string) string { return place(service, region, what) }
	table := cmp.Or(kept.Table, settings.DefaultTable)
	prefix := cmp.Or(kept.Prefix, settings.Default().Prefix)
	pause, resume := prefix+"-"+string(settings.PauseFunction), prefix+"-"+string(settings.ResumeFunction)
	all := map[string][]string{
		arn("dynamodb", "table/"+table):   {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups"},
		arn("lambda", "function:"+pause):  {"lambda:InvokeFunction", "lambda:GetFunctionConfiguration"},
		arn("lambda", "function:"+resume): {"lambda:InvokeFunction"},
		// What doctor alone looks at.
		arn("sns", prefix+"-rung-1"):           {"sns:ListSubscriptionsByTopic"},
		place("budgets", "", "budget/"+prefix): {"budgets:ViewBudget"},
		place("iam", "", "role/"+resume):       {"iam:SimulatePrincipalPolicy"},
	}
	looks := []string{services.RegionsRead, "ec2:DescribeVolumes"}
	for _, d := range services.All() {
		looks = append(looks, d.Actions()...)
	}
	slices.Sort(looks)
	for _, action := range slices.Compact(looks) {
		on := "*"
		switch {
		case strings.HasPrefix(action, "rds:"):
			on = arn("rds", "db:any")
		case strings.HasPrefix(action, "ecs:Describe"):
			on = arn("ecs", "service/any/any")
		}
		all[on] = append(all[on], action)
	}
	return all
}

// simulated asks IAM which of the actions a role may not call
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).
func simulated(ctx context.Context, cfg aws.Config, role string, actions map[string][]string) ([]string, error) {
	client := iam.NewFromConfig(cfg)
	var denied []string
	for _, on := range slices.Sorted(maps.Keys(actions)) {
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &role, ActionNames: actions[on]}
		if on != "*" {
			in.ResourceArns = []string{on}
		}
		if strings.HasPrefix(on, "arn:") && strings.Contains(on, ":kms:") {
			in.ContextEntries = grantContext(on)
		}
		pages := iam.NewSimulatePrincipalPolicyPaginator(client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, result := range page.EvaluationResults {
				if result.EvalDecision != iamtypes.PolicyEvaluationDecisionTypeAllowed {
					denied = append(denied, aws.ToString(result.EvalActionName))
				}
			}
		}
	}
	slices.Sort(denied)
	return slices.Compact(denied), nil
}

// grantContext is what EC2 says of itself when it has a grant made for a volume, and the region, which a
// role may be limited to.
func grantContext(key string) []iamtypes.ContextEntry {
	region := regionOf(key)
	return []iamtypes.ContextEntry{
		{ContextKeyName: aws.String("kms:GrantIsForAWSResource"), ContextKeyType: iamtypes.ContextKeyTypeEnumBoolean, ContextKeyValues: []string{"true"}},
		{
			ContextKeyName: aws.String("kms:ViaService"), ContextKeyType: iamtypes.ContextKeyTypeEnumString,
			ContextKeyValues: []string{"ec2." + region + ".amazonaws.com"},
		},
		{ContextKeyName: aws.String("aws:RequestedRegion"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{region}},
	}
}

// refusedAction finds the action in the explanation of a refusal.
var refusedAction = regexp.MustCompile(`not allowed to call ([a-z0-9-]+:[A-Za-z0-9]+)`)

// probe makes a harmless call of each kind and gathers what is refused: every kind is listed in one
// region, the table is read, and what doctor looks at is glanced at. What is not there is not deployed
// yet, which is no lack of rights.
func (c *cli) probe(ctx context.Context, through aws.Config, kept config.Config) ([]string, error) {
	var refused []string
	note := func(err error) error {
		if awserr.Of(err) != awserr.Denied {
			return err
		}
		action := refusedAction.FindStringSubmatch(awserr.Explain(err))
		if action == nil {
			return err
		}
		refused = append(refused, action[1])
		return nil
	}
	s := &session{cli: c, config: through, account: kept.Account(), settings: settings.Default()}
	found, err := s.engine(nil).Discover(ctx, killswitch.Scope{Regions: []string{through.Region}})
	if err != nil {
		if err := note(err); err != nil {
			return nil, err
		}
	}
	for _, kind := range report.Of(found, boot.Declared()).NotInspected {
		if action := refusedAction.FindStringSubmatch(kind.Reason); action != nil {
			refused = append(refused, action[1])
		}
	}
	store := dynamo.Open(boot.Fenced(through), cmp.Or(kept.Table, settings.DefaultTable))
	if _, err := store.Live(ctx, kept.Account()); err != nil && !errors.Is(err, snapshots.ErrNoTable) && !errors.Is(err, snapshots.ErrDamaged) {
		if err := note(err); err != nil {
			return nil, err
		}
	}
	for _, look := range glances(through, kept) {
		answered, err := (smithy.APIError)(nil), look(ctx)
		switch class := awserr.Of(err); {
		case err == nil, errors.As(err, &answered) && class != awserr.Denied && class != awserr.Throttled && class != awserr.Transient:
			// allowed, whatever the answer
		default:
			if err := note(err); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(refused)
	return slices.Compact(refused), nil
}

// glances are harmless calls at what a brake has besides resources. Whatever AWS answers but a refusal,
// such as that there is no such thing, says that the call is allowed. IAM is not asked again: without
// that doctor sees all but whether keys may be used, of which it warns.
func glances(cfg aws.Config, kept config.Config) []func(context.Context) error {
	table, prefix := aws.String(cmp.Or(kept.Table, settings.DefaultTable)), cmp.Or(kept.Prefix, settings.Default().Prefix)
	topic := "arn:" + strings.Split(kept.Role, ":")[1] + ":sns:" + cfg.Region + ":" + kept.Account() + ":" + prefix + "-rung-1"
	tables, functions := dynamodb.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
	all := []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: table})
			return err
		},
		func(ctx context.Context) error {
			_, err := tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: table})
			return err
		},
		func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(cfg).DescribeVolumes(ctx, &ec2.DescribeVolumesInput{MaxResults: aws.Int32(5)})
			return err
		},
		func(ctx context.Context) error {
			_, err := sns.NewFromConfig(cfg).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
			return err
		},
		func(ctx context.Context) error {
			_, err := budgets.NewFromConfig(cfg).DescribeBudget(ctx, &budgets.DescribeBudgetInput{AccountId: aws.String(kept.Account()), BudgetName: &prefix})
			return err
		},
	}
	for _, f := range []settings.Function{settings.PauseFunction, settings.ResumeFunction} {
		name := prefix + "-" + string(f)
		all = append(all, func(ctx context.Context) error {
			_, err := functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: lambdatypes.InvocationTypeDryRun})
			return err
		}, func(ctx context.Context) error {
			_, err := functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
			return err
		})
	}
	return all
}
