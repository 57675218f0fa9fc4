// Package roles says what each part of a deployed switch may do, as the statements of IAM policies.
// What a role may call follows from what the services, the store and the wiring declare; on which
// resources and under which conditions an action is allowed is in grants.go, and what is denied
// whatever else is allowed in denials.go. It is plain data and knows no CDK: the stacks make
// policies of it, and so do the tests that prove them sufficient and narrow.
package roles

import (
	"encoding/json"
	"slices"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/notify"
	"aws-hit-breaks/pkg/pricing"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/snapshots/dynamo"
)

// Place is where a switch is deployed. The values may be tokens of CDK, which are known only to
// CloudFormation: they are put into ARNs and never looked at. An empty value means that there is no
// such thing.
type Place struct {
	Partition string // "aws"
	Account   string
	Region    string // where functions, table, topics and queue are
	Table     string // name
	Notify    string // ARN of the topic that is told how a run ended
	Queue     string // ARN of the queue that takes failed invocations
	Key       string // ARN of the customer's KMS key of table, topics and queue
	Prefix    string // of the names of functions, topics, roles and budget

	// Regions are those that the owner limits the brake to (globs); empty means every region.
	Regions []string
	// ProtectTag is the tag of protected resources; settings.ProtectTag where it is empty.
	ProtectTag string
}

// Statement is one statement of a policy.
type Statement struct {
	Sid        string
	Effect     string
	Actions    []string
	Resources  []string
	Conditions map[string]map[string][]string // by operator and condition key
}

// The effects of a statement.
const (
	Allow = "Allow"
	Deny  = "Deny"
)

// MarshalJSON writes the statement as IAM has it.
func (s Statement) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Sid, Effect      string
		Action, Resource []string
		Condition        map[string]map[string][]string `json:",omitempty"`
	}{s.Sid, s.Effect, s.Actions, s.Resources, s.Conditions})
}

// Pause is the role of the function that alarms invoke. It stops and cannot start: whoever gets hold
// of it can switch the account off, and neither on again nor into anything new.
func Pause(p Place) []Statement { return Function(p, settings.PauseFunction) }

// Resume is the role of the function that puts back what was paused, for operators alone.
func Resume(p Place) []Statement { return Function(p, settings.ResumeFunction) }

// Guard is the role of the function that carries on what is unfinished, be it a pause or a resume.
func Guard(p Place) []Statement { return Function(p, settings.GuardFunction) }

// Function is the role of one function: what it looks at, what its steps call, its memory, and what
// Lambda does in its name.
func Function(p Place, f settings.Function) []Statement {
	return statements(p, string(f), slices.Concat(towards(f.Wants()...), costs(f.Wants()...), dynamo.Actions, notify.Actions, runtime))
}

// costs is what it takes to say what things cost, and what goes on to cost once everything is paused.
func costs(wants ...killswitch.Want) []string {
	if slices.Contains(wants, killswitch.WantPaused) {
		return slices.Concat(pricing.Reads, services.ResidualReads)
	}
	return pricing.Reads
}

// runtime is what Lambda itself does in a function's name: its log, and the invocation that failed for
// good; and what the key asks for that table, topics and queue may be encrypted with.
var runtime = []string{"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"}

// Operator is the role of people who pull the brake and let it go: they invoke the functions, read
// what those remember, and may ask for prices. They change nothing by themselves.
func Operator(p Place) []Statement {
	return statements(p, "operator", slices.Concat(costs(), []string{"lambda:InvokeFunction", "dynamodb:GetItem", "dynamodb:Query", "kms:Decrypt"}))
}

// Inspector is the role of people who look: at what runs, what it costs, and whether the switch is
// armed.
func Inspector(p Place) []Statement {
	return statements(p, "inspector", slices.Concat(towards(), costs(killswitch.WantPaused), []string{
		"dynamodb:GetItem", "dynamodb:Query", "kms:Decrypt", "iam:ListAccountAliases",
	}, Doctor))
}

// CLI is the role of a person's command line, where one role serves all of it: it looks, invokes the
// functions, and reads what those remember. What it denies holds for Local too, which stands beside it
// in the same role: a Deny counts whichever policy it is in.
func CLI(p Place) []Statement {
	p, look := p.withDefaults(), sorted(slices.Concat(towards(), costs(killswitch.WantPaused), []string{
		"dynamodb:GetItem", "dynamodb:Query", "iam:ListAccountAliases", "kms:Decrypt", "lambda:InvokeFunction",
	}, Doctor))
	return append(allowed(p, "cli", look), denied(p, sorted(slices.Concat(look, local())))...)
}

// Local is what the command line may do besides for --local, where the engine runs on its machine: what
// a guard may, without what Lambda does in its name. It is never without CLI.
func Local(p Place) []Statement {
	return allowed(p.withDefaults(), "local", sorted(local()))
}

func local() []string {
	return slices.Concat(towards(killswitch.WantPaused, killswitch.WantResumed), dynamo.Actions)
}

// Doctor is what it takes to see whether the switch is armed: table, functions, topics and their
// subscriptions, the budget, what the roles may do, and the keys of volumes that a start needs. It is
// what the command doctor calls, and nothing else.
var Doctor = []string{
	"budgets:ViewBudget", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", services.RegionsRead,
	"ec2:DescribeVolumes", "iam:SimulatePrincipalPolicy", "lambda:GetFunctionConfiguration", "sns:ListSubscriptionsByTopic",
}

// towards are the actions of every service that lead to one of the wants; without a want those that
// only look. Where to look for what is to be paused the regions of the account say.
func towards(wants ...killswitch.Want) []string {
	var all []string
	if len(wants) == 0 || slices.Contains(wants, killswitch.WantPaused) {
		all = append(all, services.RegionsRead)
	}
	for _, d := range services.All() {
		all = append(all, d.Actions(wants...)...)
	}
	return all
}

// statements allow the actions where they belong, and deny what must never happen.
func statements(p Place, role string, actions []string) []Statement {
	p, actions = p.withDefaults(), sorted(actions)
	return append(allowed(p, role, actions), denied(p, actions)...)
}

func (p Place) withDefaults() Place {
	if p.ProtectTag == "" {
		p.ProtectTag = settings.ProtectTag
	}
	return p
}

// sorted are the actions in order, each once.
func sorted(actions []string) []string {
	slices.Sort(actions)
	return slices.Compact(actions)
}
