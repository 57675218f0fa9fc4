package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// scaler registers and reads the scalable target of service "s" in cluster "c".
type scaler struct {
	t *testing.T
	*applicationautoscaling.Client
}

func scalerOf(t *testing.T, a *Account) scaler {
	return scaler{t, applicationautoscaling.NewFromConfig(user(a))}
}

func (s scaler) register(in applicationautoscaling.RegisterScalableTargetInput) error {
	in.ServiceNamespace, in.ScalableDimension = types.ServiceNamespaceEcs, types.ScalableDimensionECSServiceDesiredCount
	if in.ResourceId == nil {
		in.ResourceId = aws.String("service/c/s")
	}
	_, err := s.RegisterScalableTarget(s.t.Context(), &in)
	return err
}

func (s scaler) target() types.ScalableTarget {
	s.t.Helper()
	out, err := s.DescribeScalableTargets(s.t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ResourceIds: []string{"service/c/s"},
	})
	if err != nil || len(out.ScalableTargets) != 1 {
		s.t.Fatalf("target: %v, %v", out, err)
	}
	return out.ScalableTargets[0]
}

func suspended(in, out, scheduled *bool) *types.SuspendedState {
	return &types.SuspendedState{DynamicScalingInSuspended: in, DynamicScalingOutSuspended: out, ScheduledScalingSuspended: scheduled}
}

var allSuspended = suspended(aws.Bool(true), aws.Bool(true), aws.Bool(true))

// withTarget puts service "s" with a scalable target into cluster "c".
func withTarget(t *testing.T, desired int, target ScalableTarget, do func(t *testing.T, a *Account)) {
	t.Helper()
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		a.AddECSService(here, ECSService{Cluster: "c", Name: "s", Desired: desired})
		target.Cluster, target.Service = "c", "s"
		a.AddScalableTarget(here, target)
		do(t, a)
	})
}

