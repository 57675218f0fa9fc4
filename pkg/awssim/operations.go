package awssim

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// region is one enabled region: the state of every service in it.
type region struct {
	name     string
	ec2      *ec2State
	dynamodb *dynamodbState
	asg      *asgState
	rds      *rdsState
	ecs      *ecsState
	aas      *aasState
	sns      *snsState
	residual residualState
	stacks   map[string]*stack

	functions map[string]Function // of Lambda, by name
}

func newRegion(name string) *region {
	return &region{
		name:     name,
		ec2:      newEC2State(),
		dynamodb: newDynamoDBState(),
		asg:      newASGState(),
		rds:      newRDSState(),
		ecs:      newECSState(),
		aas:      newAASState(),
		sns:      newSNSState(),
		stacks:   map[string]*stack{},

		functions: map[string]Function{},
	}
}

// operations is everything the account can do, service by service.
func operations() []operation {
	var all []operation
	for _, table := range [][]operation{
		ec2Operations(),
		dynamodbOperations(),
		stsOperations(),
		autoscalingOperations(),
		rdsOperations(),
		ecsOperations(),
		scalingOperations(),
		snsOperations(),
		pricingOperations(),
		iamOperations(),
		cloudformationOperations(),
		residualOperations(),
		iamAliasOperations(),
		lambdaOperations(),
		budgetOperations(),
	} {
		all = append(all, table...)
	}
	return all
}

// operation is one API operation as the account models it.
type operation struct {
	service, name string // as IAM writes the action: ec2, autoscaling, application-autoscaling …
	mutating      bool
	handle        func(c *call, in any) (any, error)
}

// op makes an operation of a typed function. It runs with the account's mutex held and everything
// due done; it either succeeds or changes nothing, unless AWS does otherwise.
func op[I, O any](service, name string, mutating bool, handle func(*call, *I) (*O, error)) operation {
	return operation{service, name, mutating, func(c *call, in any) (any, error) {
		out, err := handle(c, in.(*I))
		if err != nil {
			return nil, err
		}
		return out, nil
	}}
}

// call is what the function of an operation knows of the call it answers.
type call struct {
	account *Account
	region  *region
	sentTo  string // the region of the endpoint
	process *Process
	by      *session  // of a role, that signed it; nil is the process itself
	now     time.Time // account time of the effect
	sent    time.Time // account time at which the caller made it
	key     string    // unique and the same in every run with one seed: a source of ids
	hash    string    // of the input as the caller gave it
}

// unmodelled is the answer to what the account does not model: an error that no caller can take
// for an empty result, and an entry in Unmodelled.
func (c *call) unmodelled(what string) error { return c.account.refuseUnmodelled(what) }

func (a *Account) refuseUnmodelled(what string) error {
	for _, known := range a.unmodelled {
		if known == what {
			return errUnmodelled(what)
		}
	}
	a.unmodelled = append(a.unmodelled, what)
	return errUnmodelled(what)
}

func errUnmodelled(what string) error {
	return apiError(http.StatusNotImplemented, "awssim.Unmodelled", "awssim does not model "+what)
}

// apiError is an error of the service as the SDK would have decoded it, for services and codes
// that have no type of their own.
func apiError(status int, code, message string) error {
	fault := smithy.FaultClient
	if status >= 500 {
		fault = smithy.FaultServer
	}
	return withStatus(status, &smithy.GenericAPIError{Code: code, Message: message, Fault: fault})
}

// withStatus puts a typed error of a service into the HTTP response it came in, so that the retryer
// sees what it would see.
func withStatus(status int, err error) error {
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{
				StatusCode: status,
				Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
				Header:     http.Header{},
			}},
			Err: err,
		},
	}
}

// code is the AWS error code of an error, "" for none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// message is the AWS message of an error, or its text.
func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}
