package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"time"
)

// fuzz runs each fuzz target of each package for so long, one after another,
// since go test fuzzes one at a time.
func (d *dev) fuzz(each time.Duration) int {
	targets, err := d.fuzzTargets()
	if err != nil {
		fmt.Fprintln(d.out, err)
		return 1
	}
	var all []step
	for _, t := range targets {
		all = append(all, step{t.pkg + " " + t.name, func(d *dev) error {
			return d.show(nil, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each.String(), t.pkg)
		}})
	}
	if len(all) == 0 {
		fmt.Fprintln(d.out, "no fuzz targets")
		return 1
	}
	return d.steps(all)
}

type fuzzTarget struct{ pkg, name string }

func (d *dev) fuzzTargets() ([]fuzzTarget, error) {
	out, err := d.command(nil, "go", "test", "-list", "^Fuzz", "./...").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -list: %w\n%s", err, out)
	}
	return listed(out), nil
}

// listed reads go test -list: names, then "ok  PACKAGE  TIME".
func listed(out []byte) []fuzzTarget {
	var targets []fuzzTarget
	var names []string
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		line := sc.Text()
		if strings.HasPrefix(line, "Fuzz") {
			names = append(names, line)
			continue
		}
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "ok" {
			for _, n := range names {
				targets = append(targets, fuzzTarget{f[1], n})
			}
			names = nil
		}
	}
	return targets
}
