# Read by the live shell before each prompt. Every word is \builtin, since the
# user may have aliases and functions of any name; names may be readonly, so
# they are written by printf -v, which fails where an assignment would throw
# the whole prompt away.
GUARDSH_S=$? GUARDSH_F=$-
\builtin set +aeux
# Left over from the environment of a shell that exec replaced, or set -a.
[[ ${GUARDSH_ARMED-} == "$$" ]] || { \builtin unset -v GUARDSH_T GUARDSH_GONE GUARDSH_ARMED GUARDSH_INT; GUARDSH_ARMED=$$; GUARDSH_NEW=1; }
if [[ -p $GUARDSH_DIR/q && -e /proc/$GUARDSH_PID/stat ]]; then
	GUARDSH_Q=$GUARDSH_DIR/$$.q
	[[ -w $GUARDSH_Q ]] || GUARDSH_Q=$GUARDSH_DIR/q
	if [[ -r $GUARDSH_Q ]]; then
		\builtin printf '\0\2H\0%s\0%s\0%s\0%s\0\3\0' "$$" "$GUARDSH_S" "${GUARDSH_NEW-}" "=${PWD:0:512}" 1<>"$GUARDSH_Q"
	else
		\builtin printf '\0\2H\0%s\0%s\0%s\0%s\0\3\0' "$$" "$GUARDSH_S" "${GUARDSH_NEW-}" "=${PWD:0:512}" >"$GUARDSH_Q"
	fi
	# guardsh makes this shell's own channels when it has read the first hello.
	GUARDSH_N=0
	while [[ ! -p $GUARDSH_DIR/$$.t && GUARDSH_N -lt 100 ]]; do
		IFS= \builtin read -r -t 0.01 GUARDSH_X 0<>"$GUARDSH_DIR/z"
		GUARDSH_N=$((GUARDSH_N+1))
	done
	# PS0 and PROMPT_COMMAND belong to start-up files too: theirs are kept and
	# run behind ours.
	if [[ ${PS0-} != "$GUARDSH_P0" ]]; then
		GUARDSH_X=${PS0-}
		\builtin printf -v GUARDSH_PS0 %s "${GUARDSH_X//"$GUARDSH_P0"/}"
		\builtin printf -v PS0 %s "$GUARDSH_P0"
		\builtin export PS0
	fi
	if [[ ${#PROMPT_COMMAND[@]} -gt 1 ]]; then
		GUARDSH_X=
		for GUARDSH_I in "${PROMPT_COMMAND[@]}"; do
			GUARDSH_I=${GUARDSH_I//"$GUARDSH_PC"/}
			[[ -n $GUARDSH_I ]] && GUARDSH_X+=$GUARDSH_I$'\n'
		done
		# bash goes on with the list it began, so theirs are ours to run only
		# from the next prompt on.
		if \builtin unset -v PROMPT_COMMAND; then
			PROMPT_COMMAND=$GUARDSH_PC
			\builtin export PROMPT_COMMAND
			GUARDSH_NEXT+=$GUARDSH_X
		fi
	elif [[ ${PROMPT_COMMAND-} != "$GUARDSH_PC" ]]; then
		GUARDSH_X=${PROMPT_COMMAND//"$GUARDSH_PC"/:}
		if \builtin printf -v PROMPT_COMMAND %s "$GUARDSH_PC"; then
			\builtin export PROMPT_COMMAND
			GUARDSH_NEXT+=$GUARDSH_X$'\n'
		fi
	elif [[ -n ${GUARDSH_NEXT-} ]]; then
		[[ ${GUARDSH_USER-} == *"$GUARDSH_NEXT"* ]] || GUARDSH_USER+=$GUARDSH_NEXT
		GUARDSH_NEXT=
	fi
	# A refused line had the user's own INT trap lifted.
	if [[ -n ${GUARDSH_INT-} ]]; then
		\builtin eval "\\builtin $GUARDSH_INT"
		GUARDSH_INT=
	fi
	# What keeps a line out of the history would keep it from us. It is put
	# back before the line runs, and the history then made as the user wants.
	if [[ -z ${GUARDSH_T-} ]]; then
		GUARDSH_T=1
		GUARDSH_HC=${HISTCONTROL-} GUARDSH_HI=${HISTIGNORE-} GUARDSH_HS=${HISTSIZE-}
		GUARDSH_O=
		[[ -n $GUARDSH_HC ]] && { \builtin printf -v HISTCONTROL '' || GUARDSH_HC=; }
		[[ -n $GUARDSH_HI ]] && { \builtin printf -v HISTIGNORE '' || GUARDSH_HI=; }
		[[ $GUARDSH_HS == 0 ]] && { \builtin printf -v HISTSIZE 500 || GUARDSH_HS=; }
		[[ -o history ]] || GUARDSH_O+=h
		\builtin shopt -q cmdhist || GUARDSH_O+=c
		\builtin shopt -q lithist || GUARDSH_O+=l
		\builtin shopt -q promptvars || GUARDSH_O+=p
	fi
	\builtin shopt -s cmdhist lithist promptvars
	\builtin trap '{ \builtin . "$GUARDSH_DIR/go"; } 2>/dev/null' RTMIN+12
	\builtin trap '{ \builtin . "$GUARDSH_DIR/no"; } 2>/dev/null' RTMIN+13
	# Evaluated at the very end, as one line: with the history on, every
	# further line that is parsed would be recorded.
	GUARDSH_LAST='\builtin . "$GUARDSH_DIR/debug"; GUARDSH_H=$HISTCMD'
	[[ $GUARDSH_O == *h* ]] && GUARDSH_LAST+='; \builtin set -o history'
	GUARDSH_NEW=
elif [[ -z ${GUARDSH_GONE-} ]]; then
	GUARDSH_GONE=1 GUARDSH_LAST=
	\builtin printf '\r\nguardsh: the guard of this shell cannot be reached; lines run unguarded from here on\r\n' >/dev/tty
fi
GUARDSH_F=${GUARDSH_F//[!aeux]/}
[[ $GUARDSH_F == *e* ]] && GUARDSH_S=0
[[ -n $GUARDSH_F ]] && \builtin set -"$GUARDSH_F"
\builtin return "$GUARDSH_S"
