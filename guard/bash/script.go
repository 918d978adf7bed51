package bash

import (
	"embed"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What bash itself runs for the gate: prompt before each prompt, gate in the
// fork that PS0 makes, go and no in the live shell when the answer is there.
//
//go:embed sh/*.sh
var shellFiles embed.FS

// The names of the shell files in the runtime directory.
var shellNames = []string{"prompt", "gate", "go", "no", "again", "last", "debug", "edit", "limit", "status", "alone", "old",
	"mine", "theirs", "run", "wrap", "new", "keys"}

const (
	// gatePS0 is what PS0 holds in every shell below us: the gate, by a variable,
	// since bash holds on to the text of PS0 while it reads a line; then the
	// user's own.
	gatePS0 = `${GUARDSH_PG@P}${GUARDSH_PS0:+${GUARDSH_PS0@P}}`

	// forkGate is the gate. It prints 2 when it has answered: GUARDSH_IN then
	// tells the DEBUG trap so, and a gate that was killed leaves 0. 3 makes the
	// index 0, an element that exists, and the inner expansion puts a lost
	// PROMPT_COMMAND back (bash 5.1 or later). Nothing of it is ever shown.
	forkGate = `${GUARDSH_PC[3-(GUARDSH_IN=0$({ \\builtin . "${GUARDSH_DIR-}/gate" || \\builtin :; } 2>/dev/null))]:+${GUARDSH_PC#"${PROMPT_COMMAND[999]:=$GUARDSH_PC}"}}`

	// aloneGate stands in for it where no process can be forked: bash would try
	// for 15 seconds and then drop the line. The DEBUG trap judges it.
	aloneGate = `${GUARDSH_PC[3-(GUARDSH_IN=0)]:+}`

	// What fails in a list that goes on is nothing to the user's ERR trap.
	promptFirst = `{ GUARDSH_ST=$? GUARDSH_LA=$_ GUARDSH_WAS=${GUARDSH_IN-} GUARDSH_IN=1; if [[ -r ${GUARDSH_DIR-}/prompt ]]; then \builtin . "$GUARDSH_DIR/prompt" && \builtin : "$GUARDSH_ST"; elif [[ -z ${GUARDSH_GONE-} ]]; then GUARDSH_GONE=1; \builtin printf '\r\n%s\r\n' 'guardsh: the guard of this shell cannot be reached; lines run unguarded from here on' >/dev/tty; fi; } >/dev/null 2>&1; `
	promptLast  = `{ if [[ -n ${GUARDSH_NEST-} ]]; then GUARDSH_NEST=; else \builtin eval "${GUARDSH_LAST-}"; fi; } >/dev/null 2>&1`
	// gatePrompt is what PROMPT_COMMAND holds. What has to happen in the
	// shell's outermost scope (DEBUG traps are not seen from a sourced file)
	// is evaluated last.
	gatePrompt = promptFirst + promptLast
	// userPrompt stands there where the user has a PROMPT_COMMAND: theirs runs
	// in between, with the $? and $_ that it would see without us.
	userPrompt = promptFirst + `\builtin eval "${GUARDSH_RUN-}"; ` + promptLast
)

// writeScripts puts the shell files into the runtime directory, without
// comments, which bash would read again before each prompt.
func writeScripts(dir string) error {
	for _, name := range shellNames {
		b, err := shellFiles.ReadFile("sh/" + name + ".sh")
		if err != nil {
			return err
		}
		var out strings.Builder
		for line := range strings.Lines(string(b)) {
			if t := strings.TrimSpace(line); t != "" && t[0] != '#' {
				out.WriteString(strings.TrimLeft(line, "\t"))
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(out.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// WithoutGate is env without the gate that this process itself runs under.
func WithoutGate(env []string) []string {
	out := make([]string, 0, len(env)+10)
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "PS0", "PROMPT_COMMAND", "GUARDSH_DIR", "GUARDSH_PID", "GUARDSH_PC", "GUARDSH_PU", "GUARDSH_P0", "GUARDSH_PF", "GUARDSH_PA", "GUARDSH_PG":
			continue
		}
		out = append(out, kv)
	}
	return out
}

// gateEnv is env with what a gated bash needs, over any gate that this
// process itself runs under.
func gateEnv(env []string, dir string) []string {
	return append(WithoutGate(env),
		"PS0="+gatePS0, "GUARDSH_PG="+forkGate, "GUARDSH_PF="+forkGate, "GUARDSH_PA="+aloneGate, "PROMPT_COMMAND="+gatePrompt,
		"GUARDSH_P0="+gatePS0, "GUARDSH_PC="+gatePrompt, "GUARDSH_PU="+userPrompt,
		"GUARDSH_DIR="+dir, "GUARDSH_PID="+strconv.Itoa(os.Getpid()))
}
