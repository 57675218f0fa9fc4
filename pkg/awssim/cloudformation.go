package awssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// stack is a stack of CloudFormation, as far as it makes one role.
type stack struct {
	name       string
	status     types.StackStatus
	template   string
	parameters map[string]string
	role       string // ARN
	events     []types.StackEvent
}

// How long CloudFormation takes for a role. AWS publishes none of it: assumed.
const minStack, maxStack = 15 * time.Second, 40 * time.Second

func cloudformationOperations() []operation {
	return []operation{
		op("cloudformation", "CreateStack", true, createStack),
		op("cloudformation", "UpdateStack", true, updateStack),
		op("cloudformation", "DescribeStacks", false, describeStacks),
		op("cloudformation", "DescribeStackEvents", false, describeStackEvents),
	}
}

func stackError(format string, args ...any) error {
	return apiError(http.StatusBadRequest, "ValidationError", fmt.Sprintf(format, args...))
}

func createStack(c *call, in *cloudformation.CreateStackInput) (*cloudformation.CreateStackOutput, error) {
	modelled := cloudformation.CreateStackInput{
		StackName: in.StackName, TemplateBody: in.TemplateBody, Parameters: in.Parameters, Capabilities: in.Capabilities, Tags: in.Tags,
	}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("cloudformation:CreateStack " + name)
	}
	name := aws.ToString(in.StackName)
	if c.region.stacks[name] != nil {
		return nil, withStatus(http.StatusBadRequest, &types.AlreadyExistsException{Message: aws.String("Stack [" + name + "] already exists")})
	}
	s := &stack{name: name, status: types.StackStatusCreateInProgress}
	if err := s.take(aws.ToString(in.TemplateBody), in.Parameters, in.Capabilities); err != nil {
		return nil, err
	}
	c.region.stacks[name] = s
	c.account.at(c.now.Add(c.account.vary(c.key, minStack, maxStack)), c.key, func(now time.Time) {
		if slices.ContainsFunc(c.account.roles, func(r *Role) bool { return r.name() == s.roleName() }) {
			s.happened(types.ResourceStatusCreateFailed, s.roleName()+" already exists")
			s.happened(types.ResourceStatusDeleteComplete, "")
			s.status = types.StackStatusRollbackComplete
			return
		}
		s.role = "arn:aws:iam::" + c.account.id + ":role/" + s.roleName()
		role := &Role{ARN: s.role, ExternalID: s.parameters["ExternalId"], made: now}
		if p := s.parameters["Principal"]; p != "" {
			role.Trusts = []string{p}
		}
		c.account.roles = append(c.account.roles, role)
		s.happened(types.ResourceStatusCreateComplete, "")
		s.status = types.StackStatusCreateComplete
	})
	return &cloudformation.CreateStackOutput{StackId: aws.String("arn:aws:cloudformation:" + c.region.name + ":" + c.account.id + ":stack/" + name + "/simulated")}, nil
}

func updateStack(c *call, in *cloudformation.UpdateStackInput) (*cloudformation.UpdateStackOutput, error) {
	modelled := cloudformation.UpdateStackInput{
		StackName: in.StackName, TemplateBody: in.TemplateBody, Parameters: in.Parameters, Capabilities: in.Capabilities,
	}
	if name := differentField(*in, modelled); name != "" {
		return nil, c.unmodelled("cloudformation:UpdateStack " + name)
	}
	s := c.region.stacks[aws.ToString(in.StackName)]
	switch {
	case s == nil:
		return nil, stackError("Stack [%s] does not exist", aws.ToString(in.StackName))
	case s.status != types.StackStatusCreateComplete && s.status != types.StackStatusUpdateComplete:
		return nil, stackError("Stack:arn:aws:cloudformation:%s:%s:stack/%s/simulated is in %s state and can not be updated.", c.region.name, c.account.id, s.name, s.status)
	}
	next := *s
	if err := next.take(aws.ToString(in.TemplateBody), in.Parameters, in.Capabilities); err != nil {
		return nil, err
	}
	if next.template == s.template && maps.Equal(next.parameters, s.parameters) {
		return nil, stackError("No updates are to be performed.")
	}
	if next.roleName() != s.roleName() {
		return nil, c.unmodelled("an update of a stack that replaces its role")
	}
	s.template, s.parameters, s.status = next.template, next.parameters, types.StackStatusUpdateInProgress
	c.account.at(c.now.Add(c.account.vary(c.key, minStack, maxStack)), c.key, func(time.Time) {
		for _, r := range c.account.roles {
			if r.ARN == s.role {
				r.ExternalID, r.Trusts, r.Allows = s.parameters["ExternalId"], nil, nil
				if p := s.parameters["Principal"]; p != "" {
					r.Trusts = []string{p}
				}
			}
		}
		s.happened(types.ResourceStatusUpdateComplete, "")
		s.status = types.StackStatusUpdateComplete
	})
	return &cloudformation.UpdateStackOutput{}, nil
}

