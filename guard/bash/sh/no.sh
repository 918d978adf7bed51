# Read by the live shell when its line is refused. bash throws the whole line
# away on INT, unless that is trapped: then the trap is lifted, and put back
# at the next prompt.
GUARDSH_INT=
if \builtin exec {GUARDSH_X}<>"$GUARDSH_DIR/$$.t"; then
	\builtin trap -p INT >&"$GUARDSH_X"
	\builtin printf '\0' >&"$GUARDSH_X"
	IFS= \builtin read -r -d '' -u "$GUARDSH_X" GUARDSH_INT
	\builtin exec {GUARDSH_X}>&-
fi
[[ -n $GUARDSH_INT ]] && \builtin trap - INT
\builtin kill -s INT "$$"
