package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/boot"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/bolt"
	"aws-hit-breaks/snapshots/dynamo"
)

// session is an account that a command works with.
type session struct {
	*cli
	local    bool // the engine runs here
	config   aws.Config
	kept     config.Config // what was decided for this machine
	account  string
	caller   string // ARN of whose credentials these are: the actor of orders
	settings settings.Settings
	table    string
	named    string // what names the table, where it has not its default name
	store    snapshots.Store
	prices   *boot.Prices // made at the first report that has dollars
	close    func()
	known    bool   // the alias was asked for
	aliased  string // by which the owner knows the account; empty where it is not known
}

// identify finds out whose account it is. It opens no store.
func (c *cli) identify(ctx context.Context) (*session, error) {
	s := &session{cli: c, close: func() {}}
	var err error
	if s.settings, s.table, err = boot.Decided(c.Getenv); err != nil {
		return nil, &ended{codeUsage, err}
	}
	if s.config, s.kept, err = c.credentials(ctx); err != nil {
		return nil, err
	}
	switch {
	case c.Getenv(settings.TableVariable) != "":
		s.named = settings.TableVariable
	case s.kept.Table != "":
		s.table, s.named = s.kept.Table, "the table in the configuration"
	}
	if s.kept.Prefix != "" && c.Getenv(settings.SettingsVariable) == "" {
		s.settings.Prefix = s.kept.Prefix
	}
	who, err := whose(ctx, s.config)
	if err != nil {
		return nil, err
	}
	s.account, s.caller = aws.ToString(who.Account), aws.ToString(who.Arn)
	return s, nil
}

// open finds out whose account it is and opens the store of its snapshots: the table, or with
// local, where there is no table, the file.
func (c *cli) open(ctx context.Context, local bool) (*session, error) {
	s, err := c.identify(ctx)
	if err != nil {
		return nil, err
	}
	s.local = local
	s.store = dynamo.Open(boot.Fenced(s.config), s.table)
	_, err = s.store.Live(ctx, s.account)
	switch {
	case err == nil, errors.Is(err, snapshots.ErrDamaged): // it is there; what is wrong in it is told by whoever reads it
		return s, nil
	case !errors.Is(err, snapshots.ErrNoTable) && local:
		return nil, fmt.Errorf("whether there is a snapshot table must be known before the file can be used: %w", err)
	case !errors.Is(err, snapshots.ErrNoTable):
		return nil, err
	case !local:
		return nil, fmt.Errorf("%w: deploy the brake there, set %s or AWS_REGION, or use --local", err, settings.TableVariable)
	case s.named != "":
		return nil, fmt.Errorf("%w: correct %s, or unset it to use the file on this machine", err, s.named)
	}
	path, err := c.File()
	if err != nil {
		return nil, fmt.Errorf("find the snapshot file: %w", err)
	}
	file, err := bolt.Open(path)
	if err != nil {
		return nil, err
	}
	s.store, s.close = file, func() { _ = file.CloseFile() } // every write of it was synced
	return s, nil
}

// engine makes an engine that runs here.
func (s *session) engine(on func(engine.Event)) *engine.Engine {
	return boot.Engine(boot.Options{
		Config: s.config, Account: s.account, Store: s.store, Settings: s.settings, Speed: s.Speed, On: on,
	})
}

// read makes the report of a stored snapshot.
func (s *session) read(ctx context.Context, id string) (report.Report, error) {
	snapshot, err := s.store.Snapshot(ctx, s.account, id)
	if err != nil {
		return report.Report{}, fmt.Errorf("read snapshot: %w", err)
	}
	return report.Of(snapshot, boot.Declared()), nil
}

// resumeCommand is the command that puts back what the scope took in.
func (s *session) resumeCommand(scope killswitch.Scope) string {
	command := "aws-hit-breaks resume" + scopeArgs(scope)
	if s.local {
		command += " --local"
	}
	if s.noRole {
		command += " --no-role"
	}
	return command
}
