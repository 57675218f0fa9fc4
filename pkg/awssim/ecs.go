package awssim

type ecsState struct{}

func newECSState() *ecsState { return &ecsState{} }

func ecsOperations() []operation { return nil }

func (s *ecsState) describe(region string, into State) {}
