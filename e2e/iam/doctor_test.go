package iam_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/cli/command"
	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/settings"
)

// deployed puts into an account what is deployed there, as far as doctor looks at it.
func deployed(a *awssim.Account) {
	arn := func(name string) string { return "arn:aws:iam::" + place.Account + ":role/aws-hit-breaks-" + name }
	a.AddTable(place.Region, place.Table)
	decided := settings.Default()
	decided.Notify = a.AddTopic(place.Region, "aws-hit-breaks-notify")
	a.AddSubscription(place.Region, awssim.Subscription{Topic: decided.Notify, Protocol: "email", Endpoint: "ann@example.com"})
	rung := a.AddTopic(place.Region, "aws-hit-breaks-rung-1")
	decided.Topics = []settings.Topic{{ARN: rung, Action: settings.ActionPause}}
	a.AddSubscription(place.Region, awssim.Subscription{
		Topic: rung, Protocol: "lambda", Endpoint: "arn:aws:lambda:" + place.Region + ":" + place.Account + ":function:aws-hit-breaks-pause",
	})
	a.AddBudget(awssim.Budget{Name: "aws-hit-breaks-0f3c1a2b", Amount: "500.0", Spent: "1.0", Period: settings.Monthly})
	a.AddVolume("eu-west-1", awssim.Volume{Instance: "i-1", Key: "arn:aws:kms:eu-west-1:" + place.Account + ":key/volumes"})
	written, err := json.Marshal(decided)
	if err != nil {
		panic(err) // strings and durations
	}
	for _, f := range []settings.Function{settings.PauseFunction, settings.ResumeFunction, settings.GuardFunction} {
		a.AddRole(awssim.Role{ARN: arn(string(f))})
		a.SetFunction(place.Region, awssim.Function{Name: "aws-hit-breaks-" + string(f), Role: arn(string(f)), Environment: map[string]string{
			settings.TableVariable: place.Table, settings.SettingsVariable: string(written), settings.BudgetVariable: "aws-hit-breaks-0f3c1a2b",
		}})
	}
}

// examine runs the command doctor as a process, and wants it to find nothing.
func examine(t *testing.T, p *awssim.Process) {
	t.Helper()
	var screen bytes.Buffer
	if code := command.Main(t.Context(), []string{"doctor"}, command.World{
		In: strings.NewReader(""), Out: &screen, Err: &screen, Getenv: func(string) string { return "" }, Speed: 1,
		Config: func(context.Context) (aws.Config, error) { return p.Config(), nil },
		File:   func() (string, error) { return "", errors.New("there is none") },
	}); code != 0 || !strings.Contains(screen.String(), "all 12 checks are ok") {
		t.Errorf("doctor ends with %d:\n%s", code, &screen)
	}
}

// doctor is somebody who looks whether the switch is armed.
func (s *stage) doctor() {
	s.Helper()
	s.runs++
	examine(s.T, s.account.Process("inspector-doctor"))
}

// What the roles have for doctor is what it calls, and nothing else.
func TestDoctorCallsWhatItMay(t *testing.T) {
	t.Parallel()
	var called []string
	var mu sync.Mutex
	a := awssim.New(awssim.Options{ID: place.Account, Seed: 1, Speed: 1000, Regions: awssim.StartupRegions, Fault: func(c awssim.Call) awssim.Fault {
		mu.Lock()
		defer mu.Unlock()
		of, known := table[c.Action()]
		if !known {
			t.Errorf("doctor calls %s, and the table does not say what AWS checks before it: write a row", c.Action())
			return awssim.Fault{}
		}
		for _, one := range of(call{Call: c}) { // whose credentials these are, nobody needs a right to ask
			called = append(called, one.Action)
		}
		return awssim.Fault{}
	}})
	deployed(a)
	examine(t, a.Process("doctor"))
	slices.Sort(called)
	want := slices.Sorted(slices.Values(roles.Doctor))
	if diff := cmp.Diff(want, slices.Compact(called)); diff != "" {
		t.Errorf("what doctor calls (-may +calls):\n%s", diff)
	}
}

// What setup finds sufficient is sufficient for doctor: the role of the command line passes both, and
// without one of the actions that doctor calls it passes neither, whether IAM is asked or each look tried.
func TestARoleThatSetupTakesPassesDoctor(t *testing.T) {
	t.Parallel()
	arn := "arn:aws:iam::" + place.Account + ":role/command-line"
	run := func(t *testing.T, allows []string, asks bool, args ...string) (int, string) {
		t.Helper()
		a := awssim.New(awssim.Options{ID: place.Account, Seed: 1, Speed: 1000, Regions: awssim.StartupRegions, Fault: func(c awssim.Call) awssim.Fault {
			if c.Action() == "iam:SimulatePrincipalPolicy" && c.By == "" && !asks {
				return awssim.Fault{Before: &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform: " + c.Action()}}
			}
			return awssim.Fault{}
		}})
		deployed(a)
		a.AddRole(awssim.Role{ARN: arn, Allows: allows})
		var screen bytes.Buffer
		file := filepath.Join(t.TempDir(), "config.json")
		if args[0] == "doctor" { // as if setup had taken it
			if err := os.WriteFile(file, []byte(`{"role": "`+arn+`"}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		code := command.Main(t.Context(), args, command.World{
			In: strings.NewReader(""), Out: &screen, Err: &screen, Getenv: func(string) string { return "" }, Speed: 1,
			Config:        func(context.Context) (aws.Config, error) { return uninvoked(a.Process("cli").Config()), nil },
			File:          func() (string, error) { return "", errors.New("there is none") },
			Configuration: func() (string, error) { return file, nil },
		})
		return code, screen.String()
	}
	whole := granted(roles.CLI(place))
	for _, asks := range []bool{true, false} {
		if code, screen := run(t, whole, asks, "setup", "--role", arn); code != 0 {
			t.Errorf("setup (asking IAM: %v) does not take the role of the command line: code %d\n%s", asks, code, screen)
		}
	}
	if code, screen := run(t, whole, true, "doctor"); code != 0 || !strings.Contains(screen, "all 12 checks are ok") {
		t.Errorf("doctor finds something with the role of the command line: code %d\n%s", code, screen)
	}
	for _, action := range roles.Doctor {
		t.Run("without "+action, func(t *testing.T) {
			t.Parallel()
			less := slices.DeleteFunc(slices.Clone(whole), func(a string) bool { return a == action })
			if code, screen := run(t, less, true, "doctor"); code == 0 && !strings.Contains(screen, "warning") {
				t.Errorf("doctor misses nothing: why does it call that?\n%s", screen)
			}
			for _, asks := range []bool{true, false} {
				if action == "iam:SimulatePrincipalPolicy" && !asks {
					continue // doctor warns, and that is all that it is for
				}
				if code, screen := run(t, less, asks, "setup", "--role", arn); code != 12 || !strings.Contains(screen, action) {
					t.Errorf("setup (asking IAM: %v) takes a role that doctor will not do with: code %d\n%s", asks, code, screen)
				}
			}
		})
	}
}

// uninvoked answers for the Lambda API, which the simulated account lacks, that what is asked may be invoked.
func uninvoked(config aws.Config) aws.Config {
	config.APIOptions = append(slices.Clone(config.APIOptions), func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Lambda", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (out middleware.InitializeOutput, metadata middleware.Metadata, err error) {
			if _, ok := in.Parameters.(*lambda.InvokeInput); ok {
				out.Result = &lambda.InvokeOutput{StatusCode: 204}
				return out, metadata, nil
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
	return config
}
