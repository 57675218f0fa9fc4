package awssim

import "slices"

// optIn are regions that an account has only after it opted in, and alwaysOn those that every
// account has: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
var (
	optIn = []string{
		"af-south-1", "ap-east-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7",
		"ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
	}
	alwaysOn = []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
		"us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}
)

// enabledByDefault are the seventeen regions of an account that opted in to none.
func enabledByDefault() []string { return slices.Clone(alwaysOn) }
