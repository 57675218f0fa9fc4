package roles

import (
	"slices"
	"strings"

	"aws-hit-breaks/pkg/settings"
)

// denied is what the role must never do, whatever any other policy allows it: touch what is protected
// or part of the switch, where AWS compares the tags; delete or terminate anything of a service that
// it has to do with; change anything of IAM.
func denied(p Place, actions []string) []Statement {
	return slices.Concat(protection(p, actions), []Statement{
		{Sid: "NeverDelete", Effect: Deny, Actions: destroying(actions), Resources: []string{everything}},
		{Sid: "NeverIAM", Effect: Deny, Actions: ofIAM(actions), Resources: []string{everything}},
	})
}

// protection denies the actions of which AWS compares the tags, on resources with a tag that filter.Protected
// knows. IAM compares the keys of tags without regard to case, as the filter does. A value that takes
// the protection back has to be written without space around it here, where the filter is more lenient.
func protection(p Place, actions []string) []Statement {
	var tagged []string
	for _, action := range actions {
		if g, _ := grantOf(action); g.tagged {
			tagged = append(tagged, action)
		}
	}
	if len(tagged) == 0 {
		return nil
	}
	has := func(tag string) map[string][]string { return map[string][]string{"aws:ResourceTag/" + tag: {"false"}} }
	return []Statement{
		{
			Sid: "NeverProtected", Effect: Deny, Actions: tagged, Resources: []string{everything},
			Conditions: conditions{
				"Null":                      has(p.ProtectTag),
				"StringNotEqualsIgnoreCase": {"aws:ResourceTag/" + p.ProtectTag: {"false", "no", "0"}},
			},
		},
		{
			Sid: "NeverTheSwitch", Effect: Deny, Actions: tagged, Resources: []string{everything},
			Conditions: conditions{"Null": has(settings.SwitchTag)},
		},
	}
}

// destroying are the actions that delete or terminate, of every service that the role has to do with.
// To the store belongs the deletion of one item, the one that says which snapshot is live; what deletes
// from a table otherwise is named one by one.
func destroying(actions []string) []string {
	also := map[string][]string{
		// A request for Spot that is cancelled takes its stopped instance with it
		// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html).
		"ec2": {"ec2:CancelSpot*", "ec2:Release*"},
		"kms": {"kms:DisableKey"},
		"sqs": {"sqs:PurgeQueue"},
	}
	var all []string
	for _, service := range servicesOf(actions) {
		switch service {
		case "dynamodb":
			all = append(all, "dynamodb:BatchWriteItem", "dynamodb:DeleteBackup", "dynamodb:DeleteGlobal*", "dynamodb:DeleteResourcePolicy",
				"dynamodb:DeleteTable*", "dynamodb:PartiQLDelete")
			if !slices.Contains(actions, "dynamodb:DeleteItem") {
				all = append(all, "dynamodb:DeleteItem")
			}
		case "iam": // see ofIAM
		default:
			all = append(all, service+":*Delet*", service+":*Deregister*", service+":*Terminate*")
			all = append(all, also[service]...)
		}
	}
	return all
}

// ofIAM is everything of IAM, or, for who has to read there, everything that is no Get, List, Generate
// or Simulate.
func ofIAM(actions []string) []string {
	if !slices.Contains(servicesOf(actions), "iam") {
		return []string{"iam:*"}
	}
	var all []string
	for _, verb := range []string{
		"Accept", "Add", "Associate", "Attach", "Change", "Create", "Deactivate", "Delete", "Detach", "Disable",
		"Enable", "Pass", "Put", "Reject", "Remove", "Reset", "Resync", "Send", "Set", "Tag", "Untag", "Update", "Upload",
	} {
		all = append(all, "iam:"+verb+"*")
	}
	return all
}

// servicesOf are the services of the actions, as IAM writes them, sorted.
func servicesOf(actions []string) []string {
	var all []string
	for _, action := range actions {
		service, _, _ := strings.Cut(action, ":")
		all = append(all, service)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
