package boot

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/notify"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/dynamo"
)

// Function wires what a deployed function answers with in its account: settings and the name of the
// table come from the environment. It makes no call: whether there is a table shows at the first read.
func Function(ctx context.Context, log *slog.Logger, name settings.Function) (func(account string) *trigger.Handler, error) {
	decided, table, err := Decided(os.Getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := Config(ctx)
	if err != nil {
		return nil, err
	}
	store := dynamo.Open(Fenced(cfg), table)
	return func(account string) *trigger.Handler {
		handler := Handler(Options{Config: cfg, Account: account, Store: store, Settings: decided, Wants: name.Wants()}, log)
		handler.Command = command(cfg.Region, table, decided.Prefix)
		return handler
	}, nil
}

// Decided reads the settings and the name of the table from the environment, and refuses regions and
// scopes that cannot be meant: an alarm is no time to find that out.
func Decided(getenv func(string) string) (settings.Settings, string, error) {
	decided, table, err := settings.FromEnv(getenv)
	if err != nil {
		return decided, table, err
	}
	var kinds []string
	for kind := range Declared() {
		kinds = append(kinds, string(kind))
	}
	slices.Sort(kinds)
	if err := filter.Validate(killswitch.Scope{Regions: decided.Regions}, nil, kinds); err != nil {
		return decided, table, fmt.Errorf("%s: setting regions: %w", settings.SettingsVariable, err)
	}
	for _, topic := range decided.Topics {
		if err := filter.Validate(topic.Scope, nil, kinds); err != nil {
			return decided, table, fmt.Errorf("%s: setting topics: the scope of %s: %w", settings.SettingsVariable, topic.ARN, err)
		}
	}
	return decided, table, nil
}

// command is how an operator's shell begins a command of the CLI for what is deployed here: the
// environment where it is not what the CLI takes by itself, and the program.
func command(region, table, prefix string) string {
	begin := "AWS_REGION=" + region
	if table != settings.DefaultTable {
		begin += " " + settings.TableVariable + "=" + table
	}
	if prefix != settings.Default().Prefix {
		begin += fmt.Sprintf(` %s='{"prefix":%q}'`, settings.SettingsVariable, prefix)
	}
	return begin + " aws-hit-breaks"
}

// Handler wires what answers events, in a function or wherever else the engine runs.
func Handler(o Options, log *slog.Logger) *trigger.Handler {
	h := &trigger.Handler{
		Engine: func(on func(engine.Event)) *engine.Engine {
			of := o
			of.On = on
			return Engine(of)
		},
		Store: o.Store, Declared: Declared(), Account: o.Account, Settings: o.Settings, Log: log, On: o.On,
		Command: "aws-hit-breaks",
		Prices: func(ctx context.Context, s snapshots.Snapshot, r *report.Report, keep bool) error {
			var regions []string
			if len(o.Wants) == 0 || slices.Contains(o.Wants, killswitch.WantPaused) { // as its role has it
				regions = ResidualRegions(s)
			}
			return NewPrices(o, InStore{Store: o.Store, Account: o.Account, ReadOnly: !keep}).Into(ctx, r, regions)
		},
	}
	if topic := o.Settings.Notify; topic != "" {
		h.Notify = notify.To(Fenced(o.Config), topic)
	}
	return h
}
