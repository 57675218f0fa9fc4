package awssim

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"
)

func TestPublish(t *testing.T) {
	tests := map[string]struct {
		in    sns.PublishInput
		code  string // empty where it is taken
		forms map[string]string
	}{
		"a plain message":                    {in: sns.PublishInput{Message: aws.String("hello")}, forms: map[string]string{"default": "hello"}},
		"a message for each protocol":        {in: sns.PublishInput{Message: aws.String(`{"default":"hello","https":"{}"}`), MessageStructure: aws.String("json")}, forms: map[string]string{"default": "hello", "https": "{}"}},
		"no message for all others":          {in: sns.PublishInput{Message: aws.String(`{"https":"{}"}`), MessageStructure: aws.String("json")}, code: "InvalidParameter"},
		"a message that is no text":          {in: sns.PublishInput{Message: aws.String(`{"default":{}}`), MessageStructure: aws.String("json")}, code: "InvalidParameter"},
		"no JSON":                            {in: sns.PublishInput{Message: aws.String("hello"), MessageStructure: aws.String("json")}, code: "InvalidParameter"},
		"a message as long as SNS has":       {in: sns.PublishInput{Message: aws.String(strings.Repeat("x", 256<<10))}, forms: map[string]string{"default": strings.Repeat("x", 256<<10)}},
		"a message that is longer":           {in: sns.PublishInput{Message: aws.String(strings.Repeat("x", 256<<10+1))}, code: "InvalidParameter"},
		"a subject as long as SNS has":       {in: sns.PublishInput{Message: aws.String("hello"), Subject: aws.String(strings.Repeat("é", 99))}, forms: map[string]string{"default": "hello"}},
		"a subject that is longer":           {in: sns.PublishInput{Message: aws.String("hello"), Subject: aws.String(strings.Repeat("x", 100))}, code: "InvalidParameter"},
		"a subject of two lines":             {in: sns.PublishInput{Message: aws.String("hello"), Subject: aws.String("a\nb")}, code: "InvalidParameter"},
		"a topic that is not there":          {in: sns.PublishInput{Message: aws.String("hello"), TopicArn: aws.String("arn:aws:sns:us-east-1:111122223333:other")}, code: "NotFound"},
		"a telephone, which is not modelled": {in: sns.PublishInput{Message: aws.String("hello"), PhoneNumber: aws.String("+49")}, code: "awssim.Unmodelled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				topic := a.AddTopic("us-east-1", "told")
				if tt.in.TopicArn == nil && tt.in.PhoneNumber == nil {
					tt.in.TopicArn = &topic
				}
				_, err := sns.NewFromConfig(a.Process("test").Config()).Publish(t.Context(), &tt.in)
				if got := code(err); got != tt.code {
					t.Fatalf("Publish: %v, want code %q", err, tt.code)
				}
				var forms map[string]string
				for _, m := range a.Messages() {
					forms = m.Forms
				}
				if diff := cmp.Diff(tt.forms, forms); diff != "" {
					t.Errorf("published (-want +got):\n%s", diff)
				}
			})
		})
	}
}
