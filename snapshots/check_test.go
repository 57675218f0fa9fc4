package snapshots_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/storetest"
)

const (
	account = "111122223333"
	here    = "eu-west-1"
	there   = "us-east-1"
)

var day = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)

// declared has two kinds; of a group nothing is right but the content of the tests.
var declared = map[killswitch.Kind]killswitch.Declaration{
	killswitch.EC2Instance: {Kind: killswitch.EC2Instance, Schema: 1},
	killswitch.AutoScalingGroup: {
		Kind: killswitch.AutoScalingGroup, Schema: 2,
		Check: func(original killswitch.Original, parts []killswitch.Part) error {
			if string(original.Data) != `{"size":2}` || len(parts) != 1 || string(parts[0].Data) != `["i-1"]` {
				return errors.New("not a group")
			}
			return nil
		},
	},
}

func item(region string, kind killswitch.Kind, id, original string, schema int) killswitch.Item {
	return killswitch.Item{
		Resource: killswitch.Resource{Ref: killswitch.Ref{Account: account, Region: region, Kind: kind, ID: id}},
		Order:    1, Original: killswitch.Original{Schema: schema, Data: []byte(original)},
		State: killswitch.State{Phase: killswitch.Resumed, Order: 2, Reached: 2},
	}
}

// emergency gives a pause and a resume, and records two regions with a group and two instances each.
func emergency(t testing.TB, book *snapshots.Book) *snapshots.Live {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := book.Give(ctx, account, killswitch.Order{Act: killswitch.Pause, Actor: "alarm", At: day}, "")
	must(err)
	given, err := book.Give(ctx, account, killswitch.Order{Act: killswitch.Resume, Actor: "anna", At: day.Add(time.Hour)}, "")
	must(err)
	live := given.Live
	must(book.AddRegions(ctx, live, []string{here, there}))
	for _, region := range live.Regions {
		lease, err := book.Acquire(ctx, live, region, "run-"+region, time.Hour, nil)
		must(err)
		group := item(region, killswitch.AutoScalingGroup, "group", `{"size":2}`, 2)
		members := killswitch.Part{Name: "members", Data: []byte(`["i-1"]`)}
		changes := []snapshots.Change{
			{Original: &group},
			{Part: &snapshots.PartOf{Ref: group.Resource.Ref, Order: 1, Part: members}},
			{Coverage: cover(killswitch.AutoScalingGroup, "group")},
			{Coverage: cover(killswitch.EC2Instance, "i-1", "i-2")},
		}
		withParts := group
		withParts.Parts = []killswitch.Part{members}
		changes = append(changes, snapshots.Change{State: &withParts})
		for _, id := range []string{"i-1", "i-2"} {
			it := item(region, killswitch.EC2Instance, id, `{"state":"running"}`, 1)
			changes = append(changes, snapshots.Change{Original: &it}, snapshots.Change{State: &it})
		}
		must(book.Write(ctx, &lease, time.Hour, changes))
		must(book.Release(ctx, &lease))
	}
	return live
}

func cover(kind killswitch.Kind, ids ...string) *snapshots.Coverage {
	return &snapshots.Coverage{
		Kind: kind, Order: 1, Listed: true, At: day, Count: 9, Items: len(ids), Hash: snapshots.CoverageHash(ids),
	}
}

// stored is a table with a closed and a live snapshot of the same resources.
func stored(t testing.TB) (table *storetest.Memory, book *snapshots.Book, ids [2]string) {
	t.Helper()
	table = &storetest.Memory{}
	book = snapshots.NewBook(table)
	closed := emergency(t, book)
	if err := book.Close(t.Context(), closed, day.Add(2*time.Hour), map[string]int{"resumed": 6}); err != nil {
		t.Fatal(err)
	}
	return table, book, [2]string{closed.Snapshot, emergency(t, book).Snapshot}
}

