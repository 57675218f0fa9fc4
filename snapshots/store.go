// Package snapshots is the durable memory of the brake: what an emergency's snapshot consists of,
// how its items are written down, how they are checked, and the contract of a store. The stores are
// in dynamo and bolt; storetest holds both to the contract. It imports neither AWS nor bbolt.
package snapshots

import (
	"context"
	"errors"
	"iter"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Live is the account's one open snapshot.
type Live struct {
	Account  string             `json:"account"`
	Snapshot string             `json:"snapshot"` // time-sortable id
	Opened   time.Time          `json:"opened"`
	Orders   []killswitch.Order `json:"orders"`
	Regions  []string           `json:"regions,omitempty"` // every region any run has found, sorted
	// RegionsOrder is the newest order for which the account's regions have been listed whole.
	RegionsOrder int       `json:"regionsOrder,omitempty"`
	LookAt       time.Time `json:"lookAt,omitzero"` // nothing is due before; zero means now
	Told         Told      `json:"told,omitzero"`
}

// Told is what humans have been told of a snapshot, so that nobody is told twice and nothing is kept
// quiet because a run died before it told it.
type Told struct {
	Begun   int  `json:"begun,omitempty"`   // the newest order of which it was told how its first run ended
	Settled int  `json:"settled,omitempty"` // the newest order that was told to be done, as far as it can be
	Closed  bool `json:"closed,omitempty"`
}

// and is what has been told where both have.
func (t Told) and(o Told) Told {
	return Told{max(t.Begun, o.Begun), max(t.Settled, o.Settled), t.Closed || o.Closed}
}

// Last is the newest order. A live snapshot has at least one.
func (l *Live) Last() killswitch.Order { return l.Orders[len(l.Orders)-1] }

// Header is what remains of a snapshot in the list: its orders, and when it was opened and closed.
type Header struct {
	Account     string             `json:"account"`
	Snapshot    string             `json:"snapshot"`
	Opened      time.Time          `json:"opened"`
	Closed      time.Time          `json:"closed,omitzero"`
	ToolVersion string             `json:"toolVersion"`
	Orders      []killswitch.Order `json:"orders"`            // as of the opening, and again at the closing
	Regions     []string           `json:"regions,omitempty"` // as of the closing
	Counts      map[string]int     `json:"counts,omitempty"`  // by phase, at the closing
	Told        Told               `json:"told,omitzero"`     // as of the closing, and after it
}

// Coverage says whether one kind was listed in one region for the orders up to Order.
type Coverage struct {
	Kind   killswitch.Kind `json:"kind"`
	Order  int             `json:"order"`
	Listed bool            `json:"listed"`        // to its end
	Why    string          `json:"why,omitempty"` // not listed: what AWS said
	At     time.Time       `json:"at"`
	// RetryAt is when a listing that failed is tried again.
	RetryAt time.Time `json:"retryAt,omitzero"`
	Count   int       `json:"count"`          // resources found
	Hash    string    `json:"hash,omitempty"` // of the sorted ids of the items recorded
	Items   int       `json:"items"`          // originals this region holds of the kind
	// Verdicts are what was found and is left alone, each with its reason; at most MaxVerdicts of
	// them, and how many more there were.
	Verdicts     []Verdict `json:"verdicts,omitempty"`
	MoreVerdicts int       `json:"moreVerdicts,omitempty"`
}

// MaxVerdicts keeps a coverage item under DynamoDB's 400 KB.
const MaxVerdicts = 500

// Verdict is a resource that is left alone, and why.
type Verdict struct {
	Resource killswitch.Resource `json:"resource"`
	Phase    killswitch.Phase    `json:"phase"` // Unpausable or Protected
	Reason   string              `json:"reason"`
}

// Lease is the right to act on one shard (region of a snapshot) until End.
type Lease struct {
	Snapshot   string    `json:"snapshot"`
	Account    string    `json:"account"`
	Region     string    `json:"region"`
	Owner      string    `json:"owner,omitempty"`  // no two runs have the same
	Generation int       `json:"generation"`       // grows by one with each taker
	Beat       int       `json:"beat"`             // grows with each write of the holder
	End        time.Time `json:"end,omitzero"`     // wall clock of the holder; a taker does not compare it with its own
	Closed     bool      `json:"closed,omitempty"` // with its snapshot: nobody holds it, and nobody takes it again
}

// Shard is everything stored of one region of a snapshot.
type Shard struct {
	Region   string
	Lease    Lease // as stored; Owner is empty when nobody holds it
	Items    []killswitch.Item
	Coverage []Coverage
	// Faults are stored items that could not be used: damaged, unknown version, without their
	// original or with too few parts. What is named here is in neither Items nor Coverage, but for
	// an item whose newest original is fine: with a state that is not, it is in Items with the zero
	// State; with an older original that is not, it is in Items as it is; and but for a coverage that
	// counts originals which are lost.
	Faults []Fault
}

// Fault is something wrong with a stored item.
type Fault struct {
	PK, SK string
	Ref    killswitch.Ref // where the key tells it; zero for what is not of one resource
	Order  int            // of an original or a part, where the key tells it
	Since  int            // the order that it is known to be of; 0 where nothing tells
	Why    string
	Hint   string // what can still be done
}

// Snapshot is a whole snapshot, for reading.
type Snapshot struct {
	Header Header
	Live   *Live // nil when it is closed
	Shards []Shard
	Faults []Fault // of the header, LIVE, and the whole
}

// Change is one write of a run to its shard: exactly one field is set.
type Change struct {
	// Original puts Item.Original, with its resource, under the order in Item.Order. Put once: where
	// one exists under that order with the same content, nothing happens; with another content the
	// write fails with ErrExists and nothing of it is written.
	Original *killswitch.Item
	// Part puts one part of the item's original, under the same rule.
	Part *PartOf
	// State replaces the state of the item. It is of the original of Item.Order, and remembers how
	// many Parts that has, so that a lost one is noticed.
	State *killswitch.Item
	// Coverage replaces the coverage of its kind.
	Coverage *Coverage
}

// PartOf is a part and the item it belongs to.
type PartOf struct {
	Ref   killswitch.Ref
	Order int
	Part  killswitch.Part
}

// Given is what became of an order.
type Given struct {
	Live     *Live // as it is now
	Order    killswitch.Order
	Appended bool // false: the message had been seen before
}

// MaxChanges is how many changes one Write takes: DynamoDB's 100 less the lease.
const MaxChanges = 99

// The errors that callers act on. Stores wrap them with what and which.
var (
	// ErrLeaseLost: somebody else holds the shard, or the lease's time is over. Begin nothing more.
	ErrLeaseLost = errors.New("lease lost")
	// ErrLeaseHeld: somebody else holds the shard now. Acquire's answer carries the lease seen.
	ErrLeaseHeld = errors.New("lease held")
	// ErrExists: another original is stored under the same key. Nothing was written.
	ErrExists = errors.New("another original exists")
	// ErrOrders: the live snapshot is not the one, or has more orders (for Close: or regions), than
	// the caller believes.
	ErrOrders = errors.New("orders have changed")
	// ErrNoSnapshot: there is no snapshot of this id.
	ErrNoSnapshot = errors.New("no such snapshot")
	// ErrNoTable: the table does not exist, or not here.
	ErrNoTable = errors.New("no snapshot table")
	// ErrDamaged: the LIVE item cannot be read, so no order can be given and nothing closed.
	ErrDamaged = errors.New("stored item damaged")
)

// Store keeps snapshots. Reads are strongly consistent. Implementations retry what is transient
// (throttles, transaction conflicts) within ctx and are safe for concurrent use.
type Store interface {
	// Live returns the live snapshot of the account, or nil where there is none. One read.
	Live(ctx context.Context, account string) (*Live, error)

	// Give appends an order, opening a snapshot where none is live, and in the same transaction
	// remembers message (if not empty) as seen. A message seen before appends nothing and is no
	// error. The order's Seq is set by the store, LookAt becomes zero. It needs no lease.
	Give(ctx context.Context, account string, order killswitch.Order, message string) (Given, error)

	// AddRegions adds to the regions of the live snapshot and notes in RegionsOrder that they are
	// all there were at the newest order of live. Nothing is written when all of it is there. live
	// is updated in place.
	AddRegions(ctx context.Context, live *Live, regions []string) error

	// SetLookAt says when the guard should look next, if the orders are still those of live;
	// otherwise ErrOrders. live is updated in place.
	SetLookAt(ctx context.Context, live *Live, at time.Time) error

	// Tell notes what humans have been told of a snapshot, live or closed, besides what was noted
	// before. ErrNoSnapshot where there is none.
	Tell(ctx context.Context, account, snapshot string, told Told) error

	// Close ends the live snapshot if its orders and regions are still those of live, otherwise
	// ErrOrders, and if nobody holds the lease of one of its regions, otherwise ErrLeaseHeld: a run
	// with a lease may still act on an order that it read earlier. In one transaction the header gets
	// orders, regions and counts, the leases of all regions end for good, and LIVE goes.
	Close(ctx context.Context, live *Live, at time.Time, counts map[string]int) error

	// Acquire takes the lease of a shard for owner, until now + ttl, if nobody holds it or if what
	// is stored is exactly previous (its generation and beat): the caller watched it stand still.
	// Otherwise ErrLeaseHeld with the lease as stored; ErrOrders where the snapshot has been closed.
	// Pass nil for previous at first. The region must be among those of the stored LIVE (AddRegions)
	// before: a closing ends only the leases that it knows of.
	Acquire(ctx context.Context, live *Live, region, owner string, ttl time.Duration, previous *Lease) (Lease, error)

	// Write writes up to MaxChanges changes and extends the lease to now + ttl in one transaction,
	// which fails whole with ErrLeaseLost when the lease is not the caller's any more. No changes
	// is a renewal. The lease is updated in place. A Write whose answer was lost and that is
	// repeated by the store itself counts once. Changes that take more than MaxBytes together, by
	// Size, are refused, as are two of one item.
	Write(ctx context.Context, lease *Lease, ttl time.Duration, changes []Change) error

	// Release gives the lease back. Releasing one that was lost is no error.
	Release(ctx context.Context, lease *Lease) error

	// Shard reads everything of one shard.
	Shard(ctx context.Context, account, snapshot, region string) (Shard, error)

	// Headers lists the account's snapshots, newest first; limit 0 means all. One that cannot be
	// read has nothing but Account and Snapshot.
	Headers(ctx context.Context, account string, limit int) ([]Header, error)

	// Snapshot reads a whole snapshot, or ErrNoSnapshot.
	Snapshot(ctx context.Context, account, snapshot string) (Snapshot, error)

	// Shards reads a snapshot without its shards, or ErrNoSnapshot, and then these one by one, by region,
	// as they are asked for: a large snapshot need not be held whole. An error ends the sequence.
	Shards(ctx context.Context, account, snapshot string) (Snapshot, iter.Seq2[Shard, error], error)

	// Prices returns what KeepPrices kept for the account within the last day, or nothing; also where
	// the item is damaged, since prices can be asked for again.
	Prices(ctx context.Context, account string) ([]byte, error)

	// KeepPrices keeps what AWS's price list said, as JSON of one line, in the place of what was kept
	// before. It needs no lease: of two who write at once either may stand.
	KeepPrices(ctx context.Context, account string, sheet []byte, at time.Time) error

	// Export reads a portion of a snapshot, from where the last portion said; the first from "". Each
	// region is as it was between two writes; ErrMoved where that cannot be had.
	Export(ctx context.Context, account, snapshot, from string) (Portion, error)

	// Import puts records of an exported snapshot where they were, with whole those that make it be
	// there: live again, if it was. ErrDifferent where other content is stored, ErrLive where another
	// snapshot is live. What is stored already with the same content is no error.
	Import(ctx context.Context, account, snapshot string, records []Exported, whole *Whole) error

	// Delete removes a closed snapshot. ErrLive where it is not closed, ErrNoSnapshot where there is none.
	Delete(ctx context.Context, account, snapshot string) error

	// Where names the store for humans: "table x in eu-west-1", "file …/snapshots.db".
	Where() string
}
