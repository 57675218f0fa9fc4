package trigger

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/report"
	"aws-hit-breaks/pkg/report/reporttest"
)

// lambdaTakes is how many bytes of an answer Lambda takes.
const lambdaTakes = 6 << 20

// encoded is what Lambda gets, which has to take it.
func encoded(t *testing.T, a Answer) []byte {
	t.Helper()
	text, err := a.Encode()
	if err != nil || len(text) > lambdaTakes || !json.Valid(text) {
		t.Fatalf("Lambda takes no answer of %d bytes: %v", len(text), err)
	}
	return text
}

func decoded(t *testing.T, text []byte) Answer {
	t.Helper()
	a, err := DecodeAnswer(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func plain(t *testing.T, a Answer) []byte {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestAnswerThatScriptsRead is as it was before any was compressed.
func TestAnswerThatScriptsRead(t *testing.T) {
	r := reporttest.Paused(10000)
	a := Answer{Report: r, Snapshot: r.Snapshot, Order: 1, Notice: []string{"look"}}
	text := encoded(t, a)
	if !bytes.Equal(text, plain(t, a)) {
		t.Errorf("it is not the plain JSON: %.200s", text)
	}
	if diff := cmp.Diff(a, decoded(t, text)); diff != "" {
		t.Error(diff)
	}
}

// TestAnswerOfALargeAccount: what Lambda would not take as it is arrives whole, from accounts as large as the
// brake is built for.
func TestAnswerOfALargeAccount(t *testing.T) {
	for _, n := range []int{25_000, 100_000} {
		r := reporttest.Paused(n)
		a := Answer{Report: r, Snapshot: r.Snapshot, Order: 1}
		if n := len(plain(t, a)); n <= lambdaTakes {
			t.Fatalf("its JSON has %d bytes: the test does not test what it says", n)
		}
		if got := decoded(t, encoded(t, a)); !reflect.DeepEqual(a, got) { // cmp would take its time
			t.Errorf("%d of %d resources arrive, and the notices %q", len(got.Report.Resources), n, got.Notice)
		}
	}
}

// TestAnswerThatIsTooLargeAllTheSame says so, and has everything that does not grow with the account.
func TestAnswerThatIsTooLargeAllTheSame(t *testing.T) {
	noise := make([]byte, 60<<10)
	draw := rand.NewChaCha8([32]byte{})
	r := reporttest.Paused(100)
	for i := range r.Resources {
		_, _ = draw.Read(noise)
		r.Resources[i].Reason = base64.StdEncoding.EncodeToString(noise)
	}
	r.Problems = []report.Problem{{Item: "x", Why: "y"}}
	for name, tt := range map[string]struct {
		dryRun bool
		says   string
	}{
		"of what is stored": {false, "`aws-hit-breaks snapshots show " + r.Snapshot + "` lists them"},
		"of a plan":         {true, "--local"},
	} {
		t.Run(name, func(t *testing.T) {
			a := Answer{Report: r, Snapshot: r.Snapshot, Order: 7, DryRun: tt.dryRun, Notice: []string{"look"}}
			got := decoded(t, encoded(t, a))
			if len(got.Notice) != 2 || !strings.Contains(got.Notice[1], tt.says) {
				t.Errorf("its notices are %q, and none says %s", got.Notice, tt.says)
			}
			want := a
			want.Short, want.Notice = true, got.Notice
			want.Report.Resources, want.Report.Problems = []report.Resource{}, []report.Problem{}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if len(a.Report.Resources) != 100 || len(a.Notice) != 1 {
				t.Error("the answer itself was changed")
			}
		})
	}
}

// TestAnswerArrives: whatever is in it and whatever the limit, an answer arrives as its JSON has it, or is short.
func TestAnswerArrives(t *testing.T) {
	forms := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		a := Answer{
			Report: reporttest.Report().Draw(t, "report"), Snapshot: reporttest.Text().Draw(t, "snapshot"), Order: rapid.IntRange(0, 9).Draw(t, "order"),
			DryRun: rapid.Bool().Draw(t, "dry run"), Ignored: reporttest.Text().Draw(t, "ignored"),
			Notice: rapid.SliceOfN(reporttest.Text(), 0, 3).Draw(t, "notice"),
		}
		limit := rapid.IntRange(0, 4000).Draw(t, "limit")
		text, err := a.encode(limit)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeAnswer(text)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case got.Short:
			forms["short"]++
			if len(asJSON) <= limit {
				t.Fatalf("%d bytes are short where %d are allowed", len(asJSON), limit)
			}
			if diff := cmp.Diff(a.Report.Summary, got.Report.Summary); diff != "" {
				t.Fatal(diff)
			}
			return
		case len(text) > limit:
			t.Fatalf("%d bytes where %d are allowed", len(text), limit)
		case bytes.HasPrefix(text, []byte(`{"gzip":`)):
			forms["compressed"]++
		default:
			forms["plain"]++
		}
		var want Answer // texts that are no UTF-8 are others in any JSON
		if err := json.Unmarshal(asJSON, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
	if len(forms) < 3 {
		t.Errorf("only %v were drawn", forms)
	}
}

func TestAnswerThatCannotBeRead(t *testing.T) {
	gzipped := func(text []byte) []byte {
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		_, _ = z.Write(text) // into memory: never fails
		_ = z.Close()
		return small.Bytes()
	}
	whole := gzipped([]byte(`{"order":1}`))
	if a := decoded(t, payload(t, whole)); a.Order != 1 {
		t.Fatalf("what the cases below are made of is read as %+v", a)
	}
	// After what is too much comes what is no gzip: who reads on complains of that.
	bomb := append(gzipped(make([]byte, largestInflated+1<<20)), "pause"...)
	for name, tt := range map[string]struct {
		text []byte
		says string
	}{
		"no JSON":                   {[]byte("pause"), "invalid character"},
		"an answer of another kind": {[]byte(`{"order":"first"}`), "cannot unmarshal"},
		"what is no gzip":           {payload(t, []byte("pause")), "decompress it"},
		"nothing compressed":        {[]byte(`{"gzip":""}`), "decompress it"},
		"half of it":                {payload(t, whole[:len(whole)/2]), "decompress it: unexpected EOF"},
		"with a wrong sum":          {payload(t, append(whole[:len(whole)-8:len(whole)-8], make([]byte, 8)...)), "decompress it: gzip: invalid checksum"},
		"no JSON in it":             {payload(t, gzipped([]byte("pause"))), "invalid character"},
		"a bomb":                    {payload(t, bomb), "it holds more than 134217728 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := DecodeAnswer(tt.text); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%+v, error %v, want one of %q", a, err, tt.says)
			}
		})
	}
}

// payload is a payload that says it is compressed.
func payload(t *testing.T, gzipped []byte) []byte {
	t.Helper()
	text, err := json.Marshal(compressed{gzipped})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
