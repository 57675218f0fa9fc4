package awssim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Process is one running program that talks to the account: a Lambda invocation, a CLI, a person.
type Process struct {
	account *Account
	name    string

	mu     sync.Mutex
	killed chan struct{} // closed by Kill
	thawed chan struct{} // not nil while frozen, closed by Thaw
}

// Process is the program of that name; its calls are traced under it. The same name is the same
// process.
func (a *Account) Process(name string) *Process {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.processes[name]
	if p == nil {
		p = &Process{account: a, name: name, killed: make(chan struct{})}
		a.processes[name] = p
	}
	return p
}

// Kill ends the process as a power cut does: from now on its calls park until [Account.Shutdown],
// whatever their context says, so that no error path of it runs. Of the calls under way some still
// take effect and some never left the machine; the seed decides.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isKilled() {
		close(p.killed)
	}
}

// Killed is closed when the process is killed, by Kill or by a Fault.
func (p *Process) Killed() <-chan struct{} { return p.killed }

func (p *Process) isKilled() bool {
	select {
	case <-p.killed:
		return true
	default:
		return false
	}
}

// Freeze suspends the process as Lambda does between invocations: what is under way takes effect,
// but no call returns and no new one is made until Thaw. Its goroutines do run on until they make a
// call: freeze it while it is in one, or make its calls with a configuration that is [Process.Held].
func (p *Process) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thawed == nil {
		p.thawed = make(chan struct{})
	}
}

// Thaw lets a frozen process go on. A call that was answered meanwhile returns its answer, another
// whose context ended meanwhile returns that error.
func (p *Process) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thawed != nil {
		close(p.thawed)
		p.thawed = nil
	}
}

// errShutdown is what parked calls get when the simulation ends.
var errShutdown = errors.New("awssim: the account was shut down")

// gate holds a goroutine of the process back while the process is frozen, and for good when it was
// killed.
func (p *Process) gate() error {
	for {
		p.mu.Lock()
		killed, thawed := p.isKilled(), p.thawed
		p.mu.Unlock()
		switch {
		case killed:
			<-p.account.done
			return errShutdown
		case thawed == nil:
			return nil
		}
		select {
		case <-thawed:
		case <-p.killed:
		case <-p.account.done:
			return errShutdown
		}
	}
}

// processKey is the access key of every process.
const processKey = "AKIASIMULATED"

// Config is what the process's SDK clients are made of: region us-east-1, static credentials, the
// SDK's standard retryer with a jitter that depends on the seed, and the account in place of the
// network. Callers copy it and set Region.
func (p *Process) Config() aws.Config {
	return aws.Config{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: processKey, SecretAccessKey: "simulated", AccountID: p.account.id}, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(p.backOff)
			})
		},
		APIOptions: []func(*middleware.Stack) error{p.replaceWire},
	}
}

// Held adds to a configuration that an attempt waits while the process is frozen before it does anything
// else, and not only before it leaves the machine. What was added before, like a fence, is then asked when the
// process goes on.
func (p *Process) Held(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(slices.Clip(cfg.APIOptions), func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("awssim.Held", func(
			ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
		) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if err := p.gate(); err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, err
			}
			return next.HandleFinalize(ctx, in)
		}), "Retry", middleware.After)
	})
	return cfg
}

// backOff is the SDK's own exponential back-off with full jitter (a random part of 2^attempt
// seconds, at most 20 s), but for the source of the jitter: the seed and the failed request's id.
func (p *Process) backOff(attempt int, err error) (time.Duration, error) {
	key := err.Error()
	if response := (*awshttp.ResponseError)(nil); errors.As(err, &response) {
		key = response.ServiceRequestID()
	}
	part := float64(hash(p.account.seed, "back-off", p.name, key, strconv.Itoa(attempt))>>11) / (1 << 53)
	if most := math.Log2(retry.DefaultMaxBackoff.Seconds()); float64(attempt) > math.Floor(most) {
		return p.account.real(retry.DefaultMaxBackoff), nil
	}
	return p.account.real(time.Duration(part * math.Exp2(float64(attempt)) * float64(time.Second))), nil
}

