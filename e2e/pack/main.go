// Command pack makes the deployment package of a Lambda function from its program: a zip file with
// the one executable file "bootstrap", as the runtime provided.al2023 wants it.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
//
//	pack PROGRAM ZIP
//
// The same program always makes the same file, so that a deployment in which nothing changed
// changes nothing; a zip tool would write the time of day and the rights of whoever called it.
package main

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack PROGRAM ZIP")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// pack writes the zip file at target, and leaves none behind when it cannot.
func pack(program, target string) (err error) {
	in, err := os.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
		if err != nil {
			os.Remove(target)
		}
	}()
	return write(out, in)
}

func write(to io.Writer, program io.Reader) error {
	archive := zip.NewWriter(to)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{
		Name:     "bootstrap",
		Method:   zip.Deflate,
		Modified: time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC), // where the calendar of zip files begins
	}
	header.SetMode(0o755) // Lambda runs it as another user
	file, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, program); err != nil {
		return err
	}
	return archive.Close()
}
