// Package settings is what the owner decides, and what things are called. It is shared by the
// functions, the CLI and the stacks, so it imports the standard library and the words
// (pkg/killswitch) only.
package settings

import (
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// The environment variables that functions and the CLI read.
const (
	TableVariable    = "AWS_HIT_BREAKS_TABLE"
	SettingsVariable = "AWS_HIT_BREAKS_SETTINGS"
)

// BudgetVariable is the environment variable of the functions that names the budget. They do not read
// it themselves: its name changes with the ladder, and whoever looks whether the switch is armed has
// no other place to find it.
const BudgetVariable = "AWS_HIT_BREAKS_BUDGET"

// The tags that an owner puts on resources.
const (
	ProtectTag = "aws-hit-breaks:protect" // any value but false, no or 0: never touched; Settings.ProtectTag names another
	PauseTag   = "aws-hit-breaks:pause"   // PauseByScaling on a group: scale it to zero
	SwitchTag  = "aws-hit-breaks:switch"  // any value: part of the switch itself, never touched

	PauseByScaling = "scale-to-zero"
)

// DefaultTable is the name of the snapshot table where TableVariable is not set.
const DefaultTable = "aws-hit-breaks-snapshots"

// Settings is what the owner decides. The zero value of a field means its default, which Parse
// fills in.
type Settings struct {
	// Regions limits the brake to these regions (globs). Default: every region enabled.
	Regions []string `json:"regions,omitempty"`
	// Settle is how long a group is left alone between the suspension of its processes and the stop
	// of its members: suspensions take effect late (https://github.com/cloud-custodian/cloud-custodian/issues/8660).
	// Default 60s.
	Settle Duration `json:"settle,omitempty"`
	// Wait is how long one resource may hold back the next wave, or a step may take, before the run
	// goes on without it and reports it. Default 20m.
	Wait Duration `json:"wait,omitempty"`
	// Enforce says what is stopped again between orders: EnforceAWS (default), what AWS itself
	// started; EnforceAll, also what a person started.
	Enforce string `json:"enforce,omitempty"`
	// Unparsed says what a message from the configured topic does that cannot be understood:
	// UnparsedPause (default) or UnparsedNotify.
	Unparsed string `json:"unparsed,omitempty"`
	// InstanceStore says what happens to instances whose instance-store data a stop would lose:
	// InstanceStoreVerdict (default) leaves them running, InstanceStoreAllow stops them.
	InstanceStore string `json:"instanceStore,omitempty"`
	// ScaleToZero says which groups may be paused by terminating their members: ScaleTagged
	// (default), those tagged PauseTag = PauseByScaling; ScaleUnpausable, also those that cannot be
	// paused otherwise (Spot, instance store).
	ScaleToZero string `json:"scaleToZero,omitempty"`
	// ProtectTag is the key of the tag whose carriers are never touched. Default ProtectTag.
	ProtectTag string `json:"protectTag,omitempty"`
	// Topics are where alarms come from, and what each does. Each is one rung: after an operator's
	// resume its alarms only notify for the rest of the budget's period. Default: any topic of the
	// function's own account, whose alarms pause everything, and rungs are known by what alarms say.
	Topics []Topic `json:"topics,omitempty"`
	// Notify is the ARN of the topic that is told how each run ended. Default: nobody is.
	Notify string `json:"notify,omitempty"`
	// Prefix begins the names of the deployed functions: <prefix>-pause, -resume, -guard.
	// Default "aws-hit-breaks".
	Prefix string `json:"prefix,omitempty"`
}

// Topic is one topic of alarms, so that what an alarm does is known from where it came and not from
// what it says.
type Topic struct {
	// ARN of the topic, or of a queue whose subscription delivers raw messages, which do not name
	// their topic.
	ARN string `json:"arn"`
	// Action of its alarms: ActionPause (default) or ActionNotify.
	Action string `json:"action,omitempty"`
	// Scope is what its alarms pause; empty means everything.
	Scope killswitch.Scope `json:"scope,omitzero"`
}

// Topic gives what was decided about the topic with the ARN. Where no topics are set every one
// pauses everything.
func (s Settings) Topic(arn string) (Topic, bool) {
	if len(s.Topics) == 0 {
		return Topic{ARN: arn, Action: ActionPause}, true
	}
	for _, t := range s.Topics {
		if t.ARN == arn {
			return t, true
		}
	}
	return Topic{}, false
}

// TopicARNs are the ARNs of Topics.
func (s Settings) TopicARNs() []string {
	var all []string
	for _, t := range s.Topics {
		all = append(all, t.ARN)
	}
	return all
}

// The values of the settings that are words.
const (
	EnforceAWS           = "aws"
	EnforceAll           = "all"
	UnparsedPause        = "pause"
	UnparsedNotify       = "notify"
	InstanceStoreVerdict = "verdict"
	InstanceStoreAllow   = "allow"
	ScaleTagged          = "tagged"
	ScaleUnpausable      = "unpausable"
	ActionPause          = "pause"
	ActionNotify         = "notify"
)

// Duration is a time.Duration written as Go writes it: "90s".
type Duration time.Duration
