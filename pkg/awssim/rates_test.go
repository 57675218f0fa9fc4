package awssim

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// withoutRetries is a configuration whose clients make one attempt a call.
func withoutRetries(a *Account) aws.Config {
	cfg := a.Process("hasty").Config()
	cfg.RetryMaxAttempts = 1
	return cfg
}

func TestBucketsRunDryAndRefill(t *testing.T) {
	for name, tt := range map[string]struct {
		call   func(ctx context.Context, cfg aws.Config) error
		rate   rate
		code   string
		status int
	}{
		"EC2 listings in pages": {func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(100)})
			return err
		}, ec2Read, "RequestLimitExceeded", 503},
		"EC2 listings of everything at once": {func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			return err
		}, ec2Unfiltered, "RequestLimitExceeded", 503},
		"StartInstances": {func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{"i-1"}})
			return err
		}, rate{5, 2}, "RequestLimitExceeded", 503},
		"StopInstances": {func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{"i-1"}})
			return err
		}, rate{50, 5}, "RequestLimitExceeded", 503},
		"Auto Scaling": {func(ctx context.Context, cfg aws.Config) error {
			_, err := autoscaling.NewFromConfig(cfg).DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{})
			return err
		}, serviceLimits["autoscaling"], "Throttling", 400},
		"RDS": {func(ctx context.Context, cfg aws.Config) error {
			_, err := rds.NewFromConfig(cfg).DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{})
			return err
		}, serviceLimits["rds"], "Throttling", 400},
		"ECS service reads": {func(ctx context.Context, cfg aws.Config) error {
			_, err := ecs.NewFromConfig(cfg).ListServices(ctx, &ecs.ListServicesInput{Cluster: aws.String("c")})
			return err
		}, rate{100, 20}, "ThrottlingException", 400},
		"Application Auto Scaling": {func(ctx context.Context, cfg aws.Config) error {
			_, err := applicationautoscaling.NewFromConfig(cfg).DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: "ecs"})
			return err
		}, serviceLimits["application-autoscaling"], "ThrottlingException", 400},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				a.AddInstance(here, Instance{ID: "i-1", State: stopped})
				cfg := withoutRetries(a)
				// All at once, so that nothing is refilled meanwhile.
				n := int(tt.rate.burst) + 10
				answers := make(chan error, n)
				for range n {
					go func() { answers <- tt.call(t.Context(), cfg) }()
				}
				refused := 0
				for range n {
					err := <-answers
					if code(err) != tt.code {
						continue
					}
					refused++
					if response := (*awshttp.ResponseError)(nil); !errors.As(err, &response) || response.HTTPStatusCode() != tt.status {
						t.Errorf("the refusal is %v, want status %d", err, tt.status)
					}
				}
				if refused != 10 {
					t.Errorf("of %d calls at once %d were refused, want 10", n, refused)
				}
				time.Sleep(time.Duration(float64(time.Second)/tt.rate.perSecond) + time.Millisecond)
				if err := tt.call(t.Context(), cfg); code(err) == tt.code {
					t.Errorf("a token later: %v", err)
				}
			})
		})
	}
}

func TestStartsAndStopsDrawOnResourceTokens(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, _ *ec2.Client) {
		client := ec2.NewFromConfig(withoutRetries(a))
		var ids []string
		for i := range 1100 {
			ids = append(ids, a.AddInstance(here, Instance{ID: fmt.Sprintf("i-%017x", i)}))
		}
		if err := stopThem(t, client, ids...); code(err) != "RequestLimitExceeded" {
			t.Errorf("1,100 at once: %v", err)
		}
		if err := stopThem(t, client, ids[:1000]...); err != nil {
			t.Errorf("a thousand: %v", err)
		}
		if err := stopThem(t, client, ids[1000:]...); code(err) != "RequestLimitExceeded" {
			t.Errorf("a hundred more: %v", err)
		}
		time.Sleep(5 * time.Second) // 20 a second
		if err := stopThem(t, client, ids[1000:]...); err != nil {
			t.Errorf("a hundred more after five seconds: %v", err)
		}
		time.Sleep(maxStopping)
		if err := startThem(t, client, ids[:1000]...); err != nil {
			t.Errorf("start of a thousand: %v", err)
		}
		time.Sleep(5 * time.Second) // 2 a second
		if err := startThem(t, client, ids[1000:1011]...); code(err) != "RequestLimitExceeded" {
			t.Errorf("start of eleven more: %v", err)
		}
		if err := startThem(t, client, ids[1000:1010]...); err != nil {
			t.Errorf("start of ten more: %v", err)
		}
	})
}

func TestBucketsAreOfOneRegion(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, _ *ec2.Client) {
		cfg := withoutRetries(a)
		a.AddInstance(here, Instance{ID: "i-1", State: stopped})
		for range 20 {
			_ = startThem(t, ec2.NewFromConfig(cfg), "i-1") // the last are throttled
		}
		cfg.Region = "eu-west-1"
		a.AddInstance(cfg.Region, Instance{ID: "i-1", State: stopped})
		if err := startThem(t, ec2.NewFromConfig(cfg), "i-1"); err != nil {
			t.Errorf("in another region: %v", err)
		}
	})
}

func TestTheSDKRetriesAThrottledCall(t *testing.T) {
	withEC2(t, Options{}, func(t *testing.T, a *Account, client *ec2.Client) {
		a.AddInstance(here, Instance{ID: "i-1", State: stopped})
		for range 8 { // five tokens, two a second
			if err := startThem(t, client, "i-1"); err != nil {
				t.Errorf("got %v", err)
			}
		}
		retried := 0
		for _, c := range a.Trace() {
			if c.Attempt > 1 {
				retried++
			}
		}
		if retried == 0 {
			t.Error("no attempt was throttled")
		}
	})
}
