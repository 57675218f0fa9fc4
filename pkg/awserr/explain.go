package awserr

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"
)

// Explain is one line for a human: AWS's code, what it means, what to do. It carries no request
// ids, no encoded authorization messages and no credentials. It is empty for nil.
func Explain(err error) string {
	class := Of(err)
	code := Code(err)
	switch {
	case class == None:
		return ""
	case code == "" && withoutCredentials(err):
		return Credentials(err)
	case code == "" && withoutEndpoint(err):
		return "the endpoint is not known: check the region's name and the network"
	case code == "" && errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: whether the call took effect shows at the next look"
	case class == Cancelled:
		return "cancelled: whether the call took effect shows at the next look"
	case class == Transient && code == "":
		return "no connection to AWS" + during(err) + ": it is tried again"
	case class == Denied:
		return denied(err, code)
	case code == "":
		return clean(err.Error())
	}
	line := code + ": " + meanings[class]
	if hint := hints[plain(code)]; hint != "" {
		line = code + ": " + hint
	}
	if said := clean(message(err)); said != "" {
		line += fmt.Sprintf(" (AWS: %s)", said)
	}
	return line
}

// meanings says what a class means and what to do.
var meanings = map[Class]string{
	Throttled:  "AWS asks for fewer calls; it is tried again more slowly",
	Transient:  "AWS failed to answer; it is tried again",
	Gone:       "it does not exist any more",
	Busy:       "its state does not allow that now; it is tried again",
	Refused:    "AWS refuses it and will do so again; see to the resource itself",
	NoCapacity: "AWS has no capacity for it now, or a quota is used up; free some, raise the quota or wait",
	Unknown:    "AWS refused it for a reason that is not known here",
}

// hints are more exact than the meaning of the class.
var hints = map[string]string{
	"OperationNotPermitted": "the owner or a managing service has protected it; lift the protection to allow it",
	"KMSKeyNotAccessible":   "its KMS key cannot be used; enable the key and allow its use",
	"InvalidSubnet":         "its subnets do not serve it any more; repair its subnet group",
	"InvalidVPCNetworkState": "its network does not serve it any more; " +
		"repair its VPC, subnets and security groups",
	"SpotMaxPriceTooLow":            "the Spot price is above its maximum price; wait, or raise the maximum",
	"DBCapacityReservationNotFound": "its capacity reservation does not exist any more; start it without one",
	"NamespaceNotFound":             "its Cloud Map namespace does not exist any more; repair its Service Connect",
	"ResourceCountExceeded":         "too many in one call; it is tried with fewer",
}

// denied explains a refusal of permission by what is missing.
func denied(err error, code string) string {
	if why := Credentials(err); why != "" {
		return why
	}
	if _, on, found := strings.Cut(message(err), "sts:AssumeRole on resource: "); found {
		role, _, _ := strings.Cut(on, " ")
		return code + ": " + AssumeRole(err, role)
	}
	switch plain(code) {
	case "OptInRequired", "SubscriptionRequired", "PendingVerification", "Blocked":
		return code + ": the account may not use this service or region; enable it or ask AWS support"
	}
	action := "this call"
	if named := notAuthorized.FindStringSubmatch(message(err)); named != nil {
		action = named[1]
	} else if call := operation(err); call != nil {
		action = call.ServiceID + " " + call.OperationName
	}
	if code != "" {
		code += ": "
	}
	return fmt.Sprintf("%snot allowed to call %s; %s", code, action, remedy(message(err)))
}

// during names the call that err came from, where it says so.
func during(err error) string {
	if call := operation(err); call != nil {
		return fmt.Sprintf(" during %s %s", call.ServiceID, call.OperationName)
	}
	return ""
}

func operation(err error) *smithy.OperationError {
	var call *smithy.OperationError
	if errors.As(err, &call) {
		return call
	}
	return nil
}

func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}

// Texts are cut to what fits a line of a report.
const longest = 240

// What must not stand in a report: ids of requests, encoded authorization messages (whoever may
// decode one learns the policies) and key ids.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\s*encoded authorization failure message:?\s*\S+`),
	regexp.MustCompile(`(?i)\s*\(\s*(extended )?request\s*-?id:?\s*[\w./+=-]+\s*\)`),
	regexp.MustCompile(`(?i)[,;]?\s*\b(extended )?request\s*-?id:?\s*[\w./+=-]+`),
	regexp.MustCompile(`\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b`),
}

// clean makes one short line of a text of AWS, without secrets and without a full stop at its end.
func clean(text string) string {
	for _, secret := range secrets {
		text = secret.ReplaceAllString(text, "")
	}
	text = strings.TrimRight(strings.Join(strings.Fields(text), " "), " .:,")
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return text
}

// The rest goes by English, since there is neither a code nor a type. Each has its own test.

// notAuthorized finds the action in AWS's message to a denial, which names it for most services
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
var notAuthorized = regexp.MustCompile(`not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9]+)`)

// remedy says what to change. The same page has the words for who denies.
func remedy(message string) string {
	switch {
	case strings.Contains(message, "service control policy"):
		return "a service control policy of the organization denies it: ask who owns that"
	case strings.Contains(message, "explicit deny"):
		return "a policy denies it explicitly: lift that"
	}
	return "allow it in the policy of the role"
}

// groupNotFound knows the only answer of EC2 Auto Scaling to a call that names a group that does
// not exist: a ValidationError with this beginning.
func groupNotFound(api smithy.APIError) bool {
	return api.ErrorCode() == "ValidationError" &&
		strings.HasPrefix(api.ErrorMessage(), "AutoScalingGroup name not found")
}

// withoutCredentials says whether a call failed before it was sent, since the SDK had no
// credentials to sign it with. The SDK has no type for it: each client wraps the error of the
// credentials in these words. On a machine that is no EC2 instance that error is the deadline of
// the instance metadata, so a deadline below does not make it a timeout of the call.
func withoutCredentials(err error) bool {
	if Code(err) != "" {
		return false
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.HasPrefix(err.Error(), "get identity: ") {
			return true
		}
	}
	return false
}