// take reads a template of one role, with a name that its parameters say.
func (s *stack) take(text string, given []types.Parameter, capabilities []types.Capability) error {
	var template struct {
		Parameters map[string]struct{ Default string }
		Resources  map[string]struct {
			Type       string
			Properties struct{ RoleName map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(text), &template); err != nil {
		return stackError("Template format error: JSON not well-formed.")
	}
	if !slices.Contains(capabilities, types.CapabilityCapabilityNamedIam) {
		return withStatus(http.StatusBadRequest, &types.InsufficientCapabilitiesException{Message: aws.String("Requires capabilities : [CAPABILITY_NAMED_IAM]")})
	}
	s.template, s.parameters = text, map[string]string{}
	for name, p := range template.Parameters {
		s.parameters[name] = p.Default
	}
	for _, p := range given {
		if _, known := s.parameters[aws.ToString(p.ParameterKey)]; !known {
			return stackError("Parameters: [%s] do not exist in the template", aws.ToString(p.ParameterKey))
		}
		s.parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	if r := template.Resources["Role"]; len(template.Resources) != 1 || r.Type != "AWS::IAM::Role" || r.Properties.RoleName["Fn::Sub"] != "${Prefix}-cli" {
		return stackError("awssim makes stacks of one role, ${Prefix}-cli, alone")
	}
	return nil
}

func (s *stack) roleName() string { return s.parameters["Prefix"] + "-cli" }

func (s *stack) happened(status types.ResourceStatus, reason string) {
	e := types.StackEvent{LogicalResourceId: aws.String("Role"), ResourceType: aws.String("AWS::IAM::Role"), ResourceStatus: status, StackName: &s.name}
	if reason != "" {
		e.ResourceStatusReason = &reason
	}
	s.events = append(s.events, e)
}

func (c *call) stack(name string) (*stack, error) {
	if s := c.region.stacks[name]; s != nil {
		return s, nil
	}
	return nil, stackError("Stack with id %s does not exist", name)
}

func describeStacks(c *call, in *cloudformation.DescribeStacksInput) (*cloudformation.DescribeStacksOutput, error) {
	s, err := c.stack(aws.ToString(in.StackName))
	if err != nil {
		return nil, err
	}
	out := types.Stack{StackName: &s.name, StackStatus: s.status, CreationTime: aws.Time(c.now)}
	if s.role != "" && !strings.HasSuffix(string(s.status), "_IN_PROGRESS") {
		out.Outputs = []types.Output{{OutputKey: aws.String("Role"), OutputValue: &s.role}}
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{out}}, nil
}

// describeStackEvents gives the newest first, as AWS does.
func describeStackEvents(c *call, in *cloudformation.DescribeStackEventsInput) (*cloudformation.DescribeStackEventsOutput, error) {
	s, err := c.stack(aws.ToString(in.StackName))
	if err != nil {
		return nil, err
	}
	events := slices.Clone(s.events)
	slices.Reverse(events)
	return &cloudformation.DescribeStackEventsOutput{StackEvents: events}, nil
}
