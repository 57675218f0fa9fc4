package command

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/settings"
)

// roleTemplate is the CloudFormation template of the role that commands work through. infra/roles
// writes it, and holds it to the statements that its tests prove.
//
//go:embed setup/role.template.json
var roleTemplate string

// setup is what is to be set up.
type setup struct {
	kept        config.Config // what is to be remembered
	principal   string
	withoutStop bool
	template    bool // show it
	console     bool
	templateURL string
	deploy      bool
	yes         bool
	unvalidated bool
	alias       bool
}

func newSetup(c *cli) *cobra.Command {
	var s setup
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Make or name the role that every command works through",
		Long: `Make or name the role that every command works through, and remember it in
~/.aws-hit-breaks/config.json (or where AWS_HIT_BREAKS_CONFIG says). This is the one command that
works with your own credentials.

A role that cannot be had, or lacks a right, is not remembered unless you say --unvalidated.
Without a flag it asks, on a terminal.` + exits,
		Example: `  aws-hit-breaks setup --deploy
  aws-hit-breaks setup --role arn:aws:iam::111122223333:role/aws-hit-breaks-cli
  aws-hit-breaks setup --console
  aws-hit-breaks setup --no-role
  aws-hit-breaks setup --alias`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.setup(cmd.Context(), s) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.kept.Role, "role", "", "the ARN of a role that is there: see whether it will do, and remember it")
	flags.StringVar(&s.kept.ExternalID, "external-id", "", "the external id that the role asks for")
	flags.StringVar(&s.kept.Region, "region", "", "where the brake is deployed, or is going to be")
	flags.StringVar(&s.kept.Table, "table", "", "the name of the snapshot table, where it has another than "+settings.DefaultTable)
	flags.StringVar(&s.kept.Prefix, "prefix", "", "what the names of the brake begin with, where that is not "+settings.Default().Prefix)
	flags.BoolVar(&s.deploy, "deploy", false, "make the role, or update it, with your own credentials (CloudFormation)")
	flags.BoolVar(&s.yes, "yes", false, "with --deploy: do not ask before the role is made")
	flags.StringVar(&s.principal, "principal", "", "the ARN of who may assume the role (default everybody in the account whose policies let them)")
	flags.BoolVar(&s.withoutStop, "without-local", false, "make a role that stops and starts nothing itself, but through the deployed functions")
	flags.BoolVar(&s.template, "template", false, "print the CloudFormation template of the role")
	flags.BoolVar(&s.console, "console", false, "write the template into a file, and print the link to where the console takes it")
	flags.StringVar(&s.templateURL, "template-url", "", "with --console: where in S3 the template is, for a link that creates the stack at once")
	flags.BoolVar(&s.unvalidated, "unvalidated", false, "remember the role also when it will not do")
	flags.BoolVar(&s.alias, "alias", false, "let the AWS CLI run this program as \"aws hit breaks\"")
	return cmd
}

func (c *cli) setup(ctx context.Context, s setup) error {
	chosen := 0
	for _, one := range []bool{s.alias, s.template, s.console, s.deploy, s.kept.Role != "", c.noRole} {
		if one {
			chosen++
		}
	}
	if chosen > 1 {
		return usage("--role, --deploy, --console, --template, --alias and --no-role are each a way of their own: say one of them")
	}
	if s.alias {
		return c.addAlias()
	}
	if s.template {
		c.screen.Line("%s", strings.TrimSuffix(roleTemplate, "\n"))
		return nil
	}
	path, err := c.configPath()
	if err != nil {
		return err
	}
	if err := s.merge(path); err != nil {
		return err
	}
	switch {
	case s.console:
		return c.showConsole(path, s)
	case c.noRole:
		s.kept.Role, s.kept.ExternalID = config.NoRole, ""
		return c.remember(path, s.kept)
	case s.deploy:
		return c.deployRole(ctx, path, s)
	case s.kept.Role != "":
		return c.takeRole(ctx, path, s)
	}
	return c.askSetup(ctx, path, s)
}

// configPath is the file that setup writes.
func (c *cli) configPath() (string, error) {
	if c.Configuration == nil {
		return "", errors.New("there is no place to remember a role in")
	}
	path, err := c.Configuration()
	if err != nil {
		return "", &ended{codeUsage, err}
	}
	return path, nil
}

