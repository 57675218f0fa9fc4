package command

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots/dynamo"
)

// budgetAlarm is the event that a Lambda function gets when AWS Budgets writes to its topic, of the
// account 111122223333.
//
//go:embed demo/budget-alarm.json
var budgetAlarm []byte

// defaultSpeed is how many times as fast as a real account the simulated one is: a pause and a
// resume, an hour and more with AWS, take ten seconds.
const defaultSpeed = 200

// A faster account gives this machine less time for what the engine waits for, of which a call is the shortest: where the
// machine is busy with something else for longer, calls fail that have not failed, and leases end under the engine. At a
// load of twenty on two cores that begins above a thousand; the limit keeps twice the distance.
const leastPatience = 40 * time.Millisecond

// callTime is how long the engine waits for a call, in the time of this machine.
func callTime(speed float64) time.Duration { return killswitch.StandardPace().Divide(speed).Call }

// checkSpeed refuses a speed at which the demonstration could not show what the engine does.
func checkSpeed(speed float64) error {
	fastest := float64(killswitch.StandardPace().Call / leastPatience)
	switch {
	case speed >= 1 && callTime(speed) >= leastPatience:
		return nil
	case speed > fastest:
		return usage("--speed %g: a call, which may take %s, would have %s of this machine's time, and fail whenever it is busy with something else: "+
			"say how many times as fast as a real account, from 1 to %g", speed, killswitch.StandardPace().Call, callTime(speed).Round(100*time.Microsecond), fastest)
	}
	return usage("--speed %g: say how many times as fast as a real account, from 1 to %g", speed, fastest)
}

func newDemo(c *cli) *cobra.Command {
	seed, speed := uint64(1), float64(defaultSpeed)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch it work, on a simulated account",
		Long: `Watch it work: the real engine pauses a simulated AWS account of some eighty resources and puts
it back, and the account is compared with what it was, field by field. It calls no AWS and needs no
credentials. It exits with 1 where one field differs.` + exits,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSpeed(speed); err != nil {
				return err
			}
			return newDemonstration(c, seed, speed).play(cmd.Context())
		},
	}
	cmd.Flags().Uint64Var(&seed, "seed", seed, "the simulated account's; the same seed is the same account")
	cmd.Flags().Float64Var(&speed, "speed", speed, "how many times as fast as a real account")
	return cmd
}

// demonstration is the story of one simulated account.
type demonstration struct {
	*cli
	screen  *ui.Screen
	account *awssim.Account
	handler *trigger.Handler // what the Lambda functions are
	speed   float64
	tell    func(engine.Event) // of the run that is under way

	before awssim.State
	paused awssim.State
	stood  report.Report // how things stood before the run that is under way
	shown  exactness
}

// exactness is how the comparison ended, as JSON.
type exactness struct {
	Seed         uint64              `json:"seed"`
	Paused       int                 `json:"paused"`   // resources that the pause changed
	Restored     int                 `json:"restored"` // of these, those that are as they were
	ChangedByAWS int                 `json:"changedByAWS"`
	Differences  []awssim.Difference `json:"differences"`
}

func newDemonstration(c *cli, seed uint64, speed float64) *demonstration {
	d := &demonstration{cli: c, screen: c.screen.Story(), speed: speed, shown: exactness{Seed: seed}}
	if c.json {
		d.screen = c.screen
	}
	d.account = awssim.New(awssim.Options{Seed: seed, Speed: speed, Regions: awssim.StartupRegions})
	awssim.Startup(d.account)
	d.account.AddTable(awssim.StartupRegions[0], settings.DefaultTable)
	config := d.account.Process("aws-hit-breaks").Config()
	d.handler = boot.Handler(boot.Options{
		Config: config, Account: d.account.ID(), Store: dynamo.Open(boot.Fenced(config), settings.DefaultTable),
		Settings: settings.Default(), Speed: speed, On: func(ev engine.Event) { d.tell(ev) },
	}, nil)
	return d
}

// invoke calls a function of the handler as Lambda does, and shows how it goes on.
func (d *demonstration) invoke(
	ctx context.Context, title string, function func(context.Context, json.RawMessage) (trigger.Answer, error), event json.RawMessage,
) (trigger.Answer, error) {
	progress := d.screen.Progress(title)
	defer progress.End()
	progress.From(d.stood)
	d.tell = progress.On
	answer, err := function(ctx, event)
	if err != nil {
		return answer, fmt.Errorf("%s: %w", title, err)
	}
	if ctx.Err() != nil {
		return answer, fmt.Errorf("%s: %w", title, ctx.Err())
	}
	d.stood = answer.Report
	return answer, nil
}

// alarmEvent is the budget's message as of now, under an id of its own.
func (d *demonstration) alarmEvent(id string) (json.RawMessage, error) {
	var event struct {
		Records []struct {
			EventSource, EventVersion, EventSubscriptionArn string
			Sns                                             map[string]any
		}
	}
	if err := json.Unmarshal(budgetAlarm, &event); err != nil {
		return nil, fmt.Errorf("read the budget's message: %w", err)
	}
	event.Records[0].Sns["MessageId"] = id
	event.Records[0].Sns["Timestamp"] = time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	return json.Marshal(event)
}

// wokenEvent is what EventBridge tells the guard when RDS has started a database.
func (d *demonstration) wokenEvent(e awssim.DatabaseEvent) (json.RawMessage, error) {
	return json.Marshal(map[string]any{
		"version": "0", "source": "aws.rds", "account": d.account.ID(), "region": e.Region, "time": e.At,
		"detail-type": map[bool]string{false: "RDS DB Instance Event", true: "RDS DB Cluster Event"}[e.Cluster],
		"detail":      map[string]any{"EventID": e.EventID, "SourceIdentifier": e.ID, "SourceArn": e.SourceARN, "Message": e.Message},
	})
}

// scheduledEvent is what the guard's schedule invokes it with every minute.
var scheduledEvent = json.RawMessage(`{"source": "aws.events", "detail-type": "Scheduled Event"}`)

// resumeEvent is what the command resume invokes its function with.
func resumeEvent() (json.RawMessage, error) {
	return json.Marshal(trigger.Invocation{Actor: "you"})
}

// pausedDatabase is a database that is paused, the first in the order of the report.
func pausedDatabase(of report.Report) (region, id string, ok bool) {
	for _, r := range of.In(killswitch.Paused) {
		if r.Kind == killswitch.RDSInstance || r.Kind == killswitch.RDSCluster {
			return r.Region, r.ID, true
		}
	}
	return "", "", false
}
