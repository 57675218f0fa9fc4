// Package notify sends what humans are told to the notification topic of the owner.
package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/report"
)

// Actions are the IAM actions that To calls, on the topic alone. Where the topic is encrypted with a
// customer's key, that key must allow kms:GenerateDataKey* and kms:Decrypt besides
// (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
var Actions = []string{"sns:Publish"}

// To gives what publishes to the topic with the ARN, in the topic's own region. It makes no call.
func To(cfg aws.Config, topic string) func(context.Context, report.Notification) error {
	cfg = cfg.Copy()
	if part := strings.Split(topic, ":"); len(part) == 6 {
		cfg.Region = part[3]
	}
	client := sns.NewFromConfig(cfg)
	return func(ctx context.Context, n report.Notification) error {
		_, err := client.Publish(ctx, &sns.PublishInput{
			TopicArn: &topic, Subject: &n.Subject, Message: aws.String(n.Message()), MessageStructure: aws.String("json"),
		})
		if err != nil {
			return fmt.Errorf("publish to %s: %w", topic, errors.New(awserr.Explain(err)))
		}
		return nil
	}
}
