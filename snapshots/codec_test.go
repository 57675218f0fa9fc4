package snapshots

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

// anyName draws names of every class whose parts are full of what keys are made of.
func anyName(t *rapid.T) name {
	text := rapid.StringOfN(rapid.OneOf(
		rapid.SampledFrom([]rune("#%\x00\n 25LIVE")), rapid.Rune(),
	), 1, 12, 40).Filter(utf8.ValidString)
	n := name{class: class(rapid.IntRange(int(liveClass), int(stateClass)).Draw(t, "class"))}
	draw := func(into *string, label string, classes ...class) {
		if slices.Contains(classes, n.class) {
			*into = text.Draw(t, label)
		}
	}
	kind := ""
	draw(&n.account, "account", liveClass, headerClass, pricesClass)
	draw(&n.message, "message", seenClass)
	draw(&n.snapshot, "snapshot", headerClass, leaseClass, coverageClass, originalClass, partClass, stateClass)
	draw(&n.region, "region", leaseClass, coverageClass, originalClass, partClass, stateClass)
	draw(&kind, "kind", coverageClass, originalClass, partClass, stateClass)
	draw(&n.id, "id", originalClass, partClass, stateClass)
	draw(&n.part, "part", partClass)
	n.kind = killswitch.Kind(kind)
	if n.class == originalClass || n.class == partClass {
		n.order = rapid.IntRange(1, 1000).Draw(t, "order")
	}
	return n
}

func TestEveryKeyReadsBackAsWhatItWasMadeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := anyName(t)
		if err := n.check(); err != nil {
			t.Fatal(err)
		}
		got, ok := parse(n.key())
		if !ok || got != n {
			t.Fatalf("%+v has the key %q, which reads as %+v, %v", n, n.key(), got, ok)
		}
	})
}

func TestDifferentNamesHaveDifferentKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyName(t), anyName(t)
		if (a == b) != (a.key() == b.key()) {
			t.Fatalf("%+v has the key %q and %+v has %q", a, a.key(), b, b.key())
		}
	})
}

func TestWhatIsNoKeyIsNotRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Key{rapid.String().Draw(t, "PK"), rapid.String().Draw(t, "SK")}
		if n, ok := parse(k); ok && n.key() != k {
			t.Fatalf("%q reads as %+v", k, n)
		}
	})
	for _, k := range []Key{
		{},
		{"ACCOUNT#1", ""},
		{"ACCOUNT#", "LIVE"},
		{"ACCOUNT#1#2", "LIVE"},
		{"ACCOUNT#1", "LEASE"},
		{"ACCOUNT#%31", "LIVE"}, // a digit needs no escape
		{"ACCOUNT#%2", "LIVE"},
		{"ACCOUNT#%zz", "LIVE"},
		{"SNAPSHOT#s#%2f", "LEASE"},
		{"SNAPSHOT#s", "LEASE"},
		{"SNAPSHOT#s#r", "ORIGINAL#k#i"},
		{"SNAPSHOT#s#r", "ORIGINAL#k#i#0"},
		{"SNAPSHOT#s#r", "ORIGINAL#k#i#-1"},
		{"SNAPSHOT#s#r", "ORIGINAL#k#i#01"},
		{"SNAPSHOT#s#r", "ORIGINAL#k#i#x"},
		{"SNAPSHOT#s#r", "PART#k#i#1#"},
		{"SNAPSHOT#s#r", "STATE#k#i#1"},
		{"SNAPSHOT#s#r", "NOTE"},
	} {
		if n, ok := parse(k); ok {
			t.Errorf("%q reads as %+v", k, n)
		}
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Filter(utf8.ValidString)
		ref := killswitch.Ref{
			Account: "1", Region: text.Filter(nonempty).Draw(t, "region"), Kind: "a:b",
			ID: text.Filter(nonempty).Draw(t, "id"),
		}
		was := state{
			Snapshot: "s", Ref: ref, Order: rapid.IntRange(1, 9).Draw(t, "order"), Parts: rapid.IntRange(0, 9).Draw(t, "parts"),
			State: killswitch.State{
				Phase: killswitch.Paused, Reason: text.Draw(t, "reason"),
				AttemptedAt: time.Unix(rapid.Int64Range(0, 1e10).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "ns")),
				Left:        rapid.MapOfN(text, text, 1, 3).Draw(t, "left"),
			},
		}
		record, err := encode(&was)
		if err != nil {
			t.Fatal(err)
		}
		var is state
		if fault := decode(record, &is); fault != nil {
			t.Fatal(fault)
		}
		if diff := cmp.Diff(was, is); diff != "" {
			t.Fatal(diff)
		}
	})
}

