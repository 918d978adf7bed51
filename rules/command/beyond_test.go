package command

import (
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// What stands behind a command that bash may understand and the parser does
// not is walked all the same, and a part of that command is nothing sure.
func TestBeyond(t *testing.T) {
	const odd = "select x in a; { one; } until\n" // no shell reads this
	for _, tt := range []struct {
		src, want string // the starts, joined by commas; a note ends in "!"
	}{
		{odd + "cd /usr\nrm -rf /lib\n", "rm -rf /lib @{/srv,/usr} possible!"},
		{"x=1\none $x\n" + odd + "two $x\n", "one 1 @/srv certain, two <$x>… @/srv possible!"},
		{"f() {\n one a\n " + odd + " two b\n}\nf\nthree\n", "one a @/srv possible, two b @/srv possible, f @/srv possible, three @/srv possible!"},
		{odd + "cat <<E\nrm -rf /usr\nE\n", "cat 0<<\"rm -rf /usr\\n\" @/srv possible!"},
		{"f() {\n " + odd + "cat <<E\nrm -rf /usr\nE\n}\n", "cat 0<<\"rm -rf /usr\\n\" @/srv possible!"},
		{odd + odd + "one\n" + odd + "\n\n# two\nthree", "one @/srv possible, three @/srv possible!"},
		{"until ( cd /usr\none\n", "one @<$PWD> possible!"}, // part of what is not known
		{"f() { cd /usr; }\nuntil ( f\none\n", "one @<$PWD> possible!"},
		{"until ( echo\none\n", "one @/srv possible!"},
		{odd + "g() { two; }\ng\n", "g @/srv possible, two @/srv possible via=function g!"},
		{odd + "exit 0\none\n", "one @/srv possible!"}, // the exit may stand in what is not called
		// Nothing is read behind the end of a script: an archive stands there.
		{"one\nexit 0\n" + odd + "two\n", "one @/srv certain"},
		{"exec one\n" + odd + "two\n", "one @/srv certain via=exec"},
		{"if one; then exit 0; fi\n" + odd + "two\n", "one @/srv certain, two @/srv possible!"},
		// What only the parser does not know is mended.
		{"one ${x~~}; two", "one <${RANDOM}> @/srv certain, two @/srv certain"},
		{"m[a b]=c; two", "two @/srv certain"},
		{"time ! one; two", "one @/srv certain, two @/srv certain"},
		{"! ! one && two", "one @/srv certain, two @/srv possible"},
		{"[[ $1 =~ a&b ]] || one", "one @/srv possible"},
		{"two $((one a); (one b))", "one a @/srv certain via=$(), one b @/srv certain via=$(), two <$( (one a); (one b))>… @/srv certain"},
	} {
		if got := beyondStarts(Understand(tt.src, Options{Shell: tableShell})); got != tt.want {
			t.Errorf("%q:\n got  %s\n want %s", tt.src, got, tt.want)
		}
	}
}

func beyondStarts(l *Line) string {
	var out []string
	for _, a := range l.Actions {
		if n, ok := a.Name(); ok && !a.Builtin && n != "exec" {
			out = append(out, strings.TrimSuffix(compact(&Line{Actions: []Action{a}})[0], " wrapper"))
		}
	}
	end := ""
	if slices.ContainsFunc(l.Notes, func(n Note) bool { return n.Kind == NotUnderstood || n.Kind == TooLarge }) {
		end = "!"
	}
	return strings.Join(out, ", ") + end
}

// The positions behind a gap are those of the text.
func TestBeyondPositions(t *testing.T) {
	l := Understand("one\nif (\n\ntwo\nif (\nthree\n", Options{Shell: tableShell})
	var at []int
	for _, a := range l.Actions {
		at = append(at, a.Line)
	}
	if !slices.Equal(at, []int{1, 4, 6}) {
		t.Errorf("%v", at)
	}
}

// A script with an archive behind its end is no large script, whatever bytes
// the archive has; one that may go on is.
func TestArchive(t *testing.T) {
	noise := make([]byte, 3<<20)
	rand.New(rand.NewSource(1)).Read(noise)
	for _, tt := range []struct{ head, want string }{
		{"#!/bin/sh\nsed -e '1,/^exit/d' \"$0\" | tar xzf - && ./setup\nexit\n", ""},
		{"#!/bin/sh\ntail -n+5 $0 | tar x\nexit $?\n__ARCHIVE__\n", ""},
		{"#!/bin/sh\nrun() { one; exit 1; }\nif one; then two; exit 0; else run; fi\n", ""},
		{"#!/bin/sh\none || exit 0\n", "!"},
	} {
		for _, size := range []int{100, 40 << 10, 900 << 10, 3 << 20} {
			l := Understand(tt.head+string(noise[:size]), Options{Shell: tableShell})
			if got := beyondStarts(l); !strings.HasSuffix(got, tt.want) || strings.HasSuffix(got, "!") != (tt.want == "!") {
				t.Errorf("%q with %d bytes: %s", tt.head, size, got)
			}
		}
	}
	// A script whose size is in its here-documents is read whole.
	text := "cat > x <<'E'\n" + strings.Repeat("data data data\n", 100000) + "E\nrm -rf /usr\n"
	if got := beyondStarts(Understand("bash /big.sh", Options{Shell: tableShell, Files: mapFiles{"/big.sh": text}})); !strings.Contains(got, "rm -rf /usr") || strings.HasSuffix(got, "!") {
		t.Errorf("%.200s", got)
	}
}
