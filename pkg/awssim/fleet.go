package awssim

import "fmt"

// mustRegion is the state of an enabled region. It panics for any other: the account was built wrong.
func (a *Account) mustRegion(name string) *region {
	r := a.regions[name]
	if r == nil {
		panic(fmt.Sprintf("awssim: region %q is not enabled in the account", name))
	}
	return r
}
