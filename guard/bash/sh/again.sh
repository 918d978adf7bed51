# Read by the live shell to throw away what it does and make a new prompt.
# bash does that on INT, unless it is trapped: then the trap is lifted, and put
# back at the next prompt.
GUARDSH_INT=
{
	\builtin trap -p INT >&9
	\builtin printf '\0' >&9
	IFS= \builtin read -r -d '' -u 9 GUARDSH_INT
} 9<>"$GUARDSH_DIR/$$.t"
[[ -n $GUARDSH_INT ]] && \builtin trap - INT
\builtin kill -s INT "$$"
