package moto_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"aws-hit-breaks/e2e/lambdahost"
)

// programs are those of the functions.
var programs = []string{"pause", "resume", "guard"}

// TestTemplates: what the CDK app synthesises is created, and the functions run with the settings that
// stand there, on the table that was made, for the messages of the topics that may invoke them.
func TestTemplates(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "1" || os.Getenv("AWS_HIT_BREAKS_ALL") == "1" {
			t.Fatal("there is no Node, and the CDK app needs one")
		}
		t.Skip("there is no Node, and the CDK app needs one")
	}
	s := onStage(t)
	// Transactions of moto that run at the same time undo each other, so there they never do.
	target, err := url.Parse(s.moto)
	if err != nil {
		t.Fatal(err)
	}
	store := httptest.NewServer(&oneByOne{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}})
	t.Cleanup(store.Close)
	s.dynamodb = store.URL
	w := newAccount(t, s, "888899990000", "aws-hit-breaks-snapshots")
	templates := w.synthesise()
	w.create(templates)
	w.madeTable()
	w.deployMade(templates)
	alarms, told := w.subscribed()

	w.seed()
	w.instance(here, "sandbox", map[string]string{"env": "dev"})
	before := w.describe()

	w.alarm(alarms, "rung-1")
	w.tells(told, "Nothing is paused for it")
	w.equal("what the rung changed that only notifies", map[string]string{}, changed(before, w.describe()))
	if originals := w.items("ORIGINAL#"); len(originals) > 0 {
		t.Errorf("a rung that only notifies wrote %d originals", len(originals))
	}

	sandbox := stopped("us-east-1 instance sandbox")
	w.settle(w.alarm(alarms, "rung-2"))
	w.tells(told, ": paused 1 of 1 ")
	w.equal("what the rung changed whose scope is env=dev", sandbox, changed(before, w.describe()))

	all := paused()
	maps.Copy(all, sandbox)
	w.settle(w.alarm(alarms, "rung-3"))
	w.tells(told, ": paused 8 of 8 ")
	w.equal("what the rung changed that pauses everything", all, changed(before, w.describe()))
	w.wokenDatabase()

	a := w.settle(w.must("aws-hit-breaks-resume", `{"actor":"ann"}`))
	w.tells(told, ": resumed 8 of 8 ")
	if !a.Closed {
		t.Errorf("everything is back, and the snapshot is not closed: %+v", a.Report.phases())
	}
	w.equal("what differs from before the alarms", map[string]string{}, changed(before, w.describe()))
}

// madeTable looks at the table, without which nothing can be put back.
func (w *world) madeTable() {
	w.Helper()
	out, err := dynamodb.NewFromConfig(w.config).DescribeTable(w.Context(), &dynamodb.DescribeTableInput{TableName: &w.table})
	w.ok("describe the table", err)
	got := map[string]string{
		"protected from deletion": "no", "billed": string(out.Table.BillingModeSummary.BillingMode),
	}
	if aws.ToBool(out.Table.DeletionProtectionEnabled) {
		got["protected from deletion"] = "yes"
	}
	for _, key := range out.Table.KeySchema {
		got["key "+*key.AttributeName] = string(key.KeyType)
	}
	w.equal("the table", map[string]string{
		"protected from deletion": "yes", "billed": "PAY_PER_REQUEST", "key PK": "HASH", "key SK": "RANGE",
	}, got)
}

