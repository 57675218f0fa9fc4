package awssim

type ec2State struct{}

func newEC2State() *ec2State { return &ec2State{} }

func ec2Operations() []operation { return nil }

func (s *ec2State) describe(region string, into State) {}
