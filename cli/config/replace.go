package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace puts a file with the content and the mode in the place of what is there. Whoever reads it
// meanwhile sees all of the old or all of the new, also after a power cut. A link stays one.
func Replace(path string, content []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
