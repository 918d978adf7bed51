# Read by the live shell before a prompt: makes what runs GUARDSH_LIST in the
# shell's outermost scope. Each sees what it would see without us: $?, $_, its
# own DEBUG trap, and the user's PROMPT_COMMAND.
if [[ ${#GUARDSH_LIST[@]} -gt 0 ]]; then
	# Nothing of ours behind theirs may reach the user's DEBUG trap: it would take
	# it for the next line's beginning.
	GUARDSH_RUN='{ \builtin eval "$GUARDSH_WRAP"; } >/dev/null 2>&1
'
	for GUARDSH_I in "${!GUARDSH_LIST[@]}"; do
		GUARDSH_RUN+='{ \builtin . "$GUARDSH_DIR/status" "$GUARDSH_L" && \builtin : "$GUARDSH_L"; } >/dev/null 2>&1; \builtin eval "${GUARDSH_LIST['$GUARDSH_I']}"
'
	done
	GUARDSH_WRAP='{ GUARDSH_FD=9; \builtin trap -p DEBUG >&"$GUARDSH_FD"; \builtin . "$GUARDSH_DIR/wrap"; \builtin eval "$GUARDSH_X"; } 9<>"$GUARDSH_DIR/$$.t"'
fi
if \builtin unset -v PROMPT_COMMAND; then
	GUARDSH_SWAP=1
	if [[ $GUARDSH_UA == *a* ]]; then
		PROMPT_COMMAND=("${GUARDSH_USER[@]}")
	else
		GUARDSH_X=
		for GUARDSH_I in "${GUARDSH_USER[@]}"; do GUARDSH_X+=${GUARDSH_X:+$'\n'}$GUARDSH_I; done
		PROMPT_COMMAND=$GUARDSH_X GUARDSH_X=
	fi
fi
