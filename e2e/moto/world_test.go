package moto_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"aws-hit-breaks/e2e/lambdahost"
	"aws-hit-breaks/snapshots/storetest/dynamolocal"
)

// The names in a world.
const (
	table = "e2e-snapshots"
	here  = "us-east-1"
	there = "eu-west-1"
	// beyond is a region that the settings leave out.
	beyond = "ap-south-1"
)

// ours are the settings of every world.
const ours = `{"regions":["us-east-1","eu-west-1"],"settle":"1s"}`

// world is one account, its credentials, and the brake deployed in it.
type world struct {
	*testing.T
	stage
	account string
	table   string     // of the snapshots
	key     string     // access key
	secrets []string   // what must not be in a log
	config  aws.Config // of the plain SDK
	env     []string   // of every process
	host    *lambdahost.Host
	logs    *log
}

// newWorld deploys the brake in an account, with a table of its own: DynamoDB Local has a database
// for each access key.
func newWorld(t *testing.T, id string) *world {
	t.Helper()
	w := newAccount(t, onStage(t), id, table)
	store := w.config.Copy()
	store.BaseEndpoint = &w.dynamodb
	if err := dynamolocal.CreateTable(t.Context(), store, table); err != nil {
		t.Fatal(err)
	}
	w.deploy()
	return w
}

// newAccount is an account in which no brake is deployed yet.
func newAccount(t *testing.T, s stage, id, table string) *world {
	t.Helper()
	const secret = "known-to-nobody-but-aws"
	w := &world{
		T: t, stage: s, account: id, table: table, key: keyOf(id), secrets: []string{secret, password}, logs: &log{},
	}
	w.config = aws.Config{
		Region: here, BaseEndpoint: &s.moto, Credentials: credentials.NewStaticCredentialsProvider(w.key, secret, ""),
	}
	w.env = []string{
		"HOME=" + t.TempDir(), "AWS_REGION=" + here, "AWS_HIT_BREAKS_ROLE=none", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + w.key, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_ENDPOINT_URL=" + s.moto, "AWS_ENDPOINT_URL_DYNAMODB=" + s.dynamodb,
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the functions logged:\n%s", w.logs)
		}
	})
	return w
}

// deploy puts the three functions under their names, and pause a few times more under settings of
// its own.
func (w *world) deploy() {
	deployed := func(binary, table, settings string) lambdahost.Function {
		return lambdahost.Function{
			Account: w.account, Bootstrap: filepath.Join(w.binaries, binary), Timeout: 15 * time.Minute, Log: w.logs,
			Env: append(w.env[:len(w.env):len(w.env)], "AWS_HIT_BREAKS_TABLE="+table, "AWS_HIT_BREAKS_SETTINGS="+settings),
		}
	}
	host, err := lambdahost.Start(map[string]lambdahost.Function{
		"aws-hit-breaks-pause":  deployed("pause", table, ours),
		"aws-hit-breaks-resume": deployed("resume", table, ours),
		"aws-hit-breaks-guard":  deployed("guard", table, ours),
		"pause-that-notifies":   deployed("pause", table, strings.Replace(ours, "{", `{"unparsed":"notify",`, 1)),
		"pause-that-tells":      deployed("pause", table, strings.Replace(ours, "{", `{"notify":"arn:aws:sns:`+here+`:`+w.account+`:told",`, 1)),
		"pause-without-table":   deployed("pause", "no-such-table", ours),
		"pause-set-up-wrongly":  deployed("pause", table, `{"region":["us-east-1"]}`),
	})
	w.hosted(host, err)
}

// hosted has the host be that of this world, until the test ends.
func (w *world) hosted(host *lambdahost.Host, err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	w.host = host
	w.Cleanup(func() {
		if err := host.Close(); err != nil {
			w.Error(err)
		}
	})
}

// as is the world for a test in its test.
func (w *world) as(t *testing.T) *world {
	other := *w
	other.T = t
	return &other
}

