package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/storetest"
)

const account = "111122223333"

func open(t *testing.T, path string) *Store {
	t.Helper()
	store, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.CloseFile(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func reopen(t *testing.T, store *Store) *Store {
	t.Helper()
	if err := store.CloseFile(); err != nil {
		t.Fatal(err)
	}
	return open(t, store.table.path)
}

func give(t *testing.T, store *Store) *snapshots.Live {
	t.Helper()
	order := killswitch.Order{Act: killswitch.Pause, Actor: "anna", At: time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)}
	given, err := store.Give(t.Context(), account, order, "")
	if err != nil {
		t.Fatal(err)
	}
	return given.Live
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Subject)) {
		store := open(t, filepath.Join(t.TempDir(), "snapshots.db"))
		test(t, storetest.Subject{Store: store, Table: store.Table()})
	})
}

// TestProperty03StateRoundTrip: any snapshot survives the file, and an export and import of it.
func TestProperty03StateRoundTrip(t *testing.T) {
	dir, n := t.TempDir(), 0
	storetest.RoundTrip(t, func() snapshots.Store {
		n++
		return open(t, filepath.Join(dir, fmt.Sprint(n), "snapshots.db"))
	})
}

func TestFileAndFolderAreOfThisUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "snapshots.db")
	open(t, path)
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		stat, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := stat.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestDefaultPathIsInTheHomeFolder(t *testing.T) {
	t.Setenv("HOME", "/home/anna")
	if got, err := DefaultPath(); err != nil || got != "/home/anna/.aws-hit-breaks/snapshots.db" {
		t.Errorf("got %s, %v", got, err)
	}
	t.Setenv("HOME", "")
	if got, err := DefaultPath(); err == nil {
		t.Errorf("got %s without a home", got)
	}
}

func TestWhatWasWrittenIsThereWhenTheFileIsOpenedAgain(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "snapshots.db"))
	live := give(t, store)
	again, err := reopen(t, store).Live(t.Context(), account)
	if err != nil || again == nil || again.Snapshot != live.Snapshot {
		t.Errorf("got %+v, %v; want snapshot %s", again, err, live.Snapshot)
	}
}

func TestOneProcessHasTheFileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshots.db")
	store := open(t, path)
	_, err := Open(path)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v, want %v that names %s", err, ErrLocked, path)
	}
	reopen(t, store)
}

func TestLeasesOfADeadProcessAreFree(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "snapshots.db"))
	live := give(t, store)
	regions := []string{"eu-west-1", "us-east-1"}
	for _, region := range regions {
		if _, err := store.Acquire(t.Context(), live, region, "dead", time.Hour, nil); err != nil {
			t.Fatal(err)
		}
	}
	store = reopen(t, store)
	for _, region := range regions {
		lease, err := store.Acquire(t.Context(), live, region, "run-2", time.Hour, nil)
		if err != nil || lease.Generation != 2 {
			t.Errorf("%s: got %+v, %v; want generation 2", region, lease, err)
		}
	}
	if _, err := store.Acquire(t.Context(), live, regions[0], "run-3", time.Hour, nil); !errors.Is(err, snapshots.ErrLeaseHeld) {
		t.Errorf("got error %v of a lease that this process holds", err)
	}
}

// used is the content of a file with a snapshot and records that take many pages.
func used(t *testing.T) []byte {
	t.Helper()
	store := open(t, filepath.Join(t.TempDir(), "snapshots.db"))
	live := give(t, store)
	filler := snapshots.Record{Key: snapshots.Key{PK: "FILLER", SK: live.Snapshot}, Body: strings.Repeat("x", 100<<10)}
	if err := store.Table().Commit(t.Context(), []snapshots.Swap{{Key: filler.Key, Put: &filler}}); err != nil {
		t.Fatal(err)
	}
	if err := store.CloseFile(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(store.table.path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFilesThatCannotBeUsedAreRefused(t *testing.T) {
	text := used(t)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing":           {nil, "damaged or cut short (file damaged: it is empty)"},
		"a text":            {[]byte("my shopping list"), "is not a snapshot file"},
		"a long text":       {[]byte(strings.Repeat("my shopping list\n", 10_000)), "is not a snapshot file"},
		"a page":            {text[:4096], "damaged or cut short"},
		"part of a file":    {text[:40<<10], "damaged or cut short"},
		"all but its pages": {append(text[:8192:8192], make([]byte, len(text)-8192)...), "damaged or cut short"},
	} {
		path := filepath.Join(t.TempDir(), "snapshots.db")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one line that says %q and names the file", name, err, c.want)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(c.content) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestAFileThatIsAFolderIsRefused(t *testing.T) {
	path := t.TempDir()
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	file := filepath.Join(path, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "snapshots.db")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got error %v", err)
	}
}

func TestAFileThatMayNotBeWrittenIsRefused(t *testing.T) {
	err := refusal("/srv/snapshots.db", &fs.PathError{Op: "open", Path: "/srv/snapshots.db", Err: fs.ErrPermission})
	if !strings.Contains(err.Error(), "/srv/snapshots.db may not be read and written by this user: correct its permissions") {
		t.Errorf("got error %v", err)
	}
}

func TestPagesThatBreakLaterAreAnError(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "snapshots.db"))
	give(t, store)
	if err := os.Truncate(store.table.path, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := store.Live(t.Context(), account); !errors.Is(err, errDamaged) {
			t.Errorf("got error %v, want %v", err, errDamaged)
		}
	}
}

func TestAValueThatCannotBeReadIsAFault(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "snapshots.db"))
	live := give(t, store)
	key := keyOf(snapshots.Key{PK: "ACCOUNT#" + account, SK: "LIVE"})
	for _, text := range []string{"", "x", `{"v":1,"body":"{}"`} {
		r := recordOf(key, []byte(text))
		if want := (snapshots.Record{Key: snapshots.Key{PK: "ACCOUNT#" + account, SK: "LIVE"}}); r != want {
			t.Errorf("%q reads as %+v", text, r)
		}
	}
	r := recordOf(key, []byte("x"))
	if err := store.Table().Commit(context.Background(), []snapshots.Swap{{Key: r.Key, Put: &r}}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Live(t.Context(), live.Account); !errors.Is(err, snapshots.ErrDamaged) {
		t.Errorf("got error %v, want %v", err, snapshots.ErrDamaged)
	}
}
