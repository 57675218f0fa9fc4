package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/settings"
)

// How a deployment is followed, on a real account.
const (
	looking   = 3 * time.Second
	atMost    = 10 * time.Minute
	propagate = time.Minute // what IAM takes until a new role can be assumed, and more
)

// deployRole makes or updates the role with the caller's own credentials, after asking: the one thing
// that commands do without the role.
func (c *cli) deployRole(ctx context.Context, path string, s setup) error {
	if !s.yes && !c.screen.CanAsk() {
		return usage("setup --deploy asks before it makes a role, and there is no terminal to ask at: " +
			"add --yes, or --template to see what would be made")
	}
	own, err := c.own(ctx, s.kept)
	if err != nil {
		return err
	}
	who, err := whose(ctx, own)
	if err != nil {
		return err
	}
	s.kept.Region = own.Region
	c.screen.Say("CloudFormation stack %s in %s, account %s: role %s-cli, with the rights that `aws-hit-breaks setup --template` shows",
		s.stackName(), own.Region, aws.ToString(who.Account), s.prefix())
	for _, p := range s.parameters() {
		c.screen.Say("  %s: %s", p.name, p.value)
	}
	if !s.yes {
		asked := &session{cli: c, account: aws.ToString(who.Account)}
		if err := asked.confirm(ctx, "make that role in"); err != nil {
			return err
		}
	}
	d := &deployment{cli: c, client: cloudformation.NewFromConfig(own), stack: s.stackName()}
	changing, err := d.begin(ctx, s.parameters())
	if err != nil {
		return err
	}
	if s.kept.Role, err = d.end(ctx, changing); err != nil {
		return err
	}
	if err := s.kept.Check(); err != nil {
		return fmt.Errorf("the output of stack %s: %w", d.stack, err)
	}
	if err := c.validate(ctx, s.kept, c.paced(propagate)); err != nil {
		return fmt.Errorf("%w (the role was made: `aws-hit-breaks setup --role %s` goes on from here)", err, s.kept.Role)
	}
	return c.remember(path, s.kept)
}

// deployment is one of the role's stack.
type deployment struct {
	*cli
	client *cloudformation.Client
	stack  string
}

// begin creates the stack, or updates it where it is there. False means that nothing is to be changed.
func (d *deployment) begin(ctx context.Context, parameters []parameter) (bool, error) {
	var given []types.Parameter
	for _, p := range parameters {
		given = append(given, types.Parameter{ParameterKey: aws.String(p.name), ParameterValue: aws.String(p.value)})
	}
	named := []types.Capability{types.CapabilityCapabilityNamedIam}
	_, err := d.client.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &d.stack, TemplateBody: &roleTemplate, Parameters: given, Capabilities: named,
		Tags: []types.Tag{{Key: aws.String(settings.SwitchTag), Value: aws.String("true")}},
	})
	there := (*types.AlreadyExistsException)(nil)
	if errors.As(err, &there) {
		_, err = d.client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &d.stack, TemplateBody: &roleTemplate, Parameters: given, Capabilities: named,
		})
		if nothingToUpdate(err) {
			return false, nil
		}
		if err != nil && strings.Contains(err.Error(), "ROLLBACK_COMPLETE state") {
			return false, fmt.Errorf("stack %s could not be made once, and is in the way: delete it (`aws cloudformation delete-stack --stack-name %s`) and try again",
				d.stack, d.stack)
		}
	}
	if err != nil {
		return false, fmt.Errorf("deploy stack %s: %w", d.stack, err)
	}
	return true, nil
}

// nothingToUpdate knows the only answer of CloudFormation to an update that changes nothing: a
// ValidationError with these words
// (https://repost.aws/knowledge-center/cloudformation-update-stack-with-no-updates).
func nothingToUpdate(err error) bool {
	return awserr.Code(err) == "ValidationError" && strings.Contains(err.Error(), "No updates are to be performed")
}

// end waits until the stack stands, and gives the ARN of its role.
func (d *deployment) end(ctx context.Context, changing bool) (string, error) {
	said := types.StackStatus("")
	for end := time.Now().Add(d.paced(atMost)); ; {
		out, err := d.client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &d.stack})
		if err != nil {
			return "", fmt.Errorf("look at stack %s: %w", d.stack, err)
		}
		if len(out.Stacks) != 1 {
			return "", fmt.Errorf("there are %d stacks %s", len(out.Stacks), d.stack)
		}
		stack := out.Stacks[0]
		if stack.StackStatus != said && changing {
			said = stack.StackStatus
			d.screen.Say("stack %s: %s", d.stack, said)
		}
		switch {
		case stack.StackStatus == types.StackStatusCreateComplete, stack.StackStatus == types.StackStatusUpdateComplete,
			!changing && !strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS"):
			return roleOf(stack)
		case !strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS"):
			return "", fmt.Errorf("stack %s is %s: %s", d.stack, stack.StackStatus, d.why(ctx))
		case time.Now().After(end):
			return "", fmt.Errorf("stack %s is still %s: see in the console what it waits for, then ask again", d.stack, stack.StackStatus)
		}
		if err := sleep(ctx, d.paced(looking)); err != nil {
			return "", interrupted("CloudFormation goes on all the same: the same command again waits for it")
		}
	}
}

func roleOf(stack types.Stack) (string, error) {
	for _, o := range stack.Outputs {
		if aws.ToString(o.OutputKey) == "Role" {
			return aws.ToString(o.OutputValue), nil
		}
	}
	return "", fmt.Errorf("stack %s has no output Role: was it made from another template?", aws.ToString(stack.StackName))
}

// why is what CloudFormation says of the first resource that failed; later ones were cancelled for it.
func (d *deployment) why(ctx context.Context) string {
	out, err := d.client.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &d.stack})
	if err != nil {
		return "its events say why, and cannot be read: " + line(err)
	}
	why := "its events say why"
	for _, e := range out.StackEvents { // newest first
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			why = aws.ToString(e.LogicalResourceId) + ": " + strings.Join(strings.Fields(aws.ToString(e.ResourceStatusReason)), " ")
		}
	}
	return why
}
