package services

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

const ecsServiceSchema = 1

// The steps of ECS services.
const (
	suspendScaling = "suspend-scaling"
	setDesiredZero = "set-desired-zero"
	restoreDesired = "restore-desired"
	restoreScaling = "restore-scaling"
)

// The fields that a pause of a service sets, by the names of the two APIs.
const (
	fieldDesired       = "DesiredCount"
	fieldMin           = "MinCapacity"
	fieldInSuspended   = "DynamicScalingInSuspended"
	fieldOutSuspended  = "DynamicScalingOutSuspended"
	fieldPlanSuspended = "ScheduledScalingSuspended"
)

// scalingNeeds is what AWS asks of who registers a scalable target: who may not change what it scales,
// nor read the alarms, may not have it scaled
// (https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html).
var scalingNeeds = []string{"cloudwatch:DescribeAlarms", "ecs:DescribeServices", "ecs:UpdateService"}

// ecsServices are the services of Amazon ECS: paused by a desired count of zero, after what would
// raise it again has been suspended.
func ecsServices() Definition {
	declaration := killswitch.Declaration{
		Kind: killswitch.ECSService, Title: "ECS services", Schema: ecsServiceSchema,
		Lists: []string{
			"ecs:ListClusters", "ecs:DescribeClusters", "ecs:DescribeCapacityProviders",
			"ecs:ListServices", "ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeContainerInstances",
		},
		Reads: []string{"ecs:DescribeServices", "application-autoscaling:DescribeScalableTargets"},
		Steps: []killswitch.Step{
			{
				Name: suspendScaling, Want: killswitch.WantPaused, Wave: killswitch.PauseScalers,
				Calls: "application-autoscaling:RegisterScalableTarget", Needs: scalingNeeds, Batch: 1,
			},
			{
				Name: setDesiredZero, Want: killswitch.WantPaused, Wave: killswitch.PauseServices,
				Calls: "ecs:UpdateService", Batch: 1,
			},
			{
				Name: restoreDesired, Want: killswitch.WantResumed, Wave: killswitch.ResumeServices,
				Calls: "ecs:UpdateService", Batch: 1,
			},
			{
				Name: restoreScaling, Want: killswitch.WantResumed, Wave: killswitch.ResumeTargets,
				Calls: "application-autoscaling:RegisterScalableTarget", Needs: scalingNeeds, Batch: 1,
			},
		},
		ByAWS: []killswitch.ChangedByAWS{
			{Field: "Deployments.UpdatedAt", Source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html"},
			{Field: "TaskSets.UpdatedAt", Source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html"},
			{Field: "Events", Source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceEvent.html"},
		},
		Beneath: groupsBeneath,
		ByHand:  ecsServiceByHand,
		Check:   checkECSService,
	}
	return Definition{Declaration: declaration, New: func(env Env) killswitch.Service {
		return &ecsService{
			env: env, declaration: declaration, client: ecs.NewFromConfig(env.Config),
			scaling:  applicationautoscaling.NewFromConfig(env.Config),
			patience: time.Duration(cmp.Or(env.Settings.Wait, settings.Default().Wait)),
		}
	}}
}

func checkECSService(original killswitch.Original, parts []killswitch.Part) error {
	if len(parts) > 0 {
		return fmt.Errorf("an ECS service has no parts, here are %d", len(parts))
	}
	o, err := decode[ecsOriginal](ecsServiceSchema, original)
	switch {
	case err != nil:
		return err
	case o.ARN == "":
		return errors.New("original has no ARN")
	case o.Desired < 0 || o.Running < 0:
		return fmt.Errorf("original has a desired count of %d and %d running tasks", o.Desired, o.Running)
	case o.Target != nil && (o.Target.Min < 0 || o.Target.Max < o.Target.Min):
		return fmt.Errorf("original has a scalable target from %d to %d", o.Target.Min, o.Target.Max)
	}
	return nil
}

// ecsOriginal is a service as it was before its pause. Its task definition, deployments, load
// balancers and policies are not touched by a desired count
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html).
type ecsOriginal struct {
	ecsIdentity
	Desired int32      `json:"desired"`
	Running int32      `json:"running"`
	Steady  bool       `json:"steady"`           // all desired tasks were running and no deployment was under way
	Target  *ecsTarget `json:"target,omitempty"` // of Application Auto Scaling
	// Groups are those whose instances a capacity provider may end when none of its tasks runs.
	Groups []string `json:"groups,omitempty"`
}

// ecsIdentity is what makes a service this one and not another of its name. The ARN alone does not:
// one that is created again has the same, and an old one may be migrated to the long format.
type ecsIdentity struct {
	ARN       string    `json:"arn"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

func (i ecsIdentity) same(other ecsIdentity) bool {
	if i.CreatedAt.IsZero() || other.CreatedAt.IsZero() {
		return i.ARN == other.ARN
	}
	return i.CreatedAt.Equal(other.CreatedAt)
}

// ecsTarget is the scalable target of a service: bounds, and what of the scaling is suspended.
type ecsTarget struct {
	Min           int32 `json:"min"`
	Max           int32 `json:"max"`
	InSuspended   bool  `json:"inSuspended,omitempty"`
	OutSuspended  bool  `json:"outSuspended,omitempty"`
	PlanSuspended bool  `json:"planSuspended,omitempty"`
}

// ecsSeen is one look at a service.
type ecsSeen struct {
	ecsIdentity
	Status      string
	Desired     int32
	Running     int32
	Deployments int    // under way or done; more than one while one replaces another
	Rollout     string // state of the primary one
	OnHosts     bool   // its tasks run on EC2 instances of the account
	Target      *ecsTarget
	Unread      bool // the target was not looked at
}

// steady says whether a service is what it is desired to be.
func (s ecsSeen) steady() bool {
	return s.Running == s.Desired && (s.Deployments <= 1 || s.Rollout == string(ecstypes.DeploymentRolloutStateCompleted))
}

func seeECSService(service ecstypes.Service, target *ecsTarget) ecsSeen {
	seen := ecsSeen{
		ecsIdentity: ecsIdentity{ARN: aws.ToString(service.ServiceArn), CreatedAt: aws.ToTime(service.CreatedAt).UTC()},
		Status:      aws.ToString(service.Status),
		Desired:     service.DesiredCount, Running: service.RunningCount,
		Deployments: len(service.Deployments), OnHosts: onHosts(service), Target: target,
	}
	for _, deployment := range service.Deployments {
		if aws.ToString(deployment.Status) == "PRIMARY" {
			seen.Rollout = string(deployment.RolloutState)
		}
	}
	return seen
}

// ecsService is the service of ECS services in one region.
type ecsService struct {
	env         Env
	declaration killswitch.Declaration
	client      *ecs.Client
	scaling     *applicationautoscaling.Client
	patience    time.Duration // for the tasks of a service, from the call that asks for them
}

func (s *ecsService) Declaration() killswitch.Declaration { return s.declaration }

// Discover lists the services and standalone tasks of every cluster, clusters in AWS's order and
// several at a time.
func (s *ecsService) Discover(ctx context.Context) iter.Seq2[killswitch.Found, error] {
	return func(yield func(killswitch.Found, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var work errgroup.Group
		defer func() {
			stop()
			_ = work.Wait() // no call outlives the listing; errors were yielded, or nobody listens
		}()
		pages := ecs.NewListClustersPaginator(s.client, &ecs.ListClustersInput{MaxResults: aws.Int32(ecsPage)})
		var targets *ecsTargets
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(killswitch.Found{}, fmt.Errorf("list ECS clusters: %w", err))
				return
			}
			if targets == nil && len(page.ClusterArns) > 0 {
				targets = s.readTargets(ctx, &work)
			}
			for _, cluster := range s.readClusters(ctx, &work, page.ClusterArns, targets, s.readProviders(ctx, &work, page.ClusterArns)) {
				<-cluster.read
				if cluster.err != nil {
					yield(killswitch.Found{}, cluster.err)
					return
				}
				for _, found := range cluster.found {
					if !yield(found, nil) {
						return
					}
				}
			}
		}
	}
}
