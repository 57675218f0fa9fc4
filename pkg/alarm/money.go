package alarm

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// Money is an amount as a message gives it.
type Money struct {
	Value    string // decimal, without separators: "1234.56"
	Currency string // ISO code, "%", a unit of usage such as "Hrs", or empty where none is given
}

// String writes "1234.56 USD" or "80%".
func (m Money) String() string {
	switch m.Currency {
	case "", "%":
		return m.Value + m.Currency
	}
	return m.Value + " " + m.Currency
}

// exceeds says whether the amount is more than so many times another, which must be positive.
func (m Money) exceeds(other Money, times int64) bool {
	much, ok := new(big.Rat).SetString(m.Value)
	limit, fine := new(big.Rat).SetString(other.Value)
	return ok && fine && limit.Sign() > 0 && much.Cmp(limit.Mul(limit, big.NewRat(times, 1))) > 0
}

// rung is the amount in a form in which equal amounts are equal: 80.00 is 80.
func (m *Money) rung() string {
	if m == nil {
		return ""
	}
	value := m.Value
	if strings.Contains(value, ".") {
		value = strings.TrimRight(strings.TrimRight(value, "0"), ".")
	}
	return value + m.Currency
}

// symbols are the currency signs, a longer one before those it ends in. A bare $ is the US dollar,
// which Budgets means by it.
var symbols = []struct{ sign, code string }{
	{"US$", "USD"}, {"CA$", "CAD"}, {"AU$", "AUD"}, {"NZ$", "NZD"}, {"HK$", "HKD"}, {"SG$", "SGD"}, {"NT$", "TWD"},
	{"MX$", "MXN"}, {"R$", "BRL"}, {"C$", "CAD"}, {"A$", "AUD"}, {"S$", "SGD"}, {"CN¥", "CNY"}, {"JP¥", "JPY"},
	{"$", "USD"}, {"€", "EUR"}, {"£", "GBP"}, {"¥", "JPY"}, {"￥", "JPY"}, {"₹", "INR"}, {"₩", "KRW"}, {"₪", "ILS"}, {"zł", "PLN"},
}

// mostDigits is the length of the longest number that is taken for an amount.
const mostDigits = 40

// wholeCurrencies have no decimals, so that a dot before three digits groups thousands.
var wholeCurrencies = map[string]bool{"JPY": true, "KRW": true, "CLP": true, "VND": true, "IDR": true}

var (
	// number: digits in groups that dots, commas, apostrophes or single spaces divide.
	number = lazily(`\d+(?:[.,'’]\d+)*(?: \d{3}\b(?:[.,'’]\d+)*)*|[.,]\d+`)
	code   = lazily(`(?:^|[^A-Za-z])([A-Z]{3})\W*$`)
	minus  = lazily(`[-−][A-Z]{0,3}[$€£¥￥₹₩₪]?$`)
	unit   = lazily(`^ ?(%|[A-Za-z][A-Za-z-]{0,19})`)
)

// parseMoney reads the first amount of a text, such as "> $1,234.56", "1.234,56 €", "GBP 12.00" or
// "80%", or gives nil where there is none.
func parseMoney(text string) *Money {
	text = spaces.Replace(text)
	at := number().FindStringIndex(text)
	if at == nil || at[1]-at[0] > mostDigits {
		return nil
	}
	before, digits, after := text[:at[0]], text[at[0]:at[1]], text[at[1]:]
	m := &Money{Currency: currency(before, after)}
	m.Value = decimal(digits, m.Currency)
	if minus().MatchString(before) {
		m.Value = "-" + m.Value
	}
	return m
}

// spaces makes every kind of space a plain one.
var spaces = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "\u2007", " ", "\t", " ")

// currency is the ISO code or the unit of a number from what stands around it.
func currency(before, after string) string {
	if m := code().FindStringSubmatch(before); m != nil {
		return m[1]
	}
	first := unit().FindStringSubmatch(after)
	if first != nil && len(first[1]) == 3 && strings.ToUpper(first[1]) == first[1] {
		return first[1]
	}
	before = strings.TrimRight(before, " -−")
	after = strings.TrimLeft(after, " ")
	for _, s := range symbols {
		if strings.HasSuffix(before, s.sign) || strings.HasPrefix(after, s.sign) {
			return s.code
		}
	}
	if first != nil {
		return first[1]
	}
	return ""
}

// decimal takes the separators out of digits and writes the decimal point as a dot. Of two kinds of
// separators the last is the decimal one; one kind alone groups where it is repeated, and else is
// read as English does, since Budgets writes English: a comma before three digits groups, a dot
// does not, unless the currency has no decimals.
func decimal(digits, currency string) string {
	digits = strings.NewReplacer(" ", "", "'", "", "’", "").Replace(digits)
	dot, comma := strings.LastIndexByte(digits, '.'), strings.LastIndexByte(digits, ',')
	point := max(dot, comma)
	if point >= 0 && (dot < 0 || comma < 0) {
		repeated := strings.Count(digits, digits[point:point+1]) > 1
		three := len(digits)-point-1 == 3 && digits[:point] != "0"
		if repeated || three && (comma >= 0 || wholeCurrencies[currency]) {
			point = -1
		}
	}
	whole, fraction := digits, ""
	if point >= 0 {
		whole, fraction = digits[:point], digits[point+1:]
	}
	whole = strings.TrimLeft(strings.NewReplacer(".", "", ",", "").Replace(whole), "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

// moneyOf reads an amount from JSON: a number, a text, or an object with amount and unit.
func moneyOf(v any) *Money {
	switch v := v.(type) {
	case json.Number:
		if value, ok := plainNumber(v); ok {
			return &Money{Value: value}
		}
	case string:
		if jsonNumber().MatchString(v) { // in JSON "1.234" is no thousand in any currency
			return moneyOf(json.Number(v))
		}
		return parseMoney(v)
	case map[string]any:
		o := asObject(v)
		for _, key := range []string{"amount", "value"} {
			if m := moneyOf(o[key]); m != nil {
				if u := strings.TrimSpace(o.text("unit") + o.text("currency")); u != "" && len(u) <= 20 {
					m.Currency = u
				}
				return m
			}
		}
	}
	return nil
}

var jsonNumber = lazily(`^-?\d+(\.\d+)?([eE][+-]?\d+)?$`)

// plainNumber writes a JSON number without an exponent.
func plainNumber(n json.Number) (string, bool) {
	text := n.String()
	if strings.ContainsAny(text, "eE") {
		f, err := n.Float64()
		if err != nil {
			return "", false
		}
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return text, len(text) <= mostDigits
}