// deployMade puts up the functions as moto describes them: under their names, with their settings and
// timeouts, and of the programs whose packages they were given.
func (w *world) deployMade(templates string) {
	w.Helper()
	programOf := map[string]string{}
	for _, name := range programs {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(templates), "build", "functions", name+".zip"))
		w.ok("read a package", err)
		sum := sha256.Sum256(content)
		programOf[base64.StdEncoding.EncodeToString(sum[:])] = name
	}
	list, err := awslambda.NewFromConfig(w.config).ListFunctions(w.Context(), nil)
	w.ok("list the functions", err)
	functions, got := map[string]lambdahost.Function{}, map[string]string{}
	for _, f := range list.Functions {
		env := slices.Clone(w.env)
		for key, value := range f.Environment.Variables {
			env = append(env, key+"="+value)
		}
		program := programOf[*f.CodeSha256]
		functions[*f.FunctionName] = lambdahost.Function{
			Account: w.account, Bootstrap: filepath.Join(w.binaries, program), Env: env,
			Timeout: time.Duration(*f.Timeout) * time.Second, Log: w.logs,
		}
		got[*f.FunctionName] = program + " as " + *f.Role
	}
	role := "arn:aws:iam::" + w.account + ":role/aws-hit-breaks-"
	w.equal("the functions", map[string]string{
		"aws-hit-breaks-pause": "pause as " + role + "pause", "aws-hit-breaks-resume": "resume as " + role + "resume",
		"aws-hit-breaks-guard": "guard as " + role + "guard",
	}, got)
	w.hosted(lambdahost.Start(functions))

	for rule, want := range map[string]string{"tick": "rate(1 minute)", "woken": ""} {
		var described struct{ State, ScheduleExpression string }
		w.events(&described, "DescribeRule", `{"Name":"aws-hit-breaks-`+rule+`"}`)
		var targets struct{ Targets []struct{ Arn string } }
		w.events(&targets, "ListTargetsByRule", `{"Rule":"aws-hit-breaks-`+rule+`"}`)
		if described.State != "ENABLED" || described.ScheduleExpression != want || len(targets.Targets) != 1 ||
			!strings.HasSuffix(targets.Targets[0].Arn, ":function:aws-hit-breaks-guard") {
			w.Errorf("the rule %s is %+v and wakes %+v, want %q of the guard", rule, described, targets, want)
		}
	}
}

// subscribed listens to every topic that the policy of the pause function lets invoke it, and to the
// topic that tells people.
func (w *world) subscribed() (alarms, told chan string) {
	w.Helper()
	alarms, told = make(chan string, 99), make(chan string, 99)
	out, err := awslambda.NewFromConfig(w.config).GetPolicy(w.Context(), &awslambda.GetPolicyInput{FunctionName: aws.String("aws-hit-breaks-pause")})
	w.ok("get the policy of the pause function", err)
	var policy struct {
		Statement []struct {
			Principal struct{ Service string }
			Condition struct{ ArnLike map[string]string }
		}
	}
	w.ok("read the policy of the pause function", json.Unmarshal([]byte(*out.Policy), &policy))
	for _, statement := range policy.Statement {
		if statement.Principal.Service == "sns.amazonaws.com" {
			w.listen(statement.Condition.ArnLike["AWS:SourceArn"], alarms)
		}
	}
	w.listen(w.topic("notify"), told)
	return alarms, told
}

func (w *world) topic(name string) string {
	return "arn:aws:sns:" + here + ":" + w.account + ":aws-hit-breaks-" + name
}

// listen passes on what a topic hands over.
func (w *world) listen(topic string, to chan<- string) {
	w.Helper()
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is cut off is no JSON
		to <- string(body)
	}))
	w.Cleanup(subscriber.Close)
	_, err := awssns.NewFromConfig(w.config).Subscribe(w.Context(), &awssns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("http"), Endpoint: &subscriber.URL,
	})
	w.ok("subscribe to "+topic, err)
}

// alarm publishes to a rung's topic what AWS Budgets does, and invokes the pause function with what
// arrives, as SNS invokes it: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func (w *world) alarm(arrived <-chan string, rung string) answer {
	w.Helper()
	var event struct {
		Records []struct {
			Sns struct{ Subject, Message string }
		}
	}
	w.ok("read an alarm", json.Unmarshal([]byte(strings.ReplaceAll(w.fixture("budgets-actual-monthly"), account, w.account)), &event))
	_, err := awssns.NewFromConfig(w.config).Publish(w.Context(), &awssns.PublishInput{
		TopicArn: aws.String(w.topic(rung)), Subject: &event.Records[0].Sns.Subject, Message: &event.Records[0].Sns.Message,
	})
	w.ok("publish an alarm", err)
	return w.must("aws-hit-breaks-pause", `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"`+
		w.topic(rung)+`:1","Sns":`+w.next(arrived)+`}]}`)
}

// tells waits for the next message to people, which says this.
func (w *world) tells(told <-chan string, what string) {
	w.Helper()
	var message struct{ Message string }
	w.ok("read what people are told", json.Unmarshal([]byte(w.next(told)), &message))
	if !strings.Contains(message.Message, what) {
		w.Errorf("people are not told %q, but:\n%s", what, message.Message)
	}
}

func (w *world) next(messages <-chan string) string {
	w.Helper()
	select {
	case message := <-messages:
		return message
	case <-time.After(time.Minute):
		w.Fatal("no message arrived within a minute")
		return ""
	}
}
