package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// packagesDir is where a scratch machine finds the packages.
const packagesDir = insideDir + "/packages"

// TestPackages builds the packages as cmd/dev does and installs, upgrades and
// removes them on scratch machines, by dpkg and by rpm.
func TestPackages(t *testing.T) {
	files := map[string]string{}
	for name, version := range map[string]string{"old": "1.0.0", "new": "9.0.0"} {
		dir := t.TempDir()
		out, err := exec.Command("go", "run", "../dev", "package", dir, "--arch", runtime.GOARCH, "--version", version).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, kind := range []string{"deb", "rpm"} {
			made, err := filepath.Glob(filepath.Join(dir, "*."+kind))
			if err != nil || len(made) != 1 {
				t.Fatalf("%s: %q, %v\n%s", kind, made, err, out)
			}
			files[packagesDir+"/"+name+"."+kind] = made[0]
		}
	}
	scripts, err := filepath.Glob(filepath.Join("..", "..", "testdata", "package", "*.txtar"))
	if err != nil || len(scripts) != 2 {
		t.Fatalf("the scripts: %q, %v", scripts, err)
	}
	bin := product(t)
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runInside(t, bin, script, files)
		})
	}
}
