// Package bolt keeps snapshots in one file on this computer, for an account without a snapshot
// table.
package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"aws-hit-breaks/snapshots"
)

// ErrLocked: another process has the file open.
var ErrLocked = errors.New("snapshot file in use")

// lockWithin is how long Open waits for another process to end.
const lockWithin = time.Second

// Store keeps snapshots in one file, which no other process can open meanwhile.
type Store struct {
	*snapshots.Book
	table *table
}

// DefaultPath is .aws-hit-breaks/snapshots.db in the home folder.
func DefaultPath() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no home folder for .aws-hit-breaks/snapshots.db: %w", err)
	}
	return filepath.Join(home, ".aws-hit-breaks", "snapshots.db"), nil
}

// Open opens the file, or makes it and its folder, for this user alone. The lock on it proves that
// whoever had it before is dead, so that leases which are still held are given back.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of snapshot file %s: %w", path, err)
	}
	t := &table{path: path}
	if err := t.open(); err != nil {
		return nil, errors.Join(refusal(path, err), t.close())
	}
	return &Store{snapshots.NewBook(t), t}, nil
}

// CloseFile lets others open the file. (Close ends a snapshot.)
func (s *Store) CloseFile() error {
	if err := s.table.close(); err != nil {
		return fmt.Errorf("close snapshot file %s: %w", s.table.path, err)
	}
	return nil
}

// errDamaged: the file is one of bbolt's, but its pages cannot be read.
var errDamaged = errors.New("file damaged")

// open opens a database that is as long as it says, and gives back the leases in it.
func (t *table) open() error {
	var file *os.File
	options := &bbolt.Options{
		Timeout: lockWithin,
		OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode) //nolint:gosec // the user names the file
			return file, err
		},
	}
	if stat, err := os.Stat(t.path); err == nil && stat.Size() == 0 {
		return fmt.Errorf("%w: it is empty", errDamaged) // bbolt would begin a new one in it
	}
	return t.sound(func() error {
		db, err := bbolt.Open(t.path, 0o600, options)
		if err != nil {
			return err
		}
		t.db = db
		if err := whole(db, file); err != nil {
			return err
		}
		return db.Update(giveBack)
	})
}

// close gives up the lock. Where bbolt panicked its own locks may never be given back, on which its
// Close would wait; that of the file then ends with the process.
func (t *table) close() error {
	if t.db == nil || t.damaged.Load() {
		return nil
	}
	return t.db.Close()
}

// whole compares the size of the file with that of the pages in use: bbolt maps what is not there,
// and reading it ends the process.
func whole(db *bbolt.DB, file *os.File) error {
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if stat.Size() < tx.Size() {
			return fmt.Errorf("%w: it has %d of %d bytes", errDamaged, stat.Size(), tx.Size())
		}
		return nil
	})
}

// refusal says why the file cannot be used and what can be done.
func refusal(path string, err error) error {
	const restore = "restore it from a backup, or move it away to begin with an empty one, " +
		"in which nothing is known of what is paused now"
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return fmt.Errorf("%w: another aws-hit-breaks has %s open; wait until it ends", ErrLocked, path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("snapshot file %s may not be read and written by this user: correct its permissions, "+
			"and those of its folder (%w)", path, err)
	case errors.Is(err, bbolterrors.ErrInvalid), errors.Is(err, bbolterrors.ErrVersionMismatch):
		return fmt.Errorf("%s is not a snapshot file of aws-hit-breaks (%w): %s", path, err, restore)
	case errors.As(err, new(*fs.PathError)):
		return fmt.Errorf("open snapshot file: %w", err)
	}
	return fmt.Errorf("snapshot file %s is damaged or cut short (%w): %s", path, err, restore)
}
