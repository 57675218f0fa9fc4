package pricing_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aws-hit-breaks/pkg/pricing"
)

func replaceOnce(text, old, with string) string { return strings.Replace(text, old, with, 1) }

func TestAFileIsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "prices.json")
	file := pricing.File(path)
	ctx := context.Background()
	if text, err := file.Load(ctx); text != nil || err != nil {
		t.Errorf("a file that does not exist holds %q, %v", text, err)
	}
	for _, text := range []string{strings.Repeat("long ", 10000), "short"} {
		if err := file.Save(ctx, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if back, err := file.Load(ctx); string(back) != text || err != nil {
			t.Errorf("saved %d bytes, read %d, %v", len(text), len(back), err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v: want the file alone", entries, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAFileThatCannotBeWrittenStaysAsItWas(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "prices.json")
	if err := os.Mkdir(path, 0o700); err != nil { // a folder is in the way
		t.Fatal(err)
	}
	if err := pricing.File(path).Save(context.Background(), []byte("text")); err == nil {
		t.Error("no error")
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 1 {
		t.Errorf("the folder has %v: half a file was left", entries)
	}
}
