package awssim

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"pgregory.net/rapid"
)

// careful is an operator who knows everything about one region, pauses all that AWS lets him pause,
// whoever it belongs to, and takes his time to put it back. What he cannot restore, nobody can.
type careful struct {
	ctx     context.Context
	r       *region
	ec2     *ec2.Client
	groups  *autoscaling.Client
	rds     *rds.Client
	ecs     *ecs.Client
	scaling *applicationautoscaling.Client

	instances, databases, clusters []string
	processes                      map[string][]string // by group
	desired                        map[*ecsService]int
	targets                        map[*scalableTarget]ScalableTarget
}

func newCareful(ctx context.Context, a *Account, region string) *careful {
	cfg := user(a)
	cfg.Region = region
	return &careful{
		ctx: ctx, r: a.regions[region], ec2: ec2.NewFromConfig(cfg), groups: autoscaling.NewFromConfig(cfg), rds: rds.NewFromConfig(cfg),
		ecs: ecs.NewFromConfig(cfg), scaling: applicationautoscaling.NewFromConfig(cfg),
		processes: map[string][]string{}, desired: map[*ecsService]int{}, targets: map[*scalableTarget]ScalableTarget{},
	}
}

// pause goes from what would fight back to the databases.
func (o *careful) pause() {
	for _, id := range slices.Sorted(maps.Keys(o.r.aas.targets)) {
		t := o.r.aas.targets[id]
		spec := t.ScalableTarget
		if o.register(t, ScalableTarget{Min: 0, Max: spec.Max, SuspendedIn: true, SuspendedOut: true, SuspendedScheduled: true}) == nil {
			o.targets[t] = spec
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.r.ecs.clusters)) {
		for _, s := range sortedServices(o.r.ecs.clusters[name]) {
			if was := s.Desired; !s.Express && !s.Daemon && o.desire(s, 0) == nil {
				o.desired[s] = was
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.r.asg.groups)) {
		o.suspend(o.r.asg.groups[name])
	}
	time.Sleep(settledSuspension)
	for _, i := range slices.Clone(o.r.ec2.instances) {
		if m := o.r.asg.members[i.ID]; i.truth.state != running || m != nil && o.processes[m.group.Name] == nil {
			continue
		}
		if _, err := o.ec2.StopInstances(o.ctx, &ec2.StopInstancesInput{InstanceIds: []string{i.ID}}); err == nil {
			o.instances = append(o.instances, i.ID)
		}
		time.Sleep(200 * time.Millisecond)
	}
	time.Sleep(10 * time.Minute) // until backups and the like are over
	for _, id := range slices.Sorted(maps.Keys(o.r.rds.instances)) {
		if _, err := o.rds.StopDBInstance(o.ctx, &rds.StopDBInstanceInput{DBInstanceIdentifier: &id}); err == nil {
			o.databases = append(o.databases, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.r.rds.clusters)) {
		if _, err := o.rds.StopDBCluster(o.ctx, &rds.StopDBClusterInput{DBClusterIdentifier: &id}); err == nil {
			o.clusters = append(o.clusters, id)
		}
	}
}

// suspend suspends all processes of a group whose members can all be stopped.
func (o *careful) suspend(g *group) {
	for _, m := range g.members {
		if m.truth.state == running && m.refuseStop(false) != nil {
			return
		}
	}
	ours := slices.DeleteFunc(slices.Clone(groupProcesses), func(p string) bool { _, before := g.suspended[p]; return before })
	if len(ours) > 0 {
		_, err := o.groups.SuspendProcesses(o.ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: &g.Name, ScalingProcesses: ours})
		if err != nil {
			return
		}
	}
	o.processes[g.Name] = ours
}

// resume goes the other way, and waits for each kind.
func (o *careful) resume(t interface{ Errorf(string, ...any) }) {
	check := func(what string, err error) {
		if err != nil {
			t.Errorf("resume %s: %v", what, err)
		}
	}
	for _, id := range o.databases {
		_, err := o.rds.StartDBInstance(o.ctx, &rds.StartDBInstanceInput{DBInstanceIdentifier: &id})
		check(id, err)
	}
	for _, id := range o.clusters {
		_, err := o.rds.StartDBCluster(o.ctx, &rds.StartDBClusterInput{DBClusterIdentifier: &id})
		check(id, err)
	}
	for _, id := range o.instances {
		_, err := o.ec2.StartInstances(o.ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
		check(id, err)
		time.Sleep(600 * time.Millisecond)
	}
	time.Sleep(20 * time.Minute)
	for _, name := range slices.Sorted(maps.Keys(o.r.ecs.clusters)) {
		for _, s := range sortedServices(o.r.ecs.clusters[name]) {
			if n, ours := o.desired[s]; ours {
				check(s.Name, o.desire(s, n))
			}
		}
	}
	time.Sleep(5 * time.Minute)
	for _, name := range slices.Sorted(maps.Keys(o.processes)) {
		if ours := o.processes[name]; len(ours) > 0 {
			_, err := o.groups.ResumeProcesses(o.ctx, &autoscaling.ResumeProcessesInput{AutoScalingGroupName: &name, ScalingProcesses: ours})
			check(name, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.r.aas.targets)) {
		if was, ours := o.targets[o.r.aas.targets[id]]; ours {
			check(id, o.register(o.r.aas.targets[id], was))
		}
	}
}

func (o *careful) desire(s *ecsService, n int) error {
	_, err := o.ecs.UpdateService(o.ctx, &ecs.UpdateServiceInput{Cluster: &s.Cluster, Service: &s.Name, DesiredCount: aws.Int32(int32(n))})
	time.Sleep(250 * time.Millisecond)
	return err
}

func (o *careful) register(t *scalableTarget, spec ScalableTarget) error {
	_, err := o.scaling.RegisterScalableTarget(o.ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount, ResourceId: &t.id,
		MinCapacity: aws.Int32(int32(spec.Min)), MaxCapacity: aws.Int32(int32(spec.Max)),
		SuspendedState: suspended(&spec.SuspendedIn, &spec.SuspendedOut, &spec.SuspendedScheduled),
	})
	time.Sleep(100 * time.Millisecond)
	return err
}

// pauseAndResume has a careful operator in every region and reports what is not as before.
func pauseAndResume(t interface{ Errorf(string, ...any) }, ctx context.Context, a *Account) (paused int) {
	before := a.State()
	var operators []*careful
	for _, name := range a.names {
		o := newCareful(ctx, a, name)
		o.pause()
		operators = append(operators, o)
		paused += len(o.instances) + len(o.databases) + len(o.clusters) + len(o.desired)
	}
	time.Sleep(2 * time.Hour)
	for _, o := range operators {
		o.resume(t)
	}
	time.Sleep(3 * time.Hour)
	if different, _ := Compare(before, a.State()); len(different) > 0 {
		t.Errorf("not as before: %v", different)
	}
	return paused
}

func TestCarefulOperatorRestoresAFleetExactly(t *testing.T) {
	for name, tt := range map[string]struct {
		fill    func(*Account)
		regions []string
		paused  int // at least
	}{
		"startup": {Startup, StartupRegions, 60},
		"scaleup": {Scaleup, ScaleupRegions, 900},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{Regions: tt.regions, Seed: 4}, func(t *testing.T, a *Account) {
				tt.fill(a)
				if paused := pauseAndResume(t, t.Context(), a); paused < tt.paused {
					t.Errorf("only %d resources were paused, want %d at least", paused, tt.paused)
				}
			})
		})
	}
}

func TestCarefulOperatorRestoresRandomAccountsExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			a := New(Options{Regions: StartupRegions, Seed: rapid.Uint64().Draw(t, "seed"), Idle: synctest.Wait})
			defer a.Shutdown()
			Random(a, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
			pauseAndResume(t, context.Background(), a)
		})
	})
}
