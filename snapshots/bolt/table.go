package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"aws-hit-breaks/snapshots"
)

// table is a snapshots.Table in one bucket of a file. Keys are PK and SK with a zero byte between
// them, which neither has in it, so that the records of a partition lie together, in order of SK.
type table struct {
	path    string
	db      *bbolt.DB
	damaged atomic.Bool // nothing more is asked of db
}

var bucket = []byte("records")

// value is a record without its key.
type value struct {
	Version  int    `json:"v"`
	Checksum string `json:"checksum"`
	Expires  int64  `json:"expires,omitempty"`
	Body     string `json:"body"`
}

func keyOf(k snapshots.Key) []byte { return []byte(k.PK + "\x00" + k.SK) }

// recordOf reads a record as it is. One whose value cannot be read has nothing but its key, which
// no valid record has.
func recordOf(key, text []byte) snapshots.Record {
	pk, sk, _ := bytes.Cut(key, []byte{0})
	var v value
	if json.Unmarshal(text, &v) != nil {
		v = value{}
	}
	return snapshots.Record{
		Key:     snapshots.Key{PK: string(pk), SK: string(sk)},
		Version: v.Version, Body: v.Body, Checksum: v.Checksum, Expires: v.Expires,
	}
}

func get(records *bbolt.Bucket, key snapshots.Key) *snapshots.Record {
	k := keyOf(key)
	text := records.Get(k)
	if text == nil {
		return nil
	}
	r := recordOf(k, text)
	return &r
}

func put(records *bbolt.Bucket, r snapshots.Record) error {
	text, err := json.Marshal(value{r.Version, r.Checksum, r.Expires, r.Body})
	if err != nil {
		return fmt.Errorf("store %s: %w", r.Key, err)
	}
	return records.Put(keyOf(r.Key), text)
}

// Where names the file for humans.
func (t *table) Where() string { return "file " + t.path }

// Get reads one record.
func (t *table) Get(ctx context.Context, key snapshots.Key) (record *snapshots.Record, err error) {
	err = t.view(ctx, func(records *bbolt.Bucket) { record = get(records, key) })
	return record, err
}

// Query reads the records of a partition.
func (t *table) Query(ctx context.Context, pk, prefix string, newest int, take func(snapshots.Record)) error {
	var found []snapshots.Record
	from := keyOf(snapshots.Key{PK: pk, SK: prefix})
	err := t.view(ctx, func(records *bbolt.Bucket) {
		c := records.Cursor()
		for k, text := c.Seek(from); k != nil && bytes.HasPrefix(k, from); k, text = c.Next() {
			found = append(found, recordOf(k, text))
		}
	})
	if newest > 0 {
		slices.Reverse(found)
		found = found[:min(newest, len(found))]
	}
	for _, r := range found {
		take(r)
	}
	return err
}

// Commit makes all swaps or none, and returns when they are on the disk.
func (t *table) Commit(ctx context.Context, swaps []snapshots.Swap) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.sound(func() error {
		return t.db.Update(func(tx *bbolt.Tx) error {
			records := tx.Bucket(bucket)
			if err := compare(records, swaps); err != nil {
				return err
			}
			for _, s := range swaps {
				if err := swap(records, s); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func compare(records *bbolt.Bucket, swaps []snapshots.Swap) error {
	mismatch := &snapshots.Mismatch{Stored: map[int]*snapshots.Record{}}
	for i, s := range swaps {
		stored := get(records, s.Key)
		if s.If.Absent && stored != nil || s.If.Checksum != "" && (stored == nil || stored.Checksum != s.If.Checksum) {
			mismatch.Stored[i] = stored
		}
	}
	if len(mismatch.Stored) > 0 {
		return mismatch
	}
	return nil
}

func swap(records *bbolt.Bucket, s snapshots.Swap) error {
	if s.Put == nil {
		return records.Delete(keyOf(s.Key))
	}
	return put(records, *s.Put)
}

func (t *table) view(ctx context.Context, read func(records *bbolt.Bucket)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.sound(func() error {
		return t.db.View(func(tx *bbolt.Tx) error {
			read(tx.Bucket(bucket))
			return nil
		})
	})
}

// giveBack gives back the leases that are held, and makes the bucket where there is none.
func giveBack(tx *bbolt.Tx) error {
	records, err := tx.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	var free []snapshots.Record
	c := records.Cursor()
	for k, _ := c.First(); k != nil; {
		pk, _, _ := bytes.Cut(k, []byte{0})
		if held := get(records, snapshots.LeaseKey(string(pk))); held != nil {
			if r, ok := held.Freed(); ok {
				free = append(free, r)
			}
		}
		k, _ = c.Seek(append(bytes.Clone(pk), 1)) // the next partition
	}
	for _, r := range free {
		if err := put(records, r); err != nil {
			return err
		}
	}
	return nil
}

// sound makes an error of what bbolt panics at: pages that are not what they should be, or not there.
func (t *table) sound(use func() error) (err error) {
	if t.damaged.Load() {
		return errDamaged
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			t.damaged.Store(true)
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return use()
}
