package awserr

import "testing"

// TestCodesArePlainAndUnique: a code that is in two classes, or is written with the suffix that
// plain takes off, would silently mean something else.
func TestCodesArePlainAndUnique(t *testing.T) {
	lists := 0
	for _, codes := range codesByClass {
		lists += len(codes)
		for _, code := range codes {
			if plain(code) != code {
				t.Errorf("%s is never found: write %s", code, plain(code))
			}
		}
	}
	if lists != len(classes) {
		t.Errorf("%d codes in the lists, %d different ones", lists, len(classes))
	}
	for code := range hints {
		if _, ok := classes[code]; !ok {
			t.Errorf("the hint for %s belongs to no code", code)
		}
	}
}
