package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// testTime bounds one package's tests. All of them have to fit into twenty
// minutes on two cores, so that a package that hangs shows itself in time.
const testTime = 14 * time.Minute

// testSteps is everything that has to hold, in the order of what is quickest
// to tell.
var testSteps = []step{
	{"programs the tests need", installNeeds},
	{"gofmt", gofmt},
	{"go vet", func(d *dev) error { return d.show(nil, "go", "vet", "./...") }},
	{"staticcheck", func(d *dev) error { return d.show(nil, "go", "tool", "staticcheck", "./...") }},
	{"static build", staticBuild},
	{"tests", tests},
}

// gofmt fails on files that gofmt would write otherwise.
func gofmt(d *dev) error {
	out, err := d.command(nil, "gofmt", "-l", ".").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if names := strings.Fields(string(out)); len(names) > 0 {
		return fmt.Errorf("not formatted: %s", strings.Join(names, " "))
	}
	return nil
}

// staticBuild builds the product as it is delivered, for each architecture, and
// looks into the file: it has to start where nothing else is left on the disk.
func staticBuild(d *dev) error {
	dir, err := os.MkdirTemp("", "guardsh-build")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, arch := range arches {
		bin := filepath.Join(dir, arch)
		if err := d.build(arch, bin); err != nil {
			return err
		}
		st, err := os.Stat(bin)
		if err != nil {
			return err
		}
		fmt.Fprintf(d.out, "cmd/guardsh for %s: static, %.1f MB\n", arch, float64(st.Size())/1e6)
	}
	return nil
}

// isStatic fails on a program that needs a dynamic loader or a library.
func isStatic(bin string) error {
	f, err := elf.Open(bin)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("cmd/guardsh needs a dynamic loader; it has to be static")
		}
	}
	libs, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	if len(libs) > 0 {
		return fmt.Errorf("cmd/guardsh needs %s; it has to be static", strings.Join(libs, " "))
	}
	return nil
}

// tests runs every test with the race detector, which is the only thing here
// that is linked by cgo. go test's own closing lines are shown as they come.
func tests(d *dev) error {
	env := []string{"CGO_ENABLED=1"}
	if d.strict {
		env = append(env, "GUARDSH_TEST_STRICT=1")
	}
	err := d.show(env, "go", "test", "-race", "-p", "2", "-timeout", testTime.String(), "./...")
	if err != nil {
		return errors.New("go test failed: see its FAIL lines above")
	}
	return nil
}
