package main

import (
	"errors"
	"os"
	"path/filepath"
)

// suites runs public test suites beside plain bash, as cmd/guardsh's TestSuites
// describes. They are foreign scripts, so that they run on scratch machines
// only.
func (d *dev) suites(dir, only string) int {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return d.steps([]step{{"suites", func(*dev) error { return err }}})
	}
	env := []string{"GUARDSH_SUITES=" + dir, "GUARDSH_SUITES_ONLY=" + only}
	return d.steps([]step{{"suites of " + dir, func(d *dev) error {
		if os.Geteuid() != 0 {
			return errors.New("a scratch machine takes root")
		}
		return d.show(env, "go", "test", "-count", "1", "-timeout", "0", "-run", "^TestSuites$", "./cmd/guardsh")
	}}})
}
