# Read by the live shell when the user's PROMPT_COMMAND has run. It stood in the
# variable meanwhile, so that what looks there for itself finds itself, as
# bash-preexec does, and what changed it has changed what is run from now on.
GUARDSH_SWAP= GUARDSH_USER=() GUARDSH_UA=${PROMPT_COMMAND@a}
for GUARDSH_I in "${PROMPT_COMMAND[@]}"; do
	GUARDSH_I=${GUARDSH_I//"$GUARDSH_PC"/}
	GUARDSH_I=${GUARDSH_I//"$GUARDSH_PU"/}
	[[ -n $GUARDSH_I ]] && GUARDSH_USER+=("$GUARDSH_I")
done
GUARDSH_X=$GUARDSH_PC
[[ ${#GUARDSH_USER[@]} -gt 0 ]] && GUARDSH_X=$GUARDSH_PU
\builtin unset -v PROMPT_COMMAND
\builtin printf -v PROMPT_COMMAND %s "$GUARDSH_X"
\builtin export PROMPT_COMMAND
GUARDSH_X=
