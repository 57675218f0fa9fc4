package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"
	"github.com/rogpeppe/go-internal/testscript"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots/bolt"
)

// speed is how many times as fast as a real account those of the tests are.
const speed = 200

var regions = awssim.StartupRegions

// fleets are what accounts hold.
var fleets = map[string]func(*awssim.Account){
	"empty":   func(*awssim.Account) {},
	"startup": awssim.Startup,
	"named":   func(a *awssim.Account) { small(a); a.SetAlias("acme-dev") },
	"small":   small,
	"disks": func(a *awssim.Account) { // more than an answer of a function has room for
		small(a)
		for range 2300 {
			a.AddVolume("us-east-1", awssim.Volume{Size: 10})
		}
		for range 100 {
			a.AddVolume("eu-central-1", awssim.Volume{}) // where the list has no price for it
		}
	},
	"roles": func(a *awssim.Account) {
		small(a)
		a.AddRole(awssim.Role{ARN: "arn:aws:iam::111122223333:role/open"})
		a.AddRole(awssim.Role{ARN: "arn:aws:iam::111122223333:role/careful", ExternalID: "brake-1"})
	},
}

func small(a *awssim.Account) {
	a.AddInstance("eu-west-1", awssim.Instance{ID: "i-0web", Type: "m5.xlarge", Tags: map[string]string{"Name": "web", "env": "dev"}})
	a.AddInstance("eu-west-1", awssim.Instance{ID: "i-0kept", Type: "t3.micro", Tags: map[string]string{settings.ProtectTag: "true"}})
	a.AddInstance("eu-west-1", awssim.Instance{ID: "i-0off", State: "stopped"})
	a.AddDBInstance("us-east-1", awssim.DBInstance{ID: "orders", Class: "db.r6g.large"})
	a.AddVolume("eu-west-1", awssim.Volume{ID: "vol-0web", Size: 50})
	a.AddNATGateway("us-east-1", awssim.NATGateway{ID: "nat-0main"})
	a.AddECSCluster("us-east-1", awssim.ECSCluster{Name: "main"})
	a.AddECSService("us-east-1", awssim.ECSService{Cluster: "main", Name: "api", Desired: 2})
}

type worldKey struct{}

// world is what a script works on.
type world struct {
	account  *awssim.Account
	before   awssim.State
	deployed bool // the functions
	lost     bool // what they answer does not arrive
	runs     int

	mu      sync.Mutex
	answers map[string]string // error code by IAM action
}

func of(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// want ends the script when its command was used wrongly.
func want(ts *testscript.TestScript, neg, ok bool, usage string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func account(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1 && fleets[args[0]] != nil, "account FLEET")
	w := of(ts)
	w.account = awssim.New(awssim.Options{Seed: 1, Speed: speed, Regions: regions, Fault: w.fault})
	fleets[args[0]](w.account)
	w.before = w.account.State()
}

// fault gives the answers that the script wants.
func (w *world) fault(c awssim.Call) awssim.Fault {
	return awssim.Fault{Before: w.refused(c.Action())}
}

// refused is the answer that the script wants to an action, if it wants one.
func (w *world) refused(action string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if code := w.answers[action]; code != "" {
		return &smithy.GenericAPIError{
			Code: code, Message: "User: arn:aws:iam::" + w.account.ID() + ":user/ann is not authorized to perform: " + action,
		}
	}
	return nil
}

func answer(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) != 1, "answer [CODE ACTION...]")
	w := of(ts)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = map[string]string{}
	if len(args) > 0 {
		for _, action := range args[1:] {
			w.answers[action] = args[0]
		}
	}
}

func table(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) <= 1, "table [NAME]")
	name := settings.DefaultTable
	if len(args) == 1 {
		name = args[0]
	}
	of(ts).account.AddTable("us-east-1", name)
}

// configuration is the file that a script names, if it names one.
func configuration(getenv func(string) string) func() (string, error) {
	if getenv(config.PathVariable) == "" {
		return nil
	}
	return func() (string, error) { return config.DefaultPath(getenv) }
}

