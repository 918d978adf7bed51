# Read by the live shell from the DEBUG trap that stands at each prompt: bash
# starts something that came past the gate. A line that it has recorded did not
# reach PS0 (promptvars off, a readonly PS0, no process can be forked) and is
# judged whole; anything else is a key bound by bind -x, or a line that a
# readonly history setting kept from us, and each command is judged by itself.
# Nothing here forks. INT throws away what was about to run.
GUARDSH_F=$-
\builtin set +aeux
GUARDSH_PASS= GUARDSH_V= GUARDSH_I=0 GUARDSH_Z=z
[[ -r $GUARDSH_DIR/q ]] || GUARDSH_Z=y
while [[ ! ( -p $GUARDSH_DIR/$$.a && -w $GUARDSH_DIR/$$.a ) && -p $GUARDSH_DIR/q && -e /proc/$GUARDSH_PID/stat && GUARDSH_I -lt 200 ]]; do
	IFS= \builtin read -r -t 0.01 GUARDSH_X 0<>"$GUARDSH_DIR/$GUARDSH_Z"
	GUARDSH_I=$((GUARDSH_I+1))
done
[[ GUARDSH_I -lt 200 ]] || \builtin printf '\r\nguardsh: no channel to the guard; the line runs unguarded\r\n' >/dev/tty
if [[ -p $GUARDSH_DIR/$$.a && -e /proc/$GUARDSH_PID/stat ]]; then
	# ^C would end this trap and let the command run.
	{
		\builtin trap -p INT >&9
		\builtin printf '\0' >&9
		IFS= \builtin read -r -d '' -u 9 GUARDSH_INT
	} 9<>"$GUARDSH_DIR/$$.t"
	\builtin trap 'GUARDSH_V=no' INT
	# Never the same twice: an answer that came too late for a line that ^C took
	# back must not be one to the next. RANDOM would be the user's.
	GUARDSH_KN=$((${GUARDSH_KN:-0}+1)) GUARDSH_K=$$.${EPOCHREALTIME-$SECONDS}.$GUARDSH_KN
	{
		{
			\builtin printf '\0\2L\0%s\0%s\0%s\0%s\0=' "$GUARDSH_K" "$$" "$HISTCMD" "${GUARDSH_H-}"
			\builtin pwd
			\builtin printf '\0%s\0%s\0' "${GUARDSH_HC-} ${GUARDSH_OFF-} ${GUARDSH_HS-}" "=${GUARDSH_HI-}"
			if [[ -z ${READLINE_POINT+x} ]]; then
				GUARDSH_PASS=1
				if [[ -n $GUARDSH_OLD ]]; then \builtin . "$GUARDSH_DIR/old"; \builtin printf '\t %s\n' "$GUARDSH_X"; else [[ ! -o posix ]] || \builtin printf ' '; \builtin fc -ln -0; fi
				\builtin printf '\0D\0\3\0'
			else
				\builtin printf '\t %s\0K\0\3\0' "$BASH_COMMAND"
			fi
		} >&8
		GUARDSH_B=
		while [[ -z $GUARDSH_V ]]; do
			GUARDSH_M=
			if IFS= \builtin read -r -d '' -t 0.2 -u 9 GUARDSH_M; then
				GUARDSH_M=$GUARDSH_B$GUARDSH_M GUARDSH_B=
				case $GUARDSH_M in
				"$GUARDSH_K ok") GUARDSH_V=ok ;;
				"$GUARDSH_K no") GUARDSH_V=no ;;
				"$GUARDSH_K e "*) \builtin printf '\0\2E\0%s\0\3\0' "$GUARDSH_K" >&8 ;;
				esac
			elif [[ ! -e /proc/$GUARDSH_PID/stat ]]; then
				GUARDSH_V=no
			else
				GUARDSH_B+=$GUARDSH_M # the first part of an answer
			fi
		done
		[[ $GUARDSH_V == no ]] && \builtin printf '\0\2W\0%s\0\3\0' "$GUARDSH_K" >&8
	} 9<>"$GUARDSH_DIR/$$.a" 8<>"$GUARDSH_DIR/$$.q"
	[[ -n $GUARDSH_V ]] || \builtin printf '\r\nguardsh: no channel to the guard; the line runs unguarded\r\n' >/dev/tty
	if [[ -n $GUARDSH_INT ]]; then
		\builtin eval "\\builtin $GUARDSH_INT"
		GUARDSH_INT=
	else
		\builtin trap - INT
	fi
fi
GUARDSH_F=${GUARDSH_F//[!aeux]/}
[[ -n $GUARDSH_F ]] && \builtin set -"$GUARDSH_F"
[[ -n $GUARDSH_PASS ]] && \builtin . "$GUARDSH_DIR/go"
[[ $GUARDSH_V == no ]] && \builtin . "$GUARDSH_DIR/again"
\builtin :
