package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	budgettypes "github.com/aws/aws-sdk-go-v2/service/budgets/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/settings"
)

const deployAgain = "deploy the brake again (`make deploy`)"

// memory is the table: without it nothing is paused, and what its items say is what puts things back.
func (d *doctor) memory(ctx context.Context) {
	client, region := dynamodb.NewFromConfig(d.config), d.config.Region
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &d.table})
	switch {
	case absent[*ddbtypes.ResourceNotFoundException](err):
		d.add(failing, "table", fmt.Sprintf("there is no table %s in %s", d.table, region),
			"deploy the brake there, or set AWS_REGION and "+settings.TableVariable+" to where it is")
		return
	case err != nil:
		d.checks = append(d.checks, unseen("table", err))
		return
	}
	switch status := out.Table.TableStatus; status {
	case ddbtypes.TableStatusActive, ddbtypes.TableStatusUpdating: // which can be read and written
		d.add(fine, "table", fmt.Sprintf("%s in %s is %s", d.table, region, status), "")
	case ddbtypes.TableStatusInaccessibleEncryptionCredentials:
		d.add(failing, "table", fmt.Sprintf("%s in %s is %s", d.table, region, status),
			"enable the KMS key that it is encrypted with, and let DynamoDB use it")
	default:
		d.add(failing, "table", fmt.Sprintf("%s in %s is %s", d.table, region, status), "ask again in a minute")
	}
	if aws.ToBool(out.Table.DeletionProtectionEnabled) {
		d.add(fine, "deletion protection", "the table cannot be deleted by mistake", "")
	} else {
		d.add(warning, "deletion protection", "the table can be deleted by mistake",
			fmt.Sprintf("`aws dynamodb update-table --table-name %s --deletion-protection-enabled --region %s`", d.table, region))
	}
	backups, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &d.table})
	if err != nil {
		d.checks = append(d.checks, unseen("recovery", err))
		return
	}
	recovery := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	if recovery != nil && recovery.PointInTimeRecoveryStatus == ddbtypes.PointInTimeRecoveryStatusEnabled {
		d.add(fine, "recovery", fmt.Sprintf("the table can be put back as it was at any second of the last %d days", aws.ToInt32(recovery.RecoveryPeriodInDays)), "")
	} else {
		d.add(warning, "recovery", "what is altered in the table cannot be put back as it was", fmt.Sprintf(
			"`aws dynamodb update-continuous-backups --table-name %s --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true --region %s`", d.table, region))
	}
}

// deployed is what is known of a function.
type deployed struct {
	there     bool
	arn, role string
	variables map[string]string
	readable  bool // its settings are those below
	decided   settings.Settings
}

// functions are the three that do the work.
func (d *doctor) functions(ctx context.Context) {
	for _, f := range []settings.Function{settings.PauseFunction, settings.ResumeFunction, settings.GuardFunction} {
		seen := d.function(ctx, f)
		switch f {
		case settings.PauseFunction:
			d.pause = seen
		case settings.ResumeFunction:
			d.resume = seen
		case settings.GuardFunction: // nothing else is looked at by what it says
		}
	}
}