func TestRegisteringATargetClampsAtOnce(t *testing.T) {
	n := aws.Int32
	for name, tt := range map[string]struct {
		in   applicationautoscaling.RegisterScalableTargetInput
		want int32 // desired count of 3
	}{
		"a minimum above raises":               {applicationautoscaling.RegisterScalableTargetInput{MinCapacity: n(5)}, 5},
		"even when scaling is suspended":       {applicationautoscaling.RegisterScalableTargetInput{MinCapacity: n(5), SuspendedState: allSuspended}, 5},
		"a maximum below lowers":               {applicationautoscaling.RegisterScalableTargetInput{MaxCapacity: n(2)}, 2},
		"bounds around it leave it":            {applicationautoscaling.RegisterScalableTargetInput{MinCapacity: n(0), MaxCapacity: n(9)}, 3},
		"only the suspended state is a change": {applicationautoscaling.RegisterScalableTargetInput{SuspendedState: allSuspended}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			withTarget(t, 3, ScalableTarget{Min: 1, Max: 6}, func(t *testing.T, a *Account) {
				if err := scalerOf(t, a).register(tt.in); err != nil {
					t.Fatal(err)
				}
				time.Sleep(maxServiceLag)
				if got := servicesOf(t, a).service("c", "s").DesiredCount; got != tt.want {
					t.Errorf("desired count %d, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestRegisteringATargetMergesWhatItIsGiven(t *testing.T) {
	withTarget(t, 3, ScalableTarget{Min: 1, Max: 6, SuspendedIn: true}, func(t *testing.T, a *Account) {
		s := scalerOf(t, a)
		if err := s.register(applicationautoscaling.RegisterScalableTargetInput{MinCapacity: aws.Int32(0), SuspendedState: suspended(nil, aws.Bool(true), nil)}); err != nil {
			t.Fatal(err)
		}
		got := s.target()
		if *got.MinCapacity != 0 || *got.MaxCapacity != 6 || !*got.SuspendedState.DynamicScalingInSuspended ||
			!*got.SuspendedState.DynamicScalingOutSuspended || *got.SuspendedState.ScheduledScalingSuspended {
			t.Errorf("got min %d, max %d, %v", *got.MinCapacity, *got.MaxCapacity, got.SuspendedState)
		}
	})
}

func TestTargetRefusals(t *testing.T) {
	for name, in := range map[string]applicationautoscaling.RegisterScalableTargetInput{
		"a minimum above the maximum":    {MinCapacity: aws.Int32(7)},
		"a negative minimum":             {MinCapacity: aws.Int32(-1)},
		"a service that does not exist":  {ResourceId: aws.String("service/c/none"), MinCapacity: aws.Int32(0), MaxCapacity: aws.Int32(1)},
		"a new target without a maximum": {ResourceId: aws.String("service/c/bare"), MinCapacity: aws.Int32(0)},
		"a new target without anything":  {ResourceId: aws.String("service/c/bare"), SuspendedState: allSuspended},
	} {
		t.Run(name, func(t *testing.T) {
			withTarget(t, 3, ScalableTarget{Min: 1, Max: 6}, func(t *testing.T, a *Account) {
				a.AddECSService(here, ECSService{Cluster: "c", Name: "bare", Desired: 1})
				before := a.State()
				if err := scalerOf(t, a).register(in); code(err) != "ValidationException" {
					t.Errorf("got %v, want ValidationException", err)
				}
				if different, _ := Compare(before, a.State()); len(different) > 0 {
					t.Errorf("a refused call changed %v", different)
				}
			})
		})
	}
}

func TestAlarmScalesOutFromZeroUnlessThatIsSuspended(t *testing.T) {
	for name, tt := range map[string]struct {
		register *applicationautoscaling.RegisterScalableTargetInput
		want     int32
	}{
		"nothing registered: it is lifted to the demand": {nil, 4},
		"minimum zero alone is no pause":                 {&applicationautoscaling.RegisterScalableTargetInput{MinCapacity: aws.Int32(0)}, 4},
		"suspended it stays at zero":                     {&applicationautoscaling.RegisterScalableTargetInput{MinCapacity: aws.Int32(0), SuspendedState: allSuspended}, 0},
		"only scaling in suspended does not help":        {&applicationautoscaling.RegisterScalableTargetInput{MinCapacity: aws.Int32(0), SuspendedState: suspended(aws.Bool(true), nil, nil)}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			withTarget(t, 4, ScalableTarget{Min: 2, Max: 6, Demand: 4}, func(t *testing.T, a *Account) {
				s := servicesOf(t, a)
				if tt.register != nil {
					if err := scalerOf(t, a).register(*tt.register); err != nil {
						t.Fatal(err)
					}
				}
				s.desire("c", "s", 0)
				time.Sleep(time.Hour)
				if got := s.service("c", "s").DesiredCount; got != tt.want {
					t.Errorf("desired count %d, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestAnyRegistrationLiftsAServiceToAMinimumThatWasKept(t *testing.T) {
	withTarget(t, 4, ScalableTarget{Min: 2, Max: 6}, func(t *testing.T, a *Account) {
		s, targets := servicesOf(t, a), scalerOf(t, a)
		s.desire("c", "s", 0)
		time.Sleep(time.Hour)
		if got := s.service("c", "s").DesiredCount; got != 0 {
			t.Errorf("desired count %d below the minimum, want 0 until somebody registers", got)
		}
		if err := targets.register(applicationautoscaling.RegisterScalableTargetInput{SuspendedState: allSuspended}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(maxServiceLag)
		if got := s.service("c", "s").DesiredCount; got != 2 {
			t.Errorf("desired count %d after registering, want the minimum 2", got)
		}
	})
}

func TestDesiredCountIsRestoredBeforeItsBounds(t *testing.T) {
	for name, tt := range map[string]struct {
		countFirst bool
		want       int32
	}{
		"count first: it is as before":                   {true, 4},
		"bounds first: it is at the minimum for a while": {false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			withTarget(t, 0, ScalableTarget{Min: 0, Max: 6, SuspendedIn: true, SuspendedOut: true, SuspendedScheduled: true}, func(t *testing.T, a *Account) {
				s := servicesOf(t, a)
				if tt.countFirst {
					s.desire("c", "s", 4)
				}
				if err := scalerOf(t, a).register(applicationautoscaling.RegisterScalableTargetInput{MinCapacity: aws.Int32(2)}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(maxServiceLag)
				if got := s.service("c", "s").DesiredCount; got != tt.want {
					t.Errorf("desired count %d, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestScheduledScalingIsNotMadeUpFor(t *testing.T) {
	for name, tt := range map[string]struct {
		suspended bool
		want      int32
	}{
		"active, it lifts the service": {false, 3},
		"suspended, it never comes":    {true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			target := ScalableTarget{Min: 0, Max: 6, SuspendedScheduled: tt.suspended, Scheduled: []ScalingSchedule{{In: time.Hour, Min: 3, Max: -1}}}
			withTarget(t, 0, target, func(t *testing.T, a *Account) {
				s := scalerOf(t, a)
				listed, err := s.DescribeScheduledActions(t.Context(), &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs})
				if err != nil || len(listed.ScheduledActions) != 1 || *listed.ScheduledActions[0].ScalableTargetAction.MinCapacity != 3 {
					t.Errorf("scheduled actions %v, %v", listed, err)
				}
				time.Sleep(2 * time.Hour)
				if err := s.register(applicationautoscaling.RegisterScalableTargetInput{SuspendedState: suspended(nil, nil, aws.Bool(false))}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if got := servicesOf(t, a).service("c", "s").DesiredCount; got != tt.want {
					t.Errorf("desired count %d, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestTargetsComeInPages(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Account) {
		for i := range 70 {
			name := string(rune('a'+i/26)) + string(rune('a'+i%26))
			a.AddECSService(here, ECSService{Cluster: "c", Name: name, Desired: 1})
			a.AddScalableTarget(here, ScalableTarget{Cluster: "c", Service: name, Min: 1, Max: 2, Demand: 1})
		}
		s := scalerOf(t, a)
		var pages []int
		in := applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs}
		for p := applicationautoscaling.NewDescribeScalableTargetsPaginator(s, &in); p.HasMorePages(); {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, len(out.ScalableTargets))
		}
		if len(pages) != 2 || pages[0] != 50 || pages[1] != 20 {
			t.Errorf("pages of %v, want 50 and 20", pages)
		}
		policies, err := s.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String("service/c/aa"),
		})
		if err != nil || len(policies.ScalingPolicies) != 1 {
			t.Errorf("policies %v, %v", policies, err)
		}
		for name, in := range map[string]applicationautoscaling.DescribeScalableTargetsInput{
			"ids without a dimension": {ServiceNamespace: types.ServiceNamespaceEcs, ResourceIds: []string{"service/c/aa"}},
			"a page too large":        {ServiceNamespace: types.ServiceNamespaceEcs, MaxResults: aws.Int32(51)},
		} {
			if _, err := s.DescribeScalableTargets(t.Context(), &in); code(err) != "ValidationException" {
				t.Errorf("%s: got %v", name, err)
			}
		}
		in = applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceDynamodb}
		if _, err := s.DescribeScalableTargets(t.Context(), &in); len(a.Unmodelled()) != 1 {
			t.Errorf("another namespace: %v, %v", err, a.Unmodelled())
		}
	})
}
