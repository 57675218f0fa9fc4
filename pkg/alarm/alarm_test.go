package alarm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const (
	us    = "111122223333"
	them  = "444455556666"
	topic = "arn:aws:sns:us-east-1:111122223333:aws-hit-breaks-pause"
	queue = "arn:aws:sqs:us-east-1:111122223333:alarms"
)

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// record is an SNS record of a Lambda event.
func record(topic, subject, text string) map[string]any {
	return map[string]any{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": topic + ":7baee125-ecb5-4e2e-8efb-4f3555b2401f",
		"Sns": envelopeOf(topic, subject, text),
	}
}

func envelopeOf(topic, subject, text string) map[string]any {
	return map[string]any{
		"Type": "Notification", "MessageId": "m-1", "TopicArn": topic, "Subject": subject, "Message": text,
		"Timestamp": noon.Format(time.RFC3339), "SignatureVersion": "1", "MessageAttributes": map[string]any{},
	}
}

// queueRecord is an SQS record with the body.
func queueRecord(queue, body string) map[string]any {
	return map[string]any{
		"messageId": "q-1", "receiptHandle": "h", "body": body, "eventSource": "aws:sqs", "eventSourceARN": queue,
		"attributes": map[string]any{"ApproximateReceiveCount": "1", "SentTimestamp": "1772539200000"}, "awsRegion": "us-east-1",
	}
}

func lambdaEvent(items ...any) map[string]any { return map[string]any{"Records": items} }

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parseOne parses an event that has one record.
func parseOne(t *testing.T, event any, expect Expect) Alarm {
	t.Helper()
	got, err := Parse([]byte(encode(t, event)), expect)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d alarms, want one", len(got))
	}
	return got[0]
}

func money(value, currency string) *Money { return &Money{value, currency} }

func TestFixtures(t *testing.T) {
	common := Alarm{Account: us, Topic: topic, Rung: topic}
	tests := map[string]func(*Alarm){
		"budgets-actual-monthly.json": func(a *Alarm) {
			a.Source, a.Verdict, a.Budget, a.Type, a.Period = Budgets, Pauses, "My Monthly Cost Budget", "ACTUAL", Monthly
			a.Amount, a.Limit, a.Threshold = money("0.52", "USD"), money("2.00", "USD"), money("0.01", "USD")
			a.MessageID, a.At = "0f1d6c1e-59d0-5b0b-8c7e-3209b9a7a1a1", time.Date(2024, 11, 1, 23, 37, 16, 504e6, time.UTC)
			a.Subject = "AWS Budgets: My Monthly Cost Budget has exceeded your alert threshold"
		},
		"budgets-forecasted-monthly.json": func(a *Alarm) {
			a.Source, a.Verdict, a.Budget, a.Type, a.Period = Budgets, Pauses, "AwsCostNotificationStack-MonthlyCostBudget", "FORECASTED", Monthly
			a.Amount, a.Limit, a.Threshold = money("1.03", "USD"), money("0.01", "USD"), money("0.01", "USD")
			a.MessageID, a.At = "254078db-ff09-5f4f-8c04-266076dcf322", time.Date(2024, 5, 13, 23, 16, 1, 30e6, time.UTC)
			a.Subject = "AWS Budgets: AwsCostNotificationStack-MonthlyCostBudget has exceeded your alert threshold"
		},
		"cloudwatch-billing-alarm.json": func(a *Alarm) {
			a.Source, a.Verdict, a.Budget, a.Period = CloudWatch, Pauses, "estimated-charges", Monthly
			a.Amount, a.Threshold = money("104.31", "USD"), money("100.0", "USD")
			a.MessageID, a.At = "5b6f1fd0-4d84-5a6c-9a3f-41e4b0c0d111", time.Date(2026, 3, 3, 12, 4, 11, 275e6, time.UTC)
			a.Subject = `ALARM: "estimated-charges" in US East (N. Virginia)`
		},
		"cost-anomaly.json": func(a *Alarm) {
			a.Source, a.Verdict, a.Budget, a.Amount = Anomaly, Notifies, "services", money("1001.0", "")
			a.MessageID, a.At = "7d8f1fd0-4d84-5a6c-9a3f-41e4b0c0d222", time.Date(2026, 3, 3, 12, 10, 0, 0, time.UTC)
			a.Subject = "AWS Cost Management: Cost anomaly(s) summary"
			a.Why = "Cost Anomaly Detection only notifies: Amazon Elastic Compute Cloud - Compute"
		},
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(tests) {
		t.Fatalf("%d fixtures (%v), want %d", len(files), err, len(tests))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			event, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(event, Expect{Account: us, Topics: []string{topic}})
			if err != nil || len(got) != 1 {
				t.Fatalf("Parse = %v, %v, want one alarm", got, err)
			}
			if !strings.Contains(string(event), encode(t, got[0].Text)[:60]) {
				t.Errorf("text is not what came: %q", got[0].Text)
			}
			want := common
			tests[filepath.Base(file)](&want)
			want.Text = got[0].Text
			if d := cmp.Diff(want, got[0]); d != "" {
				t.Errorf("alarm differs (-want +got):\n%s", d)
			}
		})
	}
}