// function says whether a function would run, and understand its settings.
func (d *doctor) function(ctx context.Context, of settings.Function) (seen deployed) {
	name, called := d.settings.Prefix+"-"+string(of), "function "+string(of)
	out, err := lambda.NewFromConfig(d.config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	switch {
	case absent[*lambdatypes.ResourceNotFoundException](err):
		d.add(failing, called, fmt.Sprintf("there is no function %s in %s", name, d.config.Region), "deploy the brake there, or set AWS_REGION to where it is")
		return seen
	case err != nil:
		d.checks = append(d.checks, unseen(called, err))
		return seen
	}
	seen = deployed{there: true, arn: aws.ToString(out.FunctionArn), role: aws.ToString(out.Role)}
	if out.Environment != nil {
		if why := out.Environment.Error; why != nil {
			d.add(failing, called, fmt.Sprintf("AWS cannot decrypt the settings of %s (%s)", name, aws.ToString(why.Message)),
				"enable the KMS key of its environment, and let Lambda use it")
			return seen
		}
		seen.variables = out.Environment.Variables
	}
	decided, table, err := boot.Decided(func(key string) string { return seen.variables[key] })
	seen.decided, seen.readable = decided, err == nil
	const soon = "ask again in a minute, and " + deployAgain + " where it stays so"
	switch {
	case out.State == lambdatypes.StateFailed:
		d.add(failing, called, fmt.Sprintf("%s is %s (%s)", name, out.State, aws.ToString(out.StateReason)), deployAgain)
	case out.LastUpdateStatus == lambdatypes.LastUpdateStatusFailed:
		d.add(failing, called, fmt.Sprintf("the last update of %s is %s (%s)", name, out.LastUpdateStatus, aws.ToString(out.LastUpdateStatusReason)), deployAgain)
	case err != nil:
		d.add(failing, called, fmt.Sprintf("%s does not understand its settings: %v", name, err), "correct them in cdk.json, and "+deployAgain)
	case table != d.table:
		d.add(failing, called, fmt.Sprintf("%s keeps its snapshots in table %s, and commands read %s", name, table, d.table),
			"set "+settings.TableVariable+"="+table)
	case out.State != lambdatypes.StateActive:
		d.add(warning, called, fmt.Sprintf("%s is %s (%s)", name, out.State, aws.ToString(out.StateReason)), soon)
	case out.LastUpdateStatus != lambdatypes.LastUpdateStatusSuccessful:
		d.add(warning, called, fmt.Sprintf("an update of %s is %s", name, out.LastUpdateStatus), soon)
	default:
		d.add(fine, called, fmt.Sprintf("%s is %s, and understands its settings", name, out.State), "")
	}
	return seen
}

// alarms are what is between the costs and the pause function, and between that and people. Which topics
// and which budget these are, the function's own settings say.
func (d *doctor) alarms(ctx context.Context) {
	if !d.pause.readable {
		d.add(warning, "topics, budget", "not looked at, since the settings of function pause say which they are", "see to function pause")
		return
	}
	if len(d.pause.decided.Topics) == 0 {
		d.add(warning, "topics", "the settings of function pause name none, so that whatever is subscribed to it pauses everything",
			"name the topics of your alarms in its settings")
	}
	for _, topic := range d.pause.decided.Topics {
		d.topic(ctx, topic)
	}
	d.people(ctx, d.pause.decided.Notify)
	d.budget(ctx)
}

// topic says whether the alarms of a topic reach the pause function.
func (d *doctor) topic(ctx context.Context, topic settings.Topic) {
	name := topic.ARN[strings.LastIndex(topic.ARN, ":")+1:]
	called := "topic " + name
	if strings.Contains(topic.ARN, ":sqs:") {
		d.add(warning, called, "is a queue, and the way from it to function pause is not looked at", "send a message that only notifies, and read the function's log")
		return
	}
	all, err := d.subscriptions(ctx, topic.ARN)
	reaches := slices.ContainsFunc(all, func(s snstypes.Subscription) bool {
		return aws.ToString(s.Protocol) == "lambda" && aws.ToString(s.Endpoint) == d.pause.arn && confirmed(s)
	})
	switch {
	case absent[*snstypes.NotFoundException](err):
		d.add(failing, called, "there is no topic "+topic.ARN+", so that its alarms go nowhere", deployAgain)
	case err != nil:
		d.checks = append(d.checks, unseen(called, err))
	case !reaches:
		d.add(failing, called, "function pause is not subscribed to it, so that its alarms pause nothing", fmt.Sprintf(
			"`aws sns subscribe --topic-arn %s --protocol lambda --notification-endpoint %s --region %s`", topic.ARN, d.pause.arn, regionOf(topic.ARN)))
	case topic.Action == settings.ActionNotify:
		d.add(fine, called, "its alarms reach function pause, which only tells of them", "")
	default:
		d.add(fine, called, "its alarms reach function pause, which pauses"+scopeArgs(topic.Scope), "")
	}
}

// people are those who are told.
func (d *doctor) people(ctx context.Context, topic string) {
	const called = "notification"
	if topic == "" {
		d.add(warning, called, "the settings name no topic for it, so that nobody is told of a pause", "name one as notify, or "+deployAgain)
		return
	}
	all, err := d.subscriptions(ctx, topic)
	var waiting []string
	told := 0
	for _, s := range all {
		if confirmed(s) {
			told++
		} else if aws.ToString(s.SubscriptionArn) == pendingConfirmation {
			waiting = append(waiting, aws.ToString(s.Endpoint))
		}
	}
	switch {
	case absent[*snstypes.NotFoundException](err):
		d.add(failing, called, "there is no topic "+topic+", so that nobody is told of a pause", deployAgain)
	case err != nil:
		d.checks = append(d.checks, unseen(called, err))
	case len(waiting) > 0:
		// https://docs.aws.amazon.com/sns/latest/dg/CleanUp.html
		d.add(warning, called, "not confirmed, and so not told of anything: "+strings.Join(waiting, ", "),
			"confirm the mail from AWS Notifications within 48 hours; another one is sent by "+subscribes(topic, waiting[0]))
	case told == 0:
		d.add(warning, called, "nobody is subscribed to "+topic+", so that nobody is told of a pause", subscribes(topic, "you@example.com"))
	default:
		d.add(fine, called, fmt.Sprintf("%d subscribed to %s", told, topic), "")
	}
}

// subscribes is the command that has AWS ask somebody whether they want the mail.
func subscribes(topic, endpoint string) string {
	return fmt.Sprintf("`aws sns subscribe --topic-arn %s --protocol email --notification-endpoint %s --region %s`", topic, quoted(endpoint), regionOf(topic))
}

// pendingConfirmation is in the place of a subscription's ARN until it is confirmed
// (https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html).
const pendingConfirmation = "PendingConfirmation"

func confirmed(s snstypes.Subscription) bool {
	return strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:")
}

// regionOf is the region in an ARN.
func regionOf(arn string) string { return strings.Split(arn, ":")[3] }

// subscriptions are all of a topic, which may be in another region than the functions.
func (d *doctor) subscriptions(ctx context.Context, topic string) (all []snstypes.Subscription, err error) {
	config := d.config.Copy()
	config.Region = regionOf(topic)
	pages := sns.NewListSubscriptionsByTopicPaginator(sns.NewFromConfig(config), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Subscriptions...)
	}
	return all, nil
}

