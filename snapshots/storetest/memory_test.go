package storetest_test

import (
	"testing"
	"testing/synctest"

	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Subject)) {
		synctest.Test(t, func(t *testing.T) {
			table := &storetest.Memory{}
			test(t, storetest.Subject{Store: snapshots.NewBook(table), Table: table})
		})
	})
}

func TestRoundTripInMemory(t *testing.T) {
	storetest.RoundTrip(t, func() snapshots.Store { return snapshots.NewBook(&storetest.Memory{}) })
}
