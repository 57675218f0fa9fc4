package snapshots

import (
	"context"
	"errors"
	"fmt"
)

// Tell notes what humans have been told of a snapshot: in LIVE, and in the header once it is closed.
func (b *Book) Tell(ctx context.Context, account, snapshot string, told Told) error {
	if err := b.tell(ctx, account, snapshot, told); err != nil {
		return fmt.Errorf("note what was told of snapshot %s: %w", snapshot, err)
	}
	return nil
}

func (b *Book) tell(ctx context.Context, account, snapshot string, told Told) error {
	live, err := b.Live(ctx, account)
	if err != nil {
		return err
	}
	if live != nil && live.Snapshot == snapshot {
		_, err := b.change(ctx, live, false, func(l *Live) bool {
			was := l.Told
			l.Told = was.and(Told{Begun: told.Begun, Settled: told.Settled})
			return l.Told != was
		})
		if !errors.Is(err, ErrOrders) {
			return err
		}
	}
	return b.tellClosed(ctx, &Header{Account: account, Snapshot: snapshot}, told)
}

func (b *Book) tellClosed(ctx context.Context, header *Header, told Told) error {
	key := header.name().key()
	for n := 0; ; n++ {
		if err := pause(ctx, key.String(), n-2); err != nil {
			return err
		}
		stored, err := b.get(ctx, key)
		switch {
		case err != nil:
			return err
		case stored == nil:
			return fmt.Errorf("of account %s in %s: %w", header.Account, b.Where(), ErrNoSnapshot)
		}
		was := &Header{}
		if fault := decode(*stored, was); fault != nil {
			return fault
		}
		next := *was
		if next.Told = was.Told.and(told); next.Told == was.Told {
			return nil
		}
		record, err := encode(&next)
		if err != nil {
			return err
		}
		_, err = b.commit(ctx, []Swap{{Key: key, If: Condition{Checksum: stored.Checksum}, Put: &record}})
		if mismatch := (*Mismatch)(nil); !errors.As(err, &mismatch) {
			return err
		}
	}
}
