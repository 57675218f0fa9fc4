package killswitch

import "time"

// Rate is what AWS publishes of a token bucket, or what we keep to where it publishes nothing:
// calls, and the resources (units) those calls name. A zero unit rate means units are free.
type Rate struct {
	Burst          int
	PerSecond      float64
	UnitBurst      int
	UnitsPerSecond float64
}

// Pace holds every duration of the engine, so that a demonstration can divide them all at once.
type Pace struct {
	Lease time.Duration // how long a lease lasts
	Beat  time.Duration // how often it is renewed
	Call  time.Duration // the deadline of one mutating call; shorter than Lease
	Lag   time.Duration // how long AWS's reads may show what was before a write
	Look  time.Duration // how often something in flight is looked at, at first
	// Check is how long AWS takes at least to check what was started: the status checks of instances run every minute
	// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html).
	Check time.Duration
	Slow  time.Duration // how often at least
	Idle  time.Duration // how often a paused account is looked at
	Live  time.Duration // how often a run looks for new orders
	Spare time.Duration // how long before the end of a Lambda's time a run takes no new work
}

// StandardPace is the pace for real accounts.
func StandardPace() Pace {
	return Pace{
		Lease: 60 * time.Second, Beat: 25 * time.Second, Call: 20 * time.Second, Lag: 5 * time.Second,
		Look: 15 * time.Second, Check: 60 * time.Second, Slow: 60 * time.Second, Idle: 15 * time.Minute, Live: 20 * time.Second, Spare: 60 * time.Second,
	}
}

// Divide gives the same pace, n times as fast.
func (p Pace) Divide(n float64) Pace {
	for _, d := range []*time.Duration{&p.Lease, &p.Beat, &p.Call, &p.Lag, &p.Look, &p.Check, &p.Slow, &p.Idle, &p.Live, &p.Spare} {
		*d = time.Duration(float64(*d) / n)
	}
	return p
}
