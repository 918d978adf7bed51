package command

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guardsh/rules/word"
)

// seeds adds the rows and the everyday sample as a corpus.
func seeds(f *testing.F) {
	for i, l := range sample(f) {
		if i%40 == 0 {
			f.Add(l)
		}
	}
	for _, l := range []string{
		":(){ :|:& };:", "f() { g; g; }; g() { f; f; }; f", "x=a; while :; do x=$x$x; done",
		"a[1]=x; one ${a[@]:1:-1} ${a[1]/x/y} ${!a[@]}", "case $x in a|b) ;; *) ;;& c) esac",
		"find / -exec sh -c 'rm {}' \\; | xargs -I{} ssh h {}", "bash -c \"eval 'bash <<< $X'\"",
		"for ((i=0;;i++)); do echo $((i**i)); done", "trap 'trap \"x\" EXIT' EXIT", "sudo -u $X env -S \"a $Y\" b",
		"alias a='a b ' b='a'\na b", "cd $X; cd ..; cd -; pushd x; popd; rm *", "{1..100000}{1..100000}", "echo ${x:${y:-${z}}}",
	} {
		f.Add(l)
	}
}

// check holds what is true of every line that was understood.
func check(t *testing.T, src string, l *Line) {
	t.Helper()
	for _, n := range l.Notes {
		if strings.HasPrefix(n.Text, "internal error") {
			t.Fatalf("%q: %s", src, n.Text)
		}
	}
	word1 := func(what string, w word.Word) {
		switch w.Know {
		case word.Known:
			if len(w.Values) != 1 {
				t.Fatalf("%q: %s is known with %d values", src, what, len(w.Values))
			}
		case word.OneOf:
			if len(w.Values) < 2 {
				t.Fatalf("%q: %s is one of %d values", src, what, len(w.Values))
			}
		case word.Unknown:
			if w.Values != nil {
				t.Fatalf("%q: %s is unknown and has values", src, what)
			}
		default:
			t.Fatalf("%q: %s has no knowledge", src, what)
		}
		for _, v := range w.Values {
			// An escape may write the same byte: $'\1'.
			if strings.ContainsRune(v, holeOpen) && !strings.ContainsAny(src, string(holeOpen)+`\`) {
				t.Fatalf("%q: %s holds a mark: %q", src, what, v)
			}
		}
	}
	for i, a := range l.Actions {
		if a.Certain == 0 || a.Line < 1 {
			t.Fatalf("%q: action %d is not filled: %+v", src, i, a)
		}
		if len(a.Argv) == 0 && len(a.Redirs) == 0 {
			t.Fatalf("%q: action %d does nothing", src, i)
		}
		word1("cwd", a.Cwd)
		for _, w := range a.Argv {
			word1("argv", w)
		}
		for _, r := range a.Redirs {
			word1("redirection", r.Target)
		}
		for _, as := range a.Assigns {
			word1("assignment", as.Value)
		}
		for _, j := range append(append([]int{}, a.PipeTo...), a.Stdin.From...) {
			if j < 0 || j >= len(l.Actions) {
				t.Fatalf("%q: action %d is piped to %d of %d", src, i, j, len(l.Actions))
			}
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	seeds(f)
	for i := range 400 {
		g := &generator{r: rand.New(rand.NewSource(int64(i)))}
		f.Add(g.program())
	}
	f.Fuzz(func(t *testing.T, src string) {
		check(t, src, Understand(src, Options{Shell: &StaticShell{Dir: "/work", Environ: []string{"A=a b", "HOME=/h"}}, Limits: Limits{Actions: 256, Unroll: 64}}))
		check(t, src, Understand(src, Options{Shell: &StaticShell{Aliases: map[string]string{"ll": "ls -l ", "x": "ll;x"}, Funcs: map[string]string{"f": "f () { g \"$@\"; }"}}, Limits: Limits{Actions: 256, Unroll: 64}}))
	})
}

// FuzzWrapped feeds the words of a line to each wrapper.
func FuzzWrapped(f *testing.F) {
	f.Add(uint8(3), "-u root -- rm -rf /x")
	f.Add(uint8(9), "-I{} sh -c {}")
	var names []string
	f.Fuzz(func(t *testing.T, which uint8, args string) {
		if names == nil {
			for n := range wrapperTable() {
				names = append(names, n)
			}
			names = append(names, strings.Fields("sh bash zsh su flock ip find xargs parallel ssh pdsh ansible salt aws fab az script at tmux screen sg gdb capsh machinectl virsh crontab make")...)
		}
		src := names[int(which)%len(names)] + " " + args
		check(t, src, Understand(src, Options{Shell: &StaticShell{Dir: "/work", Environ: []string{}}, Limits: Limits{Actions: 256, Unroll: 64}}))
	})
}

// FuzzExpand expands words in a shell that has a value of each kind.
func FuzzExpand(f *testing.F) {
	for i := range 400 {
		g := &generator{r: rand.New(rand.NewSource(int64(i)))}
		f.Add(g.some(1, 3, " ", g.word), uint8(i))
	}
	before := []string{
		"x=a:b/c.d; y='*'; a=(p 'q r' ''); declare -A m=([k]=v [l]='w w'); r=x; n=-1; set -- 1 '2 3' ''",
		"x=; IFS=:; a=([3]=t [1]=u); unset y; declare -n r=a; shopt -s nullglob extglob",
		"x=$U; y=${U:-d}; a=($U *); read -r r; set -u -f",
	}
	f.Fuzz(func(t *testing.T, words string, which uint8) {
		src := before[int(which)%len(before)] + "\none " + words
		check(t, src, Understand(src, Options{Shell: &StaticShell{Dir: "/work", Environ: []string{"HOME=/h"}}, Limits: Limits{Actions: 256, Unroll: 64}}))
	})
}

// FuzzInterpreted feeds code to the interpreters.
func FuzzInterpreted(f *testing.F) {
	for _, row := range strings.Split(interpreterRows, "\n") {
		line, _, _ := strings.Cut(row, " => ")
		if _, code, ok := strings.Cut(line, "'"); ok {
			for i := range 7 {
				f.Add(uint8(i), strings.TrimSuffix(code, "'"))
			}
		}
	}
	names := []string{"python3 -c", "perl -e", "ruby -e", "node -e", "php -r", "lua -e", "awk"}
	f.Fuzz(func(t *testing.T, which uint8, code string) {
		src := names[int(which)%len(names)] + " '" + code + "'"
		check(t, src, Understand(src, Options{Shell: &StaticShell{Dir: "/work", Environ: []string{}}, Limits: Limits{Actions: 256, Unroll: 64}}))
	})
}

// TestBounds holds that each bound yields its note and no hang.
func TestBounds(t *testing.T) {
	deepText := strings.Repeat("(", 1<<19)
	for _, tt := range []struct{ name, src, says string }{
		{"bytes", strings.Repeat("#", 2<<20), "bytes"},
		{"nesting", deepText, "nesting"},
		{"nesting of words", strings.Repeat("{ if ", 60000), "nesting"},
		{"depth", nested(40), "nested"},
		{"value as code", "x=aaaaaaaa; for i in {1..20}; do x=$x$x; done; eval \"$x\"", "bytes"},
		{"words in all", strings.Repeat("true "+strings.Repeat("{a,b,c,d,e,f,g,h,i,j}", 4)+"\n", 30), "in all"},
		{"product of braces", "echo " + strings.Repeat("{a,b}", 10000), "brace"},
		{"braces", "echo " + strings.Repeat("{1..9}", 6), "brace"},
		{"steps", strings.Repeat(":\n", maxWalk+1), "steps"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Understand(tt.src, Options{Shell: &StaticShell{Dir: "/"}})
			for _, n := range l.Notes {
				if n.Kind == TooLarge && strings.Contains(n.Text, tt.says) {
					return
				}
			}
			t.Errorf("no such bound in %v", l.Notes)
		})
	}
}

func nested(n int) string { return strings.Repeat("{ ( ", n*10) + "a" + strings.Repeat("; ) }", n*10) }

// Each grammar is read when its program is first named: it has to be right
// before that.
func TestWrapperGrammars(t *testing.T) {
	for name := range wrapperTable() {
		if ownWrapper(name) != nil {
			t.Errorf("%s stands in both tables", name)
		}
		wr := wrapperNamed(name) // panics where it is wrong
		if wr.as != "" && wrapperTable()[wr.as] == nil {
			t.Errorf("%s: there is no entry %s", name, wr.as)
		}
	}
}

// An entry stands once, and its options directly below its head.
func TestWrapperFiles(t *testing.T) {
	files, err := filepath.Glob("wrappers/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("wrapper files: %v, %v", files, err)
	}
	seen := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		before := ""
		for n, line := range strings.Split(string(b), "\n") {
			at := fmt.Sprintf("%s:%d", f, n+1)
			switch {
			case strings.HasPrefix(line, " "):
				if before == "" || before[0] == '#' {
					t.Errorf("%s: options without a head", at)
				}
			case line != "" && line[0] != '#':
				names, _, ok := strings.Cut(line, ":")
				if !ok {
					t.Errorf("%s: %q has no colon", at, line)
				}
				for _, name := range product(names) {
					if seen[name] != "" {
						t.Errorf("%s: %s stands at %s too", at, name, seen[name])
					}
					seen[name] = at
				}
			}
			before = line
		}
	}
}
