package snapshots

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
)

// seedTime is when everything in the seeds happened.
var seedTime = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)

// seeds are records as a run writes them, one of each class.
func seeds(f *testing.F) []Record {
	ref := killswitch.Ref{Account: "1", Region: "r", Kind: "a:b", ID: "i#1"}
	it := killswitch.Item{
		Resource: killswitch.Resource{Ref: ref, Tags: map[string]string{"k": "<ü>\u2028"}}, Order: 1,
		Original: killswitch.Original{Schema: 1, Data: []byte(`{"n":1}`)},
		State:    killswitch.State{Phase: killswitch.Paused, Order: 1, Reached: 1, Step: "stop", Left: killswitch.Fields{"State": "stopped"}},
	}
	pause := killswitch.Order{Seq: 1, Act: killswitch.Pause, Actor: "ann"}
	var records []Record
	for _, b := range []body{
		&Live{Account: "1", Snapshot: "s", Orders: []killswitch.Order{pause}, Regions: []string{"r"}, RegionsOrder: 1},
		&Header{Account: "1", Snapshot: "s", Opened: seedTime, Orders: []killswitch.Order{pause}, Counts: map[string]int{"resumed": 1}},
		&seen{Message: "m", Account: "1", Snapshot: "s", Order: pause, At: seedTime},
		&prices{Account: "1", At: seedTime, Sheet: []byte(`{"version":1}`)},
		&Lease{Snapshot: "s", Account: "1", Region: "r", Owner: "o", Generation: 1, End: seedTime},
		&coverage{"s", "r", Coverage{Kind: "a:b", Order: 1, Listed: true, Items: 1, Hash: CoverageHash([]string{"i#1"})}},
		&original{"s", it.Resource, 1, 1, it.Original.Data},
		&part{"s", ref, 1, "members", [3]int{1, 2, 3}, []byte(`["x"]`)},
		&state{"s", ref, 1, 1, it.State},
	} {
		record, err := encode(b)
		if err != nil {
			f.Fatal(err)
		}
		records = append(records, record)
	}
	return records
}

// empty is a value of the class that the key names; nil where it names none.
func empty(key Key) body {
	n, _ := parse(key)
	switch n.class {
	case liveClass:
		return &Live{}
	case headerClass:
		return &Header{}
	case seenClass:
		return &seen{}
	case pricesClass:
		return &prices{}
	case leaseClass:
		return &Lease{}
	case coverageClass:
		return &coverage{}
	case originalClass:
		return &original{}
	case partClass:
		return &part{}
	case stateClass:
		return &state{}
	}
	return nil
}

// FuzzRecord feeds any item to what reads items. What is read is written again as the same item, and
// is read under no other key. Half of the time the checksum is made right, so that the fuzzer gets past it.
func FuzzRecord(f *testing.F) {
	for _, r := range seeds(f) {
		f.Add(r.PK, r.SK, r.Version, r.Body, r.Checksum, r.Expires, false)
		f.Add(r.PK, r.SK, r.Version, r.Body, "", r.Expires, true)
		f.Add(r.PK, r.SK, r.Version, strings.Replace(r.Body, `"s"`, `"t"`, 1), "", r.Expires, true)
		f.Add(r.PK, r.SK, r.Version, strings.ToUpper(r.Body), "", r.Expires, true)
		f.Add(r.PK, r.SK, r.Version+1, r.Body+"{}", "", r.Expires, true)
	}
	f.Fuzz(func(t *testing.T, pk, sk string, version int, text, checksum string, expires int64, forge bool) {
		r := Record{Key: Key{pk, sk}, Version: version, Body: text, Checksum: checksum, Expires: expires}
		if forge {
			r.Checksum = r.sum()
		}
		b := empty(r.Key)
		if b == nil {
			return
		}
		if fault := decode(r, b); fault != nil {
			if fault.Why == "" || fault.Hint == "" || fault.PK != pk || fault.SK != sk {
				t.Errorf("a fault that does not say what, why and what to do: %+v", fault)
			}
			return
		}
		again, err := encode(b)
		if err != nil {
			t.Fatalf("%q is read, but cannot be written again: %v", text, err)
		}
		twin := empty(r.Key)
		if fault := decode(again, twin); fault != nil {
			t.Fatalf("%q is read, but not once written again: %v", text, fault)
		}
		if diff := cmp.Diff(b, twin); diff != "" || again.Key != r.Key || again.Expires != r.Expires {
			t.Fatalf("%q is another once it is written again, under %s:\n%s", text, again.Key, diff)
		}
		moved := r
		moved.SK += "1"
		if other := empty(moved.Key); other != nil && decode(moved, other) == nil {
			t.Fatalf("%s is read under %s too", r.Key, moved.Key)
		}
		moved.Checksum = moved.sum()
		if other := empty(moved.Key); other != nil && decode(moved, other) == nil {
			t.Fatalf("%s with a new checksum is read under %s too", r.Key, moved.Key)
		}
	})
}

// FuzzShard puts any body, with a checksum that is right, in the place of one of a shard's items.
// Nothing panics, neither in the reading nor in check; what does not come back as it was is a fault of
// somebody, and no item appears that the keys do not name.
func FuzzShard(f *testing.F) {
	for i, r := range seeds(f) {
		f.Add(i, r.SK, r.Body)
		f.Add(i, "ORIGINAL#a:b#i#2", r.Body)
		f.Add(i, "STATE#a:b#j", r.Body)
	}
	whole := seeds(f)
	f.Fuzz(func(t *testing.T, which int, sk, text string) {
		read := assemble(Lease{Account: "1", Snapshot: "s", Region: "r"})
		for i, r := range whole[3:] { // lease and all that follows are of the shard
			if i == max(which, -which)%5 {
				r.SK, r.Body = sk, text
				r.Checksum = r.sum()
			}
			read.add(r)
		}
		shard := read.whole()
		for _, it := range shard.Items {
			if !strings.Contains(sk, escape(it.Resource.Ref.ID)) && it.Resource.Ref.ID != "i#1" {
				t.Errorf("an item of %s, which no key names", it.Resource.Ref)
			}
			if it.Resource.Ref.Account != "1" || it.Resource.Ref.Region != "r" || it.Order < 1 || len(it.Original.Data) == 0 {
				t.Errorf("an item that is not of this shard, or has no original: %+v", it)
			}
		}
		header := Header{Account: "1", Snapshot: "s", Opened: seedTime, Orders: []killswitch.Order{{Seq: 1, Act: killswitch.Pause}}}
		for _, fault := range Check(Snapshot{Header: header, Shards: []Shard{shard}}, nil) {
			if fault.Why == "" || fault.Hint == "" || fault.SK == "" && sk != "" {
				t.Errorf("a fault that does not say what, why and what to do: %+v", fault)
			}
		}
	})
}