func nonempty(text string) bool { return text != "" && len(text) < 100 }

// forged is a record whose checksum is right although its content is not.
func forged(key Key, body string) Record {
	r := Record{Key: key, Version: Version, Body: body}
	r.Checksum = r.sum()
	return r
}

func TestContentThatIsNotWhatItShouldBeIsAFault(t *testing.T) {
	shard := shardPK("s", "r")
	for why, test := range map[string]struct {
		record Record
		into   body
	}{
		"cannot be read: json: unknown field": {forged(Key{shard, "LEASE"}, `{"snapshot":"s","region":"r","generation":1,"more":1}`), &Lease{}},
		"cannot be read: json: cannot":        {forged(Key{shard, "LEASE"}, `{"generation":"one"}`), &Lease{}},
		"goes on after its end":               {forged(Key{shard, "LEASE"}, `{"snapshot":"s","region":"r","generation":1} {}`), &Lease{}},
		"without a generation":                {forged(Key{shard, "LEASE"}, `{"snapshot":"s","region":"r","generation":0}`), &Lease{}},
		"its key and its body disagree":       {forged(Key{shard, "LEASE"}, `{"snapshot":"s","region":"other","generation":1}`), &Lease{}},
		"names no snapshot":                   {forged(Key{"ACCOUNT#1", "LIVE"}, `{"account":"1"}`), &Live{}},
		"has no order":                        {forged(Key{"ACCOUNT#1", "LIVE"}, `{"account":"1","snapshot":"s"}`), &Live{}},
		"order number 2 is numbered 3":        {forged(Key{"ACCOUNT#1", "LIVE"}, `{"account":"1","snapshot":"s","orders":[{"seq":1,"act":"pause"},{"seq":3}]}`), &Live{}},
		"order number 1 is to \"stop\"":       {forged(Key{"ACCOUNT#1", "LIVE"}, `{"account":"1","snapshot":"s","orders":[{"seq":1,"act":"stop"}]}`), &Live{}},
		"regions are those of order 7":        {forged(Key{"ACCOUNT#1", "LIVE"}, `{"account":"1","snapshot":"s","orders":[{"seq":1,"act":"pause"}],"regionsOrder":7}`), &Live{}},
		"a field of its body is missing":      {forged(Key{shard, "LEASE"}, `{"snapshot":"s","account":"1","region":"r","generation":1}`), &Lease{}},
		"a lease of beat -1":                  {forged(Key{shard, "LEASE"}, `{"snapshot":"s","account":"1","region":"r","generation":1,"beat":-1}`), &Lease{}},
		"it counts -1 resources":              {forged(Key{shard, "COVERAGE#a:b"}, `{"snapshot":"s","region":"r","kind":"a:b","count":-1}`), &coverage{}},
		"does not say when the snapshot":      {forged(Key{"ACCOUNT#1", "SNAPSHOT#s"}, `{"account":"1","snapshot":"s","orders":[{"seq":1}]}`), &Header{}},
		"does not say when the message":       {forged(Key{"ALARM#m", "SEEN"}, `{"message":"m"}`), &seen{}},
		"an original without its resource":    {forged(Key{shard, "ORIGINAL#a:b#i#1"}, `{"snapshot":"s","order":1,"data":{}}`), &original{}},
		"AmazonEC2/r/a=b: the quantity is -1": {forged(Key{shard, "ORIGINAL#a:b#i#1"}, `{"snapshot":"s","order":1,"schema":0,"resource":{"ref":{"account":"","region":"r","kind":"a:b","id":"i"},"uses":[{"product":"AmazonEC2/r/a=b","quantity":-1}]},"data":{}}`), &original{}},
		"want service/region/attributes":      {forged(Key{shard, "ORIGINAL#a:b#i#1"}, `{"snapshot":"s","order":1,"schema":0,"resource":{"ref":{"account":"","region":"r","kind":"a:b","id":"i"},"uses":[{"product":"AmazonEC2","quantity":1}]},"data":{}}`), &original{}},
		"an original without content":         {forged(Key{shard, "ORIGINAL#a:b#i#1"}, `{"snapshot":"s","order":1,"resource":{"ref":{"id":"i"}},"data":null}`), &original{}},
		"a state that belongs to no original": {forged(Key{shard, "STATE#a:b#i"}, `{"snapshot":"s","ref":{"id":"i"}}`), &state{}},
	} {
		fault := decode(test.record, test.into)
		if fault == nil || !strings.Contains(fault.Why, why) {
			t.Errorf("%s: got %v, want a fault that says %q", test.record.Body, fault, why)
		}
	}
}

