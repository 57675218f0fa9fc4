package moto_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// decided is what an owner decided, as cdk.json has it. With "assets" the templates find the code of
// the functions in a bucket of that name, as for an organisation (make stackset), and ask for nothing
// that `cdk bootstrap` makes.
const decided = `{"aws-hit-breaks": {
	"budget": {"amount": 100}, "assets": "` + bucket + `", "notify": {"emails": ["you@example.com"]},
	"rungs": [
		{"type": "ACTUAL", "threshold": 80, "unit": "PERCENTAGE", "action": "notify"},
		{"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause", "scope": {"tags": ["env=dev"]}},
		{"type": "ACTUAL", "threshold": 120, "unit": "PERCENTAGE", "action": "pause"}
	],
	"brake": {"regions": ["us-east-1", "eu-west-1"], "settle": "1s"}
}}`

const bucket = "our-code"

// unheld are the types that moto's CloudFormation takes no notice of, and what is done about each. Of
// what it does create it drops some properties: of the table the TTL and the recovery, of the functions
// the architecture. What infra asserts of the templates is all that there is of those.
var unheld = map[string]string{
	"AWS::SNS::Subscription":         "the test subscribes itself to the topics that may invoke a function",
	"AWS::Lambda::EventInvokeConfig": "moto runs no function, so none fails",
	"AWS::SNS::TopicPolicy":          "moto asks nobody whether he may publish",
	"AWS::SQS::QueuePolicy":          "moto asks nobody whether he may send",
	"AWS::CloudWatch::Alarm":         "no metric of moto ever rises",
	"AWS::Budgets::Budget":           "no cost of moto ever rises: the test publishes what AWS Budgets would",
}

// synthesise runs the app as the CDK CLI does, over the packages of the programs that this package
// tests, and gives the folder of the templates.
func (w *world) synthesise() string {
	w.Helper()
	tools, remove, err := build("./infra", "./e2e/pack")
	if remove != nil {
		defer func() { _ = remove() }()
	}
	w.ok("build the app", err)
	folder := w.TempDir()
	packages := filepath.Join(folder, "build", "functions")
	w.ok("make a folder for the packages", os.MkdirAll(packages, 0o755))
	var all errgroup.Group
	for _, name := range programs {
		all.Go(func() error {
			return exec.Command(filepath.Join(tools, "pack"), filepath.Join(w.binaries, name), filepath.Join(packages, name+".zip")).Run()
		})
	}
	w.ok("pack the functions", all.Wait())
	app := exec.Command(filepath.Join(tools, "infra"))
	app.Dir = folder
	out := filepath.Join(folder, "cdk.out")
	app.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+decided)
	said, err := app.CombinedOutput()
	if err != nil {
		w.Fatalf("synthesise: %v\n%s", err, said)
	}
	return out
}

// create has moto's CloudFormation make the stacks, with their code in the bucket: all that is in the
// templates, but for unheld.
func (w *world) create(folder string) {
	w.Helper()
	w.raw("s3", http.MethodPut, "/"+bucket, nil)
	assets, err := filepath.Glob(filepath.Join(folder, "asset.*.zip"))
	w.ok("find the packages", err)
	for _, asset := range assets {
		content, err := os.ReadFile(asset)
		w.ok("read a package", err)
		w.raw("s3", http.MethodPut, "/"+bucket+"/"+strings.TrimPrefix(filepath.Base(asset), "asset."), content)
	}
	wanted, made := map[string]string{}, map[string]string{}
	held := map[string]bool{}
	for _, stack := range []string{"Snapshots", "Switch"} {
		text, err := os.ReadFile(filepath.Join(folder, stack+".template.json"))
		w.ok("read a template", err)
		var template struct {
			Resources map[string]struct{ Type string }
		}
		w.ok("read the template of "+stack, json.Unmarshal(text, &template))
		for id, resource := range template.Resources {
			if unheld[resource.Type] == "" {
				wanted[stack+" "+id] = resource.Type
			}
			held[resource.Type] = true
		}
		w.formation(nil, "CreateStack", url.Values{"StackName": {stack}, "TemplateBody": {string(text)}, "Capabilities.member.1": {"CAPABILITY_NAMED_IAM"}})
		var stacks struct {
			Status []string `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
		}
		w.formation(&stacks, "DescribeStacks", url.Values{"StackName": {stack}})
		if len(stacks.Status) != 1 || stacks.Status[0] != "CREATE_COMPLETE" {
			w.Fatalf("stack %s is %v", stack, stacks.Status)
		}
		var resources struct {
			All []struct {
				ID   string `xml:"LogicalResourceId"`
				Type string `xml:"ResourceType"`
			} `xml:"DescribeStackResourcesResult>StackResources>member"`
		}
		w.formation(&resources, "DescribeStackResources", url.Values{"StackName": {stack}})
		for _, resource := range resources.All {
			if resource.ID != "" { // what it did not make has neither name nor type
				made[stack+" "+resource.ID] = resource.Type
			}
		}
	}
	w.equal("what CloudFormation made of the templates: where moto makes more than it did, take that out of unheld", wanted, made)
	for kind := range unheld {
		if !held[kind] {
			w.Errorf("moto is said not to hold %s, of which there is none in the templates: take it out of unheld", kind)
		}
	}
}

// formation calls CloudFormation, for which the product has no module of the SDK.
func (w *world) formation(answer any, action string, form url.Values) {
	w.Helper()
	form.Set("Action", action)
	body := w.raw("cloudformation", http.MethodPost, "/", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if answer != nil {
		w.ok("read what "+action+" answers", xml.Unmarshal(body, answer))
	}
}

// events calls EventBridge, for which the product has no module of the SDK either.
func (w *world) events(answer any, operation, input string) {
	w.Helper()
	body := w.raw("events", http.MethodPost, "/", []byte(input), "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "AWSEvents."+operation)
	w.ok("read what "+operation+" answers", json.Unmarshal(body, answer))
}

// raw makes one call of a service. moto reads in a signature whose it is, and checks nothing.
func (w *world) raw(service, method, path string, body []byte, header ...string) []byte {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.moto+path, bytes.NewReader(body))
	w.ok("call "+service, err)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+w.key+"/20260303/"+here+"/"+service+"/aws4_request, SignedHeaders=host, Signature=none")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	w.ok("call "+service, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	w.ok("call "+service, err)
	if answer.StatusCode >= 300 {
		w.Fatalf("%s %s of %s: %s: %.500s", method, path, service, answer.Status, text)
	}
	return text
}

// oneByOne has its calls wait for each other.
type oneByOne struct {
	http.Handler
	mu sync.Mutex
}

func (o *oneByOne) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Handler.ServeHTTP(w, r)
}
