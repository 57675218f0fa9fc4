package command

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSessionName(t *testing.T) {
	for caller, want := range map[string]string{
		"arn:aws:iam::111122223333:user/ann":                                   "ann",
		"arn:aws:iam::111122223333:user/people/ann":                            "ann",
		"arn:aws:iam::111122223333:root":                                       "root",
		"arn:aws:sts::111122223333:assumed-role/AWSReserved_x/ann@example.com": "ann@example.com",
		"arn:aws:sts::111122223333:federated-user/ann":                         "ann",
		"arn:aws:iam::111122223333:user/a":                                     "aws-hit-breaks-a",
		"":                                                                     "aws-hit-breaks",
		"arn:aws:sts::111122223333:assumed-role/r/" + strings.Repeat("long", 20): strings.Repeat("long", 16),
	} {
		if got := sessionName(caller); got != want {
			t.Errorf("the session of %s is called %q, want %q", caller, got, want)
		}
	}
	legal := regexp.MustCompile(`^[\w+=,.@-]{2,64}$`) // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	rapid.Check(t, func(t *rapid.T) {
		caller := rapid.String().Draw(t, "caller")
		if got := sessionName(caller); !legal.MatchString(got) {
			t.Fatalf("the session of %q is called %q, which STS refuses", caller, got)
		}
	})
}
