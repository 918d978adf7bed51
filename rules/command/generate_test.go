package command

import (
	"fmt"
	"math/rand"
	"strings"
)

// generator makes random bash programs whose every program is a recorder. What
// it makes is valid, ends, and touches nothing outside the scratch tree; beyond
// that it combines constructs as no one would.
type generator struct {
	r     *rand.Rand
	deep  int      // compound commands around the present one
	funcs []string // functions defined so far
	loops int
	infn  bool
}

func (g *generator) n(n int) int { return g.r.Intn(n) }

func (g *generator) pick(of ...string) string { return of[g.n(len(of))] }

// some is between lo and hi of f, joined.
func (g *generator) some(lo, hi int, sep string, f func() string) string {
	var out []string
	for range lo + g.n(hi-lo+1) {
		out = append(out, f())
	}
	return strings.Join(out, sep)
}

func (g *generator) program() string {
	return g.some(1, 4, g.pick("; ", "\n"), g.statement)
}

func (g *generator) name() string { return g.pick("x", "y", "z") }
func (g *generator) scalar() string {
	return g.pick("x", "y", "z", "x", "A", "EMPTY", "N", "STAR", "P", "UNSET", "HOME", "1", "2")
}
func (g *generator) number() string {
	return g.pick("0", "1", "2", "3", "-1", "N", "i", "N+1", "N*2", "i%2", "1<<2", "N>2?7:8", "010", "0x1f", "(N-1)/2", "i++", "++i", "x=4", "y+=2", "N==3", "N&&i", "!N", "-N", "2**3", "a[1]", "UNSET")
}

func (g *generator) lit() string {
	return g.pick("a", "b", "p", "q1", "f.txt", "u/v", "w=1", "-k", "aXbX", "long-er", "7")
}

