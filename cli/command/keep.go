package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots"
)

// where adds the flag that says where what is recorded is changed.
func where(cmd *cobra.Command, local *bool) {
	cmd.Flags().BoolVar(local, "local", false, "do it here, "+rights+", instead of in the deployed function")
}

func yesFlag(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVar(yes, "yes", false, "do not ask")
}

// mustAsk refuses what asks first where nobody can be asked.
func (c *cli) mustAsk(yes bool, what string) error {
	if !yes && !c.screen.CanAsk() {
		return usage("%s asks for the account's id, and there is no terminal to ask at: add --yes to do it without a question", what)
	}
	return nil
}

func newSnapshotResume(c *cli) *cobra.Command {
	cmd := newResume(c)
	var h how
	resume := &cobra.Command{
		Use:   "resume ID",
		Short: "Put everything back that the live snapshot holds",
		Long: `Put everything back that the snapshot holds, as ` + "`aws-hit-breaks resume`" + ` does. Only the live
one can be resumed: of a closed one nothing is paused any more.` + exits,
		RunE: func(cmd *cobra.Command, args []string) error {
			h.snapshot = args[0]
			return c.resume(cmd.Context(), h)
		},
	}
	h.flags(resume)
	outputFlags(resume, c)
	resume.Flags().BoolVar(&h.force, "force", false, cmd.Flags().Lookup("force").Usage)
	return resume
}

