package awssim

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const roleARN = "arn:aws:iam::111122223333:role/r"

func TestAssumeRole(t *testing.T) {
	tests := map[string]struct {
		role Role
		in   sts.AssumeRoleInput
		code string
	}{
		"a role that lets in the account":     {role: Role{}},
		"a role that names who calls":         {role: Role{Trusts: []string{"arn:aws:sts::111122223333:assumed-role/aws-hit-breaks/ann"}}},
		"a role that names somebody else":     {role: Role{Trusts: []string{"arn:aws:iam::111122223333:user/bob"}}, code: "AccessDenied"},
		"the external id that it asks for":    {role: Role{ExternalID: "x1"}, in: sts.AssumeRoleInput{ExternalId: aws.String("x1")}},
		"another external id":                 {role: Role{ExternalID: "x1"}, in: sts.AssumeRoleInput{ExternalId: aws.String("x2")}, code: "AccessDenied"},
		"no external id":                      {role: Role{ExternalID: "x1"}, code: "AccessDenied"},
		"an external id that nobody asks for": {role: Role{}, in: sts.AssumeRoleInput{ExternalId: aws.String("x1")}},
		"a role that asks for MFA":            {role: Role{MFA: true}, code: "AccessDenied"},
		"another role":                        {in: sts.AssumeRoleInput{RoleArn: aws.String(roleARN + "x")}, code: "AccessDenied"},
		"a name that is none":                 {in: sts.AssumeRoleInput{RoleSessionName: aws.String("a b")}, code: "ValidationError"},
		"longer than a chain may be":          {in: sts.AssumeRoleInput{DurationSeconds: aws.Int32(7200)}, code: "ValidationError"},
		"a policy, which is not modelled":     {in: sts.AssumeRoleInput{Policy: aws.String("{}")}, code: "awssim.Unmodelled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				tt.role.ARN = roleARN
				a.AddRole(tt.role)
				if tt.in.RoleArn == nil {
					tt.in.RoleArn = aws.String(roleARN)
				}
				if tt.in.RoleSessionName == nil {
					tt.in.RoleSessionName = aws.String("ann")
				}
				out, err := sts.NewFromConfig(a.Process("ann").Config()).AssumeRole(t.Context(), &tt.in)
				if got := code(err); got != tt.code {
					t.Fatalf("AssumeRole: %v, want code %q", err, tt.code)
				}
				if err == nil && *out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/r/ann" {
					t.Errorf("the session is %s", *out.AssumedRoleUser.Arn)
				}
			})
		})
	}
}

// Calls are those of whoever has signed them, and may do what the role allows, as long as its session.
func TestSessions(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddRole(Role{ARN: roleARN, Allows: []string{"ec2:DescribeR*"}})
		own := a.Process("ann").Config()
		session := own.Copy()
		session.Credentials = stscreds.NewAssumeRoleProvider(sts.NewFromConfig(own), roleARN, func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "ann" })
		session.Credentials = aws.NewCredentialsCache(session.Credentials)
		for _, cfg := range []aws.Config{own, session} {
			if _, err := ec2.NewFromConfig(cfg).DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{}); err != nil {
				t.Error(err)
			}
		}
		if _, err := ec2.NewFromConfig(session).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{}); code(err) != "UnauthorizedOperation" {
			t.Errorf("what the role does not allow: %v", err)
		}
		kept, err := session.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		session.Credentials = fixed(kept)
		if _, err := ec2.NewFromConfig(session).DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{}); code(err) != "ExpiredToken" {
			t.Errorf("after two hours: %v", err)
		}
		session.Credentials = fixed(aws.Credentials{AccessKeyID: "ASIAOTHER", SecretAccessKey: "x", SessionToken: "x"})
		if _, err := ec2.NewFromConfig(session).DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{}); code(err) != "InvalidClientTokenId" {
			t.Errorf("with a key that nobody gave out: %v", err)
		}
		var by []string
		for _, c := range a.Trace() {
			by = append(by, c.By)
		}
		ours := "arn:aws:sts::111122223333:assumed-role/r/ann"
		for i, want := range []string{"", "", ours, ours, ours, ""} {
			if by[i] != want {
				t.Errorf("call %d was made by %q, want %q", i+1, by[i], want)
			}
		}
	})
}

func fixed(c aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	const mine = "arn:aws:kms:eu-west-1:111122223333:key/mine"
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddRole(Role{ARN: roleARN, Allows: []string{"ec2:Stop*", "kms:CreateGrant"}, Keys: []string{mine}})
		of := func(name, value string) iamtypes.ContextEntry {
			return iamtypes.ContextEntry{ContextKeyName: &name, ContextKeyValues: []string{value}}
		}
		grant := []iamtypes.ContextEntry{
			of("kms:GrantIsForAWSResource", "true"), of("kms:ViaService", "ec2.eu-west-1.amazonaws.com"), of("aws:RequestedRegion", "eu-west-1"),
		}
		client := iam.NewFromConfig(a.Process("ann").Config())
		for on, want := range map[string]iamtypes.PolicyEvaluationDecisionType{mine: "allowed", mine + "x": "implicitDeny"} {
			out, err := client.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: aws.String(roleARN), ActionNames: []string{"kms:CreateGrant", "ec2:StartInstances"}, ResourceArns: []string{on},
				ContextEntries: grant,
			})
			if err != nil || len(out.EvaluationResults) != 2 || out.EvaluationResults[0].EvalDecision != want || out.EvaluationResults[1].EvalDecision != "implicitDeny" {
				t.Errorf("on %s: %+v, %v", on, out, err)
			}
		}
		out, err := client.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String(roleARN), ActionNames: []string{"kms:CreateGrant"}, ResourceArns: []string{mine}, ContextEntries: grant[:2],
		})
		if err != nil || out.EvaluationResults[0].EvalDecision != "implicitDeny" {
			t.Errorf("without a region, which the role is limited to: %+v, %v", out, err)
		}
		if _, err := client.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String(roleARN + "x"), ActionNames: []string{"ec2:StopInstances"},
		}); code(err) != "NoSuchEntity" {
			t.Errorf("of a role that is not there: %v", err)
		}
	})
}
