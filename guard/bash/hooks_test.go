package bash

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hooks are ways in which frameworks put their hooks into bash. Each notes its
// calls, and under the gate they are those of plain bash.
var hooks = map[string]string{
	// Installs itself at the first prompt, goes on looking for itself, and keeps
	// what it finds in a DEBUG trap.
	"preexec": `
pre() { [[ -t 1 && -n $ready ]] || return; case $'\n'"${PROMPT_COMMAND[*]}"$'\n' in *$'\n'"$BASH_COMMAND"$'\n'*) ready=; return;; esac; ready=; note "pre $(HISTTIMEFORMAT= history 1 | sed 's/ *[0-9]* *//')"; }
post() { local s=$? a=$1; installed || { note again; install; }; note "post $s $a"; }
installed() { local IFS=$'\n'; [[ ${PROMPT_COMMAND[*]} == 'post "$_"'$'\n'* && ${PROMPT_COMMAND[*]} == *$'\nready' ]]; }
ready() { ready=1; }
install() { local i; trap pre DEBUG; for i in "${!PROMPT_COMMAND[@]}"; do case ${PROMPT_COMMAND[i]} in first*|post*|ready) unset -v "PROMPT_COMMAND[i]";; esac; done
	PROMPT_COMMAND=('post "$_"' "${PROMPT_COMMAND[@]}" ready); }
declare -ft install first
first() { local s=$?; case "${PROMPT_COMMAND[*]}" in *post*) return;; esac; note install; install; note "post $s $1"; ready=1; }
PROMPT_COMMAND+=('first "$_"')`,
	"timer":         `begin() { [[ -n $on ]] || { on=1; note begin; }; }; end() { note "end $? $on"; on=; }; trap begin DEBUG; PROMPT_COMMAND=end`,
	"timer-append":  `begin() { [[ -n $on ]] || { on=1; note begin; }; }; end() { note "end $? $on"; on=; }; trap begin DEBUG; PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND; }end"`,
	"logger":        `trap 'case $BASH_COMMAND in *note*|*GUARDSH*|unset*) ;; *) note "debug $? $_ $BASH_COMMAND";; esac' DEBUG; PROMPT_COMMAND+=('note "end $?"')`,
	"keeps":         `kept=$PROMPT_COMMAND; end() { local s=$?; [[ -z $kept ]] || eval "$kept"; note "end $s"; }; PROMPT_COMMAND=end`,
	"append":        `PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND; }note \"end \$?\""`,
	"prepend":       `PROMPT_COMMAND="note \"end \$?\"${PROMPT_COMMAND:+;$PROMPT_COMMAND}"`,
	"array-append":  `PROMPT_COMMAND+=('note "one $? $_"' 'note "two $? $_"')`,
	"array-prepend": `PROMPT_COMMAND=('note "one $? $_"' "${PROMPT_COMMAND[@]}")`,
	"around":        `PROMPT_COMMAND="note one; ${PROMPT_COMMAND:+$PROMPT_COMMAND;} note \"two \$?\""`,
	"searched":      `add() { case ";${PROMPT_COMMAND[*]};" in *";$1;"*) note found;; *) PROMPT_COMMAND="$1${PROMPT_COMMAND:+;$PROMPT_COMMAND}";; esac; }; hook() { note hook; add hook; }; add hook`,
	"once":          `hook() { note once; PROMPT_COMMAND=${PROMPT_COMMAND/hook;/}; }; every() { note every; }; PROMPT_COMMAND='hook;every'`,
	"ps0":           `end() { note "end $? $n"; }; PS0='${n:$((n=n+1,0)):0}'"$PS0"; PROMPT_COMMAND+=(end)`,
	"errexit":       `end() { note "end $-"; }; PROMPT_COMMAND+=(end)`,
}

// late are those whose DEBUG trap sees the gate until the second line: it stands
// before the gate does.
var late = map[string]bool{"timer": true, "logger": true}

