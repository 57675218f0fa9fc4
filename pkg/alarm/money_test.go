package alarm

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	tests := map[string]*Money{
		"$0.01":                       money("0.01", "USD"),
		"> $1,234.56":                 money("1234.56", "USD"),
		"$1,234":                      money("1234", "USD"),
		"$1,234,567":                  money("1234567", "USD"),
		"$1.234":                      money("1.234", "USD"),
		"$1234.5":                     money("1234.5", "USD"),
		"$.50":                        money("0.50", "USD"),
		"$007":                        money("7", "USD"),
		"$0":                          money("0", "USD"),
		"$0,123":                      money("0.123", "USD"),
		"US$ 12":                      money("12", "USD"),
		"USD $12.00":                  money("12.00", "USD"),
		"$12.00 CAD":                  money("12.00", "CAD"),
		"CA$12.00":                    money("12.00", "CAD"),
		"A$12.00":                     money("12.00", "AUD"),
		"R$ 1.234,56":                 money("1234.56", "BRL"),
		"€1.234,56":                   money("1234.56", "EUR"),
		"1.234.567,8 €":               money("1234567.8", "EUR"),
		"12,50 EUR":                   money("12.50", "EUR"),
		"1,234.56 EUR":                money("1234.56", "EUR"),
		"1 234,56 €":                  money("1234.56", "EUR"),
		"1\u202f234,56\u00a0€":        money("1234.56", "EUR"),
		"CHF 1'234.50":                money("1234.50", "CHF"),
		"GBP 12.00":                   money("12.00", "GBP"),
		"£12":                         money("12", "GBP"),
		"¥12,345":                     money("12345", "JPY"),
		"JPY 12.345":                  money("12345", "JPY"),
		"12345 JPY":                   money("12345", "JPY"),
		"CN¥12.00":                    money("12.00", "CNY"),
		"₹1,00,000.00":                money("100000.00", "INR"),
		"12,00 zł":                    money("12.00", "PLN"),
		"80%":                         money("80", "%"),
		"80 %":                        money("80", "%"),
		"> 80.5% ($80.00)":            money("80.5", "%"),
		"$80.00 (80% of your budget)": money("80.00", "USD"),
		"100 Hrs":                     money("100", "Hrs"),
		"10 GB-Month":                 money("10", "GB-Month"),
		"10":                          money("10", ""),
		"-$5.00":                      money("-5.00", "USD"),
		"$-5.00":                      money("-5.00", "USD"),
		"−5.00 €":                     money("-5.00", "EUR"),
		"USD -5.00":                   money("-5.00", "USD"),
		"$183,965,812,157.54":         money("183965812157.54", "USD"),
		"":                            nil,
		"unknown":                     nil,
		"$":                           nil,
		"%":                           nil,
		strings.Repeat("9", 41):       nil,
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			if d := cmp.Diff(want, parseMoney(text)); d != "" {
				t.Errorf("parseMoney(%q) differs (-want +got):\n%s", text, d)
			}
		})
	}
}

func TestMoneyOfJSON(t *testing.T) {
	tests := map[string]*Money{
		`104.31`:                              money("104.31", ""),
		`100.0`:                               money("100.0", ""),
		`1E+2`:                                money("100", ""),
		`-1.5e1`:                              money("-15", ""),
		`1e999`:                               nil,
		`1e300`:                               nil,
		`"` + strings.Repeat("1", 41) + `"`:   nil,
		`"1.234"`:                             money("1.234", ""),
		`"$1,234"`:                            money("1234", "USD"),
		`"80%"`:                               money("80", "%"),
		`"NaN"`:                               nil,
		`{"amount": "12", "unit": "JPY"}`:     money("12", "JPY"),
		`{"Amount": 12.5, "Currency": "EUR"}`: money("12.5", "EUR"),
		`{"value": "€12"}`:                    money("12", "EUR"),
		`{"unit": "USD"}`:                     nil,
		`null`:                                nil,
		`[1]`:                                 nil,
		`true`:                                nil,
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			v, ok := decode([]byte(text))
			if !ok {
				t.Fatal("not JSON")
			}
			if d := cmp.Diff(want, moneyOf(v)); d != "" {
				t.Errorf("moneyOf(%s) differs (-want +got):\n%s", text, d)
			}
		})
	}
}

func TestMoneyString(t *testing.T) {
	for want, m := range map[string]Money{"12.50 USD": {"12.50", "USD"}, "80%": {"80", "%"}, "7": {"7", ""}} {
		if got := m.String(); got != want {
			t.Errorf("%+v is written %q, want %q", m, got, want)
		}
	}
}

// However an amount is written, it is read as the same number.
func TestMoneyIsReadInEveryNotation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64Range(0, 1e15).Draw(t, "whole")
		cents := rapid.IntRange(0, 99).Draw(t, "cents")
		style := rapid.SampledFrom([]struct{ group, point, format, code string }{
			{",", ".", "$%s", "USD"}, {"", ".", "$%s", "USD"}, {",", ".", "%s EUR", "EUR"}, {".", ",", "€%s", "EUR"},
			{" ", ",", "%s €", "EUR"}, {"\u202f", ",", "%s €", "EUR"}, {"'", ".", "CHF %s", "CHF"}, {",", ".", "GBP %s", "GBP"},
		}).Draw(t, "style")
		digits := strconv.FormatInt(whole, 10)
		for i := len(digits) - 3; i > 0; i -= 3 {
			digits = digits[:i] + style.group + digits[i:]
		}
		text := fmt.Sprintf(style.format, fmt.Sprintf("%s%s%02d", digits, style.point, cents))
		want := money(fmt.Sprintf("%d.%02d", whole, cents), style.code)
		if d := cmp.Diff(want, parseMoney(text)); d != "" {
			t.Fatalf("parseMoney(%q) differs (-want +got):\n%s", text, d)
		}
	})
}
