package awssim

type aasState struct{}

func newAASState() *aasState { return &aasState{} }

func scalingOperations() []operation { return nil }

func (s *aasState) describe(region string, into State) {}
