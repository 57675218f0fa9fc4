package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// How long services take. A task that ends waits for its target's deregistration (up to 300 s by
// default) and for its stop timeout (30 s by default); how long one takes to begin is not published:
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
// The lengths are assumed.
const (
	minTaskStopping = 10 * time.Second
	maxTaskStopping = 150 * time.Second
	minTaskStarting = 20 * time.Second
	maxTaskStarting = 120 * time.Second
	// From an instance that runs to its agent being connected.
	minAgent = 5 * time.Second
	maxAgent = 40 * time.Second
	// How long reads may show the desired count before an update.
	maxServiceLag = 2 * time.Second
	// A stopped task is described for an hour at least:
	// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
	taskAfterlife = time.Hour
)

// ECSCluster is a cluster to be put into an account.
type ECSCluster struct {
	Name string
	// Hosts are EC2 instances that are its container instances. Members of groups join by
	// Group.Cluster.
	Hosts []string
	// ShortARNs makes the ARNs of its services leave out the cluster, as those made before 2021 do:
	// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
	ShortARNs bool
}

// ECSService is a service to be put into a cluster, with its tasks running.
type ECSService struct {
	Cluster, Name string
	Desired       int
	// LaunchType is "FARGATE" (default) or "EC2". Provider is a capacity provider in its place; its
	// tasks then run on hosts if the cluster has any.
	LaunchType, Provider string
	Daemon               bool
	Controller           string // "ECS" (default), "CODE_DEPLOY" or "EXTERNAL"
	Status               string // default "ACTIVE"
	Tags                 map[string]string
	// Express makes it a service that ECS manages (ResourceManagementType ECS), of which AWS does not
	// say what an update of its desired count does.
	Express bool
	// Deploying is for how long a second deployment is still there.
	Deploying time.Duration
	Size      TaskSize
	// ProtectedTasks is how many tasks have scale-in protection, and ProtectedFor for how long.
	ProtectedTasks int
	ProtectedFor   time.Duration
}

// TaskSize is what a task on Fargate has.
type TaskSize struct {
	CPU, Memory int  // units of 1/1024 vCPU, MiB; default 1024 and 2048
	Disk        int  // GiB; default 20
	ARM         bool // architecture; default x86_64
	Windows     bool
}

// ECSTask is a running task that belongs to no service. Once stopped it never comes back.
type ECSTask struct {
	Cluster string
	Family  string // default "job"
	Host    string // EC2 instance it runs on; default Fargate
	Size    TaskSize
	Tags    map[string]string
}

// ecsState is ECS in one region.
type ecsState struct {
	clusters map[string]*ecsCluster
	hosts    map[string]*host // by EC2 instance
}

func newECSState() *ecsState {
	return &ecsState{clusters: map[string]*ecsCluster{}, hosts: map[string]*host{}}
}

type ecsCluster struct {
	ECSCluster
	arn      string
	services map[string]*ecsService
	tasks    map[string]*ecsTask // by id
	hosts    []*host             // in the order they registered
	begun    int                 // tasks ever
}

// host is a container instance.
type host struct {
	*instance
	arn        string
	cluster    *ecsCluster
	registered time.Time
	connected  bool // its agent
	changes    int
	tasks      []*ecsTask // not stopped
}

type ecsService struct {
	ECSService
	key, arn string
	cluster  *ecsCluster
	created  time.Time
	deleted  bool
	updated  time.Time  // of its deployment or task set
	deployed time.Time  // until when a second deployment is there
	tasks    []*ecsTask // not stopped
	was      int        // desired count that reads still show
	wasUntil time.Time
}

type ecsTask struct {
	id, arn   string
	service   *ecsService // nil for a standalone one
	spec      ECSTask     // of a standalone one
	host      *host       // nil on Fargate
	last      string      // lastStatus
	desired   string      // desiredStatus
	created   time.Time
	started   time.Time
	stopping  time.Time
	stopped   time.Time
	why       string
	protected time.Time // from scale-in, until then
}

// The statuses of a task that the account uses:
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
const (
	taskPending      = "PENDING"
	taskRunning      = string(types.DesiredStatusRunning)
	taskDeactivating = "DEACTIVATING"
	taskStopped      = string(types.DesiredStatusStopped)
)

// ecsByAWS are the fields of a service that AWS itself changes at a stop and start.
var ecsByAWS = map[string]string{
	"Deployments.UpdatedAt": "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html",
	"TaskSets.UpdatedAt":    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html",
}

// AddECSCluster puts a cluster into a region of the account. A group or service that names a
// cluster which is not there makes it too.
func (a *Account) AddECSCluster(region string, spec ECSCluster) {
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		if r.ecs.clusters[spec.Name] != nil {
			panic(fmt.Sprintf("awssim: ECS cluster %s exists in %s", spec.Name, region))
		}
		cluster := a.ecsCluster(r, spec.Name)
		cluster.ECSCluster = spec
		for _, id := range spec.Hosts {
			a.registerHost(r, spec.Name, r.ec2.byID[id], now)
		}
	})
}

