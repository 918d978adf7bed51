package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestOtherArchitecture runs the build for the other architecture, where the
// program begins in assembly of its own, on an emulator.
func TestOtherArchitecture(t *testing.T) {
	arch, emulator := "arm64", "qemu-aarch64-static"
	if runtime.GOARCH == "arm64" {
		arch, emulator = "amd64", "qemu-x86_64-static"
	}
	qemu, err := exec.LookPath(emulator)
	if err != nil {
		t.Fatalf("%v: go run ./cmd/dev needs", err)
	}
	bin := filepath.Join(t.TempDir(), "guardsh")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-E=guardsh_entry", "-o", bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	other := insideDir + "/other"
	start := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(start, []byte("#!/bin/sh\nexec "+insideDir+"/emulator "+other+".bin \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	runInside(t, product(t), filepath.Join("..", "..", "testdata", "arch", "other.txtar"), map[string]string{
		other: start, other + ".bin": bin, insideDir + "/emulator": qemu,
	})
}
