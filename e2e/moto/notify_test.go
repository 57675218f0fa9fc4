package moto_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
)

// TestSubscribersAreTold: what a function publishes arrives as text, with the commands for this table.
func TestSubscribersAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "555566667777")
	client := awssns.NewFromConfig(w.in(here))
	topic, err := client.CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: aws.String("told")})
	w.ok("create the topic", err)
	arrived := make(chan string, 9)
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is cut off is no JSON
		arrived <- string(body)
	}))
	defer subscriber.Close()
	_, err = client.Subscribe(t.Context(), &awssns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("http"), Endpoint: aws.String(subscriber.URL),
	})
	w.ok("subscribe", err)
	w.must("pause-that-tells", strings.ReplaceAll(w.fixture("cost-anomaly"), account, w.account))
	select {
	case body := <-arrived:
		var envelope struct{ Subject, Message string }
		w.ok("read what arrived", json.Unmarshal([]byte(body), &envelope))
		if envelope.Subject != "aws-hit-breaks 555566667777: an alarm, and nothing is paused for it" {
			t.Errorf("the subject is %q", envelope.Subject)
		}
		for _, text := range []string{
			"\nNothing is paused for it: Cost Anomaly Detection only notifies: Amazon Elastic Compute Cloud - Compute.\n",
			"\n  AWS_REGION=us-east-1 AWS_HIT_BREAKS_TABLE=" + table + " aws-hit-breaks pause\n",
		} {
			if !strings.Contains(envelope.Message, text) {
				t.Errorf("it does not say %q:\n%s", text, envelope.Message)
			}
		}
	case <-time.After(time.Minute):
		t.Error("nothing arrived within a minute")
	}
}