// part is a piece of a word.
func (g *generator) part() string {
	switch g.n(20) {
	case 0, 1, 2, 3, 4, 5:
		return g.lit()
	case 6:
		return "'" + g.pick("s q", "", "$x", `a\b`, "*", "a\"b", "~") + "'"
	case 7, 8, 9:
		return `"` + g.some(1, 3, "", g.inner) + `"`
	case 10:
		return "$'" + g.pick(`a\tb`, `x\ny`, `\x41`, `\'q`, `\\`, `\101`) + "'"
	case 11:
		return `\` + g.pick("*", " ", "$", "a", `"`, "~", "{")
	case 12:
		return g.pick("*", "*.txt", "[xy].txt", "sub/*", "?.txt", ".*n", "*.none", "s*/*.txt", "/srv/data/*", "[!x].txt", "sub/*/", "*/", "names*")
	case 13:
		return "{" + g.some(2, 3, ",", g.part) + "}"
	case 14:
		return g.pick("{1..3}", "{a..c}", "{3..1}", "{01..03}", "{1..7..3}", "{x}", "{a,b")
	case 15:
		return g.substitution()
	case 16:
		return "$((" + g.number() + "))"
	}
	return g.expansion()
}

// inner is a piece of a double-quoted word.
func (g *generator) inner() string {
	switch g.n(8) {
	case 0, 1:
		return g.pick("t", "two w", " ", "*", "'", `\"`, `\$x`, `\a`, "~", "{a,b}")
	case 2:
		return g.substitution()
	case 3:
		return "$((" + g.number() + "))"
	}
	return g.expansion()
}

func (g *generator) substitution() string {
	if g.deep > 3 {
		return "$(echo s)"
	}
	g.deep++
	defer func() { g.deep-- }()
	switch g.n(8) {
	case 0:
		return "$(printf '" + g.pick("%s", "%s-", "%03d", "%s\\n") + "' " + g.some(1, 3, " ", g.word) + ")"
	case 1:
		return "$(pwd)"
	case 2:
		return "`echo " + g.lit() + "`"
	case 3:
		return "$(" + g.statement() + ")"
	case 4:
		return g.pick("$(<names)", "$(<x.txt)", "$(cat x.txt)", "$(basename /u/v.c .c)", "$(dirname $P/x)", "$(seq 2)", "$(cat names | one)")
	case 5:
		return "$(one " + g.word() + ")"
	}
	return "$(echo " + g.some(1, 3, " ", g.word) + ")"
}

// expansion is a parameter expansion.
func (g *generator) expansion() string {
	switch g.n(12) {
	case 0, 1, 2:
		return "$" + g.scalar()
	case 3:
		return "${" + g.scalar() + "}"
	case 4:
		return "${" + g.scalar() + g.pick(":-", "-", ":+", "+", ":=", ":-") + g.pick("", "d", "$y", "'q r'", "\"$A\"", "e f", "*") + "}"
	case 5:
		return "${" + g.scalar() + g.pick("#", "##", "%", "%%") + g.pick("*", "?", "a", "*/", "/*", "*X", "[a-b]", "\"*\"", "$y", "*.") + "}"
	case 6:
		return "${" + g.scalar() + g.pick("/", "//", "/#", "/%") + g.pick("a", "X", "?", "*", "[ab]", "$y", "b*") + g.pick("", "/", "/r", "/$N", "/'s t'") + "}"
	case 7:
		return "${" + g.scalar() + ":" + g.pick("0", "1", "2", "N", " -1", "9", "i") + g.pick("", ":1", ":2", ":0", ": -1") + "}"
	case 8:
		return "${" + g.pick("#"+g.scalar(), "#a[@]", "#", "#@", g.scalar()+"^^", g.scalar()+",,", g.scalar()+"^", g.scalar()+"@Q", "!r", g.scalar()+"@U", "!r:-n", "#a", "#a[1]") + "}"
	case 9:
		return g.pick(`$@`, `$*`, `${a[@]}`, `${a[*]}`, `"$@"`, `"${a[@]}"`, `"${a[*]}"`, `"$*"`)
	case 10:
		return "${" + g.pick("a[0]", "a[1]", "a[-1]", "a[N]", "a[i]", "a[9]", "a[@]:1", "a[@]:0:2", "@:1", "@:2:1", "*:1", "a[@]/a/b", "a[@]%b", "@#a", "!a[@]", "a[@]^^", "a[*]:1", "a", "a[@]-n", "a[@]:+s") + "}"
	}
	return "${" + g.pick("m[k]", "m[l]", "m[$x]", "m[@]", "#m[@]", "!m[@]", "m[none]-d", "m", "m[\"k\"]") + "}"
}

func (g *generator) word() string {
	switch g.n(12) {
	case 0:
		return g.pick("~", "~/f", "~ann/g", "a~", "~+", "x=~/y", "~nobody9")
	case 1, 2, 3, 4:
		return g.lit()
	}
	return g.some(1, 3, "", g.part)
}

func (g *generator) program1() string {
	return g.pick("one", "two", "three", "no", "yes", "one", "two", "/bin/four", `\five`, `"six"`, "o''ne")
}

// simple is a simple command.
func (g *generator) simple() string {
	s := g.program1() + " " + g.some(0, 4, " ", g.word)
	if g.n(8) == 0 {
		s = g.name() + "=" + g.word() + " " + s
	}
	if g.n(6) == 0 {
		s += " " + g.redirect()
	}
	return s
}

func (g *generator) redirect() string {
	return g.pick("> /tmp/out", ">> /tmp/out", "< x.txt", "2>&1", "> /dev/null", "< absent", "> absent/x", "2> /dev/null", "<<< "+g.word(), "> $UNSET", "> \"$EMPTY\"", "&> /tmp/out", "3< names", "> /tmp/{a,b}", "< *.txt", ">| /tmp/out", "<&-", "> \"/tmp/out$N\"")
}

func (g *generator) cond() string {
	switch g.n(9) {
	case 0:
		return g.pick("yes", "no", "one", "true", "false", ":")
	case 1:
		return "[ " + g.pick("-n", "-z") + ` "` + g.expansion() + `" ]`
	case 2:
		return "[ " + g.word() + g.pick(" = ", " != ") + g.word() + " ]"
	case 3:
		return "[[ " + g.pick("$x", "$A", "$UNSET", "$P", "ab", `"$x"`) + g.pick(" == ", " != ", " = ", " < ", " =~ ") + g.pick("a*", `"a*"`, "$y", "*b", "a", "?", "$STAR", `"$x"`) + " ]]"
	case 4:
		return "((" + g.number() + "))"
	case 5:
		return "[[ " + g.pick("-n $x", "-z $x", "-v x", "-v UNSET", "! -n $A", "-f x.txt", "-d sub", "-e none", "-n $x && -n $y", "-z $x || $y == b", "( -n $x )", "$N -gt 2", "N -eq 3", "-o errexit") + " ]]"
	case 6:
		return "[ " + g.pick("-f x.txt", "-d sub", "-e none", "! -e none", "$N -gt 2", "$# -eq 0", "-n a -a -z b", "a = b -o c", "-r names", "$x", "! $UNSET", "-s x.txt", "-x /bin/one") + " ]"
	case 7:
		return "test " + g.pick("-n \"$x\"", "$N -lt 3", "-d sub/deep", "a", "\"\"")
	}
	return g.statementFlat()
}

// statementFlat is a statement that is not compound.
func (g *generator) statementFlat() string {
	deep := g.deep
	g.deep = 9
	defer func() { g.deep = deep }()
	return g.statement()
}

func (g *generator) body() string {
	g.deep++
	defer func() { g.deep-- }()
	return g.some(1, 2, "; ", g.statement)
}

func (g *generator) assignment() string {
	switch g.n(14) {
	case 0, 1, 2, 3:
		return g.name() + "=" + g.word()
	case 4:
		return g.name() + "+=" + g.word()
	case 5:
		return "a=(" + g.some(0, 4, " ", g.word) + ")"
	case 6:
		return g.pick("a+=("+g.word()+")", "a[1]="+g.word(), "a[N]="+g.word(), "a[0]+="+g.lit(), "a+=s", "a=([2]=t u [0]=v)")
	case 7:
		return g.pick("declare -A m=([k]="+g.word()+" [l]=v)", "declare -A m; m[k]="+g.word(), "m[l]=w", "declare -A m=([$x]=c)", "declare -A m; m[k]+=t")
	case 8:
		return g.pick("unset x", "unset y z", "unset -v x", "unset a", "unset 'a[0]'", "unset 'a[1]'", "unset -f f1", "unset 'm[k]'", "unset A")
	case 9:
		return g.pick("declare", "export", "readonly", "typeset", "local", "declare -i", "declare -a", "declare -x", "declare -u", "declare -l", "declare -g", "export -n", "declare -r", "declare -n") + " " + g.name() + g.pick("", "="+g.word(), "=5", "=A")
	case 10:
		return g.pick("r=x", "r=A", "r=y", "r='a[1]'", "r='a[@]'", "i=0", "i=2", "let i=N+1", "let 'i+=2' x=3", "((i=2))", "((x++))", "declare -n r=x", "declare -n r=y; r="+g.lit(), "unset -n r", "IFS=:", "IFS=", "IFS=X", "unset IFS")
	case 11:
		return "set -- " + g.some(0, 3, " ", g.word)
	case 12:
		return g.pick("shift", "shift 2", "shift N", "set --", "set - p q")
	}
	return g.pick("printf -v x '%s,' "+g.word()+" b", "printf -v y %d 010", "printf -v 'a[1]' %s t", "read x y <<< "+g.word(), "read -r x < names", "IFS=: read x y <<< 'p:q:r'", "read -a a <<< 'r s t'", "mapfile -t a < names", "mapfile -t a <<< "+g.word(), "readarray a < names", "echo "+g.lit()+" | read x", "printf -v x '%q' \"$A\"", "read -d b x <<< aabaa", "read -n 2 x <<< abcd", "read <<< "+g.word()+"; x=$REPLY", "mapfile -n 1 a < names", "mapfile -t -s 1 a < names")
}

func (g *generator) option() string {
	return g.pick("set -e", "set +e", "set -u", "set +u", "set -f", "set +f", "set -o pipefail", "set +o pipefail", "set -eu", "set -euo pipefail",
		"shopt -s nullglob", "shopt -u nullglob", "shopt -s failglob", "shopt -s dotglob", "shopt -s globstar", "shopt -s nocasematch", "shopt -s lastpipe", "shopt -s extglob", "shopt -s nocaseglob",
		"shopt -s expand_aliases", "set -a", "set -x", "set -o noglob", "set -C", "shopt -s inherit_errexit", "set +B", "set -P", "shopt -s expand_aliases\nalias al='one al '\nal two; al al", "shopt -s expand_aliases\nalias two='one aliased'")
}

func (g *generator) wrapped() string {
	cmd := g.pick("one", "two", "no") + " " + g.some(0, 2, " ", g.lit)
	switch g.n(12) {
	case 0:
		return "eval " + g.pick("'"+strings.ReplaceAll(g.statementFlat(), "'", `'\''`)+"'", `"one $x"`, "one '$x'", "x="+g.lit(), `"x=\$y"`)
	case 1:
		return "bash -c '" + strings.ReplaceAll(g.pick(g.simple(), g.statementFlat(), `one "$@" $0`, "one $x $EXPORTED"), "'", `'\''`) + "'" + g.pick("", " n p q", " _ "+g.word())
	case 2:
		return "env " + g.pick("", "-i PATH=/bin ", "-u A ", "x=5 ", "-- ") + g.pick(cmd, "bash -c 'one $x $A'")
	case 3:
		return g.pick("echo "+g.lit()+" "+g.lit(), "printf '%s\\n' p 'q r'", "cat names", ":", "echo") + " | xargs " + g.pick("", "-n1 ", "-I{} ", "-r ", "-d '\\n' ", "-t ", "-L1 ") + g.pick(cmd, cmd+" {}")
	case 4:
		return "find " + g.pick(".", "sub", "x.txt", "$P", "-maxdepth 1") + " " + g.pick("-name '*.txt' ", "-type d ", "-maxdepth 1 ", "-name none ", "") + "-exec one " + g.pick("{} ';'", "p {} +", "{} \\;")
	case 5:
		return g.pick("source", ".") + " " + g.pick("./lib.sh", "lib.sh", "./lib.sh "+g.word(), "./none.sh") + "; helper h; one $LIB"
	case 6:
		return g.pick("./run.sh sub "+g.word(), "./plain.sh "+g.word(), "./env.sh", "bash plain.sh "+g.word(), "sh ./plain.sh a b", "bash < plain.sh", "cat plain.sh | bash", "bash -s p q < plain.sh", "sh -c 'one \"$@\" $0 $x' p q", "echo 'one p' | bash", "bash <<< 'one $x'", "bash << E\none $x \\$A\nE")
	case 7:
		return g.pick("command", "builtin", "command -p", "exec", "nice", "nohup", "timeout 9", "setsid -w", "command -v", "time", "flock x.txt", "stdbuf -oL", "env", "builtin command") + " " + cmd
	case 8:
		return g.pick("trap '"+g.pick("one t", "two $x", "x=t")+"' "+g.pick("EXIT", "ERR", "DEBUG", "INT", "RETURN", "0"), "trap - EXIT", "trap '' INT", "trap")
	case 9:
		return g.pick("getopts ab: o -a -b v; one $o $OPTIND", "while getopts ab:c o -a -b v w; do one $o $OPTARG; done", "set -- -c -b z; while getopts ab:c o; do case $o in a) one a;; b) two b $OPTARG;; c) three c;; esac; done; shift $((OPTIND-1)); one \"$@\"")
	case 10:
		return g.pick("one", "cat") + " <<" + g.pick("-E\n\ttabbed $x\n\tE", "E\n$x `echo s` \\$y $(two)\nE", "'E'\n$x $(two)\nE") + "\n"
	}
	return g.pick("cat x.txt | while read -r l; do one \"$l\"; done", "while read l m; do one $l $m; done < names", "while IFS= read -r l; do one \"$l\"; done <<< "+g.word(), "for f in *.txt; do one \"$f\" \"${f%.txt}\"; done", "find . -name '*.txt' | while read f; do one $f; done", "one >(two)", "one <(two)", "coproc { one; }; wait", "one & two; wait", "wait; one $?", "type one; hash one; one $(type -t f1)")
}

// statement is anything that stands between semicolons.
func (g *generator) statement() string {
	n := 24
	if g.deep > 1 {
		n = 15
	}
	switch g.n(n) {
	case 0, 1, 2, 3, 4, 5:
		return g.simple()
	case 6, 7, 8:
		return g.assignment()
	case 9:
		return g.option()
	case 10:
		if g.deep > 2 {
			return g.simple()
		}
		g.deep++
		s := g.wrapped()
		g.deep--
		return s
	case 11:
		return g.pick("cd sub", "cd ..", "cd none", "cd", "cd -", "cd /srv", "cd \"$P\"", "cd $UNSET", "cd sub/deep", "pushd sub", "pushd sub; popd", "popd", "pushd", "pushd /srv; popd", "cd ~", "cd -- sub", "cd x.txt", "cd sub || exit", "cd none && two", "PWD=/q", "cd . && cd /work", "CDPATH=/srv cd data", "cd s*")
	case 12:
		if len(g.funcs) > 0 {
			return g.funcs[g.n(len(g.funcs))] + " " + g.some(0, 3, " ", g.word)
		}
	case 13:
		switch {
		case g.loops > 0:
			return g.cond() + g.pick(" && ", " || ", "; ") + g.pick("break", "continue", "break 2", "continue 2")
		case g.infn:
			return g.cond() + g.pick(" && ", " || ", "; ") + g.pick("return", "return 1", "return 0", "return $N")
		}
		return g.cond() + g.pick(" && ", " || ", "; ") + g.pick("exit", "exit 1", "return", "break")
	case 14:
		return g.simple() + g.pick(" && ", " || ", " | ", " |& ", " & ") + g.pick(g.simple(), g.cond())
	}
	return g.compound()
}

func (g *generator) compound() string {
	if g.deep > 2 {
		return g.simple()
	}
	tail := ""
	if g.n(8) == 0 {
		tail = " " + g.redirect()
	}
	switch g.n(14) {
	case 0, 1:
		s := "if " + g.cond() + "; then " + g.body()
		if g.n(3) == 0 {
			s += "; elif " + g.cond() + "; then " + g.body()
		}
		if g.n(2) == 0 {
			s += "; else " + g.body()
		}
		return s + "; fi" + tail
	case 2:
		return "{ " + g.body() + "; }" + tail
	case 3:
		loops := g.loops
		g.loops = 0
		s := g.pick("( ", "( ", "! ( ") + g.body() + " )" + tail
		g.loops = loops
		return s
	case 4, 5:
		g.loops++
		s := "for " + g.pick("v", "x") + g.pick("", " in "+g.some(0, 3, " ", g.word), " in "+g.some(1, 3, " ", g.word)) + "; do " + g.body() + "; one $v; done" + tail
		g.loops--
		return s
	case 6:
		g.loops++
		v := fmt.Sprintf("w%d", g.n(1000))
		s := v + "=0; " + g.pick("while [ $"+v, "until ! [ $"+v) + " -lt " + g.pick("0", "1", "2", "3") + " ]; do " + v + "=$((" + v + "+1)); " + g.body() + "; done" + tail
		g.loops--
		return s
	case 7:
		g.loops++
		s := "for ((j=0;j<" + g.pick("0", "1", "2", "N", "$#") + ";j++)); do " + g.body() + "; one $j; done" + tail
		g.loops--
		return s
	case 8:
		s := "case " + g.word() + " in "
		for range 1 + g.n(3) {
			s += g.pick("", "(") + g.some(1, 2, "|", func() string { return g.pick("a", "b*", "*", "$x", `"$x"`, "?", "[a-q]*", "'*'", "/*") }) + ") " + g.body() + g.pick(" ;; ", " ;; ", " ;& ", " ;;& ")
		}
		return s + "esac" + tail
	case 9:
		f := g.pick("f1", "f2", "f3")
		loops, infn, funcs := g.loops, g.infn, g.funcs
		g.loops, g.infn, g.funcs = 0, true, nil
		s := g.pick(f+"() { ", "function "+f+" { ", f+"() { local x=$1 y; ", f+"() { local "+g.pick("x", "-i i", "a=(l)", "y=$x", "x y=2")+"; ") + g.body() + "; }"
		if g.n(6) == 0 {
			s = f + "() ( " + g.body() + " )"
		}
		if g.n(8) == 0 {
			s = f + "() { one $1; [ \"${1:-0}\" -gt 0 ] && " + f + " $(($1-1)); }; " + f + " 2"
		}
		g.loops, g.infn, g.funcs = loops, infn, append(funcs, f)
		return s + "; " + f + " " + g.some(0, 3, " ", g.word)
	case 10:
		return g.statementFlat() + g.pick(" && ", " || ") + "{ " + g.body() + "; }" + g.pick("", " || "+g.simple(), " && "+g.simple())
	case 11:
		return g.some(2, 3, " | ", func() string {
			return g.pick(g.simple(), "{ "+g.body()+"; }", "cat", "read x", "while read v; do one $v; done")
		})
	case 12:
		return g.cond() + g.pick(" && ", " || ") + g.simple() + g.pick(" && ", " || ") + g.simple()
	}
	return "select v in " + g.some(1, 2, " ", g.word) + "; do one $v; break; done <<< " + g.pick("1", "2", "9", "x")
}
