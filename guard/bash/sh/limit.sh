# Read by the live shell before a prompt: where its limit of processes is a new
# one, guardsh is asked before the prompt is shown whether one can be forked.
# ulimit's output comes back through the shell's own channel, without a fork.
if \builtin exec {GUARDSH_X}<>"$GUARDSH_DIR/$$.t"; then
	\builtin ulimit -u >&"$GUARDSH_X"
	IFS= \builtin read -r -u "$GUARDSH_X" GUARDSH_I
	\builtin exec {GUARDSH_X}>&-
	if [[ $GUARDSH_I != "${GUARDSH_UL-}" && -p $GUARDSH_DIR/$$.a ]]; then
		GUARDSH_UL=$GUARDSH_I GUARDSH_K=u.$$.$HISTCMD.$SECONDS
		\builtin exec {GUARDSH_R}<>"$GUARDSH_DIR/$$.a" {GUARDSH_X}<>"$GUARDSH_DIR/$$.q"
		\builtin printf '\0\2U\0%s\0\3\0' "$GUARDSH_K" >&"$GUARDSH_X"
		while IFS= \builtin read -r -d '' -t 1 -u "$GUARDSH_R" GUARDSH_M; do
			[[ $GUARDSH_M == "$GUARDSH_K" ]] && \builtin break
		done
		\builtin exec {GUARDSH_R}>&- {GUARDSH_X}>&-
	fi
fi
