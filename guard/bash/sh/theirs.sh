# Read by the live shell before a prompt where PROMPT_COMMAND is not what we left
# there: a start-up file or a line put something before ours, or behind it. What
# stands before ours has run for this prompt; what stands behind it bash runs when
# ours has ended (GUARDSH_LOOSE), since it goes on with what it began.
GUARDSH_LIST=() GUARDSH_ALL=() GUARDSH_N=
# The gate had to put ours back: what had been there was replaced.
[[ ${#PROMPT_COMMAND[@]} -gt 1 && ${PROMPT_COMMAND[999]-} == "$GUARDSH_PC" ]] && GUARDSH_USER=()
[[ ${PROMPT_COMMAND[*]-} == *"$GUARDSH_PC"* || ${PROMPT_COMMAND[*]-} == *"$GUARDSH_PU"* ]] || GUARDSH_N=1 GUARDSH_LOOSE=1 GUARDSH_USER=()
GUARDSH_UA=${PROMPT_COMMAND@a}
[[ -z ${PROMPT_COMMAND[999]-} ]] || GUARDSH_UA=
for GUARDSH_I in "${PROMPT_COMMAND[@]}"; do
	GUARDSH_X=$GUARDSH_I GUARDSH_K=
	case $GUARDSH_I in
	*"$GUARDSH_PC"*) GUARDSH_X=${GUARDSH_I%%"$GUARDSH_PC"*} GUARDSH_K=${GUARDSH_I#*"$GUARDSH_PC"} ;;
	*"$GUARDSH_PU"*) GUARDSH_X=${GUARDSH_I%%"$GUARDSH_PU"*} GUARDSH_K=${GUARDSH_I#*"$GUARDSH_PU"} ;;
	esac
	if [[ $GUARDSH_X != "$GUARDSH_I" ]]; then
		while [[ $GUARDSH_X == *[$' \t\n;'] ]]; do GUARDSH_X=${GUARDSH_X%?}; done
		while [[ $GUARDSH_K == [$' \t\n;']* ]]; do GUARDSH_K=${GUARDSH_K#?}; done
		[[ $GUARDSH_K == [\&\|]* ]] && GUARDSH_K=": $GUARDSH_K"
		# A second time in the same element.
		GUARDSH_K=${GUARDSH_K//"$GUARDSH_PC"/:}
		GUARDSH_K=${GUARDSH_K//"$GUARDSH_PU"/:}
	fi
	# A start-up file that is read again does not find itself there.
	if [[ -n $GUARDSH_X && ${GUARDSH_USER[*]-} != *"$GUARDSH_X"* ]]; then
		GUARDSH_ALL+=("$GUARDSH_X")
		[[ -z $GUARDSH_N ]] || GUARDSH_LOOSE=1
	fi
	[[ $GUARDSH_X == "$GUARDSH_I" || -n $GUARDSH_N ]] || { GUARDSH_N=1; GUARDSH_ALL+=("${GUARDSH_USER[@]}"); GUARDSH_LIST=("${GUARDSH_USER[@]}"); }
	[[ -n $GUARDSH_K && ${GUARDSH_USER[*]-} != *"$GUARDSH_K"* ]] && GUARDSH_ALL+=("$GUARDSH_K") && GUARDSH_LOOSE=1
done
GUARDSH_X=$GUARDSH_PC
if \builtin unset -v PROMPT_COMMAND; then
	GUARDSH_USER=("${GUARDSH_ALL[@]}")
	[[ ${#GUARDSH_USER[@]} -gt 0 ]] && GUARDSH_X=$GUARDSH_PU
	\builtin printf -v PROMPT_COMMAND %s "$GUARDSH_X"
	\builtin export PROMPT_COMMAND
else
	GUARDSH_LOOSE=
fi
# Behind theirs nothing of ours comes then. Where it has to, the prompt is made
# once more.
if [[ -n $GUARDSH_LOOSE ]] && [[ ! -o history || ${PS0-} != "$GUARDSH_P0" || $GUARDSH_PG == "$GUARDSH_PA" ]]; then
	GUARDSH_ONCE=1 GUARDSH_LOOSE= GUARDSH_LIST=()
fi
GUARDSH_X= GUARDSH_ALL=()
