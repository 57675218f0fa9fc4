package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aws-hit-breaks/cli/config"
	"aws-hit-breaks/pkg/awserr"
)

// errNoRole: nobody has decided yet which rights commands have.
var errNoRole = errors.New("no role is configured, and nothing is called without one: `aws-hit-breaks setup` makes one and remembers it; " +
	"--no-role works with your own credentials, this once, and `aws-hit-breaks setup --no-role` always")

// remembered is what was decided for this machine: what the file says, and the environment before
// it. Where the world has no file, the credentials that it is given are meant.
func (c *cli) remembered() (config.Config, error) {
	if c.Configuration == nil {
		return config.Config{Role: config.NoRole}, nil
	}
	path, err := c.Configuration()
	if err != nil {
		return config.Config{}, &ended{codeUsage, err}
	}
	kept, err := config.Read(path)
	if err != nil {
		return kept, &ended{codeUsage, err}
	}
	switch role := c.Getenv(config.RoleVariable); {
	case c.noRole:
		kept.Role, kept.ExternalID = config.NoRole, ""
	case role != "" && role != kept.Role:
		kept.Role, kept.ExternalID = role, ""
		if err := kept.Check(); err != nil {
			return kept, usage("%s: %w", config.RoleVariable, err)
		}
	}
	return kept, nil
}

// own is the caller's own AWS configuration, in the region where the brake is.
func (c *cli) own(ctx context.Context, kept config.Config) (aws.Config, error) {
	cfg, err := c.Config(ctx)
	if err != nil {
		why := awserr.Credentials(err)
		if why == "" {
			why = "correct the profile or the files it is in"
		}
		return cfg, &ended{codeDenied, errors.New(line(err) + ": " + why)}
	}
	cfg = c.logged(cfg)
	if kept.Region != "" && c.Getenv("AWS_REGION") == "" && c.Getenv("AWS_DEFAULT_REGION") == "" {
		cfg.Region = kept.Region
	}
	return cfg, nil
}

// credentials are those that the calls of a command are made with: the role's, or the caller's own
// where that was decided.
func (c *cli) credentials(ctx context.Context) (aws.Config, config.Config, error) {
	kept, err := c.remembered()
	if err != nil {
		return aws.Config{}, kept, err
	}
	if kept.Role == "" {
		return aws.Config{}, kept, &ended{codeDenied, errNoRole}
	}
	cfg, err := c.own(ctx, kept)
	if err != nil || kept.Role == config.NoRole {
		return cfg, kept, err
	}
	who, err := whose(ctx, cfg)
	if err != nil {
		return cfg, kept, err
	}
	cfg, err = assume(ctx, cfg, kept, aws.ToString(who.Arn))
	return cfg, kept, err
}

// whose asks AWS whose credentials these are.
func whose(ctx context.Context, cfg aws.Config) (*sts.GetCallerIdentityOutput, error) {
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("ask AWS in %s whose credentials these are: %w", cfg.Region, err)
	}
	return who, nil
}

// How long a session lasts: the longest that AWS allows where one role assumes another
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining), and as much
// as every role allows. A command that lasts longer gets another one in time.
const (
	sessionLasts = time.Hour
	renewed      = 5 * time.Minute
)

// assume gives the configuration whose calls go through the role. It asks for a session at once, so
// that a refusal is told as that of the role, and not of whatever would be called first.
func assume(ctx context.Context, own aws.Config, of config.Config, caller string) (aws.Config, error) {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(own), of.Role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = sessionName(caller), sessionLasts
		if of.ExternalID != "" {
			o.ExternalID = aws.String(of.ExternalID)
		}
	})
	cfg := own.Copy()
	cache := aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewed })
	cfg.Credentials = cache
	if _, err := cache.Retrieve(ctx); err != nil {
		if why := awserr.AssumeRole(err, of.Role); why != "" {
			return cfg, &ended{codeDenied, refusal(of, why)}
		}
		if awserr.Of(err) == awserr.Denied {
			return cfg, &ended{codeDenied, fmt.Errorf("assume the role %s: %s", of.Role, awserr.Explain(err))}
		}
		return cfg, fmt.Errorf("assume the role %s: %w", of.Role, err)
	}
	return cfg, nil
}

// refusal says why AWS does not let the caller have the role, and how to find out more.
func refusal(of config.Config, why string) error {
	ask := "aws-hit-breaks setup --role " + of.Role
	if of.ExternalID != "" {
		ask += " --external-id " + quoted(of.ExternalID)
	}
	return fmt.Errorf("%s: `%s` looks which it is", why, ask)
}

// notInName is what the name of a session may not have
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
var notInName = regexp.MustCompile(`[^A-Za-z0-9_+=,.@-]+`)

// sessionName is the name of a session that shows who has it: in CloudTrail, and as the actor of
// orders. A session of SSO is named after its person, so that the last part of an ARN is the name.
func sessionName(caller string) string {
	const longest = 64
	name := notInName.ReplaceAllString(caller[strings.LastIndexAny(caller, "/:")+1:], "-")
	if len(name) > longest {
		name = name[:longest]
	}
	if len(name) < 2 {
		name = strings.TrimRight("aws-hit-breaks-"+name, "-")
	}
	return name
}
