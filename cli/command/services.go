package command

import (
	"slices"

	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
)

// service is a kind of resource, as JSON.
type service struct {
	Kind    killswitch.Kind `json:"kind"`
	Title   string          `json:"title"`
	Pauses  []string        `json:"pauses"`  // IAM actions that a pause calls, in its order
	Resumes []string        `json:"resumes"` // IAM actions that a resume calls, in its order
}

func newServices(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "services",
		Short: "List what kinds of resources can be paused",
		Long:  "List what kinds of resources can be paused, and what --service takes. It calls no AWS." + exits,
		RunE: func(*cobra.Command, []string) error {
			all := []service{}
			t := ui.Table{Header: []string{"KIND", "WHAT"}}
			for _, kind := range kinds() {
				d := boot.Declared()[killswitch.Kind(kind)]
				all = append(all, service{d.Kind, d.Title, calls(d, killswitch.WantPaused), calls(d, killswitch.WantResumed)})
				t.Rows = append(t.Rows, []string{kind, d.Title})
			}
			if c.json {
				return c.screen.JSON(struct {
					Services []service `json:"services"`
				}{all})
			}
			c.screen.Table(t)
			return nil
		},
	}
}

// calls are the IAM actions of the steps towards what is wanted, each once, in the order of waves.
func calls(d killswitch.Declaration, want killswitch.Want) []string {
	steps := slices.Clone(d.Steps)
	slices.SortStableFunc(steps, func(a, b killswitch.Step) int { return a.Wave - b.Wave })
	all := []string{}
	for _, step := range steps {
		if step.Want == want && !slices.Contains(all, step.Calls) {
			all = append(all, step.Calls)
		}
	}
	return all
}