func read(t testing.TB, book *snapshots.Book, id string) snapshots.Snapshot {
	t.Helper()
	s, err := book.Snapshot(t.Context(), account, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNothingIsWrongWithAWholeSnapshot(t *testing.T) {
	_, book, ids := stored(t)
	for _, id := range ids {
		if faults := snapshots.Check(read(t, book, id), declared); len(faults) > 0 {
			t.Errorf("%s: %v", id, faults)
		}
	}
}

// of says whether a record is one that a snapshot is made of.
func of(r snapshots.Record, id string, live bool) bool {
	return strings.Contains(r.PK, id) || strings.Contains(r.SK, id) || live && r.SK == "LIVE"
}

// found fails unless the damage to the snapshot is named, or the snapshot is not there any more.
func found(t testing.TB, book *snapshots.Book, id, damage string) {
	t.Helper()
	s, err := book.Snapshot(t.Context(), account, id)
	if errors.Is(err, snapshots.ErrNoSnapshot) {
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", damage, err)
	}
	faults := snapshots.Check(s, declared)
	if len(faults) == 0 {
		t.Fatalf("%s: nothing was found", damage)
	}
	for _, f := range faults {
		if f.PK == "" || f.SK == "" || f.Why == "" || f.Hint == "" {
			t.Errorf("%s: found %+v, want all of it said", damage, f)
		}
	}
}

func TestEveryDamageToARecordIsFound(t *testing.T) {
	whole, book, ids := stored(t)
	records := whole.All()
	replace := func(was snapshots.Record, is *snapshots.Record) {
		t.Helper()
		swaps := []snapshots.Swap{{Key: was.Key, Put: is}}
		if is != nil && is.Key != was.Key {
			swaps = []snapshots.Swap{{Key: was.Key}, {Key: is.Key, Put: is}}
		}
		if err := whole.Commit(t.Context(), swaps); err != nil {
			t.Fatal(err)
		}
	}
	damages := map[string]func(*snapshots.Record){
		"body gone":         func(r *snapshots.Record) { r.Body = "" },
		"body another":      func(r *snapshots.Record) { r.Body = "{}" },
		"body cut":          func(r *snapshots.Record) { r.Body = r.Body[:len(r.Body)/2] },
		"checksum gone":     func(r *snapshots.Record) { r.Checksum = "" },
		"checksum another":  func(r *snapshots.Record) { r.Checksum = strings.Repeat("0", len(r.Checksum)) },
		"version gone":      func(r *snapshots.Record) { r.Version = 0 },
		"version newer":     func(r *snapshots.Record) { r.Version++ },
		"version below one": func(r *snapshots.Record) { r.Version = -1 },
		"expires":           func(r *snapshots.Record) { r.Expires = day.Unix() },
		"another SK":        func(r *snapshots.Record) { r.SK += "x" },
		"another PK":        func(r *snapshots.Record) { r.PK += "x" },
	}
	for i, id := range ids {
		for _, r := range records {
			if !of(r, id, i == 1) {
				continue
			}
			for name, damage := range damages {
				damaged := r
				damage(&damaged)
				replace(r, &damaged)
				found(t, book, id, fmt.Sprintf("%s: %s", r.Key, name))
				replace(damaged, &r)
			}
			replace(r, nil)
			found(t, book, id, fmt.Sprintf("%s: removed", r.Key))
			replace(r, &r)
			for _, other := range records { // of the same class, elsewhere
				if other.SK != r.SK || other.PK == r.PK {
					continue
				}
				foreign := other
				foreign.Key = r.Key
				replace(r, &foreign)
				found(t, book, id, fmt.Sprintf("%s: that of %s", r.Key, other.Key))
				replace(foreign, &r)
			}
		}
		if faults := snapshots.Check(read(t, book, id), declared); len(faults) > 0 {
			t.Fatalf("the test did not put back what it damaged: %v", faults)
		}
	}
}

func TestAnyDamageIsFound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		table, book, ids := stored(t)
		which := rapid.IntRange(0, 1).Draw(r, "snapshot")
		var records []snapshots.Record
		for _, record := range table.All() {
			if of(record, ids[which], which == 1) {
				records = append(records, record)
			}
		}
		// Up to three records lose something.
		damaged := rapid.SliceOfNDistinct(rapid.IntRange(0, len(records)-1), 1, 3, rapid.ID[int]).Draw(r, "records")
		for _, i := range damaged {
			record := records[i]
			swap := snapshots.Swap{Key: record.Key, Put: &record}
			field := rapid.SampledFrom([]*string{&record.Body, &record.Checksum, nil}).Draw(r, "field")
			if field == nil {
				swap.Put = nil
			} else {
				text := []byte(*field)
				text[rapid.IntRange(0, len(text)-1).Draw(r, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
				*field = string(text)
			}
			if err := table.Commit(t.Context(), []snapshots.Swap{swap}); err != nil {
				r.Fatal(err)
			}
		}
		found(t, book, ids[which], fmt.Sprint(damaged))
	})
}

func TestWhatDoesNotFitTogetherIsFound(t *testing.T) {
	_, book, ids := stored(t)
	first := func(s *snapshots.Snapshot) *killswitch.Item { return &s.Shards[0].Items[0] }
	tests := map[string]struct {
		live bool
		edit func(*snapshots.Snapshot)
		want string // "SK: why"; empty for nothing
	}{
		"never closed":    {false, func(s *snapshots.Snapshot) { s.Header.Closed = time.Time{} }, "LIVE: missing, or of another snapshot"},
		"another is live": {true, func(s *snapshots.Snapshot) { s.Live.Snapshot = "x" }, "LIVE: it is of snapshot x"},
		"closed and live": {true, func(s *snapshots.Snapshot) { s.Header.Closed = day }, "SNAPSHOT#: it was closed"},
		"opened twice":    {true, func(s *snapshots.Snapshot) { s.Live.Opened = day }, "SNAPSHOT#: it was opened"},
		"other orders":    {true, func(s *snapshots.Snapshot) { s.Header.Orders[0].Actor = "eve" }, "SNAPSHOT#: its orders are not"},
		"orders gone":     {true, func(s *snapshots.Snapshot) { s.Live.Orders = nil; s.Header.Orders = nil }, "SNAPSHOT#: it has no order"},
		"more counted than there is": {
			false, func(s *snapshots.Snapshot) { s.Header.Counts["gone"] = 1 }, "SNAPSHOT#: it counted 1 gone, and 0 can be read",
		},
		"fewer counted than there is": {
			false, func(s *snapshots.Snapshot) { s.Header.Counts["resumed"] = 5 }, "SNAPSHOT#: it counted 5 resumed, and there are 6",
		},
		"a region of which nothing is left": {
			true, func(s *snapshots.Snapshot) { s.Shards[1] = snapshots.Shard{Region: there} }, "LEASE: nothing is stored of us-east-1",
		},
		"a coverage of an order to come": {
			true, func(s *snapshots.Snapshot) { s.Shards[0].Coverage[0].Order = 3 }, "COVERAGE#autoscaling:group: it is of order 3",
		},
		"a coverage of no order": {
			true, func(s *snapshots.Snapshot) { s.Shards[0].Coverage[0].Order = 0 }, "COVERAGE#autoscaling:group: it is of order 0",
		},
		"a coverage of a kind that nobody knows": {
			true, func(s *snapshots.Snapshot) { s.Shards[0].Coverage[0].Kind = "sqs:queue" }, "COVERAGE#sqs:queue: this aws-hit-breaks does not know",
		},
		"fewer originals than were counted": {
			true, func(s *snapshots.Snapshot) { s.Shards[0].Items = s.Shards[0].Items[:2] }, "COVERAGE#ec2:instance: it counted 2 originals, and there are 1",
		},
		"other originals than were counted": {
			true, func(s *snapshots.Snapshot) { s.Shards[0].Coverage[1].Hash = "x" }, "COVERAGE#ec2:instance: its 2 originals are not those",
		},
		"more originals than were counted, of a listing that was cut": {
			true, func(s *snapshots.Snapshot) { s.Shards[0].Coverage[1].Items, s.Shards[0].Coverage[1].Hash = 1, "x" }, "",
		},
		"a listing without end, with originals": {
			true, func(s *snapshots.Snapshot) { s.Shards[0].Coverage = s.Shards[0].Coverage[:1] }, "COVERAGE#ec2:instance: missing",
		},
		"a listing that may be under way": {
			true, func(s *snapshots.Snapshot) {
				s.Shards[0].Coverage, s.Shards[0].Lease.Owner = nil, "run-1"
			}, "",
		},
		"a listing without end, of what an older version did not know": {
			false, func(s *snapshots.Snapshot) {
				s.Header.ToolVersion = "v0.0.1"
				s.Shards[0].Items, s.Shards[0].Coverage = s.Shards[0].Items[1:], s.Shards[0].Coverage[1:]
				s.Header.Counts["resumed"]--
			}, "",
		},
		"an item of a kind that nobody knows": {
			true, func(s *snapshots.Snapshot) {
				first(s).Resource.Ref.Kind = "sqs:queue"
			}, "ORIGINAL#sqs:queue#group#1: this aws-hit-breaks does not know",
		},
		"an item of a newer version": {
			true, func(s *snapshots.Snapshot) { first(s).Original.Schema = 3 }, "ORIGINAL#autoscaling:group#group#1: unknown version 3",
		},
		"an item whose content makes no sense": {
			true, func(s *snapshots.Snapshot) {
				first(s).Original.Data = []byte(`{}`)
			}, "ORIGINAL#autoscaling:group#group#1: its content makes no sense: not a group",
		},
		"an item without its parts": {
			true, func(s *snapshots.Snapshot) { first(s).Parts = nil }, "ORIGINAL#autoscaling:group#group#1: its content makes no sense",
		},
		"an item of an order to come": {
			true, func(s *snapshots.Snapshot) { first(s).Order = 3 }, "ORIGINAL#autoscaling:group#group#3: order 3 paused it, which",
		},
		"an item of no order": {
			true, func(s *snapshots.Snapshot) { first(s).Order = 0 }, "ORIGINAL#autoscaling:group#group#0: order 0 paused it, which",
		},
		"an item that a resume paused": {
			true, func(s *snapshots.Snapshot) { first(s).Order = 2 }, "ORIGINAL#autoscaling:group#group#2: order 2 paused it, which is a resume",
		},
		"a state that is missing": {
			true, func(s *snapshots.Snapshot) { first(s).State = killswitch.State{} }, "STATE#autoscaling:group#group: missing",
		},
		"a state that may not have been written yet": {
			true, func(s *snapshots.Snapshot) {
				first(s).State, s.Shards[0].Lease.Owner = killswitch.State{}, "run-1"
			}, "",
		},
		"a state of an order to come": {
			true, func(s *snapshots.Snapshot) { first(s).State.Order = 3 }, "STATE#autoscaling:group#group: it is of order 3",
		},
		"a state that reached an order to come": {
			true, func(s *snapshots.Snapshot) { first(s).State.Reached = 3 }, "STATE#autoscaling:group#group: it is of order 2 and reached 3",
		},
		"something unfinished in what is closed": {
			false, func(s *snapshots.Snapshot) {
				first(s).State.Phase = killswitch.Paused
				s.Header.Counts = map[string]int{"resumed": 5}
			}, "STATE#autoscaling:group#group: it is paused, and the snapshot is closed",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := read(t, book, ids[0])
			if test.live {
				s = read(t, book, ids[1])
			}
			test.edit(&s)
			faults := snapshots.Check(s, declared)
			if test.want == "" {
				if len(faults) > 0 {
					t.Errorf("found %v, want nothing", faults)
				}
				return
			}
			if !slices.ContainsFunc(faults, func(f snapshots.Fault) bool {
				sk, why, _ := strings.Cut(test.want, ": ")
				return strings.HasPrefix(f.SK, sk) && strings.HasPrefix(f.Why, why) && f.Hint != ""
			}) {
				t.Errorf("found %v, want %s", faults, test.want)
			}
		})
	}
}