func (a *Account) ecsCluster(r *region, name string) *ecsCluster {
	cluster := r.ecs.clusters[name]
	if cluster == nil {
		cluster = &ecsCluster{
			ECSCluster: ECSCluster{Name: name}, arn: a.ecsARN(r, "cluster/"+name),
			services: map[string]*ecsService{}, tasks: map[string]*ecsTask{},
		}
		r.ecs.clusters[name] = cluster
	}
	return cluster
}

func (a *Account) ecsARN(r *region, rest string) string {
	return fmt.Sprintf("arn:aws:ecs:%s:%s:%s", r.name, a.id, rest)
}

// AddECSService puts a service into a region of the account, with as many tasks running as it wants
// and its hosts can take. It panics when there is one of that name in its cluster.
func (a *Account) AddECSService(region string, spec ECSService) {
	spec.Controller = cmp.Or(spec.Controller, string(types.DeploymentControllerTypeEcs))
	spec.Status = cmp.Or(spec.Status, "ACTIVE")
	if spec.Provider == "" {
		spec.LaunchType = cmp.Or(spec.LaunchType, string(types.LaunchTypeFargate))
	}
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		cluster := a.ecsCluster(r, spec.Cluster)
		if old := cluster.services[spec.Name]; old != nil && old.Status != "INACTIVE" {
			panic(fmt.Sprintf("awssim: ECS service %s exists in cluster %s in %s", spec.Name, spec.Cluster, region))
		}
		key := fmt.Sprint("ecs/", r.name, "/", spec.Cluster, "/", spec.Name)
		s := &ecsService{
			ECSService: spec, cluster: cluster, key: key,
			arn: a.ecsARN(r, "service/"+spec.Cluster+"/"+spec.Name), created: created(a.incarnation(key), 200*24*time.Hour, now),
		}
		if cluster.ShortARNs {
			s.arn = a.ecsARN(r, "service/"+spec.Name)
		}
		s.updated, s.deployed = s.created, now.Add(spec.Deploying)
		cluster.services[spec.Name] = s
		if spec.Status == "ACTIVE" {
			a.converge(r, s, now)
		}
		for i, t := range s.tasks { // as if it had been there for long
			t.last, t.started = taskRunning, s.created
			if i < spec.ProtectedTasks {
				t.protected = now.Add(spec.ProtectedFor)
			}
		}
	})
}

// AddECSTask puts a running standalone task into a region of the account and returns its ARN.
func (a *Account) AddECSTask(region string, spec ECSTask) (arn string) {
	spec.Family = cmp.Or(spec.Family, "job")
	a.look(func(now time.Time) {
		r := a.mustRegion(region)
		t := a.newTask(r, a.ecsCluster(r, spec.Cluster), r.ecs.hosts[spec.Host], now)
		t.spec, t.last, t.started = spec, taskRunning, now
		arn = t.arn
	})
	return arn
}

// onHosts says whether the tasks of a service run on container instances.
func (s *ecsService) onHosts() bool {
	return s.LaunchType == string(types.LaunchTypeEc2) || s.Provider != "" && !strings.HasPrefix(s.Provider, "FARGATE")
}

// busy says whether anything but a daemon runs on an instance.
func (s *ecsState) busy(instance string) bool {
	h := s.hosts[instance]
	return h != nil && slices.ContainsFunc(h.tasks, func(t *ecsTask) bool { return t.service == nil || !t.service.Daemon })
}

func (s *ecsService) counts() (running, pending int) {
	for _, t := range s.tasks {
		if t.last == taskPending {
			pending++
		} else {
			running++
		}
	}
	return running, pending
}

// describe adds the services and standalone tasks of the region.
func (s *ecsState) describe(region string, into State) {
	for _, cluster := range s.clusters {
		for _, service := range cluster.services {
			into[resourceName(region, "ecs:service", cluster.Name+"/"+service.Name)] = service.fields()
		}
		for _, t := range cluster.tasks {
			if t.service == nil {
				into[resourceName(region, "ecs:task", cluster.Name+"/"+t.id)] = map[string]string{"LastStatus": t.last, "TaskArn": t.arn}
			}
		}
	}
}

func (s *ecsService) fields() map[string]string {
	fields := map[string]string{
		"ServiceArn": s.arn, "Status": s.Status, "SchedulingStrategy": string(s.strategy()), "DeploymentController": s.Controller,
	}
	if !s.Daemon { // whose counts are AWS's and follow the hosts
		running, pending := s.counts()
		fields["DesiredCount"], fields["RunningCount"], fields["PendingCount"] = fmt.Sprint(s.Desired), fmt.Sprint(running), fmt.Sprint(pending)
	}
	where := "Deployments."
	if s.Controller != string(types.DeploymentControllerTypeEcs) {
		where = "TaskSets."
	}
	fields[where+"CreatedAt"] = s.created.UTC().Format(time.RFC3339)
	fields[where+"UpdatedAt"] = s.updated.UTC().Format(time.RFC3339)
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		fields["Tags."+k] = s.Tags[k]
	}
	return fields
}

func (s *ecsService) strategy() types.SchedulingStrategy {
	if s.Daemon {
		return types.SchedulingStrategyDaemon
	}
	return types.SchedulingStrategyReplica
}
