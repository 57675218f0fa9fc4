package awssim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Role is a role of IAM that somebody may assume.
type Role struct {
	ARN        string
	ExternalID string   // that its trust policy asks for
	MFA        bool     // its trust policy asks for
	Trusts     []string // ARNs of who may assume it; empty for all of the account
	// Allows are the actions that its policies allow ("ec2:Describe*"), of all resources; nil for
	// every action.
	Allows []string
	// Keys are the KMS keys for which it may create grants; nil for all of them.
	Keys []string

	made time.Time // long ago, unless CloudFormation made it
}

func iamOperations() []operation {
	return []operation{
		op("iam", "GetRole", false, getRole),
		op("iam", "SimulatePrincipalPolicy", false, simulatePrincipalPolicy),
	}
}

// AddRole puts a role into the account. From then on calls are signed, and the trace says by which
// role's session each was made.
func (a *Account) AddRole(r Role) {
	a.look(func(time.Time) { a.roles = append(a.roles, &r) })
}

// signs says whether anybody could be told from anybody else.
func (a *Account) signs() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.roles) > 0
}

// sessionOf finds who signed a call; nil is the process itself.
func (a *Account) sessionOf(key string, now time.Time) (*session, error) {
	if key == "" || key == processKey {
		return nil, nil
	}
	s := a.sessions[key]
	switch {
	case s == nil:
		return nil, apiError(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case now.After(s.expires):
		return nil, apiError(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return s, nil
}

// permit refuses what the policies of the caller's role do not allow, as the service would.
func (s *session) permit(c Call) error {
	if s == nil || c.Action() == "sts:GetCallerIdentity" {
		return nil
	}
	for _, action := range checked(c) {
		if s.role.allows(action) {
			continue
		}
		refusal := "User: " + s.arn + " is not authorized to perform: " + action + " because no identity-based policy allows the " + action + " action"
		switch c.Service {
		case "ec2":
			return apiError(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. "+refusal)
		case "dynamodb", "lambda", "ecs", "budgets", "application-autoscaling", "pricing":
			return apiError(http.StatusForbidden, "AccessDeniedException", refusal)
		case "sns":
			return apiError(http.StatusForbidden, "AuthorizationError", refusal)
		}
		return apiError(http.StatusForbidden, "AccessDenied", refusal)
	}
	return nil
}

// checked are the actions that IAM compares for a call, where they are not called as the call is.
func checked(c Call) []string {
	switch {
	case c.Service == "budgets":
		return []string{"budgets:ViewBudget"} // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html
	case c.Operation == "TransactWriteItems":
		return []string{"dynamodb:PutItem"}
	}
	return []string{c.Action()}
}

func (r *Role) allows(action string) bool {
	return r.Allows == nil || slices.ContainsFunc(r.Allows, func(pattern string) bool {
		before, found := strings.CutSuffix(pattern, "*")
		return action == pattern || found && strings.HasPrefix(action, before)
	})
}

func noSuchRole(name string) error {
	return withStatus(http.StatusNotFound, &iamtypes.NoSuchEntityException{Message: aws.String("The role with name " + name + " cannot be found.")})
}

// getRole gives the trust policy as IAM does: JSON, URL-encoded
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html).
func getRole(c *call, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	i := slices.IndexFunc(c.account.roles, func(r *Role) bool { return r.name() == aws.ToString(in.RoleName) })
	if i < 0 {
		return nil, noSuchRole(aws.ToString(in.RoleName))
	}
	r := c.account.roles[i]
	conditions := map[string]map[string]string{}
	if r.ExternalID != "" {
		conditions["StringEquals"] = map[string]string{"sts:ExternalId": r.ExternalID}
	}
	if r.MFA {
		conditions["Bool"] = map[string]string{"aws:MultiFactorAuthPresent": "true"}
	}
	trusts := r.Trusts
	if len(trusts) == 0 {
		trusts = []string{"arn:aws:iam::" + c.account.id + ":root"}
	}
	statement := map[string]any{"Effect": "Allow", "Principal": map[string]any{"AWS": trusts}, "Action": "sts:AssumeRole"}
	if len(conditions) > 0 {
		statement["Condition"] = conditions
	}
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	if err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: &iamtypes.Role{
		Arn: aws.String(r.ARN), RoleName: aws.String(r.name()), Path: aws.String("/"), CreateDate: aws.Time(r.made), RoleId: aws.String("AROASIMULATED"),
		AssumeRolePolicyDocument: aws.String(url.QueryEscape(string(policy))), MaxSessionDuration: aws.Int32(3600),
	}}, nil
}

// simulatePrincipalPolicy decides by what the role allows. One result a pair of action and resource
// would come apart in ResourceSpecificResults, which nobody here reads: more resources than one are
// not modelled but for grants of keys.
func simulatePrincipalPolicy(c *call, in *iam.SimulatePrincipalPolicyInput) (*iam.SimulatePrincipalPolicyOutput, error) {
	modelled := iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: in.PolicySourceArn, ActionNames: in.ActionNames, ResourceArns: in.ResourceArns, ContextEntries: in.ContextEntries,
	}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("iam:SimulatePrincipalPolicy " + name)
	}
	if len(in.ResourceArns) > 1 {
		return nil, c.unmodelled("iam:SimulatePrincipalPolicy of several resources")
	}
	i := slices.IndexFunc(c.account.roles, func(r *Role) bool { return r.ARN == aws.ToString(in.PolicySourceArn) })
	if i < 0 {
		name := afterLast(aws.ToString(in.PolicySourceArn), "/")
		return nil, noSuchRole(name)
	}
	role, on := c.account.roles[i], "*"
	if len(in.ResourceArns) == 1 {
		on = in.ResourceArns[0]
	}
	out := &iam.SimulatePrincipalPolicyOutput{}
	for _, action := range in.ActionNames {
		decision := iamtypes.PolicyEvaluationDecisionTypeImplicitDeny
		key := action != "kms:CreateGrant" || isOfEC2(in.ContextEntries, on) && (role.Keys == nil || slices.Contains(role.Keys, on))
		if role.allows(action) && key {
			decision = iamtypes.PolicyEvaluationDecisionTypeAllowed
		}
		out.EvaluationResults = append(out.EvaluationResults, iamtypes.EvaluationResult{
			EvalActionName: aws.String(action), EvalResourceName: aws.String(on), EvalDecision: decision,
		})
	}
	return out, nil
}

// isOfEC2 says whether the context is that of a grant which EC2 makes for a volume: what the policies of
// a deployed function have conditions on, and where they are limited to regions, the region too.
func isOfEC2(context []iamtypes.ContextEntry, key string) bool {
	_, after, _ := strings.Cut(key, ":kms:")
	region, _, _ := strings.Cut(after, ":")
	for name, value := range map[string]string{
		"kms:GrantIsForAWSResource": "true", "kms:ViaService": "ec2." + region + ".amazonaws.com", "aws:RequestedRegion": region,
	} {
		if !slices.ContainsFunc(context, func(e iamtypes.ContextEntry) bool {
			return aws.ToString(e.ContextKeyName) == name && slices.Equal(e.ContextKeyValues, []string{value})
		}) {
			return false
		}
	}
	return true
}
