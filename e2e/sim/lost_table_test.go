package sim

import (
	"bytes"
	"context"
	"testing"

	"aws-hit-breaks/pkg/trigger"
	"aws-hit-breaks/snapshots"
)

// export writes the newest snapshot as a file, as the CLI does by way of the function.
func (w *world) export() string {
	w.t.Helper()
	store, id := w.start("export").store, w.snapshot().Header.Snapshot
	var portions []snapshots.Portion
	for from := ""; ; {
		answer, err := trigger.Keep(context.Background(), store, w.account.ID(), trigger.Keeping{Do: trigger.DoExport, ID: id, From: from})
		if err != nil {
			w.t.Fatalf("export: %v", err)
		}
		portions = append(portions, *answer.Export)
		if from = answer.Export.Next; from == "" {
			break
		}
	}
	var text bytes.Buffer
	if err := snapshots.NewExport(w.account.ID(), id, portions...).Write(&text); err != nil {
		w.t.Fatalf("write the export: %v", err)
	}
	return text.String()
}

func (w *world) imports(text string) {
	w.t.Helper()
	e, err := snapshots.ReadExport(bytes.NewReader([]byte(text)))
	if err != nil {
		w.t.Fatalf("read the export: %v", err)
	}
	store := w.start("import").store
	portions := e.Portions()
	for i, records := range portions {
		k := trigger.Keeping{Do: trigger.DoImport, ID: e.Snapshot, Records: records}
		if i == len(portions)-1 {
			k.Whole = &e.Whole
		}
		if _, err := trigger.Keep(context.Background(), store, e.Account, k); err != nil {
			w.t.Fatalf("import: %v", err)
		}
	}
}

// A lost table is not the end: what was exported after the pause puts everything back.
func TestALostTableIsNotTheEnd(t *testing.T) {
	inWorld(t, options{seed: 4, build: startup}, func(w *world) {
		before := w.account.State()
		w.pause()
		text := w.export()
		v := w.vandal()
		for _, item := range v.stored() {
			v.remove(item)
		}
		if live, err := w.start("reader").store.Live(context.Background(), w.account.ID()); live != nil || err != nil {
			t.Fatalf("the table is not lost: %v, %v", live, err)
		}
		w.imports(text)
		if again := w.export(); again != text {
			t.Error("what was imported is exported otherwise")
		}
		w.wantSound()
		w.resume()
		w.wantRestored(before)
	})
}
