package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Public test suites of shells run here as they run in plain bash. bash is the
// referee: whatever it prints, shows, returns and leaves behind has to be the
// same, but for the rows of testdata/suites/differs.
//
// A suite is not ours, and not in this repository. Where it can be had as a Go
// module or a package it is a test of its own; another is named by
// GUARDSH_SUITES, which "go run ./cmd/dev suites DIR" sets.

const (
	suitesEnv = "GUARDSH_SUITES"      // the directory that is looked through for suites
	suiteJob  = "GUARDSH_SUITES_JOB"  // on the scratch machine: what to run
	suiteOnly = "GUARDSH_SUITES_ONLY" // a regular expression over "SUITE WAY CASE", to run some
	suiteDir  = insideDir + "/suite"  // where its files are there
)

// suiteRows are the differences that stay.
var suiteRows = filepath.Join("..", "..", "testdata", "suites", "differs")

// suite is a set of cases with the files that they need.
type suite struct {
	Name  string
	Cases []suiteCase
	Env   []string
	Part  bool              // some cases were left out
	files map[string]string // path below suiteDir: path here
}

// suiteCase is one script.
type suiteCase struct {
	Name string
	Text string   // the script; empty where File is one of the suite's
	File string   // below suiteDir
	Ways []string // how it is run: see ways
}

// suiteRun is what a scratch machine is told.
type suiteRun struct {
	Suite   suite
	Differs []suiteRow
}

// run runs the suite on a scratch machine and fails on what differs without a
// row, and on a row that does not differ.
func (s suite) run(t *testing.T) {
	t.Helper()
	if len(s.Cases) == 0 {
		t.Fatalf("%s: no cases", s.Name)
	}
	if only := os.Getenv(suiteOnly); only != "" {
		re, err := regexp.Compile(only)
		if err != nil {
			t.Fatal(err)
		}
		s.Part = true
		for i := range s.Cases {
			c := &s.Cases[i]
			c.Ways = slices.DeleteFunc(c.Ways, func(way string) bool { return !re.MatchString(s.Name + " " + way + " " + c.Name) })
		}
	}
	rows, err := readSuiteRows(suiteRows)
	if err != nil {
		t.Fatal(err)
	}
	rows = slices.DeleteFunc(rows, func(r suiteRow) bool { return r.Suite != s.Name })
	b, err := json.Marshal(suiteRun{s, rows})
	if err != nil {
		t.Fatal(err)
	}
	job := filepath.Join(t.TempDir(), "job")
	if err := os.WriteFile(job, b, 0o644); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{guardedShell: product(t), insideDir + "/guardsh.test": exe, insideDir + "/job": job}
	for there, here := range s.files {
		files[suiteDir+"/"+there] = here
	}
	var watch io.Writer
	if os.Getenv(suitesEnv) != "" {
		watch = os.Stderr // somebody waits for it
	}
	out, err := scratchMachine{
		base:  t.TempDir(),
		files: files,
		argv:  []string{insideDir + "/guardsh.test", "-test.run=^TestSuiteInside$", "-test.v", "-test.timeout=0"},
		env: []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", "TERM=xterm", "LANG=C.UTF-8",
			suiteJob + "=" + insideDir + "/job",
		},
		watch: watch,
	}.run(t)
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "TABLE ") {
			t.Log(strings.TrimSpace(line))
		}
	}
	if watch != nil {
		out = nil // it was seen
	}
	if err != nil || watch == nil && !strings.Contains(string(out), "--- PASS: TestSuiteInside") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestSuites runs the suites below the directory that GUARDSH_SUITES names.
func TestSuites(t *testing.T) {
	dir := os.Getenv(suitesEnv)
	if dir == "" {
		return // no suite was named; those that can be had are tests of their own
	}
	all, err := suitesBelow(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) { s.run(t) })
	}
}

// TestSuiteInside runs the cases of one suite on the scratch machine to which
// they were brought.
func TestSuiteInside(t *testing.T) {
	name := os.Getenv(suiteJob)
	if name == "" {
		return // TestSuites and the tests of single suites are what runs here
	}
	if os.Getppid() != 1 {
		t.Fatal("this is no scratch machine")
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var job suiteRun
	if err := json.Unmarshal(b, &job); err != nil {
		t.Fatal(err)
	}
	os.Unsetenv(suiteJob)
	if err := os.WriteFile("/root/.bashrc", []byte(suiteRC), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{plainShell, guardedShell} {
		if err := os.Mkdir(calledDir(shell), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(shell, calledDir(shell)+"/bash"); err != nil {
			t.Fatal(err)
		}
	}
	type task struct {
		c   suiteCase
		way string
	}
	tasks := make(chan task)
	var (
		mu       sync.Mutex
		wg       sync.WaitGroup
		outcomes = map[string]map[string]int{} // way: outcome: how many
	)
	for i := range runtime.NumCPU() {
		wg.Go(func() {
			place := suitePlace{root: fmt.Sprintf("/tmp/suite%d", i), env: job.Suite.Env}
			for k := range tasks {
				said, more, err := place.compare(k.c, k.way)
				mu.Lock()
				row := slices.IndexFunc(job.Differs, func(r suiteRow) bool { return r.is(k.c.Name, k.way) })
				outcome := "same"
				switch {
				case err != nil:
					outcome = "failed"
					t.Errorf("%s %s: %v", k.way, k.c.Name, err)
				case said != "" && row < 0:
					outcome = "differs"
					t.Errorf("DIFFERS %s %s\n%s", k.way, k.c.Name, said)
				case more && strings.HasPrefix(job.Differs[row].What, onlyWords):
					outcome = "differs in more"
					t.Errorf("%s %s differs in more than guardsh's words\n%s", k.way, k.c.Name, said)
				case said != "":
					outcome = "differs as known"
				case row >= 0 && !job.Differs[row].Sometimes:
					outcome = "row is not true"
					t.Errorf("%s %s is the same: its row in testdata/suites/differs goes", k.way, k.c.Name)
				}
				if outcomes[k.way] == nil {
					outcomes[k.way] = map[string]int{}
				}
				outcomes[k.way][outcome]++
				mu.Unlock()
			}
		})
	}
	for _, c := range job.Suite.Cases {
		for _, way := range c.Ways {
			tasks <- task{c, way}
		}
	}
	close(tasks)
	wg.Wait()
	for way, counts := range outcomes {
		fmt.Printf("TABLE %-10s %-8s %v\n", job.Suite.Name, way, counts)
	}
	for _, r := range job.Differs {
		if !slices.ContainsFunc(job.Suite.Cases, func(c suiteCase) bool { return r.Case == c.Name }) && !job.Suite.Part {
			t.Errorf("testdata/suites/differs:%d: there is no case %s in %s", r.Line, r.Case, r.Suite)
		}
	}
}
