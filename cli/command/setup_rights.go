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
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

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
	arn := func(service, what string) string {
		return "arn:" + partition + ":" + service + ":" + region + ":" + kept.Account() + ":" + what
	}
	table := cmp.Or(kept.Table, settings.DefaultTable)
	function := cmp.Or(kept.Prefix, settings.Default().Prefix) + "-" + string(settings.PauseFunction)
	all := map[string][]string{
		arn("dynamodb", "table/"+table):     {"dynamodb:GetItem", "dynamodb:Query"},
		arn("lambda", "function:"+function): {"lambda:InvokeFunction"},
	}
	looks := []string{services.RegionsRead}
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
// region, the table is read, and Lambda is asked for a dry run of the functions. What is not there is
// not deployed yet, which is no lack of rights.
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
	for _, function := range []settings.Function{settings.PauseFunction, settings.ResumeFunction} {
		name := cmp.Or(kept.Prefix, settings.Default().Prefix) + "-" + string(function)
		_, err := lambda.NewFromConfig(through).Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: lambdatypes.InvocationTypeDryRun})
		missing := (*lambdatypes.ResourceNotFoundException)(nil)
		if err != nil && !errors.As(err, &missing) {
			if err := note(err); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(refused)
	return slices.Compact(refused), nil
}
