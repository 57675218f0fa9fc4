package settings

import "aws-hit-breaks/pkg/killswitch"

// Function is one of the deployed functions: the last part of its name, after Prefix and a hyphen.
type Function string

// The functions.
const (
	PauseFunction  Function = "pause"
	ResumeFunction Function = "resume"
	GuardFunction  Function = "guard"
)

// Wants are what the function takes steps towards; its role allows no other. What alarms invoke cannot
// start anything, and what operators invoke to put things back cannot stop anything. Where an order of
// the other kind is to be carried out, the guard does it, at its next tick.
func (f Function) Wants() []killswitch.Want {
	switch f {
	case PauseFunction:
		return []killswitch.Want{killswitch.WantPaused}
	case ResumeFunction:
		return []killswitch.Want{killswitch.WantResumed}
	case GuardFunction:
		return []killswitch.Want{killswitch.WantPaused, killswitch.WantResumed}
	}
	panic("settings: no function is called " + string(f)) // empty wants would be all of them
}
