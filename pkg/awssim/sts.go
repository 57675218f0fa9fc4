package awssim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func stsOperations() []operation {
	return []operation{
		op("sts", "GetCallerIdentity", false, getCallerIdentity),
		op("sts", "AssumeRole", false, assumeRole),
	}
}

// arn is whose credentials those of a process are: an assumed role's, whose session is named after
// the process.
func (p *Process) arn() string {
	return "arn:aws:sts::" + p.account.id + ":assumed-role/aws-hit-breaks/" + p.name
}

// caller is who made the call.
func (c *call) caller() string {
	if c.by != nil {
		return c.by.arn
	}
	return c.process.arn()
}

// getCallerIdentity answers as for the session that signed the call.
func getCallerIdentity(c *call, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	name := afterLast(c.caller(), "/")
	return &sts.GetCallerIdentityOutput{
		Account: aws.String(c.account.id), Arn: aws.String(c.caller()), UserId: aws.String("AROASIMULATED:" + name),
	}, nil
}

// session is what AssumeRole gave: temporary credentials of a role.
type session struct {
	arn     string
	role    *Role
	expires time.Time
}

// The least and the most that a session lasts where one role assumes another:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	shortestSession = 15 * time.Minute
	longestChained  = time.Hour
)

var (
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	// assumableAfter is how long a new role cannot be assumed yet: "changes … might not be visible
	// immediately", https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html; the length is
	// assumed.
	assumableAfter = 8 * time.Second
)

// assumeRole never says why it refuses: that the role is not there, whom it trusts and which
// external id it asks for is nobody's business
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
func assumeRole(c *call, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	modelled := sts.AssumeRoleInput{
		RoleArn: in.RoleArn, RoleSessionName: in.RoleSessionName, ExternalId: in.ExternalId, DurationSeconds: in.DurationSeconds,
	}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("sts:AssumeRole " + name)
	}
	name, lasts := aws.ToString(in.RoleSessionName), time.Duration(aws.ToInt32(in.DurationSeconds))*time.Second
	if lasts == 0 {
		lasts = time.Hour
	}
	if !sessionName.MatchString(name) {
		return nil, apiError(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '"+name+
			`' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	i := slices.IndexFunc(c.account.roles, func(r *Role) bool { return r.ARN == aws.ToString(in.RoleArn) })
	if i < 0 || !c.account.roles[i].lets(c, aws.ToString(in.ExternalId)) {
		return nil, apiError(http.StatusForbidden, "AccessDenied",
			"User: "+c.caller()+" is not authorized to perform: sts:AssumeRole on resource: "+aws.ToString(in.RoleArn))
	}
	role := c.account.roles[i]
	if lasts < shortestSession || lasts > longestChained {
		return nil, apiError(http.StatusBadRequest, "ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	s := &session{arn: "arn:aws:sts::" + c.account.id + ":assumed-role/" + role.name() + "/" + name, role: role, expires: c.now.Add(lasts)}
	key := fmt.Sprintf("ASIA%016X", hash(c.account.seed, "session", c.key))
	c.account.sessions[key] = s
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: &ststypes.AssumedRoleUser{Arn: aws.String(s.arn), AssumedRoleId: aws.String("AROASIMULATED:" + name)},
		Credentials: &ststypes.Credentials{
			AccessKeyId: aws.String(key), SecretAccessKey: aws.String("simulated"), SessionToken: aws.String("token of " + key),
			// The SDK compares this with the real time.
			Expiration: aws.Time(time.Now().Add(c.account.real(lasts))),
		},
	}, nil
}

// lets says whether the caller may assume the role.
func (r *Role) lets(c *call, externalID string) bool {
	switch {
	case c.now.Before(r.made.Add(assumableAfter)), r.MFA, r.ExternalID != "" && r.ExternalID != externalID:
		return false
	case len(r.Trusts) == 0:
		return true
	}
	return slices.Contains(r.Trusts, c.caller()) || slices.Contains(r.Trusts, "arn:aws:iam::"+c.account.id+":root")
}

// name is the role's name, without its path.
func (r *Role) name() string {
	return afterLast(r.ARN, "/")
}

// afterLast is what follows the last separator, and nothing where there is none.
func afterLast(s, sep string) string {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return ""
	}
	return s[i+len(sep):]
}
