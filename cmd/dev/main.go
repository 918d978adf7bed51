// Command dev runs the project's own checks.
//
//	go run ./cmd/dev test [--strict]    everything that has to hold before a change lands
//	go run ./cmd/dev bench [WORD]       the numbers to hold, or those that WORD names, against their budgets
//	go run ./cmd/dev fuzz [MINUTES]     each fuzz target for so many minutes (default 1)
//	go run ./cmd/dev needs [--strict]   only the programs that the tests need
//	go run ./cmd/dev package DIR        .deb and .rpm, for amd64 and arm64
//	go run ./cmd/dev suites DIR         public test suites below DIR, beside plain bash
//
// Exit status: 0 all held, 1 something did not, 2 usage.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const usage = `usage: go run ./cmd/dev test [--strict] | bench [WORD] | fuzz [MINUTES] | needs [--strict] |
                          package DIR [--arch ARCH] [--version VERSION] | suites DIR [--only REGEXP]

  test    programs the tests need, gofmt, go vet, staticcheck, the static
          build, and every test with the race detector: rules' examples and
          the scripts of testdata/script are tests too
  bench   the benchmarks behind the numbers to hold, as a table; with WORD
          those whose words or benchmarks have it in them
  fuzz    each fuzz target in turn, MINUTES each (default 1)
  needs   the programs that the tests need, installed where that is possible
  package a .deb and an .rpm in DIR for amd64 and arm64, or for ARCH alone

  suites  the test suites of shells below DIR in plain bash and in guardsh,
          a row of testdata/suites/differs for each difference; --only those
          whose "SUITE WAY CASE" matches. For bash's own:
          apt-get source bash; unpack it; cc the four programs of support/
          into tests/

  --strict (or CI=true in the environment): a missing program stops at once

EXIT STATUS: 0 all held, 1 something did not, 2 usage
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	verb, rest := args[0], args[1:]
	d := dev{out: stdout, strict: os.Getenv("CI") == "true"}
	minutes := 1.0
	var dir, version, word, only string
	makes := arches
	for i := 0; i < len(rest); i++ {
		a := rest[i]
		n, err := strconv.ParseFloat(a, 64)
		switch {
		case verb == "package" && i+1 < len(rest) && a == "--arch" && slices.Contains(arches, rest[i+1]):
			i++
			makes = []string{rest[i]}
		case verb == "package" && i+1 < len(rest) && a == "--version":
			i++
			version = rest[i]
		case verb == "suites" && i+1 < len(rest) && a == "--only":
			i++
			only = rest[i]
		case (verb == "package" || verb == "suites") && dir == "" && a != "" && a[0] != '-':
			dir = a
		case a == "--strict" && (verb == "test" || verb == "needs"):
			d.strict = true
		case verb == "bench" && word == "" && a != "" && a[0] != '-':
			word = a
		case verb == "fuzz" && err == nil && n > 0:
			minutes = n
		default:
			fmt.Fprintf(stderr, "dev: %s does not take %q\n%s", verb, a, usage)
			return 2
		}
	}
	if (verb == "package" || verb == "suites") && dir == "" {
		fmt.Fprintf(stderr, "dev: %s needs a directory\n%s", verb, usage)
		return 2
	}
	root, err := moduleRoot()
	if err != nil {
		fmt.Fprintln(stderr, "dev:", err)
		return 1
	}
	d.root = root
	switch verb {
	case "test":
		return d.steps(testSteps)
	case "needs":
		return d.steps(testSteps[:1])
	case "bench":
		return d.bench(word)
	case "suites":
		return d.suites(dir, only)
	case "package":
		return d.pack(dir, version, makes)
	case "fuzz":
		return d.fuzz(time.Duration(minutes * float64(time.Minute)))
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return 0
	}
	fmt.Fprintf(stderr, "dev: unknown verb %q\n%s", verb, usage)
	return 2
}

// dev is one run of the checks.
type dev struct {
	root   string // of the module
	strict bool
	out    io.Writer
}

// step is one check. What it prints goes to d.out as it comes.
type step struct {
	name string
	run  func(d *dev) error
}

// errStop ends the run: what comes after could not tell anything.
var errStop = errors.New("the other steps were not run")

// steps runs each step, shows its time, and lists at the end what failed.
func (d *dev) steps(all []step) int {
	start := time.Now()
	var failed []string
	for i, s := range all {
		fmt.Fprintf(d.out, "== %d/%d %s\n", i+1, len(all), s.name)
		t := time.Now()
		err := s.run(d)
		took := time.Since(t).Round(100 * time.Millisecond)
		if err == nil {
			fmt.Fprintf(d.out, "== %s: held, %s\n", s.name, took)
			continue
		}
		fmt.Fprintf(d.out, "== %s: DID NOT HOLD, %s: %v\n", s.name, took, err)
		failed = append(failed, fmt.Sprintf("%s: %v", s.name, err))
		if errors.Is(err, errStop) {
			break
		}
	}
	total := time.Since(start).Round(time.Second)
	if len(failed) == 0 {
		fmt.Fprintf(d.out, "== all %d held, %s\n", len(all), total)
		return 0
	}
	fmt.Fprintf(d.out, "== %d did not hold, %s:\n", len(failed), total)
	for _, f := range failed {
		fmt.Fprintf(d.out, "   %s\n", f)
	}
	return 1
}

// command is a program to be run at the module's root, with more environment.
func (d *dev) command(env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = d.root
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// show runs a program and passes on what it prints.
func (d *dev) show(env []string, name string, args ...string) error {
	cmd := d.command(env, name, args...)
	cmd.Stdout, cmd.Stderr = d.out, d.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// moduleRoot is the directory of go.mod above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above: run this inside the project")
		}
		dir = up
	}
}
