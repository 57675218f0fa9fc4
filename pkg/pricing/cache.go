package pricing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"aws-hit-breaks/pkg/killswitch"
)

// Cache keeps prices from one run to the next: a File for the CLI, the table for functions. What it
// holds is one text of less than 400 KB for all prices together.
type Cache interface {
	// Load gives what was saved, or nothing.
	Load(ctx context.Context) ([]byte, error)
	// Save replaces it whole. It may be forgotten after a day.
	Save(ctx context.Context, text []byte) error
}

// sheet is the text of a cache.
type sheet struct {
	Version int             `json:"version"`
	Sum     string          `json:"sum"` // of Prices
	Prices  json.RawMessage `json:"prices"`
}

const sheetVersion = 1

// maxSheet keeps a cache within an item of DynamoDB, with room for its keys.
const maxSheet = 390 << 10

// read takes from the caches what is of the last day, the newest of each. A cache that cannot be read, is damaged or of
// another version is none.
func (b *Book) read(ctx context.Context) {
	kept := map[string]answer{}
	defer func() { b.kept = kept }()
	now := time.Now()
	for _, cache := range b.caches {
		text, err := cache.Load(ctx)
		if err != nil {
			continue
		}
		for key, found := range open(text) {
			if age := now.Sub(found.At); age >= 0 && age < fresh && found.At.After(kept[key].At) {
				kept[key] = found
			}
		}
	}
}

// open reads the text of a cache: all of it or nothing.
func open(text []byte) map[string]answer {
	var s sheet
	if json.Unmarshal(text, &s) != nil || s.Version != sheetVersion || s.Sum != sum(s.Prices) {
		return nil
	}
	var prices map[string]answer
	if json.Unmarshal(s.Prices, &prices) != nil {
		return nil
	}
	for key, found := range prices {
		var p killswitch.Product
		if p.UnmarshalText([]byte(key)) != nil || math.IsNaN(found.Dollars) || found.Dollars < 0 || (found.Dollars == 0) == (found.Why == "") {
			return nil
		}
	}
	return prices
}

func sum(text []byte) string {
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}

// Keep saves what this book has learnt, with what the cache held, and nothing where nothing is new.
// A price that could not be asked for is not kept.
func (b *Book) Keep(ctx context.Context) error {
	b.mu.Lock()
	if len(b.caches) == 0 || !b.unkept {
		b.mu.Unlock()
		return nil
	}
	prices := map[string]answer{}
	for key, found := range b.kept {
		prices[key] = found
	}
	for key, there := range b.pages {
		select {
		case <-there.done:
			if !there.failed {
				prices[key] = there.answer
			}
		default:
		}
	}
	b.unkept = false
	b.mu.Unlock()
	inner, err := json.Marshal(prices)
	if err != nil {
		return fmt.Errorf("keep prices: %w", err)
	}
	text, err := json.Marshal(sheet{Version: sheetVersion, Sum: sum(inner), Prices: inner})
	if err != nil {
		return fmt.Errorf("keep prices: %w", err)
	}
	if len(text) > maxSheet {
		return fmt.Errorf("keep prices: they take %d bytes, a cache holds %d; they will be asked for again", len(text), maxSheet)
	}
	if err := b.caches[0].Save(ctx, text); err != nil {
		return fmt.Errorf("keep prices: %w", err)
	}
	return nil
}

// File is a cache on the operator's disk.
type File string

// Load reads the file; one that does not exist holds nothing.
func (f File) Load(context.Context) ([]byte, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// Save writes the file beside the old one and puts it in its place, so that a reader sees one of them
// whole.
func (f File) Save(_ context.Context, text []byte) error {
	folder := filepath.Dir(string(f))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	half, err := os.CreateTemp(folder, ".prices-*")
	if err != nil {
		return err
	}
	_, err = half.Write(text)
	err = errors.Join(err, half.Sync(), half.Close())
	if err == nil {
		err = os.Rename(half.Name(), string(f))
	}
	if err != nil {
		return errors.Join(err, os.Remove(half.Name()))
	}
	return nil
}
