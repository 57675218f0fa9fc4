// Package boot is the only wiring: an aws.Config, settings and a store become an engine. Functions,
// the CLI and the tests all start here, so that what is tested is what runs.
package boot

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots"
)

// Config loads the caller's AWS configuration: credentials, region and endpoints the way every AWS
// SDK finds them. Without a region it is us-east-1, which every account has.
func Config(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 4 })
	}), config.WithLogger(logging.Nop{})) // the SDK would write lines of its own among ours
	if err != nil {
		return cfg, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	return cfg, nil
}

// Options is what an engine is made of.
type Options struct {
	Config   aws.Config
	Account  string
	Store    snapshots.Store
	Settings settings.Settings
	Owner    string // names the run in leases; made of process and time where empty
	// Wants limits what is done to steps towards these; empty means everything. A function has to be
	// limited to what its role allows.
	Wants []killswitch.Want
	// Speed divides every duration; 1 where it is 0. Only the demonstration has another.
	Speed float64
	On    func(engine.Event)
}

// Engine wires an engine.
func Engine(o Options) *engine.Engine {
	if o.Speed == 0 {
		o.Speed = 1
	}
	o.Config = Fenced(o.Config)
	o.Settings.Settle = settings.Duration(float64(o.Settings.Settle) / o.Speed)
	o.Settings.Wait = settings.Duration(float64(o.Settings.Wait) / o.Speed)
	if o.Owner == "" {
		o.Owner = fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	}
	return engine.New(engine.Options{
		Account: o.Account, Owner: o.Owner, Store: o.Store,
		Regions:  func(ctx context.Context) ([]string, error) { return services.EnabledRegions(ctx, o.Config) },
		Services: func(region string) []killswitch.Service { return open(o, region) },
		Rates:    rates(o.Speed), Settings: o.Settings, Wants: o.Wants,
		Pace: killswitch.StandardPace().Divide(o.Speed), On: o.On,
	})
}

// open makes the services of one region.
func open(o Options, region string) []killswitch.Service {
	cfg := o.Config.Copy()
	cfg.Region = region
	return services.Open(services.Env{Config: cfg, Account: o.Account, Settings: o.Settings})
}

func rates(speed float64) map[string]killswitch.Rate {
	all := map[string]killswitch.Rate{}
	for action, r := range services.Rates() {
		r.PerSecond *= speed
		r.UnitsPerSecond *= speed
		all[action] = r
	}
	return all
}

// Declared is what every service declares, by kind.
func Declared() map[killswitch.Kind]killswitch.Declaration {
	all := map[killswitch.Kind]killswitch.Declaration{}
	for _, definition := range services.All() {
		all[definition.Kind] = definition.Declaration
	}
	return all
}

// Fenced adds the engine's fence to every client made from the configuration: each attempt of a
// call, the SDK's own retries among them, first asks whether it may still begin.
func Fenced(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(cfg.APIOptions[:len(cfg.APIOptions):len(cfg.APIOptions)], func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Fence", func(
			ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
		) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if err := killswitch.Fence(ctx); err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, err
			}
			return next.HandleFinalize(ctx, in)
		}), "Retry", middleware.After)
	})
	return cfg
}
