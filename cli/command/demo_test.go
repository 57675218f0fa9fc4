package command

import (
	"bytes"
	"errors"
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
	for _, want := range []string{"i-0new", "restored exactly: 0 of 1 resources"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen does not say %q:\n%s", want, screen)
		}
	}
}
