package awssim

// State is every resource of the account, named "region kind id", with every field that a stop and
// start may change and what identifies the resource besides.
type State map[string]map[string]string
