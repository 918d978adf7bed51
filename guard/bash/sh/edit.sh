# Read by the live shell for C-x C-e and vi's v: the editor's text comes back to
# the line, where Enter sends it through the gate. bash's own commands for it
# would run the text unseen.
\builtin printf '%s\n' "$READLINE_LINE" >|"$GUARDSH_DIR/$$.e"
\builtin eval "${VISUAL:-${EDITOR:-vi}}"' "$GUARDSH_DIR/$$.e"'
IFS= \builtin read -r -d '' GUARDSH_X <"$GUARDSH_DIR/$$.e"
\builtin : >|"$GUARDSH_DIR/$$.e"
READLINE_LINE=${GUARDSH_X%$'\n'} READLINE_POINT=${#READLINE_LINE}
GUARDSH_X=
