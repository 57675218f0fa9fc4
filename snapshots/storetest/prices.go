package storetest

import (
	"testing"
	"time"
)

var priceTests = map[string]func(*testing.T, Subject){
	"prices come back byte for byte, and of two the last": func(t *testing.T, s Subject) {
		kept(t, s, account, "")
		for _, sheet := range []string{`{"version":1,"prices":{"a/b/c=d":{"usd":0.1}}}`, `{"version":1,"sum":"\u003cb\u003e"}`} {
			ok(t, "keep prices", s.Store.KeepPrices(t.Context(), account, []byte(sheet), time.Now()))
			kept(t, s, account, sheet)
		}
		kept(t, s, "444455556666", "")
	},
	"prices of two days ago are none": func(t *testing.T, s Subject) {
		ok(t, "keep prices", s.Store.KeepPrices(t.Context(), account, []byte(`{}`), time.Now().Add(-48*time.Hour)))
		kept(t, s, account, "")
	},
	"prices that were altered are none, and can be kept again": func(t *testing.T, s Subject) {
		ok(t, "keep prices", s.Store.KeepPrices(t.Context(), account, []byte(`{"version":1}`), time.Now()))
		alter(t, s, "PRICES#"+account, "PRICES", flip)
		kept(t, s, account, "")
		ok(t, "keep prices again", s.Store.KeepPrices(t.Context(), account, []byte(`{"version":2}`), time.Now()))
		kept(t, s, account, `{"version":2}`)
	},
	"prices are no part of a snapshot": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		before, err := s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "read", err)
		ok(t, "keep prices", s.Store.KeepPrices(t.Context(), account, []byte(`{}`), time.Now()))
		after, err := s.Store.Snapshot(t.Context(), account, live.Snapshot)
		ok(t, "read", err)
		equal(t, "the snapshot", after, before)
	},
	"no prices, what is no JSON, and what no item holds are not kept": func(t *testing.T, s Subject) {
		for _, sheet := range []string{"", "null", "{", string(make([]byte, 400<<10))} {
			if s.Store.KeepPrices(t.Context(), account, []byte(sheet), time.Now()) == nil {
				t.Errorf("%.10q was kept", sheet)
			}
		}
		kept(t, s, account, "")
	},
	"prices whose answer was lost are kept": func(t *testing.T, s Subject) {
		book, disturb := unsettled(s)
		disturb()
		ok(t, "keep prices", book.KeepPrices(t.Context(), account, []byte(`{}`), time.Now()))
		kept(t, s, account, "{}")
	},
}

func kept(t *testing.T, s Subject, account, want string) {
	t.Helper()
	got, err := s.Store.Prices(t.Context(), account)
	ok(t, "read the prices", err)
	equal(t, "prices", string(got), want)
}
