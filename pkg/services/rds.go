package services

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"golang.org/x/sync/errgroup"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
)

// What instances and clusters of RDS, Aurora, DocumentDB and Neptune share. All of them are seen
// through the RDS API, which is their common control plane.

// rdsPage is the most records of a page, and so the most names in one question
// (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html).
const rdsPage = 100

// longestStop is how long AWS leaves a database stopped
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html).
const longestStop = 7 * 24 * time.Hour

// The statuses that are more than a name. Those of instances and clusters are on
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html and
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html.
const (
	dbAvailable  = "available"
	dbStopped    = "stopped"
	dbStopping   = "stopping"
	dbStarting   = "starting"
	dbDeleting   = "deleting"
	dbOptimizing = "storage-optimization" // serves as usual for up to days, but cannot be stopped
)

// dbRemedies are the statuses that do not pass by themselves, and what helps. A database can be
// stopped from none of them.
var dbRemedies = map[string]string{
	"failed":                                          "restore it from a backup, or ask AWS support",
	"storage-full":                                    "enlarge its storage",
	"incompatible-network":                            "repair its subnet group, VPC and addresses, then start it",
	"incompatible-parameters":                         "reset the parameters that do not fit, then reboot it",
	"incompatible-option-group":                       "repair its option group",
	"incompatible-credentials":                        "repair its service credentials in AWS Secrets Manager",
	"incompatible-restore":                            "restore it again from a backup",
	"incompatible-create":                             "delete it and create it again",
	"restore-error":                                   "restore it again from a backup",
	"insufficient-capacity":                           "choose another instance class, or start it again later",
	"inaccessible-encryption-credentials":             "restore it from a backup with a KMS key that can be used",
	"inaccessible-encryption-credentials-recoverable": "enable its KMS key, then start it",
	"migration-failed":                                "migrate again from the snapshot",
	"cloning-failed":                                  "clone it again",
}

// dbUnbilled are the statuses in which no hours are billed and none will be by themselves. One that
// is being created or started is about to be billed, so it is not among them.
var dbUnbilled = []string{
	dbStopped, dbStopping, dbDeleting, "delete-precheck", "failed", "incompatible-network", "incompatible-restore",
	"incompatible-create", "insufficient-capacity", "inaccessible-encryption-credentials",
	"inaccessible-encryption-credentials-recoverable", "migration-failed", "cloning-failed",
}

// dbIdentity is what makes a database this one and not another of its name.
type dbIdentity struct {
	ARN string `json:"arn"`
	// ResourceID stays with a database when it is renamed, and is new for one that was created again.
	ResourceID string `json:"resourceId"`
}

func (i dbIdentity) check() error {
	if i.ARN == "" || i.ResourceID == "" {
		return fmt.Errorf("original has ARN %q and resource id %q, both are needed", i.ARN, i.ResourceID)
	}
	return nil
}

// dbSeen is one look at a database of either kind.
type dbSeen struct {
	dbIdentity
	Status  string
	Verdict string    // why AWS does not stop it, whatever its status
	Restart time.Time // AutomaticRestartTime: when AWS will start it; zero where it runs or AWS does not say
	// Unready are members of a cluster that are not available, by id.
	Unready []dbMember
	// Changes are the fields that AWS changes at a stop and start, with their values.
	Changes killswitch.Fields
}

// dbMember is a member of a cluster and its status.
type dbMember struct {
	ID     string `json:"id,omitempty"` // empty for the cluster or instance itself
	Status string `json:"status"`
}

// broken is what needs somebody's help: the database itself, or members of it.
func (s dbSeen) broken() []dbMember {
	var broken []dbMember
	for _, part := range append([]dbMember{{Status: s.Status}}, s.Unready...) {
		if dbRemedies[part.Status] != "" {
			broken = append(broken, part)
		}
	}
	return broken
}

// original is what is remembered of the database at this look.
func (s dbSeen) original() dbOriginal {
	return dbOriginal{dbIdentity: s.dbIdentity, Broken: s.broken(), Changes: s.Changes}
}

// dbOriginal is what both kinds remember of a database.
type dbOriginal struct {
	dbIdentity
	// Broken is what needed help already then: such a database cannot be stopped, and is as it was
	// for as long as that lasts.
	Broken []dbMember `json:"broken,omitempty"`
	// Changes are the fields that AWS changes at a stop and start, as they were.
	Changes killswitch.Fields `json:"changes,omitempty"`
}

