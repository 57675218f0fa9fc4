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
func Function(ctx context.Context, log *slog.Logger) (*trigger.Handler, error) {
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
	store := dynamo.Open(cfg, table)
	return &trigger.Handler{
		Engine: func(on func(engine.Event)) *engine.Engine {
			return Engine(Options{Config: cfg, Account: account, Store: store, Settings: decided, On: on})
		},
		Store: store, Account: account, Settings: decided, Log: log,
	}, nil
}
