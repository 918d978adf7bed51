package main

import (
	"strings"
	"testing"
)

// TestHeld is which calls of sudo have their files kept by root's side.
func TestHeld(t *testing.T) {
	for call, want := range map[string]string{
		"-e /etc/hosts":                  "-- /etc/hosts",
		"--edit -n hosts b":              "-- hosts b",
		"-ne -u root -- -x":              "-u root -- -x",
		"-u #0 -e /etc/hosts":            "-u #0 -- /etc/hosts",
		"EDITOR=ed -e /etc/hosts":        "-- /etc/hosts",
		"-u www -e /etc/hosts":           "-u www -- /etc/hosts",
		"-g adm -e /etc/hosts":           "-g adm -- /etc/hosts",
		"-e -D /etc hosts":               "-D /etc -- hosts",
		"-R /srv/root -e /etc/hosts":     "",
		"-e":                             "",
		"-u www sudoedit -x":             "-u www -- -x",
		"-l -U ann":                      "",
		"vi /etc/hosts":                  "",
		"-s vi -e /etc/hosts":            "",
		"--prompt=-e --user=root id -un": "",
	} {
		got, ok := readSudo(strings.Fields(call)).held("/g")
		if want == "" && ok || want != "" && strings.Join(got, " ") != "/g exec --hold -- sudoedit "+want {
			t.Errorf("sudo %s: %q, %v; want %q", call, got, ok, want)
		}
	}
}
