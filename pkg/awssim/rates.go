package awssim

import (
	"time"
)

// latency is one round trip to any endpoint.
const latency = 50 * time.Millisecond

type bucket struct{}

func (a *Account) throttle(t *attempt, now time.Time) error { return nil }

func enabledByDefault() []string {
	return []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
		"us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}
}