// role adds a role to the account.
func role(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) > 0, "role NAME [mfa] [external-id=ID] [trusts=ARN] [allows=ACTION,...]")
	r := awssim.Role{ARN: "arn:aws:iam::" + of(ts).account.ID() + ":role/" + args[0]}
	for _, arg := range args[1:] {
		switch name, value, _ := strings.Cut(arg, "="); name {
		case "mfa":
			r.MFA = true
		case "external-id":
			r.ExternalID = value
		case "trusts":
			r.Trusts = strings.Split(value, ",")
		case "allows":
			r.Allows = strings.Split(value, ",")
		default:
			ts.Fatalf("a role has no %s", name)
		}
	}
	of(ts).account.AddRole(r)
}

// through wants every call of the last command, but for the two that make a session, to be the role's.
func through(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "through SESSION")
	w := of(ts)
	n := 0
	for _, c := range w.account.Trace() {
		if c.Process != fmt.Sprint("cli-", w.runs) {
			continue
		}
		n++
		if own := c.Action() == "sts:AssumeRole" || c.Action() == "sts:GetCallerIdentity"; c.By != args[0] && !(own && c.By == "") {
			ts.Fatalf("not through %s, but through %q: %s", args[0], c.By, c)
		}
	}
	if n == 0 {
		ts.Fatalf("nothing was called")
	}
}

// file is where the commands of a script keep snapshots without a table.
func file(ts *testscript.TestScript) string { return ts.MkAbs("snapshots.db") }

func cli(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) > 0, "cli CODE ARGS...")
	w := of(ts)
	w.runs++
	process := w.account.Process(fmt.Sprint("cli-", w.runs))
	code := command.Main(context.Background(), args[1:], command.World{
		In: strings.NewReader(""), Out: ts.Stdout(), Err: ts.Stderr(), Getenv: ts.Getenv, Speed: speed,
		Config: func(context.Context) (aws.Config, error) { return w.withLambda(process.Config()), nil },
		File:   func() (string, error) { return file(ts), nil }, Configuration: configuration(ts.Getenv),
	})
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("aws-hit-breaks %s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
	if names := w.account.Unmodelled(); len(names) > 0 {
		ts.Fatalf("the simulated account does not know %s", strings.Join(names, ", "))
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) > 1, "exits CODE PROGRAM...")
	code := 0
	ended := (*exec.ExitError)(nil)
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// person does what somebody does in the console.
func person(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 3, "person scale|stop|start|terminate REGION ID")
	a := of(ts).account
	act, region, id := args[0], args[1], args[2]
	config := a.Process("a person").Config()
	config.Region = region
	ctx := context.Background()
	var err error
	switch act {
	case "scale": // an ECS service, to one task
		cluster, service, _ := strings.Cut(id, "/")
		_, err = ecs.NewFromConfig(config).UpdateService(ctx, &ecs.UpdateServiceInput{
			Cluster: &cluster, Service: &service, DesiredCount: aws.Int32(1),
		})
	case "stop":
		_, err = ec2.NewFromConfig(config).StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
	case "start":
		_, err = ec2.NewFromConfig(config).StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
	case "terminate":
		a.Terminate(region, id)
	default:
		ts.Fatalf("a person does not know how to %s", act)
	}
	if err != nil {
		ts.Fatalf("%s %s: %v", act, id, err)
	}
	a.Jump(5 * time.Minute) // it is done
}

func same(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 0, "same")
	w := of(ts)
	if different, _ := awssim.Compare(w.before, w.account.State()); len(different) > 0 {
		ts.Fatalf("the account is not as it was: %+v", different)
	}
}

func changed(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 0, "changed")
	w := of(ts)
	if different, _ := awssim.Compare(w.before, w.account.State()); len(different) == 0 {
		ts.Fatalf("the account is as it was")
	}
}

func hold(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 0, "hold")
	held, err := bolt.Open(file(ts))
	if err != nil {
		ts.Fatalf("open %s: %v", filepath.Base(file(ts)), err)
	}
	ts.Defer(func() { _ = held.CloseFile() })
}
