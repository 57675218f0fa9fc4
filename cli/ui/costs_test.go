package ui

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// priced is a report with the longest words that AWS has, in the order of the report.
func priced() report.Report {
	r := report.Empty("111122223333")
	use := func(service string) []killswitch.Usage {
		return []killswitch.Usage{{Product: killswitch.Product{Service: service}, Quantity: 1, Kept: service == "disk"}}
	}
	r.Resources = []report.Resource{
		{Region: "ap-southeast-2", Kind: killswitch.AutoScalingGroup, ID: "a-group-with-a-name-as-long-as-names-are", Phase: killswitch.Running, Uses: use("machine")},
		{Region: "ap-southeast-2", Kind: killswitch.AutoScalingGroup, ID: "b", Phase: killswitch.Protected, Uses: use("machine"),
			Reason: "tag aws-hit-breaks:protect on a member of the group, which is not to be paused then"},
		{Region: "us-gov-east-1", Kind: killswitch.EC2Instance, ID: "i-0123456789abcdef0", Phase: killswitch.Running, Uses: use("odd")},
	}
	r.Keeps([]killswitch.Residual{
		{Ref: killswitch.Ref{Region: "ap-southeast-2", Kind: killswitch.LoadBalancer, ID: "app/a-load-balancer/50dc6c495c0c9188"}, Uses: use("odd")},
		{Ref: killswitch.Ref{Region: "us-gov-east-1", Kind: killswitch.Volume, ID: "vol-0123456789abcdef0"}, Name: "old", Uses: use("disk")},
	}, nil)
	r.Priced(func(p killswitch.Product) (float64, bool) {
		dollars, ok := map[string]float64{"machine": 1234.5, "disk": 0.0625}[p.Service]
		return dollars, ok
	}, nil)
	return r
}

func TestCostsOnATerminalOf80Columns(t *testing.T) {
	var shown bytes.Buffer
	notATerminal, err := os.CreateTemp(t.TempDir(), "") // whose size is not known: 80 columns
	if err != nil {
		t.Fatal(err)
	}
	defer notATerminal.Close()
	s := New(strings.NewReader(""), nil, nil)
	s.out = stream{w: &shown, file: notATerminal}
	s.err = s.out
	s.Report(priced())
	s.Costs(priced())
	for line := range strings.Lines(shown.String()) {
		if wide := lipgloss.Width(strings.TrimRight(line, " \n")); wide > 80 {
			t.Errorf("%d columns: %s", wide, line)
		}
	}
	for _, want := range []string{
		"REGION KIND $/HOUR $/MONTH HOW THEY STAND", "ap-southeast-2 autoscaling:group $2,469 $1,802,370 1 running, 1 protected",
		"us-gov-east-1 ec2:instance unknown unknown 1 running", "No pause, and costs:",
		"us-gov-east-1 $0.0625 $45.62 ec2:volume vol-0123456789abcdef0 (old)",
		"running: $2,469 an hour, $59,256 a day, $1,802,370 a month", "saved by a pause: $1,234 an hour, $29,628 a day, $901,185 a month",
		"goes on to cost: $1,235 an hour, $29,630 a day, $901,231 a month",
		"Not in the sums: 2 resources of unknown cost: no list price is known for odd//.",
	} {
		if !strings.Contains(strings.Join(strings.Fields(shown.String()), " "), want) {
			t.Errorf("it does not say %q:\n%s", want, shown.String())
		}
	}
}

func TestWithoutPricesNothingIsSaidOfCosts(t *testing.T) {
	s, out, talk := screen()
	r := report.Empty("1")
	r.Resources = []report.Resource{{Region: "r", Kind: "k:k", ID: "i", Phase: killswitch.Running}}
	s.Costs(r)
	if out.Len()+talk.Len() > 0 {
		t.Errorf("it says %q and %q", out, talk)
	}
	if diff := cmp.Diff([]string{"REGION", "KIND", "FOUND", "HOW THEY STAND"}, Groups(r).Header); diff != "" {
		t.Error(diff)
	}
}

func TestDataCanGoElsewhere(t *testing.T) {
	s, out, talk := screen()
	var file bytes.Buffer
	into := s.Into(&file)
	into.Line("data")
	if err := into.CSV(report.Empty("=1")); err != nil {
		t.Fatal(err)
	}
	into.Say("talk")
	if out.Len() > 0 || talk.String() != "talk\n" || !strings.HasPrefix(file.String(), "data\nrecord,region,") || !strings.Contains(file.String(), ",'=1,") {
		t.Errorf("standard output %q, talk %q, file %q", out, talk, file.String())
	}
}
