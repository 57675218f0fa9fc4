package boot

import (
	"context"
	"log/slog"
	"os"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots/dynamo"
)

// Function wires what a deployed function answers with: settings and the name of the table from the
// environment, the account from its credentials. It makes one call, to ask whose those are; whether
// there is a table shows at the first read.
func Function(ctx context.Context, log *slog.Logger, name settings.Function) (*trigger.Handler, error) {
	decided, table, err := settings.FromEnv(os.Getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := Config(ctx)
	if err != nil {
		return nil, err
	}
	account, err := Account(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return Handler(Options{
		Config: cfg, Account: account, Store: dynamo.Open(Fenced(cfg), table), Settings: decided, Wants: name.Wants(),
	}, log), nil
}

// Handler wires what answers events, in a function or wherever else the engine runs.
func Handler(o Options, log *slog.Logger) *trigger.Handler {
	return &trigger.Handler{
		Engine: func(on func(engine.Event)) *engine.Engine {
			of := o
			of.On = on
			return Engine(of)
		},
		Store: o.Store, Declared: Declared(), Account: o.Account, Settings: o.Settings, Log: log, On: o.On,
	}
}
