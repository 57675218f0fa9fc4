package awssim

import (
	"fmt"
	"strconv"
	"time"
)

// The regions of the fleets. An account that gets a fleet must have these enabled.
var (
	StartupRegions = []string{"us-east-1", "eu-west-1", "eu-central-1"}
	ScaleupRegions = []string{
		"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1",
	}
	EnterpriseRegions = enabledByDefault()
)

// Startup fills three regions with some eighty resources: every kind, and every situation of which
// there is no near variant, once.
func Startup(a *Account) {
	regions := newBuilders(a, StartupRegions, seededDraw(a))
	for i, s := range situations() {
		if !s.variant {
			s.add(regions[i%len(regions)])
		}
	}
	for range 2 {
		ordinaryInstance(regions[0])
	}
}

// Scaleup fills eight regions with a thousand resources, most of them ordinary.
func Scaleup(a *Account) {
	mix{instances: 600, groups: 60, members: 6, databases: 90, clusters: 40, services: 210, first: 0.25}.fill(a, ScaleupRegions)
}

// Enterprise fills seventeen regions with ten thousand resources, most of them ordinary, and 40 % of
// its instances in the first region.
func Enterprise(a *Account) { Sized(10000)(a) }

// Sized is Enterprise with about n resources.
func Sized(n int) func(*Account) {
	of := func(tenThousand int) int { return tenThousand * n / 10000 }
	return func(a *Account) {
		mix{
			instances: of(6400), groups: of(450), members: 8, databases: of(900), clusters: of(350), services: of(1900), first: 0.4,
		}.fill(a, EnterpriseRegions)
	}
}

// Random builds a small account of 1 to 25 resources or a few more, any situation among them. Every
// choice is draw's, which gives a number from 0 to n-1, so that smaller draws are simpler accounts.
func Random(a *Account, draw func(n int) int) {
	regions := newBuilders(a, a.names[:min(3, len(a.names))], draw)
	all := situations()
	made := func() (n int) {
		for _, b := range regions {
			n += b.made
		}
		return n
	}
	for n := 1 + draw(25); made() < n; {
		all[draw(len(all))].add(regions[draw(len(regions))])
	}
}

// Census counts the resources of the account by kind: "ec2:instance" are those of no group,
// "ec2:member" those of groups, "rds:instance" and "rds:member" likewise. What is terminated does
// not count.
func (a *Account) Census() map[string]int {
	n := map[string]int{}
	a.look(func(time.Time) {
		for _, r := range a.regions {
			for _, i := range r.ec2.instances {
				switch {
				case i.truth.state == terminated || i.truth.state == shuttingDown:
				case r.asg.members[i.ID] != nil:
					n["ec2:member"]++
				default:
					n["ec2:instance"]++
				}
			}
			n["autoscaling:group"] += len(r.asg.groups)
			for _, db := range r.rds.instances {
				if db.cluster != nil {
					n["rds:member"]++
				} else {
					n["rds:instance"]++
				}
			}
			n["rds:cluster"] += len(r.rds.clusters)
			for _, cluster := range r.ecs.clusters {
				n["ecs:service"] += len(cluster.services)
				for _, t := range cluster.tasks {
					if t.service == nil && t.last == taskRunning {
						n["ecs:task"]++
					}
				}
			}
			n["application-autoscaling:target"] += len(r.aas.targets)
		}
	})
	return n
}

// mustRegion is the state of an enabled region. It panics for any other: the account was built wrong.
func (a *Account) mustRegion(name string) *region {
	r := a.regions[name]
	if r == nil {
		panic(fmt.Sprintf("awssim: region %q is not enabled in the account", name))
	}
	return r
}

// builder adds resources to one region of an account.
type builder struct {
	a      *Account
	region string
	other  *builder // of another region, or itself where there is one only
	draw   func(n int) int
	made   int // resources so far
}

func newBuilders(a *Account, regions []string, draw func(int) int) (all []*builder) {
	for _, name := range regions {
		all = append(all, &builder{a: a, region: name, draw: draw})
	}
	for i, b := range all {
		b.other = all[(i+1)%len(all)]
	}
	return all
}

// seededDraw draws from the account's seed.
func seededDraw(a *Account) func(n int) int {
	drawn := 0
	return func(n int) int {
		drawn++
		return int(hash(a.seed, "fleet", strconv.Itoa(drawn)) % uint64(n))
	}
}

// name is the name of the next resource; what comes of nothing else is unique in the region.
func (b *builder) name(what string) string {
	b.made++
	return fmt.Sprintf("%s-%d", what, b.made)
}

// tags are what owners put on a resource, and the given pairs of key and value.
func (b *builder) tags(pairs ...string) map[string]string {
	tags := map[string]string{"env": "prod"}
	if b.draw(3) == 0 {
		tags["env"] = "dev"
	}
	for i := 0; i < len(pairs); i += 2 {
		tags[pairs[i]] = pairs[i+1]
	}
	return tags
}

// The tags with which owners speak to the brake.
const (
	protectTag = "aws-hit-breaks:protect"
	pauseTag   = "aws-hit-breaks:pause"
	switchTag  = "aws-hit-breaks:switch"
)

// situation is something that an account may hold: a resource, or some that belong together.
type situation struct {
	what string
	add  func(b *builder)
	// variant says that another situation is so near that Startup does without this one.
	variant bool
}

func variant(s situation) situation {
	s.variant = true
	return s
}

// situations is everything the account knows to be awkward, and the ordinary.
func situations() []situation {
	var all []situation
	all = append(all, instanceSituations...)
	all = append(all, groupSituations...)
	all = append(all, databaseSituations...)
	return append(all, serviceSituations...)
}

// mix says how many resources of each kind a fleet has, how many members a group has on average, and
// which share of everything is in the first region.
type mix struct {
	instances, groups, members, databases, clusters, services int
	first                                                     float64
}

// awkwardShare is one in how many resources of a larger fleet that is in a situation.
const awkwardShare = 12

func (m mix) fill(a *Account, regions []string) {
	for i, b := range newBuilders(a, regions, seededDraw(a)) {
		share := func(n int) int {
			first := int(float64(n) * m.first)
			rest := n - first
			switch {
			case i == 0:
				return first
			case i == 1:
				return rest - rest/(len(regions)-1)*(len(regions)-2)
			}
			return rest / (len(regions) - 1)
		}
		b.addMany(share(m.instances), ordinaryInstance, instanceSituations)
		b.addMany(share(m.groups), func(b *builder) { b.groupOf(1 + b.draw(2*m.members-1)) }, groupSituations)
		b.addMany(share(m.databases), ordinaryDatabase, databaseSituations)
		b.addMany(share(m.clusters), ordinaryCluster, nil)
		b.addMany(share(m.services), ordinaryService, serviceSituations)
	}
}

// addMany adds n resources, or a few more, some of them in a situation.
func (b *builder) addMany(n int, ordinary func(*builder), awkward []situation) {
	for end := b.made + n; b.made < end; {
		if len(awkward) > 0 && b.draw(awkwardShare) == 0 {
			awkward[b.draw(len(awkward))].add(b)
		} else {
			ordinary(b)
		}
	}
}
