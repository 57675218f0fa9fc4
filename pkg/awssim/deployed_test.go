package awssim

import (
	"errors"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	budgettypes "github.com/aws/aws-sdk-go-v2/service/budgets/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// What is deployed is told as AWS tells it, and what is not there by the error of its own service.
func TestWhatIsDeployed(t *testing.T) {
	t.Parallel()
	a := New(Options{Seed: 1, Speed: 1000})
	config, ctx := a.Process("p").Config(), t.Context()

	functions := lambda.NewFromConfig(config)
	name := aws.String("brake-pause")
	_, err := functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if missing := (*lambdatypes.ResourceNotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("a function that is not there: %v", err)
	}
	a.SetFunction("us-east-1", Function{Name: *name, State: "Failed", Reason: "no role", Environment: map[string]string{"A": "b"}})
	f, err := functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil || f.State != "Failed" || aws.ToString(f.StateReason) != "no role" || f.LastUpdateStatus != "Successful" || f.Environment.Variables["A"] != "b" {
		t.Errorf("a function that failed: %+v: %v", f, err)
	}

	_, err = budgets.NewFromConfig(config).DescribeBudget(ctx, &budgets.DescribeBudgetInput{AccountId: aws.String(a.ID()), BudgetName: name})
	if missing := (*budgettypes.NotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("a budget that is not there: %v", err)
	}

	tables := dynamodb.NewFromConfig(config)
	_, err = tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: name})
	if missing := (*ddbtypes.TableNotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("backups of a table that is not there: %v", err)
	}
	a.AddTable("us-east-1", *name)
	a.SetTable("us-east-1", *name, "ACTIVE", true)
	b, err := tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: name})
	if err != nil || b.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != "DISABLED" {
		t.Errorf("a bare table: %+v: %v", b, err)
	}
}

// A topic with more subscriptions than a page holds tells all of them, each once.
func TestSubscriptionsHavePages(t *testing.T) {
	t.Parallel()
	a := New(Options{Seed: 1, Speed: 1000})
	topic := a.AddTopic("eu-west-1", "brake-notify")
	a.AddSubscription("eu-west-1", Subscription{Topic: a.AddTopic("eu-west-1", "another"), Protocol: "email", Endpoint: "other@example.com"})
	for i := range 250 {
		a.AddSubscription("eu-west-1", Subscription{Topic: topic, Protocol: "email", Endpoint: strconv.Itoa(i) + "@example.com", Pending: i == 7})
	}
	config := a.Process("p").Config()
	config.Region = "eu-west-1"
	pages := sns.NewListSubscriptionsByTopicPaginator(sns.NewFromConfig(config), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	seen, pending := map[string]bool{}, 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Subscriptions {
			seen[*s.Endpoint] = true
			if *s.SubscriptionArn == "PendingConfirmation" {
				pending++
			}
		}
	}
	if len(seen) != 250 || seen["other@example.com"] || pending != 1 {
		t.Errorf("%d subscriptions, %d of them pending", len(seen), pending)
	}
}

func TestEncryptedVolumes(t *testing.T) {
	t.Parallel()
	a := New(Options{Seed: 1, Speed: 1000})
	a.AddVolume("us-east-1", Volume{ID: "vol-plain", Instance: "i-1"})
	a.AddVolume("us-east-1", Volume{ID: "vol-secret", Instance: "i-1", Key: "arn:aws:kms:us-east-1:111122223333:key/k"})
	a.AddVolume("us-east-1", Volume{ID: "vol-loose", Key: "arn:aws:kms:us-east-1:111122223333:key/k"})
	client := ec2.NewFromConfig(a.Process("p").Config())
	filter := func(name, value string) ec2types.Filter {
		return ec2types.Filter{Name: aws.String(name), Values: []string{value}}
	}
	out, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{
		Filters: []ec2types.Filter{filter("encrypted", "true"), filter("attachment.status", "attached")},
	})
	if err != nil || len(out.Volumes) != 1 || *out.Volumes[0].VolumeId != "vol-secret" || *out.Volumes[0].KmsKeyId == "" ||
		*out.Volumes[0].Attachments[0].InstanceId != "i-1" {
		t.Errorf("encrypted and attached: %+v: %v", out, err)
	}
	if _, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []ec2types.Filter{filter("size", "8")}}); err == nil {
		t.Error("a filter that is not modelled is answered")
	}
}
