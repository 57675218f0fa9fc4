package iam_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
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
