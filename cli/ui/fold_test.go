package ui

import (
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

func TestLinesAreFoldedBetweenWords(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ line, want string }{
		"what fits stays": {"ten letters and ten", "ten letters and ten"},
		"what does not fit goes on below": {
			"would pause 3 resources in 2 regions", "would pause 3\n  resources in 2\n  regions",
		},
		"a list keeps its indentation":           {"  1. stop-instances (1 ec2:instance)", "  1. stop-instances\n    (1 ec2:instance)"},
		"a command in backquotes stays whole":    {"none: `aws-hit-breaks setup --no-role` makes one", "none:\n  `aws-hit-breaks setup --no-role`\n  makes one"},
		"a command at the end of it stays whole": {"to put it back: aws-hit-breaks resume --local", "to put it back:\n  aws-hit-breaks resume --local"},
		"so does one of the AWS CLI":             {"  aws ec2 start-instances --instance-ids i-1", "  aws ec2 start-instances --instance-ids i-1"},
		"who speaks is no command":               {"aws-hit-breaks: there is no terminal", "aws-hit-breaks:\n  there is no\n  terminal"},
		"one long word is not broken":            {"arn:aws:iam::111122223333:role/x is it", "arn:aws:iam::111122223333:role/x\n  is it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, fold(tt.line, 20)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Folding takes nothing away and adds nothing but breaks, and a line that is still too wide is one word.
func TestFoldedLinesSayTheSame(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching("[a-zé:`]{1,12}|aws-hit-breaks|\x1b\\[31mred\x1b\\[m")
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Repeat(" ", rapid.IntRange(0, 6).Draw(t, "indent")) + strings.Join(rapid.SliceOfN(word, 1, 12).Draw(t, "words"), " ")
		width := rapid.IntRange(10, 60).Draw(t, "width")
		folded := fold(line, width)
		if diff := cmp.Diff(strings.Fields(line), strings.Fields(folded)); diff != "" {
			t.Errorf("other words: %s", diff)
		}
		for part := range strings.SplitSeq(folded, "\n") {
			if lipgloss.Width(part) > width && !slices.Contains(words(strings.TrimLeft(line, " ")), strings.TrimLeft(part, " ")) {
				t.Errorf("%q is wider than %d and holds more than one word", part, width)
			}
		}
	})
}

func TestATableThatIsTooWideIsFolded(t *testing.T) {
	t.Parallel()
	table := Table{Header: []string{"REGION", "PHASE", "WHY"}, Phase: 2, Rows: [][]string{{"eu-west-1", "protected", "tag\naws-hit-breaks:protect"}}}
	got := styles.ReplaceAllString(table.folded(30), "")
	if diff := cmp.Diff("REGION  PHASE  WHY\neu-west-1  protected  tag\n  aws-hit-breaks:protect", got); diff != "" {
		t.Error(diff)
	}
	if phase := style(killswitch.Protected).Render("protected"); !strings.Contains(table.folded(30), phase) {
		t.Errorf("the phase has not its colour: %q", table.folded(30))
	}
}