// sent is what one invocation of an operation carries through the SDK's stack.
type sent struct {
	hash     string // of the input as the caller gave it, before the SDK fills in random tokens
	key      string // the access key that signed the latest attempt; empty where none was asked for
	input    any
	attempts int
}

type sentKey struct{}

// replaceWire puts the account where the network would be.
func (p *Process) replaceWire(stack *middleware.Stack) error {
	if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("awssim.Hash", p.captureHash), middleware.Before); err != nil {
		return err
	}
	if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("awssim.Capture", p.captureInput), middleware.After); err != nil {
		return err
	}
	if err := stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("awssim.Signed", signed), "Signing", middleware.After); err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("awssim.Answer", p.answer), "Retry", middleware.After)
}

// signed reads off the request whose key has signed it, and sends it nowhere.
func signed(ctx context.Context, in middleware.FinalizeInput, _ middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return out, metadata, fmt.Errorf("awssim: a request is a %T", in.Request)
	}
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
	_, credential, found := strings.Cut(request.Header.Get("Authorization"), "Credential=")
	if !found {
		return out, metadata, errors.New("awssim: a request is not signed")
	}
	ctx.Value(sentKey{}).(*sent).key, _, _ = strings.Cut(credential, "/")
	return out, metadata, nil
}

func (p *Process) captureHash(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	text, err := json.Marshal(in.Parameters)
	if err != nil {
		return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("awssim: hash the input of %s: %w", awsmiddleware.GetOperationName(ctx), err)
	}
	s := &sent{hash: strconv.FormatUint(hash(0, string(text)), 16)}
	return next.HandleInitialize(context.WithValue(ctx, sentKey{}, s), in)
}

func (p *Process) captureInput(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	ctx.Value(sentKey{}).(*sent).input = in.Parameters
	return next.HandleInitialize(ctx, in)
}

// services gives the SDK's service ids the names that IAM uses.
var services = map[string]string{
	"EC2":                       "ec2",
	"Auto Scaling":              "autoscaling",
	"RDS":                       "rds",
	"ECS":                       "ecs",
	"Application Auto Scaling":  "application-autoscaling",
	"DynamoDB":                  "dynamodb",
	"Pricing":                   "pricing",
	"Elastic Load Balancing":    "elasticloadbalancing",
	"Elastic Load Balancing v2": "elasticloadbalancing",
	"IAM":                       "iam",
	"Lambda":                    "lambda",
	"Budgets":                   "budgets",
	"CloudFormation":            "cloudformation",
	"STS":                       "sts",
	"SNS":                       "sns",
}

func (p *Process) answer(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	s := ctx.Value(sentKey{}).(*sent)
	s.attempts++
	if p.account.signs() { // which takes a while, and says nothing where there is one caller
		if _, _, err := next.HandleFinalize(ctx, in); err != nil {
			return out, metadata, err
		}
	}
	service, known := services[awsmiddleware.GetServiceID(ctx)]
	if !known {
		service = awsmiddleware.GetServiceID(ctx)
	}
	t := &attempt{
		call: Call{
			Process: p.name, Region: awsmiddleware.GetRegion(ctx), Service: service,
			Operation: awsmiddleware.GetOperationName(ctx), Attempt: s.attempts,
			Targets: targets(s.input), Input: s.input,
		},
		process: p,
		hash:    s.hash,
		signer:  s.key,
		settled: make(chan struct{}),
	}
	var requestID string
	out.Result, requestID, err = p.account.send(ctx, t)
	awsmiddleware.SetRequestIDMetadata(&metadata, requestID)
	if errors.Is(err, errGone) {
		err = &smithy.CanceledError{Err: ctx.Err()} // as the SDK's HTTP client says it
	}
	return out, metadata, err
}
