package command

func (c *cli) addAlias() error { return nil }
