# Read by the live shell before each prompt. Every word is \builtin, since the
# user may have aliases and functions of any name; names may be readonly, so
# they are written by printf -v, which fails where an assignment would throw
# the whole prompt away.
# Theirs may run ours as a part of it, as starship does with what it found there.
[[ -n ${GUARDSH_SWAP-} && ${#FUNCNAME[@]} -gt 1 && ${GUARDSH_ARMED-} == "$$" ]] && { GUARDSH_NEST=1; \builtin return "$GUARDSH_ST"; }
GUARDSH_S=$GUARDSH_ST GUARDSH_F=$-
# Behind an empty line the last word is that of our own DEBUG trap.
[[ -n ${GUARDSH_D-} && $GUARDSH_LA == "$GUARDSH_D" ]] || GUARDSH_L=$GUARDSH_LA
\builtin set +aeux
[[ ${GUARDSH_ARMED-} == "$$" ]] || \builtin . "$GUARDSH_DIR/new"
if [[ -p $GUARDSH_DIR/q && -e /proc/$GUARDSH_PID/stat ]]; then
	GUARDSH_Q=$GUARDSH_DIR/$$.q
	# The second time for one prompt: the first was thrown away, see below.
	[[ -n ${GUARDSH_AGAIN-} ]] && GUARDSH_S=$GUARDSH_AGAIN GUARDSH_L=$GUARDSH_AGL GUARDSH_Q=
	[[ -z $GUARDSH_Q || -w $GUARDSH_Q ]] || GUARDSH_Q=$GUARDSH_DIR/q
	if [[ -z $GUARDSH_Q ]]; then
		\builtin :
	elif [[ -r $GUARDSH_Q ]]; then
		\builtin printf '\0\2H\0%s\0%s\0%s\0%s\0\3\0' "$$" "$GUARDSH_S" "${GUARDSH_NEW-}" "=${PWD:0:512}" 1<>"$GUARDSH_Q"
	else
		\builtin printf '\0\2H\0%s\0%s\0%s\0%s\0\3\0' "$$" "$GUARDSH_S" "${GUARDSH_NEW-}" "=${PWD:0:512}" >"$GUARDSH_Q"
	fi
	# guardsh makes this shell's own channels when it has read the first hello.
	GUARDSH_N=0 GUARDSH_GONE= GUARDSH_Z=z
	[[ -r $GUARDSH_DIR/q ]] || GUARDSH_Z=y
	# The last of them is waited for, or what needs it would be passed over.
	while [[ ! ( -p $GUARDSH_DIR/$$.a && -w $GUARDSH_DIR/$$.a ) && GUARDSH_N -lt 300 ]]; do
		IFS= \builtin read -r -t 0.01 GUARDSH_X 0<>"$GUARDSH_DIR/$GUARDSH_Z"
		GUARDSH_N=$((GUARDSH_N+1))
	done
	# Whether a process can be forked: guardsh leaves a mark where it cannot,
	# and is waited for where the user's own limit may be the reason. It does
	# not know every reason: a line that was recorded and dropped with this
	# status before the gate had answered is one where the fork failed, and the
	# next ones do not try it.
	if [[ -n $GUARDSH_Q ]]; then
		GUARDSH_C=$HISTCMD
		[[ -n $GUARDSH_OLD ]] && \builtin . "$GUARDSH_DIR/old"
		[[ -z $GUARDSH_WAS && $GUARDSH_S == 254 && GUARDSH_C -gt ${GUARDSH_H:-$GUARDSH_C} ]] && GUARDSH_AL=10
		\builtin . "$GUARDSH_DIR/limit"
		GUARDSH_PG=$GUARDSH_PF
		if [[ -e $GUARDSH_DIR/$$.f ]]; then
			GUARDSH_PG=$GUARDSH_PA
		elif [[ ${GUARDSH_AL:-0} -gt 0 ]]; then
			GUARDSH_PG=$GUARDSH_PA GUARDSH_AL=$((GUARDSH_AL-1))
		fi
		# bash 4.4 takes the gate's signal before it has read the gate's answer, and
		# the trap's own commands are none that came past the gate.
		[[ BASH_VERSINFO[0] -lt 5 && $GUARDSH_PG == "$GUARDSH_PF" ]] && GUARDSH_PG='${GUARDSH_PC[3-(GUARDSH_IN=1)]:+}'$GUARDSH_PF
	fi
	# PS0 and PROMPT_COMMAND belong to start-up files too: theirs are kept and
	# run behind ours.
	if [[ ${PS0-} != "$GUARDSH_P0" ]]; then
		GUARDSH_X=${PS0-}
		\builtin printf -v GUARDSH_PS0 %s "${GUARDSH_X//"$GUARDSH_P0"/}"
		\builtin printf -v PS0 %s "$GUARDSH_P0"
		\builtin export PS0
	fi
	[[ -z ${GUARDSH_SWAP-} ]] || \builtin . "$GUARDSH_DIR/mine"
	GUARDSH_LOOSE= GUARDSH_LIST=()
	if [[ ${#PROMPT_COMMAND[@]} -gt 1 || ${PROMPT_COMMAND-} != "$GUARDSH_PC" && ${PROMPT_COMMAND-} != "$GUARDSH_PU" ]]; then
		\builtin . "$GUARDSH_DIR/theirs"
	elif [[ -z ${GUARDSH_AGAIN-} || -n ${GUARDSH_ONCE-} ]]; then
		GUARDSH_LIST=("${GUARDSH_USER[@]}") GUARDSH_ONCE=
	fi
	GUARDSH_RUN=
	[[ ${#GUARDSH_LIST[@]} -eq 0 && -z $GUARDSH_LOOSE ]] || \builtin . "$GUARDSH_DIR/run"
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
		[[ -o history ]] || GUARDSH_OFF=1
		\builtin shopt -q cmdhist || GUARDSH_O+=c
		\builtin shopt -q lithist || GUARDSH_O+=l
		\builtin shopt -q promptvars || GUARDSH_O+=p
	fi
	\builtin shopt -s cmdhist lithist promptvars
	GUARDSH_U=
	# All of them within what set -x does not show, and in a list, whose failures
	# are nothing to an ERR trap. What is read by . would be one to a RETURN trap.
	# Our own DEBUG trap would be run for each command of it.
	\builtin trap '{ GUARDSH_IN=1 GUARDSH_U=1; [[ -n ${GUARDSH_LOOSE-} ]] || \builtin trap - DEBUG; { IFS= \builtin read -r -d "" GUARDSH_X <"$GUARDSH_DIR/go"; \builtin eval "$GUARDSH_X"; } || \builtin :; \builtin eval "$GUARDSH_OUT"; } 2>/dev/null' RTMIN+11
	\builtin trap '{ GUARDSH_IN=1; [[ -n ${GUARDSH_LOOSE-} ]] || \builtin trap - DEBUG; { IFS= \builtin read -r -d "" GUARDSH_X <"$GUARDSH_DIR/go"; \builtin eval "$GUARDSH_X"; } || \builtin :; \builtin eval "$GUARDSH_OUT"; } 2>/dev/null' RTMIN+12
	\builtin trap '{ GUARDSH_IN=1; \builtin . "$GUARDSH_DIR/no" || \builtin :; } 2>/dev/null' RTMIN+13
	\builtin trap '{ GUARDSH_IN=1; GUARDSH_U=1; \builtin . "$GUARDSH_DIR/no" || \builtin :; } 2>/dev/null' RTMIN+14
	GUARDSH_FD= GUARDSH_LAST=$GUARDSH_LD
	GUARDSH_AGAIN=
	if [[ -n $GUARDSH_LOOSE ]]; then
		GUARDSH_LAST='\builtin . "$GUARDSH_DIR/last"; GUARDSH_IN=; \builtin . "$GUARDSH_DIR/status"'
	elif [[ ! -o history || -n ${GUARDSH_ONCE-} ]]; then
		# bash puts the history off again behind PROMPT_COMMAND, unless that is
		# thrown away by INT: then the prompt is made once more, with it on.
		# One line, since each further one that is parsed would be recorded.
		GUARDSH_AGAIN=$GUARDSH_S GUARDSH_AGL=$GUARDSH_L
		GUARDSH_LAST='[[ -z ${GUARDSH_SWAP-} ]] || \builtin . "$GUARDSH_DIR/mine"; \builtin set -o history; \builtin . "$GUARDSH_DIR/again"'
	fi
	[[ -z $GUARDSH_NEW ]] || \builtin . "$GUARDSH_DIR/keys"
	if [[ -e $GUARDSH_DIR/eof ]]; then
		[[ -n ${IGNOREEOF+x} ]] || { \builtin printf -v IGNOREEOF 1 && GUARDSH_EOF=1; }
	elif [[ -n ${GUARDSH_EOF-} ]]; then
		\builtin unset -v IGNOREEOF
		GUARDSH_EOF=
	fi
	GUARDSH_NEW=
elif [[ -z ${GUARDSH_GONE-} ]]; then
	GUARDSH_GONE=1 GUARDSH_LAST=
	\builtin printf '\r\nguardsh: the guard of this shell cannot be reached; lines run unguarded from here on\r\n' >/dev/tty
fi
GUARDSH_F=${GUARDSH_F//[!aeux]/}
[[ $GUARDSH_F == *e* ]] && GUARDSH_S=0
[[ -n $GUARDSH_F ]] && \builtin set -"$GUARDSH_F"
\builtin return "$GUARDSH_S"
