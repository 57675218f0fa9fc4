package awserr

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// Credentials explains, in one line, why there are no credentials to call AWS with, or why AWS does
// not take them; each case has its own remedy. It is empty where an error is about something else.
func Credentials(err error) string {
	if err == nil {
		return ""
	}
	if code := Code(err); code != "" {
		if remedy := rejections[plain(code)]; remedy != "" {
			return code + ": " + remedy
		}
		if mfaRefused(message(err)) {
			return code + ": AWS does not take the MFA code: each is good for one use within half a minute; wait for the next one"
		}
		return ""
	}
	text := err.Error()
	for _, w := range without {
		for _, words := range w.words {
			if strings.Contains(text, words) {
				return w.remedy
			}
		}
	}
	if withoutCredentials(err) {
		return "no usable AWS credentials: log in, or set a profile or role, and try again"
	}
	return ""
}

// rejections are AWS's own answers to credentials
// (https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html,
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
var rejections = map[string]string{
	"ExpiredToken":         "the credentials have expired: log in again (`aws sso login`, `aws login`, or whatever gave them to you)",
	"InvalidGrant":         "the session that you are signed in with has ended: sign in again with `aws sso login` or `aws login`",
	"UnrecognizedClient":   unknownKey,
	"InvalidClientTokenId": unknownKey,
	"InvalidAccessKeyId":   unknownKey,
	"AuthFailure":          unknownKey,
	"SignatureDoesNotMatch": "the secret access key does not belong to the access key, or the clock of this machine is wrong: " +
		"copy both again, check the clock",
	"InvalidSignature": "the secret access key does not belong to the access key, or the clock of this machine is wrong: " +
		"copy both again, check the clock",
	"IncompleteSignature":        "AWS cannot read the signature: there may be a space or line break in the access key; copy it again",
	"MissingAuthenticationToken": "the call carried no credentials: check what is between this machine and AWS",
	"RequestTimeTooSkewed":       "the clock of this machine differs from that of AWS: set it right",
}

const unknownKey = "AWS does not know the access key: it was deleted or switched off, belongs to another partition, " +
	"or the region is not enabled; log in again, check the region"

// The rest goes by English: the SDK has no types for it, or types in packages that bring a client with
// them. Each has its own test against the SDK's own error.

// without says what is missing where the SDK had nothing to sign a call with. What comes first is more
// exact.
var without = []struct {
	words  []string
	remedy string
}{
	{ // credentials/ssocreds: InvalidTokenError, and the provider of tokens
		[]string{"the SSO session has expired or is invalid", "refresh cached SSO token failed", "cached SSO token is expired", "failed to read cached SSO token file"},
		"the SSO session has expired, or was never begun: `aws sso login` begins one (with the --profile that AWS_PROFILE names)",
	},
	{ // credentials/logincreds
		[]string{"please reauthenticate", "load login token"},
		"the session of `aws login` has expired: `aws login` begins a new one (with the --profile that AWS_PROFILE names)",
	},
	{ // config.AssumeRoleTokenProviderNotSetError
		[]string{"assume role with MFA enabled, but AssumeRoleTokenProvider session option not set"},
		"the profile's role asks for an MFA code: `eval \"$(aws configure export-credentials --format env)\"` asks you for it and gives this shell a session; try again there",
	},
	{ // credentials/processcreds.ProviderError
		[]string{"error in credential_process", "credential process timed out", "process provider error"},
		"the credential_process of the profile gave no credentials: run it by hand to see why, log in where it wants that",
	},
	{ // config.SharedConfigProfileNotExistError
		[]string{"failed to get shared config profile"},
		"there is no such profile: `aws configure list-profiles` lists them; correct AWS_PROFILE",
	},
	{ // feature/ec2/imds is the last that the SDK asks, when it has found nothing else
		[]string{"no EC2 IMDS role found"},
		"there are no AWS credentials: `aws configure`, `aws login` or `aws sso login` make some, or AWS_PROFILE names where they are",
	},
}

// mfaRefused knows AWS's words for a wrong MFA code, whose code is that of every denial.
func mfaRefused(message string) bool {
	return strings.Contains(message, "MultiFactorAuthentication failed")
}

// AssumeRole explains, in one line, a refusal by STS to let the caller have a role: who lacks what, as
// far as AWS says it. It is empty where the error is not that.
func AssumeRole(err error, role string) string {
	if Credentials(err) != "" {
		return ""
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	said := api.ErrorMessage()
	if Of(err) == Denied && strings.Contains(said, "sts:AssumeRole") {
		who := "you"
		if _, rest, found := strings.Cut(said, "User: "); found {
			who, _, _ = strings.Cut(rest, " ")
		}
		switch {
		case strings.Contains(said, "service control policy"):
			return "a service control policy of the organization forbids " + who + " to assume " + role + ": ask who owns that"
		case strings.Contains(said, "explicit deny"):
			return "a policy denies " + who + " explicitly to assume " + role + ": lift that, or sign in with MFA where it asks for that"
		case strings.Contains(said, "no identity-based policy allows"):
			return "the policies of " + who + " do not allow sts:AssumeRole on " + role + ": have that allowed"
		case strings.Contains(said, "no resource-based policy allows"):
			return "the trust policy of " + role + " does not let in " + who + ": have its principal, external id and MFA seen to"
		}
		return "AWS does not let " + who + " assume " + role + ", nor say why: there is no such role, or its trust policy does not name you, " +
			"asks for an external id or for MFA, or your own policies do not allow sts:AssumeRole"
	}
	if api.ErrorCode() == "RegionDisabledException" {
		return "STS is switched off in this region: have it activated, or set AWS_REGION to another"
	}
	return ""
}
