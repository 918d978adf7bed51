package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// suiteRow is a difference from plain bash that stays, with its reason.
type suiteRow struct {
	Suite, Case string
	Ways        []string
	What, Why   string
	Sometimes   bool // it depends on who is quicker
	Line        int  // in its file
}

func (r suiteRow) is(name, way string) bool { return r.Case == name && slices.Contains(r.Ways, way) }

// onlyWords begins what a row says where nothing differs but what guardsh says
// at a terminal of a line that runs all the same. That is looked at.
const onlyWords = "words: "

// readSuiteRows reads the differences: lines of
//
//	SUITE WAY,WAY[?] :: what differs :: why it stays :: CASE
//
// where ? stands behind the ways of a difference that does not show each time.
func readSuiteRows(name string) ([]suiteRow, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var rows []suiteRow
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.SplitN(line, " :: ", 4)
		if len(f) != 4 || f[1] == "" || f[2] == "" {
			return nil, fmt.Errorf("%s:%d: want SUITE WAYS :: what :: why :: case", name, n)
		}
		s, w, ok := strings.Cut(f[0], " ")
		r := suiteRow{Suite: s, What: f[1], Why: f[2], Case: f[3], Line: n}
		w, r.Sometimes = strings.CutSuffix(w, "?")
		r.Ways = strings.Split(w, ",")
		for _, way := range r.Ways {
			if !ok || suiteWays[way] == nil {
				return nil, fmt.Errorf("%s:%d: %q is no way to run a case", name, n, way)
			}
			if slices.ContainsFunc(rows, func(o suiteRow) bool { return o.Suite == r.Suite && o.is(r.Case, way) }) {
				return nil, fmt.Errorf("%s:%d: a second row for %s %s", name, n, way, r.Case)
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// suitesBelow finds the suites in a directory: one for each directory that
// holds scripts which end in .tests, as bash's own do, and one for each
// interp_test.go, which holds mvdan/sh's table.
func suitesBelow(dir string) ([]suite, error) {
	var all []suite
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var s suite
		switch {
		case d.IsDir():
			s, err = scriptSuite(name)
		case filepath.Base(name) == "interp_test.go":
			s, err = tableSuite(name)
		}
		if len(s.Cases) > 0 {
			all = append(all, s)
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s holds no suite: scripts that end in .tests, or an interp_test.go", dir)
	}
	return all, err
}

// scriptSuite is a directory of scripts. Its name is the one of the directory
// above, without a version: bash for bash-5.2/tests.
func scriptSuite(dir string) (suite, error) {
	scripts, err := filepath.Glob(filepath.Join(dir, "*.tests"))
	if err != nil || len(scripts) == 0 {
		return suite{}, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return suite{}, err
	}
	s := suite{
		Name:  regexp.MustCompile(`[-_][0-9].*`).ReplaceAllString(filepath.Base(filepath.Dir(abs)), ""),
		Env:   []string{"PATH=.:" + suiteDir + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "THIS_SH=" + suiteShell, "BUILD_DIR=" + suiteDir},
		files: map[string]string{},
	}
	for _, name := range scripts {
		s.Cases = append(s.Cases, suiteCase{Name: filepath.Base(name), File: filepath.Base(name), Ways: []string{"file", "sourced"}})
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, name)
			s.files[rel] = name
		}
		return err
	})
	return s, err
}

// tableSuite is what stands in variables of type []runTest: {in, want}. What
// is wanted is what bash does, here too, so that only in counts.
func tableSuite(name string) (suite, error) {
	s := suite{Name: "mvdan", files: map[string]string{"gosh": filepath.Join("..", "..", "testdata", "suites", "gosh")}, Env: []string{"GOSH_PROG=" + suiteDir + "/gosh", "INTERP_GLOBAL=value", "MULTILINE_INTERP_GLOBAL=\nwith\nnewlines\n\n",
		"MIXEDCASE_INTERP_GLOBAL=value", "PATH_PROG=sh", "ENV_PROG=env", "GO_TEST_DIR=" + suiteDir}}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return s, err
	}
	seen := map[string]bool{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, v := range g.Specs {
			v := v.(*ast.ValueSpec)
			if len(v.Values) != 1 || strings.HasSuffix(v.Names[0].Name, "Windows") {
				continue
			}
			list, ok := v.Values[0].(*ast.CompositeLit)
			if !ok {
				continue
			}
			if a, ok := list.Type.(*ast.ArrayType); !ok || fmt.Sprint(a.Elt) != "runTest" {
				continue
			}
			for _, e := range list.Elts {
				c, ok := e.(*ast.CompositeLit)
				if !ok || len(c.Elts) == 0 {
					return s, errors.New(name + ": a row of " + v.Names[0].Name + " is not {in, want}")
				}
				text, ok := constant(c.Elts[0])
				if !ok {
					return s, errors.New(name + ": a row of " + v.Names[0].Name + " is no constant text")
				}
				if !seen[text] {
					seen[text] = true
					ways := []string{"line", "file", "typed"}
					if strings.ContainsRune(text, 0) {
						ways = ways[1:] // no argument holds it
					}
					s.Cases = append(s.Cases, suiteCase{Name: strconv.Quote(text), Text: text, Ways: ways})
				}
			}
		}
	}
	return s, nil
}

// constant is the value of a text that is put together from literals.
func constant(e ast.Expr) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(x.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		a, ok := constant(x.X)
		b, also := constant(x.Y)
		return a + b, ok && also && x.Op == token.ADD
	case *ast.ParenExpr:
		return constant(x.X)
	}
	return "", false
}
