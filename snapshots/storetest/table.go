package storetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"aws-hit-breaks/snapshots"
)

// Memory is a Table for tests that need no more.
type Memory struct {
	mu      sync.Mutex
	records map[snapshots.Key]snapshots.Record
}

// Get reads one record.
func (m *Memory) Get(ctx context.Context, key snapshots.Key) (*snapshots.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(key), ctx.Err()
}

func (m *Memory) get(key snapshots.Key) *snapshots.Record {
	if r, ok := m.records[key]; ok {
		return &r
	}
	return nil
}

// Query reads the records of a partition.
func (m *Memory) Query(ctx context.Context, pk, prefix string, newest int, take func(snapshots.Record)) error {
	var found []snapshots.Record
	for _, r := range m.All() {
		if r.PK == pk && strings.HasPrefix(r.SK, prefix) {
			found = append(found, r)
		}
	}
	if newest > 0 {
		slices.Reverse(found)
		found = found[:min(newest, len(found))]
	}
	for _, r := range found {
		take(r)
	}
	return ctx.Err()
}

// All are the records of all partitions, sorted by key.
func (m *Memory) All() []snapshots.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.records), func(x, y snapshots.Record) int {
		return slices.Compare([]string{x.PK, x.SK}, []string{y.PK, y.SK})
	})
}

// Commit makes all swaps or none.
func (m *Memory) Commit(ctx context.Context, swaps []snapshots.Swap) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	mismatch := &snapshots.Mismatch{Stored: map[int]*snapshots.Record{}}
	for i, s := range swaps {
		stored := m.get(s.Key)
		if s.If.Absent && stored != nil || s.If.Checksum != "" && (stored == nil || stored.Checksum != s.If.Checksum) {
			mismatch.Stored[i] = stored
		}
	}
	if len(mismatch.Stored) > 0 {
		return mismatch
	}
	for _, s := range swaps {
		if s.Put == nil {
			delete(m.records, s.Key)
			continue
		}
		if m.records == nil {
			m.records = map[snapshots.Key]snapshots.Record{}
		}
		m.records[s.Key] = *s.Put
	}
	return nil
}

// Where names the table.
func (m *Memory) Where() string { return "the memory of a test" }

// counting counts the calls of a table.
type counting struct {
	snapshots.Table
	mu            sync.Mutex
	reads, writes int
}

func (c *counting) count(counter *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*counter++
}

func (c *counting) Get(ctx context.Context, key snapshots.Key) (*snapshots.Record, error) {
	c.count(&c.reads)
	return c.Table.Get(ctx, key)
}

func (c *counting) Query(ctx context.Context, pk, prefix string, newest int, take func(snapshots.Record)) error {
	c.count(&c.reads)
	return c.Table.Query(ctx, pk, prefix, newest, take)
}

func (c *counting) Commit(ctx context.Context, swaps []snapshots.Swap) error {
	c.count(&c.writes)
	return c.Table.Commit(ctx, swaps)
}

// disturbed is a table of which the next attempts go wrong.
type disturbed struct {
	snapshots.Table
	lost int          // commits that take effect and get no answer
	cut  int          // queries that break off after their records
	busy int          // calls that are refused
	late func() error // what comes between what a commit believes and the commit
}

func (d *disturbed) refused() error {
	if d.busy > 0 {
		d.busy--
		return snapshots.ErrBusy
	}
	return nil
}

func (d *disturbed) Get(ctx context.Context, key snapshots.Key) (*snapshots.Record, error) {
	if err := d.refused(); err != nil {
		return nil, err
	}
	return d.Table.Get(ctx, key)
}

func (d *disturbed) Query(ctx context.Context, pk, prefix string, newest int, take func(snapshots.Record)) error {
	if err := d.refused(); err != nil {
		return err
	}
	err := d.Table.Query(ctx, pk, prefix, newest, take)
	if err == nil && d.cut > 0 {
		d.cut--
		return snapshots.ErrUnsure
	}
	return err
}

func (d *disturbed) Commit(ctx context.Context, swaps []snapshots.Swap) error {
	if err := d.refused(); err != nil {
		return err
	}
	if late := d.late; late != nil {
		d.late = nil
		if err := late(); err != nil {
			return err
		}
	}
	err := d.Table.Commit(ctx, swaps)
	if err == nil && d.lost > 0 {
		d.lost--
		return snapshots.ErrUnsure
	}
	return err
}

// silent is a table that never answers.
type silent struct{ snapshots.Table }

func (silent) Get(context.Context, snapshots.Key) (*snapshots.Record, error) {
	return nil, snapshots.ErrUnsure
}

func (silent) Commit(context.Context, []snapshots.Swap) error { return snapshots.ErrUnsure }

func sorted[V any](tests map[string]V) []string { return slices.Sorted(maps.Keys(tests)) }