// dbKind is how the two kinds differ for Decide.
type dbKind struct {
	field       string // the status, the one field that a pause sets
	stop, start string // the steps
}

// condition is what a status means for pausing and resuming.
type condition int

const (
	dbUp      condition = iota + 1 // available, with all that belongs to it
	dbDown                         // stopped
	dbPassing                      // on its way from one to another
	dbLeaving                      // being deleted
	dbBroken                       // in need of somebody's help
)

// condition reads the status, and that of the members of a cluster that is available: AWS stops it
// only with all of them available, and it is whole again only then
// (https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html).
func (s dbSeen) condition(want killswitch.Want) (condition, string) {
	serves := func(status string) bool {
		return status == dbAvailable || want == killswitch.WantResumed && status == dbOptimizing
	}
	name, status := "it", s.Status
	if serves(status) {
		for _, member := range s.Unready {
			if serves(member.Status) {
				continue
			}
			if name, status = "member "+member.ID, member.Status; dbRemedies[status] != "" {
				break // what needs help counts more than what passes
			}
		}
	}
	switch remedy := dbRemedies[status]; {
	case remedy != "":
		return dbBroken, fmt.Sprintf("%s is in state %s: %s", name, status, remedy)
	case serves(status):
		return dbUp, ""
	case name != "it": // also a member that is stopped while its cluster is available
		return dbPassing, fmt.Sprintf("%s is %s", name, status)
	case status == dbStopped:
		return dbDown, ""
	case status == dbDeleting || status == "delete-precheck":
		return dbLeaving, "it is being deleted"
	}
	return dbPassing, fmt.Sprintf("%s is %s", name, status)
}

// decide is the rule of both kinds. A start or stop that was begun may not have reached AWS, so a
// database that stands where an earlier step of ours left it is ours, whichever that step was.
func (k dbKind) decide(want killswitch.Want, it killswitch.Item, was dbOriginal, seen dbSeen, now time.Time) killswitch.Decision {
	if seen.ResourceID != was.ResourceID {
		return killswitch.Decision{Do: killswitch.Drift, Reason: fmt.Sprintf(
			"another database of this name: %s instead of %s, which was deleted or renamed", seen.ResourceID, was.ResourceID)}
	}
	if want == killswitch.WantPaused {
		return k.pause(it, seen, now)
	}
	return k.resume(it, was, seen)
}

// resume decides for a database that is to be as it was.
func (k dbKind) resume(it killswitch.Item, was dbOriginal, seen dbSeen) killswitch.Decision {
	touched := len(it.State.Left) > 0 || it.Force
	at, why := seen.condition(killswitch.WantResumed)
	switch {
	case at == dbUp, at == dbBroken && slices.Equal(seen.broken(), was.Broken):
		return killswitch.Decision{Do: killswitch.Done, ByAWS: changed(was.Changes, seen.Changes)}
	case at == dbBroken:
		return killswitch.Decision{Do: killswitch.Refuse, Reason: why}
	case at == dbLeaving, at == dbPassing && !touched: // nobody waits for it
		return killswitch.Decision{Do: killswitch.Hold, Reason: why}
	case at == dbPassing:
		return killswitch.Decision{Do: killswitch.Hold, Reason: why, Wave: killswitch.ResumeDatabases}
	case it.Settled():
		return killswitch.Decision{Do: killswitch.Drift, Reason: "somebody has stopped it since it was resumed"}
	case !touched:
		return killswitch.Decision{Do: killswitch.Drift, Reason: "somebody stopped it before the brake did"}
	}
	return killswitch.Decision{
		Do: killswitch.TakeAct, Step: k.start, Leaves: killswitch.Fields{k.field: dbAvailable},
	}
}

