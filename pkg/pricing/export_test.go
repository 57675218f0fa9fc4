package pricing

import (
	"encoding/json"
	"time"
)

// Aged is the text of a cache whose prices were learnt so much later than they say; a negative by makes
// them of a time to come.
func Aged(text []byte, by time.Duration) []byte {
	prices := open(text)
	for key, found := range prices {
		found.At = found.At.Add(-by)
		prices[key] = found
	}
	inner, _ := json.Marshal(prices)
	aged, _ := json.Marshal(sheet{Version: sheetVersion, Sum: sum(inner), Prices: inner})
	return aged
}
