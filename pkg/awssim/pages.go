package awssim

import (
	"encoding/base64"
	"reflect"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// tokenMark begins every page token, so that a caller's invention is told from ours.
const tokenMark = "after "

// pageAfter cuts one page out of a listing that is sorted by key: at most size elements of those
// after the given key, and the token for what follows, nil at the end. A token stands for a place
// and not for a number, so a listing that changes between two pages loses nothing else.
func pageAfter[T any](all []T, after string, size int, key func(T) string) (page []T, next *string) {
	page = all
	if after != "" {
		page = all[sort.Search(len(all), func(i int) bool { return key(all[i]) > after }):]
	}
	if len(page) > size {
		page = page[:size]
		next = aws.String(base64.StdEncoding.EncodeToString([]byte(tokenMark + key(page[size-1]))))
	}
	return page, next
}

// most is how many elements a page of that size gets: fewer where the account's pages are short.
func (c *call) most(size int) int {
	if short := c.account.shortPages; short > 0 {
		return min(size, short)
	}
	return size
}

// afterToken is the key in a token; ok is false when it is not one of ours.
func afterToken(token *string) (after string, ok bool) {
	if token == nil {
		return "", true
	}
	text, err := base64.StdEncoding.DecodeString(*token)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(text), tokenMark)
}

// differentField names the first exported field in which two inputs differ, "" if none does: what a
// caller has set beyond what the account models.
func differentField[T any](given, modelled T) string {
	x, y := reflect.ValueOf(given), reflect.ValueOf(modelled)
	for i := range x.NumField() {
		if f := x.Type().Field(i); f.IsExported() && !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			return f.Name
		}
	}
	return ""
}