// merge takes over what was remembered of the place, and refuses what cannot be meant. The role is
// always said anew.
func (s *setup) merge(path string) error {
	before, err := config.Read(path)
	if err != nil && !s.unvalidated {
		return &ended{codeUsage, fmt.Errorf("%w: correct it, remove it, or add --unvalidated to write over it", err)}
	}
	for _, f := range []struct{ to, from *string }{
		{&s.kept.Region, &before.Region}, {&s.kept.Table, &before.Table}, {&s.kept.Prefix, &before.Prefix},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	checked := s.kept
	if checked.Role == "" && checked.ExternalID != "" {
		checked.Role = "arn:aws:iam::111122223333:role/" + s.stackName() // the one that is going to be made
	}
	if err := checked.Check(); err != nil {
		return usage("--%s", strings.Replace(err.Error(), "externalId: ", "external-id: ", 1))
	}
	if s.templateURL != "" && !s.console {
		return usage("--template-url is for --console: add that")
	}
	return nil
}

// remember writes what was decided.
func (c *cli) remember(path string, kept config.Config) error {
	if err := config.Write(path, kept); err != nil {
		return err
	}
	if c.json {
		return c.screen.JSON(kept)
	}
	if kept.Role == config.NoRole {
		c.screen.Say("commands work with your own credentials: remembered in %s", path)
		return nil
	}
	c.screen.Say("commands work through %s: remembered in %s", kept.Role, path)
	return nil
}

// stackName is the stack of the role.
func (s *setup) stackName() string { return s.prefix() + "-cli" }

func (s *setup) prefix() string {
	if s.kept.Prefix != "" {
		return s.kept.Prefix
	}
	return settings.Default().Prefix
}

// parameters are those of the template, in its order; what is not decided has the template's default.
func (s *setup) parameters() []parameter {
	all := []parameter{}
	for _, p := range []parameter{
		{"ExternalId", s.kept.ExternalID}, {"Prefix", s.kept.Prefix}, {"Principal", s.principal},
		{"Region", s.kept.Region}, {"Table", s.kept.Table},
	} {
		if p.value != "" {
			all = append(all, p)
		}
	}
	if s.withoutStop {
		all = append(all, parameter{"Local", "false"})
	}
	return all
}

type parameter struct{ name, value string }

// MarshalJSON writes a parameter as CloudFormation's own tools take it.
func (p parameter) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ ParameterKey, ParameterValue string }{p.name, p.value})
}

// toConsole is the way through the console, as JSON.
type toConsole struct {
	Link       string      `json:"link"`
	Template   string      `json:"template,omitempty"` // the file that the page takes; absent where the link names one
	Stack      string      `json:"stack"`
	Parameters []parameter `json:"parameters"`
}

// showConsole leads to the console: with the template in S3 to a page that has everything filled in
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html),
// else to the page that takes a file.
func (c *cli) showConsole(path string, s setup) error {
	region := s.kept.Region
	if region == "" {
		region = "us-east-1"
	}
	link := "https://" + region + ".console.aws.amazon.com/cloudformation/home?region=" + region + "#/stacks/create"
	file := ""
	if s.templateURL != "" {
		link += "/review?templateURL=" + url.QueryEscape(s.templateURL) + "&stackName=" + url.QueryEscape(s.stackName())
		for _, p := range s.parameters() {
			link += "&param_" + p.name + "=" + url.QueryEscape(p.value)
		}
	} else {
		file = filepath.Join(filepath.Dir(path), "role.template.json")
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return fmt.Errorf("make the folder of the template: %w", err)
		}
		if err := config.Replace(file, []byte(roleTemplate), 0o600); err != nil {
			return fmt.Errorf("write the template: %w", err)
		}
	}
	if c.json {
		if err := c.screen.JSON(toConsole{link, file, s.stackName(), s.parameters()}); err != nil {
			return err
		}
	} else {
		c.screen.Line("%s", link)
	}
	if file != "" {
		c.screen.Say("choose \"Upload a template file\", and the file %s; call the stack %s", file, s.stackName())
		for _, p := range s.parameters() {
			c.screen.Say("  its parameter %s: %s", p.name, p.value)
		}
	}
	next := "aws-hit-breaks setup --role <Role, of the stack's outputs>"
	if s.kept.ExternalID != "" {
		next += " --external-id " + quoted(s.kept.ExternalID)
	}
	c.screen.Say("then: %s", next)
	return nil
}

// askSetup asks what is to be done, where somebody is there to answer.
func (c *cli) askSetup(ctx context.Context, path string, s setup) error {
	if !c.screen.CanAsk() {
		return usage("there is no terminal to ask at: say --deploy to make a role, --role ARN to name one that is there, " +
			"--console to make it in the console, or --no-role to work with your own credentials")
	}
	c.screen.Say("Commands work through a role, which limits what they can do to what the brake needs:")
	c.screen.Say("it looks at what runs, invokes the brake, and stops and starts; it deletes nothing.")
	c.screen.Say("  1  make it here, with your own credentials (CloudFormation stack %s)", s.stackName())
	c.screen.Say("  2  make it in the console, from a file")
	c.screen.Say("  3  name a role that is there")
	c.screen.Say("  4  work with your own credentials, and no role")
	answer, err := c.screen.Ask(ctx, "Which? (1-4, anything else ends it)")
	if err != nil {
		return err
	}
	switch answer {
	case "1":
		s.deploy = true
		return c.deployRole(ctx, path, s)
	case "2":
		return c.showConsole(path, s)
	case "3":
		if s.kept.Role, err = c.screen.Ask(ctx, "The role's ARN:"); err != nil {
			return err
		}
		if s.kept.ExternalID == "" {
			if s.kept.ExternalID, err = c.screen.Ask(ctx, "Its external id (empty for none):"); err != nil {
				return err
			}
		}
		if s.kept.Role == "" {
			break
		}
		if err := s.kept.Check(); err != nil {
			return &ended{codeUsage, err}
		}
		return c.takeRole(ctx, path, s)
	case "4":
		s.kept.Role = config.NoRole
		return c.remember(path, s.kept)
	}
	return &ended{codeDeclined, errors.New("declined, nothing was changed")}
}
