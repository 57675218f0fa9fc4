package awssim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// Message is what was published to a topic.
type Message struct {
	At      time.Time
	Process string // that published it
	Topic   string // ARN
	Subject string
	Forms   map[string]string // by protocol; "default" for all that are not named
}

// snsState is SNS in one region. Subscribers are none of the account's business: what was published
// is what they get.
type snsState struct {
	topics        map[string]bool // ARNs
	subscriptions []Subscription
	messages      []Message
}

func newSNSState() *snsState { return &snsState{topics: map[string]bool{}} }

func snsOperations() []operation {
	return []operation{
		op("sns", "Publish", true, publish),
		op("sns", "ListSubscriptionsByTopic", false, listSubscriptionsByTopic),
	}
}

// Subscription is one of a topic.
type Subscription struct {
	Topic, Protocol, Endpoint string
	Pending                   bool // who is at the endpoint has not confirmed it
}

// AddSubscription adds a subscription to a topic of the region.
func (a *Account) AddSubscription(region string, s Subscription) {
	a.look(func(time.Time) {
		in := a.mustRegion(region).sns
		in.subscriptions = append(in.subscriptions, s)
	})
}

// RemoveSubscriptions takes away all of a topic.
func (a *Account) RemoveSubscriptions(region, topic string) {
	a.look(func(time.Time) {
		in := a.mustRegion(region).sns
		in.subscriptions = slices.DeleteFunc(in.subscriptions, func(s Subscription) bool { return s.Topic == topic })
	})
}

// listSubscriptionsByTopic lists at most a hundred at a time. One that is not confirmed has a word in the
// place of its ARN (https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html).
func listSubscriptionsByTopic(c *call, in *sns.ListSubscriptionsByTopicInput) (*sns.ListSubscriptionsByTopicOutput, error) {
	topic := aws.ToString(in.TopicArn)
	if !c.region.sns.topics[topic] {
		return nil, withStatus(http.StatusNotFound, &snstypes.NotFoundException{Message: aws.String("Topic does not exist")})
	}
	page, next, err := pageOf(numbered(c.region.sns.subscriptions), func(s place[Subscription]) bool { return s.of.Topic == topic },
		place[Subscription].number, int32(c.most(100)), in.NextToken)
	if err != nil {
		return nil, invalidParameter("NextToken")
	}
	out := &sns.ListSubscriptionsByTopicOutput{NextToken: next}
	for _, p := range page {
		arn := fmt.Sprintf("%s:%016x", topic, hash(c.account.seed, "subscription", topic, p.of.Protocol, p.of.Endpoint))
		if p.of.Pending {
			arn = "PendingConfirmation"
		}
		out.Subscriptions = append(out.Subscriptions, snstypes.Subscription{
			TopicArn: &topic, Protocol: aws.String(p.of.Protocol), Endpoint: aws.String(p.of.Endpoint),
			Owner: aws.String(c.account.id), SubscriptionArn: &arn,
		})
	}
	return out, nil
}

// AddTopic makes a topic and gives its ARN.
func (a *Account) AddTopic(region, name string) string {
	arn := "arn:aws:sns:" + region + ":" + a.id + ":" + name
	a.look(func(time.Time) { a.mustRegion(region).sns.topics[arn] = true })
	return arn
}

// RemoveTopic deletes a topic as a person would.
func (a *Account) RemoveTopic(region, name string) {
	a.look(func(time.Time) {
		delete(a.mustRegion(region).sns.topics, "arn:aws:sns:"+region+":"+a.id+":"+name)
	})
}

// Messages are what was published so far, in all regions, oldest first.
func (a *Account) Messages() (all []Message) {
	a.look(func(time.Time) {
		for _, name := range a.names {
			all = append(all, a.regions[name].sns.messages...)
		}
	})
	slices.SortStableFunc(all, func(x, y Message) int { return x.At.Compare(y.At) })
	return all
}

// publish takes a message for a topic, within the limits of
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
func publish(c *call, in *sns.PublishInput) (*sns.PublishOutput, error) {
	if in.TargetArn != nil || in.PhoneNumber != nil || in.MessageAttributes != nil || in.MessageGroupId != nil || in.MessageDeduplicationId != nil {
		return nil, c.unmodelled("sns:Publish to anything but a topic, or with attributes")
	}
	topic, message, subject := aws.ToString(in.TopicArn), aws.ToString(in.Message), aws.ToString(in.Subject)
	if !c.region.sns.topics[topic] {
		return nil, withStatus(http.StatusNotFound, &snstypes.NotFoundException{Message: aws.String("Topic does not exist")})
	}
	if in.Subject != nil && !isSubject(subject) {
		return nil, invalidParameter("Subject")
	}
	if message == "" || len(message) > 256<<10 || !utf8.ValidString(message) {
		return nil, invalidParameter("Message")
	}
	forms := map[string]string{"default": message}
	switch aws.ToString(in.MessageStructure) {
	case "":
	case "json":
		var fields map[string]any
		if json.Unmarshal([]byte(message), &fields) != nil {
			return nil, invalidParameter("Message Structure - JSON message body failed to parse")
		}
		if _, ok := fields["default"].(string); !ok {
			return nil, invalidParameter("Message Structure - No default entry in JSON message body")
		}
		for protocol, form := range fields {
			if text, ok := form.(string); ok {
				forms[protocol] = text
			}
		}
	default:
		return nil, invalidParameter("MessageStructure")
	}
	s := c.region.sns
	s.messages = append(s.messages, Message{At: c.now, Process: c.process.name, Topic: topic, Subject: subject, Forms: forms})
	return &sns.PublishOutput{MessageId: aws.String(fmt.Sprintf("%016x", hash(c.account.seed, "message", c.key)))}, nil
}

// isSubject says whether SNS takes the text for a subject.
func isSubject(text string) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) < 100 &&
		!strings.ContainsFunc(text, unicode.IsControl)
}

func invalidParameter(what string) error {
	return withStatus(http.StatusBadRequest, &snstypes.InvalidParameterException{Message: aws.String("Invalid parameter: " + what)})
}
