package snapshots

import (
	"context"
	"fmt"
	"time"
)

// Prices returns the prices that were kept within the last day.
func (b *Book) Prices(ctx context.Context, account string) ([]byte, error) {
	record, err := b.get(ctx, (&prices{Account: account}).name().key())
	if record == nil || err != nil {
		return nil, err
	}
	return believed(*record, time.Now()), nil
}

// believed are the prices of a record; none where they are old or cannot be read, and are asked for again.
func believed(record Record, now time.Time) []byte {
	var kept prices
	if decode(record, &kept) == nil && !now.After(kept.expires()) {
		return kept.Sheet
	}
	return nil
}

// KeepPrices keeps prices for a day.
func (b *Book) KeepPrices(ctx context.Context, account string, sheet []byte, at time.Time) error {
	record, err := encode(&prices{Account: account, At: at.UTC(), Sheet: sheet})
	if err == nil {
		_, err = b.commit(ctx, []Swap{{Key: record.Key, Put: &record}})
	}
	if err != nil {
		return fmt.Errorf("keep prices: %w", err)
	}
	return nil
}