func TestIDsSortByTimeAndDependOnEntropy(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 15, 0, 999, time.FixedZone("", 3600))
	id := NewID(at, "a")
	if want := "20261123T091500Z-"; !strings.HasPrefix(id, want) || len(id) != len(want)+6 {
		t.Errorf("got %s, want %s and six more", id, want)
	}
	if id != NewID(at, "a") || id == NewID(at, "b") {
		t.Errorf("%s is not that of its entropy alone", id)
	}
	if later := NewID(at.Add(time.Second), "a"); later <= id {
		t.Errorf("%s sorts before %s", later, id)
	}
}

func TestTheHashOfACoverageIsOfASet(t *testing.T) {
	ids := []string{"b", "a"}
	if CoverageHash(ids) != CoverageHash([]string{"a", "b"}) {
		t.Error("it depends on the order")
	}
	if ids[0] != "b" {
		t.Error("it sorts what it was given")
	}
	distinct := map[string][]string{}
	for _, ids := range [][]string{nil, {""}, {"a"}, {"ab"}, {"a", "b"}, {"a", "b", ""}, {"a", "bc"}, {"ab", "c"}} {
		hash := CoverageHash(ids)
		if other, ok := distinct[hash]; ok {
			t.Errorf("%q and %q have one hash", ids, other)
		}
		distinct[hash] = ids
	}
}

func TestSizeIsWhatARecordTakes(t *testing.T) {
	it := killswitch.Item{
		Resource: killswitch.Resource{Ref: killswitch.Ref{Account: "111122223333", Region: "ap-southeast-2", Kind: "a:b", ID: "i#1"}},
		Order:    1, Original: killswitch.Original{Schema: 1, Data: fmt.Appendf(nil, "%q", strings.Repeat("<ü>", 100))},
	}
	lease := &Lease{Snapshot: NewID(time.Now(), ""), Account: "111122223333", Region: "ap-southeast-2", Generation: 1, Beat: 1}
	for what, change := range map[string]Change{
		"original": {Original: &it},
		"state":    {State: &it},
		"part":     {Part: &PartOf{it.Resource.Ref, 1, killswitch.Part{Name: "p", Data: []byte(`1`)}}},
		"coverage": {Coverage: &Coverage{Kind: "a:b", Order: 1}},
	} {
		record, err := change.record(lease, 0)
		if err != nil {
			t.Fatal(err)
		}
		if size, takes := Size(change), record.Size(); size < takes || size > takes+64 {
			t.Errorf("%s: %d bytes, and it takes %d", what, size, takes)
		}
	}
	if size := Size(Change{}); size != 0 {
		t.Errorf("a change that cannot be stored takes %d bytes", size)
	}
}
