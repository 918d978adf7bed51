# Read by the live shell before a prompt: where its limit of processes is a new
# one, guardsh is asked before the prompt is shown whether one can be forked.
# On a terminal that is not the session's it is asked each time, so that what it
# says about the prompt stands above it.
# ulimit's output comes back through the shell's own channel, without a fork.
GUARDSH_I=${GUARDSH_UL-}
{
	\builtin ulimit -u >&9
	IFS= \builtin read -r -u 9 GUARDSH_I
} 9<>"$GUARDSH_DIR/$$.t"
if [[ ( $GUARDSH_I != "${GUARDSH_UL-}" || -e $GUARDSH_DIR/$$.o ) && -p $GUARDSH_DIR/$$.a ]]; then
	GUARDSH_UL=$GUARDSH_I GUARDSH_K=u.$$.$HISTCMD.$SECONDS
	{
		\builtin printf '\0\2U\0%s\0\3\0' "$GUARDSH_K" >&8
		while IFS= \builtin read -r -d '' -t 1 -u 9 GUARDSH_M; do
			[[ $GUARDSH_M == "$GUARDSH_K" ]] && \builtin break
		done
	} 9<>"$GUARDSH_DIR/$$.a" 8<>"$GUARDSH_DIR/$$.q"
fi
