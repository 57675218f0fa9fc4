package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aws-hit-breaks/cli/ui"
	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
)

// play tells the story from its beginning to its end. A chapter that did not go as it should ends it.
func (d *demonstration) play(ctx context.Context) error {
	defer d.account.Shutdown()
	d.screen.Say("This is a simulated AWS account, %g times as fast as a real one. The engine is the real one.", d.speed)
	d.screen.Say("Nothing here calls AWS.")
	d.before = d.account.State()
	for _, chapter := range []func(context.Context) error{d.discover, d.overspend, d.repeat, d.wake, d.putBack, d.compare} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demonstration) discover(ctx context.Context) error {
	d.screen.Title("1. What costs money by the hour")
	found, err := d.handler.Engine(nil).Discover(ctx, killswitch.Scope{})
	if err != nil {
		return err
	}
	r := report.Of(found, boot.Declared())
	if err := d.handler.Prices(ctx, found, &r, true); err != nil {
		return err
	}
	d.screen.Found(r)
	d.stood = r
	d.screen.Say("%s", r.Headline())
	d.screen.Costs(r)
	return nil
}

func (d *demonstration) overspend(ctx context.Context) error {
	d.screen.Title("2. The budget is overspent, and AWS Budgets writes to the topic of the brake")
	event, err := d.alarmEvent("demo-1")
	if err != nil {
		return err
	}
	answer, err := d.invoke(ctx, "pausing", d.handler.Pause, event)
	if err != nil {
		return err
	}
	r := answer.Report
	for _, o := range r.Orders {
		d.screen.Say("The alarm: %s", o.Alarm)
	}
	d.screen.Say("%s", r.Headline())
	d.screen.Costs(r)
	if r.ExitCode() != codeOK {
		d.screen.Plan(r)
		return errors.New("the pause of the simulated account is not whole")
	}
	d.paused = d.account.State()

	d.screen.Title("3. What was left alone, and why")
	d.screen.LeftAlone(r)
	return nil
}

func (d *demonstration) repeat(ctx context.Context) error {
	d.screen.Title("4. The alarm comes a second time")
	event, err := d.alarmEvent("demo-2")
	if err != nil {
		return err
	}
	if _, err := d.invoke(ctx, "looking again", d.handler.Pause, event); err != nil {
		return err
	}
	changed, byAWS := awssim.Compare(d.paused, d.account.State())
	if len(changed)+len(byAWS) > 0 {
		d.differences(append(changed, byAWS...))
		return errors.New("the second alarm changed something")
	}
	d.screen.Say("changed by the second alarm: 0 fields; what ran at the first is still what a resume puts back")
	return nil
}

// startsWithin is longer than a database of the simulated account takes to start.
const startsWithin = 15 * time.Minute

func (d *demonstration) wake(ctx context.Context) error {
	d.screen.Title("5. A week passes (the demo skips it)")
	region, id, ok := pausedDatabase(d.stood)
	if !ok {
		return errors.New("there is no paused database in the simulated account")
	}
	known := len(d.account.DatabaseEvents())
	d.account.WakeDatabase(region, id)
	d.account.Jump(startsWithin) // the week, and what the database takes to start
	d.screen.Say("AWS keeps a database stopped for seven days at most: it starts %s in %s, and says so.", id, region)
	events := d.account.DatabaseEvents()[known:]
	if len(events) == 0 {
		return fmt.Errorf("the simulated account started %s without an event", id)
	}
	event, err := d.wokenEvent(events[0])
	if err != nil {
		return err
	}
	progress := d.screen.Progress("the guard")
	defer progress.End()
	progress.From(d.stood)
	d.tell = progress.On
	for ; ; event = scheduledEvent {
		if _, err := d.handler.Guard(ctx, event); err != nil {
			return fmt.Errorf("the guard: %w", err)
		}
		r, err := d.stands(ctx)
		if err != nil {
			return err
		}
		if r.Summary.Phases[killswitch.Paused] == d.stood.Summary.Phases[killswitch.Paused] {
			progress.End()
			d.screen.Say("The guard has stopped it again: %s", r.Headline())
			return nil
		}
		if err := sleep(ctx, time.Duration(float64(time.Minute)/d.speed)); err != nil { // its schedule
			return err
		}
	}
}

// stands is the report of the live snapshot.
func (d *demonstration) stands(ctx context.Context) (report.Report, error) {
	live, err := d.handler.Store.Live(ctx, d.account.ID())
	if err != nil {
		return report.Report{}, err
	}
	if live == nil {
		return report.Report{}, errors.New("nothing is paused any more in the simulated account")
	}
	snapshot, err := d.handler.Store.Snapshot(ctx, d.account.ID(), live.Snapshot)
	return report.Of(snapshot, boot.Declared()), err
}

func (d *demonstration) putBack(ctx context.Context) error {
	d.screen.Title("6. You have seen to the budget: aws-hit-breaks resume")
	event, err := resumeEvent()
	if err != nil {
		return err
	}
	answer, err := d.invoke(ctx, "resuming", d.handler.Resume, event)
	if err != nil {
		return err
	}
	d.screen.Say("%s", answer.Report.Headline())
	return nil
}

// compare tells the account as it is from the account as it was.
func (d *demonstration) compare(context.Context) error {
	d.screen.Title("7. The account now and before, field by field")
	touched := map[string]bool{}
	changed, _ := awssim.Compare(d.before, d.paused)
	for _, c := range changed {
		touched[c.Resource] = true
	}
	different, byAWS := awssim.Compare(d.before, d.account.State())
	spoilt := map[string]bool{}
	for _, c := range different {
		touched[c.Resource], spoilt[c.Resource] = true, true
	}
	d.shown.Paused, d.shown.Restored = len(touched), len(touched)-len(spoilt)
	d.shown.ChangedByAWS, d.shown.Differences = len(byAWS), append([]awssim.Difference{}, different...)
	d.differences(different)
	if names := d.account.Unmodelled(); len(names) > 0 {
		return fmt.Errorf("the simulated account does not know %s, so this shows nothing", strings.Join(names, ", "))
	}
	if d.json {
		if err := d.screen.JSON(d.shown); err != nil {
			return err
		}
	}
	d.screen.Say("Members of groups and scaling targets are counted one by one.")
	d.screen.Say("changed by AWS: %d fields", d.shown.ChangedByAWS)
	d.screen.Say("restored exactly: %d of %d resources", d.shown.Restored, d.shown.Paused)
	if len(different) > 0 || d.shown.Paused == 0 {
		d.screen.Say("At this speed a call had %s of this machine's time. If it was busy with something else, a lower --speed shows it.", callTime(d.speed).Round(100*time.Microsecond))
		return &ended{code: codeError}
	}
	return nil
}

// differences shows fields that differ.
func (d *demonstration) differences(list []awssim.Difference) {
	t := ui.Table{Header: []string{"RESOURCE", "FIELD", "BEFORE", "NOW"}}
	for _, c := range list {
		t.Rows = append(t.Rows, []string{c.Resource, c.Field, c.Before, c.After})
	}
	d.screen.Side(t)
}
