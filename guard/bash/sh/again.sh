# Read by the live shell to throw away what it does and make a new prompt.
# bash does that on INT, unless it is trapped: then the trap is lifted, and put
# back at the next prompt.
GUARDSH_INT=
if \builtin exec {GUARDSH_X}<>"$GUARDSH_DIR/$$.t"; then
	\builtin trap -p INT >&"$GUARDSH_X"
	\builtin printf '\0' >&"$GUARDSH_X"
	IFS= \builtin read -r -d '' -u "$GUARDSH_X" GUARDSH_INT
	\builtin exec {GUARDSH_X}>&-
fi
[[ -n $GUARDSH_INT ]] && \builtin trap - INT
\builtin kill -s INT "$$"