// pause decides for a database that is to be stopped. The time at which AWS starts it is kept until
// it is known who started it: after that time it was AWS, before it was somebody.
func (k dbKind) pause(it killswitch.Item, seen dbSeen, now time.Time) killswitch.Decision {
	wakes := it.State.WakesAt
	woken := !wakes.IsZero() && !now.Before(wakes)
	at, why := seen.condition(killswitch.WantPaused)
	switch {
	case at == dbDown:
		return killswitch.Decision{Do: killswitch.Done, WakesAt: k.wakes(it, seen)}
	case at == dbBroken:
		return killswitch.Decision{Do: killswitch.Refuse, Reason: why, WakesAt: wakes}
	case at == dbLeaving:
		return killswitch.Decision{Do: killswitch.Hold, Reason: why, WakesAt: wakes}
	case at == dbPassing:
		return killswitch.Decision{Do: killswitch.Hold, Reason: why, Wave: killswitch.PauseDatabases, WakesAt: wakes}
	case it.Settled() && !woken:
		return killswitch.Decision{Do: killswitch.Drift, Reason: "somebody has started it since it was paused"}
	case seen.Verdict != "":
		return killswitch.Decision{Do: killswitch.Refuse, Reason: seen.Verdict, WakesAt: wakes}
	}
	return killswitch.Decision{
		Do: killswitch.TakeAct, Step: k.stop, Leaves: killswitch.Fields{k.field: dbStopped}, WakesAt: wakes,
	}
}

// wakes is when AWS will start a stopped database. DocumentDB does not say; there it is seven days
// after our stop at the earliest.
func (k dbKind) wakes(it killswitch.Item, seen dbSeen) time.Time {
	if seen.Restart.IsZero() && it.State.Step == k.stop && !it.State.AttemptedAt.IsZero() {
		return it.State.AttemptedAt.Add(longestStop)
	}
	return seen.Restart
}

// changed are the fields that differ, "old → new".
func changed(was, is killswitch.Fields) killswitch.Fields {
	var fields killswitch.Fields
	for field, old := range was {
		if now, ok := is[field]; ok && now != old {
			if fields == nil {
				fields = killswitch.Fields{}
			}
			fields[field] = old + " → " + now
		}
	}
	return fields
}

// dbObserved is the observation of a database, and of its end.
func dbObserved(at time.Time, seen dbSeen) killswitch.Observation {
	return killswitch.Observation{Presence: killswitch.Present, At: at, State: seen.Status, Resource: seen}
}

// dbAnswered is the observation that the answer to a start or stop amounts to: none, where the answer
// still shows the state from before the call.
func dbAnswered(at time.Time, seen dbSeen, expected ...string) *killswitch.Observation {
	if !slices.Contains(expected, seen.Status) {
		return nil
	}
	o := dbObserved(at, seen)
	return &o
}

// observeByName looks at databases by name: a page of them to a question, and each that is missing
// in the answer by itself, since only the answer to a question for one name says NotFound.
func observeByName(ctx context.Context, items []killswitch.Item,
	many func(context.Context, []string) (map[string]dbSeen, error),
	one func(context.Context, string) (dbSeen, error),
) (map[killswitch.Ref]killswitch.Observation, error) {
	observations := make(map[killswitch.Ref]killswitch.Observation, len(items))
	var mu sync.Mutex
	note := func(ref killswitch.Ref, o killswitch.Observation) {
		mu.Lock()
		defer mu.Unlock()
		observations[ref] = o
	}
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for chunk := range slices.Chunk(items, rdsPage) {
		reads.Go(func() error {
			at := time.Now()
			names := make([]string, len(chunk))
			for i, it := range chunk {
				names[i] = it.Resource.Ref.ID
			}
			found, err := many(ctx, names)
			if err != nil && awserr.Of(err) != awserr.Gone {
				return fmt.Errorf("look at %d databases: %w", len(names), err)
			}
			for _, it := range chunk {
				ref := it.Resource.Ref
				if seen, ok := found[ref.ID]; ok {
					note(ref, dbObserved(at, seen))
					continue
				}
				alone := time.Now()
				seen, err := one(ctx, ref.ID)
				switch {
				case err == nil:
					note(ref, dbObserved(alone, seen))
				case awserr.Of(err) == awserr.Gone:
					note(ref, killswitch.Observation{Presence: killswitch.Absent, At: alone, Evidence: awserr.Code(err)})
				default:
					return fmt.Errorf("look at %s: %w", ref, err)
				}
			}
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	return observations, nil
}

// costsByTheHour says whether a database in this status is billed by the hour, or is about to be.
func costsByTheHour(status string) bool { return !slices.Contains(dbUnbilled, status) }

func dbTags(tags []rdstypes.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, tag := range tags {
		m[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return m
}

// dbFilter asks for the databases of these names.
func dbFilter(name string, values []string) []rdstypes.Filter {
	return []rdstypes.Filter{{Name: aws.String(name), Values: values}}
}
