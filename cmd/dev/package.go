package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// arches are what packages are made for.
var arches = []string{"amd64", "arm64"}

// pack makes a .deb and an .rpm for each architecture in dir: the static
// program, its manual pages and completions, and what cmd/dev/packaging holds.
func (d *dev) pack(dir, version string, arches []string) int {
	out, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(out, 0o755)
	}
	if err == nil {
		err = d.packages(out, version, arches)
	}
	if err != nil {
		fmt.Fprintln(d.out, "dev:", err)
		return 1
	}
	return 0
}

func (d *dev) packages(out, version string, arches []string) error {
	stage, err := os.MkdirTemp("", "guardsh-package")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	// The program tells of itself, so that nothing is written twice.
	here := filepath.Join(stage, "here")
	if err := d.build(runtime.GOARCH, here); err != nil {
		return err
	}
	if version == "" {
		said, err := d.command(nil, here, "--version").Output()
		if err != nil {
			return fmt.Errorf("guardsh --version: %w", err)
		}
		version = strings.TrimPrefix(strings.TrimSpace(string(said)), "guardsh ")
	}
	if err := d.texts(here, stage); err != nil {
		return err
	}
	for _, arch := range arches {
		if err := d.build(arch, filepath.Join(stage, "guardsh")); err != nil {
			return err
		}
		env := []string{"GUARDSH_STAGE=" + stage, "GUARDSH_ARCH=" + arch, "GUARDSH_VERSION=" + version}
		// The same sources give the same bytes.
		if stamp, err := d.command(nil, "git", "log", "-1", "--format=%ct").Output(); err == nil {
			env = append(env, "SOURCE_DATE_EPOCH="+strings.TrimSpace(string(stamp)))
		}
		for _, kind := range []string{"deb", "rpm"} {
			if err := d.show(env, "go", "tool", "nfpm", "package", "-f", "cmd/dev/packaging/nfpm.yaml", "-p", kind, "-t", out); err != nil {
				return err
			}
		}
	}
	return nil
}

// linkFlags are the linker's for the product: the program begins at an entry of
// its own (guard/bash).
const linkFlags = "-s -w -E=guardsh_entry"

// build builds the product as it is delivered.
func (d *dev) build(arch, to string) error {
	if err := d.show([]string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch}, "go", "build", "-trimpath", "-ldflags="+linkFlags, "-o", to, "./cmd/guardsh"); err != nil {
		return err
	}
	return isStatic(to)
}

// texts writes the manual pages and the completions.
func (d *dev) texts(program, stage string) error {
	man := filepath.Join(stage, "man")
	if err := os.Mkdir(man, 0o755); err != nil {
		return err
	}
	if err := d.show(nil, program, "manual", "--man", man); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(man, "*.1"))
	if err != nil || len(pages) == 0 {
		return errors.Join(err, errors.New("no manual pages were written"))
	}
	for _, page := range pages {
		if err := compress(page); err != nil {
			return err
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		b, err := d.command(nil, program, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("guardsh completion %s: %w", shell, err)
		}
		if err := os.WriteFile(filepath.Join(stage, shell), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compress makes page.gz of page. It holds no name and no time.
func compress(page string) error {
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	f, err := os.Create(page + ".gz")
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(b)
		err = errors.Join(err, z.Close())
	}
	return errors.Join(err, f.Close())
}