// What a message asks for follows from where it came from, then from what it says.
func TestTheTopicDecides(t *testing.T) {
	ours := strings.ReplaceAll(usual, "@", us)
	other := "arn:aws:sns:us-east-1:" + them + ":x"
	tests := map[string]struct {
		event  any
		topics []string
		want   Verdict
		why    string // part of it
	}{
		"a topic of ours":                            {lambdaEvent(record(topic, "", ours)), nil, Pauses, ""},
		"a configured topic":                         {lambdaEvent(record(topic, "", ours)), []string{"arn:aws:sns:us-east-1:111122223333:y", topic}, Pauses, ""},
		"a topic that is not configured":             {lambdaEvent(record(topic, "", ours)), []string{"arn:aws:sns:us-east-1:111122223333:y"}, Refused, topic + " is not among the configured topics: add it"},
		"two reasons":                                {lambdaEvent(record(topic, "", `{"AlarmName":"a","NewStateValue":"OK","AWSAccountId":"444455556666"}`)), nil, Notifies, "only ALARM pauses; the text names account 444455556666"},
		"a topic of another account":                 {lambdaEvent(record(other, "", ours)), nil, Refused, "is of another account than 111122223333: use a topic of this account"},
		"a topic of another account, though listed":  {lambdaEvent(record(other, "", ours)), []string{other}, Refused, "is of another account"},
		"another account in the text":                {lambdaEvent(record(topic, "", strings.ReplaceAll(usual, "@", them))), nil, Pauses, "the text names account 444455556666, the topic decides"},
		"another account in CloudWatch's JSON":       {lambdaEvent(record(topic, "", `{"AlarmName":"a","NewStateValue":"ALARM","AWSAccountId":"444455556666"}`)), nil, Pauses, "the text names account 444455556666"},
		"our account in the text of a foreign topic": {lambdaEvent(record(other, "", ours)), nil, Refused, "is of another account"},
		"no topic":                                      {lambdaEvent(record("", "", ours)), nil, Refused, "names no topic"},
		"a topic that is no ARN":                        {lambdaEvent(record("alarms", "", ours)), nil, Refused, `names no topic that it came from ("alarms")`},
		"a subscription's ARN for a topic":              {lambdaEvent(record(topic+":7baee125", "", ours)), nil, Refused, "names no topic"},
		"the ARN of something else":                     {lambdaEvent(record("arn:aws:iam:us-east-1:111122223333:x", "", ours)), nil, Refused, "names no topic"},
		"a topic in China":                              {lambdaEvent(record("arn:aws-cn:sns:cn-north-1:111122223333:x", "", ours)), nil, Pauses, ""},
		"a record of S3":                                {lambdaEvent(map[string]any{"eventSource": "aws:s3", "s3": map[string]any{}}), nil, Refused, `a record of "aws:s3" carries no alarm`},
		"an SNS record without a message":               {lambdaEvent(map[string]any{"EventSource": "aws:sns"}), nil, Refused, `a record of "aws:sns" carries no alarm`},
		"a record that is no object":                    {lambdaEvent("x"), nil, Refused, `a record of "" carries no alarm`},
		"an envelope in a queue":                        {lambdaEvent(queueRecord(queue, encode(t, envelopeOf(topic, "", ours)))), []string{topic}, Pauses, ""},
		"an envelope of a foreign topic in our queue":   {lambdaEvent(queueRecord(queue, encode(t, envelopeOf(other, "", ours)))), nil, Refused, "is of another account"},
		"an envelope of our topic in a foreign queue":   {lambdaEvent(queueRecord("arn:aws:sqs:us-east-1:444455556666:q", encode(t, envelopeOf(topic, "", ours)))), nil, Refused, "the queue arn:aws:sqs:us-east-1:444455556666:q is not of account 111122223333"},
		"a raw message in a queue":                      {lambdaEvent(queueRecord(queue, ours)), nil, Pauses, ""},
		"a raw message in a configured queue":           {lambdaEvent(queueRecord(queue, ours)), []string{queue}, Pauses, ""},
		"a raw message in a queue that is not":          {lambdaEvent(queueRecord(queue, ours)), []string{topic}, Refused, queue + " is not among the configured topics"},
		"a raw message in a foreign queue":              {lambdaEvent(queueRecord("arn:aws:sqs:us-east-1:444455556666:q", ours)), nil, Refused, "is not of account"},
		"a raw message in a queue without a name":       {lambdaEvent(queueRecord("", ours)), nil, Refused, "names no topic"},
		"a failed invocation in a queue":                {lambdaEvent(queueRecord(queue, encode(t, lambdaEvent(record(topic, "", ours))))), nil, Pauses, ""},
		"a failed invocation with its destination":      {lambdaEvent(queueRecord(queue, encode(t, map[string]any{"version": "1.0", "requestPayload": lambdaEvent(record(topic, "", ours))}))), nil, Pauses, ""},
		"a failed invocation by a foreign topic":        {lambdaEvent(queueRecord(queue, encode(t, lambdaEvent(record(other, "", ours))))), nil, Refused, "is of another account"},
		"an envelope by itself":                         {envelopeOf(topic, "", ours), nil, Pauses, ""},
		"a batch of EventBridge Pipes":                  {[]any{queueRecord(queue, ours)}, nil, Pauses, ""},
		"an event of ours":                              {eventOf(us, "aws.cloudwatch", "CloudWatch Alarm State Change", map[string]any{"alarmName": "a", "state": map[string]any{"value": "ALARM"}}), nil, Pauses, ""},
		"an event of ours with topics configured":       {eventOf(us, "aws.cloudwatch", "CloudWatch Alarm State Change", map[string]any{"alarmName": "a", "state": map[string]any{"value": "ALARM"}}), []string{topic}, Pauses, ""},
		"an event of another account":                   {eventOf(them, "aws.cloudwatch", "CloudWatch Alarm State Change", map[string]any{"alarmName": "a", "state": map[string]any{"value": "ALARM"}}), nil, Refused, "the event is of account 444455556666, not of 111122223333"},
		"an event of no account":                        {eventOf("", "aws.cloudwatch", "x", map[string]any{}), nil, Refused, "names no topic"},
		"an event that is no alarm comes by no topic":   {eventOf(us, "aws.events", "Scheduled Event", map[string]any{}), nil, Notifies, "not understood"},
		"the same event through a topic is ours":        {lambdaEvent(record(topic, "", encode(t, eventOf(us, "aws.events", "Scheduled Event", map[string]any{})))), nil, Unparsed, "not understood"},
		"a message that is not understood":              {lambdaEvent(record(topic, "hello", "world")), nil, Unparsed, "the message was not understood: read it and decide"},
		"a message that is not understood, foreign":     {lambdaEvent(record(other, "hello", "world")), nil, Refused, "is of another account"},
		"an empty message":                              {lambdaEvent(record(topic, "", "")), nil, Unparsed, "the message is empty"},
		"a confirmation of a subscription":              {lambdaEvent(queueRecord(queue, `{"Type":"SubscriptionConfirmation","TopicArn":"`+topic+`","Message":"You have chosen to subscribe","MessageId":"m"}`)), nil, Notifies, "SNS sent a SubscriptionConfirmation"},
		"the end of a subscription":                     {lambdaEvent(map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Type": "UnsubscribeConfirmation", "TopicArn": topic, "Message": "ALARM"}}), nil, Notifies, "SNS sent a UnsubscribeConfirmation"},
		"a message as large as SNS allows":              {lambdaEvent(record(topic, "", ours+strings.Repeat(" ", MaxMessage-len(ours)))), nil, Pauses, ""},
		"a message larger than SNS allows":              {lambdaEvent(record(topic, "", ours+strings.Repeat(" ", MaxMessage-len(ours)+1))), nil, Refused, "a message of 262145 bytes is no message of SNS, which carries 262144"},
		"a raw message larger than SNS allows":          {lambdaEvent(queueRecord(queue, "x"+strings.Repeat("é", MaxMessage))), nil, Refused, "is no message of SNS"},
		"a record of the API of Budgets, by CloudTrail": {eventOf(us, "aws.budgets", "AWS API Call via CloudTrail", map[string]any{"eventName": "UpdateBudget"}), nil, Notifies, "a record of an API call is no alarm"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := parseOne(t, tt.event, Expect{Account: us, Topics: tt.topics})
			if got.Verdict != tt.want || !strings.Contains(got.Why, tt.why) || tt.why == "" && got.Why != "" {
				t.Errorf("verdict %s because %q, want %s because %q", got.Verdict, got.Why, tt.want, tt.why)
			}
			if strings.Contains(got.Why, "\n") || len(got.Why) > 400 {
				t.Errorf("%q is more than one line", got.Why)
			}
			if !utf8.ValidString(got.Text) || got.Verdict == Refused && len(got.Text) > MaxMessage {
				t.Errorf("a text of %d bytes was kept of what was refused", len(got.Text))
			}
			if got.Verdict == Unparsed && got.Text == "" && name != "an empty message" {
				t.Error("what was not understood lost its text")
			}
		})
	}
}

func eventOf(account, source, detailType string, detail map[string]any) map[string]any {
	return map[string]any{
		"version": "0", "id": "e-1", "detail-type": detailType, "source": source, "account": account,
		"time": noon.Format(time.RFC3339), "region": "us-east-1", "resources": []any{}, "detail": detail,
	}
}

func TestParseErrors(t *testing.T) {
	tests := map[string]struct{ event, want string }{
		"nothing":                  {"", "the event is empty"},
		"spaces":                   {" \n", "the event is empty"},
		"null":                     {"null", "the event is empty"},
		"no JSON":                  {"pause!", "the event is not JSON"},
		"JSON cut off":             {`{"Records": [`, "the event is not JSON"},
		"two objects":              {`{} {}`, "the event is not JSON"},
		"a text":                   {`"pause"`, "the event is not a JSON object"},
		"an empty object":          {`{}`, "the event has no records (its keys: none)"},
		"something else":           {`{"httpMethod": "GET", "body": null}`, "the event has no records (its keys: body, httpmethod)"},
		"no records":               {`{"Records": []}`, "the event has no records"},
		"records that are no list": {`{"Records": {}}`, "the event has no records"},
		"an empty list":            {`[]`, "the event has no records"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(tt.event), Expect{Account: us})
			if err == nil || len(got) != 0 || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "SNS topic") {
				t.Errorf("Parse(%q) = %v, %v, want an error that says %q and what to do", tt.event, got, err, tt.want)
			}
		})
	}
	if _, err := Parse([]byte(`{"Records": [{}]}`), Expect{}); err == nil {
		t.Error("an alarm was expected of no account, and that was no error")
	}
}

