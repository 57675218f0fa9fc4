package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/awserr"
)

// takeRole sees whether a role will do, and remembers it.
func (c *cli) takeRole(ctx context.Context, path string, s setup) error {
	err := c.validate(ctx, s.kept, 0)
	switch {
	case err != nil && s.unvalidated && ctx.Err() == nil:
		c.screen.Say("the role will not do as it is: %s", line(err))
	case err != nil:
		return err
	}
	return c.remember(path, s.kept)
}

// validate sees whether the role can be had, and what it may do. A role that was made just now cannot
// be had yet: patience is how long it is tried.
func (c *cli) validate(ctx context.Context, kept config.Config, patience time.Duration) error {
	own, err := c.own(ctx, kept)
	if err != nil {
		return err
	}
	who, err := whose(ctx, own)
	if err != nil {
		return err
	}
	account, caller := aws.ToString(who.Account), aws.ToString(who.Arn)
	through, err := assume(ctx, own, kept, caller)
	for end := time.Now().Add(patience); err != nil && time.Now().Before(end) && ctx.Err() == nil; {
		if err := sleep(ctx, c.paced(2*time.Second)); err != nil {
			return err
		}
		through, err = assume(ctx, own, kept, caller)
	}
	if err != nil {
		return c.diagnose(ctx, own, kept, account, caller, err)
	}
	c.screen.Say("%s may be assumed, as %s", kept.Role, sessionName(caller))
	lacking, how, err := c.lacking(ctx, own, through, kept)
	if err != nil {
		return err
	}
	if len(lacking) > 0 {
		return &ended{codeDenied, fmt.Errorf("the role %s may not call %s (%s): allow that, or have `aws-hit-breaks setup --deploy` make one that may",
			kept.Role, strings.Join(lacking, ", "), how)}
	}
	c.screen.Say("it may do what commands need (%s)", how)
	return nil
}

// diagnose finds out why a role cannot be had, from what the caller may read of it.
func (c *cli) diagnose(ctx context.Context, own aws.Config, kept config.Config, account, caller string, refused error) error {
	var own12 *ended
	if !errors.As(refused, &own12) || own12.code != codeDenied || ctx.Err() != nil || awserr.Credentials(refused) != "" {
		return refused
	}
	denied := func(format string, args ...any) error { return &ended{codeDenied, fmt.Errorf(format, args...)} }
	if kept.Account() != account {
		return denied("%s is of another account than you, %s: its owner has to let in %s, with an external id that you give as --external-id",
			kept.Role, account, caller)
	}
	out, err := iam.NewFromConfig(own).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(kept.RoleName())})
	missing := (*iamtypes.NoSuchEntityException)(nil)
	switch {
	case errors.As(err, &missing):
		return denied("there is no role %s in account %s: correct --role, or make it with `aws-hit-breaks setup --deploy`", kept.RoleName(), account)
	case err != nil:
		return denied("%s; and it cannot be looked which, since you may not call iam:GetRole",
			strings.TrimSuffix(awserr.AssumeRole(refused, kept.Role)+reason(refused), ": "))
	}
	if arn := aws.ToString(out.Role.Arn); arn != kept.Role {
		return denied("the role %s is %s: name it with its path", kept.RoleName(), arn)
	}
	trust, err := url.QueryUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
	if err != nil {
		return refused
	}
	switch has := func(text string) bool { return strings.Contains(strings.ToLower(trust), strings.ToLower(text)) }; {
	case has("sts:ExternalId") && kept.ExternalID == "":
		return denied("%s asks for an external id: give it as --external-id; its trust policy has it", kept.Role)
	case has("sts:ExternalId") && !strings.Contains(trust, `"`+kept.ExternalID+`"`):
		return denied("%s asks for another external id than %s: its trust policy has it", kept.Role, kept.ExternalID)
	case has("aws:MultiFactorAuth"):
		return denied("%s asks for MFA: sign in with it, by SSO, or by `aws sts get-session-token --serial-number … --token-code …`, and try again", kept.Role)
	case !letsIn(trust, account, caller):
		return denied("the trust policy of %s does not let in %s: add that to its Principal", kept.Role, caller)
	}
	return denied("the policies of %s do not allow sts:AssumeRole on %s, or a policy of the organization or a boundary forbids it: have that allowed",
		caller, kept.Role)
}

// reason is the first part of a refusal, without the way to find out more.
func reason(refused error) string {
	why, _, _ := strings.Cut(refused.Error(), ": `aws-hit-breaks setup")
	return why
}

// letsIn says whether a trust policy names the account, or who calls: by its own ARN, or for a session
// by that of its role.
func letsIn(trust, account, caller string) bool {
	var policy struct {
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(trust), &policy) != nil {
		return true // not for us to say
	}
	names := []string{`"*"`, `"` + account + `"`, ":iam::" + account + `:root"`, `"` + caller + `"`}
	if _, session, found := strings.Cut(caller, ":assumed-role/"); found {
		role, _, _ := strings.Cut(session, "/")
		names = append(names, "/"+role+`"`)
	}
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(string(policy.Statement), name) })
}
