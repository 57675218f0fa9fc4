package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

// RoundTrip holds a store to it that any snapshot which is written is read as it was, and that what is
// exported, imported elsewhere and back, and exported again is the same, byte for byte. empty makes an
// empty store.
func RoundTrip(t *testing.T, empty func() snapshots.Store) {
	rapid.Check(t, func(t *rapid.T) {
		store := empty()
		want, err := written(t, store)
		if err != nil {
			t.Fatalf("write: %v", err)
		}
		id := want.Header.Snapshot
		wantRead(t, "what was written", store, want)
		first := exportedText(t, store, id)
		elsewhere, back := snapshots.NewBook(&Memory{}), empty()
		for _, to := range []snapshots.Store{elsewhere, back} {
			e, err := snapshots.ReadExport(strings.NewReader(first))
			if err != nil {
				t.Fatalf("read the export: %v", err)
			}
			if err := imported(context.Background(), to, e); err != nil {
				t.Fatalf("import: %v", err)
			}
			if again := exportedText(t, to, id); again != first {
				t.Fatalf("exported again it is another:\n%s", cmp.Diff(first, again))
			}
			wantRead(t, "what was imported", to, want)
		}
	})
}

func exportedText(t *rapid.T, store snapshots.Store, id string) string {
	e, _, err := exported(context.Background(), store, id)
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	text, err := file(e)
	if err != nil {
		t.Fatalf("write the export: %v", err)
	}
	return text
}

func wantRead(t *rapid.T, what string, store snapshots.Store, want snapshots.Snapshot) {
	got, err := store.Snapshot(context.Background(), account, want.Header.Snapshot)
	if err != nil {
		t.Fatalf("read %s: %v", what, err)
	}
	text := cmp.Transformer("text", func(data []byte) string { return string(data) })
	version := cmpopts.IgnoreFields(snapshots.Header{}, "ToolVersion")
	leases := cmpopts.IgnoreFields(snapshots.Shard{}, "Lease")
	if diff := cmp.Diff(want, got, text, version, leases, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// words are texts as keys, names and reasons have them, and worse.
func words(t *rapid.T, label string) string {
	return rapid.StringOfN(rapid.OneOf(rapid.SampledFrom([]rune("#%\x00\n <&>\"\\u2028é/*")), rapid.Rune()), 1, 8, 24).
		Filter(utf8.ValidString).Draw(t, label)
}

func moment(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" is none") {
		return time.Time{}
	}
	return day.Add(time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, label)))
}

func fields(t *rapid.T, label string) killswitch.Fields {
	return rapid.MapOfN(rapid.Custom(func(t *rapid.T) string { return words(t, "field") }),
		rapid.Custom(func(t *rapid.T) string { return words(t, "value") }), 0, 3).Draw(t, label)
}

// anyItem is a resource with an original of an order, and a state.
func anyItem(t *rapid.T, region string, kind killswitch.Kind, n, orders int) killswitch.Item {
	it := killswitch.Item{
		Resource: killswitch.Resource{
			Ref:  killswitch.Ref{Account: account, Region: region, Kind: kind, ID: fmt.Sprint(n, words(t, "id"))},
			Name: words(t, "name"), Type: words(t, "type"), Tags: fields(t, "tags"),
		},
		Order: rapid.IntRange(1, orders).Draw(t, "order"),
		Original: killswitch.Original{
			Schema: rapid.IntRange(1, 9).Draw(t, "schema"),
			Data:   fmt.Appendf(nil, `{"n":%d,"big":12345678901234567890,"x":[1.50,null]}`, rapid.Int().Draw(t, "n")),
		},
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "parts") {
		it.Parts = append(it.Parts, killswitch.Part{Name: fmt.Sprint(i, words(t, "part")), Data: []byte(`{"members":["<a>"]}`)})
	}
	phases := []killswitch.Phase{
		killswitch.Recorded, killswitch.Pausing, killswitch.Paused, killswitch.Resuming, killswitch.Resumed, killswitch.Drifted,
		killswitch.Failed, killswitch.Gone, killswitch.GivenUp, killswitch.Unpausable, killswitch.Protected,
	}
	it.State = killswitch.State{
		Phase: rapid.SampledFrom(phases).Draw(t, "phase"), Order: rapid.IntRange(1, orders).Draw(t, "state's order"),
		Reached: rapid.IntRange(0, orders).Draw(t, "reached"), Reason: words(t, "reason"), Step: words(t, "step"),
		AttemptedAt: moment(t, "attempted"), AnsweredAt: moment(t, "answered"), Attempts: rapid.IntRange(0, 5).Draw(t, "attempts"),
		Left: fields(t, "left"), LookAt: moment(t, "look"), WakesAt: moment(t, "wakes"), GoneSince: moment(t, "gone"), ByAWS: fields(t, "by AWS"),
	}
	if rapid.Bool().Draw(t, "waits") {
		it.State.Wait = &killswitch.Wait{For: words(t, "wait"), Since: moment(t, "since"), Deadline: moment(t, "deadline")}
	}
	return it
}

