package moto_test

import (
	"os"
	"path/filepath"
	"strings"

	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/bolt"
	"aws-hit-breaks/snapshots/dynamo"
)

// store is where the snapshots of an account are.
type store struct {
	variables, flags []string                          // with which the CLI finds them
	newest           func() (snapshots.Snapshot, bool) // false where there is none
}

// openTable opens the table of the deployed brake.
func (w *world) openTable() snapshots.Store {
	config := w.config.Copy()
	config.BaseEndpoint = &w.dynamodb
	return dynamo.Open(config, table)
}

// inTable are the snapshots of the deployed brake.
func (w *world) inTable() store {
	return store{
		variables: []string{"AWS_ENDPOINT_URL_LAMBDA=" + w.host.URL, "AWS_HIT_BREAKS_TABLE=" + table},
		newest:    func() (snapshots.Snapshot, bool) { return w.newestIn(w.openTable()) },
	}
}

// inFile are the snapshots of the CLI with --local. They are read from a copy of the file as it lies
// there: opening it gives back the leases that a dead run still holds.
func (w *world) inFile() store {
	home, _ := strings.CutPrefix(w.env[0], "HOME=")
	return store{flags: []string{"--local"}, newest: func() (snapshots.Snapshot, bool) {
		w.Helper()
		content, err := os.ReadFile(filepath.Join(home, ".aws-hit-breaks", "snapshots.db"))
		if os.IsNotExist(err) {
			return snapshots.Snapshot{}, false
		}
		copied := filepath.Join(w.TempDir(), "snapshots.db")
		if err == nil {
			err = os.WriteFile(copied, content, 0o600)
		}
		if err != nil {
			w.Fatal(err)
		}
		file, err := bolt.Open(copied)
		if err != nil {
			w.Fatal(err)
		}
		defer func() {
			if err := file.CloseFile(); err != nil {
				w.Error(err)
			}
		}()
		return w.newestIn(file)
	}}
}

// newestIn is the account's newest snapshot in a store.
func (w *world) newestIn(s snapshots.Store) (snapshots.Snapshot, bool) {
	w.Helper()
	headers, err := s.Headers(w.Context(), w.account, 1)
	if err != nil {
		w.Fatal(err)
	}
	if len(headers) == 0 {
		return snapshots.Snapshot{}, false
	}
	newest, err := s.Snapshot(w.Context(), w.account, headers[0].Snapshot)
	if err != nil {
		w.Fatal(err)
	}
	return newest, true
}
