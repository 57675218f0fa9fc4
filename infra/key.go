package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

// keyPolicy is what the policy of the owner's key has to say for the alarms to arrive: a service that
// publishes to an encrypted topic uses the key in its own name. A stack cannot write into a key that
// it did not make, so this is shown. There is no condition in it, since AWS documents none that all
// of them fill in; who may publish is for the policy of each topic to say.
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
func keyPolicy(d settings.Deployment) []any {
	publishers := []string{"budgets.amazonaws.com", "cloudwatch.amazonaws.com"}
	if d.Anomaly != nil {
		publishers = append(publishers, "costalerts.amazonaws.com")
	}
	return []any{object{
		"Sid": "AlarmsOfTheEmergencyBrake", "Effect": "Allow", "Principal": object{"Service": publishers},
		"Action": []string{"kms:Decrypt", "kms:GenerateDataKey*"}, "Resource": "*",
	}}
}

// showKeyPolicy puts it at the end of a deployment.
func showKeyPolicy(stack awscdk.Stack, d settings.Deployment, p roles.Place) {
	if d.Key == "" {
		return
	}
	text, err := json.Marshal(keyPolicy(d))
	if err != nil {
		panic(err) // strings and lists
	}
	output(stack, "KeyPolicy", "What the policy of "+p.Key+" has to say, or no alarm arrives", string(text))
}
