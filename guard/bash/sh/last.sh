# Read by the live shell as the last thing before a prompt: what the user's own
# DEBUG trap was, unless it is ours that still stands (an empty line).
if [[ -n $GUARDSH_LOOSE ]]; then
	GUARDSH_OUT='\builtin : "$GUARDSH_L"'
elif [[ $GUARDSH_FD == 9 ]]; then
	\builtin printf '\0' >&9
	IFS= \builtin read -r -d '' -u 9 GUARDSH_X
	if [[ -z $GUARDSH_X ]]; then
		GUARDSH_UT= GUARDSH_OUT='\builtin trap - DEBUG; \builtin : "$GUARDSH_L"'
	elif [[ $GUARDSH_X != *GUARDSH_D* ]]; then
		\builtin eval "GUARDSH_LIST=($GUARDSH_X)"
		[[ ${GUARDSH_LIST[2]} == "${GUARDSH_W-}" ]] || GUARDSH_UT=$GUARDSH_X
		GUARDSH_OUT="\\builtin $GUARDSH_UT"
		# Any command behind it would reach that trap: the last word goes along.
		GUARDSH_OUX="$GUARDSH_OUT #"
		[[ $GUARDSH_L == *$'\n'* ]] || ! \builtin shopt -q interactive_comments || GUARDSH_OUT='\builtin eval "$GUARDSH_OUX" "$GUARDSH_L"'
	fi
fi
# Written out here, not evaluated there: the last word of the last command is
# the line's $_, which has to be what it would be without us. Our own DEBUG trap
# is taken away first: it would be run for each command of go.
\builtin trap '{ GUARDSH_IN=1 GUARDSH_U=1; [[ -n ${GUARDSH_LOOSE-} ]] || \builtin trap - DEBUG; { IFS= \builtin read -r -d "" GUARDSH_X <"$GUARDSH_DIR/go"; \builtin eval "$GUARDSH_X"; } || \builtin :; '"$GUARDSH_OUT"'
} 2>/dev/null' RTMIN+11
\builtin trap '{ GUARDSH_IN=1; [[ -n ${GUARDSH_LOOSE-} ]] || \builtin trap - DEBUG; { IFS= \builtin read -r -d "" GUARDSH_X <"$GUARDSH_DIR/go"; \builtin eval "$GUARDSH_X"; } || \builtin :; '"$GUARDSH_OUT"'
} 2>/dev/null' RTMIN+12
GUARDSH_C=$HISTCMD
[[ -n $GUARDSH_OLD ]] && \builtin . "$GUARDSH_DIR/old"
GUARDSH_H=${GUARDSH_C:-0} GUARDSH_X=
