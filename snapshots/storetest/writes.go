package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
)

var writeTests = map[string]func(*testing.T, Subject){
	"what was written is read": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		first, second := item(here, "i-1", 1), item(here, "i-2", 1)
		cover := covered(1, "i-1", "i-2")
		write(t, s.Store, lease, originalOf(second), originalOf(first), stateOf(paused(first, 1)), coverageOf(cover))
		got := shard(t, s.Store, live)
		equal(t, "shard", got, snapshots.Shard{
			Region: here, Lease: *lease, Coverage: []snapshots.Coverage{cover},
			Items: []killswitch.Item{paused(first, 1), second},
		})
		equal(t, "faults", got.Faults, []snapshots.Fault(nil))
	},
	"states and coverages are replaced": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		it := item(here, "i-1", 1)
		write(t, s.Store, lease, originalOf(it), stateOf(paused(it, 1)), coverageOf(covered(1)))
		it.State = killswitch.State{Phase: killswitch.Resuming, Order: 2}
		write(t, s.Store, lease, stateOf(it), coverageOf(covered(2, "i-1")))
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{it})
		equal(t, "coverage", got.Coverage, []snapshots.Coverage{covered(2, "i-1")})
	},
	"a write extends the lease, and one of nothing only that": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		for beat := 1; beat < 4; beat++ {
			before := *lease
			time.Sleep(time.Millisecond)
			ok(t, "renew", s.Store.Write(t.Context(), lease, 2*ttl, nil))
			equal(t, "beat", lease.Beat, beat)
			equal(t, "generation", lease.Generation, 1)
			if !lease.End.After(before.End) {
				t.Errorf("it ends at %s, as before", lease.End)
			}
			equal(t, "stored", shard(t, s.Store, live).Lease, *lease)
		}
	},
	"as many changes as the contract says fit into one write": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		var changes []snapshots.Change
		for i := range snapshots.MaxChanges {
			it := item(here, fmt.Sprintf("i-%02d", i), 1)
			it.Original.Data = []byte(`{"userData":"` + strings.Repeat("x", 30_000) + `"}`) // read as three pages
			changes = append(changes, originalOf(it))
		}
		write(t, s.Store, lease, changes...)
		items := shard(t, s.Store, live).Items
		equal(t, "items", len(items), snapshots.MaxChanges)
		equal(t, "last", items[snapshots.MaxChanges-1], *changes[snapshots.MaxChanges-1].Original)
		changes = append(changes, originalOf(item(here, "i-one-more", 1)))
		if err := s.Store.Write(t.Context(), lease, ttl, changes); err == nil {
			t.Error("one more is no error")
		}
	},
	"changes of more bytes than the contract says are refused, and fewer are not": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		var changes []snapshots.Change
		size := 0
		for i := 0; ; i++ {
			it := item(here, fmt.Sprintf("i-%02d", i), 1)
			it.Original.Data = []byte(`"` + strings.Repeat("x", 390_000) + `"`)
			if size += snapshots.Size(originalOf(it)); size > snapshots.MaxBytes {
				err := s.Store.Write(t.Context(), lease, ttl, append(changes, originalOf(it)))
				if err == nil || !strings.Contains(err.Error(), "fewer") {
					t.Errorf("got error %v", err)
				}
				break
			}
			changes = append(changes, originalOf(it))
		}
		equal(t, "stored", len(shard(t, s.Store, live).Items), 0)
		write(t, s.Store, lease, changes...)
		equal(t, "stored", len(shard(t, s.Store, live).Items), len(changes))
	},
	"a write that makes no sense is refused": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		it := item(here, "i-1", 1)
		with := func(edit func(*killswitch.Item)) killswitch.Item {
			other := it
			edit(&other)
			return other
		}
		senseless := map[string][]snapshots.Change{
			"nothing set":            {{}},
			"two set":                {{Original: &it, State: &it}},
			"two of one item":        {stateOf(it), stateOf(paused(it, 1))},
			"another region":         {originalOf(item(there, "i-1", 1))},
			"another account":        {originalOf(with(func(o *killswitch.Item) { o.Resource.Ref.Account = "444455556666" }))},
			"no id":                  {originalOf(item(here, "", 1))},
			"no kind":                {originalOf(with(func(o *killswitch.Item) { o.Resource.Ref.Kind = "" }))},
			"no order":               {originalOf(item(here, "i-1", 0))},
			"no content":             {originalOf(with(func(o *killswitch.Item) { o.Original.Data = nil }))},
			"content is no JSON":     {originalOf(with(func(o *killswitch.Item) { o.Original.Data = []byte(`{"a":`) }))},
			"content is not UTF-8":   {originalOf(with(func(o *killswitch.Item) { o.Original.Data = []byte("\"\xff\"") }))},
			"id is not UTF-8":        {originalOf(item(here, "i-\xff", 1))},
			"an id without end":      {originalOf(item(here, strings.Repeat("x", 1100), 1))},
			"a part without a name":  {partOf(it, "", `{}`)},
			"a part without content": {partOf(it, "members", ``)},
			"a state of no original": {stateOf(item(here, "i-1", 0))},
			"a coverage of no kind":  {coverageOf(snapshots.Coverage{Order: 1})},
			"an item too large": {originalOf(with(func(o *killswitch.Item) {
				o.Original.Data = []byte(`"` + strings.Repeat("x", 401<<10) + `"`)
			}))},
		}
		for _, name := range sorted(senseless) {
			changes := append(senseless[name], originalOf(item(here, "i-other", 1)))
			if err := s.Store.Write(t.Context(), lease, ttl, changes); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		got := shard(t, s.Store, live)
		equal(t, "items", len(got.Items), 0)
		equal(t, "lease", got.Lease, *lease)
	},
	"an original is written once": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		it := item(here, "i-1", 1)
		write(t, s.Store, lease, originalOf(it))
		write(t, s.Store, lease, originalOf(it), originalOf(item(here, "i-2", 1)))
		equal(t, "items", shard(t, s.Store, live).Items, []killswitch.Item{it, item(here, "i-2", 1)})
		other := it
		other.Original.Data = []byte(`{"state":"stopped"}`)
		held := *lease
		err := s.Store.Write(t.Context(), lease, ttl, []snapshots.Change{
			originalOf(other), originalOf(item(here, "i-3", 1)), stateOf(paused(it, 1)), coverageOf(covered(1)),
		})
		is(t, "another original", err, snapshots.ErrExists)
		equal(t, "lease", *lease, held)
		got := shard(t, s.Store, live)
		equal(t, "items", got.Items, []killswitch.Item{it, item(here, "i-2", 1)})
		equal(t, "coverage", got.Coverage, []snapshots.Coverage(nil))
		equal(t, "lease", got.Lease, held)
		write(t, s.Store, lease, stateOf(paused(it, 1)))
	},
	"parts are written once, and come in the order they were recorded": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		it := item(here, "group", 1)
		write(t, s.Store, lease, originalOf(it), partOf(it, "z", `{"n":1}`), partOf(it, "b", `[2]`))
		write(t, s.Store, lease, partOf(it, "z", `{"n":1}`), partOf(it, "a", `"3"`))
		seen := *lease
		taken, err := s.Store.Acquire(t.Context(), live, here, "run-2", ttl, &seen)
		ok(t, "take over", err)
		write(t, s.Store, &taken, partOf(it, "0", `4`))
		it.Parts = []killswitch.Part{
			{Name: "z", Data: []byte(`{"n":1}`)}, {Name: "b", Data: []byte(`[2]`)},
			{Name: "a", Data: []byte(`"3"`)}, {Name: "0", Data: []byte(`4`)},
		}
		equal(t, "items", shard(t, s.Store, live).Items, []killswitch.Item{it})
		err = s.Store.Write(t.Context(), &taken, ttl, []snapshots.Change{partOf(it, "a", `"4"`), stateOf(paused(it, 1))})
		is(t, "another part", err, snapshots.ErrExists)
		equal(t, "items", shard(t, s.Store, live).Items, []killswitch.Item{it})
	},
	"what is paused again has a new original, and nothing of the old": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		first := item(here, "i-1", 1)
		first.State = killswitch.State{Phase: killswitch.Resumed, Order: 2, Reached: 2}
		write(t, s.Store, lease, originalOf(first), partOf(first, "members", `["a"]`))
		first.Parts = []killswitch.Part{{Name: "members", Data: []byte(`["a"]`)}}
		write(t, s.Store, lease, stateOf(first))
		equal(t, "items", shard(t, s.Store, live).Items, []killswitch.Item{first})
		for _, order := range []int{3, 10} {
			next := item(here, "i-1", order)
			next.Original.Data = fmt.Appendf(nil, `{"order":%d}`, order)
			write(t, s.Store, lease, originalOf(next))
			got := shard(t, s.Store, live)
			recorded := next // its state is of the earlier pause: nothing was done in this one
			recorded.State.Phase = killswitch.Recorded
			equal(t, "items", got.Items, []killswitch.Item{recorded})
			equal(t, "faults", got.Faults, []snapshots.Fault(nil))
			write(t, s.Store, lease, stateOf(paused(next, order)))
			equal(t, "items", shard(t, s.Store, live).Items, []killswitch.Item{paused(next, order)})
		}
	},
	"any name of a resource is kept apart from any other": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		var want []killswitch.Item
		var changes []snapshots.Change
		for _, id := range []string{" ", "%", "%23", "%2525", "1", "1#1", "a", "a\x00b", "a b", "a#1", "a/b", "ü", "日本"} {
			it := item(here, id, 1)
			it.Original.Data = []byte(compact(t, id))
			want = append(want, it)
			changes = append(changes, originalOf(it), stateOf(it), partOf(it, id, `1`))
		}
		write(t, s.Store, lease, changes...)
		got := shard(t, s.Store, live)
		for i := range want {
			want[i].Parts = []killswitch.Part{{Name: want[i].Resource.Ref.ID, Data: []byte(`1`)}}
		}
		equal(t, "items", got.Items, want)
		equal(t, "faults", got.Faults, []snapshots.Fault(nil))
	},
	"verdicts that do not fit are counted": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		c := covered(1)
		c.Verdicts, c.MoreVerdicts = nil, 3
		for i := range snapshots.MaxVerdicts {
			v := snapshots.Verdict{Resource: item(here, fmt.Sprint("i-", i), 1).Resource, Phase: killswitch.Protected}
			v.Resource.Tags = map[string]string{"text": strings.Repeat("<", 2000)}
			c.Verdicts = append(c.Verdicts, v)
		}
		write(t, s.Store, lease, coverageOf(c))
		got := shard(t, s.Store, live).Coverage[0]
		kept := len(got.Verdicts)
		if kept < 20 || kept+got.MoreVerdicts != snapshots.MaxVerdicts+3 {
			t.Errorf("%d verdicts and %d more", kept, got.MoreVerdicts)
		}
		equal(t, "verdicts", got.Verdicts, c.Verdicts[:kept])
	},
	"nothing is done for a caller that has gone": func(t *testing.T, s Subject) {
		live := open(t, s.Store)
		lease := acquire(t, s.Store, live, "run-1")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, errLive := s.Store.Live(gone, account)
		_, errGive := s.Store.Give(gone, account, pauseOrder("late"), "")
		_, errAcquire := s.Store.Acquire(gone, live, there, "run-1", ttl, nil)
		_, errShard := s.Store.Shard(gone, account, live.Snapshot, here)
		_, errHeaders := s.Store.Headers(gone, account, 0)
		_, errSnapshot := s.Store.Snapshot(gone, account, live.Snapshot)
		for name, err := range map[string]error{
			"Live": errLive, "Give": errGive, "Acquire": errAcquire, "Shard": errShard, "Headers": errHeaders,
			"Snapshot": errSnapshot, "SetLookAt": s.Store.SetLookAt(gone, live, day),
			"AddRegions": s.Store.AddRegions(gone, live, []string{here}),
			"Write":      s.Store.Write(gone, lease, ttl, []snapshots.Change{originalOf(item(here, "i-1", 1))}),
			"Release":    s.Store.Release(gone, lease), "Close": s.Store.Close(gone, live, day, nil),
		} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got error %v", name, err)
			}
		}
		stored, err := s.Store.Live(t.Context(), account)
		ok(t, "live", err)
		equal(t, "live", stored, live)
		equal(t, "shard", shard(t, s.Store, live), snapshots.Shard{Region: here, Lease: *lease})
	},
}
