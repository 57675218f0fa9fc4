package snapshots

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Give appends an order, opening a snapshot where none is live.
func (b *Book) Give(ctx context.Context, account string, order killswitch.Order, message string) (Given, error) {
	given, err := b.give(ctx, account, order, message)
	if err != nil {
		return Given{}, fmt.Errorf("give %s order to account %s: %w", order.Act, account, err)
	}
	return given, nil
}

func (b *Book) give(ctx context.Context, account string, order killswitch.Order, message string) (Given, error) {
	if !order.Act.Known() {
		return Given{}, fmt.Errorf("there is no act %q", order.Act)
	}
	var forgotten *Record // an expired SEEN
	for n := 0; ; n++ {
		if err := pause(ctx, account+order.Actor+message, n-2); err != nil {
			return Given{}, err
		}
		old, stored, err := b.live(ctx, account)
		if err != nil {
			return Given{}, err
		}
		if old == nil && order.Act == killswitch.GiveUp {
			return Given{}, fmt.Errorf("nothing is live to give up: %w", ErrOrders)
		}
		g := giving{account: account, order: order, message: message, at: time.Now().UTC(), try: n}
		if err := g.prepare(old, stored, forgotten); err != nil {
			return Given{}, err
		}
		unsure, err := b.commit(ctx, g.swaps)
		mismatch := (*Mismatch)(nil)
		if err == nil {
			return Given{Live: g.live, Order: g.live.Last(), Appended: true}, nil
		}
		if !errors.As(err, &mismatch) {
			return Given{}, err
		}
		if unsure && g.landed(mismatch) {
			return Given{Live: g.live, Order: g.live.Last(), Appended: true}, nil
		}
		if found, failed := mismatch.found(g.seen); failed && g.seen > 0 {
			before, expired := readSeen(found, g.at)
			if !expired {
				live, err := b.Live(ctx, account)
				return Given{Live: live, Order: before}, err
			}
			forgotten = found
		}
	}
}

// giving is one try to give an order.
type giving struct {
	account string
	order   killswitch.Order
	message string
	at      time.Time
	try     int

	live  *Live  // as it will be
	swaps []Swap // of LIVE first
	seen  int    // index of SEEN in swaps, or 0
}

// prepare makes the swaps that append the order to what is stored.
func (g *giving) prepare(old *Live, stored, forgotten *Record) error {
	live := Live{Account: g.account, Opened: g.at}
	unchanged := Condition{Absent: true}
	if old != nil {
		live = *old
		unchanged = Condition{Checksum: stored.Checksum}
	} else {
		live.Snapshot = NewID(g.at, digest(g.account, g.order.At.UTC().String(), g.message, strconv.Itoa(g.try)))
	}
	g.order.Seq = len(live.Orders) + 1
	live.Orders = append(slices.Clone(live.Orders), g.order)
	live.LookAt = time.Time{}
	if err := g.swap(unchanged, &live); err != nil {
		return err
	}
	g.live = &Live{}
	if fault := decode(*g.swaps[0].Put, g.live); fault != nil { // as every reader will see it
		return fault
	}
	if old == nil {
		header := &Header{
			Account: g.account, Snapshot: live.Snapshot, Opened: live.Opened,
			ToolVersion: toolVersion(), Orders: live.Orders,
		}
		if err := g.swap(Condition{Absent: true}, header); err != nil {
			return err
		}
	}
	if g.message == "" {
		return nil
	}
	g.seen = len(g.swaps)
	unseen := Condition{Absent: true}
	if forgotten != nil {
		unseen = Condition{Checksum: forgotten.Checksum}
	}
	return g.swap(unseen, &seen{
		Message: g.message, Account: g.account, Snapshot: live.Snapshot, Order: g.order, At: g.at,
	})
}

func (g *giving) swap(condition Condition, b body) error {
	record, err := encode(b)
	g.swaps = append(g.swaps, Swap{Key: record.Key, If: condition, Put: &record})
	return err
}

// landed says whether what stands in the way is what an earlier attempt of ours has written.
func (g *giving) landed(mismatch *Mismatch) bool {
	found, failed := mismatch.found(0)
	var live Live
	return failed && found != nil && decode(*found, &live) == nil && live.Snapshot == g.live.Snapshot &&
		len(live.Orders) >= len(g.live.Orders) &&
		reflect.DeepEqual(live.Orders[:len(g.live.Orders)], g.live.Orders)
}

// readSeen is the order that a message gave before, and whether that is so long ago that it does
// not count. A damaged record still says that the message has been seen.
func readSeen(record *Record, now time.Time) (order killswitch.Order, expired bool) {
	if record == nil {
		return killswitch.Order{}, true
	}
	var s seen
	if decode(*record, &s) != nil {
		return killswitch.Order{}, false
	}
	return s.Order, now.After(s.expires())
}

// toolVersion is the version that the Go linker put into this program.
func toolVersion() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		return build.Main.Version
	}
	return ""
}
