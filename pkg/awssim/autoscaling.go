package awssim

type asgState struct{}

func newASGState() *asgState { return &asgState{} }

func autoscalingOperations() []operation { return nil }

func (s *asgState) describe(region string, into State) {}
