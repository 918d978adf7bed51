package command

import (
	"strings"
	"testing"
)

// countingFiles is a machine that counts what it is asked for.
type countingFiles struct {
	NoFiles
	asked map[string]int
}

func (c countingFiles) LookPath(name, path string) (string, error) {
	c.asked["look "+name]++
	return "/usr/bin/" + name, nil
}

func (c countingFiles) Program(path string) []string {
	c.asked["program "+path]++
	return nil
}

func (c countingFiles) ReadFile(path string, max int64) ([]byte, error) {
	c.asked["read "+path]++
	return []byte("#!/bin/sh\ntrue\n"), nil
}

// A line that names a thing many times asks for it once; the next line asks
// again.
func TestAskedOnce(t *testing.T) {
	files := countingFiles{asked: map[string]int{}}
	line := strings.Repeat("mytool; bash script; ", 20)
	for n := 1; n <= 2; n++ {
		Understand(line, Options{Shell: &StaticShell{Dir: "/srv", Environ: []string{"PATH=/usr/bin"}}, Files: files})
		for _, what := range []string{"look mytool", "read /srv/script"} {
			if got := files.asked[what]; got != n {
				t.Errorf("%s: asked %d times by %d lines; all of it: %v", what, got, n, files.asked)
			}
		}
	}
}
