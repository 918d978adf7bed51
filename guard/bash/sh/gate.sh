# Read by the subshell that PS0 forks from the live shell when a line has been
# parsed and nothing of it has run. The line passes when this ends without a
# signal; it prints 2, or 3 where PROMPT_COMMAND has to be put back.
GUARDSH_F=$-
\builtin set +aeux
# What the live shell has switched off is on in this subshell alone.
{ \builtin enable . alias break builtin declare eval exec exit fc history kill printf pwd read set trap :; } 2>/dev/null
[[ -p $GUARDSH_DIR/q && -e /proc/$GUARDSH_PID/stat ]] || { \builtin printf 2; \builtin exit 0; }
# Death of this subshell would let the line pass: no signal of the keyboard may.
GUARDSH_W=
\builtin trap 'GUARDSH_W=1' INT QUIT HUP TERM
\builtin trap '' TSTP TTIN TTOU PIPE
GUARDSH_A=$GUARDSH_DIR/$$.a GUARDSH_Q=$GUARDSH_DIR/$$.q
GUARDSH_N=0 GUARDSH_Z=z
[[ -r $GUARDSH_DIR/q ]] || GUARDSH_Z=y
while [[ ! ( -p $GUARDSH_A && -w $GUARDSH_A ) && $GUARDSH_N -lt 200 ]]; do
	if [[ $GUARDSH_N == 0 ]]; then
		if [[ -r $GUARDSH_DIR/q ]]; then
			\builtin printf '\0\2G\0%s\0\3\0' "$$" 1<>"$GUARDSH_DIR/q"
		else
			\builtin printf '\0\2G\0%s\0\3\0' "$$" >"$GUARDSH_DIR/q"
		fi
	fi
	IFS= \builtin read -r -t 0.01 GUARDSH_X 0<>"$GUARDSH_DIR/$GUARDSH_Z"
	GUARDSH_N=$((GUARDSH_N+1))
done
if [[ ! ( -p $GUARDSH_A && -w $GUARDSH_A ) ]]; then
	\builtin printf '\r\nguardsh: no channel to the guard; the line runs unguarded\r\n' >/dev/tty
	\builtin printf 2
	\builtin exit 0
fi
GUARDSH_K=$BASHPID.$RANDOM GUARDSH_C=$HISTCMD
# A shell that has not been at a prompt with us does not know its age yet.
GUARDSH_OLD=
[[ BASH_VERSINFO[0] -lt 5 || BASH_VERSINFO[0] -eq 5 && BASH_VERSINFO[1] -lt 2 ]] && GUARDSH_OLD=1
[[ -n $GUARDSH_OLD ]] && \builtin . "$GUARDSH_DIR/old"
# It does not know either where its history stood before the line: bash tells of
# what it has recorded since it began.
if [[ ${GUARDSH_ARMED-} != "$$" || -z ${GUARDSH_H-} ]]; then
	\builtin history -a "$GUARDSH_DIR/$$.h"
	GUARDSH_H=0
	[[ -s $GUARDSH_DIR/$$.h ]] || GUARDSH_H=${GUARDSH_C:-0}
	\builtin : >|"$GUARDSH_DIR/$$.h"
fi
# Without a descriptor left above 9 (ulimit -n) the DEBUG trap judges the line.
\builtin exec {GUARDSH_R}<>"$GUARDSH_A" {GUARDSH_Q}<>"$GUARDSH_Q" || \builtin exit 0
{
	\builtin printf '\0\2L\0%s\0%s\0%s\0%s\0=' "$GUARDSH_K" "$BASHPID" "$GUARDSH_C" "${GUARDSH_H-}"
	\builtin pwd
	\builtin printf '\0%s\0%s\0' "${GUARDSH_HC-} ${GUARDSH_OFF-} ${GUARDSH_HS-}" "=${GUARDSH_HI-}"
	if [[ -n $GUARDSH_OLD ]]; then \builtin printf '\t %s\n' "$GUARDSH_X"; else [[ ! -o posix ]] || \builtin printf ' '; \builtin fc -ln -0; fi
	# What most lines are asked about goes along: a question costs as much as
	# all the rest of this.
	\builtin printf '\0\0%s\0%s\0' "$GUARDSH_F" "${SHELLOPTS-}:${BASHOPTS-}"
	\builtin alias -p
	\builtin printf '\0'
	\builtin declare -F
	\builtin printf '\0%s\0' "$#"
	\builtin printf '=%s\0' "$@"
	\builtin printf '\3\0'
} >&"$GUARDSH_Q"
GUARDSH_V= GUARDSH_B=
while \builtin :; do
	# read takes an answer apart when its time is over in the midst of it, as
	# on a machine that is too busy to go on reading: both parts count.
	GUARDSH_M=
	if IFS= \builtin read -r -d '' -t 0.2 -u "$GUARDSH_R" GUARDSH_M && [[ -z $GUARDSH_W ]]; then
		GUARDSH_M=$GUARDSH_B$GUARDSH_M GUARDSH_B=
		case $GUARDSH_M in
		"$GUARDSH_K ok") GUARDSH_V=ok; \builtin break ;;
		"$GUARDSH_K no") GUARDSH_V=no; \builtin break ;;
		"$GUARDSH_K e "*)
			{
				\builtin printf '\0\2E\0%s\0' "$GUARDSH_K"
				\builtin eval "${GUARDSH_M#"$GUARDSH_K e "}"
				\builtin printf '\0\3\0'
			} >&"$GUARDSH_Q" ;;
		esac
	elif [[ -n $GUARDSH_W ]]; then
		\builtin printf '\0\2W\0%s\0\3\0' "$GUARDSH_K" >&"$GUARDSH_Q"
		GUARDSH_V=no; \builtin break
	elif [[ ! -e /proc/$GUARDSH_PID/stat ]]; then
		\builtin printf '\r\nguardsh: the guard ended before it had answered; the line does not run\r\n' >/dev/tty
		GUARDSH_V=no; \builtin break
	else
		GUARDSH_B+=$GUARDSH_M
	fi
done
# The live shell goes on by a signal of its own, which it takes before anything
# of the line runs. INT alone does for a shell that has not been at a prompt
# with us yet.
GUARDSH_M=12
[[ ${GUARDSH_C:-0} -gt ${GUARDSH_H:-0} ]] || GUARDSH_M=11
if [[ ${GUARDSH_ARMED-} == "$$" && -n ${GUARDSH_T-} ]]; then
	if [[ $GUARDSH_V == no ]]; then
		GUARDSH_M=$((GUARDSH_M == 12 ? 13 : 14))
	fi
	\builtin kill -s RTMIN+"$GUARDSH_M" "$$"
elif [[ $GUARDSH_V == no ]]; then
	\builtin kill -s INT "$$"
else
	GUARDSH_M=${PROMPT_COMMAND[*]-}
	[[ $GUARDSH_M == *"$GUARDSH_PC"* || ${PROMPT_COMMAND@a} == *r* ]] || { \builtin printf 3; \builtin exit 0; }
fi
\builtin printf 2
\builtin exit 0