func newGiveUp(c *cli) *cobra.Command {
	var h how
	cmd := &cobra.Command{
		Use:   "give-up ID --id RESOURCE",
		Short: "Let go of what cannot be put back",
		Long: `Let go of what cannot be put back, so that the snapshot closes when the rest is. A resource that is
given up stays as it is, and nothing of the brake puts it back any more; how it was stays recorded.
A later pause of it begins anew.

What is lost in the store without a name is given up by --region and --service, with everything
else of them that is not back.` + exits,
		Example: `  aws-hit-breaks snapshots give-up 20261123T091500Z-3f9a0c --id i-0abc
  aws-hit-breaks snapshots give-up 20261123T091500Z-3f9a0c --id orders --service rds:instance --region eu-west-1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			h.snapshot = args[0]
			return c.giveUp(cmd.Context(), h)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&h.scope.IDs, "id", nil, "the resource of this id (repeatable)")
	flags.StringSliceVar(&h.scope.Regions, "region", nil, "only in this region (repeatable)")
	flags.StringSliceVar(&h.scope.Services, "service", nil, `only of this service or kind: "rds:instance" (repeatable)`)
	where(cmd, &h.local)
	yesFlag(cmd, &h.yes)
	outputFlags(cmd, c)
	return cmd
}

func (c *cli) giveUp(ctx context.Context, h how) error {
	if err := checkScope(h.scope); err != nil {
		return err
	}
	if err := trigger.CheckGiveUp(h.scope); err != nil {
		return usage("%w: add --id, or --region and --service", err)
	}
	if err := c.mustAsk(h.yes, "snapshots give-up"); err != nil {
		return err
	}
	s, err := c.open(ctx, h.local)
	if err != nil {
		return err
	}
	defer s.close()
	if err := trigger.WantLive(ctx, s.store, s.account, h.snapshot); err != nil {
		return err
	}
	r, err := s.read(ctx, h.snapshot)
	if err != nil {
		return err
	}
	lost, err := s.lost(r, h.scope)
	if err != nil {
		return err
	}
	s.screen.Say("giving up, in snapshot %s:", h.snapshot)
	s.screen.Resources(lost)
	if len(h.scope.IDs) == 0 {
		s.screen.Say("and whatever else of them is lost in the store")
	}
	s.screen.Say("what is given up stays as it is: nothing of the brake puts it back any more")
	if !h.yes {
		if err := s.confirmed(ctx, "give up "+report.Count(len(lost), "resource")); err != nil {
			return err
		}
	}
	request := engine.Request{Act: killswitch.GiveUp, Scope: h.scope, Actor: s.caller, At: time.Now().UTC()}
	r, err = s.carryOut(ctx, request)
	if r.Snapshot != "" {
		if err := s.show(r, r.Headline()); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if r.Closed.IsZero() {
		s.screen.Say("snapshot %s stays open for the rest", h.snapshot)
	} else {
		s.screen.Say("snapshot %s is closed", h.snapshot)
	}
	for _, resource := range r.Resources {
		if trigger.MayGiveUp(h.scope, s.account, resource) {
			s.screen.Say("%s is not given up yet: a run is at work on it, or the guard ends it soon", resource.Ref(s.account))
			return &ended{code: codePartial}
		}
	}
	return nil
}

// lost are the resources that a scope gives up. Each id has to be that of one resource which is not back.
func (s *session) lost(r report.Report, scope killswitch.Scope) ([]report.Resource, error) {
	var lost []report.Resource
	named := map[string]int{}
	for _, resource := range r.Resources {
		if trigger.MayGiveUp(scope, s.account, resource) {
			lost = append(lost, resource)
			named[resource.ID]++
		}
	}
	for _, id := range scope.IDs {
		switch named[id] {
		case 1:
		case 0:
			back := slices.IndexFunc(r.Resources, func(r report.Resource) bool { return r.ID == id })
			if back >= 0 {
				return nil, fmt.Errorf("%s is %s: there is nothing to give up", r.Resources[back].Ref(s.account), r.Resources[back].Phase)
			}
			return nil, fmt.Errorf("snapshot %s holds no %s there: `aws-hit-breaks snapshots show %s` lists what it holds", r.Snapshot, id, r.Snapshot)
		default:
			return nil, usage("%s is the id of %s in the snapshot: add --region or --service to say which", id, report.Count(named[id], "resource"))
		}
	}
	return lost, nil
}

func newDelete(c *cli) *cobra.Command {
	var local, yes bool
	cmd := &cobra.Command{
		Use:   "delete ID",
		Short: "Delete a closed snapshot",
		Long: `Delete a closed snapshot, with everything that it remembers. One that is not closed is not deleted:
what it remembers is needed to put the account back.` + exits,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.deleteSnapshot(cmd.Context(), args[0], local, yes)
		},
	}
	where(cmd, &local)
	yesFlag(cmd, &yes)
	return cmd
}

func (c *cli) deleteSnapshot(ctx context.Context, id string, local, yes bool) error {
	if err := c.mustAsk(yes, "snapshots delete"); err != nil {
		return err
	}
	s, err := c.open(ctx, local)
	if err != nil {
		return err
	}
	defer s.close()
	err = trigger.WantLive(ctx, s.store, s.account, id)
	if absent := (trigger.NoSnapshot{}); err == nil {
		return fmt.Errorf("snapshot %s is live: what it remembers is needed to put the account back; resume it first", id)
	} else if !errors.As(err, &absent) || errors.Is(err, snapshots.ErrNoSnapshot) {
		return err
	}
	if !yes {
		if err := s.confirmed(ctx, "delete snapshot "+id); err != nil {
			return err
		}
	}
	if _, err := s.keep(ctx, trigger.Keeping{Do: trigger.DoDelete, ID: id}); err != nil {
		return err
	}
	s.screen.Say("snapshot %s is deleted", id)
	return nil
}

// keep does something with a snapshot: here, or in the function.
func (s *session) keep(ctx context.Context, k trigger.Keeping) (trigger.Answer, error) {
	if s.local {
		return trigger.Keep(ctx, s.store, s.account, k)
	}
	return s.invoke(ctx, killswitch.Resume, trigger.Invocation{Actor: s.caller, Snapshot: &k})
}

func newExport(c *cli) *cobra.Command {
	local := false
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Write a whole snapshot into a file, so that a lost table is not the end",
		Long: `Write a whole snapshot into a file, or on standard output, so that a lost table is not the end:
` + "`aws-hit-breaks snapshots import`" + ` puts it into a table or file, and what is paused can be put back.
What is damaged is exported as it is, and named. After a pause is the time to do it.` + exits,
		Example: `  aws-hit-breaks snapshots export 20261123T091500Z-3f9a0c --file snapshot.json`,
		PreRunE: func(*cobra.Command, []string) error { return c.prepareOutput() },
		RunE:    func(cmd *cobra.Command, args []string) error { return c.export(cmd.Context(), args[0], local) },
	}
	cmd.Flags().StringVar(&c.output.file, "file", "", "write it into this file, in the place of standard output")
	where(cmd, &local)
	return cmd
}

func (c *cli) export(ctx context.Context, id string, local bool) error {
	s, err := c.open(ctx, local)
	if err != nil {
		return err
	}
	defer s.close()
	var portions []snapshots.Portion
	for from := ""; ; {
		answer, err := s.keep(ctx, trigger.Keeping{Do: trigger.DoExport, ID: id, From: from})
		if err != nil {
			return err
		}
		if answer.Export == nil {
			return errors.New("the answer of the function holds no export: is it of another version than this command?")
		}
		portions = append(portions, *answer.Export)
		if from = answer.Export.Next; from == "" {
			break
		}
	}
	e := snapshots.NewExport(s.account, id, portions...)
	to := "standard output"
	if s.output.toFile == nil {
		err = e.Write(s.Out)
	} else {
		to = s.output.file
		err = s.output.toFile.write(func(w io.Writer) error { return e.Write(w) })
	}
	if err != nil {
		return fmt.Errorf("write the export into %s: %w", to, err)
	}
	s.screen.Say("snapshot %s is exported to %s: %s", id, to, report.Count(e.Whole.Count, "item"))
	return s.damages(e)
}

// damages names what an export holds and nobody can use.
func (s *session) damages(e snapshots.Export) error {
	damages := e.Damages()
	for _, f := range damages {
		s.screen.Say("damaged, and kept as it is: %s", strings.Join(strings.Fields(f.Error()), " "))
	}
	if len(damages) > 0 {
		return &ended{code: codePartial}
	}
	return nil
}

func newImport(c *cli) *cobra.Command {
	var local bool
	var path string
	cmd := &cobra.Command{
		Use:   "import --file FILE",
		Short: "Put an exported snapshot into the table or the file on this machine",
		Long: `Put an exported snapshot into the table, or with --local, where there is no table, the file on this
machine. One that was live is live again, and can be resumed. Nothing is written over what is
there: it is refused while another snapshot is live, and where other content is stored.` + exits,
		Example: `  aws-hit-breaks snapshots import --file snapshot.json
  aws-hit-breaks snapshots import --file snapshot.json --local`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.imports(cmd.Context(), path, local) },
	}
	cmd.Flags().StringVar(&path, "file", "", "the file that snapshots export wrote")
	where(cmd, &local)
	return cmd
}

func (c *cli) imports(ctx context.Context, path string, local bool) error {
	if path == "" {
		return usage("say which file: add --file")
	}
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return usage("--file %s: %w", path, cause(err))
	}
	defer func() { _ = file.Close() }() // it was only read
	e, err := snapshots.ReadExport(file)
	if err != nil {
		return usage("--file %s: %w", path, err)
	}
	s, err := c.open(ctx, local)
	if err != nil {
		return err
	}
	defer s.close()
	if e.Account != s.account {
		return usage("--file %s: it is of account %s, and these credentials are of %s", path, e.Account, s.account)
	}
	portions := e.Portions()
	for i, records := range portions {
		k := trigger.Keeping{Do: trigger.DoImport, ID: e.Snapshot, Records: records}
		if i == len(portions)-1 {
			k.Whole = &e.Whole
		}
		if _, err := s.keep(ctx, k); err != nil {
			return err
		}
	}
	s.screen.Say("snapshot %s is imported into %s: %s", e.Snapshot, s.store.Where(), report.Count(e.Whole.Count, "item"))
	if e.Live() {
		s.screen.Say("it is live: to put back what it holds: %s", s.resumeCommand(killswitch.Scope{}))
	}
	return s.damages(e)
}
