package snapshots

import (
	"context"
	"fmt"
	"slices"
)

// Delete removes a closed snapshot: first its items, last the header, so that one that was cut is made
// again. Its leases, which nobody can take, stay: they keep a run that has been held up since before the
// closing from acting on it.
func (b *Book) Delete(ctx context.Context, account, snapshot string) error {
	if err := b.delete(ctx, account, snapshot); err != nil {
		return fmt.Errorf("delete snapshot %s of account %s: %w", snapshot, account, err)
	}
	return nil
}

func (b *Book) delete(ctx context.Context, account, snapshot string) error {
	s, header, _, err := b.frame(ctx, account, snapshot)
	if err != nil {
		return err
	}
	if s.Live != nil {
		return fmt.Errorf("it is not closed: what it remembers is needed to put the account back: %w", ErrLive)
	}
	o, err := s.outer(nil)
	if err != nil {
		return err
	}
	for _, region := range o.regions {
		records, err := b.query(ctx, shardPK(snapshot, region), "", 0)
		if err != nil {
			return err
		}
		records = slices.DeleteFunc(records, func(r Record) bool { return r.Key == LeaseKey(r.PK) })
		for _, batch := range batches(records, unread) {
			if err := b.remove(ctx, batch); err != nil {
				return err
			}
		}
	}
	return b.remove(ctx, []Swap{unread(*header)})
}

// remove removes what is as it was read. What somebody else has removed meanwhile is no error.
func (b *Book) remove(ctx context.Context, removals []Swap) error {
	return b.commitRest(ctx, removals, func(s Swap, found *Record) error {
		if found != nil {
			return fmt.Errorf("%s has been written to: %w", s.Key, ErrMoved)
		}
		return nil
	})
}
