package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is a package, or with "/..." a tree of them, and which rooms of this
// module it may know. Imports run one way: cmd → guard → {rules, audit}.
type room struct {
	path string
	may  []string
	why  string
}

var rooms = []room{
	{"cmd/dev", nil, "the checks must run when nothing else builds"},
	{"cmd/guardsh", []string{"guard/...", "rules/...", "audit/..."}, "the command line shows what every room says; it decides nothing"},
	{"guard", []string{"guard/...", "rules/...", "audit/..."}, "the only room that knows both the rules and the trail"},
	{"guard/ask", []string{"rules/..."}, "a question shows findings; it must not know who asks or what is kept"},
	{"guard/bash", []string{"rules/...", "guard/proc"}, "the live shell answers for command.Shell"},
	{"guard/host", []string{"rules/...", "guard/proc"}, "this machine answers for rules.World"},
	{"guard/install", nil, "accounts and doors of this machine; it judges nothing"},
	{"guard/proc", nil, "what the kernel says of a process; what that means is not known here"},
	{"guard/rescue", nil, "has to work when nothing else does"},
	{"guard/supervise", []string{"rules/...", "guard/proc"}, "program starts are judged as actions"},
	{"rules/word", nil, "a word is known before anything else is"},
	{"rules/option", []string{"rules/word"}, "options are read from words"},
	{"rules/command", []string{"rules/word", "rules/option"}, "bytes become actions; what these do is not known here"},
	{"rules/effect", []string{"rules/word", "rules/option", "rules/command", "rules/packs/..."}, "actions become effects; what is judged of them is not known here"},
	{"rules/packs/...", nil, "data"},
	{"rules", []string{"rules/word", "rules/option", "rules/command", "rules/effect", "rules/packs/..."}, "effects and facts become findings"},
	{"rules/hypothetical", []string{"rules/...", "rules"}, "the imagined server answers for rules.World"},
	{"audit", []string{"audit/cast"}, "the trail is read by machines that know no rules"},
	{"audit/cast", nil, "a recording is a format of its own"},
	{"audit/replay", []string{"audit", "audit/cast"}, "plays what the trail holds"},
	{"audit/snapshot", nil, "keeps files; why is not its concern"},
}

// only are libraries that the named rooms alone may know, so that they can be
// exchanged there, or so that nothing else pays for them.
var only = []struct {
	lib, in, why string
}{
	{"mvdan.cc/sh/v3/syntax", "rules/command guard/rescue", "one place reads the syntax tree, and one runs it where bash cannot"},
	{"mvdan.cc/sh/v3/expand", "rules/command guard/rescue", "the same"},
	{"mvdan.cc/sh/v3/interp", "guard/rescue", "guarded lines are run by bash itself, never by an interpreter of ours"},
	{"github.com/AlecAivazis/survey", "guard/ask", "no longer developed upstream: it must be possible to replace it"},
	{"github.com/goreleaser/nfpm", "cmd/dev", "makes packages, by go tool; the product carries none of it"},
	{"github.com/spf13/cobra", "cmd/guardsh", "verbs only; the shell's own paths touch no flag library"},
}

// impure are what the rules must not know: clock, disk, network, environment.
// What they need comes in through interfaces, so that judging a recorded line
// again is a loop.
var impure = []string{"os", "os/...", "net", "net/...", "syscall", "math/rand", "math/rand/v2", "crypto/rand", "io/ioutil", "log", "log/...", "golang.org/x/sys/...", "golang.org/x/term", "C", "unsafe", "plugin"}

// pure are packages below the impure ones that only read text.
var pure = []string{"net/url", "net/netip"}

// clocks are the parts of package time that look at the clock.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}

// drawers are names that say nothing of what is inside.
var drawers = []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "internal", "lib", "pkg"}

// sourceFile is a file of the product, tests left out.
type sourceFile struct {
	name, room string
	tree       *ast.File
}

func sourceFiles(t *testing.T) (*token.FileSet, []sourceFile) {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []sourceFile
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		tree, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		files = append(files, sourceFile{filepath.Join(rel, base), rel, tree})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found: the walk missed the product", len(files))
	}
	return fset, files
}

// matches says whether a package is meant by a pattern: itself, or with "/..."
// it and all below.
func matches(pattern, pkg string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == tree || strings.HasPrefix(pkg, tree+"/")
	}
	return pkg == pattern
}

func anyMatches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

func TestImportsRunOneWay(t *testing.T) {
	fset, files := sourceFiles(t)
	for _, f := range files {
		at := slices.IndexFunc(rooms, func(r room) bool { return matches(r.path, f.room) })
		if at < 0 {
			t.Errorf("%s: %s is not in the table of rooms; add it with what it may know and why", f.name, f.room)
			continue
		}
		for _, spec := range f.tree.Imports {
			lib, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			pos := fset.Position(spec.Pos())
			if pkg, ours := strings.CutPrefix(lib, "guardsh/"); ours && !anyMatches(rooms[at].may, pkg) {
				t.Errorf("%s:%d: %s must not import %s: %s", f.name, pos.Line, f.room, pkg, rooms[at].why)
			}
			for _, o := range only {
				if matches(o.lib+"/...", lib) && !slices.Contains(strings.Fields(o.in), f.room) {
					t.Errorf("%s:%d: %s is for %s: %s", f.name, pos.Line, lib, o.in, o.why)
				}
			}
			if matches("rules/...", f.room) && anyMatches(impure, lib) && !slices.Contains(pure, lib) {
				t.Errorf("%s:%d: %s in rules, which know no clock, disk, network or environment", f.name, pos.Line, lib)
			}
		}
	}
}

func TestRulesHaveNoClock(t *testing.T) {
	fset, files := sourceFiles(t)
	seen := 0
	for _, f := range files {
		if !matches("rules/...", f.room) {
			continue
		}
		seen++
		ast.Inspect(f.tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, sel.Sel.Name) {
				t.Errorf("%s:%d: time.%s in rules, which know no clock", f.name, fset.Position(n.Pos()).Line, sel.Sel.Name)
			}
			return true
		})
	}
	if seen == 0 {
		t.Error("no file of the rules was looked at")
	}
}

func TestNoDrawers(t *testing.T) {
	_, files := sourceFiles(t)
	for _, f := range files {
		for _, part := range strings.Split(f.room, "/") {
			if slices.Contains(drawers, part) {
				t.Errorf("%s: %q says nothing of what is inside", f.name, part)
			}
		}
	}
}

// unsafe belongs into files that say so, where a reader expects it.
func TestUnsafeSaysSo(t *testing.T) {
	_, files := sourceFiles(t)
	for _, f := range files {
		for _, spec := range f.tree.Imports {
			if spec.Path.Value == `"unsafe"` && !strings.HasSuffix(f.name, "_unsafe.go") {
				t.Errorf("%s: unsafe outside of a file named *_unsafe.go", f.name)
			}
		}
	}
}
