package command

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// What a line leaves of the gate. bash says itself what the two variables hold
// afterwards, whether builtins work and which functions there are.
func TestGateLeft(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"PS0=", "PS0="},
		{"PS0=x", "PS0=x"},
		{"PS0=x PROMPT_COMMAND=", "PS0=x PROMPT_COMMAND="},
		{"PROMPT_COMMAND=('a b' c)", "PROMPT_COMMAND=a b"},
		{"unset PS0", "PS0-"},
		{"unset -v X PS0 PROMPT_COMMAND", "PS0- PROMPT_COMMAND-"},
		{"declare PS0=", "PS0="},
		{"export PS0=y; declare -x PROMPT_COMMAND=z", "PS0=y PROMPT_COMMAND=z"},
		{"readonly PS0=", "PS0= fixed"},
		{"printf -v PS0 %s q", "PS0=q"},
		{"read PS0 <<< r", "PS0=r"},
		{"mapfile -t PROMPT_COMMAND <<< r", "PROMPT_COMMAND=r"},
		{"for PS0 in a b; do :; done", "PS0=b"},
		{"declare -n r=PS0; r=", "PS0="},
		{"f() { local -n r=PS0; r=; }; f", "PS0="},
		{"f() { PS0=; }; f", "PS0="},
		{"eval 'PS0='", "PS0="},
		{"true && PS0=", "PS0="},
		{"X=PS0; printf -v \"$X\" x", "PS0=x"},
		{"((PS0=7))", "PS0=7"},
		{"PS0[0]=", "PS0="},
		{"builtin() { :; }", "builtin()"},
		{"function builtin { :; }", "builtin()"},
		{"enable -n printf read", "printf! read!"},
		{"set -o restricted", "set -o restricted"},
		{"set -r", "set -o restricted"},
		// It is as it was.
		{"PS1=x", ""},
		{"PS0=${PS0}x", ""},
		{"PS0+=x", ""},
		{"PROMPT_COMMAND=\"history -a; $PROMPT_COMMAND\"", ""},
		{"PROMPT_COMMAND=\"${PROMPT_COMMAND:+$PROMPT_COMMAND; }x\"", ""},
		{"PROMPT_COMMAND+=(x)", ""},
		{"PROMPT_COMMAND=(x \"${PROMPT_COMMAND[@]}\")", ""},
		{"PROMPT_COMMAND=${PROMPT_COMMAND//zz/}", ""},
		{"PS0=x; PS0='$(gate)'", ""},
		{"x=$PS0; PS0=; PS0=$x", ""},
		{"(PS0=; unset PROMPT_COMMAND; enable -n printf)", ""},
		{"PS0= true", ""},
		{"f() { local PS0=; }; f", ""},
		{"f() { PS0=; }", ""},
		{"false && PS0=", ""},
		{"PS0= | cat", ""},
		{"bash -c 'unset PS0'", ""},
		{"readonly PS0", ""},
		{"unset -f PS0", ""},
		{"enable -n printf; enable printf", ""},
		{"enable -n help", ""},
		{"builtin() { :; }; unset -f builtin", ""},
		{"alias builtin=:", ""},
		{"trap - DEBUG", ""},
		{"read -p PS0 x <<< y", ""},
		{"echo PS0=", ""},
		// What start-up files do: direnv, bash-preexec, starship, the context of
		// systemd's shells, git's prompt.
		{`_direnv_hook() { :; }
if [[ ";${PROMPT_COMMAND[*]:-};" != *";_direnv_hook;"* ]]; then
  if [[ "$(declare -p PROMPT_COMMAND 2>&1)" == "declare -a"* ]]; then
    PROMPT_COMMAND=(_direnv_hook "${PROMPT_COMMAND[@]}")
  else
    PROMPT_COMMAND="_direnv_hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
  fi
fi`, ""},
		{`install() {
  local existing; existing="${PROMPT_COMMAND:-}"; existing="${existing//__install/:}"
  PROMPT_COMMAND='precmd'
  [[ ${existing:-:} == ":" ]] || PROMPT_COMMAND+=$'\n'${existing}
  PROMPT_COMMAND+=('interactive')
}
install`, ""},
		{`PS0='${START:$((START=1)):0}'"${PS0-}"; KEPT=$PROMPT_COMMAND; PROMPT_COMMAND=starship_precmd`, "PROMPT_COMMAND=starship_precmd"},
		{`PROMPT_COMMAND+=(context); PS0='$(context)'`, "PS0=$(context)"},
		{`PROMPT_COMMAND='__git_ps1 "\u@\h" "\$ "'`, `PROMPT_COMMAND=__git_ps1 "\u@\h" "\$ "`},
		{"GUARDSH_DIR=/no", "GUARDSH_DIR=/no"},
		{"MYGUARDSH_DIR=/no", ""},
	} {
		env := []string{"PS0=$(gate)", "PROMPT_COMMAND=$(gate)", "GUARDSH_DIR=/run/x", "PATH=/usr/bin:/bin"}
		l := Understand(c.line, Options{Shell: &StaticShell{Environ: env, Dir: "/"}})
		var got []string
		for _, a := range l.Actions {
			for _, x := range a.Left {
				got = append(got, leftText(x))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.line, got, c.want)
		}
		if strings.Contains(c.want, "restricted") {
			continue // the referee could say nothing
		}
		cmd := exec.Command("bash", "--norc", "-c", c.line+referee)
		cmd.Env = env
		var out strings.Builder
		cmd.Stderr = &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v", c.line, err)
		}
		if said := strings.Fields(out.String()); (c.want == "") != (len(said) == 0) {
			t.Errorf("%s: bash is left with %q, the table says %q", c.line, said, c.want)
		}
	}
	for _, line := range []string{"PS0=", "enable -n printf", "builtin() { :; }", "set -r"} {
		if l := Understand(line, Options{}); strings.Contains(strings.Join(compact(l), "\n"), "left-") {
			t.Errorf("%s: a shell without a gate loses it", line)
		}
	}
}

// referee is behind each line: it names what no longer holds.
const referee = `
{ [[ ${PS0[*]} == *'$(gate)'* ]] || echo PS0
[[ ${PROMPT_COMMAND[*]} == *'$(gate)'* ]] || echo PROMPT_COMMAND
[[ $GUARDSH_DIR == /run/x ]] || echo GUARDSH_DIR
for b in printf read; do [[ $(type -t $b) == builtin ]] || echo $b; done
[[ $(type -t builtin) == builtin ]] || echo builtin; } >&2`

func leftText(l Left) string {
	s := l.Name
	switch l.Kind {
	case LeftFunction:
		s += "()"
	case LeftBuiltin:
		s += "!"
	case LeftOption:
		s = "set -o " + s
	case LeftVariable:
		if l.Unset {
			return s + "-"
		}
		v, _ := l.Value.Value()
		s += "=" + v
	default:
		return fmt.Sprint("no kind: ", l)
	}
	if l.Fixed {
		s += " fixed"
	}
	return s
}
