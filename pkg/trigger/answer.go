package trigger

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"

	"aws-hit-breaks/pkg/report"
)

const (
	// largestAnswer is how many bytes a function answers with at most. Lambda takes 6 MB
	// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and an invocation whose
	// answer is larger has failed, after all its work was done. Compressed, the answer of 100,000 resources has
	// 2 to 5 MB.
	largestAnswer = 6_000_000
	// largestInflated is how many bytes of JSON a compressed answer holds at most: four times what 100,000
	// resources take, and little enough for whoever reads an answer that he does not trust.
	largestInflated = 128 << 20
)

// compressed is an answer whose JSON would be too large.
type compressed struct {
	Gzip []byte `json:"gzip"` // of that JSON
}

// Encode writes the answer as a function gives it: as JSON, compressed where that is too large. What is too
// large even then gives no resources, and says so.
func (a Answer) Encode() ([]byte, error) { return a.encode(largestAnswer) }

func (a Answer) encode(largest int) ([]byte, error) {
	plain, err := json.Marshal(a)
	if err != nil || len(plain) <= largest {
		return plain, err
	}
	if len(plain) <= largestInflated {
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		_, _ = z.Write(plain) // into memory: never fails
		_ = z.Close()
		if text, err := json.Marshal(compressed{small.Bytes()}); err != nil || len(text) <= largest {
			return text, err
		}
	}
	return json.Marshal(a.short())
}

// short is the answer without the lists that grow with the account: what is left in it, AWS, the store and
// mostResiduals keep small. The summary is that of all.
func (a Answer) short() Answer {
	a.Short = true
	a.Report.Resources, a.Report.Problems = []report.Resource{}, []report.Problem{}
	where := "`aws-hit-breaks snapshots show " + a.Snapshot + "` lists them"
	if a.DryRun {
		where = "narrow the plan, by --region for one, or add --local"
	}
	a.notice("this answer has no resources, since all of them are more than Lambda lets a function answer: %s", where)
	return a
}

// DecodeAnswer reads what Encode wrote.
func DecodeAnswer(text []byte) (Answer, error) {
	var in struct {
		Answer
		compressed
	}
	if err := json.Unmarshal(text, &in); err != nil || in.Gzip == nil {
		return in.Answer, err
	}
	z, err := gzip.NewReader(bytes.NewReader(in.Gzip))
	if err != nil {
		return Answer{}, fmt.Errorf("decompress it: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, largestInflated+1))
	if err != nil {
		return Answer{}, fmt.Errorf("decompress it: %w", err)
	}
	if len(plain) > largestInflated {
		return Answer{}, fmt.Errorf("decompress it: it holds more than %d bytes, which no function answers with", largestInflated)
	}
	var answer Answer
	err = json.Unmarshal(plain, &answer)
	return answer, err
}
