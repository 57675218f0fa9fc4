package command

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/awssim"
)

// A demonstration that did not put everything back says so, field by field, and does not end with 0.
func TestDemoFailsWhereOneFieldDiffers(t *testing.T) {
	var out, talk bytes.Buffer
	c := &cli{screen: ui.New(strings.NewReader(""), &out, &talk)}
	d := newDemonstration(c, 1, defaultSpeed)
	defer d.account.Shutdown()
	d.before = d.account.State()
	d.account.AddInstance(awssim.StartupRegions[0], awssim.Instance{ID: "i-0new"})
	d.paused = d.account.State()

	err := d.compare(t.Context())
	var end *ended
	if !errors.As(err, &end) || end.code != codeError {
		t.Errorf("the demonstration ends with %v, want exit code %d", err, codeError)
	}
	screen := out.String() + talk.String()
	for _, want := range []string{"i-0new", "restored exactly: 0 of 1 resources", "At this speed a call had 100ms of this machine's time."} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen does not say %q:\n%s", want, screen)
		}
	}
}

func TestSpeedsThatCannotWorkAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		speed float64
		says  string // nothing: it is taken
	}{
		"as fast as a real one": {1, ""}, "the default": {defaultSpeed, ""}, "the fastest": {500, ""},
		"a little more":      {501, "a call, which may take 20s, would have 39.9ms of this machine's time"},
		"what used to fail":  {2000, "would have 10ms of this machine's time, and fail whenever it is busy with something else: say how many"},
		"slower than a real": {0.5, "--speed 0.5: say how many times as fast as a real account, from 1 to 500"},
		"backwards":          {-3, "from 1 to 500"}, "no number": {math.NaN(), "from 1 to 500"}, "without end": {math.Inf(1), "would have 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkSpeed(tt.speed)
			if err == nil != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}
