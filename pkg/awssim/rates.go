package awssim

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Every latency, duration and rate of the account stands in this file with the page that publishes
// it. What AWS does not publish is marked as assumed. None is tuned to make a figure look better.

// latency is one round trip to any endpoint. Assumed: between two regions it is more, within one
// region less.
const latency = 50 * time.Millisecond

// How long EC2 takes. AWS publishes none of these; assumed from what operators report, except that
// status checks run every minute:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html
const (
	minStopping = 20 * time.Second
	maxStopping = 90 * time.Second
	minPending  = 10 * time.Second
	maxPending  = 40 * time.Second
	minChecks   = 60 * time.Second
	maxChecks   = 150 * time.Second
	// How long DescribeInstances may show what was before a change: "eventually consistent",
	// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html; the length is assumed
	// (Options.ReadLag).
	maxLag = 3 * time.Second
	// How long a terminated instance can still be described: "approximately one hour",
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html
	afterlife = time.Hour
)

// How long an eventually consistent read of DynamoDB may miss a write: "usually one second or less",
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
const maxReadLag = time.Second

// How long DynamoDB remembers a ClientRequestToken:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const tokenMemory = 10 * time.Minute

// rate is a token bucket: so many tokens at most, so many added a second. The zero rate never
// runs dry.
type rate struct{ burst, perSecond float64 }

// limit is what an action may draw on: a token a request, and tokens for the resources it names.
type limit struct {
	bucket    string // actions with the same bucket share it; default the action itself
	requests  rate
	resources rate
	units     func(input any) int // resources named by an input
}

// limits holds the published and assumed limits, per account and region.
var limits = map[string]limit{
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
	"ec2:StartInstances": {requests: rate{5, 2}, resources: rate{1000, 2}, units: func(in any) int {
		return len(in.(*ec2.StartInstancesInput).InstanceIds)
	}},
	"ec2:StopInstances": {requests: rate{50, 5}, resources: rate{1000, 20}, units: func(in any) int {
		return len(in.(*ec2.StopInstancesInput).InstanceIds)
	}},

	// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/request-throttling.html
	"ecs:UpdateService":              {bucket: "ecs service modify", requests: rate{50, 5}},
	"ecs:CreateService":              {bucket: "ecs service modify", requests: rate{50, 5}},
	"ecs:DescribeServices":           {bucket: "ecs service read", requests: rate{100, 20}},
	"ecs:ListServices":               {bucket: "ecs service read", requests: rate{100, 20}},
	"ecs:DescribeClusters":           {bucket: "ecs cluster read", requests: rate{50, 20}},
	"ecs:ListClusters":               {bucket: "ecs cluster read", requests: rate{50, 20}},
	"ecs:RunTask":                    {bucket: "ecs cluster resource modify", requests: rate{100, 40}},
	"ecs:StopTask":                   {bucket: "ecs cluster resource modify", requests: rate{100, 40}},
	"ecs:ListTasks":                  {bucket: "ecs cluster resource read", requests: rate{100, 20}},
	"ecs:DescribeTasks":              {bucket: "ecs cluster resource read", requests: rate{100, 20}},
	"ecs:ListContainerInstances":     {bucket: "ecs cluster resource read", requests: rate{100, 20}},
	"ecs:DescribeCapacityProviders":  {bucket: "ecs cluster read", requests: rate{50, 20}},
	"ecs:DescribeContainerInstances": {bucket: "ecs cluster resource read", requests: rate{100, 20}},

	// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-pelong.html
	"pricing:GetProducts": {requests: rate{10, 5}},

	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	"sts:GetCallerIdentity": {requests: rate{600, 600}},
}

// serviceLimits hold for every action of a service together. AWS publishes none of them: assumed.
var serviceLimits = map[string]rate{
	"rds":                     {20, 10},
	"autoscaling":             {50, 10},
	"application-autoscaling": {50, 10},
}

// EC2's categories, each action with a bucket of its own:
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
var (
	ec2Read       = rate{100, 20}
	ec2Mutating   = rate{50, 5}
	ec2Unfiltered = rate{50, 10} // neither filtered nor paginated
)

// Units a second that one DynamoDB partition gives, and that it holds for a burst:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
// That every PK value is a partition of its own, neither split nor shared, is assumed.
var (
	partitionWrites = rate{1000, 1000}
	partitionReads  = rate{3000, 3000}
)

// limitOf says what an attempt draws on and under which name.
func limitOf(c Call, input any) (string, limit) {
	if l, ok := limits[c.Action()]; ok {
		if l.bucket == "" {
			return c.Action(), l
		}
		return l.bucket, l
	}
	if r, ok := serviceLimits[c.Service]; ok {
		return c.Service, limit{requests: r}
	}
	switch {
	case c.Service != "ec2":
		return "", limit{}
	case c.Mutating:
		return c.Action(), limit{requests: ec2Mutating}
	case unfiltered(input):
		return c.Action() + " unfiltered", limit{requests: ec2Unfiltered}
	}
	return c.Action(), limit{requests: ec2Read}
}

// unfiltered says whether a listing of EC2 names no ids, has no filter and asks for no page size.
func unfiltered(input any) bool {
	switch in := input.(type) {
	case *ec2.DescribeInstancesInput:
		return len(in.InstanceIds) == 0 && len(in.Filters) == 0 && in.MaxResults == nil
	case *ec2.DescribeInstanceStatusInput:
		return len(in.InstanceIds) == 0 && len(in.Filters) == 0 && in.MaxResults == nil
	case *ec2.DescribeSpotInstanceRequestsInput:
		return len(in.SpotInstanceRequestIds) == 0 && len(in.Filters) == 0 && in.MaxResults == nil
	}
	return false
}

// throttle takes the attempt's tokens, or answers as the service does when there are none.
func (a *Account) throttle(t *attempt, now time.Time) error {
	name, l := limitOf(t.call, t.call.Input)
	if !a.take(t.call.Region+" "+name, l.requests, 1, now) {
		return tooFast(t.call.Service)
	}
	if l.units != nil && !a.take(t.call.Region+" "+name+" resources", l.resources, l.units(t.call.Input), now) {
		return tooFast(t.call.Service)
	}
	return nil
}

// tooFast is how each service says that it throttles.
func tooFast(service string) error {
	switch service {
	case "ec2":
		return apiError(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case "ecs", "application-autoscaling", "pricing":
		return apiError(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	case "dynamodb":
		return withStatus(http.StatusBadRequest, &ddbtypes.ProvisionedThroughputExceededException{
			Message: aws.String("The level of configured provisioned throughput for the table was exceeded."),
		})
	}
	return apiError(http.StatusBadRequest, "Throttling", "Rate exceeded")
}

// bucket holds the tokens of one limit.
type bucket struct {
	tokens float64
	filled time.Time
}

// take draws n tokens from the bucket of that name, or none if it has fewer.
func (a *Account) take(name string, r rate, n int, now time.Time) bool {
	if r.burst == 0 {
		return true
	}
	b := a.buckets[name]
	if b == nil {
		b = &bucket{tokens: r.burst, filled: now}
		a.buckets[name] = b
	}
	b.tokens = min(r.burst, b.tokens+now.Sub(b.filled).Seconds()*r.perSecond)
	b.filled = now
	if b.tokens < float64(n) {
		return false
	}
	b.tokens -= float64(n)
	return true
}
