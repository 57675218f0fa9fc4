package awssim

type rdsState struct{}

func newRDSState() *rdsState { return &rdsState{} }

func rdsOperations() []operation { return nil }

func (s *rdsState) describe(region string, into State) {}