// budget is what raises the alarms of the rungs.
func (d *doctor) budget(ctx context.Context) {
	name := d.pause.variables[settings.BudgetVariable]
	if name == "" {
		d.add(warning, "budget", "not looked at, since function pause does not say which it is", deployAgain+": from then on it does")
		return
	}
	out, err := budgets.NewFromConfig(d.config).DescribeBudget(ctx, &budgets.DescribeBudgetInput{AccountId: &d.account, BudgetName: &name})
	switch {
	case absent[*budgettypes.NotFoundException](err):
		d.add(failing, "budget", "there is no budget "+name+", so that no rung is ever reached",
			"change its amount in cdk.json and "+deployAgain+": CloudFormation makes a new one, and does not miss the old")
	case err != nil:
		d.checks = append(d.checks, unseen("budget", err))
	default:
		what := fmt.Sprintf("%s is there (%s)", name, out.Budget.TimeUnit)
		if limit := out.Budget.BudgetLimit; limit != nil {
			what = fmt.Sprintf("%s is of %s %s (%s)", name, aws.ToString(limit.Amount), aws.ToString(limit.Unit), out.Budget.TimeUnit)
		}
		if spent := out.Budget.CalculatedSpend; spent != nil && spent.ActualSpend != nil {
			what += fmt.Sprintf(", of which %s are spent", aws.ToString(spent.ActualSpend.Amount))
		}
		d.add(fine, "budget", what, "")
	}
}