// written writes any snapshot, the way a run does, and says what is to be read.
func written(t *rapid.T, store snapshots.Store) (want snapshots.Snapshot, err error) {
	ctx := context.Background()
	var live *snapshots.Live
	orders := rapid.IntRange(1, 4).Draw(t, "orders")
	for i := range orders {
		order := killswitch.Order{
			Act: killswitch.Pause, Actor: words(t, "actor"), At: day, Scope: killswitch.Scope{Tags: []string{words(t, "tag")}},
		}
		if i > 0 {
			order.Act = rapid.SampledFrom([]killswitch.Act{killswitch.Pause, killswitch.Resume, killswitch.GiveUp}).Draw(t, "act")
			order.Force = rapid.Bool().Draw(t, "force")
		}
		if rapid.Bool().Draw(t, "alarm") {
			order.Alarm = &killswitch.AlarmRef{ID: words(t, "message"), Key: words(t, "key"), Source: "budgets", Text: words(t, "text")}
		}
		given, err := store.Give(ctx, account, order, "")
		if err != nil {
			return want, err
		}
		live = given.Live
	}
	regions := []string{here, there}[:rapid.IntRange(1, 2).Draw(t, "regions")]
	if err := store.AddRegions(ctx, live, regions); err != nil {
		return want, err
	}
	for _, region := range regions {
		shard, err := writtenShard(ctx, t, store, live, region)
		if err != nil {
			return want, err
		}
		want.Shards = append(want.Shards, shard)
	}
	if err := store.SetLookAt(ctx, live, moment(t, "next look")); err != nil {
		return want, err
	}
	want.Header = snapshots.Header{Account: account, Snapshot: live.Snapshot, Opened: live.Opened, Orders: live.Orders[:1]}
	want.Live = live
	if rapid.Bool().Draw(t, "closed") {
		counts := map[string]int{"resumed": rapid.IntRange(0, 9).Draw(t, "resumed")}
		if err := store.Close(ctx, live, day, counts); err != nil {
			return want, err
		}
		want.Live = nil
		want.Header.Closed, want.Header.Orders, want.Header.Regions, want.Header.Counts = day, live.Orders, live.Regions, counts
	}
	return want, nil
}

func writtenShard(ctx context.Context, t *rapid.T, store snapshots.Store, live *snapshots.Live, region string) (snapshots.Shard, error) {
	shard := snapshots.Shard{Region: region}
	lease, err := store.Acquire(ctx, live, region, "run-1", ttl, nil)
	if err != nil {
		return shard, err
	}
	ids := map[killswitch.Kind][]string{}
	for n := range rapid.IntRange(0, 4).Draw(t, "items") {
		kind := rapid.SampledFrom([]killswitch.Kind{killswitch.EC2Instance, killswitch.ECSService}).Draw(t, "kind")
		it := anyItem(t, region, kind, n, len(live.Orders))
		changes := []snapshots.Change{originalOf(it), stateOf(it)}
		for _, p := range it.Parts {
			changes = append(changes, partOf(it, p.Name, string(p.Data)))
		}
		if err := store.Write(ctx, &lease, ttl, changes); err != nil {
			return shard, err
		}
		shard.Items = append(shard.Items, it)
		ids[kind] = append(ids[kind], it.Resource.Ref.ID)
	}
	slices.SortFunc(shard.Items, func(a, b killswitch.Item) int { return a.Resource.Ref.Compare(b.Resource.Ref) })
	for _, kind := range slices.Sorted(maps.Keys(ids)) {
		c := covered(1, ids[kind]...)
		c.Kind, c.Why, c.RetryAt = kind, words(t, "why"), moment(t, "retry")
		if err := store.Write(ctx, &lease, ttl, []snapshots.Change{coverageOf(c)}); err != nil {
			return shard, err
		}
		shard.Coverage = append(shard.Coverage, c)
	}
	return shard, store.Release(ctx, &lease)
}
