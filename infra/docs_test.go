package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/settings"
)

// The prices of us-east-1, in USD, as published in 2026. They are those of AWS's own pages, read where
// the figures are quoted: https://cloudchipr.com/blog/aws-lambda-pricing (Lambda),
// https://github.com/vreutova/infracost-idem-support/pull/2 (CloudWatch, from the price list),
// https://airbyte.com/data-engineering-resources/dynamodb-pricing (DynamoDB, since November 2024) and
// https://cloudburn.io/blog/amazon-eventbridge-pricing (EventBridge, March 2026).
const (
	priceOfGBSecond = 0.0000133334 // Lambda on arm64
	priceOfRequest  = 0.20 / 1e6   // Lambda
	priceOfRead     = 0.125 / 1e6  // DynamoDB, a read request unit
	priceOfLogGB    = 0.50         // CloudWatch Logs, taken in
	priceOfKeptGB   = 0.03         // CloudWatch Logs, kept for a month
	priceOfAlarm    = 0.10         // CloudWatch, a standard alarm for a month
	priceOfTick     = 0.0          // EventBridge, events of AWS on the default bus
)

// What a look of the guard at nothing is reckoned with.
const (
	hoursOfMonth = 730
	idleSeconds  = 0.05 // a read of DynamoDB takes five milliseconds or ten
	idleReads    = 1.0  // strongly consistent, of one small item
	idleLogBytes = 600  // the lines START, END and REPORT, with what Logs adds to each
)

// idleCosts is the table of what the switch costs while nothing happens, from the templates and the
// prices. It gives the sums without and with alarms.
func idleCosts(t *testing.T) (table string, without, with float64) {
	t.Helper()
	s := synth(t, full)
	all := s.deploy(t, "Switch")
	guard := byName(all, "AWS::Lambda::Function", "FunctionName")["brake-guard"]
	if rate := byName(all, "AWS::Events::Rule", "Name")["brake-tick"]["ScheduleExpression"]; rate != "rate(1 minute)" {
		t.Fatalf("the guard looks at the %v: the table reckons with every minute", rate)
	}
	alarms := 0
	for _, stack := range []string{"Switch", "BillingAlarm"} {
		alarms += len(byName(s.deploy(t, stack), "AWS::CloudWatch::Alarm", "AlarmName"))
	}
	looks := float64(hoursOfMonth * 60)
	gigabytes := guard["MemorySize"].(float64) / 1024
	logged := looks * idleLogBytes / 1e9
	var b strings.Builder
	b.WriteString("| what | how much in a month | USD |\n|---|---|---|\n")
	line := func(what, amount string, usd float64) float64 {
		fmt.Fprintf(&b, "| %s | %s | %.4f |\n", what, amount, usd)
		return usd
	}
	lambda := "[Lambda](https://aws.amazon.com/lambda/pricing/)"
	logs := "[CloudWatch Logs](https://aws.amazon.com/cloudwatch/pricing/)"
	without += line(lambda+", the guard's time", fmt.Sprintf("%.0f looks of %.0f ms in %.0f MB: %.0f GB-seconds", looks, idleSeconds*1000, gigabytes*1024, looks*idleSeconds*gigabytes), looks*idleSeconds*gigabytes*priceOfGBSecond)
	without += line(lambda+", the guard's requests", fmt.Sprintf("%.0f", looks), looks*priceOfRequest)
	without += line("[DynamoDB](https://aws.amazon.com/dynamodb/pricing/on-demand/), reads", fmt.Sprintf("%.0f units", looks*idleReads), looks*idleReads*priceOfRead)
	without += line(logs+", taken in", fmt.Sprintf("%.3f GB", logged), logged*priceOfLogGB)
	without += line(logs+", kept for 30 days", fmt.Sprintf("%.3f GB", logged), logged*priceOfKeptGB)
	without += line("[EventBridge](https://aws.amazon.com/eventbridge/pricing/), ticks", fmt.Sprintf("%.0f", looks), looks*priceOfTick)
	fmt.Fprintf(&b, "| **without alarms** | | **%.2f** |\n", without)
	with = without + line("[CloudWatch alarms](https://aws.amazon.com/cloudwatch/pricing/)", fmt.Sprintf("%d, one of them `billingAlarm`", alarms), float64(alarms)*priceOfAlarm)
	fmt.Fprintf(&b, "| **with alarms** | | **%.2f** |\n", with)
	return b.String(), without, with
}

func TestIdleCosts(t *testing.T) {
	_, without, with := idleCosts(t)
	if without > 0.10 {
		t.Errorf("an idle switch without alarms costs %.3f USD a month, more than ten cents", without)
	}
	if with > 1 {
		t.Errorf("an idle switch with alarms costs %.3f USD a month, more than a dollar", with)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("Idle it costs %.0f cents a month, and %.0f with the alarms", without*100, with*100); !strings.Contains(string(readme), said) {
		t.Errorf("the README does not say: %s", said)
	}
}

// What the guide says is what the code says. -update writes what is generated.
func TestDeployGuide(t *testing.T) {
	path := filepath.Join(root, "docs", "deploy.md")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	costs, _, _ := idleCosts(t)
	policy, err := json.MarshalIndent(keyPolicy(settings.Deployment{Anomaly: &settings.Anomaly{}}), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"costs": costs, "key policy": "```json\n" + string(policy) + "\n```\n"} {
		want = "\n" + want + "\n"
		found := regexp.MustCompile(`(?s)<!-- ` + name + `: [^\n]* -->\n(.*?)<!-- end -->`).FindStringSubmatchIndex(text)
		switch {
		case found == nil:
			t.Fatalf("the guide has no section %q", name)
		case *update:
			text = text[:found[2]] + want + text[found[3]:]
		default:
			if diff := cmp.Diff(want, text[found[2]:found[3]]); diff != "" {
				t.Errorf("section %q: go test ./infra -run Guide -update writes it (-want +got):\n%s", name, diff)
			}
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	for _, of := range []reflect.Type{reflect.TypeFor[settings.Deployment](), reflect.TypeFor[settings.Rung]()} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(text, "| `"+name) && !strings.Contains(text, ", `"+name+"`") {
				t.Errorf("the guide does not say what the setting %s decides", name)
			}
		}
	}
	for _, shown := range regexp.MustCompile("(?s)```json\n(\\{.*?\\})\n```").FindAllStringSubmatch(text, -1) {
		if _, err := settings.ParseDeployment(shown[1]); err != nil {
			t.Errorf("what the guide shows cannot be deployed: %v\n%s", err, shown[1])
		}
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range regexp.MustCompile("make ([a-z]+)").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(makefile), "\n"+target[1]+": ") {
			t.Errorf("the guide says make %s, and there is no such target", target[1])
		}
	}
}