func TestHooks(t *testing.T) {
	lines := []string{"echo one", "false", "", " echo two | cat", "f() { return 3; }; f", "for i in 1 2; do echo $i; done >/dev/null", "echo x y", "echo [$_]"}
	for name, rc := range hooks {
		t.Run(name, func(t *testing.T) {
			rc = "note() { echo \"$*\" >>~/calls; }\n" + rc
			plain := plainBash(t, rc)
			gated := session(t, rc)
			calls := func(s *typing) []string {
				b, _ := os.ReadFile(filepath.Join(s.dir, "calls"))
				os.Remove(filepath.Join(s.dir, "calls"))
				return strings.Split(strings.TrimSpace(string(b)), "\n")
			}
			compare := func(what string) {
				t.Helper()
				want, got := calls(plain), calls(gated)
				if strings.Join(want, "|") != strings.Join(got, "|") {
					t.Errorf("%s: %q\nin plain bash: %q", what, got, want)
				}
			}
			plain.run("")
			gated.run("")
			compare("the first prompts")
			if late[name] {
				// The line that puts the gate back, and the one behind it.
				for range 2 {
					plain.run(":")
					gated.run(":")
				}
				calls(plain)
				calls(gated)
			}
			for _, line := range lines {
				want, got := plain.run(line), gated.run(line)
				if want != got {
					t.Errorf("%q: %q\nin plain bash: %q", line, got, want)
				}
				compare(line)
			}
			before := len(gated.lines())
			gated.refused("touch bad # RISKY")
			gated.refused("touch bad # RISKY")
			gated.missing("bad")
			if n := len(gated.lines()) - before; n != 2 {
				t.Errorf("two lines were judged %d times", n)
			}
		})
	}
}

// ^C in the midst of a hook leaves the gate where it is.
func TestHookInterrupted(t *testing.T) {
	s := session(t, "hook() { if [[ -n $slow ]]; then slow=; sh -c 'echo $$ >pid; echo hooked; exec sleep 100'; fi; }; PROMPT_COMMAND+=(hook 'echo behind')")
	s.run("echo")
	for range 2 {
		s.send("slow=1\r")
		s.expect("hooked\r\n")
		// In plain bash, too, one that comes before the sleep has the terminal is lost.
		s.foreground("pid")
		s.send("\x03")
		s.expect("behind\r\n")
		s.expect(ps1)
		s.refused("touch bad # RISKY")
		s.want("slow=; echo one", "one\nbehind\n")
		s.refused("touch bad # RISKY")
		s.want("echo ${PROMPT_COMMAND[@]@a}", "x\nbehind\n")
	}
	s.missing("bad")
}

// A start-up file that is read again, and hooks that come and go with lines.
func TestHooksByLines(t *testing.T) {
	s := session(t, `hook() { echo "hook $?"; }; PROMPT_COMMAND="hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"`)
	s.want("(exit 3)", "hook 3\n")
	s.want(`PROMPT_COMMAND="hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"`, "hook 0\nhook 0\n")
	s.want("echo one", "one\nhook 0\n")
	s.refused("touch bad # RISKY")
	s.want("PROMPT_COMMAND+=('echo more')", "hook 0\nmore\n")
	s.want("(exit 4)", "hook 4\nmore\n")
	s.refused("touch bad # RISKY")
	s.want("PROMPT_COMMAND='echo alone'", "alone\n")
	s.refused("touch bad # RISKY")
	s.want("echo one", "one\nalone\n")
	s.missing("bad")
}

// plainBash is session without the gate.
func plainBash(t *testing.T, rc string) *typing {
	t.Helper()
	s := &typing{t: t, dir: scratch(t)}
	s.writeRC(rc)
	s.open(exec.Command("bash", "--rcfile", "rc", "-i"), []string{"PATH=" + testPath(), "HOME=" + s.dir, "TERM=xterm", "LANG=C.UTF-8"})
	s.expect(ps1)
	return s
}
