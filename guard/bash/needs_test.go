package bash

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestNeeds reads what the programs of this machine ask for, by package elf too.
func TestNeeds(t *testing.T) {
	files, err := filepath.Glob("/usr/bin/*")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		loader, libs, ok := nativeNeeds(f)
		wantLoader, wantLibs, err := elfNeeds(f)
		f.Close()
		if ok && err == nil {
			read++
		}
		if ok != (err == nil) || ok && (loader != wantLoader || !slices.Equal(libs, wantLibs)) {
			t.Errorf("%s: %q %q %v, by package elf %q %q %v", name, loader, libs, ok, wantLoader, wantLibs, err)
		}
	}
	if read < 20 {
		t.Errorf("only %d programs were read", read)
	}
}

// FuzzNeeds holds that no file makes it fail in another way than by saying so.
func FuzzNeeds(f *testing.F) {
	if b, err := os.ReadFile("/bin/bash"); err == nil {
		f.Add(b[:maxHead])
	}
	f.Add([]byte("\x7fELF\x02\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		loader, libs, err := needs(name)
		if err != nil && (loader != "" || libs != nil) {
			t.Errorf("%q %q and %v", loader, libs, err)
		}
	})
}
