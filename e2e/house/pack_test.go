package house

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A deployment in which nothing changed must change nothing, and Lambda has to be able to run the file.
func TestPack(t *testing.T) {
	folder, content := t.TempDir(), bytes.Repeat([]byte("a program "), 1000)
	pack := func(name string, mode os.FileMode, changed time.Time) []byte {
		program, packed := filepath.Join(folder, name), filepath.Join(folder, name+".zip")
		if err := os.WriteFile(program, content, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(program, changed, changed); err != nil {
			t.Fatal(err)
		}
		run(t, moduleRoot(t), nil, "run", "./e2e/pack", program, packed)
		data, err := os.ReadFile(packed)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first, second := pack("one", 0o600, time.Unix(0, 0)), pack("two", 0o755, time.Now())
	if !bytes.Equal(first, second) {
		t.Error("the same program, written by another at another time, makes another zip file")
	}

	archive, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" {
		t.Fatalf("the zip file has %d files, the first of them %s; want bootstrap alone", len(archive.File), archive.File[0].Name)
	}
	if mode := archive.File[0].Mode(); mode != 0o755 {
		t.Errorf("bootstrap has the mode %v, want 0755", mode)
	}
	file, err := archive.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(file); err != nil || !bytes.Equal(got, content) {
		t.Errorf("bootstrap is not the program: %d bytes of %d, %v", len(got), len(content), err)
	}
}