func TestManyRecordsAreManyAlarms(t *testing.T) {
	event := lambdaEvent(record(topic, "", "?"), map[string]any{"eventSource": "aws:s3"}, queueRecord(queue, strings.ReplaceAll(usual, "@", us)))
	got, err := Parse([]byte("\ufeff"+encode(t, event)), Expect{Account: us})
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []Verdict
	for _, a := range got {
		verdicts = append(verdicts, a.Verdict)
	}
	if d := cmp.Diff([]Verdict{Unparsed, Refused, Pauses}, verdicts); d != "" {
		t.Errorf("verdicts differ (-want +got):\n%s", d)
	}
}

func TestCarriers(t *testing.T) {
	text := strings.ReplaceAll(usual, "@", us)
	lower := map[string]any{"Records": []any{map[string]any{"eventSource": "aws:sns", "sns": map[string]any{
		"type": "Notification", "messageId": "m-1", "topicArn": topic, "subject": "s", "message": text, "timestamp": noon.Format(time.RFC3339)}}}}
	tests := map[string]struct {
		event     any
		id, topic string
		at        time.Time
		text      string
	}{
		"an SNS record":              {lambdaEvent(record(topic, "s", text)), "m-1", topic, noon, text},
		"one with keys in lowercase": {lower, "m-1", topic, noon, text},
		"an envelope in a queue":     {lambdaEvent(queueRecord(queue, encode(t, envelopeOf(topic, "s", text)))), "m-1", topic, noon, text},
		"a raw message in a queue":   {lambdaEvent(queueRecord(queue, text)), "q-1", queue, noon, text},
		"a message that is an object": {lambdaEvent(map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{
			"TopicArn": topic, "MessageId": "m-1", "Timestamp": "2026-03-03T13:00:00.000+0100", "Message": map[string]any{"AlarmName": "a", "NewStateValue": "ALARM"}}}),
			"m-1", topic, noon, `{"AlarmName":"a","NewStateValue":"ALARM"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := parseOne(t, tt.event, Expect{Account: us})
			if got.Verdict != Pauses || got.MessageID != tt.id || got.Topic != tt.topic || !got.At.Equal(tt.at) || got.Text != tt.text || got.Account != us {
				t.Errorf("got %+v, want message %s of %s at %s", got, tt.id, tt.topic, tt.at)
			}
		})
	}
}

func TestAt(t *testing.T) {
	plain := func(text string) any {
		return lambdaEvent(map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"TopicArn": topic, "Message": text}})
	}
	tests := map[string]struct {
		event any
		want  time.Time
	}{
		"the carrier before the text":      {lambdaEvent(record(topic, "", `{"AlarmName":"a","NewStateValue":"ALARM","StateChangeTime":"2026-01-01T00:00:00.000+0000"}`)), noon},
		"CloudWatch's own time":            {plain(`{"AlarmName":"a","NewStateValue":"ALARM","StateChangeTime":"2026-03-03T12:00:00.000+0000"}`), noon},
		"the time of a change of state":    {plain(`{"alarmName":"a","state":{"value":"ALARM","timestamp":"2026-03-03T12:00:00.000+0000"}}`), noon},
		"the end of an anomaly":            {plain(`{"anomalyId":"a","anomalyEndDate":"2026-03-03T12:00:00Z"}`), noon},
		"the event's time in a message":    {plain(encode(t, eventOf(us, "aws.x", "X", nil))), noon},
		"the time of an event":             {eventOf(us, "aws.x", "X", map[string]any{}), noon},
		"the end of the day in the title":  {plain("AWS Budget Notification March 03, 2026\nBudget Name: x\nAlert Type: ACTUAL"), time.Date(2026, 3, 3, 23, 59, 59, 0, time.UTC)},
		"nothing tells":                    {plain("Budget Name: x\nAlert Type: ACTUAL"), time.Time{}},
		"a time out of reach is none":      {lambdaEvent(map[string]any{"eventSource": "aws:sqs", "eventSourceARN": queue, "body": "x", "attributes": map[string]any{"SentTimestamp": "9223372036854775807"}}), time.Time{}},
		"a time that is no number is none": {lambdaEvent(map[string]any{"eventSource": "aws:sqs", "eventSourceARN": queue, "body": "x", "attributes": map[string]any{"SentTimestamp": "soon"}}), time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := parseOne(t, tt.event, Expect{Account: us}); !got.At.Equal(tt.want) {
				t.Errorf("at %v, want %v", got.At, tt.want)
			}
		})
	}
}

func TestID(t *testing.T) {
	a := Alarm{Topic: topic, Text: "x", At: noon}
	if b := a; a.ID() != b.ID() || a.ID() == "" {
		t.Errorf("the id of one message is %q and %q", a.ID(), b.ID())
	}
	for name, change := range map[string]func(*Alarm){
		"text": func(a *Alarm) { a.Text = "y" }, "time": func(a *Alarm) { a.At = noon.Add(time.Second) }, "topic": func(a *Alarm) { a.Topic += "2" },
	} {
		if b := a; func() bool { change(&b); return b.ID() == a.ID() }() {
			t.Errorf("another %s has the same id %q", name, a.ID())
		}
	}
	if a.MessageID = "m"; a.ID() != "m" {
		t.Errorf("the id is %q, not SNS's own", a.ID())
	}
}
