package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guardsh/rules"
)

// What "rules new" prints loads, passes lint, and is a rule of the site.
func TestRuleTemplate(t *testing.T) {
	text := strings.ReplaceAll(ruleTemplate, "FAMILY/VERB-PHRASE", "site/restart-heketi")
	if problems := lint([]ruleFile{{"x.yaml", []byte(text)}}, true); len(problems) > 0 {
		t.Error(problems)
	}
}

// goodRule is a rule file that nothing is wrong with.
const goodRule = `id: site/restart-heketi
on: [stop, restart]
when: object == "heketi"
verdict: confirm
summary: '{kind} of {object}'
why: the database was damaged by it
hint: ask storage
examples:
  match: [systemctl restart heketi]
  silent: [systemctl status heketi]
`

func TestLint(t *testing.T) {
	tests := []struct {
		name, change, to string
		want             string // in the one problem; "" none
	}{
		{"good", "", "", ""},
		{"lies", "match: [systemctl restart heketi]", "match: [systemctl restart nginx]", "x.yaml:9:"},
		{"speaks at a near miss", "silent: [systemctl status heketi]", "silent: [systemctl stop heketi]", "has to be silent"},
		{"no name like that", "object ==", "objct ==", "x.yaml:3:"},
		{"no why", "why: the database was damaged by it\n", "", "does not say why"},
		{"empty why", "why: the database was damaged by it", "why: ' '", "x.yaml:6:1: site/restart-heketi: why is empty"},
		{"no hint", "hint: ask storage\n", "", "neither instead"},
		{"no near miss", "silent: [systemctl status heketi]", "silent: [ls]", "near miss"},
		{"no silent example", "silent: [systemctl status heketi]", "silent: []", "one that is silent"},
		{"instead is refused", "hint: ask storage", "instead: rm -rf /lib", "instead that does not pass"},
		{"bad verdict", "verdict: confirm", "verdict: maybe", "x.yaml:4:"},
		{"bad id", "id: site/restart-heketi", "id: Restart", "x.yaml:1:1:"},
		{"bad effect", "on: [stop, restart]", "on: [explode]", "x.yaml:2:1:"},
		{"weaker than the built-in one", "id: site/restart-heketi", "id: fs/delete-brick-metadata", "x.yaml:4:1: fs/delete-brick-metadata: replaces the built-in rule, which is block"},
	}
	for _, tt := range tests {
		problems := lint([]ruleFile{{"x.yaml", []byte(strings.Replace(goodRule, tt.change, tt.to, 1))}}, true)
		got := strings.Join(problems, "\n")
		if tt.want == "" && got != "" || tt.want != "" && (!strings.Contains(got, tt.want) || !strings.HasPrefix(got, "x.yaml:")) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	twice := lint([]ruleFile{{"a.yaml", []byte(goodRule)}, {"b.yaml", []byte(goodRule)}}, true)
	if len(twice) != 1 || !strings.Contains(twice[0], "b.yaml:1:1: rule site/restart-heketi stands in a.yaml too") {
		t.Errorf("twice: %q", twice)
	}
}

// A directory is read in the order of its names, and only its rule files.
func TestReadRuleFiles(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"b.yaml", "a.yml", ".hidden.yaml", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(goodRule), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := readRuleFiles(dir)
	if err != nil || len(files) != 2 || files[0].name != filepath.Join(dir, "a.yml") || files[1].name != filepath.Join(dir, "b.yaml") {
		t.Errorf("%v %v", files, err)
	}
}

// Every rule has a row, in words without expressions.
func TestListRule(t *testing.T) {
	set := rules.Builtin()
	var rows []listed
	for _, id := range set.IDs() {
		row, err := listRule(set, id)
		if err != nil {
			t.Fatal(err)
		}
		if row.Example == "" || row.File != "" || len(row.Verdicts) == 0 || strings.Contains(row.Says, "{") {
			t.Errorf("%s: %+v", id, row)
		}
		rows = append(rows, row)
	}
	var out bytes.Buffer
	if err := showRules(&out, rows); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\nfs\n") || strings.Count(out.String(), "\n") < len(rows) {
		t.Error(out.String())
	}
}
