package awserr_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aws-hit-breaks/pkg/awserr"
)

// called is the error of a call that was to be signed with what the provider gives.
func called(t *testing.T, provider aws.CredentialsProvider) error {
	t.Helper()
	client := sts.New(sts.Options{Region: "eu-west-1", Credentials: aws.NewCredentialsCache(provider), Retryer: aws.NopRetryer{}})
	_, err := client.GetCallerIdentity(t.Context(), nil)
	if err == nil {
		t.Fatal("the call was made")
	}
	return err
}

// Every way to have no credentials is the SDK's own, and has a remedy of its own.
func TestCredentialsOfTheSDK(t *testing.T) {
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "USERPROFILE": home, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": filepath.Join(home, "config"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "credentials"), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(filepath.Join(home, "config"), []byte(`
[profile mfa]
role_arn = arn:aws:iam::111122223333:role/r
mfa_serial = arn:aws:iam::111122223333:mfa/ann
source_profile = keys
[profile keys]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = example
[profile sso]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = admin
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://example.awsapps.com/start
`), 0o600); err != nil {
		t.Fatal(err)
	}
	profile := func(name string) error {
		cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(name), config.WithRegion("eu-west-1"))
		if err != nil {
			return err
		}
		return called(t, cfg.Credentials)
	}
	expired := filepath.Join(home, "token.json")
	if err := os.WriteFile(expired, []byte(`{"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		err  error
		says string
	}{
		"nothing anywhere":            {profile(""), "there are no AWS credentials: "},
		"a profile that is none":      {profile("nobody"), "there is no such profile: "},
		"a role that asks for MFA":    {profile("mfa"), "the profile's role asks for an MFA code: "},
		"SSO that was never begun":    {profile("sso"), "the SSO session has expired, or was never begun: "},
		"SSO of the old form":         {called(t, ssocreds.New(nil, "1", "r", "https://example.awsapps.com/start")), "the SSO session has expired, or was never begun: "},
		"SSO of the old form, ended":  {called(t, ssocreds.New(nil, "1", "r", "x", func(o *ssocreds.Options) { o.CachedTokenFilepath = expired })), "the SSO session has expired, or was never begun: "},
		"aws login that never was":    {called(t, logincreds.New(nil, filepath.Join(home, "none"))), "the session of `aws login` has expired: "},
		"a process that fails":        {called(t, processcreds.NewProvider("false")), "the credential_process of the profile gave no credentials: "},
		"a process that says nothing": {called(t, processcreds.NewProvider("true")), "the credential_process of the profile gave no credentials: "},
		"whatever else": {called(t, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("what")
		})), "no usable AWS credentials: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for of, explain := range map[string]func(error) string{"Credentials": awserr.Credentials, "Explain": awserr.Explain} {
				if of == "Explain" && awserr.Of(tt.err) != awserr.Denied {
					continue // an error of the files, before any call
				}
				if got := explain(tt.err); !strings.HasPrefix(got, tt.says) || strings.Contains(got, "\n") {
					t.Errorf("%s(%v)\n got %q\nwant one line beginning with %q", of, tt.err, got, tt.says)
				}
			}
		})
	}
}

func TestCredentialsThatAWSRefuses(t *testing.T) {
	said := map[string]bool{}
	for _, code := range strings.Fields(`ExpiredToken InvalidGrant UnrecognizedClientException SignatureDoesNotMatch
		IncompleteSignature MissingAuthenticationToken RequestTimeTooSkewed`) {
		got := awserr.Explain(answer(403, code, "text"))
		remedy := strings.TrimPrefix(got, code+": ")
		if remedy == got || said[remedy] || strings.Contains(got, "not allowed to call") {
			t.Errorf("%s is explained as %q, which has to be its own", code, got)
		}
		said[remedy] = true
	}
	mfa := answer(403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	if got := awserr.Explain(mfa); !strings.Contains(got, "does not take the MFA code") {
		t.Errorf("a wrong MFA code is explained as %q", got)
	}
	for name, err := range map[string]error{
		"nothing": nil, "a denial": answer(403, "AccessDenied", "no"), "a throttle": answer(400, "Throttling", ""), "somebody else's": errors.New("x"),
	} {
		if got := awserr.Credentials(err); got != "" {
			t.Errorf("%s is explained as one of credentials: %q", name, got)
		}
	}
}

func TestAssumeRole(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/aws-hit-breaks-cli"
	const refused = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole on resource: " + role
	tests := map[string]struct{ code, message, says string }{
		"AWS does not say why":       {"AccessDenied", refused, "nor say why: there is no such role, or its trust policy does not name you, asks for an external id or for MFA, or"},
		"the caller's own policies":  {"AccessDenied", refused + " because no identity-based policy allows the sts:AssumeRole action", "the policies of arn:aws:iam::111122223333:user/ann do not allow sts:AssumeRole on " + role},
		"the trust policy":           {"AccessDenied", refused + " because no resource-based policy allows the sts:AssumeRole action", "the trust policy of " + role + " does not let in arn:aws:iam::111122223333:user/ann"},
		"an explicit denial":         {"AccessDenied", refused + " with an explicit deny in an identity-based policy", "sign in with MFA"},
		"the organization":           {"AccessDenied", refused + " with an explicit deny in a service control policy", "service control policy"},
		"a region without STS":       {"RegionDisabledException", "STS is not activated in this region", "STS is switched off"},
		"credentials that are none":  {"ExpiredToken", "expired", ""},
		"another refusal":            {"ValidationError", "1 validation error detected", ""},
		"a denial of something else": {"AccessDenied", "not authorized to perform: ec2:StopInstances", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			provider := stscreds.NewAssumeRoleProvider(refusing{answer(403, tt.code, tt.message)}, role)
			err := called(t, provider)
			got := awserr.AssumeRole(err, role)
			if line := awserr.Explain(err); strings.Contains(tt.message, refused) && line != tt.code+": "+got {
				t.Errorf("in the middle of a run it is explained as %q, want %q", line, tt.code+": "+got)
			}
			if !strings.Contains(got, tt.says) || (got == "") != (tt.says == "") || strings.Contains(got, "\n") {
				t.Errorf("explained as %q, want %q", got, tt.says)
			}
		})
	}
}

// refusing is an STS that refuses.
type refusing struct{ err error }

func (r refusing) AssumeRole(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	return nil, r.err
}