// items are those of the snapshot table whose sort key has a prefix: their content by their keys.
func (w *world) items(prefix string) map[string]string {
	w.Helper()
	store := w.config.Copy()
	store.BaseEndpoint = &w.dynamodb
	all := map[string]string{}
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(store), &dynamodb.ScanInput{TableName: &w.table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		for _, item := range page.Items {
			text := func(name string) string {
				value, _ := item[name].(*types.AttributeValueMemberS)
				return value.Value
			}
			if strings.HasPrefix(text("SK"), prefix) {
				body, _ := json.Marshal(item) // of strings and numbers: never fails
				all[text("PK")+" "+text("SK")] = string(body)
			}
		}
	}
	return all
}

// in is the plain SDK in a region.
func (w *world) in(region string) aws.Config {
	config := w.config.Copy()
	config.Region = region
	return config
}

// answer is what a function answers, as far as scripts may rely on it.
type answer struct {
	Report  report
	Order   int
	Idle    bool
	Closed  bool
	Ignored string
	Notice  []string
	Failure string // errorMessage
	Type    string // errorType
}

// report is what functions answer and the CLI prints.
type report struct {
	Account   string
	Resources []struct{ Region, Kind, ID, Name, Phase, Reason string }
	Summary   struct {
		Total, Pending int
		Phases         map[string]int
	}
	NotInspected []struct{ Region, Kind, Reason string }
	Problems     []struct{ Item, Why string }
	Orders       []struct{ Seq int }
}

// invoke runs a function as an alarm or an operator does.
func (w *world) invoke(function, event string) answer {
	w.Helper()
	result, err := w.host.Invoke(w.Context(), function, []byte(event))
	if err != nil {
		w.Fatal(err)
	}
	var a answer
	if result.FunctionError != "" {
		var failure struct{ ErrorMessage, ErrorType string }
		err = json.Unmarshal(result.Payload, &failure)
		a.Failure, a.Type = failure.ErrorMessage, failure.ErrorType
	} else {
		err = json.Unmarshal(result.Payload, &a)
	}
	if err != nil {
		w.Fatalf("%s answers %s: %v", function, result.Payload, err)
	}
	return a
}

// must is invoke for what has to succeed.
func (w *world) must(function, event string) answer {
	w.Helper()
	began := time.Now()
	a := w.invoke(function, event)
	if a.Failure != "" {
		w.Fatalf("%s: %s (%s)", function, a.Failure, a.Type)
	}
	w.Logf("%s took %.1f s: %v, %d pending", function, time.Since(began).Seconds(), a.Report.Summary.Phases, a.Report.Summary.Pending)
	return a
}

// settle ticks the guard, as its schedule does but more often, until nothing is pending.
func (w *world) settle(a answer) answer {
	w.Helper()
	for ticks := 0; a.Report.Summary.Pending > 0 && !a.Closed; ticks++ {
		if ticks == 30 {
			w.Fatalf("after %d ticks of the guard there is still something pending: %+v", ticks, a.Report.Resources)
		}
		time.Sleep(2 * time.Second)
		if next := w.must("aws-hit-breaks-guard", w.tick()); !next.Idle {
			a = next
		}
	}
	return a
}

// tick is what a schedule of EventBridge sends to the guard.
func (w *world) tick() string {
	return fmt.Sprintf(`{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event",`+
		`"source":"aws.events","account":%q,"time":"2026-03-03T12:00:00Z","region":"us-east-1",`+
		`"resources":["arn:aws:events:us-east-1:%[1]s:rule/aws-hit-breaks-guard"],"detail":{}}`, w.account)
}

// fixture is an event of pkg/alarm/testdata.
func (w *world) fixture(name string) string {
	w.Helper()
	event, err := os.ReadFile(filepath.Join(root, "pkg/alarm/testdata", name+".json"))
	if err != nil {
		w.Fatal(err)
	}
	return string(event)
}

// log keeps what the functions wrote.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// phases are the resources of a report by name, each with its phase.
func (r report) phases() map[string]string {
	all := map[string]string{}
	for _, resource := range r.Resources {
		name := resource.Name
		if name == "" {
			name = resource.ID
		}
		all[fmt.Sprintf("%s %s %s", resource.Region, resource.Kind, name)] = resource.Phase
	}
	return all
}
